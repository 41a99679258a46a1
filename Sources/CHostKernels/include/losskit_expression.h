#pragma once

#include <stdint.h>

/// One step of a fused expression: `opcode` and operands as in Opcode.swift; operands and `target` are registers,
/// but for leaves and constants, whose `a` indexes the leaves and the constants.
typedef struct losskit_step {
    int32_t opcode, a, b, c, target;
} losskit_step;

enum { losskit_maximum_leaves = 8, losskit_maximum_registers = 48 };

/// A fused expression over a row-major iteration space of `rank` axes, at least one; leaf k's strides stand at `strides + k * rank`.
/// Element types as in DType's order, arithmetic and reduction as in Swift.
typedef struct losskit_expression {
    int32_t arithmetic, output, reduction, step_count, leaf_count, constant_count, register_count, result, rank;
    const losskit_step *steps;
    const double *constants;
    const int64_t *shape, *strides;
    const void *leaves[losskit_maximum_leaves];
    int32_t leaf_types[losskit_maximum_leaves];
} losskit_expression;

/// Elements [begin, end) of the space to `output`, which points at element 0.
void losskit_expression_map(const losskit_expression *expression, int64_t begin, int64_t end, void *output);

/// Folds over a space of rows x `length`: for rows [begin, end) the elements [from, to) of each, into `partials[row]` (double, or int64 for integers).
void losskit_expression_fold_rows(const losskit_expression *expression, int64_t length, int64_t begin, int64_t end, int64_t from, int64_t to,
                                  void *partials);

/// Folds over a space of outer x `length` x `columns` along `length`: for columns [begin, end) of outer index `outer` the elements [from, to),
/// into `partials[outer * columns + column]`.
void losskit_expression_fold_columns(const losskit_expression *expression, int64_t length, int64_t columns, int64_t outer, int64_t begin,
                                     int64_t end, int64_t from, int64_t to, void *partials);

/// Combines `parts` partial results for each of `count` outputs (part after part, in order), scales and stores them.
void losskit_expression_finish(const losskit_expression *expression, const void *partials, int64_t parts, int64_t count, double scale,
                               void *output);
