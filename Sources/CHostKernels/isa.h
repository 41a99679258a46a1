// Compiles the body named by LK_BODY once for each instruction set. In the body, LK(name) is the name for the current one and LK_FMA(a, b, c) is
// a * b + c, fused where the machine has the instruction and LK_FUSES is 1; vectors have LK_VECTOR_BYTES. LK_DISPATCH(name, parameters, arguments)
// then defines the function that picks.

#include "losskit_isa.h"

#define LK_JOIN_(a, b) a##b
#define LK_JOIN(a, b) LK_JOIN_(a, b)

#define LK(name) LK_JOIN(name, _baseline)
#define LK_VECTOR_BYTES 16
#if defined(__aarch64__)
#define LK_FUSES 1
#define LK_FMA(a, b, c) __builtin_fma(a, b, c)
#define LK_FMAF(a, b, c) __builtin_fmaf(a, b, c)
#else
#define LK_FUSES 0
#define LK_FMA(a, b, c) ((a) * (b) + (c))
#define LK_FMAF(a, b, c) ((a) * (b) + (c))
#endif
#include LK_BODY
#undef LK

#if defined(__x86_64__)
#undef LK_FUSES
#undef LK_FMA
#undef LK_FMAF
#undef LK_VECTOR_BYTES
#define LK_FUSES 1
#define LK_FMA(a, b, c) __builtin_fma(a, b, c)
#define LK_FMAF(a, b, c) __builtin_fmaf(a, b, c)

#define LK(name) LK_JOIN(name, _avx2)
#define LK_VECTOR_BYTES 32
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include LK_BODY
#pragma clang attribute pop
#undef LK

#undef LK_VECTOR_BYTES
#define LK(name) LK_JOIN(name, _avx512)
#define LK_VECTOR_BYTES 64
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c"))), apply_to = function)
#include LK_BODY
#pragma clang attribute pop
#undef LK

#define LK_DISPATCH(name, parameters, arguments) \
    void name parameters { \
        switch (losskit_isa_level()) { \
        case losskit_isa_avx512: name##_avx512 arguments; return; \
        case losskit_isa_avx2: name##_avx2 arguments; return; \
        default: name##_baseline arguments; \
        } \
    }
#else
#define LK_DISPATCH(name, parameters, arguments) \
    void name parameters { name##_baseline arguments; }
#endif
