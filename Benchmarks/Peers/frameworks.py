"""A function of arrays as a peer: in PyTorch, compiled by PyTorch, compiled by JAX, or plain."""

import os

import jax
import numpy
import torch

threads = int(os.environ.get("OMP_NUM_THREADS", os.cpu_count()))
torch.set_num_threads(threads)


class Peer:
    """Passes by name: "forward" returns a value, "forward+backward" a value and its gradients; both only when they are done.

    `indices` returns which points a value is of, `classes` the births and deaths [classes, 2] that a value is made of; `is_compiled` says that a first
    run compiles nothing."""

    def __init__(self, name, forward, both=None, indices=None, classes=None, is_compiled=False):
        self.name = name
        self.is_compiled = is_compiled
        self.indices = indices
        self.classes = classes
        self.passes = {"forward": forward} | ({"forward+backward": both} if both else {})


def torch_peer(name, function, arrays, differentiated):
    """`function` takes tensors and returns a scalar."""
    inputs = [torch.from_numpy(array) for array in arrays]
    leaves = [tensor.clone().requires_grad_() for tensor in inputs[:differentiated]]

    def forward():
        with torch.no_grad():
            return function(*inputs)

    def both():
        value = function(*leaves, *inputs[differentiated:])
        return value.detach(), torch.autograd.grad(value, leaves)

    return Peer(name, forward, both)


def torch_peers(function, arrays, differentiated):
    """Eager, and compiled for these very sizes."""
    torch.compiler.reset()
    return [
        torch_peer("torch", function, arrays, differentiated),
        torch_peer("torch.compile", torch.compile(function, dynamic=False), arrays, differentiated),
    ]


def jax_peer(function, arrays, differentiated):
    """`function` takes arrays and returns a scalar."""
    inputs = [jax.numpy.asarray(array) for array in arrays]
    value = jax.jit(function)
    value_and_gradients = jax.jit(jax.value_and_grad(function, argnums=tuple(range(differentiated))))
    return Peer(
        "jax",
        lambda: value(*inputs).block_until_ready(),
        lambda: jax.block_until_ready(value_and_gradients(*inputs)),
    )


def all_frameworks(torch_function, jax_function, arrays, differentiated):
    # JAX has 32-bit integers by default.
    small = [array.astype(numpy.int32) if array.dtype == numpy.int64 else array for array in arrays]
    return [*torch_peers(torch_function, arrays, differentiated), jax_peer(jax_function, small, differentiated)]
