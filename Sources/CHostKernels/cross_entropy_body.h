// Softmax cross-entropy for one instruction set.

#include "vector_math.h"
#include "conversion.h"
#include "row_sums.h"
#include "softmax_block.h"
#include "softmax_tile.h"

lk_inline const float *LK(logits_of)(const losskit_cross_entropy *g, int64_t row, int64_t at, int64_t length, float *scratch) {
    const losskit_cross_entropy_options *o = &g->options;
    return LK(softmax_block)(g->logits, o->logits_type, g->bias ? g->bias + o->first_class + at : 0, o->soft_cap, o->inverse_temperature,
                             row * o->classes + at, length, scratch);
}

static inline float LK(class_weight)(const losskit_cross_entropy *g, int64_t k) { return g->weights ? g->weights[k] : 1; }

// Adds sum over k of m_k (z_k - reference) and of m_k, for the masses m that depend on k alone or are given; 0 times minus infinity is 0.
static void LK(add_score)(const losskit_cross_entropy *g, const float *z, int64_t row, int64_t at, int64_t length, float reference,
                          losskit_cross_entropy_part *part) {
    const losskit_cross_entropy_options *o = &g->options;
    float share = o->smoothing / o->total_classes, kept = 1 - o->smoothing, score, mass;
    const float *w = g->weights ? g->weights + o->first_class + at : 0;
#define ADD(m) \
    do { \
        ROW_SUM(score, length, (m) == 0 ? 0 : (m) * (z[i] - reference)); \
        ROW_SUM(mass, length, (m)); \
    } while (0)
    if (o->has_masses) {
        const float *q = g->masses + row * o->classes + at;
        if (w) ADD(w[i] * (kept * q[i] + share));
        else ADD(kept * q[i] + share);
    } else if (w) ADD(share * w[i]);
    else ADD(share);
#undef ADD
    part->score += score;
    part->mass += mass;
}

// By blocks that stay in cache, rescaled when the maximum grows.
static void LK(losskit_cross_entropy_forward_part)(const losskit_cross_entropy *g, int64_t row, int64_t begin, int64_t end,
                                                   losskit_cross_entropy_part *part) {
    const losskit_cross_entropy_options *o = &g->options;
    int64_t size = o->logits_type == 0 ? 4 : 2;
    int scores = o->has_masses || (o->label_bytes && o->smoothing != 0);
    float scratch[SOFTMAX_BLOCK];
    *part = (losskit_cross_entropy_part){.maximum = -INFINITY};
    for (int64_t at = begin; at < end; at += SOFTMAX_BLOCK) {
        int64_t length = end - at < SOFTMAX_BLOCK ? end - at : SOFTMAX_BLOCK;
        const float *z = LK(logits_of)(g, row, at, length, scratch);
        float peak = LK(row_peak)(z, length);
        if (peak > part->maximum) {
            if (part->maximum > -INFINITY) {
                part->sum *= exp((double)part->maximum - peak);
                if (part->mass != 0) part->score += part->mass * ((double)part->maximum - peak);
            }
            part->maximum = peak;
            if (o->wants_predictions) {
                int64_t i = 0;
                while (z[i] != peak) i++;
                part->best = (int32_t)(at + i);
            }
        }
        float reference = part->maximum == -INFINITY ? 0 : part->maximum;
        if (scores) LK(add_score)(g, z, row, at, length, reference, part);
        if (part->maximum == -INFINITY || part->maximum == INFINITY) {
            // Sums of exponentials find a NaN themselves.
            float found = LK(row_maximum)(z, length);
            if (found != found) part->sum = found;
            continue;
        }
        // The next block comes while this one is computed.
        const char *next = (const char *)g->logits + (row * o->classes + at + length) * size;
        float lanes[LANES] = {0}, rest[LANES], sum = 0;
        int64_t whole = length & ~(int64_t)(LANES - 1);
        for (int64_t from = 0; from < whole; from += 256) {
            int64_t to = whole - from < 256 ? whole : from + 256;
            for (int64_t line = from * size; line < to * size; line += 64) __builtin_prefetch(next + line);
            for (int64_t i = from; i < to; i += LANES)
                for (int l = 0; l < LANES; l++) lanes[l] += LK(exp_below)(z[i + l] - reference);
        }
        for (int l = 0; l < LANES; l++) rest[l] = -INFINITY;
        memcpy(rest, z + whole, (size_t)(length - whole) * sizeof *z);
        for (int l = 0; l < LANES; l++) lanes[l] += LK(exp_below)(rest[l] - reference);
        for (int l = 0; l < LANES; l++) sum += lanes[l];
        part->sum += sum;
    }
    if (part->sum != part->sum) *part = (losskit_cross_entropy_part){.maximum = NAN, .sum = NAN, .score = NAN, .mass = NAN, .best = -1};
}

static losskit_cross_entropy_part LK(merged)(const losskit_cross_entropy_part *parts, int64_t count) {
    if (count == 1) return parts[0];
    losskit_cross_entropy_part all = {.maximum = -INFINITY};
    for (int64_t i = 0; i < count; i++) {
        float m = parts[i].maximum;
        if (m > all.maximum || m != m) {
            all.maximum = m;
            all.best = parts[i].best;
        }
    }
    for (int64_t i = 0; i < count; i++) {
        double down = parts[i].maximum == all.maximum || parts[i].maximum == -INFINITY ? 0 : (double)parts[i].maximum - all.maximum;
        all.sum += parts[i].sum * exp(down);
        all.score += parts[i].score + (parts[i].mass != 0 ? parts[i].mass * down : 0);
        all.mass += parts[i].mass;
    }
    return all;
}

static void LK(losskit_cross_entropy_finish)(const losskit_cross_entropy *g, int64_t row, const losskit_cross_entropy_part *parts,
                                             int64_t count) {
    const losskit_cross_entropy_options *o = &g->options;
    losskit_cross_entropy_part all = LK(merged)(parts, count);
    int isFinite = all.maximum - all.maximum == 0;
    double above = isFinite ? log(all.sum) : 0, partition = all.maximum + above;
    g->log_partition[row] = (float)partition;
    if (g->predictions) g->predictions[row] = all.best;
    double score = all.score - (all.mass != 0 ? all.mass * above : 0);
    if (o->label_bytes) {
        int64_t label = losskit_cross_entropy_label(g, row);
        if (label == o->ignored) {
            g->loss[row] = g->mass[row] = 0;
            return;
        }
        float kept = (1 - o->smoothing) * LK(class_weight)(g, label), own;
        const float *z = g->own ? g->own + row : LK(logits_of)(g, row, label, 1, &own);
        if (kept != 0) score += kept * ((double)*z - all.maximum - above);
        all.mass += kept;
    }
    double loss = -score + (o->z_loss != 0 ? o->z_loss * partition * partition : 0);
    g->mass[row] = (float)all.mass;
    g->loss[row] = all.maximum == -INFINITY ? 0 : (float)(loss * (g->scales ? g->scales[row] : 1));
}

// Rows that lie together, the first of which stands at the beginning of memory of the logits' type.
static losskit_cross_entropy LK(gathered)(const losskit_cross_entropy *g, int64_t row, void *logits, void *gradient) {
    losskit_cross_entropy rows = *g;
    int64_t before = row * g->options.classes * (g->options.logits_type == 0 ? 4 : 2);
    rows.logits = (char *)logits - before;
    rows.gradient = (char *)gradient - before;
    rows.inner = 1;
    rows.options.streams = 0;
    return rows;
}

static void LK(losskit_cross_entropy_forward)(const losskit_cross_entropy *g, int64_t begin, int64_t end) {
    const losskit_cross_entropy_options *o = &g->options;
    if (g->inner > 1) {
        float tile[TILE_ROWS * o->classes];
        for (int64_t row = begin, count; row < end; row += count) {
            count = LK(tile_count)(row, end, g->inner);
            LK(tile_take)(g->logits, o->logits_type, row, count, o->classes, g->inner, tile);
            losskit_cross_entropy rows = LK(gathered)(g, row, tile, tile);
            LK(losskit_cross_entropy_forward)(&rows, row, row + count);
        }
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        if (o->label_bytes && !o->reads_ignored && losskit_cross_entropy_label(g, row) == o->ignored) {
            g->loss[row] = g->log_partition[row] = g->mass[row] = 0;
            if (g->predictions) g->predictions[row] = -1;
            continue;
        }
        losskit_cross_entropy_part part;
        LK(losskit_cross_entropy_forward_part)(g, row, 0, o->classes, &part);
        LK(losskit_cross_entropy_finish)(g, row, &part, 1);
    }
}

static void LK(losskit_cross_entropy_stretch)(const losskit_cross_entropy *g, int64_t begin, int64_t end, losskit_cross_entropy_part *parts,
                                              int32_t is_first, int32_t is_last) {
    const losskit_cross_entropy_options *o = &g->options;
    for (int64_t row = begin; row < end; row++) {
        losskit_cross_entropy_part pair[2];
        LK(losskit_cross_entropy_forward_part)(g, row, 0, o->classes, &pair[1]);
        pair[1].best += (int32_t)o->first_class;
        if (!is_first) pair[0] = parts[row];
        parts[row] = is_first ? pair[1] : LK(merged)(pair, 2);
        int64_t column = o->label_bytes ? losskit_cross_entropy_label(g, row) - o->first_class : -1;
        float scratch;
        if (column >= 0 && column < o->classes) g->own[row] = *LK(logits_of)(g, row, column, 1, &scratch);
        if (is_last) LK(losskit_cross_entropy_finish)(g, row, parts + row, 1);
    }
}

static void LK(losskit_cross_entropy_backward)(const losskit_cross_entropy *g, int64_t row, int64_t begin, int64_t end) {
    const losskit_cross_entropy_options *o = &g->options;
    int64_t n = o->classes, label = o->label_bytes ? losskit_cross_entropy_label(g, row) : -1;
    int isValid = !o->label_bytes || label != o->ignored;
    float partition = g->log_partition[row];
    float c = o->cotangent_factor * (g->cotangent ? g->cotangent[row * o->cotangent_stride] : 1) * (g->scales ? g->scales[row] : 1);
    if (o->reduction == 2) c = g->totals[1] == 0 ? 0 : c / g->totals[1];
    float own = o->partition_cotangent_factor *
                (g->partition_cotangent ? g->partition_cotangent[row * o->partition_cotangent_stride] : 1);
    if (!isValid) c = 0;
    if (!isValid && !o->reads_ignored) own = 0;
    if (partition == -INFINITY || (!isValid && own == 0)) {
        LK(softmax_clear)(g->gradient, o->logits_type, row * n + begin, end - begin);
        return;
    }
    float share = o->smoothing / o->total_classes, kept = 1 - o->smoothing;
    float factor = c * (g->mass[row] + 2 * o->z_loss * partition) + own, flat = c * share;
    float scratch[SOFTMAX_BLOCK];
    _Alignas(64) float out[SOFTMAX_BLOCK];
    for (int64_t at = begin; at < end; at += SOFTMAX_BLOCK) {
        int64_t length = end - at < SOFTMAX_BLOCK ? end - at : SOFTMAX_BLOCK;
        const float *z = LK(logits_of)(g, row, at, length, scratch);
        const float *w = g->weights ? g->weights + o->first_class + at : 0;
#define WRITE(less) for (int64_t i = 0; i < length; i++) out[i] = factor * LK(exp_below)(z[i] - partition) - (less)
        if (o->has_masses) {
            const float *q = g->masses + row * n + at;
            if (w) WRITE(c * w[i] * (kept * q[i] + share));
            else WRITE(c * (kept * q[i] + share));
        } else if (w && flat != 0) WRITE(flat * w[i]);
        else WRITE(flat);
#undef WRITE
        int64_t column = label - o->first_class - at;
        if (isValid && label >= 0 && column >= 0 && column < length) {
            // The target's p - 1 is formed from 1 - p, which does not cancel when it is rounded late.
            float p = LK(lk_exp)(z[column] - partition), weight = LK(class_weight)(g, label), whole = kept * weight;
            out[column] = c * (whole * (p - 1) + (g->mass[row] - whole) * p - share * weight + 2 * o->z_loss * partition * p) + own * p;
        }
        LK(softmax_chain)(out, z, length, o->soft_cap, o->inverse_temperature);
        LK(softmax_store)(g->gradient, o->logits_type, row * n + at, length, out, o->streams);
    }
}

static void LK(losskit_cross_entropy_backward_apart)(const losskit_cross_entropy *g, int64_t begin, int64_t end) {
    const losskit_cross_entropy_options *o = &g->options;
    float tile[TILE_ROWS * o->classes], slopes[TILE_ROWS * o->classes];
    for (int64_t row = begin, count; row < end; row += count) {
        count = LK(tile_count)(row, end, g->inner);
        LK(tile_take)(g->logits, o->logits_type, row, count, o->classes, g->inner, tile);
        losskit_cross_entropy rows = LK(gathered)(g, row, tile, slopes);
        for (int64_t r = row; r < row + count; r++) LK(losskit_cross_entropy_backward)(&rows, r, 0, o->classes);
        LK(tile_put)(g->gradient, o->logits_type, row, count, o->classes, g->inner, slopes);
    }
}

#undef LANES
#undef ROW_SUM
#undef TILE_ROWS
