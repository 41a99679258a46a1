// Distances that weigh each coordinate by itself: Canberra (0), Bray-Curtis (1), Hamming (2), the root of Jensen-Shannon (3), Kullback-Leibler (4).
// What a coordinate adds to one or two sums, what becomes of the sums, and the derivative with respect to a.

inline float share_of(const float a, const float b) { return a > 0 ? a * log(a / b) : a == 0 ? 0 : NAN; }
inline float sign_of(const float a) { return (float)((a > 0) - (a < 0)); }

inline float coordinate_term(const int metric, const float a, const float b) {
    const float size = fabs(a) + fabs(b), apart = fabs(a - b);
    switch (metric) {
    case 0: return size == 0 ? 0 : apart / size;
    case 1: return apart;
    case 2: return isnan(a) || isnan(b) ? NAN : a != b ? 1 : 0;
    case 3: return 0.5f * (share_of(a, 0.5f * (a + b)) + share_of(b, 0.5f * (a + b)));
    default: return share_of(a, b);
    }
}

inline float coordinate_slope(const int metric, const int swapped, const float a, const float b, const float value, const float divisor) {
    const float size = fabs(a) + fabs(b), difference = a - b;
    switch (metric) {
    case 0: return size == 0 ? 0 : (sign_of(difference) - fabs(difference) / size * sign_of(a)) / size;
    case 1: return divisor == 0 ? 0 : (sign_of(difference) - value * sign_of(a + b)) / divisor;
    case 2: return 0;
    case 3: return value > 0 && a > 0 ? 0.25f / value * log(2 * a / (a + b)) : 0;
    default: return swapped ? (b == 0 ? 0 : -b / a) : a == 0 ? 0 : log(a / b) + 1;
    }
}

inline float coordinate_value(const int metric, __global const float *a, __global const float *b, const long d, float *divisor) {
    float sum = 0, size = 0;
    for (long k = 0; k < d; k++) {
        sum += coordinate_term(metric, a[k], b[k]);
        size += fabs(a[k] + b[k]);
    }
    *divisor = size;
    switch (metric) {
    case 1: return size == 0 ? 0 : sum / size;
    case 2: return d == 0 ? 0 : sum / d;
    case 3: return isnan(sum) ? sum : sum > 0 ? sqrt(sum) : 0;
    default: return sum;
    }
}

// out[b, i, j], an item each.
__kernel void coordinate_distances(GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_OUT(float, out), const int metric, const long n, const long m,
                                   const long d) {
    AT_IN(float, x);
    AT_IN(float, y);
    AT_OUT(float, out);
    const long j = get_global_id(0), i = get_global_id(1), entry = get_global_id(2);
    if (i >= n || j >= m) return;
    float divisor;
    out[(entry * n + i) * m + j] = coordinate_value(metric, x + (entry * n + i) * d, y + (entry * m + j) * d, d, &divisor);
}

// The arguments of what sums over j of weight[i, j] times something of x_i and y_j into out[i], an item for each point; where its own lie, and nothing in
// its sums.
#define POINT_SUMS(...) \
    GLOBAL_IN(float, x), GLOBAL_IN(float, y), GLOBAL_IN(float, weight), GLOBAL_OUT(float, out), __VA_ARGS__ const long n, const long m, \
        const long d, const long weight_row, const long weight_column, const long weight_entry
#define OWN_POINT \
    AT_IN(float, x); \
    AT_IN(float, y); \
    AT_IN(float, weight); \
    AT_OUT(float, out); \
    const long i = get_global_id(0), entry = get_global_id(1); \
    if (i >= n) return; \
    x += (entry * n + i) * d; \
    y += entry * m * d; \
    out += (entry * n + i) * d; \
    weight += entry * weight_entry + i * weight_row; \
    for (long k = 0; k < d; k++) out[k] = 0;

// The derivative for x_i of the distance of x_i and y_j (where `swapped`, of y_j and x_i).
__kernel void coordinate_slopes(POINT_SUMS(const int metric, const int swapped, )) {
    OWN_POINT
    for (long j = 0; j < m; j++) {
        __global const float *b = y + j * d;
        const float w = weight[j * weight_column];
        float value = 0, divisor = 1;
        if (metric == 1 || metric == 3) value = coordinate_value(metric, x, b, d, &divisor);
        for (long k = 0; k < d; k++) out[k] += w * coordinate_slope(metric, swapped, x[k], b[k], value, divisor);
    }
}

// The sign of the largest difference, in its coordinate (the first of equals).
__kernel void weighted_extremes(POINT_SUMS()) {
    OWN_POINT
    for (long j = 0; j < m; j++) {
        long place = 0;
        float most = 0;
        for (long k = 0; k < d; k++) {
            const float u = fabs(x[k] - y[j * d + k]);
            if (u <= most || isnan(most)) continue;
            most = u;
            place = k;
        }
        const float u = x[place] - y[j * d + place];
        out[place] += weight[j * weight_column] * (isnan(u) ? u : (float)((u > 0) - (u < 0)));
    }
}
