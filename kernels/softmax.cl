// Softmax cross-entropy: one launch forward, with the sum over the rows, and one back. SoftmaxCrossEntropy.swift has the formula.

#include "cross_entropy.clh"

// What rows add to the totals.
typedef struct {
    wide_t loss, weight, right, count;
} totals_t;

inline totals_t added(totals_t a, totals_t b) {
    a.loss += b.loss;
    a.weight += b.weight;
    a.right += b.right;
    a.count += b.count;
    return a;
}
AGREE(join_totals, totals_t, added(a, b))

#ifdef SPLIT
// The parts of a row that several work-groups share, in order, once the last of them has arrived.
inline bool collect(part_t *p, const options_t o, volatile __global float *parts, volatile __global int *arrived, int segment, __local float *shared) {
    if (get_local_id(0) == 0) {
        volatile __global float *mine = parts + 5 * segment;
        mine[0] = p->maximum;
        mine[1] = p->sum;
        mine[2] = p->score;
        mine[3] = p->mass;
        mine[4] = as_float(p->best);
    }
    if (!is_last(arrived, o.segments, shared)) return false;
    part_t all = {-INFINITY, 0, 0, 0, INT_MAX};
    for (int s = 0; s < o.segments; s++) {
        const part_t one = {parts[5 * s], parts[5 * s + 1], parts[5 * s + 2], parts[5 * s + 3], as_int(parts[5 * s + 4])};
        all = merged(all, one);
    }
    *p = all;
    return true;
}
#endif

__kernel void cross_entropy_forward(OPERANDS, GLOBAL_OUT(float, loss), GLOBAL_OUT(float, log_partition), GLOBAL_OUT(float, row_mass),
                                    GLOBAL_OUT(int, predictions), GLOBAL_OUT(float, totals), GLOBAL_OUT(float, parts),
                                    GLOBAL_OUT(wide_t, sums), GLOBAL_OUT(int, arrived), __local float *shared) {
    AT_OPERANDS;
    AT_OUT(float, loss);
    AT_OUT(float, log_partition);
    AT_OUT(float, row_mass);
    AT_OUT(int, predictions);
    AT_OUT(float, totals);
    // Written and read by different work-groups. The first words say the first bad row, the number of groups that are through, and the label
    // of the bad row; then a word for each row that several groups share.
    volatile __global float *parts = parts_base + parts_offset;
    volatile __global wide_t *sums = sums_base + sums_offset;
    volatile __global int *status = arrived_base + arrived_offset;
    const int lid = get_local_id(0), width = o.width, lane = lid & (width - 1), segment = get_group_id(0) % o.segments;
    const long unit = get_group_id(0) / o.segments, units = get_num_groups(0) / o.segments;
    totals_t sum = {0, 0, 0, 0};
    ROWS_OF(unit) {
        const bool exists = row < o.rows;
        const long label = exists && o.label_bytes ? LABEL(row) : -1;
        const bool counts = exists && (!o.label_bytes || label != o.ignored);
        __global const logit_t *x = logits + row * o.classes;
        __global const float *q = masses + row * o.classes;
        const long begin = segment * o.segment_length;
        const long stop = counts || (exists && o.reads_ignored) ? min(o.classes, begin + o.segment_length) : 0;
        part_t p = join_parts(read_part(o, x, bias, weights, q, begin + lane, stop, width), width, shared);
#ifdef SPLIT
        if (!collect(&p, o, parts + 5 * o.segments * row, status + 4 + row, segment, shared)) return;
#endif
        if (exists && lane == 0) {
            const bool is_wrong = counts && o.label_bytes && (label < 0 || label >= o.classes), has_label = counts && o.label_bytes && !is_wrong;
            const float weight = has_label && o.has_weights ? weights[label] : 1;
            float row_loss, partition, mass;
            finish(o, p, has_label ? logit_at(o, x, bias, label) : 0, weight, o.has_scales ? scales[row] : 1, label, &row_loss, &partition, &mass);
            const int best = stop == 0 || isnan(p.sum) ? -1 : p.best == INT_MAX ? 0 : p.best;
            loss[row] = row_loss;
            log_partition[row] = counts || o.reads_ignored ? partition : 0;
            row_mass[row] = mass;
            if (o.wants_predictions) predictions[row] = best;
            if (is_wrong) atomic_max(status, INT_MAX - (int)min(row, (long)INT_MAX - 1));
            sum.loss += row_loss;
            if (counts) sum.weight += weight;
            sum.right += counts && o.wants_predictions && o.label_bytes && best == label;
            sum.count += counts && o.label_bytes;
        }
    }
    const int size = get_local_size(0);
    sum = join_totals(sum, size, shared);
    if (lid == 0) {
        sums[4 * unit] = sum.loss;
        sums[4 * unit + 1] = sum.weight;
        sums[4 * unit + 2] = sum.right;
        sums[4 * unit + 3] = sum.count;
    }
    if (!is_last(status + 1, (int)units, shared)) return;
    totals_t all = {0, 0, 0, 0};
    for (long u = lid; u < units; u += size) {
        const totals_t one = {sums[4 * u], sums[4 * u + 1], sums[4 * u + 2], sums[4 * u + 3]};
        all = added(all, one);
    }
    all = join_totals(all, size, shared);
    if (lid != 0) return;
    totals[0] = (float)(o.reduction == 2 ? all.loss / all.weight : all.loss);
    totals[1] = (float)all.weight;
    totals[2] = (float)(all.right / all.count);
    totals[3] = (float)all.count;
    const int bad = atomic_max(status, 0);
    if (bad != 0) *(volatile __global long *)(status + 2) = LABEL((long)(INT_MAX - bad));
}

__kernel void cross_entropy_backward(OPERANDS, GLOBAL_IN(float, log_partition), GLOBAL_IN(float, row_mass), GLOBAL_IN(float, totals),
                                     GLOBAL_IN(float, cotangent), GLOBAL_IN(float, partition_cotangent), GLOBAL_OUT(logit_t, gradient)) {
    AT_OPERANDS;
    AT_IN(float, log_partition);
    AT_IN(float, row_mass);
    AT_IN(float, totals);
    AT_IN(float, cotangent);
    AT_IN(float, partition_cotangent);
    AT_OUT(logit_t, gradient);
    const int lid = get_local_id(0), width = o.width, lane = lid & (width - 1), segment = get_group_id(0) % o.segments;
    const long unit = get_group_id(0) / o.segments, n = o.classes, begin = segment * o.segment_length;
    const long stop = min(n, begin + o.segment_length);
    const float share = o.smoothing / o.total_classes, kept = 1 - o.smoothing;
#ifdef GROUPED
    const long first = unit * o.rows_at_once + lid / width, end = min(o.rows, first + 1);
#else
    const long first = unit * o.rows_at_once, end = min(o.rows, first + o.rows_at_once);
#endif
    for (long row = first; row < end; row++) {
        const long label = o.label_bytes ? LABEL(row) : -1;
        const bool counts = !o.label_bytes || (label != o.ignored && label >= 0 && label < o.total_classes);
        const float partition = log_partition[row], mass = row_mass[row], extra = 2 * o.z_loss * partition;
        float c = o.cotangent_factor * (o.has_cotangent ? cotangent[row * o.cotangent_stride] : 1) * (o.has_scales ? scales[row] : 1);
        if (o.reduction == 2) c = totals[1] == 0 ? 0 : c / totals[1];
        if (!counts) c = 0;
        float own = o.partition_cotangent_factor * (o.has_partition_cotangent ? partition_cotangent[row * o.partition_cotangent_stride] : 1);
        if (!counts && !o.reads_ignored) own = 0;
        const bool is_zero = partition == -INFINITY || (!counts && own == 0);
        const float factor = c * (mass + extra) + own, chain = o.soft_cap != 0 ? 1 / (o.soft_cap * o.inverse_temperature) : 0;
        __global const logit_t *x = logits + row * n;
        __global const float *q = masses + row * n;
        __global logit_t *out = gradient + row * n;
        long i = begin + lane;
#define BEND(v) ((o.soft_cap != 0 ? 1 - (v) * chain * ((v) * chain) : 1) * o.inverse_temperature)
        for (; i + (VECTOR - 1) * width < stop; i += VECTOR * width) {
            vector_t slope = 0;
            if (!is_zero) {
                const vector_t v = logits_at(o, x, bias + o.first_class, i, stop, width), p = VEXP(v - partition);
                slope = factor * p;
                if (o.has_masses || share != 0) {
                    const vector_t w = o.has_weights ? gather(weights + o.first_class, i, width) : 1, given = o.has_masses ? gather(q, i, width) : 0;
                    slope -= c * MASS(w, given);
                }
                slope *= BEND(v);
            }
            write_logits(slope, out, i, width);
        }
        for (; i < stop; i += width) {
            const float v = logit_at(o, x, bias + o.first_class, i), p = exp(v - partition);
            const float slope = factor * p - c * MASS(o.has_weights ? weights[o.first_class + i] : 1, o.has_masses ? q[i] : 0);
            out[i] = FROM_FLOAT(is_zero ? 0 : slope * BEND(v));
        }
        // The label's own element needs its p - 1 rounded late: whoever wrote it writes it again.
        const long column = label - o.first_class;
        if (o.label_bytes && counts && !is_zero && column >= begin && column < stop && (column - begin) % width == lane) {
            const float v = logit_at(o, x, bias + o.first_class, column), p = exp(v - partition), w = o.has_weights ? weights[label] : 1, whole = kept * w;
            const float slope = c * (whole * (p - 1) + (mass - whole) * p - share * w + extra * p) + own * p;
            out[column] = FROM_FLOAT(slope * BEND(v));
        }
    }
}
