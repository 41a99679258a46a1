import torch
from torch.nn import functional
from pytorch_metric_learning.losses import NTXentLoss

from frameworks import torch_peer, torch_peers

temperature = 0.07


def plain(x, labels):
    unit = functional.normalize(x)
    similarity = unit @ unit.T / temperature
    same = labels[:, None] == labels
    positive = same & ~torch.eye(len(x), dtype=torch.bool)
    partition = similarity.masked_fill(same, -torch.inf).logsumexp(1)
    # One positive a row, as the benchmark draws them.
    return functional.softplus(partition - (similarity * positive).sum(1)).mean()


def peers(arrays, differentiated, options):
    found = torch_peers(plain, arrays, differentiated)
    # pytorch-metric-learning pairs every positive with all negative pairs of the batch: n^3 numbers.
    if len(arrays[0]) <= 128:
        found.append(torch_peer("pytorch-metric-learning", NTXentLoss(temperature), arrays, differentiated))
    return found
