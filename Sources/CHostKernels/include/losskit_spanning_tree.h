#pragma once

#include <stdint.h>

/// The minimum spanning tree of n points [n, d] given transposed, n >= 2, under the total order (squared length, smaller index, larger index).
/// Writes n - 1 edges as pairs of indices, in the order found. `scratch` holds 2 n floats and 2 n int32.
void losskit_spanning_tree(const float *points_transposed, int64_t n, int64_t d, float *scratch_lengths, int32_t *scratch_indices,
                           int32_t *edges);
