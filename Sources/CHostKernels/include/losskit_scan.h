#pragma once

#include <stdint.h>

enum { losskit_scan_float32 = 0, losskit_scan_float64 = 1, losskit_scan_int64 = 3 };

/// Running sums of rows begin..<end of [rows, length]: of float32 in double precision, of integers wrapping.
void losskit_running_sum(int type, const void *source, void *target, int64_t begin, int64_t end, int64_t length);

/// Positions of the largest (or smallest) elements of rows begin..<end: the first of equals, the first NaN where there is one.
void losskit_row_extremum(int type, int is_minimum, const void *source, int64_t *target, int64_t begin, int64_t end, int64_t length);

/// Positions of the running maxima of rows begin..<end: the first of equals; a NaN is the maximum from then on.
void losskit_running_maximum(int type, const void *source, int64_t *target, int64_t begin, int64_t end, int64_t length);
