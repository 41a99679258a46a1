// The reduction of the columns that have to be formed, by several threads without locks.
//
// Whoever finds a pivot with a column before its own adds that one; whoever finds it with a later one takes it over and goes on with that column. So
// columns are only ever added to later ones, and the pivots come out the same in whatever order the threads work.
// Source: J. Perez, S. Hauke, U. Lupo, M. Caorsi, A. Dassatti, giotto-ph, 2021, after D. Morozov, A. Nigmetov, 2020; the displaced column goes on from
// the sum that is at hand instead of from its beginning.

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
    rips->added = lk_resize(&rips->ledger, NULL, 0, 8 * rips->columns.count);
    for (int64_t c = 0; rips->added && c < rips->columns.count; c++) atomic_init(&rips->added[c], NULL);
    return rips->added;
}

// Adds a simplex to what a column has become, and its coboundary to the column.
static bool add(losskit_rips *rips, lk_list *added, rips_column *column, uint64_t simplex, int dimension) {
    return lk_push(&rips->ledger, added, simplex) && rips_add_coboundary(rips, column, simplex, dimension);
}

// Adds to a column another one, what was added to it included.
static bool add_column(losskit_rips *rips, lk_list *added, rips_column *column, int64_t other, int dimension) {
    const rips_added *list = atomic_load_explicit(&rips->added[other], memory_order_acquire);
    for (int64_t i = 0; list && i < list->count; i++) {
        if (!add(rips, added, column, list->items[i], dimension)) return false;
    }
    return true;
}

// The facet with which a simplex is an apparent pair; false where there is none. Without its smallest other vertex a simplex is the last of its
// facets; if that vertex is the first that completes it, the pair is apparent.
static bool apparent_facet(const losskit_rips *rips, uint64_t pivot, int dimension, uint64_t *facet) {
    int32_t vertices[rips_vertices];
    const uint32_t *rows[rips_vertices];
    const uint32_t rank = rips_rank(rips, pivot, dimension + 1);
    rips_vertices_of(rips, pivot, dimension + 1, vertices);
    for (int p = 0; p <= dimension; p++) rows[p] = rips_row(rips, vertices[p]);
    int64_t first;
    losskit_rips_first_common(rows, dimension + 1, rips->stride, rank, &first);
    *facet = ((uint64_t)rank << rips->bits[dimension]) + rips_place(rips, vertices + 2, dimension - 1);
    return first == vertices[dimension + 1];
}

// Lets others see what was added to a column.
static bool publish(losskit_rips *rips, int64_t place, lk_list *added) {
    lk_remove_even(added);
    rips_added *list = added->count ? lk_resize(&rips->ledger, NULL, 0, rips_added_bytes(added->count)) : NULL;
    if (!list) return !added->count;
    list->older = atomic_load_explicit(&rips->added[place], memory_order_relaxed);
    list->count = added->count;
    memcpy(list->items, added->items, 8 * (size_t)added->count);
    atomic_store_explicit(&rips->added[place], list, memory_order_release);
    return true;
}

// Reduces a column, and those that it displaces, by those before them. `column` and `added` are working memory.
static bool reduce_column(losskit_rips *rips, int64_t place, int dimension, rips_column *column, lk_list *added) {
    const uint64_t *simplices = rips->columns.items;
    uint64_t pivot, facet;
    lk_heap_empty(&column->heap);
    added->count = 0;
    if (!rips_add_coboundary(rips, column, simplices[place], dimension)) return false;
    while (lk_heap_first(&rips->ledger, &column->heap, &pivot)) {
        int64_t owner = rips_find(&rips->pivots, pivot);
        if (owner < 0 && apparent_facet(rips, pivot, dimension, &facet)) {
            if (!add(rips, added, column, facet, dimension)) return false;
            continue;
        }
        if (owner < 0 || owner > place) {
            if (!publish(rips, place, added)) return false;
            owner = rips_claim(&rips->pivots, pivot, place);
            if (owner < 0) return true;
        }
        if (owner > place) {
            // The sum with the displaced column is what becomes of that one.
            if (!lk_push(&rips->ledger, added, simplices[place]) || !rips_add_coboundary(rips, column, simplices[owner], dimension)) return false;
            if (!add_column(rips, added, column, owner, dimension)) return false;
            place = owner;
        } else if (!add(rips, added, column, simplices[owner], dimension) || !add_column(rips, added, column, owner, dimension)) {
            return false;
        }
    }
    return !atomic_load(&rips->ledger.failed) && publish(rips, place, added);
}

void losskit_rips_begin(losskit_rips *rips) {
    rips->pair_count = 0;
    atomic_store(&rips->next, 0);
    if (!atomic_load(&rips->ledger.failed) && join_columns(rips)) rips_prepare(rips, &rips->pivots, rips->columns.count);
}

void losskit_rips_reduce(losskit_rips *rips, int32_t dimension) {
    rips_column column;
    lk_list added = {0};
    bool succeeded = !atomic_load(&rips->ledger.failed) && rips->columns.count > 0;
    succeeded = rips_create_column(rips, &column) && succeeded;
    while (succeeded) {
        const int64_t place = atomic_fetch_add(&rips->next, 1);
        if (place >= rips->columns.count) break;
        succeeded = reduce_column(rips, place, dimension, &column, &added) && !atomic_load(&rips->ledger.failed);
    }
    rips_destroy_column(rips, &column);
    lk_drop(&rips->ledger, &added);
}

// Notes the classes that live for some time, by the pivots that columns have in the end.
static bool note_classes(losskit_rips *rips, int dimension) {
    const int64_t count = rips->columns.count;
    uint64_t *pivots = count ? lk_resize(&rips->ledger, NULL, 0, 8 * count) : NULL;
    bool succeeded = pivots || !count;
    for (int64_t place = 0; succeeded && place < count; place++) pivots[place] = rips_free;
    for (int64_t slot = 0; succeeded && slot < rips->pivots.capacity; slot++) {
        const rips_entry *entry = &rips->pivots.entries[slot];
        if (atomic_load(&entry->key) != rips_free) pivots[atomic_load(&entry->column)] = atomic_load(&entry->key);
    }
    for (int64_t place = 0; succeeded && place < count; place++) {
        const int64_t birth = rips_rank(rips, rips->columns.items[place], dimension);
        const int64_t death = pivots[place] == rips_free ? -1 : (int64_t)rips_rank(rips, pivots[place], dimension + 1);
        if (death < 0 || rips->lengths[death] > rips->lengths[birth]) succeeded = rips_add_pair(rips, place, birth, death);
    }
    lk_resize(&rips->ledger, pivots, pivots ? 8 * count : 0, 0);
    return succeeded;
}

int64_t losskit_rips_end(losskit_rips *rips, int32_t dimension) {
    const bool succeeded = !atomic_load(&rips->ledger.failed) && note_classes(rips, dimension);
    rips_forget(rips, &rips->cleared);
    rips->cleared = rips->pivots;
    rips->pivots = (rips_table){0};
    return succeeded ? rips->pair_count : -1;
}

int64_t losskit_rips_cocycle(const losskit_rips *rips, int32_t dimension, int64_t column, int32_t *vertices) {
    const rips_added *list = atomic_load(&rips->added[column]);
    const int64_t count = 1 + (list ? list->count : 0);
    for (int64_t i = 0; vertices && i < count; i++) {
        rips_vertices_of(rips, i ? list->items[i - 1] : rips->columns.items[column], dimension, vertices + i * (dimension + 1));
    }
    return count;
}
