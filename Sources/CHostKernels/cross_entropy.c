#include "losskit_cross_entropy.h"

#include <math.h>
#include <string.h>

#define LK_BODY "cross_entropy_body.h"
#include "isa.h"

LK_DISPATCH(losskit_cross_entropy_forward,
            (const losskit_cross_entropy *given, int64_t begin, int64_t end, float *loss, float *log_partition, float *row_weight),
            (given, begin, end, loss, log_partition, row_weight))
LK_DISPATCH(losskit_cross_entropy_backward,
            (const losskit_cross_entropy *given, int64_t begin, int64_t end, const float *log_partition, const float *cotangent, float *gradient),
            (given, begin, end, log_partition, cotangent, gradient))
