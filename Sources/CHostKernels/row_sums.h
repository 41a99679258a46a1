// Sums and maxima of a row, sixteen lanes side by side in a fixed order. Included once for each instruction set.

#define LANES 16

lk_inline float LK(row_maximum)(const float *x, int64_t n) {
    float lanes[LANES];
    for (int l = 0; l < LANES; l++) lanes[l] = -INFINITY;
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) for (int l = 0; l < LANES; l++) lanes[l] = lanes[l] > x[i + l] || lanes[l] != lanes[l] ? lanes[l] : x[i + l];
    float result = -INFINITY;
    for (; i < n; i++) result = result > x[i] || result != result ? result : x[i];
    for (int l = 0; l < LANES; l++) result = result > lanes[l] || result != result ? result : lanes[l];
    return result;
}

// The maximum of what is not NaN, in one instruction a vector; four vectors side by side, since each waits for the one before.
lk_inline float LK(row_peak)(const float *x, int64_t n) {
    float lanes[4 * LANES];
    for (int l = 0; l < 4 * LANES; l++) lanes[l] = -INFINITY;
    int64_t i = 0;
    for (; i + 4 * LANES <= n; i += 4 * LANES) for (int l = 0; l < 4 * LANES; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (; i + LANES <= n; i += LANES) for (int l = 0; l < LANES; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (int l = 0; i + l < n; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (int half = 2 * LANES; half > 0; half /= 2) for (int l = 0; l < half; l++) lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
    return lanes[0];
}

// The sum of f(x[i], i) over a row.
#define ROW_SUM(result, n, term) \
    do { \
        float lanes_[LANES] = {0}; \
        int64_t at_ = 0; \
        for (; at_ + LANES <= (n); at_ += LANES) \
            for (int l = 0; l < LANES; l++) { int64_t i = at_ + l; lanes_[l] += (term); } \
        float sum_ = 0; \
        for (int64_t i = at_; i < (n); i++) sum_ += (term); \
        for (int l = 0; l < LANES; l++) sum_ += lanes_[l]; \
        (result) = sum_; \
    } while (0)
