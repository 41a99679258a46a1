// Searches for the nearest points of other components. Sums are taken coordinate by coordinate without fusing, so that every device gets the same
// bits and that a box's sum, rounded in the same order, never exceeds that of a point in it.

enum { LK(tree_lanes) = 16, LK(tree_rows) = 4 };
typedef float LK(tree_floats) __attribute__((vector_size(64), aligned(4)));
typedef int32_t LK(tree_masks) __attribute__((vector_size(64), aligned(4)));

// Sums up to which a point can enter a position's list.
static inline float LK(tree_limit)(const losskit_tree *tree, int64_t i) {
    return tree->listed[i] < losskit_tree_list ? tree->beyond[i] : tree->near_sum[i * losskit_tree_list + losskit_tree_list - 1];
}

// Puts a point into a position's list if it belongs there: nearest first, of equals the one with the smallest index.
static void LK(tree_enter)(const losskit_tree *tree, int64_t i, int32_t j, float sum) {
    int32_t *near = tree->near + i * losskit_tree_list;
    float *near_sum = tree->near_sum + i * losskit_tree_list;
    int32_t place = tree->listed[i];
    sum = tree_sum(tree->metric, sum);
    while (place > 0 && (near_sum[place - 1] > sum || (near_sum[place - 1] == sum && tree->ids[near[place - 1]] > tree->ids[j]))) place--;
    if (place == losskit_tree_list) return;
    if (tree->listed[i] < losskit_tree_list) tree->listed[i]++;
    for (int32_t l = tree->listed[i] - 1; l > place; l--) {
        near[l] = near[l - 1];
        near_sum[l] = near_sum[l - 1];
    }
    near[place] = j;
    near_sum[place] = sum;
}

// Offers the positions begin..<end to those of `count` queries, which stay in registers side by side.
static inline __attribute__((always_inline)) void LK(tree_offer_as)(const losskit_tree *tree, const int32_t *queries, int count, int metric,
                                                                    int64_t begin, int64_t end) {
#pragma clang fp contract(off)
    int64_t d = tree->d, stride = tree->n + tree_padding;
    const LK(tree_masks) lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const LK(tree_masks) bit = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
    const float *x[LK(tree_rows)];
    for (int r = 0; r < count; r++) x[r] = tree->rows + queries[r] * d;
    for (int64_t j = begin; j < end; j += LK(tree_lanes)) {
        LK(tree_floats) sums[LK(tree_rows)] = {0};
        for (int64_t k = 0; k < d; k++) {
            LK(tree_floats) y = *(const LK(tree_floats) *)(tree->columns + k * stride + j);
            for (int r = 0; r < count; r++) {
                LK(tree_floats) u = y - x[r][k];
                if (metric > losskit_euclidean) u = (LK(tree_floats))((LK(tree_masks))u & 0x7FFFFFFF);
                if (metric <= losskit_euclidean) sums[r] += u * u;
                else if (metric == losskit_manhattan) sums[r] += u;
                else {
                    LK(tree_masks) isLarger = u > sums[r];
                    sums[r] = (LK(tree_floats))(((LK(tree_masks))u & isLarger) | ((LK(tree_masks))sums[r] & ~isLarger));
                }
            }
        }
        LK(tree_masks) component = *(const LK(tree_masks) *)(tree->component + j);
        for (int r = 0; r < count; r++) {
            int32_t i = queries[r];
            LK(tree_masks) isOffered = (component != tree->component[i]) & (sums[r] <= LK(tree_limit)(tree, i)) & (lane < (int32_t)(end - j));
            for (int32_t left = __builtin_reduce_or(isOffered & bit); left; left &= left - 1) {
                int l = __builtin_ctz((uint32_t)left);
                if (sums[r][l] <= LK(tree_limit)(tree, i)) LK(tree_enter)(tree, i, (int32_t)j + l, sums[r][l]);
            }
        }
    }
}

static void LK(tree_offer)(const losskit_tree *tree, const int32_t *queries, int64_t count, int64_t begin, int64_t end) {
#define OFFER(count) \
    (tree->metric <= losskit_euclidean ? LK(tree_offer_as)(tree, queries, count, losskit_euclidean, begin, end) \
     : tree->metric == losskit_manhattan ? LK(tree_offer_as)(tree, queries, count, losskit_manhattan, begin, end) \
                                         : LK(tree_offer_as)(tree, queries, count, losskit_chebyshev, begin, end))
    for (; count >= LK(tree_rows); count -= LK(tree_rows), queries += LK(tree_rows)) OFFER(LK(tree_rows));
    for (; count > 0; count--, queries++) OFFER(1);
#undef OFFER
}

static float LK(tree_box)(const losskit_tree *tree, int64_t i, int64_t node) {
#pragma clang fp contract(off)
    int64_t d = tree->d;
    const float *x = tree->rows + i * d, *low = tree->boxes + node * 2 * d, *high = low + d;
    float sum = 0;
    for (int64_t k = 0; k < d; k++) {
        float below = low[k] - x[k], above = x[k] - high[k], u = below > above ? below : above;
        u = u > 0 ? u : 0;
        if (tree->metric <= losskit_euclidean) sum += u * u;
        else if (tree->metric == losskit_manhattan) sum += u;
        else sum = u > sum ? u : sum;
    }
    return sum;
}

// Whether a node can hold something for a position's list.
static int LK(tree_hopeful)(const losskit_tree *tree, int64_t i, int64_t node, float sum) {
    if (tree->label[node] == tree->component[i] || sum > LK(tree_limit)(tree, i)) return 0;
    if (tree->listed[i] < losskit_tree_list) return 1;
    int64_t last = i * losskit_tree_list + losskit_tree_list - 1;
    return tree->first[node] < tree->ids[tree->near[last]] || tree_sum(tree->metric, sum) < tree->near_sum[last];
}

static void LK(tree_descend)(const losskit_tree *tree, int32_t i) {
    struct { int64_t node; float sum; } stack[64];
    int32_t depth = 0;
    int64_t node = 1, leaves = (int64_t)1 << tree->levels;
    float sum = 0;
    for (;;) {
        if (LK(tree_hopeful)(tree, i, node, sum)) {
            if (node < leaves) {
                float left = LK(tree_box)(tree, i, 2 * node), right = LK(tree_box)(tree, i, 2 * node + 1);
                int isRight = right < left || (right == left && tree->first[2 * node + 1] < tree->first[2 * node]);
                stack[depth].node = 2 * node + !isRight;
                stack[depth++].sum = isRight ? left : right;
                node = 2 * node + isRight;
                sum = isRight ? right : left;
                continue;
            }
            LK(tree_offer)(tree, &i, 1, node_begin(tree, tree->levels, node), node_begin(tree, tree->levels, node + 1));
        }
        if (depth == 0) return;
        node = stack[--depth].node;
        sum = stack[depth].sum;
    }
}

static void LK(losskit_tree_search)(const losskit_tree *tree, int64_t begin, int64_t end) {
    const int32_t *queries = tree->queries + begin;
    int64_t count = end - begin;
    for (int64_t q = 0; q < count; q++) {
        int32_t i = queries[q];
        tree->listed[i] = tree->head[i] = 0;
        // Other threads lower the bound as they find shorter edges of the component; any value it had is a right one.
        __atomic_load(tree->best + tree->component[i], tree->beyond + i, __ATOMIC_RELAXED);
    }
    if (tree->levels > 0) {
        for (int64_t q = 0; q < count; q++) LK(tree_descend)(tree, queries[q]);
    } else {
        // Blocks of points that stay in the first cache.
        int64_t block = 8192 / (tree->d + 1) & ~(int64_t)(LK(tree_lanes) - 1);
        block = block < LK(tree_lanes) ? LK(tree_lanes) : block;
        for (int64_t j = 0; j < tree->n; j += block) LK(tree_offer)(tree, queries, count, j, tree->n - j < block ? tree->n : j + block);
    }
    for (int64_t q = 0; q < count; q++) {
        int32_t i = queries[q];
        tree->beyond[i] = LK(tree_limit)(tree, i);
        if (tree->listed[i] == 0) continue;
        float *best = tree->best + tree->component[i], known, found = tree->near_sum[(int64_t)i * losskit_tree_list];
        __atomic_load(best, &known, __ATOMIC_RELAXED);
        while (found < known && !__atomic_compare_exchange(best, &known, &found, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
    }
}
