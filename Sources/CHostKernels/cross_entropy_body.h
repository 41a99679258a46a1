// Softmax cross-entropy for one instruction set.

#include "vector_math.h"
#include "row_sums.h"

enum { LK(softmax_block) = 2048 };

// log sum exp by blocks that stay in cache, rescaled when the maximum grows.
static float LK(log_partition)(const float *x, int64_t n) {
    float maximum = -INFINITY;
    double total = 0;
    for (int64_t at = 0; at < n; at += LK(softmax_block)) {
        int64_t length = n - at < LK(softmax_block) ? n - at : LK(softmax_block);
        const float *block = x + at;
        float peak = LK(row_maximum)(block, length);
        if (peak != peak) return peak;
        if (peak > maximum) {
            total *= exp((double)maximum - peak);
            maximum = peak;
        }
        if (maximum == -INFINITY) continue;
        if (maximum == INFINITY) return INFINITY;
        float sum;
        ROW_SUM(sum, length, LK(lk_exp)(block[i] - maximum));
        total += sum;
    }
    return maximum == -INFINITY ? maximum : maximum + (float)log(total);
}

static void LK(losskit_cross_entropy_forward)(const losskit_cross_entropy *g, int64_t begin, int64_t end, float *loss, float *log_partition,
                                             float *row_weight) {
    int64_t n = g->classes;
    float share = n ? g->smoothing / n : 0;
    for (int64_t row = begin; row < end; row++) {
        const float *x = g->logits + row * n;
        float partition = LK(log_partition)(x, n), score;
        log_partition[row] = partition;
        if (g->labels) {
            int64_t label = g->labels[row];
            if (label == g->ignored) {
                loss[row] = row_weight[row] = 0;
                continue;
            }
            float weight = g->weights ? g->weights[label] : 1;
            float kept = (1 - g->smoothing) * weight;
            // z - L is formed for each term, as both can be large.
            score = kept != 0 ? kept * (x[label] - partition) : 0;
            if (share != 0) {
                float rest;
                if (g->weights) ROW_SUM(rest, n, g->weights[i] * (x[i] - partition));
                else ROW_SUM(rest, n, x[i] - partition);
                score += share * rest;
            }
            row_weight[row] = weight;
        } else {
            const float *q = g->targets + row * n;
            float kept = 1 - g->smoothing;
#define TERM(w) (w * (kept * q[i] + share) == 0 ? 0 : w * (kept * q[i] + share) * (x[i] - partition))
            if (g->weights) ROW_SUM(score, n, TERM(g->weights[i]));
            else ROW_SUM(score, n, TERM(1));
#undef TERM
            row_weight[row] = 1;
        }
        loss[row] = -score + (g->z_loss != 0 ? g->z_loss * partition * partition : 0);
    }
}

static void LK(losskit_cross_entropy_backward)(const losskit_cross_entropy *g, int64_t begin, int64_t end, const float *log_partition,
                                              const float *cotangent, float *gradient) {
    int64_t n = g->classes;
    float share = n ? g->smoothing / n : 0;
    for (int64_t row = begin; row < end; row++) {
        const float *x = g->logits + row * n;
        float *out = gradient + row * n;
        float partition = log_partition[row], c = cotangent[row], extra = 2 * g->z_loss * partition;
        if (g->labels) {
            int64_t label = g->labels[row];
            if (label == g->ignored) {
                memset(out, 0, (size_t)n * sizeof *out);
                continue;
            }
            float kept = (1 - g->smoothing) * (g->weights ? g->weights[label] : 1);
            float mass = c * (kept + share * g->weight_sum + extra), flat = c * share;
            if (g->weights) for (int64_t i = 0; i < n; i++) out[i] = mass * LK(lk_exp)(x[i] - partition) - flat * g->weights[i];
            else for (int64_t i = 0; i < n; i++) out[i] = mass * LK(lk_exp)(x[i] - partition) - flat;
            // The target's p - 1 is formed from 1 - p, which does not cancel when it is rounded late.
            float p = LK(lk_exp)(x[label] - partition);
            float weight = g->weights ? g->weights[label] : 1;
            out[label] = c * (kept * (p - 1) + share * (g->weight_sum * p - weight) + extra * p);
        } else {
            const float *q = g->targets + row * n;
            float kept = 1 - g->smoothing, mass;
            if (g->weights) ROW_SUM(mass, n, g->weights[i] * (kept * q[i] + share));
            else ROW_SUM(mass, n, kept * q[i] + share);
            for (int64_t i = 0; i < n; i++) {
                float weight = g->weights ? g->weights[i] : 1;
                out[i] = c * ((mass + extra) * LK(lk_exp)(x[i] - partition) - weight * (kept * q[i] + share));
            }
        }
    }
}

#undef LANES
#undef ROW_SUM
