// Memory of which account is kept, and lists of integers in it. Several threads may share a ledger.

#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    _Atomic int64_t bytes, peak;
    // What may be in use at most; 0 for any number.
    int64_t limit;
    atomic_bool failed;
} lk_ledger;

typedef struct {
    uint64_t *items;
    int64_t count, capacity;
} lk_list;

// Memory of a new size that keeps what fits; null where there is none, and then the old one is as it was.
static inline void *lk_resize(lk_ledger *ledger, void *old, int64_t from, int64_t to) {
    void *memory = NULL;
    const bool isTooMuch = ledger->limit && to > from && atomic_load(&ledger->bytes) + to - from > ledger->limit;
    if (isTooMuch || (to && !(memory = realloc(old, (size_t)to)))) {
        atomic_store(&ledger->failed, true);
        return NULL;
    }
    if (!to) free(old);
    int64_t now = atomic_fetch_add(&ledger->bytes, to - from) + to - from, peak = atomic_load(&ledger->peak);
    while (now > peak && !atomic_compare_exchange_weak(&ledger->peak, &peak, now)) {}
    return memory;
}

// Room for `more` items.
static inline bool lk_reserve(lk_ledger *ledger, lk_list *list, int64_t more) {
    if (list->count + more <= list->capacity) return true;
    int64_t capacity = list->capacity ? list->capacity : 16;
    while (capacity < list->count + more) capacity *= 2;
    uint64_t *items = lk_resize(ledger, list->items, 8 * list->capacity, 8 * capacity);
    if (!items) return false;
    list->items = items;
    list->capacity = capacity;
    return true;
}

static inline bool lk_push(lk_ledger *ledger, lk_list *list, uint64_t item) {
    if (!lk_reserve(ledger, list, 1)) return false;
    list->items[list->count++] = item;
    return true;
}

static inline void lk_drop(lk_ledger *ledger, lk_list *list) {
    lk_resize(ledger, list->items, 8 * list->capacity, 0);
    *list = (lk_list){0};
}
