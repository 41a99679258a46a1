// Columns by their pivots: open addressing, at most half full. Threads enter theirs without locks; a pivot goes to the first column that has it.

#pragma once

#include "rips_filtration.h"

static const uint64_t rips_free = UINT64_MAX;

static inline rips_entry *rips_slot(const rips_table *table, uint64_t key) {
    uint64_t slot = (key * 0x9E3779B97F4A7C15u) >> 20;
    for (;; slot++) {
        rips_entry *entry = &table->entries[slot &= (uint64_t)table->capacity - 1];
        const uint64_t found = atomic_load_explicit(&entry->key, memory_order_relaxed);
        if (found == key || found == rips_free) return entry;
    }
}

// The column with a pivot, or -1.
static inline int64_t rips_find(const rips_table *table, uint64_t key) {
    if (!table->capacity) return -1;
    const rips_entry *entry = rips_slot(table, key);
    if (atomic_load_explicit(&entry->key, memory_order_relaxed) == rips_free) return -1;
    return atomic_load_explicit(&entry->column, memory_order_acquire);
}

// Gives a pivot to a column unless one before it has it. Returns the one that had it, -1 for none.
static inline int64_t rips_claim(const rips_table *table, uint64_t key, int64_t column) {
    rips_entry *entry;
    for (;;) {
        entry = rips_slot(table, key);
        uint64_t found = atomic_load_explicit(&entry->key, memory_order_relaxed);
        if (found == key || (found == rips_free && atomic_compare_exchange_strong(&entry->key, &found, key)) || found == key) break;
    }
    int64_t owner = atomic_load_explicit(&entry->column, memory_order_acquire);
    while (owner < 0 || owner > column) {
        if (atomic_compare_exchange_weak_explicit(&entry->column, &owner, column, memory_order_acq_rel, memory_order_acquire)) break;
    }
    return owner;
}

static inline void rips_forget(losskit_rips *rips, rips_table *table) {
    lk_resize(&rips->ledger, table->entries, (int64_t)sizeof(rips_entry) * table->capacity, 0);
    *table = (rips_table){0};
}

// An empty table for `count` pivots.
static inline bool rips_prepare(losskit_rips *rips, rips_table *table, int64_t count) {
    int64_t capacity = 64;
    while (capacity < 2 * count) capacity *= 2;
    table->entries = lk_resize(&rips->ledger, NULL, 0, (int64_t)sizeof(rips_entry) * capacity);
    if (!table->entries) return false;
    table->capacity = capacity;
    for (int64_t slot = 0; slot < capacity; slot++) {
        atomic_init(&table->entries[slot].key, rips_free);
        atomic_init(&table->entries[slot].column, -1);
    }
    return true;
}
