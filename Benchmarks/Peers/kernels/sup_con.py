import torch
from torch.nn import functional
from pytorch_metric_learning.losses import SupConLoss

from frameworks import torch_peer, torch_peers

temperature = 0.1


def plain(x, labels):
    unit = functional.normalize(x)
    similarity = unit @ unit.T / temperature
    own = torch.eye(len(x), dtype=torch.bool)
    positive = (labels[:, None] == labels) & ~own
    partition = similarity.masked_fill(own, -torch.inf).logsumexp(1)
    return (partition - (similarity * positive).sum(1) / positive.sum(1)).mean()


def peers(arrays, differentiated, options):
    return [
        *torch_peers(plain, arrays, differentiated),
        torch_peer("pytorch-metric-learning", SupConLoss(temperature), arrays, differentiated),
    ]
