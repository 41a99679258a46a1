// Softmax cross-entropy of hidden weight^T + bias, a block of rows at a time, for one instruction set.

#include "vector_math.h"
#include "conversion.h"
#include "row_sums.h"
#include "softmax_block.h"
#include "panel_product.h"

#define TILE losskit_linear_tile

typedef struct LK(linear_panel) {
    // The panel's logits or slopes in a tile, and its rows within the block: where they begin, how many there are, and with the padding.
    float *values;
    int64_t row, count, width;
    // The tile's classes.
    int64_t begin, length;
} LK(linear_panel);

lk_inline int64_t LK(linear_panels)(const losskit_linear_cross_entropy *g) { return (g->padded + PANEL - 1) / PANEL; }

lk_inline LK(linear_panel) LK(linear_panel_at)(const losskit_linear_cross_entropy *g, int64_t tile, int64_t panel) {
    int64_t row = panel * PANEL, begin = tile * TILE, left = g->rows.options.classes - begin;
    int64_t width = g->padded - row < PANEL ? g->padded - row : PANEL;
    return (LK(linear_panel)){
        .values = g->logits + begin * g->padded + row * TILE, .row = row, .count = g->count - row < width ? g->count - row : width,
        .width = width, .begin = begin, .length = left < TILE ? left : TILE};
}

static void LK(losskit_linear_cross_entropy_pack_features)(const losskit_linear_cross_entropy *g) {
    for (int64_t panel = 0; panel < LK(linear_panels)(g); panel++) {
        LK(linear_panel) p = LK(linear_panel_at)(g, 0, panel);
        float *to = g->packed + p.row * g->features;
        for (int64_t k = 0; k < g->features; k++) for (int64_t j = 0; j < p.width; j++)
            to[k * p.width + j] = j < p.count ? g->hidden[(g->first + p.row + j) * g->features + k] : 0;
    }
}

// Features of a panel of hidden states packed by rows, rounded up to whole vectors.
lk_inline int64_t LK(linear_columns)(int64_t features, int64_t from) {
    int64_t left = (features - from + PANEL_LANES - 1) / PANEL_LANES * PANEL_LANES;
    return left < PANEL ? left : PANEL;
}

static void LK(losskit_linear_cross_entropy_pack_rows)(const losskit_linear_cross_entropy *g) {
    for (int64_t d = 0; d < g->features; d += PANEL) {
        int64_t width = LK(linear_columns)(g->features, d), here = g->features - d < width ? g->features - d : width;
        float *to = g->packed + d * g->padded;
        for (int64_t row = 0; row < g->padded; row++) for (int64_t j = 0; j < width; j++)
            to[row * width + j] = row < g->count && j < here ? g->hidden[(g->first + row) * g->features + d + j] : 0;
    }
}

// Bias, soft cap and temperature.
static void LK(linear_shape)(const losskit_linear_cross_entropy *g, LK(linear_panel) p) {
    const losskit_cross_entropy_options *o = &g->rows.options;
    if (!g->rows.bias && o->soft_cap == 0 && o->inverse_temperature == 1) return;
    for (int64_t k = 0; k < p.length; k++) {
        float bias = g->rows.bias ? g->rows.bias[p.begin + k] : 0, *z = p.values + k * p.width;
        for (int64_t j = 0; j < p.width; j++) z[j] += bias;
        if (o->soft_cap != 0) for (int64_t j = 0; j < p.width; j++) z[j] = o->soft_cap * LK(lk_tanh)(z[j] / o->soft_cap);
        if (o->inverse_temperature != 1) for (int64_t j = 0; j < p.width; j++) z[j] *= o->inverse_temperature;
    }
}

// Adds a tile to its rows' parts, relative to the largest logit so far.
static void LK(linear_sums)(const losskit_linear_cross_entropy *g, LK(linear_panel) p, int64_t part) {
    const losskit_cross_entropy_options *o = &g->rows.options;
    int64_t parts = (o->classes + losskit_linear_part - 1) / losskit_linear_part;
    float share = o->smoothing / o->total_classes, mass = 0;
    if (share != 0) for (int64_t k = 0; k < p.length; k++) mass += share * (g->rows.weights ? g->rows.weights[p.begin + k] : 1);
    for (int64_t j = 0; j < p.width; j += PANEL_LANES) {
        const float *z = p.values + j;
        float peak[PANEL_LANES], reference[PANEL_LANES], sum[PANEL_LANES] = {0}, score[PANEL_LANES] = {0};
        for (int l = 0; l < PANEL_LANES; l++) peak[l] = -INFINITY;
        for (int64_t k = 0; k < p.length; k++)
            for (int l = 0; l < PANEL_LANES; l++) peak[l] = z[k * p.width + l] > peak[l] ? z[k * p.width + l] : peak[l];
        losskit_cross_entropy_part *own = g->parts + (p.row + j) * parts + part;
        for (int l = 0; l < PANEL_LANES; l++, own += parts) {
            if (peak[l] > own->maximum) {
                if (own->maximum > -INFINITY) {
                    own->sum *= exp((double)own->maximum - peak[l]);
                    if (own->mass != 0) own->score += own->mass * ((double)own->maximum - peak[l]);
                }
                own->maximum = peak[l];
            }
            reference[l] = own->maximum - own->maximum == 0 ? own->maximum : 0;
        }
        for (int64_t k = 0; k < p.length; k++) for (int l = 0; l < PANEL_LANES; l++) {
            float below = z[k * p.width + l] - reference[l];
            sum[l] += LK(exp_below)(below > 0 ? 0 : below);
        }
        if (share != 0) for (int64_t k = 0; k < p.length; k++) {
            float m = share * (g->rows.weights ? g->rows.weights[p.begin + k] : 1);
            if (m != 0) for (int l = 0; l < PANEL_LANES; l++) score[l] += m * (z[k * p.width + l] - reference[l]);
        }
        own = g->parts + (p.row + j) * parts + part;
        for (int l = 0; l < PANEL_LANES; l++, own += parts) {
            own->sum += sum[l];
            own->score += score[l];
            own->mass += mass;
        }
    }
}

static void LK(losskit_linear_cross_entropy_logits)(const losskit_linear_cross_entropy *g, int64_t begin, int64_t end) {
    int64_t classes = g->rows.options.classes, features = g->features;
    int64_t parts = (classes + losskit_linear_part - 1) / losskit_linear_part, tiles = (classes + TILE - 1) / TILE;
    for (int64_t part = begin; part < end; part++) {
        for (int64_t row = 0; row < g->padded; row++) g->parts[row * parts + part] = (losskit_cross_entropy_part){.maximum = -INFINITY};
        int64_t tile = part * (losskit_linear_part / TILE), last = tile + losskit_linear_part / TILE;
        for (; tile < last && tile < tiles; tile++) for (int64_t panel = 0; panel < LK(linear_panels)(g); panel++) {
            LK(linear_panel) p = LK(linear_panel_at)(g, tile, panel);
            const float *w = g->weight + p.begin * features, *x = g->packed + p.row * features;
            // The next rows of the weight, spread over the steps of these ones.
            LK(panel_ahead) ahead = {w + HEIGHT * features, features, HEIGHT};
            if (panel > 0) ahead = (LK(panel_ahead)){x, 0, 0};
            LK(panel_product)(w, features, 1, x, features, p.values, p.width, p.length, p.width, 0, ahead);
            LK(linear_shape)(g, p);
            LK(linear_sums)(g, p, part);
            for (int64_t j = 0; j < p.count; j++) {
                int64_t row = g->first + p.row + j, column = losskit_cross_entropy_label(&g->rows, row) - p.begin;
                if (column >= 0 && column < p.length) g->rows.own[row] = p.values[column * p.width + j];
            }
        }
        for (int64_t row = 0; row < g->padded; row++) {
            losskit_cross_entropy_part *own = g->parts + row * parts + part;
            if (own->sum != own->sum) *own = (losskit_cross_entropy_part){.maximum = NAN, .sum = NAN, .score = NAN, .mass = NAN};
        }
    }
}

static void LK(losskit_linear_cross_entropy_finish)(const losskit_linear_cross_entropy *g) {
    const losskit_cross_entropy_options *o = &g->rows.options;
    int64_t parts = (o->classes + losskit_linear_part - 1) / losskit_linear_part;
    for (int64_t j = 0; j < g->padded; j++) {
        // Rows that count for nothing: exp(z - infinity) is 0 for every z.
        g->shift[j] = INFINITY;
        g->factor[j] = g->flat[j] = 0;
        if (j >= g->count) continue;
        int64_t row = g->first + j;
        losskit_cross_entropy_finish(&g->rows, row, g->parts + j * parts, parts);
        float partition = g->rows.log_partition[row];
        if (partition == -INFINITY) continue;
        float c = g->cotangent * (g->rows.scales ? g->rows.scales[row] : 1);
        g->shift[j] = partition;
        g->factor[j] = c * (g->rows.mass[row] + 2 * o->z_loss * partition);
        g->flat[j] = c * (o->smoothing / o->total_classes);
    }
}

// The slope of a row's label, whose p - 1 is formed from 1 - p, which does not cancel when it is rounded late.
static float LK(linear_label_slope)(const losskit_linear_cross_entropy *g, int64_t row, int64_t label) {
    const losskit_cross_entropy_options *o = &g->rows.options;
    float partition = g->rows.log_partition[row], p = LK(lk_exp)(g->rows.own[row] - partition);
    float weight = g->rows.weights ? g->rows.weights[label] : 1, whole = (1 - o->smoothing) * weight;
    float c = g->cotangent * (g->rows.scales ? g->rows.scales[row] : 1);
    float slope = c * (whole * (p - 1) + (g->rows.mass[row] - whole) * p - o->smoothing / o->total_classes * weight
                       + 2 * o->z_loss * partition * p);
    LK(softmax_chain)(&slope, g->rows.own + row, 1, o->soft_cap, o->inverse_temperature);
    return slope;
}

// Whether no slope is as large as the threshold, before the rows' own factors.
static int LK(linear_is_small)(const losskit_linear_cross_entropy *g, LK(linear_panel) p) {
    for (int64_t j = 0; j < p.count; j++) {
        float c = g->cotangent * (g->rows.scales ? g->rows.scales[g->first + p.row + j] : 1), least = g->threshold * LK_ABS(c), most = 0;
        for (int64_t k = 0; k < p.length; k++) {
            float size = LK_ABS(p.values[k * p.width + j]);
            most = size > most || size != size ? size : most;
        }
        if (!(most < least || most == 0)) return 0;
    }
    return 1;
}

static void LK(losskit_linear_cross_entropy_slopes)(const losskit_linear_cross_entropy *g, int64_t begin, int64_t end) {
    const losskit_cross_entropy_options *o = &g->rows.options;
    int chains = o->soft_cap != 0 || o->inverse_temperature != 1;
    int64_t panels = LK(linear_panels)(g);
    for (int64_t tile = begin; tile < end; tile++) for (int64_t panel = 0; panel < panels; panel++) {
        LK(linear_panel) p = LK(linear_panel_at)(g, tile, panel);
        const float *shift = g->shift + p.row, *factor = g->factor + p.row, *flat = g->flat + p.row;
        for (int64_t k = 0; k < p.length; k++) {
            float *z = p.values + k * p.width, weight = g->rows.weights ? g->rows.weights[p.begin + k] : 1, slope[PANEL];
            for (int64_t j = 0; j < p.width; j++) slope[j] = factor[j] * LK(exp_below)(z[j] - shift[j]) - flat[j] * weight;
            if (chains) LK(softmax_chain)(slope, z, p.width, o->soft_cap, o->inverse_temperature);
            memcpy(z, slope, (size_t)p.width * sizeof *z);
        }
        for (int64_t j = 0; j < p.count; j++) {
            int64_t row = g->first + p.row + j, label = losskit_cross_entropy_label(&g->rows, row), column = label - p.begin;
            if (column < 0 || column >= p.length || g->rows.log_partition[row] == -INFINITY) continue;
            p.values[column * p.width + j] = LK(linear_label_slope)(g, row, label);
        }
        if (g->skipped) g->skipped[tile * panels + panel] = (uint8_t)LK(linear_is_small)(g, p);
        if (g->bias_gradient) for (int64_t k = 0; k < p.length; k++) {
            float sum;
            const float *x = p.values + k * p.width;
            ROW_SUM(sum, p.width, x[i]);
            float *to = g->bias_gradient + p.begin + k;
            *to = g->is_first && panel == 0 ? sum : *to + sum;
        }
    }
}

static void LK(losskit_linear_cross_entropy_hidden)(const losskit_linear_cross_entropy *g, int64_t panel, int64_t group) {
    int64_t features = g->features, tiles = (g->rows.options.classes + TILE - 1) / TILE, panels = LK(linear_panels)(g);
    int64_t d = group * losskit_linear_group, height = features - d < losskit_linear_group ? features - d : losskit_linear_group;
    LK(linear_panel) p = LK(linear_panel_at)(g, 0, panel);
    float *sums = g->packed + p.row * features + d * p.width;
    memset(sums, 0, (size_t)(height * p.width) * sizeof *sums);
    for (int64_t tile = 0; tile < tiles; tile++) {
        if (g->skipped && g->skipped[tile * panels + panel]) continue;
        p = LK(linear_panel_at)(g, tile, panel);
        const float *w = g->weight + p.begin * features + d;
        LK(panel_ahead) ahead = {w + TILE * features, 1, features};
        LK(panel_product)(w, 1, features, p.values, p.length, sums, p.width, height, p.width, 1, ahead);
    }
    for (int64_t j = 0; j < p.count; j++) for (int64_t i = 0; i < height; i++)
        g->hidden_gradient[(g->first + p.row + j) * features + d + i] = sums[i * p.width + j];
}

static void LK(losskit_linear_cross_entropy_weight)(const losskit_linear_cross_entropy *g, int64_t begin, int64_t end) {
    int64_t features = g->features, panels = LK(linear_panels)(g);
    for (int64_t tile = begin; tile < end; tile++) {
        int adds = !g->is_first;
        for (int64_t panel = 0; panel < panels; panel++) {
            LK(linear_panel) p = LK(linear_panel_at)(g, tile, panel);
            int64_t count = g->skipped && g->skipped[tile * panels + panel] ? 0 : p.width;
            if (count == 0 && (adds || panel + 1 < panels)) continue;
            for (int64_t v = 0; v < p.length; v += HEIGHT) for (int64_t d = 0; d < features; d += PANEL) {
                int64_t height = p.length - v < HEIGHT ? p.length - v : HEIGHT, width = LK(linear_columns)(features, d);
                const float *x = g->packed + d * g->padded + p.row * width, *slopes = p.values + v * p.width;
                float *to = g->weight_gradient + (p.begin + v) * features + d, spill[HEIGHT * PANEL];
                // The next rows of the gradient, spread over the steps of these ones.
                LK(panel_ahead) ahead = {to + HEIGHT * features - d + d * HEIGHT, 0, HEIGHT};
                if (d + width <= features) LK(panel_product)(slopes, p.width, 1, x, count, to, features, height, width, adds, ahead);
                else {
                    LK(panel_product)(slopes, p.width, 1, x, count, spill, PANEL, height, width, 0, ahead);
                    for (int64_t i = 0; i < height; i++) for (int64_t j = 0; j < features - d; j++)
                        to[i * features + j] = (adds ? to[i * features + j] : 0) + spill[i * PANEL + j];
                }
            }
            adds = 1;
        }
    }
}

static void LK(losskit_scale)(float *values, int64_t begin, int64_t end, float factor) {
    for (int64_t i = begin; i < end; i++) values[i] *= factor;
}

#undef LANES
#undef ROW_SUM
#undef PANEL
#undef PANEL_LANES
#undef HEIGHT
#undef TILE
