#pragma once

#include <stdint.h>

enum { losskit_squared_euclidean = 0, losskit_euclidean = 1, losskit_manhattan = 2, losskit_chebyshev = 3 };

/// Distances of points x [rows begin..<end of n, d] to y given transposed [d, m], into `out` [n, m].
void losskit_pair_distances(int metric, const float *x, const float *y_transposed, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = sum over j of weight[i, j] (x_i - y_j), or of weight[i, j] sign(x_i - y_j) where `signs`; `weight` by strides.
void losskit_pair_differences(int signs, const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column,
                              int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = -epsilon log sum over j of exp(h_j - C(x_i, y_j) / epsilon), C = |x - y|^2 / 2 (power 2) or |x - y| (power 1).
void losskit_softmin(int power, float epsilon, const float *x, const float *y_transposed, const float *h, int64_t begin, int64_t end, int64_t m,
                     int64_t d, float *out);

/// out[i] = sum over j of w_ij (x_i - y_j) (divided by |x_i - y_j| for power 1), with w_i the weights that the softmin's sum normalises to 1.
void losskit_softmin_differences(int power, float epsilon, const float *x, const float *y_transposed, const float *h, int64_t begin, int64_t end,
                                 int64_t m, int64_t d, float *out);
