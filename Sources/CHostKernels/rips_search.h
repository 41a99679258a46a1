// What is asked of many vertices at a time. `rows` are the ranks of the edges of `count` vertices.

#pragma once

#include <stdint.h>

// The smallest vertex whose edges to all of the vertices are before `rank`, or -1.
void losskit_rips_first_common(const uint32_t *const *rows, int count, int64_t stride, uint32_t rank, int64_t *vertex);

// For each vertex: the rank of the last edge when it joins a simplex whose last edge is `rank`, and which of the vertices ends that edge, -1 where it
// is the simplex's own.
void losskit_rips_join(const uint32_t *const *rows, int count, int64_t stride, uint32_t rank, uint32_t *ranks, int32_t *ends);
