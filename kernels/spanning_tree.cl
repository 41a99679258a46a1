// Boruvka's algorithm on the implicit complete graph over points given by coordinates [d, n], in O(n) memory and without the host. Edges are ordered
// by (length, smaller index, larger index): so the tree is unique, and the same as the CPU's. Metric 4 stands for lengths that are given: then the
// points are the rows of a matrix, of which the elements above the diagonal count.

#pragma OPENCL FP_CONTRACT OFF

// Items that share a point on a GPU; a power of two.
#ifndef TREE_GROUP
#define TREE_GROUP 64
#endif

// Sums over coordinates, one by one: of squares for Euclidean metrics (0 and 1), of magnitudes (2), or the largest magnitude (3).
#define TREE_SUM(TYPE, FROM, TO) \
    TYPE sum = 0; \
    if (metric <= 1) { \
        for (long k = 0; k < d; k++) { const TYPE u = TO - FROM; sum += u * u; } \
    } else if (metric == 2) { \
        for (long k = 0; k < d; k++) sum += fabs(TO - FROM); \
    } else { \
        for (long k = 0; k < d; k++) sum = fmax(sum, fabs(TO - FROM)); \
    } \
    return sum;

inline float sum_between(__global const float *columns, const int metric, const long n, const long d, const long i, const long j) {
    if (metric == 4) return columns[i * n + j];
    TREE_SUM(float, columns[k * n + i], columns[k * n + j])
}

inline float coordinate(__global const float *points, const int metric, const long d, const long i, const long k) {
    return metric == 4 ? points[min(i, k) * d + max(i, k)] : points[i * d + k];
}

// The square root rounded to nearest, which OpenCL does not promise for floats: the nearest integer to the root of 46 to 48 bits.
inline float exact_root(const float x) {
    if (x == 0 || isinf(x)) return x;
    // x = m 2^e with a whole m below 2^24; no frexp, which simulators do not follow.
    const int is_tiny = x < 1.17549435e-38f;
    const uint bits = as_uint(is_tiny ? x * 16777216.0f : x);
    const int e = (int)(bits >> 23) - (is_tiny ? 150 : 126), shift = e & 1;
    const ulong m = (ulong)((bits & 0x7FFFFF) | 0x800000) << (24 - shift);
    ulong r = (ulong)sqrt((float)m);
    while (r * r - r >= m) r--;
    while (r * r + r < m) r++;
    return ldexp((float)r, (e + shift) / 2 - 24);
}

// Of all sums whose length rounds to the same number the smallest (step -1) or the largest (step 1). So comparing sums compares lengths.
inline float same_length(float sum, const int metric, const int step) {
    if (metric != 1) return sum;
    const float length = exact_root(sum);
    for (;;) {
        if (step < 0 ? sum == 0 : isinf(sum)) return sum;
        const float next = as_float(as_uint(sum) + step);
        if (exact_root(next) != length) return sum;
        sum = next;
    }
}

__kernel void tree_begin(GLOBAL_IN(float, points), GLOBAL_OUT(float, columns), GLOBAL_OUT(int, component), GLOBAL_OUT(int, partner),
                         GLOBAL_OUT(float, lower), GLOBAL_OUT(uint, best), GLOBAL_OUT(int, low), GLOBAL_OUT(int, high), GLOBAL_OUT(int, edges),
                         GLOBAL_OUT(int, remaining), const int metric, const long n, const long d) {
    AT_IN(float, points);
    AT_OUT(float, columns);
    AT_OUT(int, component);
    AT_OUT(int, partner);
    AT_OUT(float, lower);
    AT_OUT(uint, best);
    AT_OUT(int, low);
    AT_OUT(int, high);
    AT_OUT(int, edges);
    AT_OUT(int, remaining);
    const long i = get_global_id(0);
    if (i >= n) return;
    for (long k = 0; k < d; k++) columns[k * n + i] = coordinate(points, metric, d, i, k);
    component[i] = i;
    partner[i] = -1;
    lower[i] = 0;
    best[i] = UINT_MAX;
    low[i] = high[i] = INT_MAX;
    edges[3 * i] = -1;
    if (i == 0) remaining[0] = n;
}

// The length of each component's shortest edge among those known; lengths are not negative, so they order as integers.
__kernel void tree_best(GLOBAL_IN(int, component), GLOBAL_IN(int, partner), GLOBAL_IN(float, lower), GLOBAL_OUT(uint, best), const long n) {
    AT_IN(int, component);
    AT_IN(int, partner);
    AT_IN(float, lower);
    AT_OUT(uint, best);
    const long i = get_global_id(0);
    if (i < n && partner[i] >= 0 && component[partner[i]] != component[i]) atomic_min(best + component[i], as_uint(lower[i]));
}

// The sum from each point to its k-th nearest other one. `nearest` [k, n] are those so far, ascending; the items of a group look at the same others.
__kernel void tree_cores(GLOBAL_IN(float, columns), GLOBAL_OUT(float, nearest), GLOBAL_OUT(float, cores), const int metric, const long n, const long d,
                         const long k) {
    AT_IN(float, columns);
    AT_OUT(float, nearest);
    AT_OUT(float, cores);
    const long i = get_global_id(0);
    if (i >= n) return;
    float last = INFINITY;
    for (long l = 0; l < k; l++) nearest[l * n + i] = INFINITY;
    for (long j = 0; j < n; j++) {
        if (j == i) continue;
        const float sum = sum_between(columns, metric, n, d, i, j);
        if (!(sum < last)) continue;
        long place = k - 1;
        for (; place > 0 && nearest[(place - 1) * n + i] > sum; place--) nearest[place * n + i] = nearest[(place - 1) * n + i];
        nearest[place * n + i] = sum;
        last = nearest[(k - 1) * n + i];
    }
    cores[i] = last;
}

#define TREE_CHECK \
    for (; j < n; j += step) { \
        if (component[j] == own) continue; \
        const float apart = sum_between(columns, metric, n, d, i, j); \
        const float sum = is_mutual ? fmax(apart, fmax(core, cores[j])) : apart; \
        if (sum >= strict) continue; \
        strict = same_length(sum, metric, -1); \
        nearest = (int)j; \
    }

// For each point whose partner has come into its own component, and that may have its component's shortest edge, the nearest foreign point. Of equals
// the first: among edges of one length from i, the one with the smaller partner comes first in the order, whichever end i is. By mutual reachability
// no edge is shorter than the cores of its ends.
__kernel void tree_search(GLOBAL_IN(float, columns), GLOBAL_IN(float, cores), GLOBAL_IN(int, component), GLOBAL_OUT(int, partner), GLOBAL_OUT(float, lower),
                          GLOBAL_OUT(uint, best), GLOBAL_IN(int, remaining), const int is_mutual, const int metric, const long n, const long d) {
    AT_IN(float, columns);
    AT_IN(float, cores);
    AT_IN(int, component);
    AT_OUT(int, partner);
    AT_OUT(float, lower);
    AT_OUT(uint, best);
    AT_IN(int, remaining);
#ifdef LOSSKIT_CPU
    const long i = get_global_id(0), step = 1;
    if (i >= n || remaining[0] == 1) return;
    const int own = component[i];
    if (partner[i] >= 0 && component[partner[i]] != own) return;
    if (as_uint(lower[i]) > *(volatile __global uint *)(best + own)) return;
    const float core = is_mutual ? cores[i] : 0;
    float strict = NAN;
    int nearest = -1;
    long j = 0;
    for (; j + 16 <= n; j += 16) {
        float16 sums = 0;
        if (metric <= 1) {
            for (long k = 0; k < d; k++) { const float16 u = vload16(0, columns + k * n + j) - columns[k * n + i]; sums += u * u; }
        } else if (metric == 2) {
            for (long k = 0; k < d; k++) sums += fabs(vload16(0, columns + k * n + j) - columns[k * n + i]);
        } else if (metric == 4) {
            sums = vload16(0, columns + i * n + j);
        } else {
            for (long k = 0; k < d; k++) sums = fmax(sums, fabs(vload16(0, columns + k * n + j) - columns[k * n + i]));
        }
        if (is_mutual) sums = fmax(sums, fmax(vload16(0, cores + j), core));
        const int16 isNearer = vload16(0, component + j) != own && !(sums >= strict);
        if (!any(isNearer)) continue;
        float each[16];
        int mask[16];
        vstore16(sums, 0, each);
        vstore16(isNearer, 0, mask);
        for (int l = 0; l < 16; l++) {
            if (!mask[l] || each[l] >= strict) continue;
            strict = same_length(each[l], metric, -1);
            nearest = (int)(j + l);
        }
    }
    TREE_CHECK
#else
    // A group owns a point; its items look at every so many others.
    __local float sums[TREE_GROUP];
    __local int indices[TREE_GROUP];
    __local int isIdle;
    const long i = get_group_id(0), step = get_local_size(0);
    const int lid = get_local_id(0), own = component[i];
    if (lid == 0) {
        const int known = partner[i];
        isIdle = remaining[0] == 1 || (known >= 0 && component[known] != own) || as_uint(lower[i]) > *(volatile __global uint *)(best + own);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    if (isIdle) return;
    const float core = is_mutual ? cores[i] : 0;
    float strict = NAN;
    int nearest = -1;
    long j = lid;
    TREE_CHECK
    sums[lid] = strict;
    indices[lid] = nearest;
    for (int span = TREE_GROUP / 2; span > 0; span /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < span) {
            const int other = indices[lid + span];
            const float sum = sums[lid + span];
            if (other >= 0 && (indices[lid] < 0 || sum < sums[lid] || (sum == sums[lid] && other < indices[lid]))) {
                sums[lid] = sum;
                indices[lid] = other;
            }
        }
    }
    if (lid != 0) return;
    strict = sums[0];
    nearest = indices[0];
#endif
    partner[i] = nearest;
    if (nearest < 0) return;
    const float sum = same_length(strict, metric, 1);
    lower[i] = sum;
    atomic_min(best + own, as_uint(sum));
}

// Of each component's shortest edges the smallest lower index, and of those the smallest higher index.
__kernel void tree_low(GLOBAL_IN(int, component), GLOBAL_IN(int, partner), GLOBAL_IN(float, lower), GLOBAL_IN(uint, best), GLOBAL_OUT(int, low),
                       const long n) {
    AT_IN(int, component);
    AT_IN(int, partner);
    AT_IN(float, lower);
    AT_IN(uint, best);
    AT_OUT(int, low);
    const long i = get_global_id(0);
    if (i >= n || partner[i] < 0) return;
    const int own = component[i], j = partner[i];
    if (component[j] != own && as_uint(lower[i]) == best[own]) atomic_min(low + own, min((int)i, j));
}

__kernel void tree_high(GLOBAL_IN(int, component), GLOBAL_IN(int, partner), GLOBAL_IN(float, lower), GLOBAL_IN(uint, best), GLOBAL_IN(int, low),
                        GLOBAL_OUT(int, high), const long n) {
    AT_IN(int, component);
    AT_IN(int, partner);
    AT_IN(float, lower);
    AT_IN(uint, best);
    AT_IN(int, low);
    AT_OUT(int, high);
    const long i = get_global_id(0);
    if (i >= n || partner[i] < 0) return;
    const int own = component[i], j = partner[i];
    if (component[j] != own && as_uint(lower[i]) == best[own] && min((int)i, j) == low[own]) atomic_min(high + own, max((int)i, j));
}

// Each component joins another along its first edge, which is kept where the component was. Two that choose each other's edge take it once.
__kernel void tree_join(GLOBAL_IN(int, component), GLOBAL_IN(uint, best), GLOBAL_IN(int, low), GLOBAL_IN(int, high), GLOBAL_OUT(int, parent),
                        GLOBAL_OUT(int, edges), GLOBAL_OUT(int, remaining), const long n) {
    AT_IN(int, component);
    AT_IN(uint, best);
    AT_IN(int, low);
    AT_IN(int, high);
    AT_OUT(int, parent);
    AT_OUT(int, edges);
    AT_OUT(int, remaining);
    const long c = get_global_id(0);
    if (c >= n || component[c] != c) return;
    parent[c] = c;
    if (high[c] == INT_MAX) return;
    const int i = low[c], j = high[c], other = component[i] == c ? component[j] : component[i];
    if (low[other] == i && high[other] == j && c < other) return;
    parent[c] = other;
    edges[3 * c] = i;
    edges[3 * c + 1] = j;
    edges[3 * c + 2] = as_int(best[c]);
    atomic_dec(remaining);
}

__kernel void tree_relabel(GLOBAL_IN(int, parent), GLOBAL_OUT(int, component), GLOBAL_OUT(uint, best), GLOBAL_OUT(int, low), GLOBAL_OUT(int, high),
                           const long n) {
    AT_IN(int, parent);
    AT_OUT(int, component);
    AT_OUT(uint, best);
    AT_OUT(int, low);
    AT_OUT(int, high);
    const long i = get_global_id(0);
    if (i >= n) return;
    int c = component[i];
    while (parent[c] != c) c = parent[c];
    component[i] = c;
    best[i] = UINT_MAX;
    low[i] = high[i] = INT_MAX;
}

// Prim's algorithm for a cloud of points [n, d] a group. Every point outside the tree knows the nearest one inside, of several the first; -1 stands for
// points inside. `best` are the largest sums of their lengths.
__kernel void tree_small(GLOBAL_IN(float, points), GLOBAL_OUT(float, columns), GLOBAL_OUT(float, best), GLOBAL_OUT(int, partner),
                         GLOBAL_OUT(int, edges), const int metric, const long n, const long d) {
    AT_IN(float, points);
    AT_OUT(float, columns);
    AT_OUT(float, best);
    AT_OUT(int, partner);
    AT_OUT(int, edges);
    __local float sums[TREE_GROUP];
    __local int lows[TREE_GROUP], highs[TREE_GROUP];
    const long cloud = get_group_id(0), size = get_local_size(0), lid = get_local_id(0);
    points += cloud * n * d;
    columns += cloud * n * d;
    best += cloud * n;
    partner += cloud * n;
    edges += cloud * 3 * (n - 1);
    for (long j = lid; j < n; j += size) {
        for (long k = 0; k < d; k++) columns[k * n + j] = coordinate(points, metric, d, j, k);
        best[j] = INFINITY;
        partner[j] = j > 0 ? INT_MAX : -1;
    }
    barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    long added = 0;
    for (long found = 0; found < n - 1; found++) {
        float least = INFINITY;
        int low = INT_MAX, high = INT_MAX;
        for (long j = lid; j < n; j += size) {
            if (partner[j] < 0) continue;
            float known = best[j];
            int inside = partner[j];
            const float sum = sum_between(columns, metric, n, d, added, j);
            if (!(sum > known)) {
                const float longest = same_length(sum, metric, 1);
                if (longest < known || (longest == known && added < inside)) {
                    best[j] = known = longest;
                    partner[j] = inside = (int)added;
                }
            }
            const int a = min(inside, (int)j), b = max(inside, (int)j);
            if (known < least || (known == least && (a < low || (a == low && b < high)))) {
                least = known;
                low = a;
                high = b;
            }
        }
        sums[lid] = least;
        lows[lid] = low;
        highs[lid] = high;
        for (long span = size / 2; span > 0; span /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lid < span) {
                const float other = sums[lid + span];
                const int a = lows[lid + span], b = highs[lid + span];
                if (other < sums[lid] || (other == sums[lid] && (a < lows[lid] || (a == lows[lid] && b < highs[lid])))) {
                    sums[lid] = other;
                    lows[lid] = a;
                    highs[lid] = b;
                }
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        low = lows[0];
        high = highs[0];
        added = partner[low] < 0 ? high : low;
        if (lid == 0) {
            edges[3 * found] = low;
            edges[3 * found + 1] = high;
            edges[3 * found + 2] = as_int(sums[0]);
        }
        // All have read who is inside before that changes.
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
        if (lid == 0) partner[added] = -1;
        barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE);
    }
}
