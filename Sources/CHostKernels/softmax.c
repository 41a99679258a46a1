#include "losskit_softmax.h"

#include <math.h>
#include <string.h>

#define LK_BODY "softmax_body.h"
#include "isa.h"

LK_DISPATCH(losskit_softmax_forward,
            (const void *logits, int32_t type, int32_t is_logarithm, int64_t classes, int64_t begin, int64_t end, void *out),
            (logits, type, is_logarithm, classes, begin, end, out))
LK_DISPATCH(losskit_softmax_backward,
            (const void *result, const void *cotangent, int32_t type, int32_t is_logarithm, int64_t classes, int64_t begin, int64_t end,
             void *gradient),
            (result, cotangent, type, is_logarithm, classes, begin, end, gradient))
