#pragma once

#include <math.h>

// Functions that C's library lacks, in double: accurate to a few ulp of float, and to about 1e-14 in double where not said otherwise.

static inline double special_log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

// The remainder with the divisor's sign, exact as fmod is, and the quotient rounded down that goes with it.
#define SPECIAL_DIVISION(T, suffix, fmod, floor) \
    static inline T special_remainder##suffix(T a, T b) { \
        T rest = fmod(a, b); \
        return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest; \
    } \
    static inline T special_floor_divide##suffix(T a, T b) { \
        if (b == 0) return a / b; \
        T rest = fmod(a, b), quotient = (a - rest) / b; \
        if (rest != 0 && (rest < 0) != (b < 0)) quotient -= 1; \
        T whole = floor(quotient); \
        return quotient - whole > (T)0.5 ? whole + 1 : whole; \
    }
SPECIAL_DIVISION(float, _single, fmodf, floorf)
SPECIAL_DIVISION(double, , fmod, floor)
#undef SPECIAL_DIVISION

// x Phi(x), Phi being the normal distribution function; 0 where it is too small for a number.
static inline double special_gelu(double x) {
    return x < -39 ? -0.0 : 0.5 * x * erfc(x * -M_SQRT1_2);
}

// The derivative of gelu: Phi(x) + x phi(x).
static inline double special_gelu_slope(double x) {
    if (fabs(x) > 39) return x > 0;
    return 0.5 * erfc(x * -M_SQRT1_2) + x * 0.398942280401432678 * exp(-0.5 * x * x);
}

// Reflection for negative arguments, recurrence up to 10, then the asymptotic series.
static inline double special_digamma(double x) {
    if (x == 0) return copysign(INFINITY, -x);
    if (x < 0) {
        if (x == floor(x)) return NAN;
        return special_digamma(1 - x) - M_PI / tan(M_PI * (x - rint(x)));
    }
    double result = 0;
    for (; x < 10; x++) result -= 1 / x;
    double s = 1 / (x * x);
    double series = s * (1.0 / 12 - s * (1.0 / 120 - s * (1.0 / 252 - s * (1.0 / 240 - s * (1.0 / 132 - s * (691.0 / 32760 - s / 12))))));
    return result + log(x) - 0.5 / x - series;
}

static inline double special_trigamma(double x) {
    if (x <= 0) {
        if (x == floor(x)) return INFINITY;
        double s = sin(M_PI * (x - rint(x)));
        return M_PI * M_PI / (s * s) - special_trigamma(1 - x);
    }
    double result = 0;
    for (; x < 10; x++) result += 1 / (x * x);
    double s = 1 / (x * x);
    double series = 1.0 / 6 - s * (1.0 / 30 - s * (1.0 / 42 - s * (1.0 / 30 - s * (5.0 / 66 - s * (691.0 / 2730 - s * 7 / 6)))));
    return result + 1 / x + s / 2 + s / x * series;
}

// Giles' approximation in single precision, then two steps of Newton's method on erf.
static inline double special_erf_inverse(double x) {
    if (!(fabs(x) < 1)) return fabs(x) == 1 ? copysign(INFINITY, x) : NAN;
    double w = -log((1 - x) * (1 + x)), p;
    if (w < 5) {
        w -= 2.5;
        p = 2.81022636e-08;
        p = 3.43273939e-07 + p * w;
        p = -3.5233877e-06 + p * w;
        p = -4.39150654e-06 + p * w;
        p = 0.00021858087 + p * w;
        p = -0.00125372503 + p * w;
        p = -0.00417768164 + p * w;
        p = 0.246640727 + p * w;
        p = 1.50140941 + p * w;
    } else {
        w = sqrt(w) - 3;
        p = -0.000200214257;
        p = 0.000100950558 + p * w;
        p = 0.00134934322 + p * w;
        p = -0.00367342844 + p * w;
        p = 0.00573950773 + p * w;
        p = -0.0076224613 + p * w;
        p = 0.00943887047 + p * w;
        p = 1.00167406 + p * w;
        p = 2.83297682 + p * w;
    }
    double y = p * x;
    // erf(y) - x, of the function or its complement, whichever does not cancel.
    for (int step = 0; step < 2; step++) {
        double excess = fabs(x) < 0.5 ? erf(y) - x : x > 0 ? (1 - x) - erfc(y) : erfc(-y) - (1 + x);
        y -= excess * 0.5 * sqrt(M_PI) * exp(y * y);
    }
    return y;
}
