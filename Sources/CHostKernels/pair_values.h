// What lies between two points, for one instruction set.

enum { LK(pair_block) = 512 };

// Squared distances (or for Manhattan and Chebyshev the distances) of one point to `n` points whose coordinates lie `m` apart.
static void LK(block_distances)(int metric, const float *restrict x, const float *restrict y, int64_t m, int64_t d, int64_t n,
                                float *restrict out) {
    for (int64_t j = 0; j < n; j++) out[j] = 0;
    int64_t k = 0;
    if (metric <= losskit_euclidean) {
        // Four coordinates a sweep keep the sums in registers longer.
        for (; k + 4 <= d; k += 4) {
            float a = x[k], b = x[k + 1], c = x[k + 2], e = x[k + 3];
            const float *p = y + k * m, *q = p + m, *r = q + m, *s = r + m;
            for (int64_t j = 0; j < n; j++) {
                float u = a - p[j], v = b - q[j], w = c - r[j], z = e - s[j];
                out[j] += LK_FMAF(u, u, v * v) + LK_FMAF(w, w, z * z);
            }
        }
    }
    for (; k < d; k++) {
        float a = x[k];
        const float *p = y + k * m;
        if (metric == losskit_manhattan) for (int64_t j = 0; j < n; j++) out[j] += __builtin_fabsf(a - p[j]);
        else if (metric == losskit_chebyshev) {
            for (int64_t j = 0; j < n; j++) {
                float u = __builtin_fabsf(a - p[j]);
                out[j] = out[j] > u || out[j] != out[j] ? out[j] : u;
            }
        } else for (int64_t j = 0; j < n; j++) { float u = a - p[j]; out[j] = LK_FMAF(u, u, out[j]); }
    }
}

lk_inline float LK(direct_square)(const float *x, const float *y, int64_t d) {
    float sum;
    ROW_SUM(sum, d, (x[i] - y[i]) * (x[i] - y[i]));
    return sum;
}
