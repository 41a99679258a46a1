#include <math.h>

#include "losskit_pairs.h"
#include "losskit_spanning_tree.h"

// Whole vectors of points.
static inline int64_t small_stride(int64_t n) { return (n + 15) & ~(int64_t)15; }

int64_t losskit_small_trees_floats(int64_t n, int64_t d) { return (d + 5) * small_stride(n); }

#define LK_BODY "small_trees_body.h"
#include "isa.h"

LK_DISPATCH(losskit_small_trees,
            (int32_t metric, int64_t n, int64_t d, const float *points, int64_t begin, int64_t end, int32_t *edges, float *lengths, float *scratch),
            (metric, n, d, points, begin, end, edges, lengths, scratch))
