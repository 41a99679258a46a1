#pragma once

#include <stdint.h>

#include "losskit_expression.h"

enum { losskit_side_row, losskit_side_column, losskit_side_shared };

/// What a formula reads: [rows, d], [columns, d] or [d], of the formula's arithmetic type.
typedef struct losskit_formula_slot {
    const void *values;
    int64_t d;
    int32_t side;
} losskit_formula_slot;

enum { losskit_stage_steps, losskit_stage_total, losskit_stage_square, losskit_stage_dot };

/// A stretch of the work on a pair: steps on scalars; the sum over coordinates of what steps make of each; |x - y|^2 or x.y of two slots.
///
/// Steps are those of an expression, but leaves name slots; within a sum over coordinates slots give the coordinate at hand.
typedef struct losskit_formula_stage {
    int32_t kind, begin, end, value, target, row, column, feature;
    int64_t d;
    /// A point [d] near which the others lie: squares are then taken by products. NULL: by differences.
    const void *centre;
} losskit_formula_stage;

enum { losskit_term_plain, losskit_term_row, losskit_term_column, losskit_term_difference, losskit_term_steps };

/// A part of a sum: the register `weight` in every coordinate, times a slot's vector, or times the difference of two; or what steps make of
/// each coordinate, in the register `weight`. `stage` is the one that squares the same difference by products, or -1.
typedef struct losskit_formula_term {
    int32_t kind, weight, row, column, begin, end, stage;
} losskit_formula_term;

enum {
    losskit_reduce_sum, losskit_reduce_log_sum_exp, losskit_reduce_minimum, losskit_reduce_maximum, losskit_reduce_smallest,
    losskit_reduce_largest
};

/// For every row the reduction over all columns of a formula of both.
typedef struct losskit_formula {
    int32_t is_double, reduction, slot_count, step_count, stage_count, term_count, column_term_count, constant_count, register_count,
        feature_count;
    /// The register that is reduced, unless terms are summed.
    int32_t value;
    const losskit_formula_slot *slots;
    const losskit_step *steps;
    const losskit_formula_stage *stages;
    const losskit_formula_term *terms;
    /// Sums for every column over all rows, which come from the same pairs; no steps, and differences only with a stage.
    const losskit_formula_term *column_terms;
    const double *constants;
    /// For each constant its register.
    const int32_t *constant_registers;
    int64_t rows, columns;
    /// Coordinates of a sum; values that are kept of each row; coordinates of the columns' sums.
    int64_t width, kept, column_width;
} losskit_formula;

enum { losskit_formula_rows = 128 };

/// Bytes of memory that a thread needs.
int64_t losskit_formula_scratch(const losskit_formula *formula);

/// The rows begin..<end, at most losskit_formula_rows, over the columns of `span_count` ranges, each by its bounds, into `out`
/// [rows, width or kept]; for what keeps values also their columns, -1 where
/// there are fewer, into `places`.
void losskit_formula_reduce(const losskit_formula *formula, int64_t begin, int64_t end, const int64_t *spans, int64_t span_count,
                            void *scratch, void *out, int32_t *places);

/// The sums of the rows begin..<end over the columns of a stretch, added to `out` where the stretch is not the first, and what these rows
/// give to the columns' own sums.
///
/// Blocks of rows follow each other through a stretch: each is a block of columns behind the one before, so the order of every sum is
/// fixed. `sums` [columns of the stretch, column_width] is shared by them; the last block of rows leaves the results in `column_out`.
/// `done` counts for each block the columns it is through with.
typedef struct losskit_formula_stretch {
    int64_t from, to;
    double *sums;
    int64_t *done;
    void *out, *column_out;
} losskit_formula_stretch;

void losskit_formula_reduce_both(const losskit_formula *formula, int64_t block, const losskit_formula_stretch *stretch, void *scratch);

/// A point near the middle of the finite ones of two sets [n, d] and [m, d], into `centre`.
void losskit_formula_centre(int32_t is_double, const void *x, int64_t n, const void *y, int64_t m, int64_t d, void *centre);
