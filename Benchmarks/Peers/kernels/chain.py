import jax
import torch.nn.functional as F

from frameworks import all_frameworks


def peers(arrays, differentiated, options):
    return all_frameworks(
        lambda x, a, b, c: (F.gelu(x * a + b) * c).sum(),
        lambda x, a, b, c: (jax.nn.gelu(x * a + b, approximate=False) * c).sum(),
        arrays,
        differentiated,
    )
