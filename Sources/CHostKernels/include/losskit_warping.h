#pragma once

#include <stdint.h>

/// Tables [batch, n, m] of dynamic time warping, hard where gamma is 0; arrays as in kernels/warping.cl.
typedef struct {
    int64_t n, m;
    float gamma;
} losskit_warping;

/// Fills table [batch, n, m] and distances [batch] for tables begin..<end.
void losskit_warping_forward(
    const losskit_warping *call, const float *costs, float *table, float *distances, int64_t begin, int64_t end);

/// Fills visits [batch, n, m] for tables begin..<end.
void losskit_warping_backward(const losskit_warping *call, const float *table, float *visits, int64_t begin, int64_t end);
