// Simplices by dimensions, each by its vertices, ascending, in lexicographic order.

#pragma once

#include "ledger.h"
#include "losskit_complex.h"

enum { complex_sizes = losskit_complex_dimensions + 1 };

struct losskit_complex {
    int64_t n;
    // How many simplices there are of each dimension, their vertices [count, k + 1] and their facets [count, k + 1], the one without vertex j at j.
    int64_t count[complex_sizes];
    int32_t *vertices[complex_sizes], *facets[complex_sizes];
    // When each simplex appears, and the simplex whose value that is: its number and dimension.
    float *values[complex_sizes];
    int32_t *origins[complex_sizes];
    uint8_t *origin_dimensions[complex_sizes];
    losskit_complex_pair *pairs;
    int64_t pair_count, pair_capacity;
    lk_ledger ledger;
};

static inline const int32_t *complex_simplex(const losskit_complex *complex, int k, int64_t i) { return complex->vertices[k] + i * (k + 1); }

// Memory for `count` items that the complex keeps; empty ones get some.
static inline void *complex_memory(losskit_complex *complex, int64_t count, int64_t size) {
    return lk_resize(&complex->ledger, NULL, 0, (count ? count : 1) * size);
}

static inline void complex_forget(losskit_complex *complex, void *memory, int64_t count, int64_t size) {
    lk_resize(&complex->ledger, memory, memory ? (count ? count : 1) * size : 0, 0);
}
