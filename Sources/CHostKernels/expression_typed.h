// The interpreter for one arithmetic type T, with accumulators ACC; undefines its parameters at the end.

// Loads `n` elements from linear index `at` of the space.
static void LKT(load)(const losskit_expression *e, int leaf, int64_t at, int64_t n, T *out) {
    int rank = e->rank;
    int64_t index[rank];
    const int64_t *strides = e->strides + leaf * rank;
    int64_t offset = 0;
    for (int axis = rank - 1; axis >= 0; axis--) {
        index[axis] = at % e->shape[axis];
        at /= e->shape[axis];
        offset += index[axis] * strides[axis];
    }
    int64_t inner = e->shape[rank - 1], step = strides[rank - 1], done = 0;
    while (done < n) {
        int64_t run = inner - index[rank - 1];
        if (run > n - done) run = n - done;
        T *target = out + done;
#define RUN(S, convert) { \
        const S *source = (const S *)e->leaves[leaf] + offset; \
        if (step == 1) for (int64_t i = 0; i < run; i++) { S v = source[i]; target[i] = (T)(convert); } \
        else if (step == 0) { S v = *source; T value = (T)(convert); for (int64_t i = 0; i < run; i++) target[i] = value; } \
        else for (int64_t i = 0; i < run; i++) { S v = source[i * step]; target[i] = (T)(convert); } \
        break; }
        switch (e->leaf_types[leaf]) {
#if IS_FLOAT
        case type_float32: RUN(float, v)
        case type_float16: RUN(uint16_t, LK(half_to_float)(v))
        case type_bfloat16: RUN(uint16_t, LK(bfloat_to_float)(v))
        case type_float64: RUN(double, v)
#else
        case type_float32: RUN(float, LK(to_int64)(v))
        case type_float16: RUN(uint16_t, LK(to_int64)(LK(half_to_float)(v)))
        case type_bfloat16: RUN(uint16_t, LK(to_int64)(LK(bfloat_to_float)(v)))
        case type_float64: RUN(double, LK(to_int64)(v))
#endif
        case type_int32: RUN(int32_t, v)
        case type_int64: RUN(int64_t, v)
        case type_uint8: RUN(uint8_t, v)
        case type_bool: RUN(uint8_t, v != 0)
        }
#undef RUN
        done += run;
        if (done == n) return;
        // Carry into the outer axes.
        offset -= index[rank - 1] * step;
        index[rank - 1] = 0;
        for (int axis = rank - 2; axis >= 0; axis--) {
            offset += strides[axis];
            if (++index[axis] < e->shape[axis]) break;
            offset -= index[axis] * strides[axis];
            index[axis] = 0;
        }
    }
}

static void LKT(store)(int type, const T *values, int64_t n, void *output, int64_t at) {
#define RUN(S, convert) { S *target = (S *)output + at; for (int64_t i = 0; i < n; i++) { T v = values[i]; target[i] = (S)(convert); } break; }
    switch (type) {
    case type_float32: RUN(float, v)
    case type_float16: RUN(uint16_t, LK(float_to_half)((float)v))
    case type_bfloat16: RUN(uint16_t, LK(float_to_bfloat)((float)v))
    case type_float64: RUN(double, v)
#if IS_FLOAT
    case type_int32: RUN(int32_t, LK(to_int32)(v))
    case type_int64: RUN(int64_t, LK(to_int64)(v))
    case type_uint8: RUN(uint8_t, LK(to_int64)(v))
#else
    case type_int32: RUN(int32_t, v)
    case type_int64: RUN(int64_t, v)
    case type_uint8: RUN(uint8_t, v)
#endif
    case type_bool: RUN(uint8_t, v != 0)
    }
#undef RUN
}

#include "expression_step.h"

// How often a step asks: those that take longer than memory takes to answer.
static int LKT(requests)(int opcode) {
    switch (opcode) {
    case op_leaf: case op_constant: return 0;
    case op_exp: case op_log: case op_log1p: case op_tanh: case op_sigmoid: case op_softplus: case op_gelu: case op_gelu_slope: case op_erf:
    case op_erfc: return LK_BLOCK / LKT(piece);
    default: return 1;
    }
}

static int LKT(lies_in_place)(const losskit_expression *e, int leaf) {
    return e->leaf_types[leaf] == NATIVE && e->rank == 1 && e->strides[leaf] == 1;
}

static LKT(ahead) LKT(look_ahead)(const losskit_expression *e) {
    LKT(ahead) ahead = {.count = 0};
    for (int k = 0; k < e->leaf_count; k++)
        if (LKT(lies_in_place)(e, k)) ahead.leaves[ahead.count++] = e->leaves[k];
    int64_t line = 64 / (int64_t)sizeof(T), requests = 1;
    for (int i = 0; i < e->step_count; i++) requests += LKT(requests)(e->steps[i].opcode);
    ahead.share = ((LK_BLOCK / line + requests - 1) / requests) * line;
    return ahead;
}

// Values of `n` elements from linear index `at`; constants must stand in their registers already.
static const T *LKT(evaluate)(const losskit_expression *e, int64_t at, int64_t n, T (*registers)[LK_STRIDE], LKT(ahead) *ahead) {
    const T *values[losskit_maximum_registers] = {0};
    ahead->next = at + LK_BLOCK;
    ahead->end = at + 2 * LK_BLOCK;
    for (int i = 0; i < e->step_count; i++) {
        const losskit_step *s = &e->steps[i];
        T *out = registers[s->target];
        values[s->target] = out;
        if (s->opcode == op_leaf && LKT(lies_in_place)(e, s->a)) values[s->target] = (const T *)e->leaves[s->a] + at;
        else if (s->opcode == op_leaf) LKT(load)(e, s->a, at, n, out);
        else if (s->opcode != op_constant) LKT(step)(s, values[s->a], values[s->b], values[s->c], out, n, ahead);
    }
    return values[e->result];
}

static void LKT(fill_constants)(const losskit_expression *e, T (*registers)[LK_STRIDE]) {
    for (int i = 0; i < e->step_count; i++) {
        if (e->steps[i].opcode != op_constant) continue;
        for (int j = 0; j < LK_BLOCK; j++) registers[e->steps[i].target][j] = (T)e->constants[e->steps[i].a];
    }
}

static void LKT(map)(const losskit_expression *e, int64_t begin, int64_t end, void *output) {
    T registers[e->register_count][LK_STRIDE] __attribute__((aligned(64)));
    LKT(fill_constants)(e, registers);
    LKT(ahead) ahead = LKT(look_ahead)(e);
    for (int64_t at = begin; at < end; at += LK_BLOCK) {
        int64_t n = end - at < LK_BLOCK ? end - at : LK_BLOCK;
        LKT(store)(e->output, LKT(evaluate)(e, at, n, registers, &ahead), n, output, at);
    }
}

static ACC LKT(identity)(int reduction) {
    switch (reduction) {
    case reduce_sum: return 0;
    case reduce_product: return 1;
#if IS_FLOAT
    case reduce_minimum: return INFINITY;
    default: return -INFINITY;
#else
    case reduce_minimum: return sizeof(T) == 4 ? INT32_MAX : INT64_MAX;
    default: return sizeof(T) == 4 ? INT32_MIN : INT64_MIN;
#endif
    }
}

lk_inline ACC LKT(combine)(int reduction, ACC a, ACC b) {
    switch (reduction) {
#if IS_FLOAT
    case reduce_sum: return a + b;
    case reduce_product: return a * b;
#else
    case reduce_sum: return (ACC)((uint64_t)a + (uint64_t)b);
    case reduce_product: return (ACC)((uint64_t)a * (uint64_t)b);
#endif
    case reduce_minimum: return a < b || IS_NAN(a) ? a : b;
    default: return a > b || IS_NAN(a) ? a : b;
    }
}

// Sixteen accumulators side by side, so that the order of the sum is fixed and the loop is vector code.
static ACC LKT(fold)(int reduction, const T *values, int64_t n) {
    T lanes[16];
    int64_t whole = n & ~(int64_t)15;
    ACC result = LKT(identity)(reduction);
    if (whole) {
        for (int l = 0; l < 16; l++) lanes[l] = values[l];
#define LANES(combined) for (int64_t i = 16; i < whole; i += 16) for (int l = 0; l < 16; l++) { T a = lanes[l], b = values[i + l]; lanes[l] = combined; } break;
        switch (IS_FLOAT ? reduction : reduce_none) {
        case reduce_sum: LANES(a + b)
        case reduce_product: LANES(a * b)
        case reduce_minimum: LANES(a < b || IS_NAN(a) ? a : b)
        case reduce_maximum: LANES(a > b || IS_NAN(a) ? a : b)
        default: whole = 0;
        }
#undef LANES
        for (int l = 0; l < 16 && whole; l++) result = LKT(combine)(reduction, result, lanes[l]);
    }
    for (int64_t i = whole; i < n; i++) result = LKT(combine)(reduction, result, values[i]);
    return result;
}

static void LKT(fold_rows)(const losskit_expression *e, int64_t length, int64_t begin, int64_t end, int64_t from, int64_t to, void *partials) {
    T registers[e->register_count][LK_STRIDE] __attribute__((aligned(64)));
    LKT(fill_constants)(e, registers);
    LKT(ahead) ahead = LKT(look_ahead)(e);
    ACC *out = partials;
    int r = e->reduction;
    if (from == 0 && to == length && length < LK_BLOCK && length > 0) {
        // Whole short rows: a block holds several of them.
        int64_t rows = LK_BLOCK / length;
        for (int64_t row = begin; row < end; row += rows) {
            int64_t n = end - row < rows ? end - row : rows;
            const T *values = LKT(evaluate)(e, row * length, n * length, registers, &ahead);
            for (int64_t i = 0; i < n; i++) out[row + i] = LKT(fold)(r, values + i * length, length);
        }
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        ACC result = LKT(identity)(r);
        for (int64_t at = from; at < to; at += LK_BLOCK) {
            int64_t n = to - at < LK_BLOCK ? to - at : LK_BLOCK;
            result = LKT(combine)(r, result, LKT(fold)(r, LKT(evaluate)(e, row * length + at, n, registers, &ahead), n));
        }
        out[row] = result;
    }
}

static void LKT(fold_columns)(const losskit_expression *e, int64_t length, int64_t columns, int64_t outer, int64_t begin, int64_t end,
                              int64_t from, int64_t to, void *partials) {
    T registers[e->register_count][LK_STRIDE] __attribute__((aligned(64)));
    LKT(fill_constants)(e, registers);
    LKT(ahead) ahead = LKT(look_ahead)(e);
    int r = e->reduction;
    for (int64_t column = begin; column < end; column += LK_BLOCK) {
        int64_t n = end - column < LK_BLOCK ? end - column : LK_BLOCK;
        ACC *out = (ACC *)partials + outer * columns + column;
        for (int64_t i = 0; i < n; i++) out[i] = LKT(identity)(r);
        for (int64_t row = from; row < to; row++) {
            const T *values = LKT(evaluate)(e, (outer * length + row) * columns + column, n, registers, &ahead);
            switch (r) {
            case reduce_sum: for (int64_t i = 0; i < n; i++) out[i] = LKT(combine)(reduce_sum, out[i], values[i]); break;
            case reduce_product: for (int64_t i = 0; i < n; i++) out[i] = LKT(combine)(reduce_product, out[i], values[i]); break;
            case reduce_minimum: for (int64_t i = 0; i < n; i++) out[i] = LKT(combine)(reduce_minimum, out[i], values[i]); break;
            default: for (int64_t i = 0; i < n; i++) out[i] = LKT(combine)(reduce_maximum, out[i], values[i]);
            }
        }
    }
}

static void LKT(finish)(const losskit_expression *e, const void *partials, int64_t parts, int64_t count, double scale, void *output) {
    const ACC *in = partials;
    T values[LK_BLOCK];
    for (int64_t at = 0; at < count; at += LK_BLOCK) {
        int64_t n = count - at < LK_BLOCK ? count - at : LK_BLOCK;
        for (int64_t i = 0; i < n; i++) {
            ACC result = LKT(identity)(e->reduction);
            for (int64_t part = 0; part < parts; part++) result = LKT(combine)(e->reduction, result, in[part * count + at + i]);
            values[i] = (T)(scale == 1 ? result : (ACC)(result * scale));
        }
        LKT(store)(e->output, values, n, output, at);
    }
}

#undef IS_NAN
#undef NATIVE
#undef T
#undef ACC
#undef LKT
#undef IS_FLOAT
#undef IS_SINGLE
