// Soft minima of tiles of rows in one sweep: multiply-adds and exponentials, without a look for the largest exponent. A row's own potential says
// where its soft minimum about is; where that is too far off, the tile's sum says so. For half the squared distances and for matrices.

enum { LK(tile_rows) = 64, LK(tile_floats) = 4096 };

// A block of columns for all rows of a tile: their coordinates lie side by side in the first cache, since some pages far apart would each need a place
// in the translation buffer too.
typedef struct {
    const float *y;
    // From one coordinate to the next.
    int64_t stride;
} LK(tile_columns);

static int64_t LK(tile_width)(int64_t d) { return d <= 8 || d > 256 ? (d <= 8 ? LK(pair_block) : 64) : LK(tile_floats) / d / LANES * LANES; }

static LK(tile_columns) LK(tile_pack)(const float *restrict y, int64_t m, int64_t d, int64_t n, float *restrict packed) {
    if (d <= 8 || d > 256) return (LK(tile_columns)){y, m};
    const int64_t width = LK(tile_width)(d);
    for (int64_t k = 0; k < d; k++) memcpy(packed + k * width, y + k * m, sizeof(float) * n);
    return (LK(tile_columns)){packed, width};
}

// The blocks of columns that a tile of rows looks at, a bit each; NULL for all.
lk_inline const uint64_t *LK(near_blocks)(const losskit_near *near, int64_t first) {
    if (!near || near->sweep == losskit_near_survey) return NULL;
    return (near->sweep == losskit_near_go ? near->bits : near->candidates) + first / losskit_near_rows * near->words;
}

lk_inline int LK(has_block)(const uint64_t *blocks, int64_t block) { return !blocks || blocks[block / 64] >> block % 64 & 1; }

// What a tile of rows saw of blocks of columns, by the largest of its rows' sums over each.
typedef struct {
    const losskit_near *near;
    uint64_t *bits, *candidates;
} LK(near_notes);

static LK(near_notes) LK(near_begin)(const losskit_near *near, int64_t first) {
    LK(near_notes) notes = {near, NULL, NULL};
    if (!near || near->sweep == losskit_near_go) return notes;
    const int64_t at = first / losskit_near_rows * near->words;
    notes.bits = near->bits + at;
    memset(notes.bits, 0, sizeof(uint64_t) * near->words);
    if (near->sweep == losskit_near_search) return notes;
    notes.candidates = near->candidates + at;
    memset(notes.candidates, 0, sizeof(uint64_t) * near->words);
    return notes;
}

lk_inline void LK(near_note)(LK(near_notes) notes, int64_t block, float peak) {
    const uint64_t bit = 1ull << block % 64;
    if (notes.bits && !(peak < notes.near->least)) notes.bits[block / 64] |= bit;
    if (notes.candidates && !(peak < notes.near->remote)) notes.candidates[block / 64] |= bit;
}

// Sums are about 1 where potentials are near; of others nobody knows what matters.
static void LK(near_end)(LK(near_notes) notes, const double *totals, int64_t count) {
    int isKnown = 1;
    for (int64_t i = 0; i < count; i++) isKnown &= totals[i] > 0.1;
    if (isKnown) return;
    if (notes.bits) memset(notes.bits, 0xFF, sizeof(uint64_t) * notes.near->words);
    if (notes.candidates) memset(notes.candidates, 0xFF, sizeof(uint64_t) * notes.near->words);
}

// The end of a tile of rows, of a batch of n rows each.
static int64_t LK(tile_end)(int64_t first, int64_t end, int64_t n) {
    const int64_t last = first + LK(tile_rows), edge = (first / n + 1) * n, nearest = last < edge ? last : edge;
    return nearest < end ? nearest : end;
}

// 2^x, x held within -126...126; 1e-7 of the result at most off.
lk_inline float LK(exp2_held)(float x) {
    float held = x < -126.0f ? -126.0f : x;
    held = held > 126.0f ? 126.0f : held;
    float shifted = held + 12582912.0f, r = held - (shifted - 12582912.0f);
    float p = LK_FMAF(r, 1.3264714507386088e-3f, 9.671513922512531e-3f);
    p = LK_FMAF(p, r, 5.550733953714371e-2f);
    p = LK_FMAF(p, r, 0.24022242426872253f);
    p = LK_FMAF(p, r, 0.6931470036506653f);
    p = LK_FMAF(p, r, 1.0f);
    return LK(lk_from_bits)(LK(lk_to_bits)(p) + (int32_t)((uint32_t)LK(lk_to_bits)(shifted) << 23));
}

// The exponents to base 2 of a row's block of n columns whose coordinates lie m apart: part[j] + shift + scale x.y_j.
static void LK(tile_products)(const float *restrict x, const float *restrict y, int64_t m, int64_t d, int64_t n, float scale, float shift,
                              const float *restrict part, float *restrict out) {
    for (int64_t j = 0; j < n; j++) out[j] = part[j] + shift;
    int64_t k = 0;
    for (; k + 8 <= d; k += 8) {
        float a[8];
        for (int l = 0; l < 8; l++) a[l] = scale * x[k + l];
        const float *restrict p = y + k * m;
        for (int64_t j = 0; j < n; j++) {
            float u = LK_FMAF(a[0], p[j], out[j]), v = a[1] * p[m + j];
            u = LK_FMAF(a[2], p[2 * m + j], u);
            v = LK_FMAF(a[3], p[3 * m + j], v);
            u = LK_FMAF(a[4], p[4 * m + j], u);
            v = LK_FMAF(a[5], p[5 * m + j], v);
            u = LK_FMAF(a[6], p[6 * m + j], u);
            out[j] = u + LK_FMAF(a[7], p[7 * m + j], v);
        }
    }
    for (; k < d; k++) {
        float a = scale * x[k];
        for (int64_t j = 0; j < n; j++) out[j] = LK_FMAF(a, y[k * m + j], out[j]);
    }
}

// For the rows begin..<end, at most a tile and of one batch, the sums over columns of exp(exponent + own / epsilon); with a search, also the blocks
// of columns that matter.
static void LK(softmin_tile)(const losskit_softmin_problem *problem, const float *own, int64_t begin, int64_t end, double *totals) {
    const float log2e = 1.44269504f, inverse = log2e / problem->epsilon;
    const int64_t m = problem->m, d = problem->d, batch = begin / problem->n;
    const float *restrict w = problem->log_weights + batch * m, *restrict u = problem->potentials + batch * m;
    const float *restrict columns = problem->columns + batch * m * d;
    float part[LK(pair_block)], exponents[LK(pair_block)], shifts[LK(tile_rows)], packed[LK(tile_floats)];
    for (int64_t r = begin; r < end; r++) {
        const float *x = problem->points + r * d;
        float square = 0;
        if (problem->power == 2) for (int64_t k = 0; k < d; k++) square = LK_FMAF(x[k], x[k], square);
        shifts[r - begin] = (own[r] - 0.5f * square) * inverse;
        totals[r - begin] = 0;
    }
    const uint64_t *blocks = LK(near_blocks)(problem->near, begin);
    const LK(near_notes) notes = LK(near_begin)(problem->near, begin);
    const int64_t width = problem->near ? losskit_near_columns : LK(tile_width)(d);
    for (int64_t at = 0, index = 0; at < m; at += width, index++) {
        if (!LK(has_block)(blocks, index)) continue;
        const int64_t n = m - at < width ? m - at : width;
        const LK(tile_columns) block = LK(tile_pack)(columns + at, m, d, n, packed);
        float peak = 0;
        const float *restrict y = block.y;
        const int64_t stride = block.stride;
        for (int64_t j = 0; j < n; j++) part[j] = 0;
        if (problem->power == 2) {
            for (int64_t k = 0; k < d; k++) for (int64_t j = 0; j < n; j++) part[j] = LK_FMAF(y[k * stride + j], y[k * stride + j], part[j]);
        }
        for (int64_t j = 0; j < n; j++) part[j] = LK_FMAF(LK_FMAF(part[j], -0.5f, u[at + j]), inverse, log2e * w[at + j]);
        for (int64_t r = begin; r < end; r++) {
            const float shift = shifts[r - begin];
            float sum;
            if (problem->power == 0) {
                const float *restrict cost = problem->columns + r * m + at;
                ROW_SUM(sum, n, LK(exp2_held)(LK_FMAF(cost[i], -inverse, part[i]) + shift));
            } else if (d == 2) {
                const float a = inverse * problem->points[2 * r], b = inverse * problem->points[2 * r + 1];
                const float *restrict z = y + m;
                ROW_SUM(sum, n, LK(exp2_held)(LK_FMAF(a, y[i], LK_FMAF(b, z[i], part[i])) + shift));
            } else if (d == 3) {
                const float *x = problem->points + 3 * r;
                const float a = inverse * x[0], b = inverse * x[1], c = inverse * x[2];
                const float *restrict z = y + m, *restrict v = z + m;
                ROW_SUM(sum, n, LK(exp2_held)(LK_FMAF(a, y[i], LK_FMAF(b, z[i], LK_FMAF(c, v[i], part[i]))) + shift));
            } else {
                LK(tile_products)(problem->points + r * d, y, stride, d, n, inverse, shift, part, exponents);
                ROW_SUM(sum, n, LK(exp2_held)(exponents[i]));
            }
            totals[r - begin] += sum;
            peak = sum > peak || sum != sum ? sum : peak;
        }
        LK(near_note)(notes, index, peak);
    }
    LK(near_end)(notes, totals, end - begin);
}
