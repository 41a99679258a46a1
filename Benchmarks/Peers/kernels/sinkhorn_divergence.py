"""The debiased divergence by the same alternating, annealed iteration in the log domain, on cost matrices that are held."""

import math

import jax
import jax.numpy as jnp
import numpy
import ot
import torch
from scipy.spatial.distance import cdist

from frameworks import Peer


def schedule(x, y, epsilon, steps):
    both = numpy.concatenate([x, y])
    diameter = numpy.linalg.norm(both.max(0) - both.min(0))
    eps, scheduled = diameter**2 / 2, []
    while eps > epsilon and len(scheduled) < steps // 2:
        scheduled.append(eps)
        eps *= 0.64
    return scheduled + [epsilon] * (steps - len(scheduled))


def half_squares(x, y):
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T) / 2


def torch_peer(name, soft_min, x, y, epsilon, steps):
    def potentials(x, y):
        n, m = len(x), len(y)
        costs = half_squares(x, y), half_squares(y, x), half_squares(x, x), half_squares(y, y)
        f, g, p, q = x.new_zeros(n), x.new_zeros(m), x.new_zeros(n), x.new_zeros(m)
        # And a last step at the target.
        for eps in schedule(x.numpy(), y.numpy(), epsilon, steps) + [epsilon]:
            eps = torch.tensor(eps, dtype=torch.float32)
            f = soft_min(costs[0], g, eps)
            g = soft_min(costs[1], f, eps)
            p, q = (p + soft_min(costs[2], p, eps)) / 2, (q + soft_min(costs[3], q, eps)) / 2
        return costs, (f, g, p, q)

    def forward():
        with torch.no_grad():
            _, (f, g, p, q) = potentials(x, y)
            return (f - p).mean() + (g - q).mean()

    def both():
        with torch.no_grad():
            eps = torch.tensor(epsilon, dtype=torch.float32)
            _, (f, g, p, q) = potentials(x, y)
        leaf = x.clone().requires_grad_()
        # By the envelope theorem the potentials are held while one more step is differentiated.
        moved = (soft_min(half_squares(leaf, y), g, eps) - soft_min(half_squares(leaf, x), p, eps)).mean()
        return (f - p).mean() + (g - q).mean(), torch.autograd.grad(moved, [leaf])

    return Peer(name, forward, both)


def torch_soft_min(cost, potential, eps):
    return -eps * torch.logsumexp((potential - cost) / eps - math.log(cost.shape[1]), dim=1)


def jax_peer(x, y, epsilon, steps):
    def soft_min(cost, potential, eps):
        return -eps * jax.nn.logsumexp((potential - cost) / eps - math.log(cost.shape[1]), axis=1)

    def half_squares(x, y):
        return (jnp.square(x).sum(1)[:, None] + jnp.square(y).sum(1) - 2 * x @ y.T) / 2

    def divergence(x, y, epsilons):
        held = jax.lax.stop_gradient(x)
        costs = half_squares(held, y), half_squares(y, held), half_squares(held, held), half_squares(y, y)

        def step(state, eps):
            f, g, p, q = state
            f = soft_min(costs[0], g, eps)
            g = soft_min(costs[1], f, eps)
            p, q = (p + soft_min(costs[2], p, eps)) / 2, (q + soft_min(costs[3], q, eps)) / 2
            return (f, g, p, q), None

        start = jnp.zeros(len(x)), jnp.zeros(len(y)), jnp.zeros(len(x)), jnp.zeros(len(y))
        (f, g, p, q), _ = jax.lax.scan(step, start, epsilons)
        # By the envelope theorem the potentials are held while one more step is differentiated, whose own value does not count.
        moved = (soft_min(half_squares(x, y), g, epsilon) - soft_min(half_squares(x, held), p, epsilon)).mean()
        return (f - p).mean() + (g - q).mean() + (moved - jax.lax.stop_gradient(moved))

    # And a last step at the target.
    epsilons = schedule(x, y, epsilon, steps) + [epsilon]
    inputs = jnp.asarray(x), jnp.asarray(y), jnp.asarray(epsilons, dtype=jnp.float32)
    value, both = jax.jit(divergence), jax.jit(jax.value_and_grad(divergence))

    def run_both():
        result, gradient = jax.block_until_ready(both(*inputs))
        return result, [gradient]

    return Peer("jax", lambda: value(*inputs).block_until_ready(), run_both)


def pot_peer(x, y, epsilon, steps):
    """POT's log-domain solver with as many steps, its value the dual's; no gradient."""

    def transport(x, y):
        a, b = numpy.full(len(x), 1 / len(x), x.dtype), numpy.full(len(y), 1 / len(y), y.dtype)
        cost = cdist(x, y, "sqeuclidean").astype(x.dtype) / 2
        _, log = ot.sinkhorn(a, b, cost, epsilon, method="sinkhorn_log", numItermax=steps, stopThr=0, warn=False, log=True)
        return epsilon * ((log["log_u"] - numpy.log(a)) @ a + (log["log_v"] - numpy.log(b)) @ b)

    return Peer("POT", lambda: transport(x, y) - (transport(x, x) + transport(y, y)) / 2)


def peers(arrays, differentiated, options):
    x, y = arrays
    epsilon, steps = options["epsilon"], int(options["maximumIterations"])
    torch.compiler.reset()
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    return [
        torch_peer("torch", torch_soft_min, *tensors, epsilon, steps),
        torch_peer("torch.compile", torch.compile(torch_soft_min, dynamic=False), *tensors, epsilon, steps),
        jax_peer(x, y, epsilon, steps),
        pot_peer(x, y, epsilon, steps),
    ]
