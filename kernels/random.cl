// Random numbers by counting: Philox4x32-10. The floats are made by correctly rounded operations alone (conversion, addition, multiplication
// and fma), so that every device gives the same bits.
#pragma OPENCL FP_CONTRACT OFF

inline uint4 philox(ulong key, ulong counter, ulong stream) {
    uint4 x = (uint4)((uint)counter, (uint)(counter >> 32), (uint)stream, (uint)(stream >> 32));
    uint k0 = (uint)key, k1 = (uint)(key >> 32);
    for (int round = 0; round < 10; round++) {
        x = (uint4)(mul_hi(x.z, 0xCD9E8D57u) ^ x.y ^ k0, x.z * 0xCD9E8D57u, mul_hi(x.x, 0xD2511F53u) ^ x.w ^ k1, x.x * 0xD2511F53u);
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    return x;
}

// log(1 + f) + exponent * log(2), 1 + f between the root of one half and that of two (the polynomial of Cephes).
inline float log_of_parts(float f, float exponent) {
    float p = 7.0376836292e-2f;
    p = fma(p, f, -1.1514610310e-1f);
    p = fma(p, f, 1.1676998740e-1f);
    p = fma(p, f, -1.2420140846e-1f);
    p = fma(p, f, 1.4249322787e-1f);
    p = fma(p, f, -1.6668057665e-1f);
    p = fma(p, f, 2.0000714765e-1f);
    p = fma(p, f, -2.4999993993e-1f);
    p = fma(p, f, 3.3333331174e-1f);
    const float square = f * f;
    const float tail = fma(f * square, p, fma(exponent, -2.12194440e-4f, -0.5f * square));
    return fma(exponent, 0.693359375f, f + tail);
}

inline float exact_log(float x) {
    const uint bits = as_uint(x);
    const int exponent = (int)(bits - 0x3F3504F3u) >> 23;
    return log_of_parts(as_float(bits - ((uint)exponent << 23)) - 1.0f, (float)exponent);
}

// -log(1 - (word + 1/2) / 2^32), with full precision at both ends.
inline float exponential_of(uint word) {
    if (word < 0x4AFB0CCCu) return -log_of_parts(((float)word + 0.5f) * -0x1p-32f, 0.0f);
    return -exact_log(((float)~word + 0.5f) * 0x1p-32f);
}

inline float exact_root(float x) {
    const float half_x = 0.5f * x;
    float s = as_float(0x5F375A86u - (as_uint(x) >> 1));
    for (int i = 0; i < 3; i++) s = s * fma(-(half_x * s), s, 1.5f);
    const float root = x * s;
    return fma(fma(-root, root, x), 0.5f * s, root);
}

// Cosine and sine of 2 pi k / 2^24, k the upper 24 bits of a word.
inline float2 circle_of(uint word) {
    const uint k = word >> 8, quarter = (k + (1u << 21)) >> 22;
    const float t = (float)((int)k - (int)(quarter << 22)) * 0x1p-22f, a = t * t;
    const float c = fma(fma(fma(fma(fma(-2.5202042373e-5f, a, 9.1926027484e-4f), a, -2.0863480763e-2f), a, 2.5366950790e-1f), a, -1.2337005501f), a, 1.0f);
    const float s = t * fma(fma(fma(fma(1.6044118479e-4f, a, -4.6817541353e-3f), a, 7.9692626246e-2f), a, -6.4596409751e-1f), a, 1.5707963268f);
    switch (quarter & 3) {
    case 0: return (float2)(c, s);
    case 1: return (float2)(-s, c);
    case 2: return (float2)(-c, -s);
    default: return (float2)(s, -c);
    }
}

// Four numbers of a distribution an item: 0 the words themselves, 1 uniform over [offset, offset + scale), at most `limit`, 2 normal by the
// Box-Muller transform, 3 Gumbel.
__kernel void draw(GLOBAL_OUT(uint, target), const int distribution, const long key, const long counter, const long stream,
                   const float offset, const float scale, const float limit, const long count) {
    AT_OUT(uint, target);
    const long block = get_global_id(0);
    if (4 * block >= count) return;
    const uint4 drawn = philox((ulong)key, (ulong)counter + (ulong)block, (ulong)stream);
    uint words[4] = {drawn.x, drawn.y, drawn.z, drawn.w};
    if (distribution == 1) {
        for (int i = 0; i < 4; i++) {
            const float value = fma(scale, (float)(words[i] >> 8) * 0x1p-24f, offset);
            words[i] = as_uint(value < limit ? value : limit);
        }
    } else if (distribution == 2) {
        for (int i = 0; i < 4; i += 2) {
            const float radius = exact_root(2.0f * exponential_of(words[i]));
            const float2 direction = circle_of(words[i + 1]);
            words[i] = as_uint(fma(scale, radius * direction.x, offset));
            words[i + 1] = as_uint(fma(scale, radius * direction.y, offset));
        }
    } else if (distribution == 3) {
        for (int i = 0; i < 4; i++) words[i] = as_uint(-exact_log(exponential_of(words[i])));
    }
    for (int i = 0; i < 4 && 4 * block + i < count; i++) target[4 * block + i] = words[i];
}
