#pragma once

#include <stdint.h>

/// The k nearest of m points y [m, d] of each of n points x [n, d]: by distance (losskit_squared_euclidean, _manhattan, _chebyshev), or by -x.y (as
/// losskit_negative_dot), of equal ones the first.
enum { losskit_negative_dot = 4 };
/// What a row's `capacity` may be.
enum { losskit_most_candidates = 2112 };
typedef struct losskit_neighbors {
    int32_t metric;
    /// Whether point i of y is left out for point i of x.
    int32_t excludes_self;
    int64_t m, d, k;
    const float *x, *y;
    /// y as [d, m], or NULL where values are approximated first.
    const float *y_transposed;
    /// Of each y, where values are approximated: least a value less what all columns of a row share may be, and by how much more it may be.
    const float *low, *slack;
    /// Of each x: by how much a value may be off for its part.
    const float *row_slack;
    /// For each row candidates: their least values and places [rows, capacity], how many (-1: too many), and what they must not exceed.
    int64_t capacity;
    float *keys;
    int32_t *places, *counts;
    float *limits;
} losskit_neighbors;

/// Starts the rows begin..<end of a block of candidates anew.
void losskit_neighbors_start(const losskit_neighbors *problem, int64_t begin, int64_t end);

/// Takes candidates of the block's rows begin..<end, the first being row `first`, from a tile [rows, width] of approximate values less what a column and a
/// row have of their own, for the points y from `at` on.
void losskit_neighbors_take(const losskit_neighbors *problem, const float *tile, int64_t first, int64_t at, int64_t width, int64_t begin, int64_t end);

/// Looks at the candidates themselves, in double precision: values [n, k] and places [n, k], the nearest first.
void losskit_neighbors_finish(const losskit_neighbors *problem, int64_t first, int64_t begin, int64_t end, float *values, int32_t *places);

/// The nearest by given values [rows, m] of a block's rows begin..<end, the first being row `first`.
void losskit_neighbors_select(const losskit_neighbors *problem, const float *block, int64_t first, int64_t begin, int64_t end, float *values,
                              int32_t *places);

/// The same without approximations.
void losskit_neighbors_direct(const losskit_neighbors *problem, int64_t first, int64_t begin, int64_t end, float *values, int32_t *places);
