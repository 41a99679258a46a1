#pragma once

#include "losskit_cross_entropy.h"

/// The extents in which the work on a block of rows is shared out: classes of a tile and of a part, features of a group.
enum { losskit_linear_tile = 128, losskit_linear_part = 512, losskit_linear_group = 64 };

/// Softmax cross-entropy of a block of rows of hidden weight^T + bias, and its gradients.
///
/// A block's logits lie class by class, in tiles of classes and, within a tile, in panels of rows that fit the machine's registers; the
/// slopes take their place.
typedef struct losskit_linear_cross_entropy {
    /// The rows' labels (int64), scales and results, and what belongs to classes. `own` has a number for each row.
    losskit_cross_entropy rows;
    int64_t features;
    /// The block's rows: from the first one on, and their number rounded up to whole vectors.
    int64_t first, count, padded;
    const float *hidden, *weight;
    /// [classes, rounded up to tiles][padded].
    float *logits;
    /// [features][padded]: the hidden states by panels, and later on their gradient.
    float *packed;
    /// [padded][parts].
    losskit_cross_entropy_part *parts;
    /// [padded] each: a slope is factor softmax - flat weight, the softmax being exp(logit - shift).
    float *shift, *factor, *flat;
    /// What the loss's slopes are multiplied with.
    float cotangent;
    /// Tiles of slopes none of which is as large as this, before the row's factor, are left out of the products.
    float threshold;
    /// [tiles][panels]: whether it is left out.
    uint8_t *skipped;
    /// Where a gradient is wanted: [rows, features], [classes, features] and [classes]; the latter two are added to but by the first block.
    float *hidden_gradient, *weight_gradient, *bias_gradient;
    int32_t is_first;
} losskit_linear_cross_entropy;

/// Rows of one panel, and the number of rows that a panel's extent is a multiple of.
int64_t losskit_linear_cross_entropy_panel(void);
int64_t losskit_linear_cross_entropy_lanes(void);

/// Packs the block's hidden states, by features for the logits, then by rows for the weight's gradient.
void losskit_linear_cross_entropy_pack_features(const losskit_linear_cross_entropy *given);
void losskit_linear_cross_entropy_pack_rows(const losskit_linear_cross_entropy *given);

/// The logits of parts [begin, end) of the classes, and what they add to the rows' sums.
void losskit_linear_cross_entropy_logits(const losskit_linear_cross_entropy *given, int64_t begin, int64_t end);

/// The results of the block's rows from all parts.
void losskit_linear_cross_entropy_finish(const losskit_linear_cross_entropy *given);

/// The slopes of tiles [begin, end) in the place of the logits, and the bias's gradient.
void losskit_linear_cross_entropy_slopes(const losskit_linear_cross_entropy *given, int64_t begin, int64_t end);

/// The hidden states' gradient: one group of features of one panel.
void losskit_linear_cross_entropy_hidden(const losskit_linear_cross_entropy *given, int64_t panel, int64_t group);

/// The weight's gradient for tiles [begin, end).
void losskit_linear_cross_entropy_weight(const losskit_linear_cross_entropy *given, int64_t begin, int64_t end);

/// Multiplies values [begin, end) by a factor.
void losskit_scale(float *values, int64_t begin, int64_t end, float factor);
