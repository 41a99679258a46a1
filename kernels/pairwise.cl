// Distances between all pairs of two point sets, and the weighted sums of differences that are their derivatives.

#ifndef LOSSKIT_CPU
// out[b, i, j]: squared Euclidean (0), Euclidean (1), Manhattan (2) or Chebyshev (3) distance of x_i and y_j, or -x_i . y_j (4).
__kernel void distances(GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_OUT(float, out), const int metric, const long n, const long m,
                        const long d) {
    AT_IN(float, x);
    AT_IN(float, y);
    AT_OUT(float, out);
    const long j = get_global_id(0), i = get_global_id(1);
    if (i >= n || j >= m) return;
    const long entry = get_global_id(2);
    __global const float *a = x + (entry * n + i) * d, *b = y + (entry * m + j) * d;
    float sum = 0;
    for (long k = 0; k < d; k++) {
        const float u = a[k] - b[k];
        sum = metric == 3 ? nan_max(sum, fabs(u)) : sum + (metric == 4 ? -a[k] * b[k] : metric == 2 ? fabs(u) : u * u);
    }
    out[(entry * n + i) * m + j] = metric == 1 ? sqrt(sum) : sum;
}
#else
// The same with y transposed [d, m]: an item owns sixteen distances from one point.
__kernel void distances_by_vectors(GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_OUT(float, out), const int metric, const long n, const long m,
                                   const long d) {
    AT_IN(float, x);
    AT_IN(float, y);
    AT_OUT(float, out);
    const long j = get_global_id(0) * 16, i = get_global_id(1);
    if (i >= n || j >= m) return;
    const long entry = get_global_id(2);
    x += entry * n * d;
    y += entry * m * d;
    out += entry * n * m;
    if (j + 16 <= m) {
        float16 sum = 0;
        for (long k = 0; k < d; k++) {
            const float16 b = vload16(0, y + k * m + j), u = x[i * d + k] - b;
            sum = metric == 4   ? fma(-x[i * d + k], b, sum)
                  : metric == 3 ? select(fabs(u), sum, sum > fabs(u) || isnan(sum))
                  : metric == 2 ? sum + fabs(u)
                                : fma(u, u, sum);
        }
        vstore16(metric == 1 ? sqrt(sum) : sum, 0, out + i * m + j);
        return;
    }
    for (long l = j; l < m; l++) {
        float sum = 0;
        for (long k = 0; k < d; k++) {
            const float b = y[k * m + l], u = x[i * d + k] - b;
            sum = metric == 4 ? fma(-x[i * d + k], b, sum)
                  : metric == 3 ? nan_max(sum, fabs(u))
                  : metric == 2 ? sum + fabs(u)
                                : fma(u, u, sum);
        }
        out[i * m + l] = metric == 1 ? sqrt(sum) : sum;
    }
}
#endif

// out[i] = (out[i] +) sum over j of weight[i, j] (x_i - y_j), or of weight[i, j] sign(x_i - y_j); an item owns one coordinate of one point.
__kernel void weighted_differences(GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_IN(float, weight), GLOBAL_OUT(float, out), const int signs,
                                   const int accumulates, const long n, const long m, const long d, const long weight_row, const long weight_column,
                                   const long weight_entry) {
    AT_IN(float, x);
    AT_IN(float, y);
    AT_IN(float, weight);
    AT_OUT(float, out);
    const long i = get_global_id(1), entry = get_global_id(2);
    x += entry * n * d;
    y += entry * m * d;
    out += entry * n * d;
    weight += entry * weight_entry;
#ifdef LOSSKIT_CPU
    long k = get_global_id(0) * 16;
    if (i >= n || k >= d) return;
    if (k + 16 <= d) {
        const float16 a = vload16(0, x + i * d + k);
        float16 sum = accumulates ? vload16(0, out + i * d + k) : (float16)0;
        for (long j = 0; j < m; j++) {
            const float16 u = a - vload16(0, y + j * d + k);
            sum += weight[i * weight_row + j * weight_column] * (signs ? select(sign(u), u, isnan(u)) : u);
        }
        vstore16(sum, 0, out + i * d + k);
        return;
    }
    for (; k < d; k++)
#else
    const long k = get_global_id(0);
    if (i < n && k < d)
#endif
    {
        const float a = x[i * d + k];
        float sum = accumulates ? out[i * d + k] : 0;
        for (long j = 0; j < m; j++) {
            const float u = a - y[j * d + k];
            sum += weight[i * weight_row + j * weight_column] * (signs && !isnan(u) ? (float)((u > 0) - (u < 0)) : u);
        }
        out[i * d + k] = sum;
    }
}

// In place of derivatives with respect to distances the factors of the differences in the derivative of the points.
__kernel void coefficients(GLOBAL_IN(float, values), GLOBAL_OUT(float, weight), const int metric, const long count) {
    AT_IN(float, values);
    AT_OUT(float, weight);
    const long i = get_global_id(0);
    if (i >= count) return;
    weight[i] = metric == 1 ? (values[i] == 0 ? 0 : weight[i] / values[i]) : 2 * weight[i];
}
