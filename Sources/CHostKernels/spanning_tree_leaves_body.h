// The first search, in which every point is foreign to every other: the points of a leaf side by side in the lanes of vectors, each with a list of its own
// in registers. Sums are taken as in spanning_tree_body.h.

enum { LK(leaf_lanes) = LK_VECTOR_BYTES / 4 };
typedef float LK(lane_floats) __attribute__((ext_vector_type(LK_VECTOR_BYTES / 4)));
typedef int32_t LK(lane_ints) __attribute__((ext_vector_type(LK_VECTOR_BYTES / 4)));

typedef struct {
    LK(lane_floats) x[losskit_tree_axes], sums[leaf_kept];
    LK(lane_ints) near[leaf_kept], own;
} LK(leaf_queries);

static inline __attribute__((always_inline)) int LK(leaf_any)(LK(lane_ints) mask) { return __builtin_reduce_or(mask) != 0; }

static inline __attribute__((always_inline)) LK(lane_floats) LK(leaf_add)(LK(lane_floats) sum, LK(lane_floats) u, int metric) {
#pragma clang fp contract(off)
    if (metric <= losskit_euclidean) return sum + u * u;
    if (metric == losskit_manhattan) return sum + u;
    return u > sum ? u : sum;
}

// Offers the positions begin..<end to all lanes.
static inline __attribute__((always_inline)) void LK(leaf_offer)(const losskit_tree *tree, LK(leaf_queries) *queries, int64_t d, int metric, int64_t begin,
                                                                 int64_t end) {
    const int64_t stride = tree->n + tree_padding;
    LK(lane_floats) sums[leaf_kept];
    LK(lane_ints) near[leaf_kept];
    for (int l = 0; l < leaf_kept; l++) sums[l] = queries->sums[l], near[l] = queries->near[l];
    for (int64_t j = begin; j < end; j++) {
        LK(lane_floats) sum = 0;
        for (int64_t k = 0; k < d; k++) {
            LK(lane_floats) u = tree->columns[k * stride + j] - queries->x[k];
            sum = LK(leaf_add)(sum, metric <= losskit_euclidean ? u : u < 0 ? -u : u, metric);
        }
        LK(lane_ints) place = (int32_t)j;
        LK(lane_ints) isNearer = (sum < sums[leaf_kept - 1]) & (place != queries->own);
        if (!LK(leaf_any)(isNearer)) continue;
        sum = isNearer ? sum : (LK(lane_floats))INFINITY;
        for (int l = 0; l < leaf_kept; l++) {
            LK(lane_ints) comesFirst = sum < sums[l], other = near[l];
            LK(lane_floats) known = sums[l];
            sums[l] = comesFirst ? sum : known;
            near[l] = comesFirst ? place : other;
            sum = comesFirst ? known : sum;
            place = comesFirst ? other : place;
        }
    }
    for (int l = 0; l < leaf_kept; l++) queries->sums[l] = sums[l], queries->near[l] = near[l];
}

// The lanes for which a node can hold something nearer.
static inline __attribute__((always_inline)) LK(lane_ints) LK(leaf_hopeful)(const losskit_tree *tree, const LK(leaf_queries) *queries, int64_t d, int metric,
                                                                            int64_t node) {
    const float *low = tree->boxes + node * 2 * d, *high = low + d;
    LK(lane_floats) sum = 0;
    for (int64_t k = 0; k < d; k++) {
        LK(lane_floats) below = low[k] - queries->x[k], above = queries->x[k] - high[k], u = below > above ? below : above;
        sum = LK(leaf_add)(sum, u > 0 ? u : 0, metric);
    }
    return sum < queries->sums[leaf_kept - 1];
}

// Whether nothing outside a node, whose box no other node reaches into, can enter a lane's list.
static inline __attribute__((always_inline)) int LK(leaf_encloses)(const losskit_tree *tree, const LK(leaf_queries) *queries, int64_t d, int metric,
                                                                   int64_t node) {
#pragma clang fp contract(off)
    const float *low = tree->boxes + node * 2 * d, *high = low + d;
    LK(lane_ints) isOpen = 0;
    for (int64_t k = 0; k < d; k++) {
        LK(lane_floats) below = queries->x[k] - low[k], above = high[k] - queries->x[k], u = below < above ? below : above;
        isOpen |= (metric <= losskit_euclidean ? u * u : u) < queries->sums[leaf_kept - 1];
    }
    return !LK(leaf_any)(isOpen);
}

// The largest of the sums with the same length, in every lane.
static inline __attribute__((always_inline)) LK(lane_floats) LK(leaf_longest)(LK(lane_floats) sum, int metric) {
    if (metric != losskit_euclidean) return sum;
    LK(lane_floats) length = __builtin_elementwise_sqrt(sum), next = sum;
    for (LK(lane_ints) isSame = -1; LK(leaf_any)(isSame);) {
        sum = isSame ? next : sum;
        next = (LK(lane_floats))((LK(lane_ints))sum + 1);
        isSame &= __builtin_elementwise_sqrt(next) == length;
    }
    return sum;
}

// Lists what lanes have kept but the last, and as many as are as long as that: of those others may come before.
static void LK(leaf_list)(const losskit_tree *tree, LK(leaf_queries) *queries, int64_t begin, int64_t count, int metric) {
    float sums[leaf_kept][LK(leaf_lanes)];
    int32_t near[leaf_kept][LK(leaf_lanes)];
    for (int l = 0; l < leaf_kept; l++) {
        LK(lane_floats) longest = LK(leaf_longest)(queries->sums[l], metric);
        memcpy(sums[l], &longest, sizeof longest);
        memcpy(near[l], &queries->near[l], sizeof queries->near[l]);
    }
    for (int64_t q = 0; q < count; q++) {
        const int64_t i = begin + q;
        float *listed_sums = tree->near_sum + i * losskit_tree_list;
        int32_t *listed = tree->near + i * losskit_tree_list;
        const float beyond = sums[leaf_kept - 1][q];
        int found = 0;
        for (; found < leaf_kept - 1 && sums[found][q] < beyond; found++) {
            const int32_t j = near[found][q];
            int place = found;
            for (; place > 0 && listed_sums[place - 1] == sums[found][q] && tree->ids[listed[place - 1]] > tree->ids[j]; place--) {
                listed[place] = listed[place - 1];
            }
            listed[place] = j;
            listed_sums[found] = sums[found][q];
        }
        tree->listed[i] = (uint8_t)found;
        tree->beyond[i] = beyond;
        if (found > 0) {
            tree->best[i] = tree->nearest[i] = listed_sums[0];
        } else {
            tree->queries[i] = (int32_t)i;
            losskit_tree_search(tree, i, i + 1);
        }
    }
}

static inline __attribute__((always_inline)) void LK(leaf_search)(const losskit_tree *tree, int64_t d, int metric, int64_t begin, int64_t end) {
    const int64_t leaves = (int64_t)1 << tree->levels, stride = tree->n + tree_padding;
    LK(leaf_queries) queries;
    for (int64_t leaf = leaves + begin; leaf < leaves + end; leaf++) {
        const int64_t first = node_begin(tree, tree->levels, leaf), last = node_begin(tree, tree->levels, leaf + 1);
        for (int64_t i = first; i < last; i += LK(leaf_lanes)) {
            const int64_t count = last - i < LK(leaf_lanes) ? last - i : LK(leaf_lanes);
            // Lanes without a point do as the last one.
            for (int q = 0; q < LK(leaf_lanes); q++) {
                const int64_t from = q < count ? i + q : last - 1;
                for (int64_t k = 0; k < d; k++) queries.x[k][q] = tree->columns[k * stride + from];
                queries.own[q] = (int32_t)from;
            }
            for (int l = 0; l < leaf_kept; l++) queries.sums[l] = INFINITY, queries.near[l] = -1;
            LK(leaf_offer)(tree, &queries, d, metric, first, last);
            for (int64_t root = leaf; root > 1; root >>= 1) {
                int64_t stack[64];
                int depth = 0;
                for (int64_t node = root ^ 1;;) {
                    if (LK(leaf_any)(LK(leaf_hopeful)(tree, &queries, d, metric, node))) {
                        if (node < leaves) {
                            stack[depth++] = 2 * node + 1;
                            node = 2 * node;
                            continue;
                        }
                        LK(leaf_offer)(tree, &queries, d, metric, node_begin(tree, tree->levels, node), node_begin(tree, tree->levels, node + 1));
                    }
                    if (depth == 0) break;
                    node = stack[--depth];
                }
                if (LK(leaf_encloses)(tree, &queries, d, metric, root >> 1)) break;
            }
            LK(leaf_list)(tree, &queries, i, count, metric);
        }
    }
}

static void LK(losskit_tree_first)(const losskit_tree *tree, int64_t begin, int64_t end) {
#define SEARCH(d) \
    (tree->metric <= losskit_euclidean ? LK(leaf_search)(tree, d, tree->metric, begin, end) \
     : tree->metric == losskit_manhattan ? LK(leaf_search)(tree, d, losskit_manhattan, begin, end) \
                                         : LK(leaf_search)(tree, d, losskit_chebyshev, begin, end))
    switch (tree->d) {
    case 2: SEARCH(2); return;
    case 3: SEARCH(3); return;
    default: SEARCH(tree->d); return;
    }
#undef SEARCH
}
