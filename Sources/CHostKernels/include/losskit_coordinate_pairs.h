#pragma once

#include <stdint.h>

/// Distances that weigh each coordinate by itself; kernels/coordinate_pairs.cl has the same formulas.
enum {
    losskit_canberra = 0,
    losskit_bray_curtis = 1,
    losskit_hamming = 2,
    losskit_jensen_shannon = 3,
    losskit_kullback_leibler = 4,
};

/// Distances of points x [rows begin..<end of n, d] to y [m, d], into `out` [n, m].
void losskit_coordinate_distances(int metric, const float *x, const float *y, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);

/// out[i] = sum over j of weight[i, j] times the derivative of the distance of x_i and y_j with respect to x_i (where `swapped`, of that of y_j and x_i,
/// as its second point); `weight` by strides.
void losskit_coordinate_slopes(int metric, int swapped, const float *x, const float *y, const float *weight, int64_t weight_row,
                               int64_t weight_column, int64_t begin, int64_t end, int64_t m, int64_t d, float *out);
