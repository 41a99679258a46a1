#include "losskit_indexing.h"

#include <string.h>

// Moves single elements by a type of their size; `outside` is the place of element i in [outer, bound, inner].
#define MOVE_ELEMENTS(T, to, from) \
    for (int64_t i = begin; i < end; i++) { \
        const int64_t outside = (i / inner / extent * bound + indices[i]) * inner + i % inner; \
        ((T *)target)[to] = ((const T *)source)[from]; \
    } \
    break;

#define MOVE(to, from) \
    switch (size) { \
    case 1: MOVE_ELEMENTS(uint8_t, to, from) \
    case 2: MOVE_ELEMENTS(uint16_t, to, from) \
    case 4: MOVE_ELEMENTS(uint32_t, to, from) \
    default: MOVE_ELEMENTS(uint64_t, to, from) \
    }

static size_t row_bytes(int size, int64_t inner) { return (size_t)inner * (size_t)size; }

// The byte at which the row that row i names begins.
static size_t outside_row(int64_t i, const int64_t *indices, int size, int64_t extent, int64_t bound, int64_t inner) {
    return (size_t)(i / extent * bound + indices[i]) * row_bytes(size, inner);
}

void losskit_gather(const void *source, const int64_t *indices, void *target, int size, int64_t extent, int64_t bound, int64_t inner,
                    int per_element, int64_t begin, int64_t end) {
    if (per_element) {
        MOVE(i, outside)
        return;
    }
    const size_t bytes = row_bytes(size, inner);
    for (int64_t i = begin; i < end; i++)
        memcpy((char *)target + (size_t)i * bytes, (const char *)source + outside_row(i, indices, size, extent, bound, inner), bytes);
}

void losskit_scatter(const void *source, const int64_t *indices, void *target, int size, int64_t extent, int64_t bound, int64_t inner,
                     int per_element, int64_t begin, int64_t end) {
    if (per_element) {
        MOVE(outside, i)
        return;
    }
    const size_t bytes = row_bytes(size, inner);
    for (int64_t i = begin; i < end; i++)
        memcpy((char *)target + outside_row(i, indices, size, extent, bound, inner), (const char *)source + (size_t)i * bytes, bytes);
}

int64_t losskit_place_indices(const int64_t *indices, int64_t count, int64_t lowest, int64_t bound, int ignores, int64_t ignored,
                              int64_t *places) {
    for (int64_t i = 0; i < count; i++) {
        int stays = ignores && indices[i] == ignored;
        if (!stays && (indices[i] < lowest || indices[i] >= bound)) return i;
        places[i] = indices[i] < 0 && !stays ? indices[i] + bound : indices[i];
    }
    return -1;
}

void losskit_group(const int64_t *indices, int64_t count, int64_t bound, int64_t *starts, int32_t *order) {
    memset(starts, 0, (size_t)(bound + 1) * sizeof *starts);
    for (int64_t i = 0; i < count; i++) starts[indices[i] + 1]++;
    for (int64_t row = 0; row < bound; row++) starts[row + 1] += starts[row];
    // Each start runs through its index's positions and ends as the next one's.
    for (int64_t i = 0; i < count; i++) order[starts[indices[i]]++] = (int32_t)i;
    memmove(starts + 1, starts, (size_t)bound * sizeof *starts);
    starts[0] = 0;
}

#define SUM_ROWS(T) \
    for (int64_t row = begin; row < end; row++) { \
        T *restrict sums = (T *)target + row * width; \
        memset(sums, 0, (size_t)width * sizeof(T)); \
        for (int64_t p = starts[row]; p < starts[row + 1]; p++) { \
            const T *restrict terms = (const T *)source + order[p] * width; \
            for (int64_t column = 0; column < width; column++) sums[column] += terms[column]; \
        } \
    } \
    break;

void losskit_sum_rows(int type, const void *source, const int64_t *starts, const int32_t *order, void *target, int64_t width, int64_t begin,
                      int64_t end) {
    switch (type) {
    case losskit_sum_float32: SUM_ROWS(float)
    case losskit_sum_float64: SUM_ROWS(double)
    default: SUM_ROWS(uint64_t)
    }
}

#define FOLD_WINDOWS(T) \
    for (int64_t line = begin; line < end; line++) { \
        const int64_t x = line % extent, slab = line / extent * positions; \
        T *restrict sums = (T *)target + line * inner; \
        memset(sums, 0, (size_t)inner * sizeof(T)); \
        for (int64_t place = 0; place < size && place * dilation <= x; place++) { \
            const int64_t start = x - place * dilation; \
            if (start % stride != 0 || start / stride >= positions) continue; \
            const T *restrict terms = (const T *)windows + (slab + start / stride) * inner * size + place; \
            for (int64_t i = 0; i < inner; i++) sums[i] += terms[i * size]; \
        } \
    } \
    break;

void losskit_fold_windows(int type, const void *windows, void *target, int64_t extent, int64_t inner, int64_t positions, int64_t size,
                          int64_t stride, int64_t dilation, int64_t begin, int64_t end) {
    switch (type) {
    case losskit_sum_float64: FOLD_WINDOWS(double)
    default: FOLD_WINDOWS(float)
    }
}
