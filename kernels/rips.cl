// Vietoris-Rips filtrations of clouds by their distances [clouds, n, n], of which those above the diagonal count. Edges appear in the order of
// (length, smaller end, larger end).

// Whether the edge between p and q appears before that of length `length` between i < j.
inline int is_before(__global const float *distances, const long n, const long p, const long q, const float length, const long i, const long j) {
    const long low = min(p, q), high = max(p, q);
    const float other = distances[low * n + high];
    return other < length || (other == length && (low < i || (low == i && high < j)));
}

// The edges that complete a triangle: with the first one that it completes such an edge is an apparent pair, which ends at once.
__kernel void rips_apparent(GLOBAL_IN(float, distances), GLOBAL_OUT(uchar, apparent), const long clouds, const long n) {
    AT_IN(float, distances);
    AT_OUT(uchar, apparent);
    const long item = get_global_id(0), cloud = item / (n * n), i = item / n % n, j = item % n;
    if (cloud >= clouds) return;
    distances += cloud * n * n;
    uchar isApparent = 0;
    if (i < j) {
        const float length = distances[i * n + j];
        for (long v = 0; v < n && !isApparent; v++) {
            if (v == i || v == j) continue;
            isApparent = is_before(distances, n, i, v, length, i, j) && is_before(distances, n, j, v, length, i, j);
        }
    }
    apparent[item] = isApparent;
}
