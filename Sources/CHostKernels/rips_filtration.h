// The filtration: ranks of edges, and simplices as integers (rank of the last edge, then the others' place among all sets of their size).

#pragma once

#include "ledger.h"
#include "losskit_rips.h"

enum { rips_vertices = losskit_rips_dimensions + 2, rips_lanes = 16 };
static const uint32_t rips_never = UINT32_MAX;

typedef struct {
    _Atomic uint64_t key;
    _Atomic int64_t column;
} rips_entry;

typedef struct {
    rips_entry *entries;
    int64_t capacity;
} rips_table;

// The simplices that were added to a column. Others may be reading it when the column goes on; what it was before is kept until all are done.
typedef struct rips_added {
    struct rips_added *older;
    int64_t count;
    uint64_t items[];
} rips_added;

struct losskit_rips {
    int64_t n, stride, edge_count;
    // [n, stride]: the rank of each edge; `rips_never` beyond the threshold, from a vertex to itself, and behind the last vertex.
    uint32_t *ranks;
    // By rank: the ends i < j, the length, and whether the edge is one of the spanning tree's.
    int32_t *edges;
    float *lengths;
    uint8_t *is_branch;
    // [vertices + 1, n + 1]: C(v, k) by k; and by dimension the bits for vertices other than the last edge's.
    int64_t *binomials;
    int bits[rips_vertices];
    lk_list collected[losskit_rips_pieces];
    // The columns, the last simplex first, of each the simplices added to it, and the first one that nobody has begun.
    lk_list columns;
    _Atomic(rips_added *) *added;
    _Atomic int64_t next;
    // Columns by their pivots: of this dimension, and of the one before.
    rips_table pivots, cleared;
    losskit_rips_pair *pairs;
    int64_t pair_count, pair_capacity;
    lk_ledger ledger;
};

// MARK: - Simplices

static inline const uint32_t *rips_row(const losskit_rips *rips, int64_t vertex) { return rips->ranks + vertex * rips->stride; }

static inline int64_t rips_binomial(const losskit_rips *rips, int64_t v, int k) { return rips->binomials[k * (rips->n + 1) + v]; }

static inline uint32_t rips_rank(const losskit_rips *rips, uint64_t simplex, int dimension) {
    return (uint32_t)(simplex >> rips->bits[dimension]);
}

// The place of vertices, the largest first, among all sets of as many.
static inline uint64_t rips_place(const losskit_rips *rips, const int32_t *vertices, int count) {
    int64_t place = 0;
    for (int p = 0; p < count; p++) place += rips_binomial(rips, vertices[p], count - p);
    return (uint64_t)place;
}

// The vertices of a simplex: the last edge's, then the others, the largest first.
static inline void rips_vertices_of(const losskit_rips *rips, uint64_t simplex, int dimension, int32_t *vertices) {
    const uint32_t rank = rips_rank(rips, simplex, dimension);
    int64_t place = (int64_t)(simplex - ((uint64_t)rank << rips->bits[dimension])), top = rips->n;
    *vertices++ = rips->edges[2 * rank];
    *vertices++ = rips->edges[2 * rank + 1];
    for (int k = dimension - 1; k > 0; k--) {
        const int64_t *row = rips->binomials + k * (rips->n + 1);
        int64_t low = k - 1;
        while (top - low > 1) {
            const int64_t middle = (low + top) / 2;
            if (row[middle] <= place) low = middle;
            else top = middle;
        }
        *vertices++ = (int32_t)low;
        place -= row[low];
        top = low;
    }
}

// MARK: - Columns and classes

static inline int64_t rips_added_bytes(int64_t count) { return (int64_t)sizeof(rips_added) + 8 * count; }

static inline void rips_drop_columns(losskit_rips *rips) {
    if (rips->added) {
        for (int64_t c = 0; c < rips->columns.count; c++) {
            for (rips_added *list = atomic_load(&rips->added[c]), *older; list; list = older) {
                older = list->older;
                lk_resize(&rips->ledger, list, rips_added_bytes(list->count), 0);
            }
        }
        lk_resize(&rips->ledger, rips->added, 8 * rips->columns.count, 0);
        rips->added = NULL;
    }
    lk_drop(&rips->ledger, &rips->columns);
}

// Notes a class by its column and the ranks of the edges that begin and end it, -1 for none.
static inline bool rips_add_pair(losskit_rips *rips, int64_t column, int64_t birth, int64_t death) {
    if (rips->pair_count == rips->pair_capacity) {
        const int64_t size = sizeof(losskit_rips_pair), capacity = rips->pair_capacity ? 2 * rips->pair_capacity : 16;
        losskit_rips_pair *pairs = lk_resize(&rips->ledger, rips->pairs, size * rips->pair_capacity, size * capacity);
        if (!pairs) return false;
        rips->pairs = pairs;
        rips->pair_capacity = capacity;
    }
    losskit_rips_pair *pair = &rips->pairs[rips->pair_count++];
    pair->column = column;
    for (int end = 0; end < 2; end++) {
        pair->birth[end] = birth < 0 ? -1 : rips->edges[2 * birth + end];
        pair->death[end] = death < 0 ? -1 : rips->edges[2 * death + end];
    }
    return true;
}
