// The reduction of a complex's boundary matrix: components by union-find, the rest from the highest dimension down, so that what ends a class of one
// dimension need not be looked at for the dimension below.
// Source: C. Chen, M. Kerber, Persistent homology computation with a twist, 2011.

#include "complex_layout.h"
#include "radix_heap.h"
#include "union_find.h"

// Simplices of one dimension by their values, of equal ones by their numbers, and the place of each.
typedef struct {
    int32_t *order, *places;
} order_type;

static uint64_t key_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    if (value == 0) bits = 0;
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

static bool sort_simplices(losskit_complex *complex, int k, order_type *sorted) {
    const int64_t count = complex->count[k];
    sorted->order = complex_memory(complex, count, 4);
    sorted->places = complex_memory(complex, count, 4);
    uint64_t *keys = complex_memory(complex, count, 8);
    const bool succeeded = sorted->order && sorted->places && keys;
    for (int64_t i = 0; succeeded && i < count; i++) keys[i] = key_of(complex->values[k][i]) << 32 | (uint64_t)i;
    if (succeeded) qsort(keys, (size_t)count, 8, lk_compare);
    for (int64_t place = 0; succeeded && place < count; place++) {
        sorted->order[place] = (int32_t)(uint32_t)keys[place];
        sorted->places[sorted->order[place]] = (int32_t)place;
    }
    complex_forget(complex, keys, count, 8);
    return succeeded;
}

static void forget_order(losskit_complex *complex, int k, order_type *sorted) {
    complex_forget(complex, sorted->order, complex->count[k], 4);
    complex_forget(complex, sorted->places, complex->count[k], 4);
    *sorted = (order_type){0};
}

static void write_origin(const losskit_complex *complex, int k, int64_t i, int32_t *vertices) {
    for (int q = 0; q < complex_sizes; q++) vertices[q] = -1;
    if (i < 0) return;
    const int dimension = complex->origin_dimensions[k][i];
    memcpy(vertices, complex_simplex(complex, dimension, complex->origins[k][i]), 4 * (size_t)(dimension + 1));
}

// Notes a class that a simplex of dimension k begins, if it lives for some time.
static bool add_pair(losskit_complex *complex, int k, int64_t birth, int64_t death) {
    if (death >= 0 && !(complex->values[k + 1][death] > complex->values[k][birth])) return true;
    if (complex->pair_count == complex->pair_capacity) {
        const int64_t size = sizeof(losskit_complex_pair), capacity = complex->pair_capacity ? 2 * complex->pair_capacity : 16;
        losskit_complex_pair *pairs = lk_resize(&complex->ledger, complex->pairs, size * complex->pair_capacity, size * capacity);
        if (!pairs) return false;
        complex->pairs = pairs;
        complex->pair_capacity = capacity;
    }
    losskit_complex_pair *pair = &complex->pairs[complex->pair_count++];
    pair->dimension = k;
    write_origin(complex, k, birth, pair->birth);
    write_origin(complex, k + 1, death, pair->death);
    return true;
}

// Of two components that an edge joins the younger one ends; a root is its component's first vertex.
static bool join_components(losskit_complex *complex, const order_type *vertices, const order_type *edges, uint8_t *is_branch) {
    int32_t *parent = complex_memory(complex, complex->n, 4);
    bool succeeded = parent;
    for (int32_t v = 0; succeeded && v < complex->n; v++) parent[v] = v;
    for (int64_t e = 0; succeeded && e < complex->count[1]; e++) {
        const int32_t *ends = complex_simplex(complex, 1, edges->order[e]);
        int32_t older = root_of(parent, ends[0]), younger = root_of(parent, ends[1]);
        if (older == younger) continue;
        if (vertices->places[older] > vertices->places[younger]) {
            const int32_t kept = older;
            older = younger, younger = kept;
        }
        parent[younger] = older;
        is_branch[edges->order[e]] = 1;
        succeeded = add_pair(complex, 0, younger, edges->order[e]);
    }
    for (int64_t place = 0; succeeded && place < complex->n; place++) {
        const int32_t v = vertices->order[place];
        if (root_of(parent, v) == v) succeeded = add_pair(complex, 0, v, -1);
    }
    complex_forget(complex, parent, complex->n, 4);
    return succeeded;
}

// Reduces the columns of simplices of dimension k that do not end classes already (`is_birth`), and marks those one dimension down that they end.
static bool reduce(losskit_complex *complex, int k, const order_type *own, const order_type *facets, const uint8_t *is_birth, uint8_t *is_ended,
                   uint8_t *is_end) {
    const int64_t rows = complex->count[k - 1], columns = complex->count[k];
    lk_list *reduced = complex_memory(complex, rows, sizeof(lk_list));
    if (!reduced) return false;
    memset(reduced, 0, (size_t)(rows * (int64_t)sizeof(lk_list)));
    lk_heap heap = {0};
    bool succeeded = true;
    for (int64_t place = 0; succeeded && place < columns; place++) {
        const int32_t simplex = own->order[place];
        if (is_birth[simplex]) continue;
        lk_heap_empty(&heap);
        for (int q = 0; succeeded && q <= k; q++) {
            // The heap gives the smallest first; the last facet is wanted.
            const int64_t row = rows - 1 - facets->places[complex->facets[k][(int64_t)simplex * (k + 1) + q]];
            succeeded = lk_heap_add(&complex->ledger, &heap, (uint64_t)row);
        }
        uint64_t pivot;
        while (succeeded && lk_heap_first(&complex->ledger, &heap, &pivot)) {
            lk_list *other = &reduced[pivot];
            if (!other->count) {
                do {
                    succeeded = lk_push(&complex->ledger, other, heap.last);
                    heap.equal = 0;
                } while (succeeded && lk_heap_first(&complex->ledger, &heap, &(uint64_t){0}));
                const int32_t ended = facets->order[rows - 1 - (int64_t)pivot];
                is_ended[ended] = is_end[simplex] = 1;
                succeeded = succeeded && add_pair(complex, k - 1, ended, simplex);
                break;
            }
            for (int64_t i = 0; succeeded && i < other->count; i++) succeeded = lk_heap_add(&complex->ledger, &heap, other->items[i]);
        }
        succeeded = succeeded && !atomic_load(&complex->ledger.failed);
    }
    lk_heap_drop(&complex->ledger, &heap);
    for (int64_t row = 0; row < rows; row++) lk_drop(&complex->ledger, &reduced[row]);
    complex_forget(complex, reduced, rows, sizeof(lk_list));
    return succeeded;
}

int64_t losskit_complex_reduce(losskit_complex *complex) {
    order_type orders[complex_sizes] = {0};
    // Whether a simplex begins a class that ends, and whether it ends one.
    uint8_t *is_birth[complex_sizes] = {0}, *is_end[complex_sizes] = {0};
    bool succeeded = true;
    complex->pair_count = 0;
    for (int k = 0; k < complex_sizes; k++) {
        is_birth[k] = complex_memory(complex, complex->count[k], 1);
        is_end[k] = complex_memory(complex, complex->count[k], 1);
        succeeded = sort_simplices(complex, k, &orders[k]) && is_birth[k] && is_end[k] && succeeded;
        if (is_birth[k]) memset(is_birth[k], 0, (size_t)complex->count[k]);
        if (is_end[k]) memset(is_end[k], 0, (size_t)complex->count[k]);
    }
    for (int k = complex_sizes - 1; succeeded && k > 1; k--) {
        succeeded = reduce(complex, k, &orders[k], &orders[k - 1], is_birth[k], is_birth[k - 1], is_end[k]);
    }
    succeeded = succeeded && join_components(complex, &orders[0], &orders[1], is_end[1]);
    for (int k = 1; k < complex_sizes; k++) {
        for (int64_t place = 0; succeeded && place < complex->count[k]; place++) {
            const int32_t simplex = orders[k].order[place];
            if (!is_birth[k][simplex] && !is_end[k][simplex]) succeeded = add_pair(complex, k, simplex, -1);
        }
    }
    for (int k = 0; k < complex_sizes; k++) {
        forget_order(complex, k, &orders[k]);
        complex_forget(complex, is_birth[k], complex->count[k], 1);
        complex_forget(complex, is_end[k], complex->count[k], 1);
    }
    return succeeded ? complex->pair_count : -1;
}
