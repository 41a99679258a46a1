// The nearest of each row's values, which lie in a block of rows: an item owns a row.

// Whether the neighbour at a is farther than the one at b: by value, of equal ones the later.
inline bool is_farther(__global const float *values, __global const int *places, const long a, const long b) {
    return values[a] > values[b] || (values[a] == values[b] && places[a] > places[b]);
}

// The neighbour at the root of a heap of `count`, the farthest on top, goes down to where it belongs.
inline void sink(__global float *values, __global int *places, const long count) {
    long root = 0;
    for (long child = 1; child < count; child = 2 * root + 1) {
        if (child + 1 < count && is_farther(values, places, child + 1, child)) child++;
        if (!is_farther(values, places, child, root)) return;
        const float value = values[root];
        const int place = places[root];
        values[root] = values[child];
        places[root] = places[child];
        values[child] = value;
        places[child] = place;
        root = child;
    }
}

// nearest and places [n, k]: the k smallest of block [rows, m], the smallest first; column i is left out of row i where `excludes_self`.
__kernel void select_nearest(GLOBAL_IN(float, block), GLOBAL_OUT(float, nearest), GLOBAL_OUT(int, places), const int excludes_self,
                             const long first, const long rows, const long m, const long k) {
    AT_IN(float, block);
    AT_OUT(float, nearest);
    AT_OUT(int, places);
    const long row = get_global_id(0), i = first + row;
    if (row >= rows) return;
    block += row * m;
    nearest += i * k;
    places += i * k;
    long count = 0;
    for (long j = 0; j < m; j++) {
        if (excludes_self && j == i) continue;
        const float value = block[j];
        if (count < k) {
            // Upwards from the last place.
            long at = count++;
            for (long parent = (at - 1) / 2; at > 0 && !(nearest[parent] > value); parent = (at - 1) / 2) {
                nearest[at] = nearest[parent];
                places[at] = places[parent];
                at = parent;
            }
            nearest[at] = value;
            places[at] = (int)j;
        } else if (value < nearest[0]) {
            nearest[0] = value;
            places[0] = (int)j;
            sink(nearest, places, k);
        }
    }
    for (long last = count - 1; last > 0; last--) {
        const float value = nearest[0];
        const int place = places[0];
        nearest[0] = nearest[last];
        places[0] = places[last];
        nearest[last] = value;
        places[last] = place;
        sink(nearest, places, last);
    }
}
