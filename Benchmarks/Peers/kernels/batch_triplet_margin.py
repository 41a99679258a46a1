import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import MeanReducer

from frameworks import torch_peer, torch_peers


def plain(x, labels):
    apart = torch.cdist(x, x)
    same = labels[:, None] == labels
    positive = apart.masked_fill(~same, -torch.inf).max(1).values
    negative = apart.masked_fill(same, torch.inf).min(1).values
    return torch.relu(positive - negative + 0.2).mean()


def peers(arrays, differentiated, options):
    distance = LpDistance(normalize_embeddings=False)
    loss = TripletMarginLoss(margin=0.2, distance=distance, reducer=MeanReducer())
    miner = BatchHardMiner(distance=distance)
    return [
        *torch_peers(plain, arrays, differentiated),
        torch_peer(
            "pytorch-metric-learning", lambda x, labels: loss(x, labels, miner(x, labels)), arrays, differentiated
        ),
    ]
