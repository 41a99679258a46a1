// The fused expression's interpreter for one instruction set: four arithmetic types, chosen by the expression.

#include "vector_math.h"
#include "conversion.h"

// Elements a block; registers lie a little further apart, so that they do not fall on the same cache sets.
#define LK_BLOCK 512
#define LK_STRIDE (LK_BLOCK + 32)

#define T float
#define NATIVE type_float32
#define ACC double
#define LKT(name) LK(name##_f32)
#define IS_FLOAT 1
#define IS_SINGLE 1
#include "expression_typed.h"

#define T double
#define NATIVE type_float64
#define ACC double
#define LKT(name) LK(name##_f64)
#define IS_FLOAT 1
#define IS_SINGLE 0
#include "expression_typed.h"

#define T int32_t
#define NATIVE type_int32
#define ACC int64_t
#define LKT(name) LK(name##_i32)
#define IS_FLOAT 0
#define IS_SINGLE 0
#include "expression_typed.h"

#define T int64_t
#define NATIVE type_int64
#define ACC int64_t
#define LKT(name) LK(name##_i64)
#define IS_FLOAT 0
#define IS_SINGLE 0
#include "expression_typed.h"

#define BY_ARITHMETIC(call, arguments) \
    switch (e->arithmetic) { \
    case arithmetic_float32: LK(call##_f32) arguments; break; \
    case arithmetic_float64: LK(call##_f64) arguments; break; \
    case arithmetic_int32: LK(call##_i32) arguments; break; \
    default: LK(call##_i64) arguments; \
    }

static void LK(losskit_expression_map)(const losskit_expression *e, int64_t begin, int64_t end, void *output) {
    BY_ARITHMETIC(map, (e, begin, end, output))
}

static void LK(losskit_expression_fold_rows)(const losskit_expression *e, int64_t length, int64_t begin, int64_t end, int64_t from, int64_t to,
                                            void *partials) {
    BY_ARITHMETIC(fold_rows, (e, length, begin, end, from, to, partials))
}

static void LK(losskit_expression_fold_columns)(const losskit_expression *e, int64_t length, int64_t columns, int64_t outer, int64_t begin,
                                               int64_t end, int64_t from, int64_t to, void *partials) {
    BY_ARITHMETIC(fold_columns, (e, length, columns, outer, begin, end, from, to, partials))
}

static void LK(losskit_expression_finish)(const losskit_expression *e, const void *partials, int64_t parts, int64_t count, double scale,
                                         void *output) {
    BY_ARITHMETIC(finish, (e, partials, parts, count, scale, output))
}

#undef BY_ARITHMETIC
#undef LK_BLOCK
#undef LK_STRIDE
