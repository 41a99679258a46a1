// Branch-free elementary functions for float, written so that a loop over them becomes vector code. Included once for each instruction set.

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

// exp(x) = 2^n exp(r), |r| <= ln(2) / 2; the power of two in two halves, so that subnormal results and overflow come out right.
lk_inline float LK(lk_exp)(float x) {
    float bounded = x > 89.0f ? 89.0f : x;
    bounded = bounded < -104.0f ? -104.0f : bounded;
    float shifted = LK_FMAF(bounded, 1.44269504f, 12582912.0f);
    int32_t n = LK(lk_to_bits)(shifted) - 0x4B400000;
    float whole = shifted - 12582912.0f;
    float r = LK_FMAF(whole, -0.693359375f, bounded);
    r = LK_FMAF(whole, 2.12194440e-4f, r);
    float p = 1.9875691500e-4f;
    p = LK_FMAF(p, r, 1.3981999507e-3f);
    p = LK_FMAF(p, r, 8.3334519073e-3f);
    p = LK_FMAF(p, r, 4.1665795894e-2f);
    p = LK_FMAF(p, r, 1.6666665459e-1f);
    p = LK_FMAF(p, r, 5.0000001201e-1f);
    p = LK_FMAF(p * r, r, r) + 1.0f;
    int32_t half = n >> 1;
    p *= LK(lk_from_bits)((half + 127) << 23);
    p *= LK(lk_from_bits)((n - half + 127) << 23);
    return x != x ? x : p;
}

// log(x) = e ln 2 + log(m), sqrt(1/2) <= m < sqrt(2).
lk_inline float LK(lk_log)(float x) {
    int isTiny = x < 1.17549435e-38f;
    float scaled = isTiny ? x * 8388608.0f : x;
    int32_t bits = LK(lk_to_bits)(scaled);
    int32_t e = (bits - 0x3F3504F3) >> 23;
    float m = LK(lk_from_bits)(bits - (int32_t)((uint32_t)e << 23)) - 1.0f;
    float k = (float)(e - (isTiny ? 23 : 0));
    float p = 7.0376836292e-2f;
    p = LK_FMAF(p, m, -1.1514610310e-1f);
    p = LK_FMAF(p, m, 1.1676998740e-1f);
    p = LK_FMAF(p, m, -1.2420140846e-1f);
    p = LK_FMAF(p, m, 1.4249322787e-1f);
    p = LK_FMAF(p, m, -1.6668057665e-1f);
    p = LK_FMAF(p, m, 2.0000714765e-1f);
    p = LK_FMAF(p, m, -2.4999993993e-1f);
    p = LK_FMAF(p, m, 3.3333331174e-1f);
    float square = m * m;
    float y = p * m * square;
    y = LK_FMAF(k, -2.12194440e-4f, y);
    y = LK_FMAF(square, -0.5f, y);
    float result = LK_FMAF(k, 0.693359375f, m + y);
    result = x == 0.0f ? -__builtin_inff() : result;
    result = x == __builtin_inff() ? x : result;
    return x < 0.0f || x != x ? __builtin_nanf("") : result;
}

// log(1 + x) by the log of the rounded sum, corrected for the rounding.
lk_inline float LK(lk_log1p)(float x) {
    float sum = 1.0f + x;
    float result = sum == 1.0f ? x : LK(lk_log)(sum) + (x - (sum - 1.0f)) / sum;
    return x == __builtin_inff() ? x : result;
}

lk_inline float LK(lk_sigmoid)(float x) {
    return 1.0f / (1.0f + LK(lk_exp)(-x));
}

lk_inline float LK(lk_softplus)(float x) {
    float positive = x > 0.0f || x != x ? x : 0.0f;
    return positive + LK(lk_log1p)(LK(lk_exp)(-__builtin_fabsf(x)));
}

lk_inline float LK(lk_tanh)(float x) {
    float t = __builtin_fabsf(x);
    float far = 1.0f - 2.0f / (LK(lk_exp)(2.0f * t) + 1.0f);
    float s = x * x;
    float p = -5.70498872745e-3f;
    p = LK_FMAF(p, s, 2.06390887954e-2f);
    p = LK_FMAF(p, s, -5.37397155531e-2f);
    p = LK_FMAF(p, s, 1.33314422036e-1f);
    p = LK_FMAF(p, s, -3.33332819422e-1f);
    float near = LK_FMAF(p * s, x, x);
    float result = t < 0.625f ? near : __builtin_copysignf(far, x);
    return x != x ? x : result;
}

lk_inline float LK(lk_erf)(float x) {
    float t = __builtin_fabsf(x), s = x * x;
    float r = LK_FMAF(-1.72853470e-5f, t, 3.83197126e-4f);
    float u = LK_FMAF(-3.88396438e-3f, t, 2.42546219e-2f);
    r = LK_FMAF(r, s, u);
    r = LK_FMAF(r, t, -1.06777877e-1f);
    r = LK_FMAF(r, t, -6.34846687e-1f);
    r = LK_FMAF(r, t, -1.28717512e-1f);
    r = LK_FMAF(r, t, -t);
    float far = __builtin_copysignf(1.0f - LK(lk_exp)(r), x);
    float q = -5.96761703e-4f;
    q = LK_FMAF(q, s, 4.99119423e-3f);
    q = LK_FMAF(q, s, -2.67681349e-2f);
    q = LK_FMAF(q, s, 1.12819925e-1f);
    q = LK_FMAF(q, s, -3.76125336e-1f);
    q = LK_FMAF(q, s, 1.28379166e-1f);
    float near = LK_FMAF(q, x, x);
    far = t > 4.0f ? __builtin_copysignf(1.0f, x) : far;
    float result = t > 0.927734375f ? far : near;
    return x != x ? x : result;
}

lk_inline float LK(lk_gelu)(float x) {
    return 0.5f * x * (1.0f + LK(lk_erf)(x * 0.707106781f));
}
