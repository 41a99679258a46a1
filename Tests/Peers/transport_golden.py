"""Prints the numbers that TransportConventionTests.swift holds: entropic transport as GeomLoss, POT and OTT state it, in float64.

Run it in an environment with geomloss, POT, ott-jax, torch and numpy.
"""

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

jax.config.update("jax_enable_x64", True)
epsilon, rho = 0.1, 0.5


def single(values):
    return numpy.asarray(values, dtype=numpy.float32).astype(numpy.float64)


def weights(values):
    return single(numpy.array(values) / sum(values))


x = single([math.sin(1.7 * i + 0.2) for i in range(27)]).reshape(9, 3)
y = single([math.cos(1.3 * i) for i in range(18)]).reshape(6, 3)
a = weights([1 + 0.5 * math.cos(5 * i) for i in range(9)])
b = weights([1 + 0.7 * math.sin(4 * i) for i in range(6)])
b *= a.sum() / b.sum()


def geomloss(p, blur, reach=None, debias=False):
    loss = SamplesLoss("sinkhorn", p=p, blur=blur, reach=reach, debias=debias, scaling=0.9995, backend="tensorized")
    return loss(*map(torch.from_numpy, (a, x, b, y))).item()


print("GeomLoss, p=2", geomloss(2, math.sqrt(epsilon)))
print("GeomLoss, p=2, reach", geomloss(2, math.sqrt(epsilon), math.sqrt(rho)))
print("GeomLoss, p=1", geomloss(1, epsilon))
print("GeomLoss, p=1, reach", geomloss(1, epsilon, rho))
print("GeomLoss, debiased", geomloss(2, math.sqrt(epsilon), debias=True))
print("GeomLoss, debiased, reach", geomloss(2, math.sqrt(epsilon), math.sqrt(rho), debias=True))


def divergence(p, q):
    return (p * numpy.log(p / q) - p + q).sum()


squares = ot.dist(x, y)
plan = ot.sinkhorn(a, b, squares, 2 * epsilon, method="sinkhorn_log", stopThr=1e-14, numItermax=100_000)
print("POT, linear cost", (plan * squares).sum() / 2)
print("POT, KL", ((plan * squares).sum() + 2 * epsilon * divergence(plan, numpy.outer(a, b))) / 2)
settings = dict(metric="sqeuclidean", reg=2 * epsilon, max_iter=100_000, tol=1e-13)
print("POT, entropy", ot.solve_sample(x, y, a, b, reg_type="entropy", **settings).value / 2)
plan = ot.unbalanced.sinkhorn_unbalanced(a, b, squares, 2 * epsilon, 2 * rho, reg_type="kl", stopThr=1e-14, numItermax=100_000)
linear, entropy = (plan * squares).sum() / 2, divergence(plan, numpy.outer(a, b))
penalties = divergence(plan.sum(1), a) + divergence(plan.sum(0), b)
print("POT, unbalanced", plan.sum(), linear, linear + epsilon * entropy + rho * penalties)


def ott(epsilon, tau=1.0, scale=1.0, cost=costs.SqEuclidean()):
    geometry = pointcloud.PointCloud(jnp.array(x), jnp.array(y), cost_fn=cost, epsilon=epsilon, scale_cost=scale)
    problem = linear_problem.LinearProblem(geometry, jnp.array(a), jnp.array(b), tau_a=tau, tau_b=tau)
    return sinkhorn.Sinkhorn(threshold=1e-12, max_iterations=100_000)(problem)


print("OTT", ott(2 * epsilon).reg_ot_cost / 2)
print("OTT, Euclidean", ott(epsilon, cost=costs.Euclidean()).reg_ot_cost)
print("OTT, scale_cost, mean", ott(0.05, scale="mean").reg_ot_cost, squares.mean())
print("OTT, tau, mass", ott(2 * epsilon, tau=rho / (rho + epsilon)).matrix.sum())
