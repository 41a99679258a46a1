import jax
import jax.numpy as jnp
import torch.nn.functional as F

from frameworks import all_frameworks


def in_jax(hidden, weight, labels):
    logits = hidden @ weight.T
    picked = jnp.take_along_axis(logits, labels[:, None], axis=1)[:, 0]
    return (jax.nn.logsumexp(logits, axis=1) - picked).mean()


def peers(arrays, differentiated, options):
    return all_frameworks(
        lambda hidden, weight, labels: F.cross_entropy(hidden @ weight.T, labels), in_jax, arrays, differentiated
    )
