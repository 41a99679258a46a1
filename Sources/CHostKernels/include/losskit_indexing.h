#pragma once

#include <stdint.h>

/// Elements of `size` bytes of `source` [outer, bound, inner] by indices: one for each element of the result [outer, extent, inner], or one
/// for each of its rows. Lines begin..<end of the result: elements, or rows.
void losskit_gather(const void *source, const int64_t *indices, void *target, int size, int64_t extent, int64_t bound, int64_t inner,
                    int per_element, int64_t begin, int64_t end);

/// The way back: lines of `source` to the places that `losskit_gather` reads.
void losskit_scatter(const void *source, const int64_t *indices, void *target, int size, int64_t extent, int64_t bound, int64_t inner,
                     int per_element, int64_t begin, int64_t end);

/// Counts negative indices from the end; gives the position of the first that is outside lowest..<bound, or -1. What is `ignored`, if
/// `ignores`, stays as it is.
int64_t losskit_place_indices(const int64_t *indices, int64_t count, int64_t lowest, int64_t bound, int ignores, int64_t ignored,
                              int64_t *places);

enum { losskit_sum_float32 = 0, losskit_sum_float64 = 1, losskit_sum_int64 = 3 };

/// Rows begin..<end of `target` [rows, width], each the sum of the rows of `source` that `order` lists for it between its starts, in that
/// order.
void losskit_sum_rows(int type, const void *source, const int64_t *starts, const int32_t *order, void *target, int64_t width, int64_t begin,
                      int64_t end);

/// Windows [outer, positions, inner, size] added where they overlap, into lines begin..<end of `target` [outer, extent, inner], in the order
/// of the places within a window; float32 or float64.
void losskit_fold_windows(int type, const void *windows, void *target, int64_t extent, int64_t inner, int64_t positions, int64_t size,
                          int64_t stride, int64_t dilation, int64_t begin, int64_t end);

/// For indices below `bound` the positions that name each index, in order, and where each index's begin: `starts` [bound + 1].
void losskit_group(const int64_t *indices, int64_t count, int64_t bound, int64_t *starts, int32_t *order);
