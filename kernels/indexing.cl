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
