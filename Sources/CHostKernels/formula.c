#include "losskit_formula.h"

#include <math.h>
#include <sched.h>
#include <string.h>

#include "opcode.h"
#include "special_functions.h"

#define LK_BODY "formula_body.h"
#include "isa.h"

LK_DISPATCH(losskit_formula_reduce,
            (const losskit_formula *formula, int64_t begin, int64_t end, const int64_t *spans, int64_t span_count, void *scratch, void *out,
             int32_t *places),
            (formula, begin, end, spans, span_count, scratch, out, places))

LK_DISPATCH(losskit_formula_reduce_both,
            (const losskit_formula *formula, int64_t block, const losskit_formula_stretch *stretch, void *scratch),
            (formula, block, stretch, scratch))

int64_t losskit_formula_scratch(const losskit_formula *formula) {
    // The layout is the same for every instruction set.
    if (formula->is_double) return lay_f64_baseline(formula, 0, &(worker_f64_baseline){0});
    return lay_f32_baseline(formula, 0, &(worker_f32_baseline){0});
}

#define CENTRE(T) { \
        const T *sets[] = {x, y}; \
        const int64_t counts[] = {n, m}; \
        for (int64_t k = 0; k < d; k++) { \
            double sum = 0; \
            int64_t count = 0; \
            for (int s = 0; s < 2; s++) { \
                for (int64_t i = 0; i < counts[s]; i += counts[s] / 256 + 1) { \
                    T value = sets[s][i * d + k]; \
                    if (isfinite(value)) sum += value, count++; \
                } \
            } \
            ((T *)centre)[k] = count ? (T)(sum / count) : 0; \
        } \
    }

void losskit_formula_centre(int32_t is_double, const void *x, int64_t n, const void *y, int64_t m, int64_t d, void *centre) {
    if (is_double) CENTRE(double) else CENTRE(float)
}
