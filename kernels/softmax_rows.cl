// Softmax and its logarithm by rows, and the derivatives of both: one launch each.

#include "cross_entropy.clh"

// out = exp(z - L), or z - L for the logarithm, L the log-partition.
__kernel void softmax_forward(OPERANDS, GLOBAL_OUT(logit_t, out), const int is_logarithm, __local float *shared) {
    AT_OPERANDS;
    AT_OUT(logit_t, out);
    const int lid = get_local_id(0), width = o.width, lane = lid & (width - 1);
    ROWS_OF((long)get_group_id(0)) {
        const long n = row < o.rows ? o.classes : 0;
        __global const logit_t *x = logits + row * o.classes;
        __global logit_t *y = out + row * o.classes;
        const part_t p = join_parts(read_part(o, x, bias, weights, masses, lane, n, width), width, shared);
        // The maximum and the logarithm go one after the other: their sum would round away what distinguishes large logits.
        const float maximum = p.maximum, above = log(p.sum), shrink = 1 / p.sum;
        long i = lane;
        for (; i + (VECTOR - 1) * width < n; i += VECTOR * width) {
            const vector_t v = read_logits(x, i, width) - maximum;
            write_logits(is_logarithm ? v - above : exp(v) * shrink, y, i, width);
        }
        for (; i < n; i += width) {
            const float v = TO_FLOAT(x[i]) - maximum;
            y[i] = FROM_FLOAT(is_logarithm ? v - above : exp(v) * shrink);
        }
    }
}

AGREE(row_sum, float, a + b)

// From the result y and its cotangent g: y (g - sum g y), or for the logarithm g - exp(y) sum g.
__kernel void softmax_backward(const options_t o, GLOBAL_IN(logit_t, result), GLOBAL_IN(logit_t, cotangent), GLOBAL_OUT(logit_t, gradient),
                               const int is_logarithm, __local float *shared) {
    AT_IN(logit_t, result);
    AT_IN(logit_t, cotangent);
    AT_OUT(logit_t, gradient);
    const int lid = get_local_id(0), width = o.width, lane = lid & (width - 1);
    ROWS_OF((long)get_group_id(0)) {
        const long n = row < o.rows ? o.classes : 0, first = row * o.classes;
        vector_t part = 0;
        float rest = 0;
        long i = lane;
        for (; i + (VECTOR - 1) * width < n; i += VECTOR * width) {
            const vector_t g = read_logits(cotangent + first, i, width);
            part += is_logarithm ? g : g * read_logits(result + first, i, width);
        }
        for (; i < n; i += width) {
            const float g = TO_FLOAT(cotangent[first + i]);
            rest += is_logarithm ? g : g * TO_FLOAT(result[first + i]);
        }
        const float sum = row_sum(total(part) + rest, width, shared);
        i = lane;
        for (; i + (VECTOR - 1) * width < n; i += VECTOR * width) {
            const vector_t g = read_logits(cotangent + first, i, width), y = read_logits(result + first, i, width);
            write_logits(is_logarithm ? g - exp(y) * sum : y * (g - sum), gradient + first, i, width);
        }
        for (; i < n; i += width) {
            const float g = TO_FLOAT(cotangent[first + i]), y = TO_FLOAT(result[first + i]);
            gradient[first + i] = FROM_FLOAT(is_logarithm ? g - exp(y) * sum : y * (g - sum));
        }
    }
}
