// Softmax by rows for one instruction set.

#include "vector_math.h"
#include "conversion.h"
#include "row_sums.h"
#include "softmax_block.h"

// Runs the statement for each block of n elements from `first` on.
#define BLOCKS(first, n) \
    for (int64_t at = (first), length; length = (first) + (n) - at, length = length < SOFTMAX_BLOCK ? length : SOFTMAX_BLOCK, length > 0; at += length)

static void LK(losskit_softmax_forward)(const void *logits, int32_t type, int32_t is_logarithm, int64_t n, int64_t begin, int64_t end, void *out) {
    float scratch[SOFTMAX_BLOCK], values[SOFTMAX_BLOCK];
    for (int64_t row = begin; row < end; row++) {
        float maximum = -INFINITY;
        double sum = 0;
        BLOCKS(row * n, n) {
            const float *z = LK(softmax_block)(logits, type, 0, 0, 1, at, length, scratch);
            float peak = LK(row_maximum)(z, length), part;
            if (peak > maximum || peak != peak) {
                sum *= exp((double)maximum - peak);
                maximum = peak;
            }
            ROW_SUM(part, length, LK(exp_below)(z[i] - maximum));
            // Nothing but minus infinity so far counts for nothing.
            if (maximum != -INFINITY) sum += part;
        }
        float above = (float)log(sum), shrink = (float)(1 / sum);
        BLOCKS(row * n, n) {
            const float *z = LK(softmax_block)(logits, type, 0, 0, 1, at, length, scratch);
            if (is_logarithm) for (int64_t i = 0; i < length; i++) values[i] = z[i] - maximum - above;
            else for (int64_t i = 0; i < length; i++) values[i] = LK(exp_below)(z[i] - maximum) * shrink;
            LK(softmax_store)(out, type, at, length, values, 0);
        }
    }
}

static void LK(losskit_softmax_backward)(const void *result, const void *cotangent, int32_t type, int32_t is_logarithm, int64_t n, int64_t begin,
                                         int64_t end, void *gradient) {
    float first[SOFTMAX_BLOCK], second[SOFTMAX_BLOCK], values[SOFTMAX_BLOCK];
    for (int64_t row = begin; row < end; row++) {
        double all = 0;
        BLOCKS(row * n, n) {
            const float *y = LK(softmax_block)(result, type, 0, 0, 1, at, length, first);
            const float *g = LK(softmax_block)(cotangent, type, 0, 0, 1, at, length, second);
            float part;
            if (is_logarithm) ROW_SUM(part, length, g[i]);
            else ROW_SUM(part, length, g[i] * y[i]);
            all += part;
        }
        float sum = (float)all;
        BLOCKS(row * n, n) {
            const float *y = LK(softmax_block)(result, type, 0, 0, 1, at, length, first);
            const float *g = LK(softmax_block)(cotangent, type, 0, 0, 1, at, length, second);
            if (is_logarithm) for (int64_t i = 0; i < length; i++) values[i] = g[i] - LK(lk_exp)(y[i]) * sum;
            else for (int64_t i = 0; i < length; i++) values[i] = y[i] * (g[i] - sum);
            LK(softmax_store)(gradient, type, at, length, values, 0);
        }
    }
}

#undef BLOCKS
#undef LANES
#undef ROW_SUM
