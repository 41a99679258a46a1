// Integers modulo 2 in a radix heap: a column of a matrix over Z/2 that is being reduced. What is taken out never decreases, so an item lies in the
// bucket of the highest bit in which it differs from the item taken out last, and moves only to lower ones.

#pragma once

#include "ledger.h"

typedef struct {
    // The item taken out last, the copies of it, and which of the other buckets hold something, by bits.
    uint64_t last, filled;
    int64_t equal;
    lk_list buckets[64];
} lk_heap;

static inline bool lk_heap_add(lk_ledger *ledger, lk_heap *heap, uint64_t item) {
    if (item == heap->last) {
        heap->equal++;
        return true;
    }
    const int bucket = 63 - __builtin_clzll(item ^ heap->last);
    heap->filled |= 1ull << bucket;
    return lk_push(ledger, &heap->buckets[bucket], item);
}

static inline void lk_heap_empty(lk_heap *heap) {
    for (; heap->filled; heap->filled &= heap->filled - 1) heap->buckets[__builtin_ctzll(heap->filled)].count = 0;
    heap->last = 0;
    heap->equal = 0;
}

static inline void lk_heap_drop(lk_ledger *ledger, lk_heap *heap) {
    for (int b = 0; b < 64; b++) lk_drop(ledger, &heap->buckets[b]);
}

// The first item that occurs an odd number of times, which stays; false where there is none.
static inline bool lk_heap_first(lk_ledger *ledger, lk_heap *heap, uint64_t *first) {
    while (!(heap->equal &= 1)) {
        if (!heap->filled) return false;
        lk_list *list = &heap->buckets[__builtin_ctzll(heap->filled)];
        heap->filled &= heap->filled - 1;
        heap->last = list->items[0];
        for (int64_t i = 1; i < list->count; i++) heap->last = list->items[i] < heap->last ? list->items[i] : heap->last;
        for (int64_t i = 0; i < list->count; i++) {
            if (!lk_heap_add(ledger, heap, list->items[i])) return false;
        }
        list->count = 0;
    }
    *first = heap->last;
    return true;
}

static inline int lk_compare(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// Sorts a list and leaves one of each of what occurs in it an odd number of times.
static inline void lk_remove_even(lk_list *list) {
    enum { few = 32 };
    int64_t count = 0;
    if (list->count > few) qsort(list->items, (size_t)list->count, 8, lk_compare);
    for (int64_t i = 1; i < list->count && list->count <= few; i++) {
        const uint64_t moved = list->items[i];
        int64_t place = i;
        for (; place > 0 && list->items[place - 1] > moved; place--) list->items[place] = list->items[place - 1];
        list->items[place] = moved;
    }
    for (int64_t i = 0; i < list->count; i++) {
        if (count && list->items[count - 1] == list->items[i]) count--;
        else list->items[count++] = list->items[i];
    }
    list->count = count;
}

// The same, moved to another list, which is empty; the first one then is.
static inline bool lk_keep_odd(lk_ledger *ledger, lk_list *list, lk_list *kept) {
    lk_remove_even(list);
    const int64_t count = list->count;
    list->count = 0;
    if (!count) return true;
    kept->items = lk_resize(ledger, NULL, 0, 8 * count);
    if (!kept->items) return false;
    kept->count = kept->capacity = count;
    memcpy(kept->items, list->items, 8 * (size_t)count);
    return true;
}
