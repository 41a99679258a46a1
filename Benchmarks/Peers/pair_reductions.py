"""Reductions over all pairs of points, on a matrix of pairs or, by KeOps, without one."""

from frameworks import all_frameworks, torch_peer


def peers(in_torch, in_jax, in_keops, arrays, differentiated):
    """`in_keops` takes symbolic points [n, 1, d] and [1, m, d]."""
    # A matrix that is too large to be held several times over leaves those out that need it.
    holds = len(arrays[0]) * len(arrays[1]) <= 2**28
    contenders = all_frameworks(in_torch, in_jax, arrays, differentiated) if holds else []
    try:
        from pykeops.torch import LazyTensor
    except ImportError:
        return contenders

    def lazily(x, y):
        return in_keops(LazyTensor(x[:, None, :]), LazyTensor(y[None, :, :]))

    return [*contenders, torch_peer("KeOps", lazily, arrays, differentiated)]
