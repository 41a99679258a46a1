#pragma once

#include <stdint.h>

enum { losskit_squared_euclidean = 0, losskit_euclidean = 1, losskit_manhattan = 2, losskit_chebyshev = 3 };

/// Distances of points x [rows begin..<end of n, d] to y given transposed [d, m], into `out` [n, m].
void losskit_pair_distances(int metric, const float *x, const float *y_transposed, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = sum over j of weight[i, j] (x_i - y_j), or of weight[i, j] sign(x_i - y_j) where `signs`; `weight` by strides.
void losskit_pair_differences(int signs, const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column,
                              int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = sum over j of weight[i, j] times the sign of the largest difference of x_i and y_j, in its coordinate (the first of equals).
void losskit_pair_extremes(const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column, int64_t begin, int64_t end,
                           int64_t m, int64_t d, float *out);

/// The points [n, d] less a centre, and their squared lengths.
void losskit_pair_centre(const float *points, const float *centre, int64_t begin, int64_t end, int64_t d, float *centred, float *norms);

/// Turns -2 x_i . y_j of centred points in `out` [rows begin..<end, m], columns `first` on, into distances. Where that would cancel, they are taken from
/// the differences of the points themselves.
void losskit_pair_combine(int metric, const float *x, const float *y, const float *x_norms, const float *y_norms, int64_t begin, int64_t end,
                          int64_t first, int64_t m, int64_t d, float *out);

/// out[i, j] = out[j, i] for the rows begin..<end and j < i of a matrix [m, m].
void losskit_pair_mirror(int64_t begin, int64_t end, int64_t m, float *out);

/// For each row i in begin..<end the weights w_ij = cotangent[i, j] d distance_ij / d |x - y|^2 * 2 of the differences x_i - y_j, into `weight`
/// [end - begin, m]; and into out[i] what is left of sum_j w_ij (x_i - y_j) when the product of `weight` with the centred y is taken from it.
/// Both matrices are given by the same strides. Differences that would cancel are added to `out` directly and have weight 0.
void losskit_pair_weights(int metric, const float *cotangent, const float *distance, int64_t row, int64_t column, const float *x, const float *y,
                          const float *x_centred, const float *x_norms, const float *y_norms, int64_t begin, int64_t end, int64_t m, int64_t d,
                          float *weight, float *out);

/// out[i] = -epsilon log sum over j of exp(h_j - C(x_i, y_j) / epsilon), C = |x - y|^2 / 2 (power 2) or |x - y| (power 1).
void losskit_softmin(int power, float epsilon, const float *x, const float *y_transposed, const float *h, int64_t begin, int64_t end, int64_t m,
                     int64_t d, float *out);

/// out[i] = sum over j of w_ij (x_i - y_j) (divided by |x_i - y_j| for power 1), with w_i the weights that the softmin's sum normalises to 1.
void losskit_softmin_differences(int power, float epsilon, const float *x, const float *y_transposed, const float *h, int64_t begin, int64_t end,
                                 int64_t m, int64_t d, float *out);
