// The cofacets of a simplex.

#pragma once

#include "radix_heap.h"
#include "rips_filtration.h"
#include "rips_search.h"

typedef struct {
    lk_heap heap;
    // For each vertex, what `losskit_rips_join` says of it.
    uint32_t *ranks;
    int32_t *ends;
} rips_column;

static bool rips_create_column(losskit_rips *rips, rips_column *column) {
    *column = (rips_column){0};
    column->ranks = lk_resize(&rips->ledger, NULL, 0, 4 * rips->stride);
    column->ends = lk_resize(&rips->ledger, NULL, 0, 4 * rips->stride);
    return column->ranks && column->ends;
}

static void rips_destroy_column(losskit_rips *rips, rips_column *column) {
    lk_heap_drop(&rips->ledger, &column->heap);
    lk_resize(&rips->ledger, column->ranks, column->ranks ? 4 * rips->stride : 0, 0);
    lk_resize(&rips->ledger, column->ends, column->ends ? 4 * rips->stride : 0, 0);
}

// Adds the cofacets of a simplex up to the threshold.
static bool rips_add_coboundary(losskit_rips *rips, rips_column *column, uint64_t simplex, int dimension) {
    const int bits = rips->bits[dimension + 1], count = dimension + 1;
    const uint32_t rank = rips_rank(rips, simplex, dimension);
    int32_t vertices[rips_vertices];
    const uint32_t *rows[rips_vertices];
    uint64_t others[rips_vertices];
    rips_vertices_of(rips, simplex, dimension, vertices);
    for (int p = 0; p < count; p++) {
        int32_t rest[rips_vertices];
        int kept = 0;
        rows[p] = rips_row(rips, vertices[p]);
        // The two of the last edge stand before the others, among which they have to be sorted.
        for (int q = 2; q < count; q++) if (q != p) rest[kept++] = vertices[q];
        for (int q = 0; q < 2; q++) {
            if (q == p) continue;
            int place = kept++;
            for (; place > 0 && rest[place - 1] < vertices[q]; place--) rest[place] = rest[place - 1];
            rest[place] = vertices[q];
        }
        others[p] = rips_place(rips, rest, kept);
    }
    losskit_rips_join(rows, count, rips->stride, rank, column->ranks, column->ends);
    for (int64_t vertex = 0; vertex < rips->n; vertex++) {
        if (column->ranks[vertex] == rips_never) continue;
        uint64_t place;
        if (column->ends[vertex] >= 0) {
            place = others[column->ends[vertex]];
        } else {
            int32_t rest[rips_vertices];
            int p = 2;
            for (; p < count && vertices[p] > vertex; p++) rest[p - 2] = vertices[p];
            rest[p - 2] = (int32_t)vertex;
            for (; p < count; p++) rest[p - 1] = vertices[p];
            place = rips_place(rips, rest, dimension);
        }
        const uint64_t cofacet = ((uint64_t)column->ranks[vertex] << bits) + place;
        if (!lk_heap_add(&rips->ledger, &column->heap, cofacet)) return false;
    }
    return true;
}
