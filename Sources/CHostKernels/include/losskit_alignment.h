#pragma once

#include <stdint.h>

/// The alignments of a batch of label sequences with frames; arrays as in kernels/alignment.cl.
typedef struct {
    int64_t rows, frames, states;
    const float *emissions, *skips;
    const int32_t *lengths, *sizes;
} losskit_alignment;

/// Fills alphas [frames, rows, states] and losses [rows] for rows begin..<end.
void losskit_alignment_forward(const losskit_alignment *call, float *alphas, float *losses, int64_t begin, int64_t end);

/// Fills posteriors [frames, rows, states] for rows begin..<end; betas [rows, 2, states] is memory to work in.
void losskit_alignment_backward(
    const losskit_alignment *call, const float *alphas, const float *losses, float *betas, float *posteriors, int64_t begin, int64_t end);
