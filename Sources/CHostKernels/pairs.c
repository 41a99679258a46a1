#include "losskit_pairs.h"
#include "losskit_scaling.h"
#include "losskit_wide_softmin.h"

#include <math.h>
#include <string.h>

// Without errno, so that loops of it become vectors.
#define LK_SQRT(x) __builtin_elementwise_sqrt(x)

#define LK_BODY "pairs_bodies.h"
#include "isa.h"

void losskit_pair_mirror(int64_t begin, int64_t end, int64_t m, float *out) {
    enum { tile = 32 };
    for (int64_t i = begin; i < end; i += tile) {
        for (int64_t j = 0; j < end; j += tile) {
            for (int64_t k = i; k < end && k < i + tile; k++) for (int64_t l = j; l < k && l < j + tile; l++) out[k * m + l] = out[l * m + k];
        }
    }
}

LK_DISPATCH(losskit_pair_distances,
            (int metric, const float *x, const float *y_transposed, int64_t begin, int64_t end, int64_t m, int64_t d, float *out),
            (metric, x, y_transposed, begin, end, m, d, out))
LK_DISPATCH(losskit_pair_differences,
            (int signs, int accumulates, const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column,
             int64_t begin, int64_t end, int64_t m, int64_t d, float *out),
            (signs, accumulates, x, y, weight, weight_row, weight_column, begin, end, m, d, out))
LK_DISPATCH(losskit_pair_extremes,
            (const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column, int64_t begin, int64_t end, int64_t m,
             int64_t d, float *out),
            (x, y, weight, weight_row, weight_column, begin, end, m, d, out))
LK_DISPATCH(losskit_pair_centre,
            (const float *points, const float *centre, int64_t begin, int64_t end, int64_t d, float *centred, float *norms),
            (points, centre, begin, end, d, centred, norms))
LK_DISPATCH(losskit_pair_pack, (const float *points, int64_t begin, int64_t end, int64_t m, int64_t d, float *panels),
            (points, begin, end, m, d, panels))
LK_DISPATCH(losskit_pair_products,
            (int metric, int starts_at_row, const float *x, const float *y, const float *x_centred, const float *panels, const float *x_norms,
             const float *y_norms, int64_t begin, int64_t end, int64_t m, int64_t d, float *out),
            (metric, starts_at_row, x, y, x_centred, panels, x_norms, y_norms, begin, end, m, d, out))
LK_DISPATCH(losskit_pair_coefficients, (int metric, const float *values, int64_t count, float *weight), (metric, values, count, weight))
LK_DISPATCH(losskit_pair_block_columns,
            (int metric, int accumulates, const float *cotangent, int64_t row, int64_t column, const float *values, const float *x,
             const float *y, const float *y_centred, const float *x_norms, const float *y_norms, int64_t rows, int64_t begin, int64_t end,
             int64_t m, int64_t d, float *weight, float *dy),
            (metric, accumulates, cotangent, row, column, values, x, y, y_centred, x_norms, y_norms, rows, begin, end, m, d, weight, dy))
LK_DISPATCH(losskit_pair_block_rows,
            (int metric, const float *values, const float *x, const float *y, const float *x_centred, const float *x_norms, const float *y_norms,
             int64_t begin, int64_t end, int64_t m, int64_t d, float *weight, float *dx),
            (metric, values, x, y, x_centred, x_norms, y_norms, begin, end, m, d, weight, dx))
LK_DISPATCH(losskit_softmin,
            (const losskit_softmin_problem *problem, const losskit_softmin_step *step, int64_t begin, int64_t end, float *soft, float *next),
            (problem, step, begin, end, soft, next))
LK_DISPATCH(losskit_softmin_differences,
            (const losskit_softmin_problem *problem, int64_t begin, int64_t end, float *out), (problem, begin, end, out))
LK_DISPATCH(losskit_wide_log_sums, (const losskit_wide_problem *problem, const double *own, int64_t begin, int64_t end, double *log_sums),
            (problem, own, begin, end, log_sums))
LK_DISPATCH(losskit_wide_kernel, (const losskit_wide_problem *problem, const double *own, int64_t begin, int64_t end, float *out),
            (problem, own, begin, end, out))
LK_DISPATCH(losskit_scaling_rows, (const losskit_scaling *scaling, int64_t begin, int64_t end, float *sums, losskit_scaling_notes *notes),
            (scaling, begin, end, sums, notes))
LK_DISPATCH(losskit_scaling_columns,
            (const losskit_scaling *scaling, int64_t begin, int64_t end, const float *sums, int64_t parts, losskit_scaling_notes *notes),
            (scaling, begin, end, sums, parts, notes))
