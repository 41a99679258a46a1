import jax.numpy as jnp
import numpy
import torch
from scipy.spatial.distance import cdist

from frameworks import Peer, all_frameworks, torch_peer


def in_torch(x, y):
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T).mean()


def in_jax(x, y):
    return (jnp.square(x).sum(1)[:, None] + jnp.square(y).sum(1) - 2 * x @ y.T).mean()


def product_and_pass(x, y):
    """A yardstick: NumPy's OpenBLAS and one pass of PyTorch's threads over the product in memory of its own, beside the mean that all take."""
    product = numpy.empty((len(x), len(y)), numpy.float32)
    whole = torch.from_numpy(product)
    squares = numpy.square(x).sum(1).mean() + numpy.square(y).sum(1).mean()

    def run():
        numpy.matmul(x, y.T, out=product)
        return squares + whole.mul_(-2).mean().item()

    return Peer("OpenBLAS and a pass", run)


def peers(arrays, differentiated, options):
    return [
        *all_frameworks(in_torch, in_jax, arrays, differentiated),
        torch_peer("torch.cdist", lambda x, y: torch.cdist(x, y).square().mean(), arrays, differentiated),
        Peer("scipy", lambda: cdist(*arrays, "sqeuclidean").mean()),
        product_and_pass(*arrays),
    ]
