#include "losskit_cross_entropy.h"

#include <math.h>
#include <string.h>

int64_t losskit_cross_entropy_label(const losskit_cross_entropy *g, int64_t row) {
    return g->options.label_bytes == 8 ? ((const int64_t *)g->labels)[row] : ((const int32_t *)g->labels)[row];
}

int64_t losskit_cross_entropy_offender(const losskit_cross_entropy *g) {
    for (int64_t row = 0; g->options.label_bytes && row < g->options.rows; row++) {
        int64_t label = losskit_cross_entropy_label(g, row);
        if (label != g->options.ignored && (label < 0 || label >= g->options.total_classes)) return row;
    }
    return -1;
}

void losskit_cross_entropy_total(const losskit_cross_entropy *g) {
    double loss = 0, weight = 0;
    int64_t right = 0, count = 0;
    for (int64_t row = 0; row < g->options.rows; row++) {
        loss += g->loss[row];
        if (!g->options.label_bytes) {
            weight += 1;
            continue;
        }
        int64_t label = losskit_cross_entropy_label(g, row);
        if (label == g->options.ignored) continue;
        weight += g->weights ? g->weights[label] : 1;
        count++;
        if (g->predictions && g->predictions[row] == label) right++;
    }
    g->totals[0] = (float)(g->options.reduction == 2 ? loss / weight : loss);
    g->totals[1] = (float)weight;
    g->totals[2] = (float)((double)right / count);
    g->totals[3] = (float)count;
}

#define LK_BODY "cross_entropy_body.h"
#include "isa.h"

LK_DISPATCH(losskit_cross_entropy_forward, (const losskit_cross_entropy *given, int64_t begin, int64_t end), (given, begin, end))
LK_DISPATCH(losskit_cross_entropy_forward_part,
            (const losskit_cross_entropy *given, int64_t row, int64_t begin, int64_t end, losskit_cross_entropy_part *part),
            (given, row, begin, end, part))
LK_DISPATCH(losskit_cross_entropy_finish,
            (const losskit_cross_entropy *given, int64_t row, const losskit_cross_entropy_part *parts, int64_t count),
            (given, row, parts, count))
LK_DISPATCH(losskit_cross_entropy_stretch,
            (const losskit_cross_entropy *given, int64_t begin, int64_t end, losskit_cross_entropy_part *parts, int32_t is_first, int32_t is_last),
            (given, begin, end, parts, is_first, is_last))
LK_DISPATCH(losskit_cross_entropy_backward_apart, (const losskit_cross_entropy *given, int64_t begin, int64_t end), (given, begin, end))
LK_DISPATCH(losskit_cross_entropy_backward, (const losskit_cross_entropy *given, int64_t row, int64_t begin, int64_t end),
            (given, row, begin, end))
