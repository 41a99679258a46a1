// Softmax cross-entropy: a work-group carries a row; on a CPU the group is one item, which reads sixteen logits at a time.

#ifdef LOSSKIT_CPU
#define VECTOR 16
typedef float16 vector_t;
#define LOAD(x, i) vload16(0, (x) + (i))
inline float widest(float16 v) {
    float8 a = fmax(v.lo, v.hi);
    float4 b = fmax(a.lo, a.hi);
    float2 c = fmax(b.lo, b.hi);
    return fmax(c.x, c.y);
}
inline float total(float16 v) {
    float8 a = v.lo + v.hi;
    float4 b = a.lo + a.hi;
    float2 c = b.lo + b.hi;
    return c.x + c.y;
}
#else
#define VECTOR 4
typedef float4 vector_t;
#define LOAD(x, i) vload4(0, (x) + (i))
inline float widest(float4 v) { return fmax(fmax(v.x, v.y), fmax(v.z, v.w)); }
inline float total(float4 v) { return (v.x + v.y) + (v.z + v.w); }
#endif

// The sum over the work-group, the same in every item.
inline float group_sum(float value, __local float *shared) {
#ifdef LOSSKIT_CPU
    return value;
#else
    const int lid = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[lid] = value;
    for (int reach = get_local_size(0) / 2; reach > 0; reach /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < reach) shared[lid] += shared[lid + reach];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return shared[0];
#endif
}

inline float group_max(float value, __local float *shared) {
#ifdef LOSSKIT_CPU
    return value;
#else
    const int lid = get_local_id(0);
    barrier(CLK_LOCAL_MEM_FENCE);
    shared[lid] = value;
    for (int reach = get_local_size(0) / 2; reach > 0; reach /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lid < reach) shared[lid] = nan_max(shared[lid], shared[lid + reach]);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    return shared[0];
#endif
}

// log sum exp of a row in one pass: each item keeps its maximum and its sum relative to it; the sum turns NaN where the row holds one.
inline float log_partition_of(__global const float *x, long n, __local float *shared) {
    float maximum = -INFINITY, sum = 0;
    const long step = get_local_size(0) * VECTOR;
    long i = get_local_id(0) * VECTOR;
    for (; i + VECTOR <= n; i += step) {
        const vector_t v = LOAD(x, i);
        const float grown = fmax(maximum, widest(v));
        if (grown != -INFINITY) {
            sum = sum * (maximum == -INFINITY ? 0 : exp(maximum - grown)) + total(exp(v - grown));
            maximum = grown;
        }
        if (any(isnan(v))) sum = NAN;
    }
    for (long k = i; k < min(n, i + VECTOR); k++) {
        const float grown = fmax(maximum, x[k]);
        if (isnan(x[k])) sum = NAN;
        else if (grown != -INFINITY) {
            sum = sum * (maximum == -INFINITY ? 0 : exp(maximum - grown)) + exp(x[k] - grown);
            maximum = grown;
        }
    }
    const float peak = group_max(maximum, shared);
    const float scaled = isnan(sum) ? NAN : maximum == -INFINITY ? 0 : sum * exp(maximum - peak);
    const float all = group_sum(scaled, shared);
    if (isnan(all) && peak != INFINITY) return NAN;
    return peak == -INFINITY || peak == INFINITY ? peak : peak + log(all);
}

#define ARGUMENTS \
    GLOBAL_IN(float, logits), GLOBAL_IN(long, labels), GLOBAL_IN(float, targets), GLOBAL_IN(float, weights), const int has_labels, \
        const int has_weights, const long classes, const long ignored, const float smoothing, const float z_loss, const float weight_sum

__kernel void cross_entropy_forward(ARGUMENTS, GLOBAL_OUT(float, loss), GLOBAL_OUT(float, log_partition), GLOBAL_OUT(float, row_weight),
                                    __local float *shared) {
    AT_IN(float, logits);
    AT_IN(long, labels);
    AT_IN(float, targets);
    AT_IN(float, weights);
    AT_OUT(float, loss);
    AT_OUT(float, log_partition);
    AT_OUT(float, row_weight);
    const long row = get_group_id(0);
    __global const float *x = logits + row * classes;
    const float partition = log_partition_of(x, classes, shared);
    const float share = smoothing / classes, kept = 1 - smoothing;
    float score = 0;
    if (has_labels) {
        const long label = labels[row];
        const bool valid = label != ignored && label >= 0 && label < classes;
        if (share != 0) {
            float rest = 0;
            for (long k = get_local_id(0); k < classes; k += get_local_size(0)) rest += (has_weights ? weights[k] : 1) * (x[k] - partition);
            score = share * group_sum(rest, shared);
        }
        if (get_local_id(0) == 0) {
            const float weight = valid ? (has_weights ? weights[label] : 1) : 0;
            if (valid && kept * weight != 0) score += kept * weight * (x[label] - partition);
            log_partition[row] = partition;
            row_weight[row] = weight;
            loss[row] = valid ? -score + (z_loss != 0 ? z_loss * partition * partition : 0) : 0;
        }
    } else {
        __global const float *q = targets + row * classes;
        float part = 0;
        for (long k = get_local_id(0); k < classes; k += get_local_size(0)) {
            const float mass = (has_weights ? weights[k] : 1) * (kept * q[k] + share);
            if (mass != 0) part += mass * (x[k] - partition);
        }
        score = group_sum(part, shared);
        if (get_local_id(0) == 0) {
            log_partition[row] = partition;
            row_weight[row] = 1;
            loss[row] = -score + (z_loss != 0 ? z_loss * partition * partition : 0);
        }
    }
}

__kernel void cross_entropy_backward(ARGUMENTS, GLOBAL_IN(float, log_partition), GLOBAL_IN(float, cotangent), GLOBAL_OUT(float, gradient),
                                     __local float *shared) {
    AT_IN(float, logits);
    AT_IN(long, labels);
    AT_IN(float, targets);
    AT_IN(float, weights);
    AT_IN(float, log_partition);
    AT_IN(float, cotangent);
    AT_OUT(float, gradient);
    const long row = get_group_id(0);
    __global const float *x = logits + row * classes;
    __global float *out = gradient + row * classes;
    const int lid = get_local_id(0), size = get_local_size(0);
    const float partition = log_partition[row], c = cotangent[row], share = smoothing / classes, extra = 2 * z_loss * partition;
    if (has_labels) {
        const long label = labels[row];
        const bool valid = label != ignored && label >= 0 && label < classes;
        const float weight = valid ? (has_weights ? weights[label] : 1) : 0, kept = (1 - smoothing) * weight;
        const float mass = valid ? c * (kept + share * weight_sum + extra) : 0, flat = valid ? c * share : 0;
        long start = lid;
#ifdef LOSSKIT_CPU
        // The label's own element, which needs its p - 1 rounded late, is written over below.
        for (; valid && !has_weights && start + VECTOR <= classes; start += VECTOR)
            vstore16(mass * exp(LOAD(x, start) - partition) - flat, 0, out + start);
        if (start > label && valid) {
            const float p = exp(x[label] - partition);
            out[label] = c * (kept * (p - 1) + share * (weight_sum * p - 1) + extra * p);
        }
#endif
        for (long k = start; k < classes; k += size) {
            const float p = exp(x[k] - partition), w = has_weights ? weights[k] : 1;
            const float value = k == label ? c * (kept * (p - 1) + share * (weight_sum * p - w) + extra * p) : mass * p - flat * w;
            out[k] = valid ? value : 0;
        }
    } else {
        __global const float *q = targets + row * classes;
        const float kept = 1 - smoothing;
        float part = 0;
        for (long k = lid; k < classes; k += size) part += (has_weights ? weights[k] : 1) * (kept * q[k] + share);
        const float mass = group_sum(part, shared) + extra;
        for (long k = lid; k < classes; k += size)
            out[k] = c * (mass * exp(x[k] - partition) - (has_weights ? weights[k] : 1) * (kept * q[k] + share));
    }
}
