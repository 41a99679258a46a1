// The soft minimum of entropic optimal transport. Row r = (batch r / n, point r % n) looks at the m columns of its batch; their exponents are
// log_weights[j] + (potentials[j] - C) / epsilon, with C = |x - y|^2 / 2 (power 2) or |x - y| (power 1) online, from points by rows [batch, n, d]
// and columns by coordinates [batch, d, m], or (power 0) read from a matrix [batch, n, m] in place of the columns. An item owns a row.

// Columns whose exponents are taken at once, and from which on they are counted.
#define SOFTMIN_BLOCK 64
#define SOFTMIN_ROW \
    const long batch = row / n; \
    points += row * d; \
    columns += power == 0 ? row * m : batch * d * m; \
    log_weights += batch * m; \
    potentials += batch * m; \
    const float inverse = 1 / epsilon;

// The squared distance of a row's point to a column.
inline float square_to(__global const float *point, __global const float *column, const long m, const long d) {
    float sum = 0;
    for (long k = 0; k < d; k++) {
        const float u = point[k] - column[k * m];
        sum = fma(u, u, sum);
    }
    return sum;
}

inline float cost_to(__global const float *point, __global const float *column, const long m, const long d, const int power) {
    if (power == 0) return column[0];
    const float square = square_to(point, column, m, d);
    return power == 1 ? sqrt(square) : 0.5f * square;
}

// Adds `term` to `sum` relative to the largest exponent so far, which `e` may raise.
#define SOFTMIN_RAISE(e) \
    if (e > maximum) { \
        sum *= exp(maximum - e); \
        maximum = e; \
    }

// -epsilon log of the sum over m columns of exp(exponent).
inline float softmin_over(__global const float *points, __global const float *columns, __global const float *log_weights,
                          __global const float *potentials, const int power, const float epsilon, const long m, const long d) {
    const float inverse = 1 / epsilon;
    float maximum = -INFINITY;
    wide_t sum = 0;
    long j = 0;
#ifdef LOSSKIT_CPU
    // Sixteen at a time; what is left comes one by one.
    for (; j + 16 <= m; j += 16) {
        float16 cost = 0;
        if (power == 0) cost = vload16(0, columns + j);
        else {
            for (long k = 0; k < d; k++) {
                const float16 u = points[k] - vload16(0, columns + k * m + j);
                cost = fma(u, u, cost);
            }
            cost = power == 1 ? sqrt(cost) : 0.5f * cost;
        }
        const float16 e = fma(vload16(0, potentials + j) - cost, (float16)inverse, vload16(0, log_weights + j));
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
    for (; j < m; j++) {
        const float e = fma(potentials[j] - cost_to(points, columns + j, m, d, power), inverse, log_weights[j]);
        SOFTMIN_RAISE(e)
        if (maximum != -INFINITY || isnan(e)) sum += exp(e - maximum);
    }
    return maximum == -INFINITY && !isnan(sum) ? INFINITY : -epsilon * (maximum + (float)log(sum));
}

// soft[r] is the soft minimum, next[r] = keep own[r] + take soft[r].
__kernel void softmin(GLOBAL_IN(float, points), GLOBAL_IN(float, columns), GLOBAL_IN(float, log_weights), GLOBAL_IN(float, potentials),
                      GLOBAL_IN(float, own), GLOBAL_OUT(float, soft), GLOBAL_OUT(float, next), const int power, const float epsilon,
                      const float keep, const float take, const long n, const long m, const long d, const long rows) {
    AT_IN(float, points);
    AT_IN(float, columns);
    AT_IN(float, log_weights);
    AT_IN(float, potentials);
    AT_IN(float, own);
    AT_OUT(float, soft);
    AT_OUT(float, next);
    const long row = get_global_id(0);
    if (row >= rows) return;
    SOFTMIN_ROW
    const float value = softmin_over(points, columns, log_weights, potentials, power, epsilon, m, d);
    soft[row] = value;
    next[row] = keep * own[row] + take * value;
}

// The same between and within two sets, n points and then total - n, one behind the other: points by rows [total, d], columns by coordinates, all of
// the first set before those of the second, or (power 0) the matrices of the four problems. Row r < total is point r against the other set, row
// total + r point r against its own, and so the potentials. next[r] = keep potentials[r] + take soft[r] + carry before[r].
__kernel void softmin_within(GLOBAL_IN(float, points), GLOBAL_IN(float, columns), GLOBAL_IN(float, log_weights), GLOBAL_IN(float, potentials),
                             GLOBAL_IN(float, before), GLOBAL_OUT(float, soft), GLOBAL_OUT(float, next), const int power, const float epsilon,
                             const float keep, const float take, const float carry, const long n, const long total, const long d,
                             const long rows) {
    AT_IN(float, points);
    AT_IN(float, columns);
    AT_IN(float, log_weights);
    AT_IN(float, potentials);
    AT_IN(float, before);
    AT_OUT(float, soft);
    AT_OUT(float, next);
    const long row = get_global_id(0);
    if (row >= rows) return;
    const int is_own = row >= total;
    const long point = row - is_own * total, place = point < n ? point : point - n;
    const long first = (point < n) != is_own ? n : 0, count = first ? total - n : n;
    const long matrix = is_own ? 2 * n * (total - n) + (point < n ? 0 : n * n) : point < n ? 0 : n * (total - n);
    const float value = softmin_over(points + point * d, columns + (power == 0 ? matrix + place * count : first * d), log_weights + first,
                                     potentials + is_own * total + first, power, epsilon, count, d);
    soft[row] = value;
    next[row] = keep * potentials[row] + take * value + carry * before[row];
}

// out[r] = sum over columns j of w_rj (x_r - y_j) (over |x_r - y_j| for power 1), the weights normalised to sum 1.
__kernel void softmin_differences(GLOBAL_IN(float, points), GLOBAL_IN(float, columns), GLOBAL_IN(float, log_weights),
                                  GLOBAL_IN(float, potentials), GLOBAL_OUT(float, out), const int power, const float epsilon, const long n,
                                  const long m, const long d, const long rows) {
    AT_IN(float, points);
    AT_IN(float, columns);
    AT_IN(float, log_weights);
    AT_IN(float, potentials);
    AT_OUT(float, out);
    const long row = get_global_id(0);
    if (row >= rows) return;
    SOFTMIN_ROW
    out += row * d;
    float maximum = -INFINITY, weight[SOFTMIN_BLOCK];
    wide_t sum = 0;
    for (long k = 0; k < d; k++) out[k] = 0;
    for (long j = 0; j < m; j += SOFTMIN_BLOCK) {
        const int size = (int)min((long)SOFTMIN_BLOCK, m - j);
        float peak = maximum;
        for (int l = 0; l < size; l++) {
            weight[l] = fma(potentials[j + l] - cost_to(points, columns + j + l, m, d, power), inverse, log_weights[j + l]);
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
            const float apart = sqrt(square_to(points, columns + j + l, m, d));
            weight[l] = apart > 0 ? weight[l] / apart : 0;
        }
        for (long k = 0; k < d; k++) {
            float part = 0;
            for (int l = 0; l < size; l++) part = fma(weight[l], points[k] - columns[k * m + j + l], part);
            out[k] += part;
        }
    }
    for (long k = 0; k < d && sum > 0; k++) out[k] = (float)(out[k] / sum);
}

#ifdef LOSSKIT_FP64
// A row's exponents are bases[j] - C inverse, formed in doubles: over a small epsilon floats lose what counts.
inline double wide_cost(__global const float *point, __global const float *column, const long m, const long d, const int power) {
    if (power == 0) return column[0];
    double sum = 0;
    for (long k = 0; k < d; k++) {
        const double u = (double)point[k] - (double)column[k * m];
        sum = fma(u, u, sum);
    }
    return power == 1 ? sqrt(sum) : 0.5 * sum;
}

// The sum of exp(exponent + shift), whose terms need no more than floats.
inline double wide_sum(__global const float *points, __global const float *columns, __global const double *bases, const int power,
                       const double inverse, const double shift, const long m, const long d) {
    double sum = 0;
    long j = 0;
#ifdef LOSSKIT_CPU
    // Eight at a time; what is left comes one by one.
    for (; j + 8 <= m; j += 8) {
        double8 cost = 0;
        if (power == 0) cost = convert_double8(vload8(0, columns + j));
        else {
            for (long k = 0; k < d; k++) {
                const double8 u = (double)points[k] - convert_double8(vload8(0, columns + k * m + j));
                cost = fma(u, u, cost);
            }
            cost = power == 1 ? sqrt(cost) : 0.5 * cost;
        }
        const float8 term = exp(convert_float8(fma(cost, (double8)(-inverse), vload8(0, bases + j) + shift)));
        const float4 a = term.lo + term.hi;
        sum += (a.x + a.y) + (a.z + a.w);
    }
#endif
    for (; j < m; j++) sum += exp((float)(fma(wide_cost(points, columns + j, m, d, power), -inverse, bases[j]) + shift));
    return sum;
}

// log_sums[r] = log sum over m columns of exp(exponent); own[r] says where about minus that is.
__kernel void wide_log_sums(GLOBAL_IN(float, points), GLOBAL_IN(float, columns), GLOBAL_IN(double, bases), GLOBAL_IN(double, own),
                            GLOBAL_OUT(double, log_sums), const int power, const double inverse, const long n, const long m, const long d,
                            const long rows) {
    AT_IN(float, points);
    AT_IN(float, columns);
    AT_IN(double, bases);
    AT_IN(double, own);
    AT_OUT(double, log_sums);
    const long row = get_global_id(0);
    if (row >= rows) return;
    const long batch = row / n;
    points += row * d;
    columns += power == 0 ? row * m : batch * d * m;
    bases += batch * m;
    double shift = own[row], sum = wide_sum(points, columns, bases, power, inverse, shift, m, d);
    if (!(sum > 1e-20 && sum < 1e20)) {
        double peak = -INFINITY;
        for (long j = 0; j < m; j++) {
            const double e = fma(wide_cost(points, columns + j, m, d, power), -inverse, bases[j]);
            if (e > peak || isnan(e)) peak = e;
        }
        shift = -peak;
        sum = isinf(peak) ? 0 : wide_sum(points, columns, bases, power, inverse, shift, m, d);
    }
    log_sums[row] = log(sum) - (isinf(shift) ? 0 : shift);
}
#endif
