// The fused expression's interpreter. -DARITHMETIC=0..3 chooses float, double, int or long; the opcodes are in the order of Opcode.swift.

#if ARITHMETIC == 0
typedef float T;
typedef wide_t ACC;
#define NATIVE 0
#define FLOATING 1
#elif ARITHMETIC == 1
typedef double T;
typedef double ACC;
#define NATIVE 3
#define FLOATING 1
#elif ARITHMETIC == 2
typedef int T;
typedef long ACC;
#define NATIVE 4
#define FLOATING 0
#else
typedef long T;
typedef long ACC;
#define NATIVE 5
#define FLOATING 0
#endif

// Elements that one work-item carries through the steps side by side.
#ifdef LOSSKIT_CPU
#define WIDTH 64
#else
#define WIDTH 4
#endif
#define MAXIMUM_RANK 6
#define MAXIMUM_LEAVES 8

typedef struct {
    long shape[MAXIMUM_RANK];
    long strides[MAXIMUM_LEAVES][MAXIMUM_RANK];
    T constants[12];
    uint steps[48];
    uchar leaf_types[MAXIMUM_LEAVES];
    int step_count, rank, result, output, reduction, padding;
} expression_t;

#define LEAF(k) __global const uchar *leaf##k, const long offset##k
#define LEAVES LEAF(0), LEAF(1), LEAF(2), LEAF(3), LEAF(4), LEAF(5), LEAF(6), LEAF(7)
#define GATHER_LEAVES \
    __global const uchar *leaves[MAXIMUM_LEAVES] = {leaf0, leaf1, leaf2, leaf3, leaf4, leaf5, leaf6, leaf7}; \
    const long offsets[MAXIMUM_LEAVES] = {offset0, offset1, offset2, offset3, offset4, offset5, offset6, offset7};

inline long saturated_long(wide_t x) {
    if (isnan(x)) return 0;
    return x >= (wide_t)9223372036854775808.0f ? LONG_MAX : x < -(wide_t)9223372036854775808.0f ? LONG_MIN : (long)x;
}

inline int saturated_int(wide_t x) {
    if (isnan(x)) return 0;
    return x >= (wide_t)2147483648.0f ? INT_MAX : x <= -(wide_t)2147483648.0f ? INT_MIN : (int)x;
}

#if FLOATING
#define FROM_FLOAT(x) ((T)(x))
#else
#define FROM_FLOAT(x) ((T)saturated_long(x))
#endif

inline T load_one(__global const uchar *leaf, int type, long i) {
    switch (type) {
    case 0: return FROM_FLOAT(((__global const float *)leaf)[i]);
    case 1: return FROM_FLOAT(half_to_float(((__global const ushort *)leaf)[i]));
    case 2: return FROM_FLOAT(bfloat_to_float(((__global const ushort *)leaf)[i]));
#ifdef LOSSKIT_FP64
    case 3: return FROM_FLOAT(((__global const double *)leaf)[i]);
#endif
    case 4: return (T)((__global const int *)leaf)[i];
    case 5: return (T)((__global const long *)leaf)[i];
    case 6: return (T)leaf[i];
    default: return (T)(leaf[i] != 0);
    }
}

inline void store_one(__global uchar *output, int type, long i, T v) {
    switch (type) {
    case 0: ((__global float *)output)[i] = (float)v; break;
    case 1: ((__global ushort *)output)[i] = float_to_half((float)v); break;
    case 2: ((__global ushort *)output)[i] = float_to_bfloat((float)v); break;
#ifdef LOSSKIT_FP64
    case 3: ((__global double *)output)[i] = (double)v; break;
#endif
#if FLOATING
    case 4: ((__global int *)output)[i] = saturated_int(v); break;
    case 5: ((__global long *)output)[i] = saturated_long(v); break;
    case 6: output[i] = (uchar)saturated_long(v); break;
#else
    case 4: ((__global int *)output)[i] = (int)v; break;
    case 5: ((__global long *)output)[i] = (long)v; break;
    case 6: output[i] = (uchar)v; break;
#endif
    default: output[i] = v != 0;
    }
}

inline int element_size(int type) { return type == 0 || type == 4 ? 4 : type == 3 || type == 5 ? 8 : type < 3 ? 2 : 1; }

// Elements `at` to `at + n` of the space; lanes past `n` repeat the first.
void load(const expression_t *e, int k, __global const uchar *leaf, long at, int n, T *out) {
    const int type = e->leaf_types[k], rank = e->rank;
    if (rank == 1 && type == NATIVE && n == WIDTH && e->strides[k][0] == 1) {
        __global const T *source = (__global const T *)leaf + at;
        for (int l = 0; l < WIDTH; l++) out[l] = source[l];
        return;
    }
    for (int l = 0; l < WIDTH; l++) {
        long rest = at + (l < n ? l : 0), index = 0;
        for (int axis = rank - 1; axis > 0; axis--) {
            index += rest % e->shape[axis] * e->strides[k][axis];
            rest /= e->shape[axis];
        }
        out[l] = load_one(leaf, type, index + rest * e->strides[k][0]);
    }
}

#if FLOATING
#include "special.clh"
#endif

#define EACH(value) for (int l = 0; l < WIDTH; l++) { T a = x[l]; out[l] = (T)(value); } break;
#define PAIR(value) for (int l = 0; l < WIDTH; l++) { T a = x[l], b = y[l]; out[l] = (T)(value); } break;

void step_values(int opcode, const T *x, const T *y, const T *z, T *out) {
    switch (opcode) {
    case 2: PAIR(a + b)
    case 3: PAIR(a - b)
    case 4: PAIR(a * b)
#if FLOATING
    case 5: PAIR(a / b)
    case 6: PAIR(a - b * floor(a / b))
    case 7: PAIR(floor(a / b))
    case 8: PAIR(pow(a, b))
    case 9: PAIR(atan2(a, b))
    case 10: PAIR(a < b || isnan(a) ? a : b)
    case 11: PAIR(a > b || isnan(a) ? a : b)
    case 27: EACH(fabs(a))
    case 28: EACH(isnan(a) ? a : (T)((a > 0) - (a < 0)))
    case 29: EACH(1 / a)
    case 31: EACH(sqrt(a))
    case 32: EACH(1 / sqrt(a))
    case 33: EACH(exp(a))
    case 34: EACH(exp2(a))
    case 35: EACH(expm1(a))
    case 36: EACH(log(a))
    case 37: EACH(log2(a))
    case 38: EACH(log10(a))
    case 39: EACH(log1p(a))
    case 40: EACH(sin(a))
    case 41: EACH(cos(a))
    case 42: EACH(tan(a))
    case 43: EACH(asin(a))
    case 44: EACH(acos(a))
    case 45: EACH(atan(a))
    case 46: EACH(sinh(a))
    case 47: EACH(cosh(a))
    case 48: EACH(tanh(a))
    case 49: EACH(asinh(a))
    case 50: EACH(acosh(a))
    case 51: EACH(atanh(a))
    case 52: EACH(1 / (1 + exp(-a)))
    case 53: EACH((a > 0 || isnan(a) ? a : (T)0) + log1p(exp(-fabs(a))))
    case 54: EACH((T)0.5f * a * (1 + erf(a * (T)0.707106781186547524)))
    case 55: EACH(erf(a))
    case 56: EACH(erfc(a))
    case 57: EACH(erf_inverse(a))
    case 58: EACH(log_gamma(a))
    case 59: EACH(digamma(a))
    case 60: EACH(trigamma(a))
    case 61: EACH(floor(a))
    case 62: EACH(ceil(a))
    case 63: EACH(rint(a))
    case 64: EACH(trunc(a))
    case 65: EACH(isnan(a) != 0)
    case 66: EACH(isinf(a) != 0)
    case 67: EACH(isfinite(a) != 0)
#else
    case 5: PAIR(b == 0 ? 0 : b == -1 ? -a : a / b)
    case 6: PAIR(b == 0 || b == -1 ? 0 : a % b + b * (a % b != 0 && (a < 0) != (b < 0)))
    case 7: PAIR(b == 0 ? 0 : b == -1 ? -a : a / b - (a % b != 0 && (a < 0) != (b < 0)))
    case 8:
        for (int l = 0; l < WIDTH; l++) {
            T base = x[l], result = 1;
            for (T exponent = y[l]; exponent > 0; exponent >>= 1, base *= base) result *= exponent & 1 ? base : 1;
            out[l] = y[l] < 0 ? (x[l] == 1 ? 1 : x[l] == -1 ? (y[l] & 1 ? -1 : 1) : 0) : result;
        }
        break;
    case 10: PAIR(a < b ? a : b)
    case 11: PAIR(a > b ? a : b)
    case 21: PAIR(a & b)
    case 22: PAIR(a | b)
    case 23: PAIR(a ^ b)
    case 24: PAIR(b < 0 || b >= (T)sizeof(T) * 8 ? 0 : a << b)
    case 25: PAIR(b < 0 || b >= (T)sizeof(T) * 8 ? (a < 0 ? -1 : 0) : a >> b)
    case 27: EACH(a < 0 ? -a : a)
    case 28: EACH((a > 0) - (a < 0))
    case 61: case 62: case 63: case 64: EACH(a)
    case 65: case 66: EACH(a & 0)
    case 67: for (int l = 0; l < WIDTH; l++) out[l] = 1; break;
#endif
    case 12: PAIR(a == b)
    case 13: PAIR(a != b)
    case 14: PAIR(a < b)
    case 15: PAIR(a <= b)
    case 16: PAIR(a > b)
    case 17: PAIR(a >= b)
    case 18: PAIR(a != 0 && b != 0)
    case 19: PAIR(a != 0 || b != 0)
    case 20: PAIR((a != 0) != (b != 0))
    case 26: EACH(-a)
    case 30: EACH(a * a)
    case 68: EACH(a == 0)
    case 69: for (int l = 0; l < WIDTH; l++) out[l] = x[l] != 0 ? y[l] : z[l]; break;
    default: break;
    }
}

// The expression's values for elements `at` to `at + n`, in the register that it ends in.
const T *evaluate(const expression_t *e, __global const uchar **leaves, long at, int n, T (*registers)[WIDTH]) {
    for (int i = 0; i < e->step_count; i++) {
        const uint code = e->steps[i];
        const int opcode = code & 0x7F, a = code >> 7 & 0x3F, b = code >> 13 & 0x3F, c = code >> 19 & 0x3F;
        T *out = registers[code >> 25 & 0x3F];
        if (opcode == 0) load(e, a, leaves[a], at, n, out);
        else if (opcode == 1) for (int l = 0; l < WIDTH; l++) out[l] = e->constants[a];
        else step_values(opcode, registers[a], registers[b], registers[c], out);
    }
    return registers[e->result];
}

__kernel void map(const expression_t given, LEAVES, __global uchar *output, const long output_offset, const long count) {
    const expression_t e = given;
    GATHER_LEAVES
    for (int k = 0; k < MAXIMUM_LEAVES; k++) leaves[k] += offsets[k] * element_size(e.leaf_types[k]);
    T registers[REGISTERS][WIDTH];
    const long at = (long)get_global_id(0) * WIDTH;
    if (at >= count) return;
    const int n = (int)min(count - at, (long)WIDTH);
    const T *values = evaluate(&e, leaves, at, n, registers);
    for (int l = 0; l < n; l++) store_one(output, e.output, output_offset + at + l, values[l]);
}

#if FLOATING
#define IS_NAN(a) isnan(a)
#else
#define IS_NAN(a) 0
#endif

inline ACC identity(int reduction) {
    switch (reduction) {
    case 0: return 0;
    case 1: return 1;
#if FLOATING
    case 2: return INFINITY;
    default: return -INFINITY;
#else
    case 2: return sizeof(T) == 4 ? INT_MAX : LONG_MAX;
    default: return sizeof(T) == 4 ? INT_MIN : LONG_MIN;
#endif
    }
}

inline ACC combine(int reduction, ACC a, ACC b) {
    switch (reduction) {
    case 0: return a + b;
    case 1: return a * b;
    case 2: return a < b || IS_NAN(a) ? a : b;
    default: return a > b || IS_NAN(a) ? a : b;
    }
}

// Folds a space of outer x length x columns along `length`. A work-group folds one part of one row (columns = 1) or of WIDTH columns;
// the last group to finish a row combines the parts in order, so that the result does not depend on which one that was.
__kernel void fold(const expression_t given, LEAVES, __global uchar *output, const long output_offset, __global volatile ACC *partials,
                   const long partials_offset, __global volatile int *arrived, const long arrived_offset, const long outer, const long length,
                   const long columns, const long parts, const long part_length, const wide_t scale, __local ACC *shared) {
    const expression_t e = given;
    GATHER_LEAVES
    for (int k = 0; k < MAXIMUM_LEAVES; k++) leaves[k] += offsets[k] * element_size(e.leaf_types[k]);
    T registers[REGISTERS][WIDTH];
    ACC lanes[WIDTH];
    const int lid = get_local_id(0), size = get_local_size(0), r = e.reduction;
    const long part = get_group_id(0) % parts, group = get_group_id(0) / parts;
    const long blocks = (columns + WIDTH - 1) / WIDTH, row = columns == 1 ? group : group / blocks;
    const long column = columns == 1 ? 0 : group % blocks * WIDTH;
    const long from = part * part_length, to = min(length, from + part_length);
    const int wide = columns == 1 ? 1 : (int)min(columns - column, (long)WIDTH);

    for (int l = 0; l < WIDTH; l++) lanes[l] = identity(r);
    const long stride = columns == 1 ? WIDTH : 1;
    for (long i = from + lid * stride; i < to; i += size * stride) {
        const int n = columns == 1 ? (int)min(to - i, (long)WIDTH) : wide;
        const T *values = evaluate(&e, leaves, columns == 1 ? row * length + i : (row * length + i) * columns + column, n, registers);
        for (int l = 0; l < n; l++) lanes[l] = combine(r, lanes[l], values[l]);
    }
    if (columns == 1) for (int l = 1; l < WIDTH; l++) lanes[0] = combine(r, lanes[0], lanes[l]);

#ifndef LOSSKIT_CPU
    for (int l = 0; l < wide; l++) {
        barrier(CLK_LOCAL_MEM_FENCE);
        shared[lid] = lanes[l];
        for (int reach = size / 2; reach > 0; reach /= 2) {
            barrier(CLK_LOCAL_MEM_FENCE);
            if (lid < reach) shared[lid] = combine(r, shared[lid], shared[lid + reach]);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        lanes[l] = shared[0];
    }
#endif
    if (lid != 0) return;
    const long first = row * columns + column, count = outer * columns;
    if (parts > 1) {
        for (int l = 0; l < wide; l++) partials[partials_offset + part * count + first + l] = lanes[l];
        mem_fence(CLK_GLOBAL_MEM_FENCE);
        if (atomic_inc(&arrived[arrived_offset + group]) != parts - 1) return;
        mem_fence(CLK_GLOBAL_MEM_FENCE);
        for (int l = 0; l < wide; l++) {
            lanes[l] = identity(r);
            for (long p = 0; p < parts; p++) lanes[l] = combine(r, lanes[l], partials[partials_offset + p * count + first + l]);
        }
    }
    for (int l = 0; l < wide; l++) store_one(output, e.output, output_offset + first + l, (T)(scale == 1 ? lanes[l] : (ACC)(lanes[l] * scale)));
}
