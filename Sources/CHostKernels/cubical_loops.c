// A cell of an image whose voxels are corners appears with the last of them. It is written as an integer, in whose order cells appear: the last corner's
// place, the axis that an edge lies along or that a square does not, and for each axis of the cell whether the last corner is at its upper end.

#include <stdbool.h>

#include "ledger.h"
#include "losskit_cubical.h"
#include "radix_heap.h"
#include "union_find.h"

typedef struct {
    const int64_t *shape;
    const int32_t *order;
    int64_t count, strides[3];
    int32_t *places;
    // [count, 3]: the square at a voxel's lower corner by its normal, `no_square` where the image ends.
    uint32_t *squares;
    // By squares the columns that have them as pivots.
    int32_t *owner;
    // The columns, the last edge first, and of each the edges added to it.
    lk_list columns;
    lk_list *added;
    losskit_cubical_pair *pairs;
    int64_t pair_count, pair_capacity;
    lk_ledger ledger;
} image;

enum { cell_bits = 4 };
static const uint32_t no_square = UINT32_MAX;

// MARK: - Cells

static uint32_t square_at(const image *given, int64_t base, const int64_t at[3], int normal) {
    const int axes[2] = {normal == 0 ? 1 : 0, normal == 2 ? 1 : 2};
    int32_t last = -1;
    uint32_t corner = 0;
    for (int k = 0; k < 2; k++) {
        if (at[axes[k]] == given->shape[axes[k]] - 1) return no_square;
    }
    for (uint32_t c = 0; c < 4; c++) {
        const int32_t place = given->places[base + (c & 1 ? given->strides[axes[0]] : 0) + (c & 2 ? given->strides[axes[1]] : 0)];
        if (place > last) last = place, corner = c;
    }
    return (uint32_t)last << cell_bits | (uint32_t)normal << 2 | corner;
}

static inline int axis_of(uint64_t cell) { return (int)(cell >> 2 & 3); }

static inline int32_t voxel_of(const image *given, uint64_t cell) { return given->order[cell >> cell_bits]; }

static inline int64_t edge_base(const image *given, uint64_t edge) {
    return voxel_of(given, edge) - (edge & 1 ? given->strides[axis_of(edge)] : 0);
}

static inline int64_t square_base(const image *given, uint64_t square) {
    const int normal = axis_of(square);
    const int64_t first = given->strides[normal == 0 ? 1 : 0], second = given->strides[normal == 2 ? 1 : 2];
    return voxel_of(given, square) - (square & 1 ? first : 0) - (square & 2 ? second : 0);
}

// MARK: - Columns

// Lists all edges that end no component, the last first.
static bool list_columns(image *given) {
    int32_t *parent = lk_resize(&given->ledger, NULL, 0, 4 * given->count);
    lk_list edges = {0};
    bool succeeded = parent && lk_reserve(&given->ledger, &edges, 3 * given->count);
    for (int64_t voxel = 0; succeeded && voxel < given->count; voxel++) parent[voxel] = (int32_t)voxel;
    for (int64_t place = 0; succeeded && place < given->count; place++) {
        const uint32_t voxel = (uint32_t)given->order[place], row = voxel / (uint32_t)given->shape[2];
        const int64_t at[3] = {row / (uint32_t)given->shape[1], row % (uint32_t)given->shape[1], voxel % (uint32_t)given->shape[2]};
        for (int axis = 0; axis < 3; axis++) {
            for (uint64_t isUpper = 0; isUpper < 2; isUpper++) {
                if (isUpper ? at[axis] == 0 : at[axis] == given->shape[axis] - 1) continue;
                const int64_t other = voxel + (isUpper ? -given->strides[axis] : given->strides[axis]);
                if (given->places[other] > place) continue;
                const int32_t a = root_of(parent, (int32_t)voxel), b = root_of(parent, (int32_t)other);
                if (a != b) parent[a > b ? a : b] = a < b ? a : b;
                else edges.items[edges.count++] = (uint64_t)place << cell_bits | (uint64_t)axis << 2 | isUpper;
            }
        }
    }
    for (int64_t i = 0, j = edges.count - 1; i < j; i++, j--) {
        const uint64_t edge = edges.items[i];
        edges.items[i] = edges.items[j], edges.items[j] = edge;
    }
    lk_resize(&given->ledger, parent, parent ? 4 * given->count : 0, 0);
    given->columns = edges;
    return succeeded;
}

// The squares around an edge. Gives how many there are.
static inline int squares_around(const image *given, uint64_t edge, uint64_t squares[4]) {
    const int along = axis_of(edge);
    const int64_t base = edge_base(given, edge);
    int count = 0;
    for (int axis = 0; axis < 3; axis++) {
        if (axis == along) continue;
        // Before an axis begins, another row of it ends, where there is no square either.
        const uint32_t *upper = given->squares + 3 * base + (3 - axis - along), *lower = upper - 3 * given->strides[axis];
        squares[count] = *lower;
        count += *lower != no_square;
        squares[count] = *upper;
        count += *upper != no_square;
    }
    return count;
}

static inline int32_t *owner_of(const image *given, uint64_t square) {
    return &given->owner[3 * square_base(given, square) + axis_of(square)];
}

static bool add(image *given, lk_heap *column, lk_list *added, uint64_t edge) {
    uint64_t squares[4];
    for (int k = squares_around(given, edge, squares) - 1; k >= 0; k--) {
        if (!lk_heap_add(&given->ledger, column, squares[k])) return false;
    }
    return lk_push(&given->ledger, added, edge);
}

// Finds the square that ends what the edge begins; false in `isEnded` where none does.
static bool reduce(image *given, uint64_t edge, lk_heap *column, lk_list *added, uint64_t *pivot, bool *isEnded) {
    uint64_t squares[4];
    const int count = squares_around(given, edge, squares);
    *isEnded = count > 0;
    if (!count) return true;
    *pivot = squares[0];
    for (int k = 1; k < count; k++) *pivot = squares[k] < *pivot ? squares[k] : *pivot;
    if (*owner_of(given, *pivot) < 0) return true;
    lk_heap_empty(column);
    for (int k = 0; k < count; k++) {
        if (!lk_heap_add(&given->ledger, column, squares[k])) return false;
    }
    while ((*isEnded = lk_heap_first(&given->ledger, column, pivot))) {
        const int32_t other = *owner_of(given, *pivot);
        if (other < 0) return true;
        if (!add(given, column, added, given->columns.items[other])) return false;
        for (int64_t k = 0; k < given->added[other].count; k++) {
            if (!add(given, column, added, given->added[other].items[k])) return false;
        }
    }
    return !atomic_load(&given->ledger.failed);
}

static bool add_pair(image *given, int32_t birth, int32_t death) {
    if (given->pair_count == given->pair_capacity) {
        const int64_t size = sizeof(losskit_cubical_pair), capacity = given->pair_capacity ? 2 * given->pair_capacity : 16;
        losskit_cubical_pair *pairs = lk_resize(&given->ledger, given->pairs, size * given->pair_capacity, size * capacity);
        if (!pairs) return false;
        given->pairs = pairs;
        given->pair_capacity = capacity;
    }
    given->pairs[given->pair_count++] = (losskit_cubical_pair){birth, death};
    return true;
}

static bool find_pairs(image *given, const float *values) {
    lk_heap column = {0};
    lk_list added = {0};
    bool succeeded = true, isEnded;
    for (int64_t c = 0; succeeded && c < given->columns.count; c++) {
        const uint64_t edge = given->columns.items[c];
        uint64_t square;
        succeeded = reduce(given, edge, &column, &added, &square, &isEnded);
        if (!succeeded || !isEnded) continue;
        *owner_of(given, square) = (int32_t)c;
        succeeded = lk_keep_odd(&given->ledger, &added, &given->added[c]);
        const int32_t birth = voxel_of(given, edge), death = voxel_of(given, square);
        if (succeeded && values[birth] != values[death]) succeeded = add_pair(given, birth, death);
    }
    lk_heap_drop(&given->ledger, &column);
    lk_drop(&given->ledger, &added);
    return succeeded;
}

int64_t losskit_cubical_loops(const float *values, const int32_t *order, const int64_t shape[3], losskit_cubical_pair **pairs) {
    image given = {.shape = shape, .order = order, .count = shape[0] * shape[1] * shape[2], .strides = {shape[1] * shape[2], shape[2], 1}};
    given.places = lk_resize(&given.ledger, NULL, 0, 4 * given.count);
    given.owner = lk_resize(&given.ledger, NULL, 0, 12 * given.count);
    const int64_t before = 3 * given.strides[0];
    uint32_t *squares = lk_resize(&given.ledger, NULL, 0, 4 * (before + 3 * given.count));
    bool succeeded = given.places && given.owner && squares;
    for (int64_t place = 0; succeeded && place < given.count; place++) given.places[order[place]] = (int32_t)place;
    if (succeeded) {
        memset(given.owner, 0xFF, 12 * (size_t)given.count);
        memset(squares, 0xFF, 4 * (size_t)before);
        given.squares = squares + before;
        int64_t base = 0;
        for (int64_t z = 0; z < shape[0]; z++) {
            for (int64_t y = 0; y < shape[1]; y++) {
                for (int64_t x = 0; x < shape[2]; x++, base++) {
                    for (int normal = 0; normal < 3; normal++) given.squares[3 * base + normal] = square_at(&given, base, (int64_t[]){z, y, x}, normal);
                }
            }
        }
    }
    succeeded = succeeded && list_columns(&given);
    if (succeeded && given.columns.count) {
        given.added = lk_resize(&given.ledger, NULL, 0, (int64_t)sizeof(lk_list) * given.columns.count);
        if ((succeeded = given.added)) memset(given.added, 0, sizeof(lk_list) * (size_t)given.columns.count);
    }
    succeeded = succeeded && find_pairs(&given, values);
    for (int64_t c = 0; given.added && c < given.columns.count; c++) free(given.added[c].items);
    free(given.added), free(given.columns.items), free(given.places), free(given.owner), free(squares);
    if (!succeeded) {
        free(given.pairs);
        return -1;
    }
    *pairs = given.pairs;
    return given.pair_count;
}
