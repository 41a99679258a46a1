// Sums and products over lanes, for the arithmetic type T.

typedef T LKT(quad) __attribute__((vector_size(4 * sizeof(T)), aligned(sizeof(T))));
typedef T LKT(vector) __attribute__((vector_size(LK_VECTOR_BYTES), aligned(sizeof(T))));
enum { LKT(width) = LK_VECTOR_BYTES / sizeof(T), LKT(panel) = 2 * LK_VECTOR_BYTES / sizeof(T) };
// Rows whose sums fit the registers.
enum { LKT(at_once) = LK_VECTOR_BYTES == 64 ? 8 : 4 };

// c = a b of the rows of a group, of one panel of columns; neighbours in a row of a lie a_step apart.
lk_inline void LKT(product)(const T *a, int64_t a_stride, int64_t a_step, const T *b, int64_t b_stride, int64_t k, T *c, int64_t c_stride) {
    for (int first = 0; first < LK_GROUP; first += LKT(at_once), a += LKT(at_once) * a_stride, c += LKT(at_once) * c_stride) {
        LKT(vector) sums[LKT(at_once)][2];
        for (int r = 0; r < LKT(at_once); r++) sums[r][0] = sums[r][1] = (LKT(vector)){0};
        for (int64_t i = 0; i < k; i++) {
            LKT(vector) left = *(const LKT(vector) *)(b + i * b_stride), right = *(const LKT(vector) *)(b + i * b_stride + LKT(width));
            for (int r = 0; r < LKT(at_once); r++) {
                T value = a[r * a_stride + i * a_step];
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

// Squared distances of one point to n others by coordinates, four of them a sweep so that sums stay in registers longer.
static void LKT(squares)(const T *restrict x, const T *restrict y, int64_t d, int64_t n, T *restrict out) {
    int64_t k = d & 3;
    const T *p = y, *q = p + LK_STRIDE, *r = q + LK_STRIDE;
    if (k == 0) for (int64_t j = 0; j < n; j++) out[j] = 0;
    else if (k == 1) for (int64_t j = 0; j < n; j++) { T u = x[0] - p[j]; out[j] = u * u; }
    else if (k == 2) for (int64_t j = 0; j < n; j++) { T u = x[0] - p[j], v = x[1] - q[j]; out[j] = u * u + v * v; }
    else for (int64_t j = 0; j < n; j++) { T u = x[0] - p[j], v = x[1] - q[j], t = x[2] - r[j]; out[j] = u * u + v * v + t * t; }
    for (; k < d; k += 4) {
        T a = x[k], b = x[k + 1], c = x[k + 2], e = x[k + 3];
        const T *s = y + (k + 3) * LK_STRIDE;
        p = y + k * LK_STRIDE;
        q = p + LK_STRIDE;
        r = q + LK_STRIDE;
        for (int64_t j = 0; j < n; j++) {
            T u = a - p[j], v = b - q[j], t = c - r[j], z = e - s[j];
            out[j] += u * u + v * v + (t * t + z * z);
        }
    }
}

// The sum of a term of arrays, in vectors at `at` and then of single elements `i`, in a fixed order.
#define SUM(vectors, term) \
    LKT(vector) lanes[4] = {{0}}; \
    T sum = 0; \
    int64_t i = 0; \
    for (; i + 4 * LKT(width) <= n; i += 4 * LKT(width)) { \
        for (int l = 0; l < 4; l++) { int64_t at = i + l * LKT(width); lanes[l] += (vectors); } \
    } \
    for (; i < n; i++) sum += (term); \
    lanes[0] = (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]); \
    for (int l = 0; l < LKT(width); l++) sum += lanes[0][l]; \
    return sum;
#define AT(array) (*(const LKT(vector) *)((array) + at))

static T LKT(lane_sum)(const T *x, int64_t n) { SUM(AT(x), x[i]) }
static T LKT(lane_dot)(const T *x, const T *y, int64_t n) { SUM(AT(x) * AT(y), x[i] * y[i]) }
static T LKT(lane_difference)(const T *w, T x, const T *y, int64_t n) { SUM(AT(w) * (x - AT(y)), w[i] * (x - y[i])) }
static T LKT(square)(const T *x, const T *y, int64_t n) { SUM((AT(x) - AT(y)) * (AT(x) - AT(y)), (x[i] - y[i]) * (x[i] - y[i])) }

#undef SUM
#undef AT

static T LKT(lane_exponentials)(const T *x, T peak, int64_t n) {
    T terms[LK_LANES] __attribute__((aligned(64)));
    for (int64_t j = 0; j < n; j++) terms[j] = EXP_BELOW(x[j] - peak);
    return LKT(lane_sum)(terms, n);
}

// The largest of those that are not NaN, in one instruction a vector.
static T LKT(lane_peak)(const T *x, int64_t n) {
    enum { count = 4 * LKT(width) };
    T lanes[count], result = -INFINITY;
    int64_t i = 0;
    for (int l = 0; l < count; l++) lanes[l] = -INFINITY;
    for (; i + count <= n; i += count) for (int l = 0; l < count; l++) lanes[l] = x[i + l] > lanes[l] ? x[i + l] : lanes[l];
    for (; i < n; i++) result = x[i] > result ? x[i] : result;
    // By halves, which are vectors; one lane after the other took as long as all else of a block.
    for (int half = count / 2; half > 0; half /= 2) for (int l = 0; l < half; l++) lanes[l] = lanes[l + half] > lanes[l] ? lanes[l + half] : lanes[l];
    return lanes[0] > result ? lanes[0] : result;
}
