// Which columns have to be formed.

#include "rips_filtration.h"
#include "rips_search.h"
#include "rips_table.h"

// The simplices whose columns have to be formed among those that have a given last edge, and of other vertices those in `others` (the largest first)
// and `missing` more of `candidates`: ascending, below the others, their edges to all before the last one. A simplex that has a candidate left is the
// facet of an apparent pair, one whose last vertex was the first candidate the cofacet of one.
static bool extend(losskit_rips *rips, uint32_t rank, int32_t *others, int taken, int missing, const int32_t *candidates, int64_t count,
                   int32_t *scratch, lk_list *list) {
    for (int64_t c = count - 1; c >= missing - 1; c--) {
        const uint32_t *row = rips_row(rips, candidates[c]);
        int64_t left = 0;
        for (int64_t below = 0; below < c; below++) {
            scratch[left] = candidates[below];
            left += row[candidates[below]] < rank;
        }
        others[taken] = candidates[c];
        if (missing > 1) {
            if (!extend(rips, rank, others, taken + 1, missing - 1, scratch, left, scratch + left, list)) return false;
        } else if (left == 0 && c > 0) {
            const uint64_t simplex = ((uint64_t)rank << rips->bits[taken + 2]) + rips_place(rips, others, taken + 1);
            if (rips_find(&rips->cleared, simplex) < 0 && !lk_push(&rips->ledger, list, simplex)) return false;
        }
    }
    return true;
}

void losskit_rips_collect(losskit_rips *rips, int32_t dimension, int64_t piece) {
    lk_list *list = &rips->collected[piece];
    const int64_t begin = rips->edge_count * piece / losskit_rips_pieces, end = rips->edge_count * (piece + 1) / losskit_rips_pieces;
    const int64_t bytes = 4 * (dimension + 1) * rips->n;
    int32_t *candidates = dimension > 1 ? lk_resize(&rips->ledger, NULL, 0, bytes) : NULL;
    if (dimension > 1 && !candidates) return;
    for (int64_t rank = end - 1; rank >= begin; rank--) {
        const uint32_t *rows[] = {rips_row(rips, rips->edges[2 * rank]), rips_row(rips, rips->edges[2 * rank + 1])};
        int64_t first, count = 0;
        if (dimension == 1 && rips->is_branch[rank]) continue;
        losskit_rips_first_common(rows, 2, rips->stride, (uint32_t)rank, &first);
        if (dimension == 1) {
            if (first < 0 && !lk_push(&rips->ledger, list, (uint64_t)rank)) return;
            continue;
        }
        for (int64_t v = first; v >= 0 && v < rips->n; v++) {
            candidates[count] = (int32_t)v;
            count += rows[0][v] < rank && rows[1][v] < rank;
        }
        int32_t others[rips_vertices];
        if (!extend(rips, (uint32_t)rank, others, 0, dimension - 1, candidates, count, candidates + count, list)) break;
    }
    lk_resize(&rips->ledger, candidates, candidates ? bytes : 0, 0);
}

static int compare_descending(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x < y) - (x > y);
}

void losskit_rips_take(losskit_rips *rips, int32_t dimension, const int64_t *simplices, int64_t count) {
    lk_list *list = &rips->collected[0];
    if (!count || !lk_reserve(&rips->ledger, list, count)) return;
    for (int64_t s = 0; s < count; s++) {
        const int64_t edge = dimension > 1 ? simplices[s] / rips->n : simplices[s], other = dimension > 1 ? simplices[s] % rips->n : 0;
        const uint64_t rank = rips_row(rips, edge / rips->n)[edge % rips->n];
        list->items[list->count++] = (rank << rips->bits[dimension]) + (uint64_t)other;
    }
    qsort(list->items, (size_t)list->count, sizeof(uint64_t), compare_descending);
}

int64_t losskit_rips_cleared(const losskit_rips *rips, int64_t *triangles) {
    int64_t count = 0;
    for (int64_t slot = 0; slot < rips->cleared.capacity; slot++) {
        const uint64_t triangle = atomic_load(&rips->cleared.entries[slot].key);
        if (triangle == rips_free) continue;
        int32_t vertices[rips_vertices];
        rips_vertices_of(rips, triangle, 2, vertices);
        if (triangles) triangles[count] = ((int64_t)vertices[0] * rips->n + vertices[1]) * rips->n + vertices[2];
        count++;
    }
    return count;
}
