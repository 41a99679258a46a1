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

#if IS_FLOAT
#define IS_NAN(a) ((a) != (a))
#else
#define IS_NAN(a) 0
#endif

#if IS_SINGLE
#define MATH(single, general) single
#else
#define MATH(single, general) general
#endif

static void LKT(step)(const losskit_step *s, const T *restrict x, const T *restrict y, const T *restrict z, T *restrict out, int64_t n) {
#define EACH(expression) for (int64_t i = 0; i < n; i++) { T a = x[i]; out[i] = (T)(expression); } break;
#define PAIR(expression) for (int64_t i = 0; i < n; i++) { T a = x[i], b = y[i]; out[i] = (T)(expression); } break;
    switch (s->opcode) {
#if IS_FLOAT
    case op_add: PAIR(a + b)
    case op_subtract: PAIR(a - b)
    case op_multiply: PAIR(a * b)
    case op_divide: PAIR(a / b)
    case op_remainder: PAIR(MATH(special_remainder_single, special_remainder)(a, b))
    case op_floor_divide: PAIR(MATH(special_floor_divide_single, special_floor_divide)(a, b))
    case op_power: PAIR(MATH(powf, pow)(a, b))
    case op_atan2: PAIR(MATH(atan2f, atan2)(a, b))
    case op_minimum: PAIR(a < b || a != a ? a : b)
    case op_maximum: PAIR(a > b || a != a ? a : b)
    case op_absolute: EACH(MATH(__builtin_fabsf, __builtin_fabs)(a))
    case op_sign: EACH(a != a ? a : (a > 0) - (a < 0))
    case op_reciprocal: EACH(1 / a)
    case op_square_root: EACH(MATH(__builtin_sqrtf, __builtin_sqrt)(a))
    case op_reciprocal_square_root: EACH(1 / MATH(__builtin_sqrtf, __builtin_sqrt)(a))
    case op_exp: EACH(MATH(LK(lk_exp), exp)(a))
    case op_exp2: EACH(MATH(exp2f, exp2)(a))
    case op_expm1: EACH(MATH(expm1f, expm1)(a))
    case op_log: EACH(MATH(LK(lk_log), log)(a))
    case op_log2: EACH(MATH(log2f, log2)(a))
    case op_log10: EACH(MATH(log10f, log10)(a))
    case op_log1p: EACH(MATH(LK(lk_log1p), log1p)(a))
    case op_sin: EACH(MATH(sinf, sin)(a))
    case op_cos: EACH(MATH(cosf, cos)(a))
    case op_tan: EACH(MATH(tanf, tan)(a))
    case op_asin: EACH(MATH(asinf, asin)(a))
    case op_acos: EACH(MATH(acosf, acos)(a))
    case op_atan: EACH(MATH(atanf, atan)(a))
    case op_sinh: EACH(MATH(sinhf, sinh)(a))
    case op_cosh: EACH(MATH(coshf, cosh)(a))
    case op_tanh: EACH(MATH(LK(lk_tanh), tanh)(a))
    case op_asinh: EACH(MATH(asinhf, asinh)(a))
    case op_acosh: EACH(MATH(acoshf, acosh)(a))
    case op_atanh: EACH(MATH(atanhf, atanh)(a))
    case op_sigmoid: EACH(MATH(LK(lk_sigmoid)(a), (a < 0 ? exp(a) : 1) / (1 + exp(-fabs(a)))))
    case op_softplus: EACH(MATH(LK(lk_softplus)(a), (a > 0 || a != a ? a : 0) + log1p(exp(-fabs(a)))))
    case op_gelu: EACH(MATH(LK(lk_gelu)(a), special_gelu(a)))
    case op_gelu_slope: EACH(MATH(LK(lk_gelu_slope)(a), special_gelu_slope(a)))
    case op_erf: EACH(MATH(LK(lk_erf), erf)(a))
    case op_erfc: EACH(MATH(LK(lk_erfc), erfc)(a))
    case op_erf_inverse: EACH(special_erf_inverse(a))
    case op_log_gamma: EACH(special_log_gamma(a))
    case op_digamma: EACH(special_digamma(a))
    case op_trigamma: EACH(special_trigamma(a))
    case op_round_to_float32: EACH((float)a)
    case op_round_to_float16: EACH(LK(half_to_float)(LK(float_to_half)((float)a)))
    case op_round_to_bfloat16: EACH(LK(bfloat_to_float)(LK(float_to_bfloat)((float)a)))
    case op_floor: EACH(MATH(__builtin_floorf, __builtin_floor)(a))
    case op_ceil: EACH(MATH(__builtin_ceilf, __builtin_ceil)(a))
    case op_round: EACH(MATH(__builtin_rintf, __builtin_rint)(a))
    case op_truncate: EACH(MATH(__builtin_truncf, __builtin_trunc)(a))
    case op_is_nan: EACH(a != a)
    case op_is_infinite: EACH(MATH(__builtin_fabsf, __builtin_fabs)(a) == INFINITY)
    case op_is_finite: EACH(MATH(__builtin_fabsf, __builtin_fabs)(a) < INFINITY)
#else
    // Through the unsigned type: overflow wraps.
    case op_add: PAIR((uint64_t)a + (uint64_t)b)
    case op_subtract: PAIR((uint64_t)a - (uint64_t)b)
    case op_multiply: PAIR((uint64_t)a * (uint64_t)b)
    case op_divide: PAIR(b == 0 ? 0 : b == -1 ? (T)(0 - (uint64_t)a) : a / b)
    case op_remainder: PAIR(b == 0 || b == -1 ? 0 : (a % b + b * ((a % b != 0) & ((a < 0) != (b < 0)))))
    case op_floor_divide: PAIR(b == 0 ? 0 : b == -1 ? (T)(0 - (uint64_t)a) : a / b - ((a % b != 0) & ((a < 0) != (b < 0))))
    case op_power:
        for (int64_t i = 0; i < n; i++) {
            uint64_t base = (uint64_t)x[i], result = 1;
            for (T exponent = y[i]; exponent > 0; exponent >>= 1, base *= base) result *= exponent & 1 ? base : 1;
            out[i] = y[i] < 0 ? (x[i] == 1 ? 1 : x[i] == -1 ? (y[i] & 1 ? -1 : 1) : 0) : (T)result;
        }
        break;
    case op_minimum: PAIR(a < b ? a : b)
    case op_maximum: PAIR(a > b ? a : b)
    case op_bitwise_and: PAIR(a & b)
    case op_bitwise_or: PAIR(a | b)
    case op_bitwise_xor: PAIR(a ^ b)
    case op_shift_left: PAIR((uint64_t)b >= sizeof(T) * 8 ? 0 : (uint64_t)a << b)
    case op_shift_right: PAIR((uint64_t)b >= sizeof(T) * 8 ? (a < 0 ? -1 : 0) : a >> b)
    case op_absolute: EACH(a < 0 ? (T)(0 - (uint64_t)a) : a)
    case op_sign: EACH((a > 0) - (a < 0))
    case op_floor: case op_ceil: case op_round: case op_truncate: EACH(a)
    case op_is_nan: case op_is_infinite: for (int64_t i = 0; i < n; i++) out[i] = 0; break;
    case op_is_finite: for (int64_t i = 0; i < n; i++) out[i] = 1; break;
#endif
    case op_equal: PAIR(a == b)
    case op_not_equal: PAIR(a != b)
    case op_less: PAIR(a < b)
    case op_less_equal: PAIR(a <= b)
    case op_greater: PAIR(a > b)
    case op_greater_equal: PAIR(a >= b)
    case op_logical_and: PAIR((a != 0) & (b != 0))
    case op_logical_or: PAIR((a != 0) | (b != 0))
    case op_logical_xor: PAIR((a != 0) != (b != 0))
    case op_logical_not: EACH(a == 0)
    case op_negate: EACH(-a)
    case op_square: EACH(a * a)
    case op_select:
        for (int64_t i = 0; i < n; i++) out[i] = x[i] != 0 ? y[i] : z[i];
        break;
    default: break;
    }
#undef EACH
#undef PAIR
}

// Values of `n` elements from linear index `at`; constants must stand in their registers already.
static const T *LKT(evaluate)(const losskit_expression *e, int64_t at, int64_t n, T (*registers)[LK_STRIDE]) {
    const T *values[losskit_maximum_registers] = {0};
    for (int i = 0; i < e->step_count; i++) {
        const losskit_step *s = &e->steps[i];
        T *out = registers[s->target];
        values[s->target] = out;
        if (s->opcode == op_leaf && e->leaf_types[s->a] == NATIVE && e->rank == 1 && e->strides[s->a] == 1) {
            const T *source = (const T *)e->leaves[s->a] + at;
            values[s->target] = source;
            // The next block comes in while this one is worked on: leaves are too many streams, too short each, for the machine to foresee.
            for (int64_t i = 0; i < n; i += 64 / (int64_t)sizeof(T)) __builtin_prefetch(source + LK_BLOCK + i, 0, 2);
        } else if (s->opcode == op_leaf) LKT(load)(e, s->a, at, n, out);
        else if (s->opcode != op_constant) LKT(step)(s, values[s->a], values[s->b], values[s->c], out, n);
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
    for (int64_t at = begin; at < end; at += LK_BLOCK) {
        int64_t n = end - at < LK_BLOCK ? end - at : LK_BLOCK;
        LKT(store)(e->output, LKT(evaluate)(e, at, n, registers), n, output, at);
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
    ACC *out = partials;
    int r = e->reduction;
    if (from == 0 && to == length && length < LK_BLOCK && length > 0) {
        // Whole short rows: a block holds several of them.
        int64_t rows = LK_BLOCK / length;
        for (int64_t row = begin; row < end; row += rows) {
            int64_t n = end - row < rows ? end - row : rows;
            const T *values = LKT(evaluate)(e, row * length, n * length, registers);
            for (int64_t i = 0; i < n; i++) out[row + i] = LKT(fold)(r, values + i * length, length);
        }
        return;
    }
    for (int64_t row = begin; row < end; row++) {
        ACC result = LKT(identity)(r);
        for (int64_t at = from; at < to; at += LK_BLOCK) {
            int64_t n = to - at < LK_BLOCK ? to - at : LK_BLOCK;
            result = LKT(combine)(r, result, LKT(fold)(r, LKT(evaluate)(e, row * length + at, n, registers), n));
        }
        out[row] = result;
    }
}

static void LKT(fold_columns)(const losskit_expression *e, int64_t length, int64_t columns, int64_t outer, int64_t begin, int64_t end,
                              int64_t from, int64_t to, void *partials) {
    T registers[e->register_count][LK_STRIDE] __attribute__((aligned(64)));
    LKT(fill_constants)(e, registers);
    int r = e->reduction;
    for (int64_t column = begin; column < end; column += LK_BLOCK) {
        int64_t n = end - column < LK_BLOCK ? end - column : LK_BLOCK;
        ACC *out = (ACC *)partials + outer * columns + column;
        for (int64_t i = 0; i < n; i++) out[i] = LKT(identity)(r);
        for (int64_t row = from; row < to; row++) {
            const T *values = LKT(evaluate)(e, (outer * length + row) * columns + column, n, registers);
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

#undef MATH
#undef IS_NAN
#undef NATIVE
#undef T
#undef ACC
#undef LKT
#undef IS_FLOAT
#undef IS_SINGLE
