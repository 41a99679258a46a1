// Sums and products over lanes, for the arithmetic type T.

typedef T LKT(vector) __attribute__((vector_size(LK_VECTOR_BYTES), aligned(sizeof(T))));
enum { LKT(width) = LK_VECTOR_BYTES / sizeof(T), LKT(panel) = 2 * LK_VECTOR_BYTES / sizeof(T), LKT(at_once) = LK_VECTOR_BYTES == 64 ? 8 : 4 };

// c = a b of the rows of a group, of one panel of columns.
static void LKT(product)(const T *a, int64_t a_stride, const T *b, int64_t b_stride, int64_t k, T *c, int64_t c_stride) {
    for (int first = 0; first < LK_GROUP; first += LKT(at_once), a += LKT(at_once) * a_stride, c += LKT(at_once) * c_stride) {
        LKT(vector) sums[LKT(at_once)][2];
        for (int r = 0; r < LKT(at_once); r++) sums[r][0] = sums[r][1] = (LKT(vector)){0};
        for (int64_t i = 0; i < k; i++) {
            LKT(vector) left = *(const LKT(vector) *)(b + i * b_stride), right = *(const LKT(vector) *)(b + i * b_stride + LKT(width));
            for (int r = 0; r < LKT(at_once); r++) {
                T value = a[r * a_stride + i];
                sums[r][0] += value * left;
                sums[r][1] += value * right;
            }
        }
        for (int r = 0; r < LKT(at_once); r++) {
            *(LKT(vector) *)(c + r * c_stride) = sums[r][0];
            *(LKT(vector) *)(c + r * c_stride + LKT(width)) = sums[r][1];
        }
    }
}

// Squared distances of one point to n others by coordinates.
static void LKT(squares)(const T *restrict x, const T *restrict y, int64_t d, int64_t n, T *restrict out) {
    for (int64_t j = 0; j < n; j++) out[j] = 0;
    int64_t k = 0;
    for (; k + 4 <= d; k += 4) {
        T a = x[k], b = x[k + 1], c = x[k + 2], e = x[k + 3];
        const T *p = y + k * LK_STRIDE, *q = p + LK_STRIDE, *r = q + LK_STRIDE, *s = r + LK_STRIDE;
        for (int64_t j = 0; j < n; j++) {
            T u = a - p[j], v = b - q[j], t = c - r[j], z = e - s[j];
            out[j] += u * u + v * v + (t * t + z * z);
        }
    }
    for (; k < d; k++) {
        T a = x[k];
        const T *p = y + k * LK_STRIDE;
        for (int64_t j = 0; j < n; j++) { T u = a - p[j]; out[j] += u * u; }
    }
}

#define SUM(term) \
    T lanes[32] = {0}, sum = 0; \
    int64_t at = 0; \
    for (; at + 32 <= n; at += 32) for (int l = 0; l < 32; l++) { int64_t i = at + l; lanes[l] += (term); } \
    for (int64_t i = at; i < n; i++) sum += (term); \
    for (int half = 16; half; half /= 2) for (int l = 0; l < half; l++) lanes[l] += lanes[l + half]; \
    return sum + lanes[0];

static T LKT(lane_sum)(const T *x, int64_t n) { SUM(x[i]) }
static T LKT(lane_dot)(const T *x, const T *y, int64_t n) { SUM(x[i] * y[i]) }
static T LKT(lane_difference)(const T *w, T x, const T *y, int64_t n) { SUM(w[i] * (x - y[i])) }
static T LKT(lane_exponentials)(const T *x, T peak, int64_t n) { SUM(EXP_BELOW(x[i] - peak)) }
static T LKT(square)(const T *x, const T *y, int64_t n) { SUM((x[i] - y[i]) * (x[i] - y[i])) }

#undef SUM

// The largest of them, or NaN if there is one.
static T LKT(lane_maximum)(const T *x, int64_t n) {
    T lanes[32], result = -INFINITY;
    int64_t i = 0;
    for (int l = 0; l < 32; l++) lanes[l] = -INFINITY;
    for (; i + 32 <= n; i += 32) for (int l = 0; l < 32; l++) lanes[l] = lanes[l] > x[i + l] || lanes[l] != lanes[l] ? lanes[l] : x[i + l];
    for (; i < n; i++) result = result > x[i] || result != result ? result : x[i];
    for (int l = 0; l < 32; l++) result = result > lanes[l] || result != result ? result : lanes[l];
    return result;
}
