#include "losskit_spanning_tree.h"

#include <math.h>
#include <string.h>

#include "losskit_pairs.h"

// What lies behind the last point is read by vectors, but not used.
enum { tree_padding = 16 };

// Sums over coordinates stand for lengths: of all sums whose length rounds to one number the largest. So comparing them compares lengths.
static inline float tree_sum(int metric, float sum) {
    if (metric != losskit_euclidean) return sum;
    float length = __builtin_sqrtf(sum), next = sum;
    while (next < INFINITY && __builtin_sqrtf(next) == length) {
        sum = next;
        uint32_t bits;
        memcpy(&bits, &next, 4);
        bits++;
        memcpy(&next, &bits, 4);
    }
    return sum;
}

static inline int64_t tree_nodes(int32_t levels) { return (int64_t)2 << levels; }

static inline int64_t node_begin(const losskit_tree *tree, int32_t level, int64_t node) {
    return tree->n * (node - ((int64_t)1 << level)) >> level;
}

#define LK_BODY "spanning_tree_body.h"
#include "isa.h"

LK_DISPATCH(losskit_tree_search, (const losskit_tree *tree, int64_t begin, int64_t end), (tree, begin, end))
LK_DISPATCH(losskit_tree_cores, (const losskit_tree *tree, int64_t k, int64_t begin, int64_t end, float *scratch), (tree, k, begin, end, scratch))

// MARK: - Memory

int64_t losskit_tree_bytes(int64_t n, int64_t d, int32_t levels, int32_t is_mutual) {
    int64_t cores = is_mutual ? 4 * (n + tree_padding + tree_nodes(levels)) : 0;
    return cores + 4 * (n * d + (n + tree_padding) * (d + 1) + n * (2 * losskit_tree_list + 5) + tree_nodes(levels) * (2 * d + 2)) + 2 * n;
}

void losskit_tree_place(losskit_tree *tree, void *memory) {
    int64_t n = tree->n, d = tree->d, nodes = tree_nodes(tree->levels);
    float *floats = memory;
    tree->rows = floats, floats += n * d;
    tree->columns = floats, floats += (n + tree_padding) * d;
    tree->near_sum = floats, floats += n * losskit_tree_list;
    tree->beyond = floats, floats += n;
    tree->best = floats, floats += n;
    tree->boxes = floats, floats += nodes * 2 * d;
    if (tree->is_mutual) {
        tree->cores = floats, floats += n + tree_padding;
        tree->node_cores = floats, floats += nodes;
    } else {
        tree->cores = tree->node_cores = 0;
    }
    int32_t *integers = (int32_t *)floats;
    tree->component = integers, integers += n + tree_padding;
    tree->ids = integers, integers += n;
    tree->near = integers, integers += n * losskit_tree_list;
    tree->winner = integers, integers += n;
    tree->queries = integers, integers += n;
    tree->first = integers, integers += nodes;
    tree->label = integers, integers += nodes;
    tree->listed = (uint8_t *)integers;
    tree->head = tree->listed + n;
}

void losskit_tree_fill(const losskit_tree *tree, const float *points) {
    memcpy(tree->rows, points, 4 * (size_t)(tree->n * tree->d));
    for (int64_t i = 0; i < tree->n; i++) {
        tree->ids[i] = tree->component[i] = tree->queries[i] = (int32_t)i;
        tree->winner[i] = -1;
        tree->listed[i] = tree->head[i] = 0;
        tree->best[i] = INFINITY;
    }
    for (int64_t i = 0; i < tree_padding; i++) {
        tree->component[tree->n + i] = -1;
        for (int64_t k = 0; k < tree->d; k++) tree->columns[k * (tree->n + tree_padding) + tree->n + i] = 0;
    }
}

// MARK: - Hierarchy

static void swap_points(const losskit_tree *tree, int64_t i, int64_t j) {
    float *a = tree->rows + i * tree->d, *b = tree->rows + j * tree->d;
    for (int64_t k = 0; k < tree->d; k++) {
        float kept = a[k];
        a[k] = b[k];
        b[k] = kept;
    }
    int32_t kept = tree->ids[i];
    tree->ids[i] = tree->ids[j];
    tree->ids[j] = kept;
}

void losskit_tree_split(const losskit_tree *tree, int64_t node) {
    int32_t level = 63 - __builtin_clzll((uint64_t)node);
    int64_t d = tree->d, low = node_begin(tree, level, node), high = node_begin(tree, level, node + 1) - 1;
    int64_t middle = node_begin(tree, level + 1, 2 * node + 1), axis = 0;
    float widest = -1;
    for (int64_t k = 0; k < d; k++) {
        float least = INFINITY, most = -INFINITY;
        for (int64_t i = low; i <= high; i++) {
            float x = tree->rows[i * d + k];
            least = x < least ? x : least;
            most = x > most ? x : most;
        }
        if (most - least > widest) {
            widest = most - least;
            axis = k;
        }
    }
    // Hoare's selection; the pivots are drawn, so that no order of the points is a bad one.
    const float *x = tree->rows + axis;
    uint64_t draw = (uint64_t)node;
    while (low < high) {
        draw = draw * 6364136223846793005u + 1442695040888963407u;
        float pivot = x[(low + (int64_t)((draw >> 33) % (uint64_t)(high - low + 1))) * d];
        int64_t i = low, j = high;
        while (i <= j) {
            while (x[i * d] < pivot) i++;
            while (x[j * d] > pivot) j--;
            if (i > j) break;
            swap_points(tree, i++, j--);
        }
        if (middle <= j) high = j;
        else if (middle >= i) low = i;
        else break;
    }
}

void losskit_tree_finish(const losskit_tree *tree) {
    int64_t n = tree->n, d = tree->d, leaves = (int64_t)1 << tree->levels;
    for (int64_t i = 0; i < n; i++) for (int64_t k = 0; k < d; k++) tree->columns[k * (n + tree_padding) + i] = tree->rows[i * d + k];
    for (int64_t node = 2 * leaves - 1; node > 0; node--) {
        float *low = tree->boxes + node * 2 * d, *high = low + d;
        if (node >= leaves) {
            tree->first[node] = INT32_MAX;
            for (int64_t k = 0; k < d; k++) low[k] = INFINITY, high[k] = -INFINITY;
            for (int64_t i = node_begin(tree, tree->levels, node); i < node_begin(tree, tree->levels, node + 1); i++) {
                if (tree->ids[i] < tree->first[node]) tree->first[node] = tree->ids[i];
                for (int64_t k = 0; k < d; k++) {
                    float x = tree->rows[i * d + k];
                    low[k] = x < low[k] ? x : low[k];
                    high[k] = x > high[k] ? x : high[k];
                }
            }
        } else {
            const float *a = tree->boxes + 2 * node * 2 * d, *b = a + 2 * d;
            tree->first[node] = tree->first[2 * node] < tree->first[2 * node + 1] ? tree->first[2 * node] : tree->first[2 * node + 1];
            for (int64_t k = 0; k < d; k++) {
                low[k] = a[k] < b[k] ? a[k] : b[k];
                high[k] = a[d + k] > b[d + k] ? a[d + k] : b[d + k];
            }
        }
        tree->label[node] = -1;
    }
}

void losskit_tree_share_cores(const losskit_tree *tree) {
    int64_t leaves = (int64_t)1 << tree->levels;
    for (int64_t node = 2 * leaves - 1; node > 0; node--) {
        const float *from = node < leaves ? tree->node_cores + 2 * node : tree->cores + node_begin(tree, tree->levels, node);
        int64_t count = node < leaves ? 2 : node_begin(tree, tree->levels, node + 1) - node_begin(tree, tree->levels, node);
        float least = INFINITY;
        for (int64_t i = 0; i < count; i++) least = from[i] < least ? from[i] : least;
        tree->node_cores[node] = least;
    }
}

// MARK: - Merging

static int32_t root_of(int32_t *parent, int32_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
}

// The nearest foreign point of a position, or -1, and the sum to it.
static int32_t partner_of(const losskit_tree *tree, int64_t i, float *sum) {
    if (tree->head[i] == tree->listed[i]) return -1;
    *sum = tree->near_sum[i * losskit_tree_list + tree->head[i]];
    return tree->near[i * losskit_tree_list + tree->head[i]];
}

static int comes_first(const losskit_tree *tree, int32_t i, int32_t j) {
    float sum = 0, other = 0;
    int32_t a = tree->ids[i], b = tree->ids[partner_of(tree, i, &sum)], p = tree->ids[j], q = tree->ids[partner_of(tree, j, &other)];
    if (sum != other) return sum < other;
    int32_t low = a < b ? a : b, high = a < b ? b : a, other_low = p < q ? p : q, other_high = p < q ? q : p;
    return low != other_low ? low < other_low : high < other_high;
}

static void label_nodes(const losskit_tree *tree) {
    int64_t leaves = (int64_t)1 << tree->levels;
    for (int64_t node = 2 * leaves - 1; node > 0; node--) {
        int32_t label;
        if (node >= leaves) {
            int64_t i = node_begin(tree, tree->levels, node), end = node_begin(tree, tree->levels, node + 1);
            label = tree->component[i];
            for (i++; i < end; i++) if (tree->component[i] != label) label = -1;
        } else {
            label = tree->label[2 * node] == tree->label[2 * node + 1] ? tree->label[2 * node] : -1;
        }
        tree->label[node] = label;
    }
}

int64_t losskit_tree_merge(const losskit_tree *tree, int32_t *edges, float *lengths, int64_t found, int64_t *queries) {
    int64_t n = tree->n;
    int32_t *component = tree->component, *winner = tree->winner, *parent = tree->queries;
    float sum = 0;
    for (int64_t i = 0; i < n; i++) {
        parent[i] = (int32_t)i;
        if (partner_of(tree, i, &sum) < 0 || sum > tree->best[component[i]]) continue;
        int32_t *first = winner + component[i];
        if (*first < 0 || comes_first(tree, (int32_t)i, *first)) *first = (int32_t)i;
    }
    for (int64_t c = 0; c < n; c++) {
        if (winner[c] < 0) continue;
        int32_t i = winner[c], j = partner_of(tree, i, &sum), a = root_of(parent, component[i]), b = root_of(parent, component[j]);
        if (a == b) continue;
        parent[a > b ? a : b] = a > b ? b : a;
        int32_t p = tree->ids[i], q = tree->ids[j];
        edges[2 * found] = p < q ? p : q;
        edges[2 * found + 1] = p < q ? q : p;
        lengths[found++] = tree->metric == losskit_euclidean ? __builtin_sqrtf(sum) : sum;
    }
    for (int64_t i = 0; i < n; i++) {
        component[i] = root_of(parent, component[i]);
        winner[i] = -1;
        tree->best[i] = INFINITY;
    }
    for (int64_t i = 0; i < n; i++) {
        const int32_t *near = tree->near + i * losskit_tree_list;
        while (tree->head[i] < tree->listed[i] && component[near[tree->head[i]]] == component[i]) tree->head[i]++;
        if (partner_of(tree, i, &sum) >= 0 && sum < tree->best[component[i]]) tree->best[component[i]] = sum;
    }
    *queries = 0;
    for (int64_t i = 0; i < n; i++) {
        int isDone = tree->head[i] < tree->listed[i] || tree->beyond[i] > tree->best[component[i]];
        if (!isDone) tree->queries[(*queries)++] = (int32_t)i;
    }
    if (tree->levels > 0) label_nodes(tree);
    return found;
}

void losskit_tree_sort(int64_t count, int32_t *edges, float *lengths, int32_t *scratch_edges, float *scratch_lengths) {
    // Radix sort by the larger index, the smaller one and the length, eight bits at a time; lengths are not negative, so they order as integers.
    for (int32_t pass = 0; pass < 12; pass++) {
        int64_t starts[257] = {0};
        int32_t shift = 8 * (pass % 4);
#define KEY(i) ((uint32_t)(pass < 4 ? edges[2 * (i) + 1] : pass < 8 ? edges[2 * (i)] : ((int32_t *)lengths)[i]) >> shift & 255)
        for (int64_t i = 0; i < count; i++) starts[KEY(i) + 1]++;
        int32_t isSorted = 0;
        for (int32_t b = 0; b < 256; b++) {
            isSorted |= starts[b + 1] == count;
            starts[b + 1] += starts[b];
        }
        if (isSorted) continue;
        for (int64_t i = 0; i < count; i++) {
            int64_t place = starts[KEY(i)]++;
            memcpy(scratch_edges + 2 * place, edges + 2 * i, 8);
            scratch_lengths[place] = lengths[i];
        }
#undef KEY
        memcpy(edges, scratch_edges, 8 * (size_t)count);
        memcpy(lengths, scratch_lengths, 4 * (size_t)count);
    }
}
