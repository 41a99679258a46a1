// The derivative of the soft minimum for the points of the rows, for one instruction set.

// Adds the weighted differences of four coordinates side by side, since each sum waits for its last term.
lk_inline void LK(weighted_differences)(const float *x, const float *y, const float *weights, int64_t m, int64_t n, float *target) {
    const float a = x[0], b = x[1], c = x[2], e = x[3];
    const float *p = y, *q = p + m, *r = q + m, *s = r + m;
    float t[LANES] = {0}, u[LANES] = {0}, v[LANES] = {0}, w[LANES] = {0};
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        for (int l = 0; l < LANES; l++) {
            const float weight = weights[j + l];
            t[l] = LK_FMAF(weight, a - p[j + l], t[l]);
            u[l] = LK_FMAF(weight, b - q[j + l], u[l]);
            v[l] = LK_FMAF(weight, c - r[j + l], v[l]);
            w[l] = LK_FMAF(weight, e - s[j + l], w[l]);
        }
    }
    for (; j < n; j++) {
        t[0] = LK_FMAF(weights[j], a - p[j], t[0]);
        u[0] = LK_FMAF(weights[j], b - q[j], u[0]);
        v[0] = LK_FMAF(weights[j], c - r[j], v[0]);
        w[0] = LK_FMAF(weights[j], e - s[j], w[0]);
    }
    for (int l = 0; l < LANES; l++) target[0] += t[l], target[1] += u[l], target[2] += v[l], target[3] += w[l];
}

// For the rows begin..<end, at most a tile and of one batch, a row at a time.
static void LK(differences_tile)(const losskit_softmin_problem *problem, int64_t begin, int64_t end, float *out) {
    float distances[LK(pair_block)], exponents[LK(pair_block)], packed[LK(tile_floats)], peaks[LK(tile_rows)], inverse = 1 / problem->epsilon;
    double totals[LK(tile_rows)];
    const int64_t m = problem->m, d = problem->d, width = d <= 256 ? LK(tile_width)(d) : LK(pair_block);
    for (int64_t i = 0; i < end - begin; i++) peaks[i] = -INFINITY, totals[i] = 0;
    for (int64_t i = begin * d; i < end * d; i++) out[i] = 0;
    for (int64_t at = 0; at < m; at += width) {
        const int64_t n = m - at < width ? m - at : width;
        LK(softmin_row) row = LK(row_of)(problem, begin);
        const LK(tile_columns) block = LK(tile_pack)(row.y + at, m, d, n, packed);
        row.y = block.y;
        row.log_weights += at;
        row.potentials += at;
        for (int64_t r = begin; r < end; r++) {
            const int64_t i = r - begin;
            float *target = out + r * d, sum;
            row.x = problem->points + r * d;
            const float peak = LK(block_exponents)(problem, &row, block.stride, n, inverse, distances, exponents);
            if (peak > peaks[i] || peak != peak) {
                const double scale = exp((double)peaks[i] - peak);
                totals[i] *= scale;
                for (int64_t k = 0; k < d; k++) target[k] *= (float)scale;
                peaks[i] = peak;
            }
            if (peaks[i] == -INFINITY) continue;
            for (int64_t l = 0; l < n; l++) exponents[l] = LK(exp_below)(exponents[l] - peaks[i]);
            ROW_SUM(sum, n, exponents[i]);
            totals[r - begin] += sum;
            if (problem->power == 1) for (int64_t l = 0; l < n; l++) exponents[l] = distances[l] > 0 ? exponents[l] / distances[l] : 0;
            int64_t k = 0;
            for (; k + 4 <= d; k += 4) LK(weighted_differences)(row.x + k, row.y + k * block.stride, exponents, block.stride, n, target + k);
            for (; k < d; k++) {
                const float *coordinate = row.y + k * block.stride;
                const float a = row.x[k];
                ROW_SUM(sum, n, exponents[i] * (a - coordinate[i]));
                target[k] += sum;
            }
        }
    }
    for (int64_t r = begin; r < end; r++) {
        const double total = totals[r - begin];
        for (int64_t k = 0; k < d && total > 0; k++) out[r * d + k] = (float)(out[r * d + k] / total);
    }
}

typedef float LK(panel_vector) __attribute__((vector_size(LK_VECTOR_BYTES), aligned(4)));
enum { LK(panel_lanes) = LK_VECTOR_BYTES / 4, LK(panel_columns) = 64, LK(panel_most) = 256 };

// out[4][columns] = x_r.y_j of columns packed by coordinates.
static void LK(panel_products)(const float *const *x, const float *y, int64_t d, float *out) {
    for (int64_t j = 0; j < LK(panel_columns); j += 2 * LK(panel_lanes)) {
        LK(panel_vector) sums[4][2] = {0};
        for (int64_t k = 0; k < d; k++) {
            const LK(panel_vector) *v = (const LK(panel_vector) *)(y + k * LK(panel_columns) + j);
            for (int r = 0; r < 4; r++) {
                sums[r][0] += x[r][k] * v[0];
                sums[r][1] += x[r][k] * v[1];
            }
        }
        for (int r = 0; r < 4; r++) {
            LK(panel_vector) *target = (LK(panel_vector) *)(out + r * LK(panel_columns) + j);
            target[0] = sums[r][0];
            target[1] = sums[r][1];
        }
    }
}

// target[r][k] += sum over n columns of weights[r][j] (x_rk - y_jk), the columns packed one behind the other with `stride` coordinates.
static void LK(panel_differences)(const float *const *x, const float *y, int64_t stride, const float *weights, int64_t n, int64_t d,
                                  float *const *target) {
    for (int64_t k = 0; k < d; k += 2 * LK(panel_lanes)) {
        LK(panel_vector) sums[4][2] = {0}, from[4][2];
        float held[2 * LK(panel_lanes)];
        const int64_t count = d - k < 2 * LK(panel_lanes) ? d - k : 2 * LK(panel_lanes);
        for (int r = 0; r < 4; r++) {
            for (int64_t l = 0; l < count; l++) held[l] = x[r][k + l];
            for (int64_t l = count; l < 2 * LK(panel_lanes); l++) held[l] = 0;
            memcpy(from[r], held, sizeof(held));
        }
        for (int64_t j = 0; j < n; j++) {
            const LK(panel_vector) *v = (const LK(panel_vector) *)(y + j * stride + k);
            for (int r = 0; r < 4; r++) {
                const float weight = weights[r * LK(panel_columns) + j];
                sums[r][0] += weight * (from[r][0] - v[0]);
                sums[r][1] += weight * (from[r][1] - v[1]);
            }
        }
        for (int r = 0; r < 4; r++) {
            memcpy(held, sums[r], sizeof(held));
            for (int64_t l = 0; l < count; l++) target[r][k + l] += held[l];
        }
    }
}

// The same of many coordinates, for half the squared distances: four rows at a time.
static void LK(differences_panels)(const losskit_softmin_problem *problem, int64_t begin, int64_t end, float *out) {
    enum { columns = LK(panel_columns) };
    float byCoordinate[LK(panel_most) * columns], byColumn[(LK(panel_most) + 2 * LK(panel_lanes)) * columns];
    float part[columns], weights[4 * columns], spare[LK(panel_most)], peaks[LK(tile_rows)], squares[LK(tile_rows)];
    const float inverse = 1 / problem->epsilon;
    double totals[LK(tile_rows)];
    const int64_t m = problem->m, d = problem->d, stride = (d + 2 * LK(panel_lanes) - 1) / (2 * LK(panel_lanes)) * (2 * LK(panel_lanes));
    const LK(softmin_row) all = LK(row_of)(problem, begin);
    for (int64_t r = begin; r < end; r++) {
        peaks[r - begin] = -INFINITY, totals[r - begin] = 0, squares[r - begin] = 0;
        for (int64_t k = 0; k < d; k++) {
            const float a = problem->points[r * d + k];
            squares[r - begin] = LK_FMAF(a, a, squares[r - begin]);
            out[r * d + k] = 0;
        }
    }
    for (int64_t i = 0; i < stride * columns; i++) byColumn[i] = 0;
    for (int64_t i = 0; i < d * columns; i++) byCoordinate[i] = 0;
    for (int64_t at = 0; at < m; at += columns) {
        const int64_t n = m - at < columns ? m - at : columns;
        for (int64_t j = 0; j < columns; j++) part[j] = 0;
        for (int64_t k = 0; k < d; k++) {
            const float *restrict y = all.y + k * m + at;
            for (int64_t j = 0; j < n; j++) {
                byCoordinate[k * columns + j] = byColumn[j * stride + k] = y[j];
                part[j] = LK_FMAF(y[j], y[j], part[j]);
            }
        }
        for (int64_t j = 0; j < n; j++) part[j] = LK_FMAF(LK_FMAF(part[j], -0.5f, all.potentials[at + j]), inverse, all.log_weights[at + j]);
        for (int64_t group = begin; group < end; group += 4) {
            const float *x[4];
            float *target[4];
            for (int r = 0; r < 4; r++) {
                const int64_t row = group + r < end ? group + r : end - 1;
                x[r] = problem->points + row * d;
                target[r] = group + r < end ? out + row * d : spare;
            }
            LK(panel_products)(x, byCoordinate, d, weights);
            for (int64_t r = 0; r < 4 && group + r < end; r++) {
                const int64_t i = group + r - begin;
                float *restrict row = weights + r * columns, sum;
                for (int64_t j = 0; j < n; j++) row[j] = LK_FMAF(LK_FMAF(squares[i], -0.5f, row[j]), inverse, part[j]);
                const float peak = LK(row_maximum)(row, n);
                if (peak > peaks[i] || peak != peak) {
                    const double scale = exp((double)peaks[i] - peak);
                    totals[i] *= scale;
                    for (int64_t k = 0; k < d; k++) target[r][k] *= (float)scale;
                    peaks[i] = peak;
                }
                if (peaks[i] == -INFINITY) {
                    for (int64_t j = 0; j < n; j++) row[j] = 0;
                    continue;
                }
                for (int64_t j = 0; j < n; j++) row[j] = LK(exp_below)(row[j] - peaks[i]);
                const float *restrict terms = row;
                ROW_SUM(sum, n, terms[i]);
                totals[group + r - begin] += sum;
            }
            LK(panel_differences)(x, byColumn, stride, weights, n, d, target);
        }
    }
    for (int64_t r = begin; r < end; r++) {
        const double total = totals[r - begin];
        for (int64_t k = 0; k < d && total > 0; k++) out[r * d + k] = (float)(out[r * d + k] / total);
    }
}

static void LK(losskit_softmin_differences)(const losskit_softmin_problem *problem, int64_t begin, int64_t end, float *out) {
    const int isWide = problem->power == 2 && problem->d > 8 && problem->d <= LK(panel_most);
    for (int64_t at = begin; at < end;) {
        const int64_t last = LK(tile_end)(at, end, problem->n);
        if (isWide) LK(differences_panels)(problem, at, last, out);
        else LK(differences_tile)(problem, at, last, out);
        at = last;
    }
}
