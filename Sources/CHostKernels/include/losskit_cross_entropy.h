#pragma once

#include <stdint.h>

/// Softmax cross-entropy of `rows` x `classes` logits with row targets q (see SoftmaxCrossEntropy.swift for the formula).
typedef struct losskit_cross_entropy {
    int64_t classes;
    const float *logits;
    /// Class indices, or NULL for soft targets.
    const int64_t *labels;
    /// Probabilities [rows, classes], or NULL for class indices.
    const float *targets;
    /// A weight for each class, or NULL for ones.
    const float *weights;
    int64_t ignored;
    float smoothing, z_loss, weight_sum;
} losskit_cross_entropy;

/// Rows [begin, end): the loss, the log-partition and the row's weight.
void losskit_cross_entropy_forward(const losskit_cross_entropy *given, int64_t begin, int64_t end, float *loss, float *log_partition,
                                   float *row_weight);

/// Rows [begin, end): the logits' gradient for a cotangent of each row's loss.
void losskit_cross_entropy_backward(const losskit_cross_entropy *given, int64_t begin, int64_t end, const float *log_partition,
                                    const float *cotangent, float *gradient);
