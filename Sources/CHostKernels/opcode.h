#pragma once

// The order of Opcode.swift; a test compares the two.
enum {
    op_leaf, op_constant,
    op_add, op_subtract, op_multiply, op_divide, op_remainder, op_floor_divide, op_power, op_atan2, op_minimum, op_maximum,
    op_equal, op_not_equal, op_less, op_less_equal, op_greater, op_greater_equal,
    op_logical_and, op_logical_or, op_logical_xor,
    op_bitwise_and, op_bitwise_or, op_bitwise_xor, op_shift_left, op_shift_right,
    op_negate, op_absolute, op_sign, op_reciprocal, op_square, op_square_root, op_reciprocal_square_root,
    op_exp, op_exp2, op_expm1, op_log, op_log2, op_log10, op_log1p,
    op_sin, op_cos, op_tan, op_asin, op_acos, op_atan, op_sinh, op_cosh, op_tanh, op_asinh, op_acosh, op_atanh,
    op_sigmoid, op_softplus, op_gelu, op_erf, op_erfc, op_erf_inverse, op_log_gamma, op_digamma, op_trigamma,
    op_floor, op_ceil, op_round, op_truncate,
    op_is_nan, op_is_infinite, op_is_finite, op_logical_not,
    op_select,
    op_round_to_float32, op_round_to_float16, op_round_to_bfloat16,
    op_gelu_slope,
};

enum { type_float32, type_float16, type_bfloat16, type_float64, type_int32, type_int64, type_uint8, type_bool };
enum { arithmetic_float32, arithmetic_float64, arithmetic_int32, arithmetic_int64 };
enum { reduce_none = -1, reduce_sum, reduce_product, reduce_minimum, reduce_maximum };
