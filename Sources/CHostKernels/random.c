#include "losskit_random.h"

#include <string.h>

#pragma STDC FP_CONTRACT OFF

#define LK_BODY "random_body.h"
#include "isa.h"

LK_DISPATCH(losskit_draw,
            (int distribution, uint64_t key, uint64_t counter, uint64_t stream, float offset, float scale, float limit, int64_t begin,
             int64_t end, int64_t count, uint32_t *target),
            (distribution, key, counter, stream, offset, scale, limit, begin, end, count, target))
