// The elementary functions of kernels/vector_math.clh for one instruction set.

#include <math.h>

#define lk_inline static inline __attribute__((always_inline))

lk_inline float LK(lk_from_bits)(int32_t bits) {
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

lk_inline int32_t LK(lk_to_bits)(float value) {
    int32_t bits;
    memcpy(&bits, &value, 4);
    return bits;
}

#define LK_FROM_BITS LK(lk_from_bits)
#define LK_TO_BITS LK(lk_to_bits)
#define LK_ABS __builtin_fabsf
#define LK_COPYSIGN __builtin_copysignf
#include "../../kernels/vector_math.clh"
