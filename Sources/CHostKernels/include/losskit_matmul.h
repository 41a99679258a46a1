#pragma once

#include <stdint.h>

/// Adds rows [begin, end) of the m x n product A B to C, operands by strides, C row-major: for machines without a BLAS.
void losskit_matmul_f32(const float *a, const float *b, float *c, int64_t begin, int64_t end, int64_t n, int64_t k, int64_t a_row,
                        int64_t a_column, int64_t b_row, int64_t b_column);
void losskit_matmul_f64(const double *a, const double *b, double *c, int64_t begin, int64_t end, int64_t n, int64_t k, int64_t a_row,
                        int64_t a_column, int64_t b_row, int64_t b_column);
