"""Draws the pictures of the documentation's articles: python docs/pictures.py [FOLDER]. Needs matplotlib, SciPy, POT and ripser."""
import sys

import matplotlib
matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np
import ot
from matplotlib.collections import LineCollection
from ripser import ripser
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

folder = sys.argv[1] if len(sys.argv) > 1 else "Sources/LossKit/LossKit.docc/Resources"
colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]
plt.rcParams.update({
    "svg.fonttype": "none", "svg.hashsalt": "losskit", "font.family": "sans-serif", "font.size": 11, "axes.grid": True, "grid.color": "#e4e4e4",
    "axes.spines.top": False, "axes.spines.right": False, "axes.prop_cycle": plt.cycler(color=colours), "lines.linewidth": 2,
    "figure.facecolor": "white", "legend.frameon": False, "axes.axisbelow": True,
})
random = np.random.default_rng(4)


def picture(name, columns=1, width=None):
    figure, axes = plt.subplots(1, columns, figsize=(width or 4.6 * columns + 1, 3.6), layout="constrained")
    figure.name = name
    return figure, axes


def save(figure):
    figure.savefig(f"{folder}/{figure.name}.svg", metadata={"Date": None})
    plt.close(figure)


def bare(axes, title):
    axes.set_title(title, fontsize=11)
    axes.set_aspect("equal")
    axes.grid(False)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)


figure, axes = picture("classification")
p = np.linspace(0.005, 1, 400)
axes.plot(p, -np.log(p), label="crossEntropy")
axes.plot(p, -(1 - p) ** 2 * np.log(p), label="focal, gamma 2")
axes.plot(p, (1 - p ** 0.7) / 0.7, label="generalizedCrossEntropy, q 0.7")
axes.plot(p, 1 - p, label="mean absolute error / 2")
axes.set(xlabel="probability of the own class", ylabel="loss", ylim=(0, 4))
axes.legend()
save(figure)

figure, axes = picture("distillation", 2)
logits = np.array([4, 2.6, 1.2, 0.4, -1])
for place, temperature in zip(axes, (1, 4)):
    weights = np.exp(logits / temperature)
    place.bar(range(5), weights / weights.sum(), color=colours[0])
    place.set(title=f"temperature {temperature}", xlabel="class", ylim=(0, 0.85))
axes[0].set_ylabel("teacher's probability")
save(figure)

figure, axes = picture("ranking")
gain = np.linspace(-10, 10, 300)
axes.plot(gain, gain < 0, color="#888888", drawstyle="steps-mid", label="wrong order")
for beta in (0.1, 0.5, 2):
    axes.plot(gain, np.log1p(np.exp(-beta * gain)), label=f"directPreference, beta {beta}")
axes.set(xlabel="gain of the chosen over the rejected, in nats", ylabel="loss", ylim=(0, 4))
axes.legend()
save(figure)

figure, axes = picture("regression")
r = np.linspace(-6, 6, 400)
axes.plot(r, r ** 2 / 2, label="mse / 2")
axes.plot(r, np.abs(r), label="l1")
axes.plot(r, np.where(abs(r) < 1, r ** 2 / 2, abs(r) - 0.5), label="huber, delta 1")
axes.plot(r, np.log1p(r ** 2 / 2), label="cauchy")
axes.plot(r, np.where(abs(r) < 4.685, 4.685 ** 2 / 6 * (1 - (1 - (r / 4.685) ** 2) ** 3), 4.685 ** 2 / 6), label="tukeyBiweight")
axes.set(xlabel="residual", ylabel="loss", ylim=(0, 6))
axes.legend()
save(figure)

figure, axes = picture("divergence")
shift = np.linspace(0, 6, 60)
grid = np.linspace(-8, 14, 4000)
step = grid[1] - grid[0]
density = lambda m: np.exp(-(grid - m) ** 2 / 2) / np.sqrt(2 * np.pi)
axes.plot(shift, shift ** 2 / 2, label="klDivergence")
middle = [(density(0) + density(m)) / 2 for m in shift]
axes.plot(shift, [sum(q * np.log(q / h) for q in (density(0) + 1e-300, density(m) + 1e-300)).sum() / 2 * step
                  for h, m in zip([x + 1e-300 for x in middle], shift)], label="jensenShannon")
axes.plot(shift, [2 / np.sqrt(3) * (1 - np.exp(-m ** 2 / 6)) for m in shift], label="gaussianMMD, bandwidth 1")
cdf = lambda m: np.cumsum(density(m)) * step
axes.plot(shift, [2 * ((cdf(0) - cdf(m)) ** 2).sum() * step for m in shift], label="energyDistance")
axes.set(xlabel="distance of two unit normals' means", ylabel="divergence", ylim=(0, 5))
axes.legend()
save(figure)

figure, axes = picture("metricLearning", 2)
for place, title, positive, negative in zip(axes, ("before", "after"), ((2.4, 0.7), (1, 0.5)), ((-1.2, 1.1), (-2.7, 1.6))):
    bare(place, title)
    reach = np.hypot(*positive)
    place.add_patch(plt.Circle((0, 0), reach, fill=False, color=colours[2], linewidth=1.5))
    place.add_patch(plt.Circle((0, 0), reach + 1, fill=False, color="#888888", linestyle="--"))
    for (x, y), name, colour in (((0, 0), "anchor", "#000000"), (positive, "positive", colours[2]), (negative, "negative", colours[1])):
        place.plot([0, x], [0, y], color="#bbbbbb", linewidth=1, zorder=0)
        place.plot(x, y, "o", color=colour, markersize=9)
        place.annotate(name, (x, y), (0, 9), textcoords="offset points", ha="center")
    place.set(xlim=(-3.9, 3.9), ylim=(-3.9, 3.9))
save(figure)

figure, axes = picture("selfSupervised", 2, 8)
mixing = random.normal(size=(12, 12)) + 1.5 * random.normal(size=(12, 1))
for place, matrix, title in ((axes[0], np.corrcoef(mixing @ random.normal(size=(12, 500))), "before"),
                             (axes[1], np.corrcoef(np.eye(12) @ random.normal(size=(12, 900))), "after")):
    mesh = place.pcolormesh(matrix, cmap="RdBu_r", vmin=-1, vmax=1)
    bare(place, f"cross-correlation of two views, {title}")
    place.invert_yaxis()
figure.colorbar(mesh, ax=axes, shrink=0.8)
save(figure)

figure, axes = picture("transport", 2)
x = random.normal(size=(24, 2)) * 0.35
angle = random.uniform(0, 2 * np.pi, 24)
y = np.stack([2 + 0.8 * np.cos(angle), 0.8 * np.sin(angle)], 1) + random.normal(size=(24, 2)) * 0.05
for place, epsilon in zip(axes, (0.01, 0.5)):
    plan = ot.bregman.sinkhorn_log(np.full(24, 1 / 24), np.full(24, 1 / 24), cdist(x, y) ** 2 / 2, epsilon, numItermax=20000)
    share = plan / plan.max(1, keepdims=True)
    pairs = np.argwhere(share > 0.15)
    shades = [(0.5, 0.5, 0.5, 0.6 * share[i, j]) for i, j in pairs]
    place.add_collection(LineCollection([(x[i], y[j]) for i, j in pairs], colors=shades, linewidths=0.8, zorder=0))
    place.plot(*x.T, "o", color=colours[0], markersize=5)
    place.plot(*y.T, "o", color=colours[1], markersize=5)
    bare(place, f"epsilon {epsilon}")
save(figure)

figure, axes = picture("topology", 2)
angle = random.uniform(0, 2 * np.pi, 60)
x = np.stack([np.cos(angle), np.sin(angle)], 1) + random.normal(size=(60, 2)) * 0.08
tree = minimum_spanning_tree(cdist(x, x)).tocoo()
for i, j in zip(tree.row, tree.col):
    axes[0].plot(*zip(x[i], x[j]), color=colours[0], linewidth=1.5)
axes[0].plot(*x.T, "o", color="#222222", markersize=4)
bare(axes[0], "points and their spanning tree")
for dimension, diagram in enumerate(ripser(x)["dgms"]):
    finite = diagram[np.isfinite(diagram[:, 1])]
    axes[1].plot(finite[:, 0], finite[:, 1], "o", color=colours[dimension], markersize=5, label=("components", "loops")[dimension])
axes[1].plot([0, 1.9], [0, 1.9], "--", color="#888888", linewidth=1)
axes[1].set(xlabel="birth", ylabel="death", title="persistence diagram")
axes[1].title.set_fontsize(11)
axes[1].legend(loc="lower right")
save(figure)

figure, axes = picture("geometry")
t = np.linspace(0, np.pi, 14)
x = np.stack([t, np.sin(t)], 1)
y = np.stack([t + 0.1, 0.75 * np.sin(t + 0.3) - 0.35], 1)
for first, second, colour in ((x, y, colours[0]), (y, x, colours[1])):
    for point, other in zip(first, second[cdist(first, second).argmin(1)]):
        axes.annotate("", other, point, arrowprops={"arrowstyle": "->", "color": colour, "alpha": 0.7})
    axes.plot(*first.T, "o", color=colour, markersize=7)
bare(axes, "chamfer: each point to the nearest of the other set")
save(figure)
