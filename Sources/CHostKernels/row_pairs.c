#include "losskit_row_pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LK_BODY "row_pairs_body.h"
#include "isa.h"

LK_DISPATCH(losskit_row_pairs_reduce,
            (const losskit_row_pairs *pairs, const float *values, int64_t begin, int64_t end, float *out, float *slope),
            (pairs, values, begin, end, out, slope))
LK_DISPATCH(losskit_row_pairs_extremes, (const losskit_row_pairs *pairs, const float *values, int64_t begin, int64_t end, int32_t *places),
            (pairs, values, begin, end, places))
LK_DISPATCH(losskit_row_pairs_weights,
            (const losskit_row_pairs *pairs, const float *values, const float *out, const float *cotangent, int64_t begin, int64_t end,
             float *weight),
            (pairs, values, out, cotangent, begin, end, weight))

static int by_value(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

// How many of the sorted numbers are below x, or not above it.
static int64_t rank_of(const float *sorted, int64_t count, float x, int includes_equal) {
    int64_t begin = 0;
    while (count > 0) {
        int64_t half = count / 2;
        float value = sorted[begin + half];
        int before = includes_equal ? value <= x : value < x;
        begin += before ? half + 1 : 0;
        count = before ? count - half - 1 : half;
    }
    return begin;
}

// The positives' thresholds are sorted; each negative falls into the gap below the first threshold above it, and the gaps' sums add up to what
// every positive sees.
static void batch_all(const losskit_triplets *triplets, const float *row, int64_t i, const float *thresholds, int64_t positives, float g,
                      float *result, float *active, float *weight, double *memory) {
    double *counts = memory, *sums = memory + positives + 1;
    memset(memory, 0, 2 * (size_t)(positives + 1) * sizeof *memory);
    int32_t own = triplets->row_labels[i];
    for (int64_t j = 0; j < triplets->m; j++) {
        if (triplets->column_labels[j] == own) continue;
        int64_t gap = rank_of(thresholds, positives, row[j], 1);
        counts[gap] += 1;
        sums[gap] += row[j];
        if (weight) weight[j] = -g * (float)(positives - gap);
    }
    double below = 0, sum = 0, loss = 0, triplets_active = 0;
    for (int64_t p = 0; p < positives; p++) {
        below += counts[p];
        sum += sums[p];
        loss += thresholds[p] * below - sum;
        triplets_active += below;
        counts[p] = below;
    }
    *result = (float)loss;
    *active = (float)triplets_active;
    if (!weight) return;
    for (int64_t j = 0; j < triplets->m; j++) {
        if (triplets->column_labels[j] == own && !(triplets->excludes_self && j == i)) {
            weight[j] = positives > 0 ? g * (float)counts[rank_of(thresholds, positives, row[j] + triplets->margin, 0)] : 0;
        }
    }
}

// The positives' values are sorted; a negative competes for all positives below it, of which the last one stands for the others.
static void semi_hard(const losskit_triplets *triplets, const float *row, int64_t i, const float *sorted, int64_t positives, float g,
                      float *result, float *active, float *weight, double *memory) {
    float *nearest = (float *)memory;
    int32_t *place = (int32_t *)(memory + positives + 1), own = triplets->row_labels[i];
    for (int64_t p = 0; p <= positives; p++) nearest[p] = INFINITY;
    int64_t farthest = -1;
    for (int64_t j = 0; j < triplets->m; j++) {
        if (triplets->column_labels[j] == own) continue;
        int64_t above = rank_of(sorted, positives, row[j], 0);
        if (row[j] < nearest[above]) nearest[above] = row[j], place[above] = (int32_t)j;
        if (farthest < 0 || row[j] > row[farthest]) farthest = j;
        if (weight) weight[j] = 0;
    }
    for (int64_t p = positives - 1; p >= 0; p--) {
        // Of equal ones the first; a later gap holds larger numbers.
        if (nearest[p + 1] < nearest[p]) nearest[p] = nearest[p + 1], place[p] = place[p + 1];
    }
    double loss = 0, count = 0;
    for (int64_t j = 0; j < triplets->m; j++) {
        if (triplets->column_labels[j] != own || (triplets->excludes_self && j == i) || farthest < 0) continue;
        int64_t next = rank_of(sorted, positives, row[j], 1);
        int64_t negative = nearest[next] < INFINITY ? place[next] : farthest;
        float violation = row[j] - row[negative] + triplets->margin;
        int is_active = violation > 0;
        loss += is_active ? violation : 0;
        count += is_active;
        if (!weight) continue;
        weight[j] = is_active ? g : 0;
        weight[negative] -= is_active ? g : 0;
    }
    *result = (float)loss;
    *active = (float)count;
}

void losskit_triplets_rows(const losskit_triplets *triplets, const float *values, const float *cotangent, int64_t begin, int64_t end, float *out,
                           float *count, float *total, float *weight, double *memory) {
    int64_t m = triplets->m;
    float *sorted = (float *)memory;
    double *rest = memory + m / 2 + 1;
    for (int64_t i = begin; i < end; i++) {
        const float *row = values + (i - triplets->first) * m;
        float *slopes = weight ? weight + (i - triplets->first) * m : NULL, result = 0, active = 0;
        int64_t positives = 0, negatives = 0, unknown = 0, endless_positives = 0, endless_negatives = 0;
        for (int64_t j = 0; j < m; j++) {
            int is_same = triplets->column_labels[j] == triplets->row_labels[i];
            negatives += !is_same;
            if (slopes) slopes[j] = 0;
            if (triplets->excludes_self && j == i) continue;
            unknown += row[j] != row[j];
            endless_positives += is_same && row[j] == INFINITY;
            endless_negatives += !is_same && row[j] == INFINITY;
            if (is_same) sorted[positives++] = triplets->semi_hard ? row[j] : row[j] + triplets->margin;
        }
        int looks = positives > 0 && negatives > 0;
        // Two infinities have no difference.
        unknown += endless_positives && endless_negatives;
        if (looks && !unknown) {
            qsort(sorted, (size_t)positives, sizeof *sorted, by_value);
            float g = cotangent ? cotangent[i] : 0;
            if (triplets->semi_hard) semi_hard(triplets, row, i, sorted, positives, g, &result, &active, slopes, rest);
            else batch_all(triplets, row, i, sorted, positives, g, &result, &active, slopes, rest);
        }
        if (out) {
            out[i] = looks && unknown ? NAN : result;
            count[i] = active;
            total[i] = looks ? (float)positives * (triplets->semi_hard ? 1 : (float)negatives) : 0;
        }
        for (int64_t j = 0; slopes && looks && unknown && j < m; j++) slopes[j] = NAN;
    }
}
