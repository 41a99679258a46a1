from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.reducers import MeanReducer

from frameworks import torch_peer


def peers(arrays, differentiated, options):
    # It lists all triplets, n^2 times the others of a label.
    if len(arrays[0]) > 1024:
        return []
    loss = TripletMarginLoss(margin=0.2, distance=LpDistance(normalize_embeddings=False), reducer=MeanReducer())
    return [torch_peer("pytorch-metric-learning", loss, arrays, differentiated)]
