#include "losskit_warping.h"

#include <math.h>

static inline float smaller(float a, float b) { return a < b || isnan(a) ? a : b; }

/// What a cell may be entered from: diagonally, from above, from the left; infinity where there is nothing.
typedef struct {
    float diagonal, above, left, least;
} entries;

static inline entries entries_of(const float *table, int64_t m, int64_t i, int64_t j) {
    entries e;
    e.diagonal = i > 0 && j > 0 ? table[(i - 1) * m + j - 1] : INFINITY;
    e.above = i > 0 ? table[(i - 1) * m + j] : INFINITY;
    e.left = j > 0 ? table[i * m + j - 1] : INFINITY;
    e.least = smaller(smaller(e.diagonal, e.above), e.left);
    return e;
}

static inline float weights(entries e, float gamma) {
    return expf((e.least - e.diagonal) / gamma) + expf((e.least - e.above) / gamma) + expf((e.least - e.left) / gamma);
}

void losskit_warping_forward(
    const losskit_warping *call, const float *costs, float *table, float *distances, int64_t begin, int64_t end) {
    const int64_t n = call->n, m = call->m;
    for (int64_t b = begin; b < end; b++) {
        const float *cost = costs + b * n * m;
        float *sums = table + b * n * m;
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = 0; j < m; j++) {
                float entry = 0;
                if (i > 0 || j > 0) {
                    const entries e = entries_of(sums, m, i, j);
                    entry = call->gamma > 0 ? e.least - call->gamma * logf(weights(e, call->gamma)) : e.least;
                }
                sums[i * m + j] = cost[i * m + j] + entry;
            }
        }
        distances[b] = sums[n * m - 1];
    }
}

/// The share of a cell's entry that comes from one place: 0 diagonal, 1 above, 2 left; of a hard table all of it from the first least one.
static inline float share(const float *table, int64_t m, int64_t i, int64_t j, int place, float gamma) {
    const entries e = entries_of(table, m, i, j);
    if (gamma > 0) {
        const float from = place == 0 ? e.diagonal : place == 1 ? e.above : e.left;
        return expf((e.least - from) / gamma) / weights(e, gamma);
    }
    return place == (e.diagonal == e.least ? 0 : e.above == e.least ? 1 : 2) ? 1.0f : 0.0f;
}

void losskit_warping_backward(const losskit_warping *call, const float *table, float *visits, int64_t begin, int64_t end) {
    const int64_t n = call->n, m = call->m;
    const float gamma = call->gamma;
    for (int64_t b = begin; b < end; b++) {
        const float *sums = table + b * n * m;
        float *visit = visits + b * n * m;
        for (int64_t i = n - 1; i >= 0; i--) {
            for (int64_t j = m - 1; j >= 0; j--) {
                float value = i == n - 1 && j == m - 1 ? 1 : 0;
                if (i + 1 < n && j + 1 < m) value += visit[(i + 1) * m + j + 1] * share(sums, m, i + 1, j + 1, 0, gamma);
                if (i + 1 < n) value += visit[(i + 1) * m + j] * share(sums, m, i + 1, j, 1, gamma);
                if (j + 1 < m) value += visit[i * m + j + 1] * share(sums, m, i, j + 1, 2, gamma);
                visit[i * m + j] = value;
            }
        }
    }
}
