#pragma once

#include <stdint.h>

/// The Delaunay triangulation of points [n, d] in the plane or in space, d = 2 or 3, found by inserting one after another.
///
/// Predicates are exact; where more points than needed lie on an empty sphere, their indices decide. Points that lie in a plane or on a line are
/// triangulated within that. `copies` [n] gets the first point in the same place as each, and only those take part.
/// Gives the number of cells, whose vertices are `*cells` [count, *rank + 1] with `*rank` the dimension that the points span; -1 where there is no
/// memory. The cells are to be freed.
int64_t losskit_delaunay(int64_t n, int32_t d, const float *points, int32_t *copies, int32_t *rank, int32_t **cells);
