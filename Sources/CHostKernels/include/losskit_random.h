#pragma once

#include <stdint.h>

enum { losskit_words = 0, losskit_uniform = 1, losskit_normal = 2, losskit_gumbel = 3 };

/// Numbers of a distribution by Philox4x32-10, blocks begin..<end of four each, as bits, into `target` of `count`: the same bits as the
/// OpenCL kernel's. Uniform over [offset, offset + scale), at most `limit`; normal with mean `offset` and deviation `scale`.
void losskit_draw(int distribution, uint64_t key, uint64_t counter, uint64_t stream, float offset, float scale, float limit, int64_t begin,
                  int64_t end, int64_t count, uint32_t *target);
