// Distances that weigh each coordinate by itself, for one instruction set: what a coordinate adds to one or two sums, what becomes of the sums, and the
// derivative with respect to a.

#include "vector_math.h"
#include "row_sums.h"

lk_inline float LK(share)(float a, float b) { return a > 0 ? a * LK(lk_log)(a / b) : a == 0 ? 0 : NAN; }
lk_inline float LK(sign)(float a) { return (float)((a > 0) - (a < 0)); }

lk_inline float LK(coordinate_term)(int metric, float a, float b) {
    float size = LK_ABS(a) + LK_ABS(b), apart = LK_ABS(a - b);
    switch (metric) {
    case losskit_canberra: return size == 0 ? 0 : apart / size;
    case losskit_bray_curtis: return apart;
    case losskit_hamming: return a != a || b != b ? NAN : a != b ? 1.0f : 0.0f;
    case losskit_jensen_shannon: return 0.5f * (LK(share)(a, 0.5f * (a + b)) + LK(share)(b, 0.5f * (a + b)));
    default: return LK(share)(a, b);
    }
}

lk_inline float LK(coordinate_slope)(int metric, int swapped, float a, float b, float value, float divisor) {
    float size = LK_ABS(a) + LK_ABS(b), difference = a - b;
    switch (metric) {
    case losskit_canberra: return size == 0 ? 0 : (LK(sign)(difference) - LK_ABS(difference) / size * LK(sign)(a)) / size;
    case losskit_bray_curtis: return divisor == 0 ? 0 : (LK(sign)(difference) - value * LK(sign)(a + b)) / divisor;
    case losskit_hamming: return 0;
    case losskit_jensen_shannon: return value > 0 && a > 0 ? 0.25f / value * LK(lk_log)(2 * a / (a + b)) : 0;
    default: return swapped ? (b == 0 ? 0 : -b / a) : a == 0 ? 0 : LK(lk_log)(a / b) + 1;
    }
}

#define TERMS(metric) case metric: ROW_SUM(sum, d, LK(coordinate_term)(metric, a[i], b[i])); break;

static float LK(coordinate_value)(int metric, const float *restrict a, const float *restrict b, int64_t d, float *divisor) {
    float sum = 0;
    switch (metric) {
    TERMS(losskit_canberra)
    TERMS(losskit_bray_curtis)
    TERMS(losskit_hamming)
    TERMS(losskit_jensen_shannon)
    TERMS(losskit_kullback_leibler)
    }
    *divisor = 1;
    if (metric == losskit_bray_curtis) {
        ROW_SUM(*divisor, d, LK_ABS(a[i] + b[i]));
        return *divisor == 0 ? 0 : sum / *divisor;
    }
    if (metric == losskit_hamming) return d == 0 ? 0 : sum / (float)d;
    if (metric == losskit_jensen_shannon) return sum != sum ? sum : sum > 0 ? __builtin_sqrtf(sum) : 0;
    return sum;
}

static void LK(losskit_coordinate_distances)(int metric, const float *x, const float *y, int64_t begin, int64_t end, int64_t m, int64_t d, float *out) {
    float divisor;
    for (int64_t i = begin; i < end; i++) {
        for (int64_t j = 0; j < m; j++) out[i * m + j] = LK(coordinate_value)(metric, x + i * d, y + j * d, d, &divisor);
    }
}

#define SLOPES(metric) \
    case metric: \
        for (int64_t k = 0; k < d; k++) target[k] += w * LK(coordinate_slope)(metric, swapped, a[k], b[k], value, divisor); \
        break;

static void LK(losskit_coordinate_slopes)(int metric, int swapped, const float *x, const float *y, const float *weight, int64_t weight_row,
                                         int64_t weight_column, int64_t begin, int64_t end, int64_t m, int64_t d, float *out) {
    for (int64_t i = begin; i < end; i++) {
        const float *a = x + i * d;
        float *restrict target = out + i * d;
        for (int64_t k = 0; k < d; k++) target[k] = 0;
        for (int64_t j = 0; j < m; j++) {
            const float *b = y + j * d;
            float w = weight[i * weight_row + j * weight_column], divisor = 1, value = 0;
            // Only these two need the distance itself, and they are symmetric.
            if (metric == losskit_bray_curtis || metric == losskit_jensen_shannon) value = LK(coordinate_value)(metric, a, b, d, &divisor);
            switch (metric) {
            SLOPES(losskit_canberra)
            SLOPES(losskit_bray_curtis)
            SLOPES(losskit_hamming)
            SLOPES(losskit_jensen_shannon)
            SLOPES(losskit_kullback_leibler)
            }
        }
    }
}

#undef TERMS
#undef SLOPES
#undef LANES
#undef ROW_SUM
