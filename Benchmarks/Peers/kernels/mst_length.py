import numpy
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist

from frameworks import Peer


def peers(arrays, differentiated, options):
    (points,) = arrays

    def tree():
        return minimum_spanning_tree(cdist(points, points)).tocoo()

    def both():
        edges = tree()
        slopes = (points[edges.row] - points[edges.col]) / edges.data[:, None]
        gradient = numpy.zeros_like(points)
        numpy.add.at(gradient, edges.row, slopes)
        numpy.add.at(gradient, edges.col, -slopes)
        return edges.data.sum(), [gradient]

    return [Peer("scipy", lambda: tree().data.sum(), both)]
