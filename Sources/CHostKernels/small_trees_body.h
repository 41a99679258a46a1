// Prim's algorithm with the points by coordinates. Sums are taken coordinate by coordinate without fusing, as everywhere for trees.

enum { LK(small_lanes) = 16 };
typedef float LK(small_floats) __attribute__((vector_size(64), aligned(4)));
typedef int32_t LK(small_masks) __attribute__((vector_size(64), aligned(4)));

static inline __attribute__((always_inline)) void LK(small_lengths)(const float *columns, int64_t stride, int64_t d, int metric, int64_t from,
                                                                   int64_t j, LK(small_floats) *lengths) {
#pragma clang fp contract(off)
    if (metric == losskit_given) {
        *lengths = *(const LK(small_floats) *)(columns + from * stride + j);
        return;
    }
    LK(small_floats) sum = {0};
    for (int64_t k = 0; k < d; k++) {
        LK(small_floats) u = *(const LK(small_floats) *)(columns + k * stride + j) - columns[k * stride + from];
        if (metric > losskit_euclidean) u = (LK(small_floats))((LK(small_masks))u & 0x7FFFFFFF);
        if (metric <= losskit_euclidean) sum += u * u;
        else if (metric == losskit_manhattan) sum += u;
        else {
            LK(small_masks) isLarger = u > sum;
            sum = (LK(small_floats))(((LK(small_masks))u & isLarger) | ((LK(small_masks))sum & ~isLarger));
        }
    }
    if (metric == losskit_euclidean) sum = __builtin_elementwise_sqrt(sum);
    *lengths = sum;
}

// Every point outside the tree knows its nearest one inside, of several the first; -1 stands for points inside.
static inline __attribute__((always_inline)) void LK(small_tree)(const float *columns, float *best, int32_t *partner, int64_t n, int64_t d,
                                                                int metric, int32_t *edges, float *lengths) {
    int64_t stride = small_stride(n);
    for (int64_t j = 0; j < stride; j++) {
        best[j] = INFINITY;
        partner[j] = j > 0 && j < n ? INT32_MAX : -1;
    }
    int64_t added = 0;
    for (int64_t found = 0; found < n - 1; found++) {
        LK(small_floats) least = (LK(small_floats)){0} + INFINITY;
        for (int64_t j = 0; j < stride; j += LK(small_lanes)) {
            LK(small_floats) *known = (LK(small_floats) *)(best + j), length;
            LK(small_masks) *inside = (LK(small_masks) *)(partner + j);
            LK(small_lengths)(columns, stride, d, metric, added, j, &length);
            LK(small_masks) isNearer = ((length < *known) | ((length == *known) & ((int32_t)added < *inside))) & (*inside >= 0);
            *known = (LK(small_floats))(((LK(small_masks))length & isNearer) | ((LK(small_masks))*known & ~isNearer));
            *inside = (isNearer & (int32_t)added) | (~isNearer & *inside);
            LK(small_masks) isLess = (*known < least) & (*inside >= 0);
            least = (LK(small_floats))(((LK(small_masks))*known & isLess) | ((LK(small_masks))least & ~isLess));
        }
        float shortest = INFINITY;
        for (int l = 0; l < LK(small_lanes); l++) shortest = least[l] < shortest ? least[l] : shortest;
        int32_t low = INT32_MAX, high = INT32_MAX, next = -1;
        for (int64_t j = 0; j < n; j++) {
            if (best[j] != shortest || partner[j] < 0) continue;
            int32_t a = partner[j] < j ? partner[j] : (int32_t)j, b = partner[j] < j ? (int32_t)j : partner[j];
            if (next >= 0 && (a > low || (a == low && b > high))) continue;
            low = a;
            high = b;
            next = (int32_t)j;
        }
        edges[2 * found] = low;
        edges[2 * found + 1] = high;
        lengths[found] = shortest;
        best[next] = INFINITY;
        partner[next] = -1;
        added = next;
    }
}

static void LK(losskit_small_trees)(int32_t metric, int64_t n, int64_t d, const float *points, int64_t begin, int64_t end, int32_t *edges,
                                    float *lengths, float *scratch) {
    int64_t stride = small_stride(n);
    float *columns = scratch, *best = columns + d * stride, *other_lengths = best + stride;
    int32_t *partner = (int32_t *)(other_lengths + stride), *other_edges = partner + stride;
    for (int64_t k = 0; k < d; k++) for (int64_t j = n; j < stride; j++) columns[k * stride + j] = 0;
    for (int64_t cloud = begin; cloud < end; cloud++) {
        const float *x = points + cloud * n * d;
        int32_t *tree = edges + 2 * cloud * (n - 1);
        float *tree_lengths = lengths + cloud * (n - 1);
        for (int64_t k = 0; k < d; k++) {
            for (int64_t j = 0; j < n; j++) columns[k * stride + j] = metric == losskit_given && j > k ? x[k * d + j] : x[j * d + k];
        }
#define TREE(metric) LK(small_tree)(columns, best, partner, n, d, metric, tree, tree_lengths)
        if (metric == losskit_euclidean) TREE(losskit_euclidean);
        else if (metric < losskit_euclidean) TREE(0);
        else if (metric == losskit_manhattan) TREE(losskit_manhattan);
        else if (metric == losskit_chebyshev) TREE(losskit_chebyshev);
        else TREE(losskit_given);
#undef TREE
        losskit_tree_sort(n - 1, tree, tree_lengths, other_edges, other_lengths);
    }
}
