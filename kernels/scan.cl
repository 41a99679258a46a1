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

// Of two positions in a row, or -1 for none, that of the larger element (the smaller with `is_minimum`), the first NaN before all, the
// first of equals.
inline long better_of(__global const T *restrict row, long a, long b, int is_minimum) {
    if (a < 0 || b < 0) return max(a, b);
    const int lost_a = IS_NAN(row[a]), lost_b = IS_NAN(row[b]);
    if (lost_a || lost_b) return lost_a && lost_b ? min(a, b) : lost_a ? a : b;
    if (row[a] == row[b]) return min(a, b);
    return (is_minimum ? row[b] < row[a] : row[b] > row[a]) ? b : a;
}

// The best position of each part of a row: a stretch of it on a processor, every `pieces`th element elsewhere, so that neighbouring items
// read neighbouring elements.
__kernel void extremum_pieces(GLOBAL_IN(T, source), GLOBAL_OUT(long, found), const long rows, const long length, const long pieces,
                              const int is_minimum) {
    AT_IN(T, source);
    AT_OUT(long, found);
    const long item = get_global_id(0), row = item / pieces, piece = item % pieces;
    if (row >= rows) return;
#ifdef LOSSKIT_CPU
    const long first = length * piece / pieces, end = length * (piece + 1) / pieces, step = 1;
#else
    const long first = piece, end = length, step = pieces;
#endif
    long best = -1;
    for (long i = first; i < end; i += step) best = better_of(source + row * length, best, i, is_minimum);
    found[item] = best;
}

__kernel void extremum_of_pieces(GLOBAL_IN(T, source), GLOBAL_IN(long, found), GLOBAL_OUT(long, target), const long rows,
                                 const long length, const long pieces, const int is_minimum) {
    AT_IN(T, source);
    AT_IN(long, found);
    AT_OUT(long, target);
    const long row = get_global_id(0);
    if (row >= rows) return;
    long best = -1;
    for (long i = row * pieces; i < (row + 1) * pieces; i++) best = better_of(source + row * length, best, found[i], is_minimum);
    target[row] = best;
}
