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
#define MAXIMUM_LEAVES 8

// The extents of `rank` axes, then each leaf's strides.
typedef struct {
    long geometry[54];
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
    const int type = e->leaf_types[k], rank = e->rank, strides = (k + 1) * rank;
    if (rank == 1 && type == NATIVE && n == WIDTH && e->geometry[strides] == 1) {
        __global const T *source = (__global const T *)leaf + at;
        for (int l = 0; l < WIDTH; l++) out[l] = source[l];
        return;
    }
    for (int l = 0; l < WIDTH; l++) {
        long rest = at + (l < n ? l : 0), index = 0;
        for (int axis = rank - 1; axis > 0; axis--) {
            index += rest % e->geometry[axis] * e->geometry[strides + axis];
            rest /= e->geometry[axis];
        }
        out[l] = load_one(leaf, type, index + rest * e->geometry[strides]);
    }
}

#include "opcodes.clh"

#ifdef GENERATED
const T *evaluate(const expression_t *e, __global const uchar **leaves, long at, int n, T (*registers)[WIDTH]);
#else
#define CASE(n) \
    case n: \
        for (int l = 0; l < WIDTH; l++) { const T a = x[l], b = y[l], c = z[l]; out[l] = (T)(OP_##n(a, b, c)); } \
        break;

void step_values(int opcode, const T *x, const T *y, const T *z, T *out) {
    switch (opcode) {
    CASE(2) CASE(3) CASE(4) CASE(12) CASE(13) CASE(14) CASE(15) CASE(16)
    CASE(17) CASE(18) CASE(19) CASE(20) CASE(26) CASE(30) CASE(68) CASE(69)
#if FLOATING
    CASE(5) CASE(6) CASE(7) CASE(8) CASE(9) CASE(10) CASE(11) CASE(27)
    CASE(28) CASE(29) CASE(31) CASE(32) CASE(33) CASE(34) CASE(35) CASE(36)
    CASE(37) CASE(38) CASE(39) CASE(40) CASE(41) CASE(42) CASE(43) CASE(44)
    CASE(45) CASE(46) CASE(47) CASE(48) CASE(49) CASE(50) CASE(51) CASE(52)
    CASE(53) CASE(54) CASE(55) CASE(56) CASE(57) CASE(58) CASE(59) CASE(60)
    CASE(61) CASE(62) CASE(63) CASE(64) CASE(65) CASE(66) CASE(67) CASE(70) CASE(71) CASE(72)
    CASE(73)
#else
    CASE(5) CASE(6) CASE(7) CASE(8) CASE(10) CASE(11) CASE(21) CASE(22)
    CASE(23) CASE(24) CASE(25) CASE(27) CASE(28) CASE(61) CASE(62) CASE(63)
    CASE(64) CASE(65) CASE(66) CASE(67)
#endif
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
#endif

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
