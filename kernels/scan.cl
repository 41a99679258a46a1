// Running results along rows; an item owns a row.

#if ARITHMETIC == 0
typedef float T;
typedef wide_t ACC;
#define IS_NAN(x) isnan(x)
#elif ARITHMETIC == 1
typedef double T;
typedef double ACC;
#define IS_NAN(x) isnan(x)
#else
typedef long T;
typedef long ACC;
#define IS_NAN(x) 0
#endif

__kernel void running_sum(GLOBAL_IN(T, source), GLOBAL_OUT(T, target), const long rows, const long length) {
    AT_IN(T, source);
    AT_OUT(T, target);
    const long row = get_global_id(0);
    if (row >= rows) return;
    ACC sum = 0;
    for (long i = row * length; i < (row + 1) * length; i++) {
        sum += source[i];
        target[i] = (T)sum;
    }
}

// Positions of the running maximum: the first of equals; a NaN is the maximum from then on.
__kernel void running_maximum(GLOBAL_IN(T, source), GLOBAL_OUT(long, target), const long rows, const long length) {
    AT_IN(T, source);
    AT_OUT(long, target);
    const long row = get_global_id(0);
    if (row >= rows) return;
    const long start = row * length;
    long best = 0;
    for (long i = 0; i < length; i++) {
        if (source[start + i] > source[start + best] || (IS_NAN(source[start + i]) && !IS_NAN(source[start + best]))) best = i;
        target[start + i] = best;
    }
}
