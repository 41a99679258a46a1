#pragma once

#include <stdint.h>

/// Elements of `size` bytes of `source` [outer, bound, inner] by indices: one for each element of the result [outer, extent, inner], or one
/// for each of its rows. Lines begin..<end of the result: elements, or rows.
void losskit_gather(const void *source, const int64_t *indices, void *target, int size, int64_t extent, int64_t bound, int64_t inner,
                    int per_element, int64_t begin, int64_t end);

/// The way back: lines of `source` to the places that `losskit_gather` reads.
void losskit_scatter(const void *source, const int64_t *indices, void *target, int size, int64_t extent, int64_t bound, int64_t inner,
                     int per_element, int64_t begin, int64_t end);

/// Counts negative indices from the end; gives the position of the first that is outside 0..<bound, or -1.
int64_t losskit_place_indices(const int64_t *indices, int64_t count, int64_t bound, int64_t *places);

/// For indices below `bound` the positions that name each index, in order, and where each index's begin: `starts` [bound + 1].
void losskit_group(const int64_t *indices, int64_t count, int64_t bound, int64_t *starts, int32_t *order);
