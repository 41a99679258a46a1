#pragma once

#include <stdint.h>

enum {
    losskit_rows_log_sum_exp = 0,
    losskit_rows_identity = 1,
    losskit_rows_softplus = 2,
    losskit_rows_hinge = 3,
    losskit_rows_squared_hinge = 4,
    losskit_rows_largest = 5,
    losskit_rows_smallest = 6,
};
enum { losskit_pairs_all = 0, losskit_pairs_same = 1, losskit_pairs_different = 2 };

/// What becomes of each row's values v_ij over the columns that its mask selects, taken from labels on the fly: with u = scale v + shift_i
/// log sum exp u, or a sum of f(u), or where v is extreme. The rows of a block lie one after the other, the first being row `first`.
typedef struct losskit_row_pairs {
    int32_t reduction, selection;
    /// Whether column i is left out of row i.
    int32_t excludes_self;
    float scale;
    int64_t first, m;
    /// [n] and [m]; NULL where all columns are selected.
    const int32_t *row_labels, *column_labels;
    /// [n]: what is added to scale v, or NULL for 0; the bounds within which v must lie, or NULL for none.
    const float *shift, *lower, *upper;
} losskit_row_pairs;

/// For the rows begin..<end: out[i] the reduction, slope[i] the sum of f'(u). Log sum exp of nothing is -infinity, any other sum 0.
void losskit_row_pairs_reduce(const losskit_row_pairs *pairs, const float *values, int64_t begin, int64_t end, float *out, float *slope);

/// places[i]: the first column where v is largest or smallest, -1 where no column is selected. NaN is more extreme than any number.
void losskit_row_pairs_extremes(const losskit_row_pairs *pairs, const float *values, int64_t begin, int64_t end, int32_t *places);

/// weight [rows, m]: the derivative of sum_i cotangent_i out_i with respect to v.
void losskit_row_pairs_weights(const losskit_row_pairs *pairs, const float *values, const float *out, const float *cotangent, int64_t begin,
                               int64_t end, float *weight);

/// Triplets of each row i: positives p of its label and negatives n of others.
///
/// Batch-all: out[i] = sum over p, n of max(0, v_ip - v_in + margin), count[i] how many of these are above 0.
/// Semi-hard: the same with one n for each p, the nearest of those with v_in > v_ip or else the farthest one.
/// total[i] is how many triplets were looked at.
typedef struct losskit_triplets {
    int32_t semi_hard;
    /// Whether column i is left out of row i.
    int32_t excludes_self;
    float margin;
    int64_t first, m;
    const int32_t *row_labels, *column_labels;
} losskit_triplets;

/// `weight` [rows, m], if not NULL, gets the derivative of sum_i cotangent_i out_i with respect to v. `memory` is of 3 (m + 1) numbers.
void losskit_triplets_rows(const losskit_triplets *triplets, const float *values, const float *cotangent, int64_t begin, int64_t end, float *out,
                           float *count, float *total, float *weight, double *memory);
