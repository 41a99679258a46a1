// Between storage and arithmetic types. Included once for each instruction set.

lk_inline float LK(half_to_float)(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, magnitude = h & 0x7FFF;
    // Scaling by 2^112 moves the exponent to its place, subnormals included.
    float scaled = LK(lk_from_bits)((int32_t)(magnitude << 13)) * 5.192296858534828e33f;
    uint32_t bits = (uint32_t)LK(lk_to_bits)(scaled);
    bits = magnitude >= 0x7C00 ? 0x7F800000 | (magnitude & 0x3FF) << 13 : bits;
    return LK(lk_from_bits)((int32_t)(bits | sign));
}

lk_inline uint16_t LK(float_to_half)(float x) {
    uint32_t bits = (uint32_t)LK(lk_to_bits)(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    uint32_t normal = (magnitude - 0x38000000 + 0xFFF + (magnitude >> 13 & 1)) >> 13;
    // Adding 0.5 rounds a subnormal at the right bit.
    uint32_t tiny = (uint32_t)LK(lk_to_bits)(LK(lk_from_bits)((int32_t)magnitude) + 0.5f) - 0x3F000000;
    uint32_t half = magnitude < 0x38800000 ? tiny : normal;
    half = magnitude >= 0x477FF000 ? 0x7C00 : half;
    half = magnitude > 0x7F800000 ? 0x7E00 : half;
    return (uint16_t)(sign | half);
}

lk_inline float LK(bfloat_to_float)(uint16_t b) {
    return LK(lk_from_bits)((int32_t)((uint32_t)b << 16));
}

lk_inline uint16_t LK(float_to_bfloat)(float x) {
    uint32_t bits = (uint32_t)LK(lk_to_bits)(x);
    uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
    return (uint16_t)(x != x ? (bits >> 16 | 0x40) : rounded);
}

// Out of range goes to the nearest end, NaN to 0.
lk_inline int64_t LK(to_int64)(double x) {
    if (x != x) return 0;
    if (x >= 9223372036854775808.0) return INT64_MAX;
    if (x < -9223372036854775808.0) return INT64_MIN;
    return (int64_t)x;
}

lk_inline int32_t LK(to_int32)(double x) {
    if (x != x) return 0;
    return x >= 2147483647.0 ? INT32_MAX : x <= -2147483648.0 ? INT32_MIN : (int32_t)x;
}
