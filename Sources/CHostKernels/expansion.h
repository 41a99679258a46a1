// Exact sums and products of floating-point numbers: a number is the sum of components that do not overlap, the smallest first.
// Source: J. Shewchuk, Adaptive precision floating-point arithmetic and fast robust geometric predicates, 1997.

#pragma once

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    const double *parts;
    int64_t count;
} lk_exact;

// Where components lie; enough for the determinants of a predicate in three dimensions, whatever its points.
enum { lk_exact_room = 1 << 17 };
typedef struct {
    double *parts;
    int64_t used;
} lk_exact_space;

#pragma clang fp contract(off)

// a + b as a rounded sum and what is lost.
static inline double lk_two_sum(double a, double b, double *lost) {
    const double sum = a + b, other = sum - a;
    *lost = (a - (sum - other)) + (b - other);
    return sum;
}

static inline double lk_two_product(double a, double b, double *lost) {
    const double product = a * b;
    *lost = fma(a, b, -product);
    return product;
}

static inline lk_exact lk_exact_difference(lk_exact_space *space, double a, double b) {
    double *parts = space->parts + space->used, lost;
    int64_t count = 0;
    const double sum = lk_two_sum(a, -b, &lost);
    if (lost != 0) parts[count++] = lost;
    if (sum != 0) parts[count++] = sum;
    space->used += count;
    return (lk_exact){parts, count};
}

// Writes the sum of two numbers behind what is used; nothing is used by that.
static inline lk_exact lk_exact_sum_behind(const lk_exact_space *space, lk_exact a, lk_exact b) {
    double *parts = space->parts + space->used;
    memcpy(parts, a.parts, 8 * (size_t)a.count);
    int64_t count = a.count;
    for (int64_t j = 0; j < b.count; j++) {
        double carry = b.parts[j], lost;
        int64_t kept = 0;
        for (int64_t i = 0; i < count; i++) {
            carry = lk_two_sum(parts[i], carry, &lost);
            if (lost != 0) parts[kept++] = lost;
        }
        if (carry != 0) parts[kept++] = carry;
        count = kept;
    }
    return (lk_exact){parts, count};
}

static inline lk_exact lk_exact_sum(lk_exact_space *space, lk_exact a, lk_exact b) {
    const lk_exact sum = lk_exact_sum_behind(space, a, b);
    space->used += sum.count;
    return sum;
}

static inline lk_exact lk_exact_product(lk_exact_space *space, lk_exact a, lk_exact b) {
    const int64_t begin = space->used;
    lk_exact sum = {space->parts + begin, 0};
    for (int64_t j = 0; j < b.count && a.count; j++) {
        double *scaled = space->parts + space->used, lost;
        int64_t count = 0;
        double carry = lk_two_product(a.parts[0], b.parts[j], &lost);
        if (lost != 0) scaled[count++] = lost;
        for (int64_t i = 1; i < a.count; i++) {
            double low;
            const double high = lk_two_product(a.parts[i], b.parts[j], &low);
            const double middle = lk_two_sum(carry, low, &lost);
            if (lost != 0) scaled[count++] = lost;
            carry = lk_two_sum(high, middle, &lost);
            if (lost != 0) scaled[count++] = lost;
        }
        if (carry != 0) scaled[count++] = carry;
        space->used += count;
        const lk_exact total = lk_exact_sum_behind(space, sum, (lk_exact){scaled, count});
        memmove(space->parts + begin, total.parts, 8 * (size_t)total.count);
        sum.count = total.count;
        space->used = begin + sum.count;
    }
    return sum;
}

static inline lk_exact lk_exact_negative(lk_exact_space *space, lk_exact a) {
    double *parts = space->parts + space->used;
    for (int64_t i = 0; i < a.count; i++) parts[i] = -a.parts[i];
    space->used += a.count;
    return (lk_exact){parts, a.count};
}

// The determinant of the rows that `rows` lists and of the first `size` columns of a matrix with four.
static inline lk_exact lk_exact_determinant(lk_exact_space *space, const lk_exact (*matrix)[4], const int *rows, int size) {
    if (size == 1) return matrix[rows[0]][0];
    double *const begin = space->parts + space->used;
    lk_exact sum = {begin, 0};
    for (int r = 0; r < size; r++) {
        int others[4], count = 0;
        for (int q = 0; q < size; q++) if (q != r) others[count++] = rows[q];
        const lk_exact term = lk_exact_product(space, lk_exact_determinant(space, matrix, others, count), matrix[rows[r]][size - 1]);
        const lk_exact total = lk_exact_sum_behind(space, sum, (r + size - 1) % 2 ? lk_exact_negative(space, term) : term);
        // What led to the sum makes room.
        memmove(begin, total.parts, 8 * (size_t)total.count);
        sum.count = total.count;
        space->used = begin - space->parts + sum.count;
    }
    return sum;
}

static inline int lk_exact_sign(lk_exact a) { return a.count == 0 ? 0 : a.parts[a.count - 1] > 0 ? 1 : -1; }
