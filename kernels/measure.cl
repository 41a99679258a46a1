// What a device is measured by: its memory's speed, and the kernel that anybody would write first.

kernel void copy(GLOBAL_IN(float, x), GLOBAL_OUT(float, y), const long count) {
    AT_IN(float, x);
    AT_OUT(float, y);
#ifdef LOSSKIT_CPU
    // A long stretch an item, so that scheduling does not count.
    const long stretch = 1 << 14, begin = get_global_id(0) * stretch, end = min(begin + stretch, count);
    long i = begin;
    for (; i + 16 <= end; i += 16) vstore16(vload16(0, x + i), 0, y + i);
    for (; i < end; i++) y[i] = x[i];
#else
    for (long i = get_global_id(0); i < count / 4; i += get_global_size(0)) vstore4(vload4(i, x), i, y);
    if (get_global_id(0) < count % 4) y[count - 1 - get_global_id(0)] = x[count - 1 - get_global_id(0)];
#endif
}

// A work-item a row: the losses of rows of logits with class indices, and their mean's gradient if `differentiates`.
kernel void plain_cross_entropy(GLOBAL_IN(float, logits), GLOBAL_IN(long, labels), GLOBAL_OUT(float, loss), GLOBAL_OUT(float, gradient),
                                const long rows, const long classes, const int differentiates) {
    AT_IN(float, logits);
    AT_IN(long, labels);
    AT_OUT(float, loss);
    AT_OUT(float, gradient);
    const long row = get_global_id(0);
    if (row >= rows) return;
    __global const float *x = logits + row * classes;
    float maximum = -INFINITY, sum = 0;
    for (long k = 0; k < classes; k++) maximum = fmax(maximum, x[k]);
    for (long k = 0; k < classes; k++) sum += exp(x[k] - maximum);
    const float partition = maximum + log(sum);
    loss[row] = partition - x[labels[row]];
    if (!differentiates) return;
    for (long k = 0; k < classes; k++) gradient[row * classes + k] = (exp(x[k] - partition) - (k == labels[row] ? 1 : 0)) / rows;
}
