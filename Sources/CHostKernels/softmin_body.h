// Soft minima over pairs for one instruction set, a block of columns at a time.

// exp(x) for x <= 0; what is below exp(-87) counts as that, so that nothing becomes subnormal. 1e-7 of the result at most off.
lk_inline float LK(exp_below)(float x) {
    float bounded = x < -87.0f ? -87.0f : x;
    float shifted = LK_FMAF(bounded, 1.44269504f, 12582912.0f);
    float r = LK_FMAF(shifted - 12582912.0f, -0.693147181f, bounded);
    float p = LK_FMAF(r, 8.31253e-3f, 4.189013e-2f);
    p = LK_FMAF(p, r, 1.6667114e-1f);
    p = LK_FMAF(p, r, 4.9999232e-1f);
    p = LK_FMAF(p * r, r, r) + 1.0f;
    return LK(lk_from_bits)(LK(lk_to_bits)(p) + (int32_t)((uint32_t)LK(lk_to_bits)(shifted) << 23));
}

// The columns of a row.
typedef struct {
    const float *x, *y, *log_weights, *potentials;
    int64_t count;
} LK(softmin_row);

static LK(softmin_row) LK(row_of)(const losskit_softmin_problem *problem, int64_t row) {
    int64_t batch = row / problem->n, m = problem->m;
    int64_t columns = problem->power == 0 ? row * m : batch * m * problem->d;
    LK(softmin_row) result = {
        problem->points + row * problem->d, problem->columns + columns, problem->log_weights + batch * m, problem->potentials + batch * m, m,
    };
    return result;
}

// The exponents of a row's first n columns, coordinates m apart, and their maximum; for power 1 also the distances.
static float LK(block_exponents)(const losskit_softmin_problem *problem, const LK(softmin_row) *row, int64_t m, int64_t n, float inverse,
                                 float *restrict distances, float *restrict out) {
    int64_t d = problem->d;
    const float *restrict x = row->x, *restrict y = row->y, *restrict w = row->log_weights, *restrict u = row->potentials;
    if (problem->power == 0) {
        for (int64_t j = 0; j < n; j++) out[j] = LK_FMAF(u[j] - y[j], inverse, w[j]);
    } else if (problem->power == 1) {
        LK(block_distances)(losskit_squared_euclidean, x, y, m, d, n, distances);
        for (int64_t j = 0; j < n; j++) distances[j] = LK_SQRT(distances[j]);
        for (int64_t j = 0; j < n; j++) out[j] = LK_FMAF(u[j] - distances[j], inverse, w[j]);
    } else if (d == 1) {
        float a = x[0];
        for (int64_t j = 0; j < n; j++) { float s = a - y[j]; out[j] = LK_FMAF(LK_FMAF(s * s, -0.5f, u[j]), inverse, w[j]); }
    } else if (d == 2) {
        float a = x[0], b = x[1];
        const float *restrict z = y + m;
        for (int64_t j = 0; j < n; j++) {
            float s = a - y[j], t = b - z[j];
            out[j] = LK_FMAF(LK_FMAF(LK_FMAF(s, s, t * t), -0.5f, u[j]), inverse, w[j]);
        }
    } else if (d == 3) {
        float a = x[0], b = x[1], c = x[2];
        const float *restrict z = y + m, *restrict v = z + m;
        for (int64_t j = 0; j < n; j++) {
            float s = a - y[j], t = b - z[j], r = c - v[j];
            out[j] = LK_FMAF(LK_FMAF(LK_FMAF(r, r, LK_FMAF(s, s, t * t)), -0.5f, u[j]), inverse, w[j]);
        }
    } else {
        LK(block_distances)(losskit_squared_euclidean, x, y, m, d, n, distances);
        for (int64_t j = 0; j < n; j++) out[j] = LK_FMAF(LK_FMAF(distances[j], -0.5f, u[j]), inverse, w[j]);
    }
    return LK(row_maximum)(out, n);
}

// The soft minimum of one row, relative to its largest exponent.
static float LK(softmin_row_value)(const losskit_softmin_problem *problem, int64_t r) {
    float distances[LK(pair_block)], exponents[LK(pair_block)], epsilon = problem->epsilon, inverse = 1 / epsilon;
    LK(softmin_row) row = LK(row_of)(problem, r);
    float maximum = -INFINITY;
    double total = 0;
    for (int64_t j = 0; j < row.count; j += LK(pair_block)) {
        int64_t n = row.count - j < LK(pair_block) ? row.count - j : LK(pair_block);
        LK(softmin_row) part = {row.x, row.y + j, row.log_weights + j, row.potentials + j, n};
        float peak = LK(block_exponents)(problem, &part, problem->m, n, inverse, distances, exponents);
        if (peak > maximum || peak != peak) {
            total *= exp((double)maximum - peak);
            maximum = peak;
        }
        if (maximum == -INFINITY) continue;
        float sum;
        ROW_SUM(sum, n, LK(exp_below)(exponents[i] - maximum));
        total += sum;
    }
    return maximum == -INFINITY ? INFINITY : -epsilon * (maximum + (float)log(total));
}

static void LK(losskit_softmin)(const losskit_softmin_problem *problem, const losskit_softmin_step *step, int64_t begin, int64_t end,
                                float *soft, float *next) {
    const float *own = step->own, *before = step->before;
    double totals[LK(tile_rows)];
    for (int64_t at = begin; at < end;) {
        const int64_t last = LK(tile_end)(at, end, problem->n);
        if (problem->power != 1) LK(softmin_tile)(problem, own, at, last, totals);
        for (int64_t r = at; r < last; r++) {
            // What is held on its way in may hide a sum that is far off.
            const int isNear = problem->power != 1 && totals[r - at] > 1e-20 && totals[r - at] < 1e20;
            soft[r] = isNear ? (float)(own[r] - problem->epsilon * log(totals[r - at])) : LK(softmin_row_value)(problem, r);
            next[r] = step->keep * own[r] + step->take * soft[r];
            if (before) next[r] += step->carry * before[r];
        }
        at = last;
    }
}
