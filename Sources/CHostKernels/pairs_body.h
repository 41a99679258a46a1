// Sums over pairs of points for one instruction set.

static void LK(losskit_pair_distances)(int metric, const float *x, const float *y, int64_t begin, int64_t end, int64_t m, int64_t d, float *out) {
    for (int64_t j = 0; j < m; j += LK(pair_block)) {
        int64_t n = m - j < LK(pair_block) ? m - j : LK(pair_block);
        for (int64_t i = begin; i < end; i++) {
            float *target = out + i * m + j;
            LK(block_distances)(metric, x + i * d, y + j, m, d, n, target);
            if (metric == losskit_euclidean) for (int64_t l = 0; l < n; l++) target[l] = __builtin_sqrtf(target[l]);
        }
    }
}

static void LK(losskit_pair_differences)(int signs, int accumulates, const float *x, const float *y, const float *weight, int64_t weight_row,
                                        int64_t weight_column, int64_t begin, int64_t end, int64_t m, int64_t d, float *out) {
    for (int64_t i = begin; i < end; i++) {
        const float *point = x + i * d;
        float *restrict target = out + i * d;
        for (int64_t k = 0; k < d && !accumulates; k++) target[k] = 0;
        for (int64_t j = 0; j < m; j++) {
            float w = weight[i * weight_row + j * weight_column];
            const float *other = y + j * d;
            if (signs) for (int64_t k = 0; k < d; k++) { float u = point[k] - other[k]; target[k] += w * (u != u ? u : (float)((u > 0) - (u < 0))); }
            else for (int64_t k = 0; k < d; k++) target[k] = LK_FMAF(w, point[k] - other[k], target[k]);
        }
    }
}

static void LK(losskit_pair_extremes)(const float *x, const float *y, const float *weight, int64_t weight_row, int64_t weight_column, int64_t begin,
                                     int64_t end, int64_t m, int64_t d, float *out) {
    for (int64_t i = begin; i < end; i++) {
        const float *point = x + i * d;
        float *restrict target = out + i * d;
        for (int64_t k = 0; k < d; k++) target[k] = 0;
        for (int64_t j = 0; j < m; j++) {
            const float *other = y + j * d;
            int64_t place = 0;
            float most = 0;
            for (int64_t k = 0; k < d; k++) {
                float u = __builtin_fabsf(point[k] - other[k]);
                if (!(u <= most) && most == most) most = u, place = k;
            }
            float u = d > 0 ? point[place] - other[place] : 0;
            if (d > 0) target[place] += weight[i * weight_row + j * weight_column] * (u != u ? u : (float)((u > 0) - (u < 0)));
        }
    }
}

static void LK(losskit_pair_centre)(const float *points, const float *centre, int64_t begin, int64_t end, int64_t d, float *centred, float *norms) {
    for (int64_t i = begin; i < end; i++) {
        const float *restrict point = points + i * d;
        float *restrict target = centred + i * d;
        for (int64_t k = 0; k < d; k++) target[k] = point[k] - centre[k];
        ROW_SUM(norms[i], d, target[i] * target[i]);
    }
}

// Below this part of |x|^2 + |y|^2 a squared distance loses too many digits to their difference.
static const float LK(near_part) = 0.0625f;

static void LK(losskit_pair_combine)(int metric, const float *x, const float *y, const float *x_norms, const float *y_norms, int64_t begin,
                                     int64_t end, int64_t first, int64_t m, int64_t d, float *out) {
    for (int64_t i = begin; i < end; i++) {
        for (int64_t j = first; j < m; j += LK(pair_block)) {
            int64_t n = m - j < LK(pair_block) ? m - j : LK(pair_block);
            float *restrict target = out + i * m + j, norm = x_norms[i];
            const float *restrict other = y_norms + j;
            int32_t near = 0;
            for (int64_t l = 0; l < n; l++) {
                float both = norm + other[l], square = both + target[l];
                near |= !(square >= both * LK(near_part));
                target[l] = square;
            }
            for (int64_t l = 0; near && l < n; l++) {
                if (!(target[l] >= (norm + other[l]) * LK(near_part))) target[l] = LK(direct_square)(x + i * d, y + (j + l) * d, d);
            }
            if (metric == losskit_euclidean) for (int64_t l = 0; l < n; l++) target[l] = __builtin_sqrtf(target[l]);
        }
    }
}

static void LK(losskit_pair_weights)(int metric, const float *cotangent, const float *distance, int64_t row, int64_t column, const float *x,
                                     const float *y, const float *x_centred, const float *x_norms, const float *y_norms, int64_t begin, int64_t end,
                                     int64_t m, int64_t d, float *weight, float *out) {
    for (int64_t i = begin; i < end; i++) {
        float *restrict weights = weight + (i - begin) * m, *restrict target = out + i * d, norm = x_norms[i];
        int isRoot = metric == losskit_euclidean;
        for (int64_t k = 0; k < d; k++) target[k] = 0;
        for (int64_t begin_block = 0; begin_block < m; begin_block += LK(pair_block)) {
            int64_t end_block = m - begin_block < LK(pair_block) ? m : begin_block + LK(pair_block);
            int32_t near = 0;
            for (int64_t j = begin_block; j < end_block; j++) {
                float apart = distance[i * row + j * column], g = cotangent[i * row + j * column], square = isRoot ? apart * apart : apart;
                weights[j] = isRoot ? (apart == 0 ? 0 : g / apart) : 2 * g;
                near |= !(square >= (norm + y_norms[j]) * LK(near_part));
            }
            for (int64_t j = begin_block; near && j < end_block; j++) {
                float apart = distance[i * row + j * column], square = isRoot ? apart * apart : apart;
                if (square >= (norm + y_norms[j]) * LK(near_part)) continue;
                for (int64_t k = 0; k < d; k++) target[k] = LK_FMAF(weights[j], x[i * d + k] - y[j * d + k], target[k]);
                weights[j] = 0;
            }
        }
        const float *centred = x_centred + i * d;
        float sum;
        ROW_SUM(sum, m, weights[i]);
        for (int64_t k = 0; k < d; k++) target[k] = LK_FMAF(sum, centred[k], target[k]);
    }
}
