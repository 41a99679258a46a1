// Reductions of formulas in one arithmetic type T; undefines its parameters at the end.

#include "expression_step.h"
#include "formula_lanes.h"
#include "formula_worker.h"

// The pair features of a group of rows: squares and products, into the group's registers.
static void LKT(features)(const losskit_formula *f, LKT(worker) *w, int64_t first, int64_t row, int64_t count, int64_t columns) {
    for (int s = 0; s < f->stage_count; s++) {
        const losskit_formula_stage *stage = &f->stages[s];
        if (stage->kind != losskit_stage_square && stage->kind != losskit_stage_dot) continue;
        T *out = w->features + (int64_t)stage->feature * LK_GROUP * LK_STRIDE;
        const T *others = w->across[stage->column];
        int64_t d = stage->d;
        if (stage->kind == losskit_stage_square && !stage->centre) {
            const T *x = (const T *)f->slots[stage->row].values + (first + row) * d;
            for (int64_t r = 0; r < count; r++) LKT(squares)(x + r * d, others, d, columns, out + r * LK_STRIDE);
            continue;
        }
        const T *rows = w->packed_rows[s] + row * d;
        if (stage->centre) others = w->packed_columns[s];
        for (int64_t j = 0; j < columns; j += LKT(panel)) LKT(product)(rows, 1, LK_GROUP, others + j, LK_STRIDE, d, out + j, LK_STRIDE);
        if (!stage->centre) continue;
        const T *norms = w->column_norms[s];
        for (int64_t r = 0; r < count; r++) {
            T *restrict target = out + r * LK_STRIDE, norm = w->row_norms[s][row + r];
            int32_t near = 0;
            for (int64_t j = 0; j < columns; j++) {
                T both = norm + norms[j], square = both - 2 * target[j];
                near |= !(square >= both * (T)0.0625);
                target[j] = square;
            }
            w->is_near[s][r] = near;
            if (!near) continue;
            // What would cancel is taken from the differences.
            uint8_t *mask = w->near_columns[s] + r * LK_LANES;
            const T *x = (const T *)f->slots[stage->row].values + (first + row + r) * d;
            const T *y = (const T *)f->slots[stage->column].values + w->at * d;
            for (int64_t j = 0; j < columns; j++) {
                mask[j] = !(target[j] >= (norm + norms[j]) * (T)0.0625);
                if (mask[j]) target[j] = LKT(square)(x, y + j * d, d);
            }
        }
    }
}

// Steps on the lanes of one row, in sums over coordinates at coordinate k.
static void LKT(run_steps)(const losskit_formula *f, LKT(worker) *w, int begin, int end, int64_t row, int64_t k, int64_t n) {
    for (int i = begin; i < end; i++) {
        const losskit_step *s = &f->steps[i];
        T *target = w->registers + (int64_t)s->target * LK_STRIDE;
        if (s->opcode == op_leaf) {
            const losskit_formula_slot *slot = &f->slots[s->a];
            int64_t at = slot->d > 1 ? k : 0;
            if (slot->side == losskit_side_column) {
                w->values[s->target] = w->across[s->a] + at * LK_STRIDE;
                continue;
            }
            T value = ((const T *)slot->values)[(slot->side == losskit_side_row ? row * slot->d : 0) + at];
            for (int64_t j = 0; j < n; j++) target[j] = value;
        } else {
            LKT(step)(s, w->values[s->a], w->values[s->b], w->values[s->c], target, n, &(LKT(ahead)){.count = 0});
        }
        w->values[s->target] = target;
    }
}

// All scalars of a row's pairs with the columns at hand.
static void LKT(evaluate)(const losskit_formula *f, LKT(worker) *w, int64_t row, int64_t r, int64_t n) {
    for (int s = 0; s < f->stage_count; s++) {
        const losskit_formula_stage *stage = &f->stages[s];
        if (stage->kind == losskit_stage_steps) {
            LKT(run_steps)(f, w, stage->begin, stage->end, row, 0, n);
        } else if (stage->kind == losskit_stage_total) {
            T *restrict target = w->registers + (int64_t)stage->target * LK_STRIDE;
            for (int64_t j = 0; j < n; j++) target[j] = 0;
            for (int64_t k = 0; k < stage->d; k++) {
                LKT(run_steps)(f, w, stage->begin, stage->end, row, k, n);
                const T *value = w->values[stage->value];
                for (int64_t j = 0; j < n; j++) target[j] += value[j];
            }
            w->values[stage->target] = target;
        } else {
            w->values[stage->target] = w->features + ((int64_t)stage->feature * LK_GROUP + r) * LK_STRIDE;
        }
    }
}

// Adds a row's terms to its sums; those that are products of matrices leave their weights for later.
static void LKT(add_terms)(const losskit_formula *f, LKT(worker) *w, int64_t first, int64_t row, int64_t r, int64_t n) {
    double *sums = w->sums + row * f->width;
    for (int t = 0; t < f->term_count; t++) {
        const losskit_formula_term *term = &f->terms[t];
        if (term->kind == losskit_term_steps) {
            for (int64_t k = 0; k < f->width; k++) {
                LKT(run_steps)(f, w, term->begin, term->end, first + row, k, n);
                sums[k] += LKT(lane_sum)(w->values[term->weight], n);
            }
            continue;
        }
        const T *weight = w->values[term->weight];
        if (term->kind == losskit_term_plain || term->kind == losskit_term_row) {
            w->totals[t * losskit_formula_rows + row] += LKT(lane_sum)(weight, n);
        } else if (w->along[t]) {
            T *weights = w->weights[t] + r * LK_STRIDE;
            memcpy(weights, weight, (size_t)n * sizeof(T));
            if (term->kind == losskit_term_column) continue;
            if (w->is_near[term->stage][r]) {
                const uint8_t *mask = w->near_columns[term->stage] + r * LK_LANES;
                const T *x = (const T *)f->slots[term->row].values + (first + row) * f->width;
                const T *y = (const T *)f->slots[term->column].values + w->at * f->width;
                for (int64_t j = 0; j < n; j++) {
                    if (!mask[j]) continue;
                    for (int64_t k = 0; k < f->width; k++) sums[k] += weights[j] * (x[k] - y[j * f->width + k]);
                    weights[j] = 0;
                }
            }
            double total = LKT(lane_sum)(weights, n);
            const T *centred = w->packed_rows[term->stage] + (row - r) * f->width + r;
            for (int64_t k = 0; k < f->width; k++) sums[k] += total * centred[k * LK_GROUP];
        } else {
            const T *x = term->kind == losskit_term_column ? 0 : (const T *)f->slots[term->row].values + (first + row) * f->width;
            const T *across = w->across[term->column];
            for (int64_t k = 0; k < f->width; k++, across += LK_STRIDE) {
                sums[k] += x ? LKT(lane_difference)(weight, x[k], across, n) : LKT(lane_dot)(weight, across, n);
            }
        }
    }
}

// The products of matrices of a group of rows.
static void LKT(add_products)(const losskit_formula *f, LKT(worker) *w, int64_t row, int64_t count, int64_t n) {
    for (int t = 0; t < f->term_count; t++) {
        if (!w->along[t]) continue;
        double sign = f->terms[t].kind == losskit_term_difference ? -1 : 1;
        for (int64_t k = 0; k < f->width; k += LKT(panel)) {
            T out[LK_GROUP * LKT(panel)];
            LKT(product)(w->weights[t], LK_STRIDE, 1, w->along[t] + k, w->padded_width, n, out, LKT(panel));
            int64_t wide = f->width - k < LKT(panel) ? f->width - k : LKT(panel);
            for (int64_t r = 0; r < count; r++) {
                double *sums = w->sums + (row + r) * f->width + k;
                for (int64_t l = 0; l < wide; l++) sums[l] += sign * out[r * LKT(panel) + l];
            }
        }
    }
}

#include "formula_keep.h"
#include "formula_columns.h"

static void LKT(finish)(const losskit_formula *f, const LKT(worker) *w, int64_t first, int64_t row, int adds, void *out) {
    T *target = (T *)out + (first + row) * f->width;
    if (f->reduction == losskit_reduce_log_sum_exp) {
        double peak = w->peaks[row];
        *target = isinf(peak) ? peak : peak + log(w->sums[row]);
    } else if (f->reduction == losskit_reduce_sum) {
        for (int64_t k = 0; k < f->width; k++) {
            double sum = w->sums[row * f->width + k];
            for (int t = 0; t < f->term_count; t++) {
                const losskit_formula_term *term = &f->terms[t];
                double total = w->totals[t * losskit_formula_rows + row];
                if (term->kind == losskit_term_plain) sum += total;
                if (term->kind != losskit_term_row) continue;
                const losskit_formula_slot *slot = &f->slots[term->row];
                sum += total * ((const T *)slot->values)[(slot->side == losskit_side_row ? (first + row) * slot->d : 0) + k];
            }
            target[k] = adds ? target[k] + sum : sum;
        }
    }
}

// The block of columns at hand, n of them; what is near goes to their `sums`, and what is to be multiplied is kept, where there are any.
static void LKT(take_columns)(const losskit_formula *f, LKT(worker) *w, int64_t begin, int64_t end, int64_t n, void *out, int32_t *places,
                              double *sums) {
    LKT(pack_columns)(f, w, n);
    for (int64_t row = 0; row < end - begin; row += LK_GROUP) {
        int64_t count = end - begin - row < LK_GROUP ? end - begin - row : LK_GROUP;
        LKT(features)(f, w, begin, row, count, n);
        for (int64_t r = 0; r < count; r++) {
            LKT(evaluate)(f, w, begin + row + r, r, n);
            if (f->reduction == losskit_reduce_sum) LKT(add_terms)(f, w, begin, row + r, r, n);
            else if (f->reduction == losskit_reduce_log_sum_exp) LKT(add_exponents)(f, w, row + r, n);
            else LKT(keep)(f, w, begin + row + r, n, out, places);
            if (sums) LKT(keep_weights)(f, w, begin, row + r, r, n, sums);
        }
        LKT(add_products)(f, w, row, count, n);
    }
}

static void LKT(reduce)(const losskit_formula *f, int64_t begin, int64_t end, const int64_t *spans, int64_t span_count, char *scratch, void *out,
                        int32_t *places) {
    LKT(worker) w;
    LKT(lay)(f, scratch, &w);
    LKT(start)(f, &w, begin, end, out, places);
    for (const int64_t *span = spans; span < spans + 2 * span_count; span += 2) {
        for (w.at = span[0]; w.at < span[1]; w.at += LK_LANES) {
            LKT(take_columns)(f, &w, begin, end, span[1] - w.at < LK_LANES ? span[1] - w.at : LK_LANES, out, places, 0);
        }
    }
    for (int64_t row = 0; row < end - begin; row++) LKT(finish)(f, &w, begin, row, 0, out);
}

// Sums of the rows and of the columns from one look at each pair.
static void LKT(reduce_both)(const losskit_formula *f, int64_t block, const losskit_formula_stretch *stretch, char *scratch) {
    LKT(worker) w;
    LKT(lay)(f, scratch, &w);
    int64_t begin = block * losskit_formula_rows, rows = f->rows - begin < losskit_formula_rows ? f->rows - begin : losskit_formula_rows;
    int64_t width = f->column_width, isLast = begin + rows == f->rows;
    LKT(start)(f, &w, begin, begin + rows, stretch->out, 0);
    LKT(pack_rows)(f, &w, begin, rows);
    for (w.at = stretch->from; w.at < stretch->to; w.at += LK_LANES) {
        int64_t n = stretch->to - w.at < LK_LANES ? stretch->to - w.at : LK_LANES;
        double *sums = stretch->sums + (w.at - stretch->from) * width;
        while (block && __atomic_load_n(&stretch->done[block - 1], __ATOMIC_ACQUIRE) < w.at + n) sched_yield();
        if (!block) memset(sums, 0, sizeof(double) * (size_t)(n * width));
        LKT(take_columns)(f, &w, begin, begin + rows, n, stretch->out, 0, sums);
        LKT(add_columns)(f, &w, rows, n, sums);
        T *restrict out = (T *)stretch->column_out + w.at * width;
        for (int64_t k = 0; isLast && k < n * width; k++) out[k] = sums[k];
        __atomic_store_n(&stretch->done[block], w.at + n, __ATOMIC_RELEASE);
    }
    for (int64_t row = 0; row < rows; row++) LKT(finish)(f, &w, begin, row, stretch->from > 0, stretch->out);
}

#undef T
#undef LKT
#undef IS_FLOAT
#undef IS_SINGLE
#undef IS_NAN
#undef EXP_BELOW
