#include "losskit_expression.h"

#include <math.h>
#include <string.h>

#include "opcode.h"
#include "special_functions.h"

#define LK_BODY "expression_body.h"
#include "isa.h"

LK_DISPATCH(losskit_expression_map, (const losskit_expression *expression, int64_t begin, int64_t end, void *output),
            (expression, begin, end, output))
LK_DISPATCH(losskit_expression_fold_rows,
            (const losskit_expression *expression, int64_t length, int64_t begin, int64_t end, int64_t from, int64_t to, void *partials),
            (expression, length, begin, end, from, to, partials))
LK_DISPATCH(losskit_expression_fold_columns,
            (const losskit_expression *expression, int64_t length, int64_t columns, int64_t outer, int64_t begin, int64_t end, int64_t from,
             int64_t to, void *partials),
            (expression, length, columns, outer, begin, end, from, to, partials))
LK_DISPATCH(losskit_expression_finish,
            (const losskit_expression *expression, const void *partials, int64_t parts, int64_t count, double scale, void *output),
            (expression, partials, parts, count, scale, output))
