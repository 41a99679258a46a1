// Reductions of formulas for one instruction set: a block of columns at a time for a few rows, in float and in double.

#include "vector_math.h"
#include "conversion.h"

// Columns that are worked on together, how far apart their registers lie (not on the same cache sets), and rows that share a product.
#define LK_LANES 256
#define LK_STRIDE (LK_LANES + 16)
#define LK_GROUP 8
// From so many coordinates of a sum on it is a product of matrices.
#define LK_WIDE 16

#define T float
#define LKT(name) LK(name##_f32)
#define IS_FLOAT 1
#define IS_SINGLE 1
#define EXP_BELOW(x) LK(lk_exp)(x)
#include "formula_typed.h"

#define T double
#define LKT(name) LK(name##_f64)
#define IS_FLOAT 1
#define IS_SINGLE 0
#define EXP_BELOW(x) exp(x)
#include "formula_typed.h"

static void LK(losskit_formula_reduce)(const losskit_formula *formula, int64_t begin, int64_t end, const int64_t *spans,
                                       int64_t span_count, void *scratch, void *out, int32_t *places) {
    if (formula->is_double) LK(reduce_f64)(formula, begin, end, spans, span_count, scratch, out, places);
    else LK(reduce_f32)(formula, begin, end, spans, span_count, scratch, out, places);
}

static void LK(losskit_formula_reduce_both)(const losskit_formula *formula, int64_t block, const losskit_formula_stretch *stretch,
                                            void *scratch) {
    if (formula->is_double) LK(reduce_both_f64)(formula, block, stretch, scratch);
    else LK(reduce_both_f32)(formula, block, stretch, scratch);
}

#undef LK_LANES
#undef LK_STRIDE
#undef LK_GROUP
#undef LK_WIDE
