// The derivatives of a block of rows of distances, for one instruction set.

lk_inline float LK(coefficient)(int metric, float value, float weight) {
    return metric == losskit_euclidean ? (value == 0 ? 0 : weight / value) : 2 * weight;
}

static void LK(losskit_pair_coefficients)(int metric, const float *restrict values, int64_t count, float *restrict weight) {
    if (metric == losskit_euclidean) for (int64_t j = 0; j < count; j++) weight[j] = LK(coefficient)(losskit_euclidean, values[j], weight[j]);
    else for (int64_t j = 0; j < count; j++) weight[j] *= 2;
}

lk_inline float LK(square_of)(int metric, float value) { return metric == losskit_euclidean ? value * value : value; }

static void LK(losskit_pair_block_columns)(int metric, int accumulates, const float *cotangent, int64_t row, int64_t column, const float *values,
                                          const float *x, const float *y, const float *y_centred, const float *x_norms, const float *y_norms,
                                          int64_t rows, int64_t begin, int64_t end, int64_t m, int64_t d, float *weight, float *dy) {
    float sums[LK(pair_block)];
    for (int64_t at = begin; at < end; at += LK(pair_block)) {
        int64_t n = end - at < LK(pair_block) ? end - at : LK(pair_block);
        for (int64_t l = 0; l < n; l++) sums[l] = 0;
        for (int64_t k = 0; dy && !accumulates && k < n * d; k++) dy[at * d + k] = 0;
        for (int64_t i = 0; i < rows; i++) {
            const float *restrict v = values + i * m + at, *restrict others = y_norms + at;
            float *restrict w = weight + i * m + at, norm = x_norms[i];
            const float *given = cotangent ? cotangent + i * row + at * column : w;
            if (cotangent && column == 0) for (int64_t l = 0; l < n; l++) w[l] = *given;
            else if (cotangent) for (int64_t l = 0; l < n; l++) w[l] = given[l * column];
            LK(losskit_pair_coefficients)(metric, v, n, w);
            if (!dy) continue;
            int32_t near = 0;
            for (int64_t l = 0; l < n; l++) {
                int isNear = !(LK(square_of)(metric, v[l]) >= (norm + others[l]) * LK(near_part));
                near |= isNear;
                sums[l] += isNear ? 0 : w[l];
            }
            for (int64_t l = 0; near && l < n; l++) {
                if (w[l] == 0 || LK(square_of)(metric, v[l]) >= (norm + others[l]) * LK(near_part)) continue;
                float *restrict target = dy + (at + l) * d;
                const float *restrict point = y + (at + l) * d, *restrict other = x + i * d;
                for (int64_t k = 0; k < d; k++) target[k] = LK_FMAF(w[l], point[k] - other[k], target[k]);
            }
        }
        for (int64_t l = 0; dy && l < n; l++) {
            for (int64_t k = (at + l) * d; k < (at + l + 1) * d; k++) dy[k] = LK_FMAF(sums[l], y_centred[k], dy[k]);
        }
    }
}

static void LK(losskit_pair_block_rows)(int metric, const float *values, const float *x, const float *y, const float *x_centred,
                                       const float *x_norms, const float *y_norms, int64_t begin, int64_t end, int64_t m, int64_t d,
                                       float *weight, float *dx) {
    for (int64_t i = begin; i < end; i++) {
        float *restrict target = dx ? dx + i * d : 0, norm = x_norms[i];
        for (int64_t k = 0; dx && k < d; k++) target[k] = 0;
        for (int64_t at = 0; at < m; at += LK(pair_block)) {
            int64_t n = m - at < LK(pair_block) ? m - at : LK(pair_block);
            const float *restrict v = values + i * m + at, *restrict others = y_norms + at;
            float *restrict w = weight + i * m + at;
            int32_t near = 0;
            for (int64_t l = 0; l < n; l++) near |= !(LK(square_of)(metric, v[l]) >= (norm + others[l]) * LK(near_part));
            for (int64_t l = 0; near && l < n; l++) {
                if (w[l] == 0 || LK(square_of)(metric, v[l]) >= (norm + others[l]) * LK(near_part)) continue;
                const float *restrict other = y + (at + l) * d;
                for (int64_t k = 0; dx && k < d; k++) target[k] = LK_FMAF(w[l], x[i * d + k] - other[k], target[k]);
                w[l] = 0;
            }
        }
        if (!dx) continue;
        float sum;
        const float *row = weight + i * m, *centred = x_centred + i * d;
        ROW_SUM(sum, m, row[i]);
        for (int64_t k = 0; k < d; k++) target[k] = LK_FMAF(sum, centred[k], target[k]);
    }
}
