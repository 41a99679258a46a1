// Philox4x32-10 and numbers made of its words, for one instruction set. The same correctly rounded operations in the same order as in
// kernels/random.cl: fma where it says fma, and no other contraction.

#include "vector_math.h"

#define FMA __builtin_fmaf

static void LK(philox)(uint64_t key, uint64_t counter, uint64_t stream, uint32_t *words) {
    uint32_t x = (uint32_t)counter, y = (uint32_t)(counter >> 32), z = (uint32_t)stream, w = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t first = (uint64_t)x * 0xD2511F53u, second = (uint64_t)z * 0xCD9E8D57u;
        x = (uint32_t)(second >> 32) ^ y ^ k0;
        y = (uint32_t)second;
        z = (uint32_t)(first >> 32) ^ w ^ k1;
        w = (uint32_t)first;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    words[0] = x, words[1] = y, words[2] = z, words[3] = w;
}

lk_inline float LK(log_of_parts)(float f, float exponent) {
    float p = 7.0376836292e-2f;
    p = FMA(p, f, -1.1514610310e-1f);
    p = FMA(p, f, 1.1676998740e-1f);
    p = FMA(p, f, -1.2420140846e-1f);
    p = FMA(p, f, 1.4249322787e-1f);
    p = FMA(p, f, -1.6668057665e-1f);
    p = FMA(p, f, 2.0000714765e-1f);
    p = FMA(p, f, -2.4999993993e-1f);
    p = FMA(p, f, 3.3333331174e-1f);
    const float square = f * f;
    const float tail = FMA(f * square, p, FMA(exponent, -2.12194440e-4f, -0.5f * square));
    return FMA(exponent, 0.693359375f, f + tail);
}

lk_inline float LK(exact_log)(float x) {
    const int32_t bits = LK(lk_to_bits)(x), exponent = (bits - 0x3F3504F3) >> 23;
    return LK(log_of_parts)(LK(lk_from_bits)(bits - exponent * (1 << 23)) - 1.0f, (float)exponent);
}

lk_inline float LK(exponential_of)(uint32_t word) {
    if (word < 0x4AFB0CCCu) return -LK(log_of_parts)(((float)word + 0.5f) * -0x1p-32f, 0.0f);
    return -LK(exact_log)(((float)~word + 0.5f) * 0x1p-32f);
}

lk_inline float LK(exact_root)(float x) {
    const float half_x = 0.5f * x;
    float s = LK(lk_from_bits)(0x5F375A86 - (LK(lk_to_bits)(x) >> 1));
    for (int i = 0; i < 3; i++) s = s * FMA(-(half_x * s), s, 1.5f);
    const float root = x * s;
    return FMA(FMA(-root, root, x), 0.5f * s, root);
}

lk_inline void LK(circle_of)(uint32_t word, float *x, float *y) {
    const uint32_t k = word >> 8, quarter = (k + (1u << 21)) >> 22;
    const float t = (float)((int32_t)k - (int32_t)(quarter << 22)) * 0x1p-22f, a = t * t;
    const float c = FMA(FMA(FMA(FMA(FMA(-2.5202042373e-5f, a, 9.1926027484e-4f), a, -2.0863480763e-2f), a, 2.5366950790e-1f), a, -1.2337005501f), a, 1.0f);
    const float s = t * FMA(FMA(FMA(FMA(1.6044118479e-4f, a, -4.6817541353e-3f), a, 7.9692626246e-2f), a, -6.4596409751e-1f), a, 1.5707963268f);
    switch (quarter & 3) {
    case 0: *x = c, *y = s; break;
    case 1: *x = -s, *y = c; break;
    case 2: *x = -c, *y = -s; break;
    default: *x = s, *y = -c;
    }
}

static void LK(losskit_draw)(int distribution, uint64_t key, uint64_t counter, uint64_t stream, float offset, float scale, float limit,
                             int64_t begin, int64_t end, int64_t count, uint32_t *target) {
    for (int64_t block = begin; block < end; block++) {
        uint32_t words[4];
        LK(philox)(key, counter + (uint64_t)block, stream, words);
        if (distribution == losskit_uniform) {
            for (int i = 0; i < 4; i++) {
                const float value = FMA(scale, (float)(words[i] >> 8) * 0x1p-24f, offset);
                words[i] = (uint32_t)LK(lk_to_bits)(value < limit ? value : limit);
            }
        } else if (distribution == losskit_normal) {
            for (int i = 0; i < 4; i += 2) {
                const float radius = LK(exact_root)(2.0f * LK(exponential_of)(words[i]));
                float x, y;
                LK(circle_of)(words[i + 1], &x, &y);
                words[i] = (uint32_t)LK(lk_to_bits)(FMA(scale, radius * x, offset));
                words[i + 1] = (uint32_t)LK(lk_to_bits)(FMA(scale, radius * y, offset));
            }
        } else if (distribution == losskit_gumbel) {
            for (int i = 0; i < 4; i++) words[i] = (uint32_t)LK(lk_to_bits)(-LK(exact_log)(LK(exponential_of)(words[i])));
        }
        const int64_t left = count - 4 * block;
        memcpy(target + 4 * block, words, (size_t)(left < 4 ? left : 4) * sizeof *words);
    }
}

#undef FMA
