import gudhi
import numpy

from frameworks import Peer


def peers(arrays, differentiated, options):
    (points,) = arrays
    doubles = points.astype(numpy.float64)

    def lives():
        tree = gudhi.AlphaComplex(points=doubles).create_simplex_tree()
        tree.compute_persistence(homology_coeff_field=2)
        found = numpy.concatenate([tree.persistence_intervals_in_dimension(k) for k in range(points.shape[1])])
        ending = found[numpy.isfinite(found[:, 1])]
        return (ending[:, 1] - ending[:, 0]).sum()

    return [Peer("gudhi", lives)]
