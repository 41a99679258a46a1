import numpy
from frameworks import Peer, threads
from hdbscan._hdbscan_boruvka import KDTreeBoruvkaAlgorithm
from mlpack import emst
from quitefastmst import mst_euclid
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial.distance import cdist
from sklearn.cluster._hdbscan._linkage import mst_from_data_matrix
from sklearn.metrics import DistanceMetric
from sklearn.neighbors import KDTree


def peers(arrays, differentiated, options):
    (points,) = arrays
    doubles = points.astype(numpy.float64)
    n, d = points.shape

    def dense():
        return minimum_spanning_tree(cdist(points, points)).sum()

    def boruvka():
        tree = KDTreeBoruvkaAlgorithm(KDTree(doubles, leaf_size=40), 1, leaf_size=13, approx_min_span_tree=False, n_jobs=threads)
        return tree.spanning_tree()[:, 2].sum()

    def prim():
        edges = mst_from_data_matrix(doubles, numpy.zeros(n), DistanceMetric.get_metric("euclidean"), 1.0)
        return edges["distance"].sum()

    # Those that would take minutes stay away.
    found = [Peer("quitefastmst", lambda: mst_euclid(points, 0)[0].sum(), is_compiled=True)]
    if n <= 5000:
        found.append(Peer("scipy", dense, is_compiled=True))
    if n <= 5000 or n * d <= 320_000:
        found.append(Peer("scikit-learn", prim, is_compiled=True))
    if (d <= 8 and n <= 100_000) or n <= 5000:
        found.append(Peer("hdbscan", boruvka, is_compiled=True))
    if d <= 8:
        found.append(Peer("mlpack", lambda: emst(doubles)["output"][:, 2].sum(), is_compiled=True))
    return found
