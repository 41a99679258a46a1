// Softmax cross-entropy of logits that come by stretches of classes, so that they never exist together.

#include "cross_entropy.clh"

// Adds a stretch to what is known of each row, five numbers and the logit of its label; the last stretch finishes the rows.
__kernel void cross_entropy_stretch(OPERANDS, GLOBAL_OUT(float, state), GLOBAL_OUT(float, loss), GLOBAL_OUT(float, log_partition),
                                    GLOBAL_OUT(float, row_mass), const int is_first, const int is_last, __local float *shared) {
    AT_OPERANDS;
    AT_OUT(float, state);
    AT_OUT(float, loss);
    AT_OUT(float, log_partition);
    AT_OUT(float, row_mass);
    const int lid = get_local_id(0), width = o.width, lane = lid & (width - 1);
    ROWS_OF((long)get_group_id(0)) {
        const bool exists = row < o.rows;
        __global const logit_t *x = logits + row * o.classes;
        part_t p = read_part(o, x, bias + o.first_class, weights + o.first_class, masses, lane, exists ? o.classes : 0, width);
        p = join_parts(p, width, shared);
        if (exists && lane == 0) {
            __global float *known = state + 6 * row;
            if (p.best != INT_MAX) p.best += (int)o.first_class;
            if (!is_first) {
                const part_t before = {known[0], known[1], known[2], known[3], as_int(known[4])};
                p = merged(before, p);
            }
            const long label = LABEL(row), column = label - o.first_class;
            if (column >= 0 && column < o.classes) known[5] = logit_at(o, x, bias + o.first_class, column);
            known[0] = p.maximum;
            known[1] = p.sum;
            known[2] = p.score;
            known[3] = p.mass;
            known[4] = as_float(p.best);
            if (is_last) {
                float row_loss, partition, mass;
                finish(o, p, known[5], o.has_weights ? weights[label] : 1, o.has_scales ? scales[row] : 1, label, &row_loss, &partition, &mass);
                loss[row] = row_loss;
                log_partition[row] = partition;
                row_mass[row] = mass;
            }
        }
    }
}
