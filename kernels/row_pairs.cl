// What becomes of each row's values v_ij over the columns that its mask selects, taken from labels on the fly: with u = scale v + shift_i
// log sum exp u (0), a sum of f(u) for f the identity (1), softplus (2), hinge (3) or squared hinge (4), or where v is largest (5) or smallest (6).
// A work-group owns a row; on CPUs it is one item. Values lie in a block of rows, whose first is row `first`.

#include "rows.clh"

typedef struct {
    long first, rows, m;
    int reduction, selection, excludes_self, flags;
    float scale;
    int unused;
} pairs_t;
#define HAS_SHIFT 1
#define HAS_LOWER 2
#define HAS_UPPER 4

#define MASKED \
    const pairs_t o, GLOBAL_IN(float, values), GLOBAL_IN(int, row_labels), GLOBAL_IN(int, column_labels), GLOBAL_IN(float, shift), \
        GLOBAL_IN(float, lower), GLOBAL_IN(float, upper)
#define AT_MASKED \
    AT_IN(float, values); \
    AT_IN(int, row_labels); \
    AT_IN(int, column_labels); \
    AT_IN(float, shift); \
    AT_IN(float, lower); \
    AT_IN(float, upper); \
    const int lid = get_local_id(0), width = get_local_size(0); \
    const long i = o.first + get_group_id(0); \
    values += get_group_id(0) * o.m; \
    const int own = o.selection ? row_labels[i] : 0; \
    const float added = o.flags & HAS_SHIFT ? shift[i] : 0, least = o.flags & HAS_LOWER ? lower[i] : -INFINITY, \
                most = o.flags & HAS_UPPER ? upper[i] : INFINITY; \
    (void)lid;
#define IS_LEFT_OUT(j, value) \
    ((o.selection && (column_labels[j] == own) != (o.selection == 1)) || (o.excludes_self && j == i) || \
     ((o.flags & HAS_LOWER) && value <= least) || ((o.flags & HAS_UPPER) && value >= most))
// u of column j, -infinity where the mask leaves it out. A value that is not a number is kept.
#define SELECTED(j, value) (IS_LEFT_OUT(j, value) ? -INFINITY : fma(o.scale, value, added))

AGREE(largest_of, float, nan_max(a, b))
AGREE(sum_of, float2, a + b)

inline float softplus(const float u) { return (u > 0 || isnan(u) ? u : 0) + log1p(exp(-fabs(u))); }
inline float sigmoid(const float u) {
    const float e = exp(-fabs(u));
    return (u < 0 ? e : 1) / (1 + e);
}

// f(u) and f'(u).
inline float2 reduced(const int reduction, const float u) {
    switch (reduction) {
    case 2: return (float2)(softplus(u), sigmoid(u));
    case 3: return (float2)(u > 0 || isnan(u) ? u : 0, u > 0 ? 1 : 0);
    case 4: return (float2)(u > 0 || isnan(u) ? u * u : 0, u > 0 ? 2 * u : 0);
    default: return u == -INFINITY ? (float2)(0) : (float2)(u, 1);
    }
}

__kernel void reduce(MASKED, GLOBAL_OUT(float, out), GLOBAL_OUT(float, slope), __local float *shared) {
    AT_MASKED
    AT_OUT(float, out);
    AT_OUT(float, slope);
    float peak = 0;
    if (o.reduction == 0) {
        float mine = -INFINITY;
        for (long j = lid; j < o.m; j += width) mine = nan_max(mine, SELECTED(j, values[j]));
        peak = largest_of(mine, width, shared);
    }
    wide_t total = 0, rise = 0;
    for (long j = lid; j < o.m; j += width) {
        const float u = SELECTED(j, values[j]);
        if (o.reduction == 0) {
            total += u == -INFINITY ? 0 : exp(u - peak);
        } else {
            const float2 part = reduced(o.reduction, u);
            total += part.x;
            rise += part.y;
        }
    }
    const float2 sums = sum_of((float2)((float)total, (float)rise), width, shared);
    if (lid != 0) return;
    out[i] = o.reduction == 0 ? (peak == -INFINITY ? -INFINITY : peak + log(sums.x)) : sums.x;
    slope[i] = o.reduction == 0 ? 1 : sums.y;
}

typedef struct {
    float value;
    int place;
} place_t;
// The larger of two, the first of equals; what is not a number counts as larger.
inline place_t later(const place_t a, const place_t b) {
    if (b.place < 0) return a;
    if (a.place < 0) return b;
    const bool is_equal = a.value == b.value || (isnan(a.value) && isnan(b.value));
    const bool is_first = is_equal ? a.place < b.place : isnan(a.value) || (a.value > b.value && !isnan(b.value));
    return is_first ? a : b;
}
AGREE(place_of, place_t, later(a, b))

__kernel void extremes(MASKED, GLOBAL_OUT(int, places), __local float *shared) {
    AT_MASKED
    AT_OUT(int, places);
    (void)added;
    place_t mine = {0, -1};
    for (long j = lid; j < o.m; j += width) {
        const float value = values[j];
        if (IS_LEFT_OUT(j, value)) continue;
        const place_t here = {o.reduction == 6 ? -value : value, (int)j};
        mine = later(mine, here);
    }
    mine = place_of(mine, width, shared);
    if (lid == 0) places[i] = mine.place;
}

// The derivative of sum_i cotangent_i out_i with respect to v.
__kernel void weights(MASKED, GLOBAL_IN(float, out), GLOBAL_IN(float, cotangent), GLOBAL_OUT(float, weight)) {
    AT_MASKED
    AT_IN(float, out);
    AT_IN(float, cotangent);
    AT_OUT(float, weight);
    weight += get_group_id(0) * o.m;
    const float g = cotangent[i] * o.scale, peak = out[i];
    for (long j = lid; j < o.m; j += width) {
        const float u = SELECTED(j, values[j]);
        weight[j] = u == -INFINITY ? 0 : g * (o.reduction == 0 ? exp(u - peak) : reduced(o.reduction, u).y);
    }
}

// Sorts numbers in place, in O(n log n).
inline void heap_sort(__global float *x, const long n) {
    for (long step = n / 2 + n - 1; step > 0; step--) {
        // First the heap is built from its last inner node on, then its top goes behind what is left.
        const bool is_building = step >= n;
        const long count = is_building ? n : step;
        long root = is_building ? step - n : 0;
        if (!is_building) {
            const float top = x[0];
            x[0] = x[count];
            x[count] = top;
        }
        for (long child = 2 * root + 1; child < count; child = 2 * root + 1) {
            if (child + 1 < count && x[child] < x[child + 1]) child++;
            if (!(x[root] < x[child])) break;
            const float value = x[root];
            x[root] = x[child];
            x[child] = value;
            root = child;
        }
    }
}

// How many of the sorted numbers are below x, or not above it.
inline long rank_of(__global const float *sorted, long count, const float x, const bool includes_equal) {
    long begin = 0;
    while (count > 0) {
        const long half_count = count / 2;
        const float value = sorted[begin + half_count];
        const bool is_before = includes_equal ? value <= x : value < x;
        begin += is_before ? half_count + 1 : 0;
        count = is_before ? count - half_count - 1 : half_count;
    }
    return begin;
}

// Triplets of a row: positives of its label, negatives of others; see the CPU's version. An item owns a row, with 3 (m + 1) numbers of memory.
__kernel void triplets(GLOBAL_IN(float, values), GLOBAL_IN(int, row_labels), GLOBAL_IN(int, column_labels), GLOBAL_IN(float, cotangent),
                       GLOBAL_OUT(float, out), GLOBAL_OUT(float, active), GLOBAL_OUT(float, looked), GLOBAL_OUT(float, weight),
                       GLOBAL_OUT(float, memory), const int semi_hard, const int excludes_self, const int gives_weights, const float margin,
                       const long first, const long rows, const long m) {
    AT_IN(float, values);
    AT_IN(int, row_labels);
    AT_IN(int, column_labels);
    AT_IN(float, cotangent);
    AT_OUT(float, out);
    AT_OUT(float, active);
    AT_OUT(float, looked);
    AT_OUT(float, weight);
    AT_OUT(float, memory);
    const long block_row = get_global_id(0), i = first + block_row;
    if (block_row >= rows) return;
    values += block_row * m;
    weight += block_row * m;
    __global float *sorted = memory + block_row * 3 * (m + 1), *upper = sorted + m + 1, *gap = upper + m + 1;
    __global int *place = (__global int *)gap;
    const int own = row_labels[i];
    const float g = gives_weights ? cotangent[i] : 0;
    long positives = 0, negatives = 0, farthest = -1;
    bool is_unknown = false, has_endless_positive = false, has_endless_negative = false;
    for (long j = 0; j < m; j++) {
        const bool is_same = column_labels[j] == own;
        if (gives_weights) weight[j] = 0;
        if (is_same && excludes_self && j == i) continue;
        is_unknown |= isnan(values[j]);
        if (is_same) {
            sorted[positives++] = values[j] + (semi_hard ? 0 : margin);
            has_endless_positive |= values[j] == INFINITY;
        } else {
            negatives++;
            has_endless_negative |= values[j] == INFINITY;
            if (farthest < 0 || values[j] > values[farthest]) farthest = j;
        }
    }
    const bool looks = positives > 0 && negatives > 0;
    // Two infinities have no difference.
    is_unknown |= has_endless_positive && has_endless_negative;
    wide_t loss = 0, count = 0;
    if (looks && !is_unknown) {
        heap_sort(sorted, positives);
        // Batch-all: the sums of the thresholds from each one on, and how many negatives are below each. Semi-hard: the nearest negative above.
        upper[positives] = semi_hard ? INFINITY : 0;
        for (long p = positives - 1; p >= 0; p--) {
            upper[p] = semi_hard ? INFINITY : upper[p + 1] + sorted[p];
            gap[p] = 0;
        }
        for (long j = 0; j < m; j++) {
            if (column_labels[j] == own) continue;
            const long p = rank_of(sorted, positives, values[j], !semi_hard);
            if (semi_hard) {
                if (!(values[j] < upper[p])) continue;
                upper[p] = values[j];
                place[p] = (int)j;
            } else if (p < positives) {
                loss += upper[p] - (positives - p) * values[j];
                count += positives - p;
                gap[p] += 1;
                if (gives_weights) weight[j] = -g * (positives - p);
            }
        }
        for (long p = positives - 1; semi_hard && p >= 0; p--) {
            if (!(upper[p + 1] < upper[p])) continue;
            upper[p] = upper[p + 1];
            place[p] = place[p + 1];
        }
        for (long p = 1; !semi_hard && p < positives; p++) gap[p] += gap[p - 1];
        for (long j = 0; j < m; j++) {
            if (column_labels[j] != own || (excludes_self && j == i)) continue;
            if (!semi_hard) {
                if (gives_weights) weight[j] = g * gap[rank_of(sorted, positives, values[j] + margin, false)];
                continue;
            }
            const long p = rank_of(sorted, positives, values[j], true);
            const long negative = upper[p] < INFINITY ? place[p] : farthest;
            const float violation = values[j] - values[negative] + margin;
            if (!(violation > 0)) continue;
            loss += violation;
            count += 1;
            if (!gives_weights) continue;
            weight[j] += g;
            weight[negative] -= g;
        }
    }
    for (long j = 0; gives_weights && looks && is_unknown && j < m; j++) weight[j] = NAN;
    if (gives_weights) return;
    out[i] = looks && is_unknown ? NAN : (float)loss;
    active[i] = (float)count;
    looked[i] = looks ? (float)positives * (semi_hard ? 1 : (float)negatives) : 0;
}
