// Nearest neighbours, for one instruction set. A row's candidates are those that may still be among its nearest ones.

#include "vector_math.h"
#include "row_sums.h"

#include "pair_values.h"

enum { LK(coarse) = 128, LK(fine) = 16 };

static float LK(direct_value)(const losskit_neighbors *problem, int64_t i, int64_t j) {
    const float *restrict a = problem->x + i * problem->d, *restrict b = problem->y + j * problem->d;
    int64_t d = problem->d;
    float sum;
    switch (problem->metric) {
    case losskit_negative_dot: ROW_SUM(sum, d, a[i] * b[i]); return -sum;
    case losskit_manhattan: ROW_SUM(sum, d, __builtin_fabsf(a[i] - b[i])); return sum;
    case losskit_chebyshev:
        sum = 0;
        for (int64_t k = 0; k < d; k++) {
            float u = __builtin_fabsf(a[k] - b[k]);
            sum = u > sum ? u : sum;
        }
        return sum;
    default: return LK(direct_square)(a, b, d);
    }
}

// The same, for what products find, without rounding that could tell.
static double LK(exact_value)(const losskit_neighbors *problem, int64_t i, int64_t j) {
    const float *restrict a = problem->x + i * problem->d, *restrict b = problem->y + j * problem->d;
    int is_dot = problem->metric == losskit_negative_dot;
    double lanes[LANES] = {0}, sum = 0;
    int64_t k = 0;
    for (; k + LANES <= problem->d; k += LANES) {
        for (int l = 0; l < LANES; l++) {
            double u = (double)a[k + l] - (is_dot ? 0 : b[k + l]);
            lanes[l] += u * (is_dot ? -b[k + l] : u);
        }
    }
    for (; k < problem->d; k++) {
        double u = (double)a[k] - (is_dot ? 0 : b[k]);
        sum += u * (is_dot ? -b[k] : u);
    }
    for (int l = 0; l < LANES; l++) sum += lanes[l];
    return sum;
}

// Pushes what does not exceed the row's limit, of values `v` (plus `low`, where given) of the points from `at` on. `is_strict`: what equals it neither.
static void LK(push)(const losskit_neighbors *problem, int64_t row, int64_t self, const float *restrict v, const float *restrict low, int64_t at,
                     int64_t n, int is_strict) {
    float *keys = problem->keys + row * problem->capacity;
    int32_t *places = problem->places + row * problem->capacity;
    for (int64_t begin = 0; begin < n; begin += LK(coarse)) {
        int64_t coarse = n - begin < LK(coarse) ? n - begin : LK(coarse);
        float limit = problem->limits[row];
        int32_t any = 0;
        if (low) for (int64_t l = begin; l < begin + coarse; l++) any |= !(v[l] + low[l] > limit);
        else for (int64_t l = begin; l < begin + coarse; l++) any |= !(v[l] >= limit);
        if (!any) continue;
        for (int64_t part = begin; part < begin + coarse; part += LK(fine)) {
            int64_t fine = begin + coarse - part < LK(fine) ? begin + coarse - part : LK(fine);
            limit = problem->limits[row];
            int32_t hits = 0;
            if (low) for (int64_t l = part; l < part + fine; l++) hits |= !(v[l] + low[l] > limit);
            else for (int64_t l = part; l < part + fine; l++) hits |= !(v[l] >= limit);
            for (int64_t l = part; hits && l < part + fine; l++) {
                float value = low ? v[l] + low[l] : v[l];
                if ((is_strict ? value >= problem->limits[row] : value > problem->limits[row]) || at + l == self) continue;
                if (problem->counts[row] == problem->capacity && !losskit_neighbors_narrow(problem, row, is_strict)) return;
                if (is_strict ? value >= problem->limits[row] : value > problem->limits[row]) continue;
                keys[problem->counts[row]] = value;
                places[problem->counts[row]++] = (int32_t)(at + l);
            }
        }
    }
}

static void LK(losskit_neighbors_take)(const losskit_neighbors *problem, const float *tile, int64_t first, int64_t at, int64_t width, int64_t begin,
                                      int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        if (problem->counts[row] < 0) continue;
        int64_t self = problem->excludes_self ? first + row : -1;
        LK(push)(problem, row, self, tile + row * width, problem->low + at, at, width, 0);
    }
}

// The nearest of a row by its values alone.
static void LK(direct_row)(const losskit_neighbors *problem, int64_t row, int64_t i) {
    float values[LK(pair_block)];
    int64_t self = problem->excludes_self ? i : -1;
    losskit_neighbors_start(problem, row, row + 1);
    for (int64_t at = 0; at < problem->m; at += LK(pair_block)) {
        int64_t n = problem->m - at < LK(pair_block) ? problem->m - at : LK(pair_block);
        for (int64_t l = 0; l < n; l++) values[l] = LK(direct_value)(problem, i, at + l);
        LK(push)(problem, row, self, values, 0, at, n, 1);
    }
}

static void LK(losskit_neighbors_finish)(const losskit_neighbors *problem, int64_t first, int64_t begin, int64_t end, float *values, int32_t *places) {
    for (int64_t row = begin; row < end; row++) {
        if (problem->counts[row] >= 0) losskit_neighbors_narrow(problem, row, 0);
        float *found = values + (first + row) * problem->k;
        int32_t *where = places + (first + row) * problem->k;
        if (problem->counts[row] < 0) {
            LK(direct_row)(problem, row, first + row);
            losskit_neighbors_write(problem, row, found, where);
            continue;
        }
        neighbor nearest[losskit_most_candidates];
        const int32_t *candidates = problem->places + row * problem->capacity;
        for (int32_t c = 0; c < problem->counts[row]; c++) {
            nearest[c] = (neighbor){LK(exact_value)(problem, first + row, candidates[c]), candidates[c]};
        }
        losskit_neighbors_rank(nearest, problem->counts[row], problem->k, found, where);
    }
}

static void LK(losskit_neighbors_select)(const losskit_neighbors *problem, const float *block, int64_t first, int64_t begin, int64_t end, float *values,
                                        int32_t *places) {
    losskit_neighbors_start(problem, begin, end);
    for (int64_t row = begin; row < end; row++) {
        LK(push)(problem, row, problem->excludes_self ? first + row : -1, block + row * problem->m, 0, 0, problem->m, 1);
        losskit_neighbors_write(problem, row, values + (first + row) * problem->k, places + (first + row) * problem->k);
    }
}

static void LK(losskit_neighbors_direct)(const losskit_neighbors *problem, int64_t first, int64_t begin, int64_t end, float *values,
                                        int32_t *places) {
    float buffer[LK(pair_block)];
    int64_t m = problem->m, d = problem->d;
    losskit_neighbors_start(problem, begin, end);
    for (int64_t at = 0; problem->y_transposed && at < m; at += LK(pair_block)) {
        int64_t n = m - at < LK(pair_block) ? m - at : LK(pair_block);
        for (int64_t row = begin; row < end; row++) {
            LK(block_distances)(problem->metric, problem->x + (first + row) * d, problem->y_transposed + at, m, d, n, buffer);
            LK(push)(problem, row, problem->excludes_self ? first + row : -1, buffer, 0, at, n, 1);
        }
    }
    for (int64_t row = begin; row < end; row++) {
        if (!problem->y_transposed) LK(direct_row)(problem, row, first + row);
        losskit_neighbors_write(problem, row, values + (first + row) * problem->k, places + (first + row) * problem->k);
    }
}

#undef LANES
#undef ROW_SUM
