// What pairs give to sums of the columns while those of the rows are formed, for the arithmetic type T.

// The rows' vectors, less the centre their squares are taken from.
static void LKT(pack_rows)(const losskit_formula *f, LKT(worker) *w, int64_t begin, int64_t count) {
    for (int t = 0; t < f->column_term_count; t++) {
        const losskit_formula_term *term = &f->column_terms[t];
        memset(w->kept_weights[t], 0, sizeof(T) * losskit_formula_rows * LK_STRIDE);
        if (!w->rows_along[t]) continue;
        const T *points = (const T *)f->slots[term->row].values + begin * f->column_width;
        const T *centre = term->kind == losskit_term_difference ? f->stages[term->stage].centre : 0;
        for (int64_t i = 0; i < count; i++, points += f->column_width) {
            T *restrict target = w->rows_along[t] + i * w->padded_column_width;
            for (int64_t k = 0; k < f->column_width; k++) target[k] = points[k] - (centre ? centre[k] : 0);
            for (int64_t k = f->column_width; k < w->padded_column_width; k++) target[k] = 0;
        }
    }
}

// Keeps a row's weights for the columns; what products would lose of near pairs is added at once.
static void LKT(keep_weights)(const losskit_formula *f, LKT(worker) *w, int64_t first, int64_t row, int64_t r, int64_t n, double *sums) {
    int64_t width = f->column_width;
    for (int t = 0; t < f->column_term_count; t++) {
        const losskit_formula_term *term = &f->column_terms[t];
        T *weights = w->kept_weights[t] + row * LK_STRIDE;
        memcpy(weights, w->values[term->weight], (size_t)n * sizeof(T));
        if (term->kind != losskit_term_difference || !w->is_near[term->stage][r]) continue;
        const uint8_t *mask = w->near_columns[term->stage] + r * LK_LANES;
        const T *x = (const T *)f->slots[term->row].values + (first + row) * width;
        const T *y = (const T *)f->slots[term->column].values + w->at * width;
        for (int64_t j = 0; j < n; j++) {
            if (!mask[j]) continue;
            for (int64_t k = 0; k < width; k++) sums[j * width + k] += weights[j] * (x[k] - y[j * width + k]);
            weights[j] = 0;
        }
    }
}

// What the rows at hand give to the sums of n columns.
static void LKT(add_columns)(const losskit_formula *f, const LKT(worker) *w, int64_t rows, int64_t n, double *sums) {
    int64_t width = f->column_width;
    for (int t = 0; t < f->column_term_count; t++) {
        const losskit_formula_term *term = &f->column_terms[t];
        const T *weights = w->kept_weights[t];
        for (int64_t j = 0; w->rows_along[t] && j < n; j += LK_GROUP) {
            int64_t count = n - j < LK_GROUP ? n - j : LK_GROUP;
            for (int64_t k = 0; k < width; k += LKT(panel)) {
                T out[LK_GROUP * LKT(panel)];
                LKT(product)(weights + j, 1, LK_STRIDE, w->rows_along[t] + k, w->padded_column_width, rows, out, LKT(panel));
                int64_t wide = width - k < LKT(panel) ? width - k : LKT(panel);
                for (int64_t r = 0; r < count; r++) {
                    double *restrict target = sums + (j + r) * width + k;
                    for (int64_t l = 0; l < wide; l++) target[l] += out[r * LKT(panel) + l];
                }
            }
        }
        if (w->rows_along[t] && term->kind != losskit_term_difference) continue;
        // The columns' own vectors are the same for all rows.
        T totals[LK_LANES] = {0};
        for (int64_t i = 0; i < rows; i++, weights += LK_STRIDE) for (int64_t j = 0; j < n; j++) totals[j] += weights[j];
        int isDifference = term->kind == losskit_term_difference, isPlain = term->kind == losskit_term_plain;
        int isColumn = isDifference || term->kind == losskit_term_column;
        const T *own = isPlain ? 0 : f->slots[isColumn ? term->column : term->row].values;
        const T *centre = isDifference ? f->stages[term->stage].centre : 0;
        if (isColumn) own += w->at * width;
        for (int64_t j = 0; j < n; j++, own += isColumn ? width : 0) {
            double *restrict target = sums + j * width, total = isDifference ? -totals[j] : totals[j];
            for (int64_t k = 0; k < width; k++) target[k] += total * (isPlain ? 1 : own[k] - (centre ? centre[k] : 0));
        }
    }
}
