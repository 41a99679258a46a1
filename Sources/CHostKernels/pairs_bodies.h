// What is summed over pairs, for one instruction set.

#include "vector_math.h"
#include "row_sums.h"
#include "panel_product.h"

#include "pair_values.h"
#include "pairs_body.h"
#include "pair_product_body.h"
#include "pair_blocks_body.h"
#include "softmin_tile.h"
#include "softmin_body.h"
#include "softmin_gradient_body.h"
#include "wide_softmin_body.h"
#include "scaling_body.h"

#undef LANES
#undef PANEL
#undef PANEL_LANES
#undef HEIGHT
#undef ROW_SUM
