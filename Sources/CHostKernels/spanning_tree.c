#include "losskit_spanning_tree.h"

#include <string.h>

#define LK_BODY "spanning_tree_body.h"
#include "isa.h"

LK_DISPATCH(losskit_spanning_tree,
            (const float *points, int64_t n, int64_t d, float *lengths, int32_t *indices, int32_t *edges),
            (points, n, d, lengths, indices, edges))
