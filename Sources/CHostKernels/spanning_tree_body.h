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

static inline __attribute__((always_inline)) void LK(tree_raise)(LK(tree_floats) *sums, const LK(tree_floats) *others) {
    LK(tree_masks) isLarger = *others > *sums;
    *sums = (LK(tree_floats))(((LK(tree_masks))*others & isLarger) | ((LK(tree_masks))*sums & ~isLarger));
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
                else LK(tree_raise)(sums + r, &u);
            }
        }
        if (tree->cores) {
            LK(tree_floats) theirs = *(const LK(tree_floats) *)(tree->cores + j);
            for (int r = 0; r < count; r++) {
                LK(tree_floats) core = (LK(tree_floats)){0} + tree->cores[queries[r]];
                LK(tree_raise)(sums + r, &theirs);
                LK(tree_raise)(sums + r, &core);
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

// No point of a node has a smaller sum to a position's.
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

// The same with cores.
static float LK(tree_bound)(const losskit_tree *tree, int64_t i, int64_t node) {
    float sum = LK(tree_box)(tree, i, node);
    if (!tree->cores) return sum;
    sum = tree->node_cores[node] > sum ? tree->node_cores[node] : sum;
    return tree->cores[i] > sum ? tree->cores[i] : sum;
}

// Whether a node can hold something for a position's list.
static int LK(tree_hopeful)(const losskit_tree *tree, int64_t i, int64_t node, float sum) {
    if (tree->label[node] == tree->component[i] || sum > LK(tree_limit)(tree, i)) return 0;
    if (tree->listed[i] < losskit_tree_list) return 1;
    int64_t last = i * losskit_tree_list + losskit_tree_list - 1;
    return tree->first[node] < tree->ids[tree->near[last]] || tree_sum(tree->metric, sum) < tree->near_sum[last];
}

// Looks for a position's nearest points below a node, the nearer child first.
static void LK(tree_descend)(const losskit_tree *tree, int32_t i, int64_t node, float sum) {
    struct { int64_t node; float sum; } stack[64];
    int32_t depth = 0;
    int64_t leaves = (int64_t)1 << tree->levels;
    for (;;) {
        if (LK(tree_hopeful)(tree, i, node, sum)) {
            if (node < leaves) {
                float left = LK(tree_bound)(tree, i, 2 * node), right = LK(tree_bound)(tree, i, 2 * node + 1);
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

// Whether nothing outside a node, whose box no other node reaches into, can enter a position's list.
static int LK(tree_encloses)(const losskit_tree *tree, int64_t node, int64_t i) {
#pragma clang fp contract(off)
    int64_t d = tree->d;
    const float *x = tree->rows + i * d, *low = tree->boxes + node * 2 * d, *high = low + d;
    float limit = LK(tree_limit)(tree, i);
    for (int64_t k = 0; k < d; k++) {
        float below = x[k] - low[k], above = high[k] - x[k], u = below < above ? below : above;
        if (!((tree->metric <= losskit_euclidean ? u * u : u) > limit)) return 0;
    }
    return 1;
}

// Looks in the siblings of a leaf and of the nodes above it.
static void LK(tree_climb)(const losskit_tree *tree, int32_t i, int64_t node) {
    for (; node > 1; node >>= 1) {
        LK(tree_descend)(tree, i, node ^ 1, LK(tree_bound)(tree, i, node ^ 1));
        if (LK(tree_encloses)(tree, node >> 1, i)) return;
    }
}

// The leaves of positions: those of several that share one look into it together.
static void LK(tree_start)(const losskit_tree *tree, const int32_t *queries, int64_t count) {
    int64_t leaves = (int64_t)1 << tree->levels, leaf = leaves + (count > 0 ? queries[0] * leaves / tree->n : 0);
    for (int64_t q = 0; q < count;) {
        while (node_begin(tree, tree->levels, leaf + 1) <= queries[q]) leaf++;
        int64_t begin = node_begin(tree, tree->levels, leaf), end = node_begin(tree, tree->levels, leaf + 1), next = q;
        while (next < count && queries[next] < end) next++;
        if (tree->label[leaf] < 0) LK(tree_offer)(tree, queries + q, next - q, begin, end);
        for (; q < next; q++) LK(tree_climb)(tree, queries[q], leaf);
    }
}

static void LK(losskit_tree_search)(const losskit_tree *tree, int64_t begin, int64_t end) {
    const int32_t *queries = tree->queries + begin;
    int64_t count = end - begin;
    for (int64_t q = 0; q < count; q++) {
        int32_t i = queries[q];
        tree->listed[i] = tree->head[i] = 0;
        __atomic_load(tree->best + tree->component[i], tree->beyond + i, __ATOMIC_RELAXED);
    }
    if (tree->levels > 0) {
        LK(tree_start)(tree, queries, count);
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
        tree->nearest[i] = tree->near_sum[(int64_t)i * losskit_tree_list];
        tree_lower(tree->best + tree->component[i], tree->nearest[i]);
    }
}

// The k nearest sums of a position so far, ascending; of points begin..<end those that are nearer come in.
static void LK(tree_gather)(const losskit_tree *tree, int64_t i, int64_t begin, int64_t end, int64_t k, float *nearest) {
#pragma clang fp contract(off)
    int64_t d = tree->d, stride = tree->n + tree_padding;
    for (int64_t j = begin; j < end; j++) {
        if (j == i) continue;
        float sum = 0;
        for (int64_t c = 0; c < d; c++) {
            float u = tree->columns[c * stride + j] - tree->rows[i * d + c], v = u < 0 ? -u : u;
            if (tree->metric <= losskit_euclidean) sum += u * u;
            else if (tree->metric == losskit_manhattan) sum += v;
            else sum = v > sum ? v : sum;
        }
        if (sum >= nearest[k - 1]) continue;
        int64_t place = k - 1;
        for (; place > 0 && nearest[place - 1] > sum; place--) nearest[place] = nearest[place - 1];
        nearest[place] = sum;
    }
}

static void LK(losskit_tree_cores)(const losskit_tree *tree, int64_t k, int64_t begin, int64_t end, float *scratch) {
    int64_t leaves = (int64_t)1 << tree->levels;
    for (int64_t i = begin; i < end; i++) {
        for (int64_t l = 0; l < k; l++) scratch[l] = INFINITY;
        struct { int64_t node; float sum; } stack[64] = {{1, 0}};
        int32_t depth = 1;
        while (depth > 0) {
            int64_t node = stack[--depth].node;
            if (stack[depth].sum >= scratch[k - 1]) continue;
            if (node >= leaves) {
                LK(tree_gather)(tree, i, node_begin(tree, tree->levels, node), node_begin(tree, tree->levels, node + 1), k, scratch);
                continue;
            }
            float left = LK(tree_box)(tree, i, 2 * node), right = LK(tree_box)(tree, i, 2 * node + 1);
            int isRight = right < left;
            stack[depth].node = 2 * node + !isRight;
            stack[depth++].sum = isRight ? left : right;
            stack[depth].node = 2 * node + isRight;
            stack[depth++].sum = isRight ? right : left;
        }
        tree->cores[i] = scratch[k - 1];
    }
}
