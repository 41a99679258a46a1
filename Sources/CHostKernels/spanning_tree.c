#include "spanning_tree.h"
#include "union_find.h"

#define LK_BODY "spanning_tree_body.h"
#include "isa.h"

LK_DISPATCH(losskit_tree_search, (const losskit_tree *tree, int64_t begin, int64_t end), (tree, begin, end))
LK_DISPATCH(losskit_tree_cores, (const losskit_tree *tree, int64_t k, int64_t begin, int64_t end, float *scratch), (tree, k, begin, end, scratch))

// MARK: - Memory

int64_t losskit_tree_bytes(int64_t n, int64_t d, int32_t levels, int32_t is_mutual) {
    int64_t cores = is_mutual ? 4 * (n + tree_padding + tree_nodes(levels)) : 0;
    return cores + 4 * (n * d + (n + tree_padding) * (d + 1) + n * (2 * losskit_tree_list + 8) + tree_nodes(levels) * (2 * d + 2)) + 2 * n;
}

void losskit_tree_place(losskit_tree *tree, void *memory) {
    int64_t n = tree->n, d = tree->d, nodes = tree_nodes(tree->levels);
    float *floats = memory;
    tree->rows = floats, floats += n * d;
    tree->columns = floats, floats += (n + tree_padding) * d;
    tree->near_sum = floats, floats += n * losskit_tree_list;
    tree->beyond = floats, floats += n;
    tree->best = floats, floats += n;
    tree->nearest = floats, floats += n;
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
    tree->parent = integers, integers += n;
    tree->roots = integers, integers += n;
    tree->queries = integers, integers += n;
    tree->first = integers, integers += nodes;
    tree->label = integers, integers += nodes;
    tree->listed = (uint8_t *)integers;
    tree->head = tree->listed + n;
}

void losskit_tree_fill(const losskit_tree *tree, const float *points) {
    memcpy(tree->rows, points, 4 * (size_t)(tree->n * tree->d));
    for (int64_t i = 0; i < tree->n; i++) {
        tree->ids[i] = tree->component[i] = tree->parent[i] = tree->roots[i] = (int32_t)i;
        tree->winner[i] = -1;
        tree->listed[i] = tree->head[i] = 0;
        tree->best[i] = tree->nearest[i] = INFINITY;
        tree->beyond[i] = 0;
    }
    for (int64_t i = 0; i < tree_padding; i++) tree->component[tree->n + i] = -1;
}

// MARK: - Hierarchy

void losskit_tree_finish(const losskit_tree *tree) {
    int64_t n = tree->n, d = tree->d, leaves = (int64_t)1 << tree->levels;
    tree_settle(tree);
    for (int64_t i = 0; i < tree_padding; i++) for (int64_t k = 0; k < d; k++) tree->columns[k * (n + tree_padding) + n + i] = 0;
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

static int comes_first(const losskit_tree *tree, int32_t i, int32_t j) {
    const int32_t *near_i = tree->near + (int64_t)i * losskit_tree_list, *near_j = tree->near + (int64_t)j * losskit_tree_list;
    float sum = tree->nearest[i], other = tree->nearest[j];
    int32_t a = tree->ids[i], b = tree->ids[near_i[tree->head[i]]], p = tree->ids[j], q = tree->ids[near_j[tree->head[j]]];
    if (sum != other) return sum < other;
    int32_t low = a < b ? a : b, high = a < b ? b : a, other_low = p < q ? p : q, other_high = p < q ? q : p;
    return low != other_low ? low < other_low : high < other_high;
}

void losskit_tree_pick(const losskit_tree *tree, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        if (tree->nearest[i] > tree->best[tree->component[i]] || tree->head[i] == tree->listed[i]) continue;
        int32_t *winner = tree->winner + tree->component[i], known = __atomic_load_n(winner, __ATOMIC_RELAXED);
        while (known < 0 || comes_first(tree, (int32_t)i, known)) {
            if (__atomic_compare_exchange_n(winner, &known, (int32_t)i, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) break;
        }
    }
}

int64_t losskit_tree_join(const losskit_tree *tree, int32_t *edges, float *lengths, int64_t found) {
    int32_t *parent = tree->parent, *roots = tree->roots;
    const int64_t count = tree->n - found;
    for (int64_t k = 0; k < count; k++) {
        const int32_t i = tree->winner[roots[k]];
        if (i < 0) continue;
        const int32_t j = tree->near[(int64_t)i * losskit_tree_list + tree->head[i]];
        const int32_t a = root_of(parent, roots[k]), b = root_of(parent, tree->component[j]);
        if (a == b) continue;
        // The smaller root stays, so that a pass in ascending order finds all of them.
        parent[a > b ? a : b] = a > b ? b : a;
        const int32_t p = tree->ids[i], q = tree->ids[j];
        edges[2 * found] = p < q ? p : q;
        edges[2 * found + 1] = p < q ? q : p;
        lengths[found++] = tree->metric == losskit_euclidean ? __builtin_sqrtf(tree->nearest[i]) : tree->nearest[i];
    }
    int64_t left = 0;
    for (int64_t k = 0; k < count; k++) {
        const int32_t c = roots[k];
        parent[c] = parent[parent[c]];
        if (parent[c] != c) continue;
        roots[left++] = c;
        tree->winner[c] = -1;
        tree->best[c] = INFINITY;
    }
    return found;
}

void losskit_tree_relabel(const losskit_tree *tree, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) tree->component[i] = tree->parent[tree->component[i]];
}

void losskit_tree_advance(const losskit_tree *tree, int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i++) {
        if (tree->head[i] == tree->listed[i]) continue;
        const int32_t *near = tree->near + i * losskit_tree_list, own = tree->component[i];
        while (tree->head[i] < tree->listed[i] && tree->component[near[tree->head[i]]] == own) tree->head[i]++;
        tree->nearest[i] = tree->head[i] < tree->listed[i] ? tree->near_sum[i * losskit_tree_list + tree->head[i]] : INFINITY;
        tree_lower(tree->best + own, tree->nearest[i]);
    }
}

int64_t losskit_tree_collect(const losskit_tree *tree, int64_t begin, int64_t end) {
    int64_t count = 0;
    for (int64_t i = begin; i < end; i++) {
        if (tree->head[i] < tree->listed[i]) continue;
        // Other threads lower the bound as they find shorter edges of the component; any value it had is a right one.
        float best;
        __atomic_load(tree->best + tree->component[i], &best, __ATOMIC_RELAXED);
        if (!(tree->beyond[i] > best)) tree->queries[begin + count++] = (int32_t)i;
    }
    return count;
}

void losskit_tree_label(const losskit_tree *tree) {
    int64_t leaves = (int64_t)1 << tree->levels;
    for (int64_t node = 2 * leaves - 1; node > 0; node--) {
        if (node < leaves) {
            tree->label[node] = tree->label[2 * node] == tree->label[2 * node + 1] ? tree->label[2 * node] : -1;
            continue;
        }
        const int64_t begin = node_begin(tree, tree->levels, node), end = node_begin(tree, tree->levels, node + 1);
        int32_t differs = 0;
        for (int64_t i = begin + 1; i < end; i++) differs |= tree->component[i] ^ tree->component[begin];
        tree->label[node] = differs ? -1 : tree->component[begin];
    }
}

// Radix sort by the larger index (passes 0 to 3), the smaller one (4 to 7) and the length (8 to 11), eight bits at a time; lengths are not negative, so
// they order as integers.
static void sort_from(int32_t pass, int64_t count, int32_t *edges, float *lengths, int32_t *scratch_edges, float *scratch_lengths) {
    for (; pass < 12; pass++) {
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

void losskit_tree_sort(int64_t count, int32_t *edges, float *lengths, int32_t *scratch_edges, float *scratch_lengths) {
    sort_from(8, count, edges, lengths, scratch_edges, scratch_lengths);
    // Few are as long as others, unless the points lie on a lattice.
    for (int64_t begin = 0, i = 1; i < count; i++) {
        if (lengths[i] != lengths[begin]) begin = i;
        if (i - begin >= 16) {
            sort_from(0, count, edges, lengths, scratch_edges, scratch_lengths);
            return;
        }
        const int32_t low = edges[2 * i], high = edges[2 * i + 1];
        int64_t place = i;
        for (; place > begin; place--) {
            const int32_t *before = edges + 2 * (place - 1);
            if (before[0] < low || (before[0] == low && before[1] < high)) break;
            memcpy(edges + 2 * place, before, 8);
        }
        edges[2 * place] = low;
        edges[2 * place + 1] = high;
    }
}
