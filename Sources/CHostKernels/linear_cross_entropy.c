#include "losskit_linear_cross_entropy.h"

#include <math.h>
#include <string.h>

#define LK_BODY "linear_cross_entropy_body.h"
#include "isa.h"

#define BLOCK (const losskit_linear_cross_entropy *given)
#define PIECES (const losskit_linear_cross_entropy *given, int64_t begin, int64_t end)
LK_DISPATCH(losskit_linear_cross_entropy_pack_features, BLOCK, (given))
LK_DISPATCH(losskit_linear_cross_entropy_pack_rows, BLOCK, (given))
LK_DISPATCH(losskit_linear_cross_entropy_logits, PIECES, (given, begin, end))
LK_DISPATCH(losskit_linear_cross_entropy_finish, BLOCK, (given))
LK_DISPATCH(losskit_linear_cross_entropy_slopes, PIECES, (given, begin, end))
LK_DISPATCH(losskit_linear_cross_entropy_hidden, (const losskit_linear_cross_entropy *given, int64_t panel, int64_t group),
            (given, panel, group))
LK_DISPATCH(losskit_linear_cross_entropy_weight, PIECES, (given, begin, end))
LK_DISPATCH(losskit_scale, (float *values, int64_t begin, int64_t end, float factor), (values, begin, end, factor))

int64_t losskit_linear_cross_entropy_lanes(void) {
#if defined(__x86_64__)
    static const int64_t lanes[] = {4, 8, 16};
    return lanes[losskit_isa_level()];
#else
    return 4;
#endif
}

int64_t losskit_linear_cross_entropy_panel(void) { return 3 * losskit_linear_cross_entropy_lanes(); }
