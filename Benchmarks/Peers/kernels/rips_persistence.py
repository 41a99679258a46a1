import gudhi
from gph import ripser_parallel
from ripser import ripser
from scipy.spatial.distance import cdist

from frameworks import Peer, threads


def peers(arrays, differentiated, options):
    (points,) = arrays
    k = int(options["dimension"])

    def collapsed():
        distances = cdist(points, points)
        radius = distances.max(axis=1).min()
        tree = gudhi.RipsComplex(distance_matrix=distances, max_edge_length=radius).create_simplex_tree(max_dimension=1)
        tree.collapse_edges()
        tree.expansion(k + 1)
        tree.compute_persistence(homology_coeff_field=2)
        return tree.persistence_intervals_in_dimension(k)

    def peer(name, diagram):
        # Some would take minutes for the classes alone once more.
        last = {}

        def life():
            last["found"] = found = diagram()
            return (found[:, 1] - found[:, 0]).sum()

        return Peer(name, life, classes=lambda: last["found"], is_compiled=True)

    found = [peer("gudhi", collapsed)]
    # Those that would take minutes stay away: of 2,000 points on a circle too many columns are added to too many others.
    if len(points) <= 1000 or points.shape[1] > 2:
        found.append(peer("giotto-ph", lambda: ripser_parallel(points, maxdim=k, n_threads=threads)["dgms"][k]))
    if len(points) <= 1000:
        found.append(peer("ripser", lambda: ripser(points, maxdim=k)["dgms"][k]))
    return found
