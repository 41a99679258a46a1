#pragma once

#include <math.h>
#include <string.h>

#include "losskit_pairs.h"
#include "losskit_spanning_tree.h"

// What lies behind the last point is read by vectors, but not used.
enum { tree_padding = 16 };

// Sums over coordinates stand for lengths: of all sums whose length rounds to one number the largest. So comparing them compares lengths.
static inline float tree_sum(int metric, float sum) {
    if (metric != losskit_euclidean) return sum;
    float length = __builtin_sqrtf(sum), next = sum;
    while (next < INFINITY && __builtin_sqrtf(next) == length) {
        sum = next;
        uint32_t bits;
        memcpy(&bits, &next, 4);
        bits++;
        memcpy(&next, &bits, 4);
    }
    return sum;
}

static inline int64_t tree_nodes(int32_t levels) { return (int64_t)2 << levels; }

static inline int64_t node_begin(const losskit_tree *tree, int32_t level, int64_t node) {
    return tree->n * (node - ((int64_t)1 << level)) >> level;
}

// Lowers what several threads look at to a value.
static inline void tree_lower(float *bound, float value) {
    float known;
    __atomic_load(bound, &known, __ATOMIC_RELAXED);
    while (value < known && !__atomic_compare_exchange(bound, &known, &value, 0, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {}
}

// After the last split: brings the points and their indices to where they belong.
void tree_settle(const losskit_tree *tree);
