// OpenCL kernels: indexing.

#define MAXIMUM_RANK 6

typedef struct {
    long shape[MAXIMUM_RANK];
    long strides[MAXIMUM_RANK];
} layout_t;

#if ELEMENT == 1
typedef uchar element_t;
#elif ELEMENT == 2
typedef ushort element_t;
#elif ELEMENT == 4
typedef uint element_t;
#else
typedef ulong element_t;
#endif

// Row-major elements to places `strides` apart.
__kernel void place(const layout_t layout, GLOBAL_IN(element_t, source), GLOBAL_OUT(element_t, target), const long count) {
    AT_IN(element_t, source);
    AT_OUT(element_t, target);
    const long i = get_global_id(0);
    if (i >= count) return;
    long rest = i, place = 0;
    for (int axis = MAXIMUM_RANK - 1; axis >= 0; axis--) {
        place += rest % layout.shape[axis] * layout.strides[axis];
        rest /= layout.shape[axis];
    }
    target[place] = source[i];
}

// Rows of `source` [rows, width] by index.
__kernel void gather_rows(GLOBAL_IN(element_t, source), GLOBAL_IN(long, indices), GLOBAL_OUT(element_t, target), const long count, const long width) {
    AT_IN(element_t, source);
    AT_IN(long, indices);
    AT_OUT(element_t, target);
    const long i = get_global_id(0);
    if (i < count * width) target[i] = source[indices[i / width] * width + i % width];
}

#if ELEMENT == 4
// Row r of `target` is the sum of the rows `order[starts[r]] ..< order[starts[r + 1]]` of `source`, in that order.
__kernel void sum_rows(GLOBAL_IN(float, source), GLOBAL_IN(long, starts), GLOBAL_IN(long, order), GLOBAL_OUT(float, target), const long rows,
                       const long width) {
    AT_IN(float, source);
    AT_IN(long, starts);
    AT_IN(long, order);
    AT_OUT(float, target);
    const long i = get_global_id(0);
    if (i >= rows * width) return;
    const long row = i / width, column = i % width;
    float sum = 0;
    for (long p = starts[row]; p < starts[row + 1]; p++) sum += source[order[p] * width + column];
    target[i] = sum;
}
#elif ELEMENT == 8 && defined(LOSSKIT_FP64)
__kernel void sum_rows(GLOBAL_IN(double, source), GLOBAL_IN(long, starts), GLOBAL_IN(long, order), GLOBAL_OUT(double, target), const long rows,
                       const long width) {
    AT_IN(double, source);
    AT_IN(long, starts);
    AT_IN(long, order);
    AT_OUT(double, target);
    const long i = get_global_id(0);
    if (i >= rows * width) return;
    const long row = i / width, column = i % width;
    double sum = 0;
    for (long p = starts[row]; p < starts[row + 1]; p++) sum += source[order[p] * width + column];
    target[i] = sum;
}
#endif
