#pragma once

#include <stdint.h>

/// The highest dimension of homology that can be asked for.
enum { losskit_rips_dimensions = 6 };

/// A class of persistent homology: the edges i < j that appear last in the simplex that begins it and in the one that ends it; {-1, -1} where there
/// is none (a vertex begins it, or nothing ends it). `column` is what losskit_rips_cocycle asks for.
typedef struct losskit_rips_pair {
    int32_t birth[2], death[2];
    int64_t column;
} losskit_rips_pair;

/// Persistent homology over Z/2 of a Vietoris-Rips filtration.
///
/// Edges are ranked by (length, i, j), so no two appear together, and a simplex is its last edge and its other vertices: one integer, in whose order
/// simplices appear. The coboundary's columns are reduced from the last to the first; most of them need not be formed, since an edge together with
/// the first triangle that it completes is a pair of no persistence unless the edge is empty.
/// Source: U. Bauer, Ripser: efficient computation of Vietoris-Rips persistence barcodes, 2021; the order of simplices by ranks is our own.
typedef struct losskit_rips losskit_rips;

/// The filtration of n points up to simplices of `dimension` + 1, by distances [n, n] of which those above the diagonal count, up to `threshold`.
/// Null where there is no memory; no more than `limit` bytes are used at a time.
losskit_rips *losskit_rips_create(int64_t n, const float *distances, float threshold, int32_t dimension, int64_t limit);
void losskit_rips_destroy(losskit_rips *rips);

/// Whether the simplices of n points up to `dimension` + 1 can be numbered.
int losskit_rips_fits(int64_t n, int32_t dimension);

/// The classes of dimension 0 that end, in the order of the filtration: the edges of the spanning tree. Gives how many there are, -1 without memory.
int64_t losskit_rips_components(losskit_rips *rips);

/// For dimensions 1, 2, ... in turn, the pieces' columns are collected, which several threads may do. Then, begun by one, they are reduced, which as
/// many threads as like do with each other. The end gives how many classes there are that live for some time, the youngest first, or -1 where there
/// is no memory.
enum { losskit_rips_pieces = 64 };
void losskit_rips_collect(losskit_rips *rips, int32_t dimension, int64_t piece);
void losskit_rips_begin(losskit_rips *rips);
void losskit_rips_reduce(losskit_rips *rips, int32_t dimension);
int64_t losskit_rips_end(losskit_rips *rips, int32_t dimension);

/// Instead of collecting: takes the columns of edges i < j, given as i n + j, or of triangles by their last edge and other vertex v, (i n + j) n + v, in
/// any order.
void losskit_rips_take(losskit_rips *rips, int32_t dimension, const int64_t *simplices, int64_t count);

/// After dimension 1 has ended, the triangles that end a loop and so need no column, by the same numbers. Gives how many there are; null asks for that
/// alone.
int64_t losskit_rips_cleared(const losskit_rips *rips, int64_t *triangles);

/// The vertices of the simplices of a class's representative cocycle, `dimension` + 1 each, the last edge's first; of the dimension that ended last.
/// Gives how many simplices there are; null for `vertices` asks for that alone.
int64_t losskit_rips_cocycle(const losskit_rips *rips, int32_t dimension, int64_t column, int32_t *vertices);

/// The classes found last.
const losskit_rips_pair *losskit_rips_pairs(const losskit_rips *rips);

/// The most bytes that were in use at a time.
int64_t losskit_rips_peak_bytes(const losskit_rips *rips);
