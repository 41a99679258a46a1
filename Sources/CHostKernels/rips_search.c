#include "rips_search.h"

#include "rips_filtration.h"

#define LK_BODY "rips_body.h"
#include "isa.h"

LK_DISPATCH(losskit_rips_first_common, (const uint32_t *const *rows, int count, int64_t stride, uint32_t rank, int64_t *vertex),
            (rows, count, stride, rank, vertex))
LK_DISPATCH(losskit_rips_join, (const uint32_t *const *rows, int count, int64_t stride, uint32_t rank, uint32_t *ranks, int32_t *ends),
            (rows, count, stride, rank, ranks, ends))
