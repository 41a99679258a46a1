import faiss
import numpy

from frameworks import Peer, threads

faiss.omp_set_num_threads(threads)


def peers(arrays, differentiated, options):
    queries, points = (numpy.ascontiguousarray(array) for array in arrays)

    def search():
        index = faiss.IndexFlatL2(points.shape[1])
        index.add(points)
        distances, _ = index.search(queries, 10)
        return distances.mean(dtype=numpy.float64)

    return [Peer("faiss", search)]
