// The reduction of the columns that have to be formed.

#include "rips_column.h"
#include "rips_filtration.h"
#include "rips_search.h"
#include "rips_table.h"

static bool join_columns(losskit_rips *rips) {
    rips_drop_columns(rips);
    for (int piece = losskit_rips_pieces - 1; piece >= 0; piece--) {
        lk_list *list = &rips->collected[piece];
        if (!lk_reserve(&rips->ledger, &rips->columns, list->count)) return false;
        if (list->count) memcpy(rips->columns.items + rips->columns.count, list->items, 8 * (size_t)list->count);
        rips->columns.count += list->count;
        lk_drop(&rips->ledger, list);
    }
    if (!rips->columns.count) return true;
    const int64_t bytes = (int64_t)sizeof(lk_list) * rips->columns.count;
    rips->added = lk_resize(&rips->ledger, NULL, 0, bytes);
    if (rips->added) memset(rips->added, 0, (size_t)bytes);
    return rips->added;
}

// Adds a simplex to what a column has become, and its coboundary to the column.
static bool add(losskit_rips *rips, lk_list *added, rips_column *column, uint64_t simplex, int dimension) {
    return lk_push(&rips->ledger, added, simplex) && rips_add_coboundary(rips, column, simplex, dimension);
}

// Adds the column that a pivot belongs to; false in `wasTaken` where it belongs to none.
static bool cancel_pivot(losskit_rips *rips, uint64_t pivot, int dimension, rips_column *column, lk_list *added, bool *wasTaken) {
    const int64_t other = rips_find(&rips->pivots, pivot);
    *wasTaken = true;
    if (other >= 0) {
        if (!add(rips, added, column, rips->columns.items[other], dimension)) return false;
        for (int64_t i = 0; i < rips->added[other].count; i++) {
            if (!add(rips, added, column, rips->added[other].items[i], dimension)) return false;
        }
        return true;
    }
    // Without its smallest other vertex a simplex is the last of its facets; if that vertex is the first that completes it, the pair is apparent.
    int32_t vertices[rips_vertices];
    const uint32_t *rows[rips_vertices];
    const uint32_t rank = rips_rank(rips, pivot, dimension + 1);
    rips_vertices_of(rips, pivot, dimension + 1, vertices);
    for (int p = 0; p <= dimension; p++) rows[p] = rips_row(rips, vertices[p]);
    int64_t first;
    losskit_rips_first_common(rows, dimension + 1, rips->stride, rank, &first);
    if (first != vertices[dimension + 1]) {
        *wasTaken = false;
        return true;
    }
    const uint64_t facet = ((uint64_t)rank << rips->bits[dimension]) + rips_place(rips, vertices + 2, dimension - 1);
    return add(rips, added, column, facet, dimension);
}

// Reduces a column by those before it. `column` and `added` are working memory.
static bool reduce_column(losskit_rips *rips, int64_t place, int dimension, rips_column *column, lk_list *added) {
    const uint64_t simplex = rips->columns.items[place];
    const uint32_t birth = rips_rank(rips, simplex, dimension);
    uint64_t pivot;
    lk_heap_empty(&column->heap);
    added->count = 0;
    if (!rips_add_coboundary(rips, column, simplex, dimension)) return false;
    while (lk_heap_first(&rips->ledger, &column->heap, &pivot)) {
        bool wasTaken;
        if (!cancel_pivot(rips, pivot, dimension, column, added, &wasTaken)) return false;
        if (wasTaken) continue;
        const uint32_t death = rips_rank(rips, pivot, dimension + 1);
        if (!lk_keep_odd(&rips->ledger, added, &rips->added[place]) || !rips_insert(rips, &rips->pivots, pivot, place)) return false;
        return rips->lengths[death] <= rips->lengths[birth] || rips_add_pair(rips, birth, death);
    }
    return !atomic_load(&rips->ledger.failed) && rips_add_pair(rips, birth, -1);
}

int64_t losskit_rips_reduce(losskit_rips *rips, int32_t dimension) {
    rips_column column;
    lk_list added = {0};
    rips->pair_count = 0;
    bool succeeded = !atomic_load(&rips->ledger.failed) && join_columns(rips);
    succeeded &= rips_create_column(rips, &column);
    for (int64_t place = 0; succeeded && place < rips->columns.count; place++) {
        succeeded = reduce_column(rips, place, dimension, &column, &added);
    }
    rips_destroy_column(rips, &column);
    lk_drop(&rips->ledger, &added);
    rips_forget(rips, &rips->cleared);
    rips->cleared = rips->pivots;
    rips->pivots = (rips_table){0};
    return succeeded ? rips->pair_count : -1;
}
