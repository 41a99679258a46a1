// Sums of exponentials whose exponents are formed in doubles, for one instruction set: tiles of rows, four of them at a time.

enum { LK(wide_group) = 4 };

// 2^x, 0 from so small numbers on that their products with weights would be subnormal, which is slow.
lk_inline float LK(exp2_or_none)(float x) { return x < -80.0f ? 0.0f : LK(exp2_held)(x); }

// sums[r][j] of four rows: x.y_j from a centre, far from which products would cancel, or for power 1 the squared distances, which they cancel to.
static void LK(wide_products)(const losskit_wide_problem *problem, const float *centre, const float *const *x, LK(tile_columns) block, int64_t n,
                              double (*restrict sums)[LK(pair_block)]) {
    const int64_t m = block.stride, d = problem->d;
    const float *restrict y = block.y;
    double *restrict p = sums[0], *restrict q = sums[1], *restrict s = sums[2], *restrict t = sums[3];
    for (int64_t j = 0; j < n; j++) p[j] = q[j] = s[j] = t[j] = 0;
    if (problem->power == 1) {
        for (int64_t k = 0; k < d; k++) {
            const double a = x[0][k], b = x[1][k], c = x[2][k], e = x[3][k];
            const float *restrict z = y + k * m;
            for (int64_t j = 0; j < n; j++) {
                const double v = z[j], f = a - v, g = b - v, h = c - v, i = e - v;
                p[j] = LK_FMA(f, f, p[j]);
                q[j] = LK_FMA(g, g, q[j]);
                s[j] = LK_FMA(h, h, s[j]);
                t[j] = LK_FMA(i, i, t[j]);
            }
        }
        return;
    }
    int64_t k = 0;
    for (; k + 4 <= d; k += 4) {
        double o[4], a[4], b[4], c[4], e[4];
        for (int l = 0; l < 4; l++) {
            o[l] = centre[k + l];
            a[l] = x[0][k + l] - o[l], b[l] = x[1][k + l] - o[l], c[l] = x[2][k + l] - o[l], e[l] = x[3][k + l] - o[l];
        }
        const float *restrict z = y + k * m;
        for (int64_t j = 0; j < n; j++) {
            const double f = z[j] - o[0], g = z[m + j] - o[1], h = z[2 * m + j] - o[2], i = z[3 * m + j] - o[3];
            p[j] = LK_FMA(a[3], i, LK_FMA(a[2], h, LK_FMA(a[1], g, LK_FMA(a[0], f, p[j]))));
            q[j] = LK_FMA(b[3], i, LK_FMA(b[2], h, LK_FMA(b[1], g, LK_FMA(b[0], f, q[j]))));
            s[j] = LK_FMA(c[3], i, LK_FMA(c[2], h, LK_FMA(c[1], g, LK_FMA(c[0], f, s[j]))));
            t[j] = LK_FMA(e[3], i, LK_FMA(e[2], h, LK_FMA(e[1], g, LK_FMA(e[0], f, t[j]))));
        }
    }
    for (; k < d; k++) {
        const double o = centre[k], a = x[0][k] - o, b = x[1][k] - o, c = x[2][k] - o, e = x[3][k] - o;
        const float *restrict z = y + k * m;
        for (int64_t j = 0; j < n; j++) {
            const double v = z[j] - o;
            p[j] = LK_FMA(a, v, p[j]);
            q[j] = LK_FMA(b, v, q[j]);
            s[j] = LK_FMA(c, v, s[j]);
            t[j] = LK_FMA(e, v, t[j]);
        }
    }
}

typedef double LK(wide_vector) __attribute__((vector_size(LK_VECTOR_BYTES), aligned(8)));
enum { LK(wide_lanes) = LK_VECTOR_BYTES / 8, LK(wide_columns) = 64, LK(wide_chunk) = 64 };

// out[4][columns] += x_r.y_j over a chunk of coordinates, of rows and columns that are packed from their centre.
static void LK(wide_panel)(const double *x, const double *y, int64_t count, double *out) {
    for (int64_t j = 0; j < LK(wide_columns); j += 2 * LK(wide_lanes)) {
        LK(wide_vector) sums[4][2];
        for (int r = 0; r < 4; r++) memcpy(sums[r], out + r * LK(wide_columns) + j, sizeof(sums[r]));
        for (int64_t k = 0; k < count; k++) {
            const LK(wide_vector) *v = (const LK(wide_vector) *)(y + k * LK(wide_columns) + j);
            for (int r = 0; r < 4; r++) {
                sums[r][0] += x[r * LK(wide_chunk) + k] * v[0];
                sums[r][1] += x[r * LK(wide_chunk) + k] * v[1];
            }
        }
        for (int r = 0; r < 4; r++) memcpy(out + r * LK(wide_columns) + j, sums[r], sizeof(sums[r]));
    }
}

// products[r][j] of a tile of rows with n columns, of many coordinates.
static void LK(wide_panels)(const losskit_wide_problem *problem, const float *centre, int64_t begin, int64_t end, const float *columns, int64_t n,
                            double *products) {
    double y[LK(wide_chunk) * LK(wide_columns)], x[LK(wide_group) * LK(wide_chunk)];
    const int64_t m = problem->m, d = problem->d;
    for (int64_t i = 0; i < LK(tile_rows) * LK(wide_columns); i++) products[i] = 0;
    for (int64_t from = 0; from < d; from += LK(wide_chunk)) {
        const int64_t count = d - from < LK(wide_chunk) ? d - from : LK(wide_chunk);
        for (int64_t k = 0; k < count; k++) {
            const float *restrict source = columns + (from + k) * m;
            double *restrict target = y + k * LK(wide_columns);
            for (int64_t j = 0; j < n; j++) target[j] = (double)source[j] - centre[from + k];
            for (int64_t j = n; j < LK(wide_columns); j++) target[j] = 0;
        }
        for (int64_t group = begin; group < end; group += LK(wide_group)) {
            for (int64_t r = 0; r < LK(wide_group); r++) {
                const float *restrict point = problem->points + (group + r < end ? group + r : end - 1) * d + from;
                for (int64_t k = 0; k < count; k++) x[r * LK(wide_chunk) + k] = (double)point[k] - centre[from + k];
            }
            LK(wide_panel)(x, y, count, products + (group - begin) * LK(wide_columns));
        }
    }
}

// What becomes of the exponents of a row's block of n columns: their exponentials' sum, their maximum, or their exponentials themselves.
enum { LK(wide_sum), LK(wide_peak), LK(wide_fill) };

lk_inline void LK(wide_use)(int use, const float *exponents, int64_t n, double *result, float *target) {
    if (use == LK(wide_fill)) {
        for (int64_t j = 0; j < n; j++) target[j] = LK(exp2_or_none)(exponents[j]);
    } else if (use == LK(wide_sum)) {
        float sum;
        ROW_SUM(sum, n, LK(exp2_held)(exponents[i]));
        *result += sum;
    } else {
        const float peak = LK(row_maximum)(exponents, n);
        if (peak > *result || peak != peak) *result = peak;
    }
}

// The exponents plus shifts[r - begin], to base 2, of the rows begin..<end, at most a tile and of one batch; one result a row, or `out` by rows.
lk_inline void LK(wide_tile)(int use, const losskit_wide_problem *problem, const double *shifts, int64_t begin, int64_t end, double *results,
                             float *out) {
    const double log2e = 1.4426950408889634, inverse = problem->inverse * log2e;
    const int64_t m = problem->m, d = problem->d, batch = begin / problem->n;
    const double *restrict bases = problem->bases + batch * m;
    const float *centre = problem->power ? problem->points + batch * problem->n * d : NULL;
    double part[LK(pair_block)], sums[LK(wide_group)][LK(pair_block)], held[LK(tile_rows)];
    float exponents[LK(pair_block)], packed[LK(tile_floats)];
    const int isPanel = problem->power == 2 && d > 8;
    double products[LK(tile_rows) * LK(wide_columns)];
    for (int64_t r = begin; r < end; r++) {
        double square = 0;
        if (problem->power == 2) {
            for (int64_t k = 0; k < d; k++) {
                const double a = (double)problem->points[r * d + k] - centre[k];
                square = LK_FMA(a, a, square);
            }
        }
        held[r - begin] = LK_FMA(-0.5 * inverse, square, log2e * shifts[r - begin]);
    }
    const uint64_t *blocks = LK(near_blocks)(problem->near, begin);
    const int64_t width = problem->near ? losskit_near_columns : isPanel ? LK(wide_columns) : LK(tile_width)(d);
    for (int64_t at = 0, index = 0; at < m; at += width, index++) {
        if (!LK(has_block)(blocks, index)) continue;
        const int64_t n = m - at < width ? m - at : width;
        const float *columns = problem->columns + batch * m * d + at;
        const LK(tile_columns) block = isPanel ? (LK(tile_columns)){columns, m} : LK(tile_pack)(columns, m, d, n, packed);
        if (isPanel) LK(wide_panels)(problem, centre, begin, end, columns, n, products);
        for (int64_t j = 0; j < n; j++) part[j] = 0;
        if (problem->power == 2) {
            for (int64_t k = 0; k < d; k++) {
                for (int64_t j = 0; j < n; j++) { const double v = (double)block.y[k * block.stride + j] - centre[k]; part[j] = LK_FMA(v, v, part[j]); }
            }
        }
        for (int64_t j = 0; j < n; j++) part[j] = LK_FMA(-0.5 * inverse, part[j], log2e * bases[at + j]);
        for (int64_t group = begin; group < end; group += LK(wide_group)) {
            if (problem->power != 0 && !isPanel) {
                const float *x[LK(wide_group)];
                for (int l = 0; l < LK(wide_group); l++) x[l] = problem->points + (group + l < end ? group + l : end - 1) * d;
                LK(wide_products)(problem, centre, x, block, n, sums);
            }
            for (int64_t r = group; r < end && r < group + LK(wide_group); r++) {
                const double *restrict sum = isPanel ? products + (r - begin) * LK(wide_columns) : sums[r - group];
                const double shift = held[r - begin];
                if (problem->power == 0) {
                    const float *restrict cost = problem->columns + r * m + at;
                    for (int64_t j = 0; j < n; j++) exponents[j] = (float)(LK_FMA(-inverse, (double)cost[j], part[j]) + shift);
                } else if (problem->power == 1) {
                    for (int64_t j = 0; j < n; j++) exponents[j] = (float)(LK_FMA(-inverse, LK_SQRT(sum[j]), part[j]) + shift);
                } else {
                    for (int64_t j = 0; j < n; j++) exponents[j] = (float)(LK_FMA(inverse, sum[j], part[j]) + shift);
                }
                LK(wide_use)(use, exponents, n, results ? results + (r - begin) : NULL, out ? out + r * m + at : NULL);
            }
        }
    }
}

// log of the sum over the columns of one row, relative to about its largest exponent.
static double LK(wide_row)(const losskit_wide_problem *problem, int64_t r) {
    losskit_wide_problem whole = *problem;
    whole.near = NULL;
    double shift = 0, peak = -INFINITY, total = 0;
    LK(wide_tile)(LK(wide_peak), &whole, &shift, r, r + 1, &peak, NULL);
    if (!(peak > -INFINITY)) return peak;
    shift = peak * -0.6931471805599453;
    LK(wide_tile)(LK(wide_sum), &whole, &shift, r, r + 1, &total, NULL);
    return log(total) - shift;
}

static void LK(losskit_wide_log_sums)(const losskit_wide_problem *problem, const double *own, int64_t begin, int64_t end, double *log_sums) {
    double totals[LK(tile_rows)];
    for (int64_t first = begin; first < end;) {
        const int64_t last = LK(tile_end)(first, end, problem->n);
        for (int64_t r = first; r < last; r++) totals[r - first] = 0;
        LK(wide_tile)(LK(wide_sum), problem, own + first, first, last, totals, NULL);
        for (int64_t r = first; r < last; r++) {
            // What is held on its way in may hide a sum that is far off.
            const int isNear = totals[r - first] > 1e-20 && totals[r - first] < 1e20;
            log_sums[r] = isNear ? log(totals[r - first]) - own[r] : LK(wide_row)(problem, r);
        }
        first = last;
    }
}

static void LK(losskit_wide_kernel)(const losskit_wide_problem *problem, const double *own, int64_t begin, int64_t end, float *out) {
    for (int64_t first = begin; first < end;) {
        const int64_t last = LK(tile_end)(first, end, problem->n);
        LK(wide_tile)(LK(wide_fill), problem, own + first, first, last, NULL, out);
        first = last;
    }
}
