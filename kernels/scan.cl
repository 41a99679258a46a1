// Running results along rows. An item owns a piece of a row: where rows are few and long they are cut, the pieces' totals are added up by
// one item a row, and each piece then begins with what the pieces before it gave.

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

// Item i of `pieces` a row: its row, and the elements [first, end) of `length` that it owns.
#define PIECE \
    const long item = get_global_id(0); \
    if (item >= rows * pieces) return; \
    const long row = item / pieces, first = item % pieces * piece, end = min(first + piece, length);

__kernel void sum_pieces(GLOBAL_IN(T, source), GLOBAL_OUT(ACC, sums), const long rows, const long length, const long piece,
                         const long pieces) {
    AT_IN(T, source);
    AT_OUT(ACC, sums);
    PIECE
    ACC sum = 0;
    for (long i = row * length + first; i < row * length + end; i++) sum += source[i];
    sums[item] = sum;
}

// Puts in each piece's place the sum of those before it.
__kernel void sum_before(GLOBAL_OUT(ACC, sums), const long rows, const long pieces) {
    AT_OUT(ACC, sums);
    const long row = get_global_id(0);
    if (row >= rows) return;
    ACC sum = 0;
    for (long i = row * pieces; i < (row + 1) * pieces; i++) {
        const ACC here = sums[i];
        sums[i] = sum;
        sum += here;
    }
}

// `before` is not read where a row is one piece.
__kernel void running_sum(GLOBAL_IN(T, source), GLOBAL_IN(ACC, before), GLOBAL_OUT(T, target), const long rows, const long length,
                          const long piece, const long pieces) {
    AT_IN(T, source);
    AT_IN(ACC, before);
    AT_OUT(T, target);
    PIECE
    ACC sum = pieces > 1 ? before[item] : 0;
    for (long i = row * length + first; i < row * length + end; i++) {
        sum += source[i];
        target[i] = (T)sum;
    }
}

// Positions of maxima, -1 for none: the first of equals; a NaN is the maximum from then on.
inline long later_maximum(__global const T *restrict row, long best, long candidate) {
    if (best < 0) return candidate;
    return row[candidate] > row[best] || (IS_NAN(row[candidate]) && !IS_NAN(row[best])) ? candidate : best;
}

__kernel void maximum_pieces(GLOBAL_IN(T, source), GLOBAL_OUT(long, maxima), const long rows, const long length, const long piece,
                             const long pieces) {
    AT_IN(T, source);
    AT_OUT(long, maxima);
    PIECE
    long best = -1;
    for (long i = first; i < end; i++) best = later_maximum(source + row * length, best, i);
    maxima[item] = best;
}

__kernel void maximum_before(GLOBAL_IN(T, source), GLOBAL_OUT(long, maxima), const long rows, const long length, const long pieces) {
    AT_IN(T, source);
    AT_OUT(long, maxima);
    const long row = get_global_id(0);
    if (row >= rows) return;
    long best = -1;
    for (long i = row * pieces; i < (row + 1) * pieces; i++) {
        const long here = maxima[i];
        maxima[i] = best;
        best = later_maximum(source + row * length, best, here);
    }
}

__kernel void running_maximum(GLOBAL_IN(T, source), GLOBAL_IN(long, before), GLOBAL_OUT(long, target), const long rows, const long length,
                              const long piece, const long pieces) {
    AT_IN(T, source);
    AT_IN(long, before);
    AT_OUT(long, target);
    PIECE
    long best = pieces > 1 ? before[item] : -1;
    for (long i = first; i < end; i++) {
        best = later_maximum(source + row * length, best, i);
        target[row * length + i] = best;
    }
}
