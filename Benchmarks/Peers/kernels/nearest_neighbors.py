import faiss
import numpy

from frameworks import Peer, threads

faiss.omp_set_num_threads(threads)


def peers(arrays, differentiated, options):
    queries, points = (numpy.ascontiguousarray(array) for array in arrays)

    def found():
        index = faiss.IndexFlatL2(points.shape[1])
        index.add(points)
        return index.search(queries, 10)

    return [Peer("faiss", lambda: found()[0].mean(dtype=numpy.float64), indices=lambda: found()[1])]
