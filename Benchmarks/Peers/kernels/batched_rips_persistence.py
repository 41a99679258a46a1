import gudhi
from gph import ripser_parallel
from ripser import ripser

from frameworks import Peer


def peers(arrays, differentiated, options):
    (clouds,) = arrays

    def simplex_tree(points):
        tree = gudhi.RipsComplex(points=points).create_simplex_tree(max_dimension=2)
        tree.compute_persistence(homology_coeff_field=2)
        return tree.persistence_intervals_in_dimension(1)

    def lives(diagram):
        def run():
            found = [diagram(points) for points in clouds]
            return sum((pairs[:, 1] - pairs[:, 0]).sum() for pairs in found if len(pairs))

        return run

    return [
        Peer("ripser", lives(lambda points: ripser(points, maxdim=1)["dgms"][1])),
        Peer("giotto-ph", lives(lambda points: ripser_parallel(points, maxdim=1, n_threads=1)["dgms"][1])),
        Peer("gudhi", lives(simplex_tree)),
    ]
