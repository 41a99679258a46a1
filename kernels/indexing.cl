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

// Walks the elements of a result [outer, extent, inner] that an item owns, `span` in a row, and finds for element i the place `outside` in
// [outer, bound, inner] that its index names: `indices` has one for each element, or one for each row.
#define FOR_EACH_PLACE(body) \
    const long begin = get_global_id(0) * span, end = min(begin + span, count); \
    if (begin >= end) return; \
    long row = begin / inner, column = begin % inner, slab = row / extent * bound, next = (row / extent + 1) * extent; \
    for (long i = begin; i < end; i++) { \
        const long outside = (slab + indices[per_element ? i : row]) * inner + column; \
        body; \
        if (++column == inner) { \
            column = 0; \
            if (++row == next) { \
                slab += bound; \
                next += extent; \
            } \
        } \
    }

__kernel void gather(GLOBAL_IN(element_t, source), GLOBAL_IN(long, indices), GLOBAL_OUT(element_t, target), const long count,
                     const long extent, const long bound, const long inner, const int per_element, const long span) {
    AT_IN(element_t, source);
    AT_IN(long, indices);
    AT_OUT(element_t, target);
    FOR_EACH_PLACE(target[i] = source[outside])
}

// The way back: elements to places that no other names.
__kernel void scatter(GLOBAL_IN(element_t, source), GLOBAL_IN(long, indices), GLOBAL_OUT(element_t, target), const long count,
                      const long extent, const long bound, const long inner, const int per_element, const long span) {
    AT_IN(element_t, source);
    AT_IN(long, indices);
    AT_OUT(element_t, target);
    FOR_EACH_PLACE(target[outside] = source[i])
}

// Counts negative indices from the end, where `lowest` allows them; `ignored` stays as it is, if there is one. What is out of range becomes 0;
// each piece notes the position of its first, or -1.
__kernel void place_indices(GLOBAL_IN(long, indices), GLOBAL_OUT(long, places), GLOBAL_OUT(long, outside), const long count,
                            const long lowest, const long bound, const int ignores, const long ignored, const long piece) {
    AT_IN(long, indices);
    AT_OUT(long, places);
    AT_OUT(long, outside);
    const long item = get_global_id(0);
    if (item * piece >= count) return;
    long first = -1;
    for (long i = item * piece; i < min((item + 1) * piece, count); i++) {
        const long index = indices[i];
        const int stays = ignores && index == ignored, is_outside = !stays && (index < lowest || index >= bound);
        if (is_outside && first < 0) first = i;
        places[i] = is_outside ? 0 : index < 0 && !stays ? index + bound : index;
    }
    outside[item] = first;
}

// The first of the pieces' positions, or -1, and the index there.
__kernel void first_outside(GLOBAL_IN(long, indices), GLOBAL_IN(long, outside), GLOBAL_OUT(long, words), const long pieces) {
    AT_IN(long, indices);
    AT_IN(long, outside);
    AT_OUT(long, words);
    if (get_global_id(0) > 0) return;
    long first = -1;
    for (long i = 0; i < pieces && first < 0; i++) first = outside[i];
    words[0] = first;
    words[1] = first < 0 ? 0 : indices[first];
}

// Where the positions of each index begin in their sorted order, by bisection.
__kernel void group_starts(GLOBAL_IN(long, indices), GLOBAL_IN(int, order), GLOBAL_OUT(long, starts), const long count, const long bound) {
    AT_IN(long, indices);
    AT_IN(int, order);
    AT_OUT(long, starts);
    const long index = get_global_id(0);
    if (index > bound) return;
    long low = 0, high = count;
    while (low < high) {
        const long middle = (low + high) / 2;
        if (indices[order[middle]] < index) low = middle + 1;
        else high = middle;
    }
    starts[index] = low;
}

#if INTEGER
typedef long sum_t;
#elif ELEMENT == 8 && defined(LOSSKIT_FP64)
typedef double sum_t;
#else
typedef float sum_t;
#endif

// Windows [outer, positions, inner, size] added where they overlap: element x of [outer, extent, inner] is the sum of what each window that
// reaches it holds there, `stride` and `dilation` apart, in the order of the places within a window.
__kernel void fold_windows(GLOBAL_IN(sum_t, windows), GLOBAL_OUT(sum_t, target), const long count, const long extent, const long inner,
                           const long positions, const long size, const long stride, const long dilation) {
    AT_IN(sum_t, windows);
    AT_OUT(sum_t, target);
    const long i = get_global_id(0);
    if (i >= count) return;
    const long x = i / inner % extent, slab = i / inner / extent * positions;
    sum_t sum = 0;
    for (long place = 0; place < size; place++) {
        const long start = x - place * dilation, position = start / stride;
        if (start < 0) break;
        if (start % stride == 0 && position < positions) sum += windows[((slab + position) * inner + i % inner) * size + place];
    }
    target[i] = sum;
}

// Row r of `target` is the sum of the rows `order[starts[r]] ..< order[starts[r + 1]]` of `source`, in that order. An item owns an element,
// on a CPU a row, whose terms lie in a row too.
__kernel void sum_rows(GLOBAL_IN(sum_t, source), GLOBAL_IN(long, starts), GLOBAL_IN(int, order), GLOBAL_OUT(sum_t, target),
                       const long rows, const long width) {
    AT_IN(sum_t, source);
    AT_IN(long, starts);
    AT_IN(int, order);
    AT_OUT(sum_t, target);
#ifdef LOSSKIT_CPU
    const long row = get_global_id(0);
    if (row >= rows) return;
    __global sum_t *restrict sums = target + row * width;
    for (long column = 0; column < width; column++) sums[column] = 0;
    for (long p = starts[row]; p < starts[row + 1]; p++) {
        __global const sum_t *restrict terms = source + order[p] * width;
        for (long column = 0; column < width; column++) sums[column] += terms[column];
    }
#else
    const long i = get_global_id(0);
    if (i >= rows * width) return;
    const long row = i / width, column = i % width;
    sum_t sum = 0;
    for (long p = starts[row]; p < starts[row + 1]; p++) sum += source[order[p] * width + column];
    target[i] = sum;
#endif
}
