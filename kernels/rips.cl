// Vietoris-Rips filtrations of clouds by their distances [clouds, n, n], of which those above the diagonal count. Edges appear in the order of
// (length, smaller end, larger end), simplices with the last of their edges.
//
// Most columns of the coboundary need not be formed: those of simplices that end what others begin (`cleared`), and those of apparent pairs. An edge and
// the first vertex with which it completes a triangle are such a pair; so are a triangle and the first vertex with which it completes a tetrahedron that
// has the same last edge. What is left is listed, in no order; `count` says how many there are, more than there is room for included.

// Whether the edge between p and q appears before that of length `length` between i < j.
inline int is_before(__global const float *distances, const long n, const long p, const long q, const float length, const long i, const long j) {
    const long low = min(p, q), high = max(p, q);
    const float other = distances[low * n + high];
    return other < length || (other == length && (low < i || (low == i && high < j)));
}

// Whether a vertex completes a triangle with the edge i < j, which then is its last.
inline int completes(__global const float *distances, const long n, const long v, const float length, const long i, const long j) {
    return v != i && v != j && is_before(distances, n, i, v, length, i, j) && is_before(distances, n, j, v, length, i, j);
}

// Whether a number is among `count` ascending ones.
inline int is_among(__global const long *numbers, const long count, const long number) {
    long low = 0, high = count;
    while (low < high) {
        const long middle = (low + high) / 2;
        if (numbers[middle] < number) low = middle + 1;
        else high = middle;
    }
    return low < count && numbers[low] == number;
}

inline void list(__global const long *cleared, const long cleared_count, __global long *columns, const long room, __global int *count, const long simplex) {
    if (is_among(cleared, cleared_count, simplex)) return;
    const int place = atomic_inc(count);
    if (place < room) columns[place] = simplex;
}

// Edges i < j as (cloud n + i) n + j.
__kernel void rips_edges(GLOBAL_IN(float, distances), GLOBAL_IN(float, thresholds), GLOBAL_IN(long, cleared), const long cleared_count,
                         GLOBAL_OUT(long, columns), const long room, GLOBAL_OUT(int, count), const long clouds, const long n) {
    AT_IN(float, distances);
    AT_IN(float, thresholds);
    AT_IN(long, cleared);
    AT_OUT(long, columns);
    AT_OUT(int, count);
    const long item = get_global_id(0), cloud = item / (n * n), i = item / n % n, j = item % n;
    if (cloud >= clouds || i >= j) return;
    distances += cloud * n * n;
    const float length = distances[i * n + j];
    if (!(length <= thresholds[cloud])) return;
    for (long v = 0; v < n; v++) if (completes(distances, n, v, length, i, j)) return;
    list(cleared, cleared_count, columns, room, count, item);
}

// Triangles of one cloud, whose last edge is i < j, with v as (i n + j) n + v.
__kernel void rips_triangles(GLOBAL_IN(float, distances), const float threshold, GLOBAL_IN(long, cleared), const long cleared_count,
                             GLOBAL_OUT(long, columns), const long room, GLOBAL_OUT(int, count), const long n) {
    AT_IN(float, distances);
    AT_IN(long, cleared);
    AT_OUT(long, columns);
    AT_OUT(int, count);
    const long item = get_global_id(0), i = item / n, j = item % n;
    if (i >= n || i >= j) return;
    const float length = distances[item];
    if (!(length <= threshold)) return;
    long first = 0;
    while (first < n && !completes(distances, n, first, length, i, j)) first++;
    // The first one ends the edge.
    for (long v = first + 1; v < n; v++) {
        if (!completes(distances, n, v, length, i, j)) continue;
        int isApparent = 0;
        for (long w = first; w < v && !isApparent; w++) {
            isApparent = completes(distances, n, w, length, i, j) && is_before(distances, n, w, v, length, i, j);
        }
        if (!isApparent) list(cleared, cleared_count, columns, room, count, item * n + v);
    }
}
