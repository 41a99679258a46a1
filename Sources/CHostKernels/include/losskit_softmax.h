#pragma once

#include <stdint.h>

/// Rows [begin, end) of `classes` logits: their softmax, or its logarithm. Types: 0 float, 1 half, 2 bfloat16.
void losskit_softmax_forward(const void *logits, int32_t type, int32_t is_logarithm, int64_t classes, int64_t begin, int64_t end, void *out);

/// Rows [begin, end) of the logits' gradient, from the result and its cotangent.
void losskit_softmax_backward(const void *result, const void *cotangent, int32_t type, int32_t is_logarithm, int64_t classes, int64_t begin,
                              int64_t end, void *gradient);
