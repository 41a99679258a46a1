// The soft minimum of entropic optimal transport, online: no matrix of pairs is ever stored. Two sets of points lie one behind the other, n of the
// first and total - n of the second: by rows [total, d] and by coordinates [d, total]. Row r < total is point r against the other set, row total + r
// point r against its own; its columns' exponents are log_weights[j] + (potentials[j] - C) / epsilon, the potentials from `total` on for own ones,
// with C = |x - y|^2 / 2 (power 2) or |x - y| (power 1). An item owns a row.

// Columns whose exponents are taken at once, and from which on they are counted.
#define SOFTMIN_BLOCK 64
#define SOFTMIN_ROW \
    const int isOwn = row >= total; \
    const long i = row - isOwn * total, first = (i < n) != isOwn ? n : 0, count = first ? total - n : n; \
    points += i * d; \
    columns += first; \
    log_weights += first; \
    const float inverse = 1 / epsilon;

// The squared distance of a row's point to a column.
inline float square_to(__global const float *point, __global const float *column, const long total, const long d) {
    float sum = 0;
    for (long k = 0; k < d; k++) {
        const float u = point[k] - column[k * total];
        sum = fma(u, u, sum);
    }
    return sum;
}

inline float exponent(const float square, const int power, const float inverse, const float potential, const float log_weight) {
    return fma(power == 1 ? potential - sqrt(square) : fma(square, -0.5f, potential), inverse, log_weight);
}

// Adds `term` to `sum` relative to the largest exponent so far, which `e` may raise.
#define SOFTMIN_RAISE(e) \
    if (e > maximum) { \
        sum *= exp(maximum - e); \
        maximum = e; \
    }

// soft[r] = -epsilon log sum over columns of exp(exponent), next[r] = keep potentials[r] + take soft[r].
__kernel void softmin(GLOBAL_IN(float, points), GLOBAL_IN(float, columns), GLOBAL_IN(float, log_weights), GLOBAL_IN(float, potentials),
                      GLOBAL_OUT(float, soft), GLOBAL_OUT(float, next), const int power, const float epsilon, const float keep, const float take,
                      const long n, const long total, const long d, const long rows) {
    AT_IN(float, points);
    AT_IN(float, columns);
    AT_IN(float, log_weights);
    AT_IN(float, potentials);
    AT_OUT(float, soft);
    AT_OUT(float, next);
    const long row = get_global_id(0);
    if (row >= rows) return;
    SOFTMIN_ROW
    __global const float *potential = potentials + isOwn * total + first;
    float maximum = -INFINITY;
    wide_t sum = 0;
    long j = 0;
#ifdef LOSSKIT_CPU
    // Sixteen at a time; what is left comes one by one.
    for (; j + 16 <= count; j += 16) {
        float16 square = 0;
        for (long k = 0; k < d; k++) {
            const float16 u = points[k] - vload16(0, columns + k * total + j);
            square = fma(u, u, square);
        }
        const float16 u = vload16(0, potential + j);
        const float16 e = fma(power == 1 ? u - sqrt(square) : fma(square, (float16)-0.5f, u), (float16)inverse, vload16(0, log_weights + j));
        const float8 a = fmax(e.lo, e.hi);
        const float4 b = fmax(a.lo, a.hi);
        const float peak = fmax(fmax(b.x, b.y), fmax(b.z, b.w));
        SOFTMIN_RAISE(peak)
        if (maximum == -INFINITY) continue;
        const float16 term = exp(e - maximum);
        const float8 c = term.lo + term.hi;
        const float4 f = c.lo + c.hi;
        sum += (f.x + f.y) + (f.z + f.w);
    }
#endif
    for (; j < count; j++) {
        const float e = exponent(square_to(points, columns + j, total, d), power, inverse, potential[j], log_weights[j]);
        SOFTMIN_RAISE(e)
        if (maximum != -INFINITY || isnan(e)) sum += exp(e - maximum);
    }
    const float value = maximum == -INFINITY && !isnan(sum) ? INFINITY : -epsilon * (maximum + (float)log(sum));
    soft[row] = value;
    next[row] = keep * potentials[row] + take * value;
}

// out[r - begin] = sum over columns j of w_rj (x_r - y_j) (over |x_r - y_j| for power 1), the weights normalised to sum 1.
__kernel void softmin_differences(GLOBAL_IN(float, points), GLOBAL_IN(float, columns), GLOBAL_IN(float, log_weights),
                                  GLOBAL_IN(float, potentials), GLOBAL_OUT(float, out), const int power, const float epsilon, const long n,
                                  const long total, const long d, const long begin, const long rows) {
    AT_IN(float, points);
    AT_IN(float, columns);
    AT_IN(float, log_weights);
    AT_IN(float, potentials);
    AT_OUT(float, out);
    const long row = begin + get_global_id(0);
    if (row >= begin + rows) return;
    SOFTMIN_ROW
    potentials += isOwn * total + first;
    out += (row - begin) * d;
    float maximum = -INFINITY, weight[SOFTMIN_BLOCK];
    wide_t sum = 0;
    for (long k = 0; k < d; k++) out[k] = 0;
    for (long j = 0; j < count; j += SOFTMIN_BLOCK) {
        const int size = (int)min((long)SOFTMIN_BLOCK, count - j);
        float peak = maximum;
        for (int l = 0; l < size; l++) {
            weight[l] = exponent(square_to(points, columns + j + l, total, d), power, inverse, potentials[j + l], log_weights[j + l]);
            peak = nan_max(peak, weight[l]);
        }
        if (peak == -INFINITY) continue;
        if (peak != maximum) {
            const float scale = exp(maximum - peak);
            sum *= scale;
            for (long k = 0; k < d; k++) out[k] *= scale;
            maximum = peak;
        }
        for (int l = 0; l < size; l++) {
            weight[l] = exp(weight[l] - maximum);
            sum += weight[l];
            if (power != 1) continue;
            const float apart = sqrt(square_to(points, columns + j + l, total, d));
            weight[l] = apart > 0 ? weight[l] / apart : 0;
        }
        for (long k = 0; k < d; k++) {
            float part = 0;
            for (int l = 0; l < size; l++) part = fma(weight[l], points[k] - columns[k * total + j + l], part);
            out[k] += part;
        }
    }
    for (long k = 0; k < d && sum > 0; k++) out[k] = (float)(out[k] / sum);
}
