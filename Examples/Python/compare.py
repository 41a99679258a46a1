"""Holds LossKit's values and gradients, taken through PyTorch's own backward pass, against PyTorch's losses; then trains with one of them."""
import sys

import torch
import torch.nn.functional as F

import losskit

torch.manual_seed(1)
logits = torch.randn(32, 10)
labels = torch.randint(0, 10, (32,))
first, second, third = torch.randn(3, 32, 16)
signs = torch.randint(0, 2, (32,)) * 2 - 1
chances = torch.softmax(torch.randn(32, 10), 1)

# LossKit's name and options, its inputs (the first is differentiated), and PyTorch's way.
cases = [
    ("crossEntropy", {}, {"logits": logits, "targets": labels}, lambda x, t: F.cross_entropy(x, t)),
    ("crossEntropy", {"labelSmoothing": 0.1, "reduction": "sum"}, {"logits": logits, "targets": labels},
     lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1, reduction="sum")),
    ("crossEntropy", {"reduction": "none"}, {"logits": logits, "targets": labels}, lambda x, t: F.cross_entropy(x, t, reduction="none")),
    ("mse", {}, {"predictions": first, "targets": second}, F.mse_loss),
    ("mse", {"reduction": "none"}, {"predictions": first.T, "targets": second.T}, lambda x, t: F.mse_loss(x, t, reduction="none")),
    ("huber", {"delta": 0.5}, {"predictions": first, "targets": second}, lambda x, t: F.huber_loss(x, t, delta=0.5)),
    ("smoothL1", {"beta": 0.7}, {"predictions": first, "targets": second}, lambda x, t: F.smooth_l1_loss(x, t, beta=0.7)),
    ("tripletMargin", {"margin": 0.5}, {"anchors": first, "positives": second, "negatives": third},
     lambda a, p, n: F.triplet_margin_loss(a, p, n, margin=0.5)),
    ("cosineEmbedding", {}, {"x": first, "y": second, "targets": signs}, lambda a, b, y: F.cosine_embedding_loss(a, b, y)),
]


def both(function, inputs):
    """The value, and the gradient of its weighted sum with respect to the first input."""
    point = inputs[0].clone().requires_grad_()
    value = function(point, *inputs[1:])
    weights = torch.linspace(0.5, 1.5, value.numel()).reshape(value.shape)
    (value * weights).sum().backward()
    return value.detach(), point.grad


wrong = 0
for name, options, inputs, theirs in cases:
    keys = list(inputs)
    ours = both(lambda *tensors: losskit.loss(name, **dict(zip(keys, tensors)), **options), list(inputs.values()))
    for what, actual, expected in zip(("value", "gradient"), ours, both(theirs, list(inputs.values()))):
        distance = ((actual - expected).abs().max() / expected.abs().max()).item()
        if not distance < 1e-5:
            wrong += 1
            print(f"{name} {options}: {what} is off by {distance:.1e} of the largest")

try:
    losskit.loss("crosEntropy", logits=logits, targets=labels)
    wrong += 1
except ValueError as error:
    print(error)

# A linear model, the same steps with either loss.
images = torch.randn(256, 20)
truth = (images @ torch.randn(20, 4)).argmax(1)
ends = []
for function in (F.cross_entropy, lambda x, t: losskit.loss("crossEntropy", logits=x, targets=t)):
    torch.manual_seed(2)
    model = torch.nn.Linear(20, 4)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        value = function(model(images), truth)
        value.backward()
        optimizer.step()
    ends.append(value.item())
print(f"after 60 steps PyTorch's loss is {ends[0]:.6f}, LossKit's {ends[1]:.6f}")
wrong += abs(ends[0] - ends[1]) > 1e-4 * ends[0]
print(f"{len(cases)} losses agree with PyTorch" if wrong == 0 else f"{wrong} of {len(cases)} differ from PyTorch")
sys.exit(wrong != 0)
