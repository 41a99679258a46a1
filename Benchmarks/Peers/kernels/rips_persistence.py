import gudhi
from gph import ripser_parallel
from ripser import ripser
from scipy.spatial.distance import cdist

from frameworks import Peer, threads


def life(diagram):
    return (diagram[:, 1] - diagram[:, 0]).sum()


def peers(arrays, differentiated, options):
    (points,) = arrays

    def collapsed():
        distances = cdist(points, points)
        radius = distances.max(axis=1).min()
        tree = gudhi.RipsComplex(distance_matrix=distances, max_edge_length=radius).create_simplex_tree(max_dimension=1)
        tree.collapse_edges()
        tree.expansion(2)
        tree.compute_persistence(homology_coeff_field=2)
        return life(tree.persistence_intervals_in_dimension(1))

    return [
        Peer("ripser", lambda: life(ripser(points, maxdim=1)["dgms"][1])),
        Peer("giotto-ph", lambda: life(ripser_parallel(points, maxdim=1, n_threads=threads)["dgms"][1])),
        Peer("gudhi", collapsed),
    ]
