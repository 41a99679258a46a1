#include "losskit_pairs.h"

#include <math.h>
#include <string.h>

#define LK_BODY "pairs_body.h"
#include "isa.h"

LK_DISPATCH(losskit_pair_distances,
            (int metric, const float *x, const float *y_transposed, int64_t begin, int64_t end, int64_t m, int64_t d, float *out),
            (metric, x, y_transposed, begin, end, m, d, out))
LK_DISPATCH(losskit_pair_differences,
            (int signs, const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column, int64_t begin, int64_t end,
             int64_t m, int64_t d, float *out),
            (signs, x, y, weight, weight_row, weight_column, begin, end, m, d, out))
LK_DISPATCH(losskit_softmin,
            (int power, float epsilon, const float *x, const float *y_transposed, const float *h, int64_t begin, int64_t end, int64_t m, int64_t d,
             float *out),
            (power, epsilon, x, y_transposed, h, begin, end, m, d, out))
LK_DISPATCH(losskit_softmin_differences,
            (int power, float epsilon, const float *x, const float *y_transposed, const float *h, int64_t begin, int64_t end, int64_t m, int64_t d,
             float *out),
            (power, epsilon, x, y_transposed, h, begin, end, m, d, out))
