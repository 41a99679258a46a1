#pragma once

#include <stdint.h>

/// What a softmax cross-entropy is of (see SoftmaxCrossEntropy.swift for the formula). The OpenCL kernels take the same structure.
typedef struct losskit_cross_entropy_options {
    int64_t rows, classes, ignored;
    /// The logits may be a stretch of all classes.
    int64_t first_class, total_classes;
    /// How a device divides the work: rows of one work-group, and columns of one segment of a row that several of them share.
    int64_t rows_at_once, segment_length;
    /// Steps between the cotangents of neighbouring rows.
    int64_t cotangent_stride, partition_cotangent_stride;
    /// 0 float, 1 half, 2 bfloat16.
    int32_t logits_type;
    /// Bytes of a class index; 0 where there are none.
    int32_t label_bytes;
    int32_t has_masses, has_weights, has_scales, has_bias, has_cotangent, has_partition_cotangent;
    /// 0 none, 1 sum, 2 mean.
    int32_t reduction;
    /// Whether ignored rows are read too, for their log-partition and prediction.
    int32_t reads_ignored, wants_predictions;
    int32_t segments, width;
    /// Whether the gradient is too large to stay in cache.
    int32_t streams;
    float smoothing, z_loss, soft_cap, inverse_temperature;
    /// Factors of the cotangents, which are 1 where there is no buffer of them.
    float cotangent_factor, partition_cotangent_factor;
} losskit_cross_entropy_options;

typedef struct losskit_cross_entropy {
    losskit_cross_entropy_options options;
    /// Above 1: logits and gradient are [outer, classes, inner], with labels and no masses, and a row is an outer and an inner index.
    int64_t inner;
    const void *logits, *labels;
    /// The bias is added to the logits.
    const float *masses, *weights, *scales, *bias;
    /// Each row's logit of its label, where the logits are a stretch of all classes.
    float *own;
    /// Results by rows: the loss, the log-partition, the sum of target masses and the class with the largest logit.
    float *loss, *log_partition, *mass;
    int32_t *predictions;
    /// The reduced loss, the sum of row weights, the share of right predictions and the number of rows that count.
    float *totals;
    const float *cotangent, *partition_cotangent;
    void *gradient;
} losskit_cross_entropy;

/// What a stretch of a row adds to its sums; score and sum are relative to the maximum.
typedef struct losskit_cross_entropy_part {
    double sum, score, mass;
    float maximum;
    int32_t best;
} losskit_cross_entropy_part;

/// The class index of a row.
int64_t losskit_cross_entropy_label(const losskit_cross_entropy *given, int64_t row);

/// The first row whose class index is neither a class nor ignored, or -1.
int64_t losskit_cross_entropy_offender(const losskit_cross_entropy *given);

/// Rows [begin, end): everything that belongs to a row.
void losskit_cross_entropy_forward(const losskit_cross_entropy *given, int64_t begin, int64_t end);

/// Columns [begin, end) of a row that several threads share.
void losskit_cross_entropy_forward_part(const losskit_cross_entropy *given, int64_t row, int64_t begin, int64_t end,
                                        losskit_cross_entropy_part *part);

/// The row from all of its parts, in order.
void losskit_cross_entropy_finish(const losskit_cross_entropy *given, int64_t row, const losskit_cross_entropy_part *parts, int64_t count);

/// Rows [begin, end) of a stretch of all classes, added to each row's part unless it is the first; the last one finishes the rows.
void losskit_cross_entropy_stretch(const losskit_cross_entropy *given, int64_t begin, int64_t end, losskit_cross_entropy_part *parts,
                                   int32_t is_first, int32_t is_last);

/// The totals from all rows, in order.
void losskit_cross_entropy_total(const losskit_cross_entropy *given);

/// Columns [begin, end) of a row of the logits' gradient.
void losskit_cross_entropy_backward(const losskit_cross_entropy *given, int64_t row, int64_t begin, int64_t end);

/// The most classes of rows that lie apart.
enum { losskit_cross_entropy_apart_classes = 1024 };

/// Rows [begin, end) of the logits' gradient where rows lie apart.
void losskit_cross_entropy_backward_apart(const losskit_cross_entropy *given, int64_t begin, int64_t end);
