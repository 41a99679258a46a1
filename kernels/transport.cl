// The soft minimum of entropic optimal transport, online: no matrix of pairs is ever stored. An item owns a point; y lies transposed [d, m].

inline float exponent(__global const float *x, __global const float *y, __global const float *h, const int power, const float inverse,
                      const long i, const long j, const long m, const long d, float *distance) {
    float sum = 0;
    for (long k = 0; k < d; k++) {
        const float u = x[i * d + k] - y[k * m + j];
        sum = fma(u, u, sum);
    }
    *distance = power == 1 ? sqrt(sum) : sum;
    return fma(*distance, power == 1 ? -inverse : -0.5f * inverse, h[j]);
}

#ifdef LOSSKIT_CPU
// Sixteen exponents from j on, and the distances they come from.
inline float16 exponents(__global const float *x, __global const float *y, __global const float *h, const int power, const float inverse,
                         const long i, const long j, const long m, const long d, float16 *distances) {
    float16 sum = 0;
    for (long k = 0; k < d; k++) {
        const float16 u = x[i * d + k] - vload16(0, y + k * m + j);
        sum = fma(u, u, sum);
    }
    *distances = power == 1 ? sqrt(sum) : sum;
    return fma(*distances, (float16)(power == 1 ? -inverse : -0.5f * inverse), vload16(0, h + j));
}

inline float widest(float16 v) {
    const float8 a = fmax(v.lo, v.hi);
    const float4 b = fmax(a.lo, a.hi);
    return fmax(fmax(b.x, b.y), fmax(b.z, b.w));
}

inline float total_of(float16 v) {
    const float8 a = v.lo + v.hi;
    const float4 b = a.lo + a.hi;
    return (b.x + b.y) + (b.z + b.w);
}

// The maximum exponent of a row and the sum relative to it, sixteen at a time; what is left comes one by one.
#define VECTOR_SUM \
    for (; j + 16 <= m; j += 16) { \
        float16 distances; \
        const float16 e = exponents(x, y, h, power, inverse, i, j, m, d, &distances); \
        const float peak = widest(e); \
        if (peak > maximum) { \
            sum *= exp(maximum - peak); \
            maximum = peak; \
        } \
        if (maximum != -INFINITY) sum += total_of(exp(e - maximum)); \
    }
#else
#define VECTOR_SUM
#endif

// out[i] = -epsilon log sum over j of exp(h_j - C(x_i, y_j) / epsilon), C = |x - y|^2 / 2 (power 2) or |x - y| (power 1).
__kernel void softmin(GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_IN(float, h), GLOBAL_OUT(float, out), const int power,
                      const float epsilon, const long n, const long m, const long d) {
    AT_IN(float, x);
    AT_IN(float, y);
    AT_IN(float, h);
    AT_OUT(float, out);
    const long i = get_global_id(0);
    if (i >= n) return;
    const float inverse = 1 / epsilon;
    float maximum = -INFINITY, unused;
    wide_t sum = 0;
    long j = 0;
    VECTOR_SUM
    for (; j < m; j++) {
        const float e = exponent(x, y, h, power, inverse, i, j, m, d, &unused);
        if (e > maximum) {
            sum *= exp(maximum - e);
            maximum = e;
        }
        if (maximum != -INFINITY || isnan(e)) sum += exp(e - maximum);
    }
    out[i] = maximum == -INFINITY && !isnan(sum) ? INFINITY : -epsilon * (maximum + (float)log(sum));
}

// out[i] = sum over j of w_ij (x_i - y_j) (over |x_i - y_j| for power 1), the weights normalised to sum 1; an item owns one coordinate.
__kernel void softmin_differences(GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_IN(float, h), GLOBAL_IN(float, value), GLOBAL_OUT(float, out),
                                  const int power, const float epsilon, const long n, const long m, const long d) {
    AT_IN(float, x);
    AT_IN(float, y);
    AT_IN(float, h);
    AT_IN(float, value);
    AT_OUT(float, out);
    const long k = get_global_id(0), i = get_global_id(1);
    if (i >= n || k >= d) return;
    const float inverse = 1 / epsilon, shift = value[i] * inverse, a = x[i * d + k];
    wide_t sum = 0, total = 0;
    for (long j = 0; j < m; j++) {
        float distance;
        const float w = exp(exponent(x, y, h, power, inverse, i, j, m, d, &distance) + shift);
        total += w;
        sum += (power == 1 ? (distance > 0 ? w / distance : 0) : w) * (a - y[k * m + j]);
    }
    out[i * d + k] = total > 0 ? (float)(sum / total) : 0;
}
