// Measures what a device's memory can do.

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
