"""Entropic transport in the log domain, and by scaling the plain kernel, by everybody who offers it; to a marginal error or for fixed steps."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy
import ot
import torch
from geomloss import SamplesLoss
from ott.geometry import costs, pointcloud
from ott.problems.linear import linear_problem
from ott.solvers.linear import sinkhorn
from scipy.spatial.distance import cdist

from frameworks import Peer

period = 10


def half_squares(x, y):
    return (x.square().sum(1)[:, None] + y.square().sum(1) - 2 * x @ y.T) / 2


def torch_loop(x, y, epsilon, steps, tolerance):
    n, m = len(x), len(y)

    def solve(cost):
        kernel = cost / -epsilon
        f, g = torch.zeros(n), torch.zeros(m)
        for step in range(steps):
            log_rows = torch.logsumexp(kernel + (g - math.log(m)), dim=1)
            if tolerance > 0 and step % period == 0 and (torch.exp(f + log_rows) - 1).abs().mean() <= tolerance:
                break
            f = -log_rows
            g = -torch.logsumexp(kernel + (f - math.log(n))[:, None], dim=0)
        return f, g

    def forward():
        with torch.no_grad():
            f, g = solve(half_squares(x, y))
            return epsilon * (f.mean() + g.mean())

    def both():
        with torch.no_grad():
            cost = half_squares(x, y)
            f, g = solve(cost)
            # Rows of a plan whose marginal is the weights.
            rows = torch.softmax(g - cost / epsilon, dim=1)
            return epsilon * (f.mean() + g.mean()), [(x - rows @ y) / n]

    return Peer("torch loop", forward, both, is_compiled=True)


def compiled(function, inputs):
    """For these inputs, at its first call."""
    program = functools.cache(lambda: jax.jit(function).lower(*inputs).compile())
    return lambda: program()(*inputs)


def jax_loop(x, y, epsilon, steps, tolerance):
    n, m = len(x), len(y)

    def cost_of(x, y):
        return (jnp.square(x).sum(1)[:, None] + jnp.square(y).sum(1) - 2 * x @ y.T) / 2

    def solve(kernel):
        def update(f, g):
            f = -jax.nn.logsumexp(kernel + (g - math.log(m)), axis=1)
            return f, -jax.nn.logsumexp(kernel + (f - math.log(n))[:, None], axis=0)

        start = jnp.zeros(n), jnp.zeros(m)
        if tolerance == 0:
            return jax.lax.fori_loop(0, steps, lambda _, state: update(*state), start)

        def go(state):
            f, g, step, _ = state
            f, g = jax.lax.fori_loop(0, period, lambda _, state: update(*state), (f, g))
            rows = jax.nn.logsumexp(kernel + (g - math.log(m)), axis=1)
            return f, g, step + period, jnp.abs(jnp.exp(f + rows) - 1).mean()

        f, g, _, _ = jax.lax.while_loop(lambda state: (state[3] > tolerance) & (state[2] < steps), go, (*start, 0, jnp.inf))
        return f, g

    def forward(x, y):
        f, g = solve(cost_of(x, y) / -epsilon)
        return epsilon * (f.mean() + g.mean())

    def both(x, y):
        cost = cost_of(x, y)
        f, g = solve(cost / -epsilon)
        return epsilon * (f.mean() + g.mean()), [(x - jax.nn.softmax(g - cost / epsilon, axis=1) @ y) / n]

    inputs = jnp.asarray(x), jnp.asarray(y)
    value, slope = compiled(forward, inputs), compiled(both, inputs)
    return Peer("jax loop", lambda: value().block_until_ready(), lambda: jax.block_until_ready(slope()), is_compiled=True)


def ott_peer(x, y, epsilon, steps, tolerance):
    solver = sinkhorn.Sinkhorn(threshold=tolerance, max_iterations=steps, min_iterations=steps if tolerance == 0 else 0, inner_iterations=period)

    def value(x, y):
        geometry = pointcloud.PointCloud(x, y, cost_fn=costs.SqEuclidean(), epsilon=2 * epsilon, scale_cost=1.0)
        return solver(linear_problem.LinearProblem(geometry)).reg_ot_cost / 2

    inputs = jnp.asarray(x), jnp.asarray(y)
    forward, both = compiled(value, inputs), compiled(jax.value_and_grad(value), inputs)

    def run_both():
        result, gradient = jax.block_until_ready(both())
        # Its derivative is of a plan whose marginals are not the weights before convergence: no other's is.
        return result, [gradient] if tolerance > 0 else []

    return Peer("OTT", lambda: forward().block_until_ready(), run_both, is_compiled=True)


def geomloss_peer(name, backend, x, y, epsilon, steps, tolerance):
    """Its schedule is its own: as many annealed steps."""
    diameter = float(numpy.linalg.norm(numpy.concatenate([x.numpy(), y.numpy()]).max(0) - numpy.concatenate([x.numpy(), y.numpy()]).min(0)))
    blur = math.sqrt(epsilon)
    loss = SamplesLoss("sinkhorn", p=2, blur=blur, scaling=(blur / diameter) ** (1 / steps), debias=False, backend=backend, diameter=diameter)
    leaf = x.clone().requires_grad_()

    def forward():
        with torch.no_grad():
            return loss(x, y)

    def both():
        value = loss(leaf, y)
        return value.detach(), torch.autograd.grad(value, [leaf])

    return Peer(name, forward, both, is_compiled=backend == "tensorized")


def pot_peer(name, method, backend, x, y, epsilon, steps, tolerance):
    """Its error is a root of squares; its value here is the dual's."""
    n, m = len(x), len(y)
    stop = tolerance / math.sqrt(m)

    def forward():
        if backend == "torch":
            cost, a, b = half_squares(x, y), torch.full((n,), 1 / n), torch.full((m,), 1 / m)
        else:
            cost, a, b = cdist(x.numpy(), y.numpy(), "sqeuclidean") / 2, numpy.full(n, 1 / n), numpy.full(m, 1 / m)
        _, log = ot.sinkhorn(a, b, cost, epsilon, method=method, numItermax=steps, stopThr=stop, warn=False, log=True)
        if "log_u" in log:
            u, v = log["log_u"], log["log_v"]
        else:
            logarithm = torch.log if backend == "torch" else numpy.log
            u, v = logarithm(log["u"]), logarithm(log["v"])
        return epsilon * (u.mean() + math.log(n) + v.mean() + math.log(m))

    return Peer(name, forward, is_compiled=True)


def peers(arrays, differentiated, options):
    x, y = arrays
    epsilon, steps, tolerance = options["epsilon"], int(options["steps"]), options["tolerance"]
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    found = [
        torch_loop(*tensors, epsilon, steps, tolerance),
        jax_loop(x, y, epsilon, steps, tolerance),
        ott_peer(x, y, epsilon, steps, tolerance),
        pot_peer("POT numpy", "sinkhorn", "numpy", *tensors, epsilon, steps, tolerance),
        pot_peer("POT numpy, log", "sinkhorn_log", "numpy", *tensors, epsilon, steps, tolerance),
        pot_peer("POT torch", "sinkhorn", "torch", *tensors, epsilon, steps, tolerance),
        pot_peer("POT torch, log", "sinkhorn_log", "torch", *tensors, epsilon, steps, tolerance),
    ]
    if tolerance == 0:
        found.append(geomloss_peer("GeomLoss", "tensorized", *tensors, epsilon, steps, tolerance))
        found.append(geomloss_peer("GeomLoss, KeOps", "online", *tensors, epsilon, steps, tolerance))
    return found
