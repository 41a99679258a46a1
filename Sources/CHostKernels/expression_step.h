// One step of the interpreters over n elements side by side, for the arithmetic type T; leaves IS_NAN defined.

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

// Leaves that are read where they lie, whose next block comes in while this one is worked on: memory is busy only if it is asked all the time, so
// every step asks for a share, and one that takes long asks before each of its pieces.
typedef struct LKT(ahead) {
    const T *leaves[losskit_maximum_leaves];
    int count;
    int64_t share, next, end;
} LKT(ahead);

enum { LKT(piece) = 64 };

lk_inline void LKT(fetch)(LKT(ahead) *ahead) {
    int64_t to = ahead->next + ahead->share < ahead->end ? ahead->next + ahead->share : ahead->end;
    for (int k = 0; k < ahead->count; k++)
        for (int64_t i = ahead->next; i < to; i += 64 / (int64_t)sizeof(T)) __builtin_prefetch(ahead->leaves[k] + i);
    ahead->next = to;
}

static void LKT(step)(const losskit_step *s, const T *restrict x, const T *restrict y, const T *restrict z, T *restrict out, int64_t n,
                      LKT(ahead) *ahead) {
#define EACH(expression) for (int64_t i = 0; i < n; i++) { T a = x[i]; out[i] = (T)(expression); } break;
#define LONG(expression) \
    for (int64_t from = 0; from < n; from += LKT(piece)) { \
        int64_t to = n - from < LKT(piece) ? n : from + LKT(piece); \
        if (from > 0) LKT(fetch)(ahead); \
        for (int64_t i = from; i < to; i++) { T a = x[i]; out[i] = (T)(expression); } \
    } \
    break;
#define PAIR(expression) for (int64_t i = 0; i < n; i++) { T a = x[i], b = y[i]; out[i] = (T)(expression); } break;
    LKT(fetch)(ahead);
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
    case op_square_root: EACH(__builtin_elementwise_sqrt(a))
    case op_reciprocal_square_root: EACH(1 / __builtin_elementwise_sqrt(a))
    case op_exp: LONG(MATH(LK(lk_exp), exp)(a))
    case op_exp2: EACH(MATH(exp2f, exp2)(a))
    case op_expm1: EACH(MATH(expm1f, expm1)(a))
    case op_log: LONG(MATH(LK(lk_log), log)(a))
    case op_log2: EACH(MATH(log2f, log2)(a))
    case op_log10: EACH(MATH(log10f, log10)(a))
    case op_log1p: LONG(MATH(LK(lk_log1p), log1p)(a))
    case op_sin: EACH(MATH(sinf, sin)(a))
    case op_cos: EACH(MATH(cosf, cos)(a))
    case op_tan: EACH(MATH(tanf, tan)(a))
    case op_asin: EACH(MATH(asinf, asin)(a))
    case op_acos: EACH(MATH(acosf, acos)(a))
    case op_atan: EACH(MATH(atanf, atan)(a))
    case op_sinh: EACH(MATH(sinhf, sinh)(a))
    case op_cosh: EACH(MATH(coshf, cosh)(a))
    case op_tanh: LONG(MATH(LK(lk_tanh), tanh)(a))
    case op_asinh: EACH(MATH(asinhf, asinh)(a))
    case op_acosh: EACH(MATH(acoshf, acosh)(a))
    case op_atanh: EACH(MATH(atanhf, atanh)(a))
    case op_sigmoid: LONG(MATH(LK(lk_sigmoid)(a), (a < 0 ? exp(a) : 1) / (1 + exp(-fabs(a)))))
    case op_softplus: LONG(MATH(LK(lk_softplus)(a), (a > 0 || a != a ? a : 0) + log1p(exp(-fabs(a)))))
    case op_gelu: LONG(MATH(LK(lk_gelu)(a), special_gelu(a)))
    case op_gelu_slope: LONG(MATH(LK(lk_gelu_slope)(a), special_gelu_slope(a)))
    case op_erf: LONG(MATH(LK(lk_erf), erf)(a))
    case op_erfc: LONG(MATH(LK(lk_erfc), erfc)(a))
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
#undef LONG
#undef PAIR
}

#undef MATH
