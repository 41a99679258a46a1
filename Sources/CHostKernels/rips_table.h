// Columns by their pivots: open addressing, at most half full.

#pragma once

#include "rips_filtration.h"

static const uint64_t rips_free = UINT64_MAX;

static inline rips_entry *rips_slot(const rips_table *table, uint64_t key) {
    uint64_t slot = (key * 0x9E3779B97F4A7C15u) >> 20;
    while (table->entries[slot &= (uint64_t)table->capacity - 1].key != rips_free && table->entries[slot].key != key) slot++;
    return &table->entries[slot];
}

// The column with a pivot, or -1.
static inline int64_t rips_find(const rips_table *table, uint64_t key) {
    if (!table->capacity) return -1;
    const rips_entry *entry = rips_slot(table, key);
    return entry->key == rips_free ? -1 : entry->column;
}

static inline void rips_forget(losskit_rips *rips, rips_table *table) {
    lk_resize(&rips->ledger, table->entries, (int64_t)sizeof(rips_entry) * table->capacity, 0);
    *table = (rips_table){0};
}

static inline bool rips_insert(losskit_rips *rips, rips_table *table, uint64_t key, int64_t column) {
    if (2 * (table->count + 1) > table->capacity) {
        rips_table grown = {.capacity = table->capacity ? 2 * table->capacity : 64, .count = table->count};
        grown.entries = lk_resize(&rips->ledger, NULL, 0, (int64_t)sizeof(rips_entry) * grown.capacity);
        if (!grown.entries) return false;
        for (int64_t slot = 0; slot < grown.capacity; slot++) grown.entries[slot].key = rips_free;
        for (int64_t slot = 0; slot < table->capacity; slot++) {
            if (table->entries[slot].key != rips_free) *rips_slot(&grown, table->entries[slot].key) = table->entries[slot];
        }
        rips_forget(rips, table);
        *table = grown;
    }
    *rips_slot(table, key) = (rips_entry){key, column};
    table->count++;
    return true;
}
