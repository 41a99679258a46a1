// Reductions of each row over the pairs that its mask selects, for one instruction set.

#include "vector_math.h"
#include "row_sums.h"

enum { LK(row_block) = 512 };

// u of a block of columns from `at` on, -infinity where the mask leaves a column out. A value that is not a number is kept.
static void LK(selected)(const losskit_row_pairs *pairs, const float *restrict v, int64_t i, int64_t at, int64_t n, float *restrict u) {
    float scale = pairs->scale, shift = pairs->shift ? pairs->shift[i] : 0;
    for (int64_t l = 0; l < n; l++) u[l] = LK_FMAF(scale, v[l], shift);
    if (pairs->selection != losskit_pairs_all) {
        const int32_t *restrict labels = pairs->column_labels + at, own = pairs->row_labels[i];
        if (pairs->selection == losskit_pairs_same) for (int64_t l = 0; l < n; l++) u[l] = labels[l] == own ? u[l] : -INFINITY;
        else for (int64_t l = 0; l < n; l++) u[l] = labels[l] != own ? u[l] : -INFINITY;
    }
    if (pairs->lower) {
        float bound = pairs->lower[i];
        for (int64_t l = 0; l < n; l++) u[l] = v[l] <= bound ? -INFINITY : u[l];
    }
    if (pairs->upper) {
        float bound = pairs->upper[i];
        for (int64_t l = 0; l < n; l++) u[l] = v[l] >= bound ? -INFINITY : u[l];
    }
    if (pairs->excludes_self && i >= at && i < at + n) u[i - at] = -INFINITY;
}

#define FOR_BLOCKS \
    for (int64_t at = 0; at < pairs->m; at += LK(row_block)) { \
        int64_t n = pairs->m - at < LK(row_block) ? pairs->m - at : LK(row_block); \
        LK(selected)(pairs, row + at, i, at, n, u);

#define SUMS(value, derivative) \
    FOR_BLOCKS \
        float sum, slopes; \
        ROW_SUM(sum, n, value); \
        ROW_SUM(slopes, n, derivative); \
        total += sum; \
        rise += slopes; \
    }

static void LK(losskit_row_pairs_reduce)(const losskit_row_pairs *pairs, const float *values, int64_t begin, int64_t end, float *out, float *slope) {
    float u[LK(row_block)];
    for (int64_t i = begin; i < end; i++) {
        const float *row = values + (i - pairs->first) * pairs->m;
        double total = 0, rise = 0;
        if (pairs->reduction == losskit_rows_log_sum_exp) {
            float peak = -INFINITY;
            FOR_BLOCKS
                float most = LK(row_maximum)(u, n);
                if (most > peak || most != most) {
                    total *= exp((double)peak - most);
                    peak = most;
                }
                if (peak == -INFINITY) continue;
                float sum;
                ROW_SUM(sum, n, LK(lk_exp)(u[i] - peak));
                total += sum;
            }
            out[i] = peak == -INFINITY ? -INFINITY : peak + (float)log(total);
            slope[i] = 1;
            continue;
        }
        switch (pairs->reduction) {
        case losskit_rows_softplus: SUMS(LK(lk_softplus)(u[i]), LK(lk_sigmoid)(u[i])) break;
        case losskit_rows_hinge: SUMS(u[i] > 0 || u[i] != u[i] ? u[i] : 0, u[i] > 0 ? 1.0f : 0) break;
        case losskit_rows_squared_hinge: SUMS(u[i] > 0 || u[i] != u[i] ? u[i] * u[i] : 0, u[i] > 0 ? 2 * u[i] : 0) break;
        default: SUMS(u[i] == -INFINITY ? 0 : u[i], u[i] == -INFINITY ? 0 : 1.0f)
        }
        out[i] = (float)total;
        slope[i] = (float)rise;
    }
}

static void LK(losskit_row_pairs_extremes)(const losskit_row_pairs *pairs, const float *values, int64_t begin, int64_t end, int32_t *places) {
    float u[LK(row_block)];
    losskit_row_pairs signed_pairs = *pairs;
    const float sign = pairs->reduction == losskit_rows_largest ? 1 : -1;
    signed_pairs.scale = sign;
    signed_pairs.shift = 0;
    pairs = &signed_pairs;
    for (int64_t i = begin; i < end; i++) {
        const float *row = values + (i - pairs->first) * pairs->m;
        float peak = -INFINITY;
        int64_t place = -1;
        FOR_BLOCKS
            float most = LK(row_maximum)(u, n);
            if (peak != peak || !(most > peak || most != most)) continue;
            peak = most;
            for (int64_t l = 0; l < n; l++) if (u[l] == most || (most != most && u[l] != u[l])) { place = at + l; break; }
        }
        // Nothing is above the infinity that also marks what the mask leaves out: times 0, what is selected is no infinity.
        signed_pairs.scale = 0;
        if (place < 0) FOR_BLOCKS
            for (int64_t l = 0; l < n && place < 0; l++) if (u[l] != -INFINITY) place = at + l;
        }
        signed_pairs.scale = sign;
        places[i] = (int32_t)place;
    }
}

#define WEIGHTS(derivative) \
    for (int64_t l = 0; l < n; l++) target[at + l] = u[l] == -INFINITY ? 0 : g * (derivative); \
    break;

static void LK(losskit_row_pairs_weights)(const losskit_row_pairs *pairs, const float *values, const float *out, const float *cotangent,
                                          int64_t begin, int64_t end, float *weight) {
    float u[LK(row_block)];
    for (int64_t i = begin; i < end; i++) {
        const float *row = values + (i - pairs->first) * pairs->m;
        float *restrict target = weight + (i - pairs->first) * pairs->m, g = cotangent[i] * pairs->scale, peak = out[i];
        FOR_BLOCKS
            switch (pairs->reduction) {
            case losskit_rows_log_sum_exp: WEIGHTS(LK(lk_exp)(u[l] - peak))
            case losskit_rows_softplus: WEIGHTS(LK(lk_sigmoid)(u[l]))
            case losskit_rows_hinge: WEIGHTS(u[l] > 0 ? 1.0f : 0)
            case losskit_rows_squared_hinge: WEIGHTS(u[l] > 0 ? 2 * u[l] : 0)
            default: WEIGHTS(1.0f)
            }
        }
    }
}

#undef FOR_BLOCKS
#undef SUMS
#undef WEIGHTS
#undef LANES
#undef ROW_SUM
