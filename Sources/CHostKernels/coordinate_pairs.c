#include "losskit_coordinate_pairs.h"

#include <math.h>
#include <string.h>

#define LK_BODY "coordinate_pairs_body.h"
#include "isa.h"

LK_DISPATCH(losskit_coordinate_distances,
            (int metric, const float *x, const float *y, int64_t begin, int64_t end, int64_t m, int64_t d, float *out),
            (metric, x, y, begin, end, m, d, out))
LK_DISPATCH(losskit_coordinate_slopes,
            (int metric, int swapped, const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column,
             int64_t begin, int64_t end, int64_t m, int64_t d, float *out),
            (metric, swapped, x, y, weight, weight_row, weight_column, begin, end, m, d, out))
