// On which side of others a point lies: in floating point where that is sure, exactly where it is not.

#pragma once

#include "expansion.h"

typedef struct {
    // Points [n, d], in double precision.
    const double *points;
    int d;
    lk_exact_space space;
} lk_predicates;

#pragma clang fp contract(off)

static inline const double *lk_point(const lk_predicates *given, int32_t i) { return given->points + (int64_t)i * given->d; }

// The determinant of the listed rows, and the sum of its terms' magnitudes.
static inline double lk_determinant(const double (*matrix)[4], const int *rows, int size, double *magnitude) {
    if (size == 1) {
        *magnitude = fabs(matrix[rows[0]][0]);
        return matrix[rows[0]][0];
    }
    double sum = 0, total = 0;
    for (int r = 0; r < size; r++) {
        int others[4], count = 0;
        double minor_magnitude;
        for (int q = 0; q < size; q++) if (q != r) others[count++] = rows[q];
        const double minor = lk_determinant(matrix, others, count, &minor_magnitude), entry = matrix[rows[r]][size - 1];
        sum += (r + size - 1) % 2 ? -minor * entry : minor * entry;
        total += minor_magnitude * fabs(entry);
    }
    *magnitude = total;
    return sum;
}

// The sign of the determinant of points less another one, for `lifts` with the squares of those differences' lengths as the last column.
static inline int lk_side(lk_predicates *given, const int32_t *points, int count, int32_t from, int lifts) {
    static const int rows[] = {0, 1, 2, 3};
    const int d = given->d;
    const double *origin = lk_point(given, from);
    double matrix[4][4], magnitude;
    for (int r = 0; r < count; r++) {
        double lift = 0;
        for (int k = 0; k < d; k++) {
            matrix[r][k] = lk_point(given, points[r])[k] - origin[k];
            lift += matrix[r][k] * matrix[r][k];
        }
        if (lifts) matrix[r][d] = lift;
    }
    const double value = lk_determinant(matrix, rows, count, &magnitude);
    // More than twice what Shewchuk proves for the largest of these determinants.
    if (fabs(value) > 40 * 0x1p-53 * magnitude) return value > 0 ? 1 : -1;
    lk_exact exact[4][4];
    given->space.used = 0;
    for (int r = 0; r < count; r++) {
        lk_exact lift = {given->space.parts, 0};
        for (int k = 0; k < d; k++) {
            exact[r][k] = lk_exact_difference(&given->space, lk_point(given, points[r])[k], origin[k]);
            if (lifts) lift = lk_exact_sum(&given->space, lift, lk_exact_product(&given->space, exact[r][k], exact[r][k]));
        }
        if (lifts) exact[r][d] = lift;
    }
    return lk_exact_sign(lk_exact_determinant(&given->space, exact, rows, count));
}

// Whether points follow each other as the axes do (1), otherwise (-1) or lie in one plane (0).
static inline int lk_orientation(lk_predicates *given, const int32_t *points) {
    return lk_side(given, points, given->d, points[given->d], 0);
}

// Whether a point lies inside (1) or outside (-1) of the sphere through points of orientation 1. If it lies on the sphere, that is decided by lifting
// the points below `given` count off their paraboloid by infinitely small heights, those of larger indices the most: so there is an answer, and all
// answers fit together.
// Source: O. Devillers, M. Teillaud, Perturbations and vertex removal in a 3D Delaunay triangulation, 2003.
static inline int lk_is_inside(lk_predicates *given, const int32_t *points, int32_t point, int32_t movable) {
    const int d = given->d;
    const int side = lk_side(given, points, d + 1, point, 1);
    if (side) return side;
    for (int32_t last = INT32_MAX;;) {
        int next = -1;
        for (int i = 0; i <= d; i++) {
            if (points[i] < last && points[i] > point && points[i] < movable && (next < 0 || points[i] > points[next])) next = i;
        }
        if (next < 0) return -1;
        int32_t others[4];
        int count = 0;
        for (int i = 0; i <= d; i++) if (i != next) others[count++] = points[i];
        const int cofactor = lk_side(given, others, d, point, 0);
        if (cofactor) return (next + d) % 2 ? -cofactor : cofactor;
        last = points[next];
    }
}
