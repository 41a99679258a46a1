#pragma once

#include <stdint.h>

/// The highest dimension of a simplex.
enum { losskit_complex_dimensions = 3 };

/// A class of persistent homology of a complex: its dimension, and the vertices of the simplices whose values its birth and its death are, -1 after the
/// last; {-1, ...} where it never dies.
typedef struct losskit_complex_pair {
    int32_t dimension, birth[losskit_complex_dimensions + 1], death[losskit_complex_dimensions + 1];
} losskit_complex_pair;

/// A filtration of a simplicial complex, and its persistent homology over Z/2.
typedef struct losskit_complex losskit_complex;

/// n vertices, simplices of up to `size` <= 4 of them, rows of which may repeat a vertex, and all their faces. Null where there is no memory; no more
/// than `limit` bytes are used at a time.
losskit_complex *losskit_complex_create(int64_t n, int32_t size, int64_t count, const int32_t *simplices, int64_t limit);
void losskit_complex_destroy(losskit_complex *complex);

/// A simplex appears with the last of its vertices.
int losskit_complex_lower_star(losskit_complex *complex, const float *values);

/// A simplex appears at the square of the radius of the smallest empty sphere through its vertices: the cells of a Delaunay triangulation of points
/// [n, d] and their faces.
int losskit_complex_alpha(losskit_complex *complex, int32_t d, const float *points);

/// Reduces the boundary matrix. Gives how many classes there are that live for some time, or -1 where there is no memory.
int64_t losskit_complex_reduce(losskit_complex *complex);

/// The classes, in no particular order.
const losskit_complex_pair *losskit_complex_pairs(const losskit_complex *complex);

/// The square of the radius of the smallest sphere through `count` <= 4 points of [.., d], d <= 3, and its centre, as `weights` of the points too, whose
/// sum is 1. Nan where they lie in one plane of a lower dimension.
double losskit_circumsphere(int32_t d, const float *points, int32_t count, const int32_t *vertices, double *center, double *weights);
