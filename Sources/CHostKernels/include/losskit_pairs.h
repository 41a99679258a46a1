#pragma once

#include "losskit_near.h"
#include <stdint.h>

enum { losskit_squared_euclidean = 0, losskit_euclidean = 1, losskit_manhattan = 2, losskit_chebyshev = 3 };

/// Distances of points x [rows begin..<end of n, d] to y given transposed [d, m], into `out` [n, m].
void losskit_pair_distances(int metric, const float *x, const float *y_transposed, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = (out[i] plus, where `accumulates`) sum over j of weight[i, j] (x_i - y_j), or of weight[i, j] sign(x_i - y_j) where `signs`; `weight` by
/// strides.
void losskit_pair_differences(int signs, int accumulates, const float *x, const float *y, const float *weight, int64_t weight_row,
                              int64_t weight_column, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = sum over j of weight[i, j] times the sign of the largest difference of x_i and y_j, in its coordinate (the first of equals).
void losskit_pair_extremes(const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column, int64_t begin, int64_t end,
                           int64_t m, int64_t d, float *out);

/// The points [n, d] less a centre, and their squared lengths.
void losskit_pair_centre(const float *points, const float *centre, int64_t begin, int64_t end, int64_t d, float *centred, float *norms);

/// Lays out centred points [m, d] as losskit_pair_products reads them, in `panels` of (m + 15) d numbers: the part that begins with the points
/// begin..<end, multiples of losskit_pair_panel or m.
enum { losskit_pair_panel = 48 };
void losskit_pair_pack(const float *points, int64_t begin, int64_t end, int64_t m, int64_t d, float *panels);

/// Distances [n, m] for the rows begin..<end: by products of centred points, or where these would cancel from the differences of the points themselves.
/// Where `starts_at_row` is set, what lies well below the diagonal is left out.
void losskit_pair_products(int metric, int starts_at_row, const float *x, const float *y, const float *x_centred, const float *panels,
                           const float *x_norms, const float *y_norms, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i, j] = out[j, i] for the rows begin..<end and j < i of a matrix [m, m].
void losskit_pair_mirror(int64_t begin, int64_t end, int64_t m, float *out);

/// In place of the derivatives `weight` [rows, m] with respect to distances `values` [rows, m]: the factors of the differences x_i - y_j in the derivative
/// of the points, 2 w for squared distances and w / distance (0 at 0) for their roots.
void losskit_pair_coefficients(int metric, const float *values, int64_t count, float *weight);

/// The same for a block of rows, in the columns begin..<end, of derivatives that lie in `cotangent` by strides, or where that is NULL in `weight`; and
/// into dy what is left of sum_i w_ij (y_j - x_i) when the product of the transposed weights with the centred x is taken from it. Differences that would
/// cancel are added directly. `dy` may be NULL.
void losskit_pair_block_columns(int metric, int accumulates, const float *cotangent, int64_t row, int64_t column, const float *values, const float *x,
                                const float *y, const float *y_centred, const float *x_norms, const float *y_norms, int64_t rows, int64_t begin,
                                int64_t end, int64_t m, int64_t d, float *weight, float *dy);

/// After that: the same for dx and the rows begin..<end. The weights of differences that would cancel become 0. `dx` may be NULL.
void losskit_pair_block_rows(int metric, const float *values, const float *x, const float *y, const float *x_centred, const float *x_norms,
                             const float *y_norms, int64_t begin, int64_t end, int64_t m, int64_t d, float *weight, float *dx);

/// Soft minima of a cost between n points and m columns, for each of a batch.
///
/// Row r is point r % n of batch r / n. Its columns' exponents are log_weights[j] + (potentials[j] - C) / epsilon, with C = |x - y|^2 / 2
/// (power 2) or |x - y| (power 1) of points, or read from a matrix (power 0).
typedef struct losskit_softmin_problem {
    int32_t power;
    float epsilon;
    int64_t n, m, d;
    /// [batch, n, d], and [batch, d, m], or [batch, n, m] for power 0.
    const float *points, *columns;
    /// [batch, m].
    const float *log_weights, *potentials;
    /// NULL where all columns matter.
    const losskit_near *near;
} losskit_softmin_problem;

/// How a row's next potential comes from its soft minimum: keep own + take soft + carry before, `before` NULL for none.
typedef struct losskit_softmin_step {
    float keep, take, carry;
    const float *own, *before;
} losskit_softmin_step;

/// soft[r] = -epsilon log sum over columns of exp(exponent), and next[r] by the step, for the rows begin..<end.
void losskit_softmin(const losskit_softmin_problem *problem, const losskit_softmin_step *step, int64_t begin, int64_t end, float *soft,
                     float *next);

/// out[r] = sum over columns j of w_rj (x_r - y_j) (divided by |x_r - y_j| for power 1), w_r the soft minimum's weights, which sum to 1.
void losskit_softmin_differences(const losskit_softmin_problem *problem, int64_t begin, int64_t end, float *out);
