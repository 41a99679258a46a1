#include "losskit_alignment.h"

#include <math.h>

static const float nothing = -1e30f;

static inline float larger(float a, float b) { return a > b || isnan(a) ? a : b; }

static inline float log_sum(float a, float b, float c) {
    const float peak = larger(larger(a, b), c);
    return peak + logf(expf(a - peak) + expf(b - peak) + expf(c - peak));
}

static inline float held(float emission) { return emission < nothing ? nothing : emission; }

/// Shifts a frame's logarithms to a maximum of 0, unless there is nothing in it; gives the shift.
static float shifted(float *values, int64_t count) {
    float peak = -INFINITY;
    for (int64_t s = 0; s < count; s++) peak = larger(peak, values[s]);
    if (peak < 0.1f * nothing) return 0;
    for (int64_t s = 0; s < count; s++) values[s] -= peak;
    return peak;
}

void losskit_alignment_forward(const losskit_alignment *call, float *alphas, float *losses, int64_t begin, int64_t end) {
    const int64_t states = call->states, stride = call->rows * states;
    for (int64_t n = begin; n < end; n++) {
        const float *skips = call->skips + n * states;
        double shift = 0;
        for (int64_t t = 0; t < call->frames; t++) {
            const float *emissions = call->emissions + t * stride + n * states;
            float *here = alphas + t * stride + n * states;
            const float *before = t > 0 ? here - stride : here;
            for (int64_t s = 0; s < states; s++) {
                if (t == 0) {
                    here[s] = (s < 2 ? 0 : nothing) + held(emissions[s]);
                } else if (t < call->lengths[n]) {
                    const float one = s >= 1 ? before[s - 1] : nothing, two = s >= 2 ? before[s - 2] + skips[s] : nothing;
                    here[s] = log_sum(before[s], one, two) + held(emissions[s]);
                } else {
                    here[s] = before[s];
                }
            }
            shift += shifted(here, states);
        }
        const float *last = alphas + (call->frames - 1) * stride + n * states + 2 * call->sizes[n];
        losses[n] = (float)-(shift + log_sum(last[0], call->sizes[n] > 0 ? last[-1] : nothing, nothing));
    }
}

void losskit_alignment_backward(
    const losskit_alignment *call, const float *alphas, const float *losses, float *betas, float *posteriors, int64_t begin, int64_t end) {
    const int64_t states = call->states, stride = call->rows * states;
    for (int64_t n = begin; n < end; n++) {
        const float *skips = call->skips + n * states;
        const int32_t length = call->lengths[n], size = call->sizes[n];
        const int isPossible = !(losses[n] > -0.1f * nothing);
        for (int64_t t = call->frames - 1; t >= 0; t--) {
            const float *alpha = alphas + t * stride + n * states;
            const float *after = call->emissions + (t + 1 < call->frames ? t + 1 : t) * stride + n * states;
            const float *next = betas + (2 * n + (t + 1) % 2) * states;
            float *here = betas + (2 * n + t % 2) * states, *posterior = posteriors + t * stride + n * states;
            float peak = -INFINITY, sum = 0;
            for (int64_t s = 0; s < states; s++) {
                if (t >= length - 1) {
                    here[s] = s == 2 * size || s == 2 * size - 1 ? 0 : nothing;
                } else {
                    const float own = next[s] + held(after[s]);
                    const float one = s + 1 < states ? next[s + 1] + held(after[s + 1]) : nothing;
                    const float two = s + 2 < states ? next[s + 2] + held(after[s + 2]) + skips[s + 2] : nothing;
                    here[s] = log_sum(own, one, two);
                }
                peak = larger(peak, alpha[s] + here[s]);
            }
            for (int64_t s = 0; s < states; s++) sum += posterior[s] = expf(alpha[s] + here[s] - peak);
            for (int64_t s = 0; s < states; s++) posterior[s] = t < length && isPossible ? posterior[s] / sum : 0;
            shifted(here, states);
        }
    }
}
