// Forward and backward recursions over the alignments of label sequences with frames, in logarithms (CTC). A group owns a sequence, its items
// the states in turn: a blank before, between and after the labels. Each frame's logarithms are shifted to a maximum of 0, so that they keep
// their digits however long the sequence is.

#define NOTHING (-1e30f)

#ifdef LOSSKIT_CPU
#define ALIGNMENT_GROUP 1
#endif
#ifndef ALIGNMENT_GROUP
#define ALIGNMENT_GROUP 64
#endif

#if ALIGNMENT_GROUP == 1
#define MEET
#define GROUP_MEMORY
#define FOLD_MAX(x)
#define FOLD_SUM(x)
#else
#define MEET barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#define GROUP_MEMORY __local float shared[ALIGNMENT_GROUP];
#define FOLD_MAX(x) x = group_folded(shared, x, 1)
#define FOLD_SUM(x) x = group_folded(shared, x, 0)

inline float group_folded(__local float *shared, const float x, const int isMaximum) {
    const int lid = get_local_id(0);
    shared[lid] = x;
    MEET;
    for (int span = ALIGNMENT_GROUP / 2; span > 0; span /= 2) {
        if (lid < span) shared[lid] = isMaximum ? nan_max(shared[lid], shared[lid + span]) : shared[lid] + shared[lid + span];
        MEET;
    }
    const float result = shared[0];
    MEET;
    return result;
}
#endif

inline float log_sum(const float a, const float b, const float c) {
    const float peak = nan_max(nan_max(a, b), c);
    return peak + log(exp(a - peak) + exp(b - peak) + exp(c - peak));
}

inline float held(const float emission) { return emission < NOTHING ? NOTHING : emission; }

#define SEQUENCE \
    GROUP_MEMORY \
    const long n = get_group_id(0), step = get_local_size(0), first = get_local_id(0); \
    if (n >= rows) return; \
    const int length = lengths[n], size = sizes[n];

// alphas[t, n, s]: the logarithm of all beginnings that reach s at t, up to a shift by frames; past a row's end its last frame again.
__kernel void alignment_forward(GLOBAL_IN(float, emissions), GLOBAL_IN(float, skips), GLOBAL_IN(int, lengths), GLOBAL_IN(int, sizes),
                                GLOBAL_OUT(float, alphas), GLOBAL_OUT(float, losses), const long rows, const long frames, const long states) {
    AT_IN(float, emissions);
    AT_IN(float, skips);
    AT_IN(int, lengths);
    AT_IN(int, sizes);
    AT_OUT(float, alphas);
    AT_OUT(float, losses);
    SEQUENCE
    wide_t shift = 0;
    for (long t = 0; t < frames; t++) {
        const long row = (t * rows + n) * states, before = row - rows * states;
        float peak = -INFINITY;
        for (long s = first; s < states; s += step) {
            float value;
            if (t == 0) {
                value = (s < 2 ? 0 : NOTHING) + held(emissions[row + s]);
            } else if (t < length) {
                const float one = s >= 1 ? alphas[before + s - 1] : NOTHING;
                const float two = s >= 2 ? alphas[before + s - 2] + skips[n * states + s] : NOTHING;
                value = log_sum(alphas[before + s], one, two) + held(emissions[row + s]);
            } else {
                value = alphas[before + s];
            }
            alphas[row + s] = value;
            peak = nan_max(peak, value);
        }
        FOLD_MAX(peak);
        if (!(peak < 0.1f * NOTHING)) {
            for (long s = first; s < states; s += step) alphas[row + s] -= peak;
            shift += peak;
        }
        MEET;
    }
    if (first > 0) return;
    const long last = ((frames - 1) * rows + n) * states + 2 * size;
    losses[n] = -(float)(shift + log_sum(alphas[last], size > 0 ? alphas[last - 1] : NOTHING, NOTHING));
}

// posteriors[t, n, s]: the probability of being in s at t, given the labels. `betas` holds [rows, 2, states].
__kernel void alignment_backward(GLOBAL_IN(float, emissions), GLOBAL_IN(float, skips), GLOBAL_IN(int, lengths), GLOBAL_IN(int, sizes),
                                 GLOBAL_IN(float, alphas), GLOBAL_IN(float, losses), GLOBAL_OUT(float, betas), GLOBAL_OUT(float, posteriors),
                                 const long rows, const long frames, const long states) {
    AT_IN(float, emissions);
    AT_IN(float, skips);
    AT_IN(int, lengths);
    AT_IN(int, sizes);
    AT_IN(float, alphas);
    AT_IN(float, losses);
    AT_OUT(float, betas);
    AT_OUT(float, posteriors);
    SEQUENCE
    const int isPossible = !(losses[n] > -0.1f * NOTHING);
    for (long t = frames - 1; t >= 0; t--) {
        const long row = (t * rows + n) * states, after = row + rows * states;
        __global const float *restrict next = betas + (2 * n + (t + 1) % 2) * states;
        __global float *restrict here = betas + (2 * n + t % 2) * states;
        float top = -INFINITY, peak = -INFINITY;
        for (long s = first; s < states; s += step) {
            float value;
            if (t >= length - 1) {
                value = s == 2 * size || s == 2 * size - 1 ? 0 : NOTHING;
            } else {
                const float own = next[s] + held(emissions[after + s]);
                const float one = s + 1 < states ? next[s + 1] + held(emissions[after + s + 1]) : NOTHING;
                const float two = s + 2 < states ? next[s + 2] + held(emissions[after + s + 2]) + skips[n * states + s + 2] : NOTHING;
                value = log_sum(own, one, two);
            }
            here[s] = value;
            top = nan_max(top, value);
            peak = nan_max(peak, alphas[row + s] + value);
        }
        FOLD_MAX(top);
        FOLD_MAX(peak);
        float sum = 0;
        for (long s = first; s < states; s += step) sum += exp(alphas[row + s] + here[s] - peak);
        FOLD_SUM(sum);
        for (long s = first; s < states; s += step) {
            posteriors[row + s] = t < length && isPossible ? exp(alphas[row + s] + here[s] - peak) / sum : 0;
            if (!(top < 0.1f * NOTHING)) here[s] -= top;
        }
        MEET;
    }
}
