// Sums over pairs of points for one instruction set.

static void LK(losskit_pair_distances)(int metric, const float *x, const float *y, int64_t begin, int64_t end, int64_t m, int64_t d, float *out) {
    for (int64_t j = 0; j < m; j += LK(pair_block)) {
        int64_t n = m - j < LK(pair_block) ? m - j : LK(pair_block);
        for (int64_t i = begin; i < end; i++) {
            float *target = out + i * m + j;
            LK(block_distances)(metric, x + i * d, y + j, m, d, n, target);
            if (metric == losskit_euclidean) for (int64_t l = 0; l < n; l++) target[l] = LK_SQRT(target[l]);
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

// Products x_i . y_j of centred points become distances; what would cancel is taken from the differences of the points themselves.
lk_inline void LK(losskit_pair_finish)(int metric, const float *x, const float *y, float norm, const float *restrict norms, int64_t n, int64_t d,
                                       const float *restrict products, float *restrict out) {
    int32_t near = 0;
#define FINISH(value) \
    for (int64_t l = 0; l < n; l++) { \
        float both = norm + norms[l], square = both - 2 * products[l]; \
        near |= !(square >= both * LK(near_part)); \
        out[l] = value; \
    }
    if (metric == losskit_euclidean) FINISH(LK_SQRT(square))
    else FINISH(square)
#undef FINISH
    for (int64_t l = 0; near && l < n; l++) {
        float both = norm + norms[l];
        if (both - 2 * products[l] >= both * LK(near_part)) continue;
        float square = LK(direct_square)(x, y + l * d, d);
        out[l] = metric == losskit_euclidean ? LK_SQRT(square) : square;
    }
}
