// (Squared) Euclidean distances by products of centred points, for one instruction set: what a few rows and a panel of columns give is finished while it
// is in the nearest cache.

static void LK(losskit_pair_pack)(const float *points, int64_t begin, int64_t end, int64_t m, int64_t d, float *panels) {
    for (int64_t at = begin / PANEL * PANEL; at < end; at += PANEL) {
        if (at < begin) continue;
        int64_t n = m - at < PANEL ? m - at : PANEL, width = (n + PANEL_LANES - 1) / PANEL_LANES * PANEL_LANES;
        float *restrict target = panels + at * d;
        for (int64_t k = 0; k < d; k++) {
            for (int64_t j = 0; j < n; j++) target[k * width + j] = points[(at + j) * d + k];
            for (int64_t j = n; j < width; j++) target[k * width + j] = 0;
        }
    }
}

static void LK(losskit_pair_products)(int metric, int starts_at_row, const float *x, const float *y, const float *x_centred, const float *panels,
                                      const float *x_norms, const float *y_norms, int64_t begin, int64_t end, int64_t m, int64_t d, float *out) {
    enum { height = 3 * HEIGHT };
    float tile[height * PANEL] __attribute__((aligned(64)));
    for (int64_t row = begin; row < end; row += height) {
        int64_t rows = end - row < height ? end - row : height;
        for (int64_t at = starts_at_row ? row / PANEL * PANEL : 0; at < m; at += PANEL) {
            int64_t n = m - at < PANEL ? m - at : PANEL, width = (n + PANEL_LANES - 1) / PANEL_LANES * PANEL_LANES;
            LK(panel_ahead) ahead = {panels + at * d, 0, 0};
            LK(panel_product)(x_centred + row * d, d, 1, panels + at * d, d, tile, PANEL, rows, width, 0, ahead);
            for (int64_t i = row; i < row + rows; i++) {
                LK(losskit_pair_finish)(metric, x + i * d, y + at * d, x_norms[i], y_norms + at, n, d, tile + (i - row) * PANEL, out + i * m + at);
            }
        }
    }
}
