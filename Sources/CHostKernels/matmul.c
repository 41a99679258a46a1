#include "losskit_matmul.h"

#define LK_BODY "matmul_body.h"
#include "isa.h"

LK_DISPATCH(losskit_matmul_f32,
            (const float *a, const float *b, float *c, int64_t begin, int64_t end, int64_t n, int64_t k, int64_t a_row, int64_t a_column,
             int64_t b_row, int64_t b_column),
            (a, b, c, begin, end, n, k, a_row, a_column, b_row, b_column))
LK_DISPATCH(losskit_matmul_f64,
            (const double *a, const double *b, double *c, int64_t begin, int64_t end, int64_t n, int64_t k, int64_t a_row, int64_t a_column,
             int64_t b_row, int64_t b_column),
            (a, b, c, begin, end, n, k, a_row, a_column, b_row, b_column))
