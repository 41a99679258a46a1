#include "losskit_scan.h"

#define RUNNING_SUMS(T, WIDE) \
    for (int64_t row = begin; row < end; row++) { \
        const T *from = (const T *)source + row * length; \
        T *to = (T *)target + row * length; \
        WIDE sum = 0; \
        for (int64_t i = 0; i < length; i++) { \
            sum += from[i]; \
            to[i] = (T)sum; \
        } \
    } \
    break;

void losskit_running_sum(int type, const void *source, void *target, int64_t begin, int64_t end, int64_t length) {
    switch (type) {
    case losskit_scan_float32: RUNNING_SUMS(float, double)
    case losskit_scan_float64: RUNNING_SUMS(double, double)
    default: RUNNING_SUMS(uint64_t, uint64_t)
    }
}

// Only a NaN differs from itself.
#define RUNNING_MAXIMA(T) \
    for (int64_t row = begin; row < end; row++) { \
        const T *from = (const T *)source + row * length; \
        int64_t *to = target + row * length, best = 0; \
        for (int64_t i = 0; i < length; i++) { \
            if (from[i] > from[best] || (from[i] != from[i] && from[best] == from[best])) best = i; \
            to[i] = best; \
        } \
    } \
    break;

void losskit_running_maximum(int type, const void *source, int64_t *target, int64_t begin, int64_t end, int64_t length) {
    switch (type) {
    case losskit_scan_float32: RUNNING_MAXIMA(float)
    case losskit_scan_float64: RUNNING_MAXIMA(double)
    default: RUNNING_MAXIMA(int64_t)
    }
}

#define ROW_EXTREMUM(T, ORDER) \
    for (int64_t row = begin; row < end; row++) { \
        const T *from = (const T *)source + row * length; \
        int64_t best = 0; \
        for (int64_t i = 1; i < length && from[best] == from[best]; i++) \
            if (from[i] ORDER from[best] || from[i] != from[i]) best = i; \
        target[row] = best; \
    }

#define EITHER_EXTREMUM(T) \
    if (is_minimum) { ROW_EXTREMUM(T, <) } else { ROW_EXTREMUM(T, >) } \
    break;

void losskit_row_extremum(int type, int is_minimum, const void *source, int64_t *target, int64_t begin, int64_t end, int64_t length) {
    switch (type) {
    case losskit_scan_float32: EITHER_EXTREMUM(float)
    case losskit_scan_float64: EITHER_EXTREMUM(double)
    default: EITHER_EXTREMUM(int64_t)
    }
}
