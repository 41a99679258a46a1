// Blocks of logits on their way from storage to float32 and back. Included once for each instruction set.

#ifndef SOFTMAX_BLOCK
#define SOFTMAX_BLOCK 2048
typedef float softmax_vector __attribute__((vector_size(64), aligned(64)));
#endif

// exp(x) of numbers that are not above 0 by more than rounding; 0 below the normal numbers, where the bits of the power of two come to 0.
lk_inline float LK(exp_below)(float x) {
    float bounded = x < -88.0f ? -88.0f : x;
    float shifted = LK_FMAF(bounded, 1.44269504f, 12582912.0f);
    float whole = shifted - 12582912.0f;
    float r = LK_FMAF(whole, -0.693359375f, bounded);
    r = LK_FMAF(whole, 2.12194440e-4f, r);
    return LK(lk_exp_reduced)(r) * LK(lk_from_bits)((int32_t)(((uint32_t)LK(lk_to_bits)(shifted) + 127) << 23));
}

// Logits as float32 with the bias, capped and divided by the temperature: where they lie if nothing is to be done, else in `scratch`.
lk_inline const float *LK(softmax_block)(const void *logits, int32_t type, const float *bias, float cap, float scale, int64_t at, int64_t length,
                                         float *scratch) {
    const float *single = (const float *)logits + at;
    const uint16_t *narrow = (const uint16_t *)logits + at;
    if (type == 0) {
        if (!bias && cap == 0 && scale == 1) return single;
        for (int64_t i = 0; i < length; i++) scratch[i] = single[i];
    } else if (type == 1) for (int64_t i = 0; i < length; i++) scratch[i] = LK(half_to_float)(narrow[i]);
    else for (int64_t i = 0; i < length; i++) scratch[i] = LK(bfloat_to_float)(narrow[i]);
    if (bias) for (int64_t i = 0; i < length; i++) scratch[i] += bias[i];
    if (cap != 0) for (int64_t i = 0; i < length; i++) scratch[i] = cap * LK(lk_tanh)(scratch[i] / cap);
    if (scale != 1) for (int64_t i = 0; i < length; i++) scratch[i] *= scale;
    return scratch;
}

// A derivative for z turned into one for the logits: dz/dx = (1 - (z / (scale cap))^2) scale.
lk_inline void LK(softmax_chain)(float *slope, const float *z, int64_t length, float cap, float scale) {
    if (cap != 0) {
        float inverse = 1 / (scale * cap);
        for (int64_t i = 0; i < length; i++) slope[i] *= (1 - z[i] * inverse * (z[i] * inverse)) * scale;
    } else if (scale != 1) for (int64_t i = 0; i < length; i++) slope[i] *= scale;
}

// Writes a block in the storage's type; past the cache where it would only push out what is still needed.
lk_inline void LK(softmax_store)(void *target, int32_t type, int64_t at, int64_t length, const float *values, int32_t streams) {
    uint16_t *narrow = (uint16_t *)target + at;
    float *single = (float *)target + at;
    if (type == 1) for (int64_t i = 0; i < length; i++) narrow[i] = LK(float_to_half)(values[i]);
    else if (type == 2) for (int64_t i = 0; i < length; i++) narrow[i] = LK(float_to_bfloat)(values[i]);
    else if (!streams) memcpy(single, values, (size_t)length * sizeof *values);
    else {
        int64_t i = 0;
        for (; i < length && ((uintptr_t)(single + i) & 63); i++) single[i] = values[i];
        for (; i + 16 <= length; i += 16) {
            softmax_vector v;
            memcpy(&v, values + i, sizeof v);
            __builtin_nontemporal_store(v, (softmax_vector *)(single + i));
        }
        for (; i < length; i++) single[i] = values[i];
    }
}

lk_inline void LK(softmax_clear)(void *target, int32_t type, int64_t at, int64_t length) {
    size_t size = type == 0 ? 4 : 2;
    memset((char *)target + at * size, 0, (size_t)length * size);
}
