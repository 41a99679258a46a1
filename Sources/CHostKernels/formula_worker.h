// What a thread holds while it reduces some rows, for the arithmetic type T.

typedef struct {
    // The first column of the block.
    int64_t at, padded_width, padded_column_width;
    T *registers, *features;
    const T **values;
    // By slot that is read so: the columns' values by coordinates, a register each.
    T **across;
    // By stage that multiplies: rows by groups, in each by coordinates, columns by coordinates; where it has a centre, both less that, and
    // their squared lengths.
    T **packed_rows, **packed_columns, **row_norms, **column_norms;
    // By stage with a centre, for each row of the group whether there are columns too near for products, and which.
    uint8_t **is_near, **near_columns;
    // By term that multiplies: the columns' vectors, zeros after the last; the weights of a group.
    T **along, **weights;
    // By term of the columns: the weights of all rows; where it multiplies, the rows' vectors.
    T **kept_weights, **rows_along;
    double *sums, *totals, *peaks;
} LKT(worker);

// Whether a term of the rows is a product with the columns' vectors.
static int LKT(multiplies_columns)(const losskit_formula *f, const losskit_formula_term *term) {
    int isDifference = term->kind == losskit_term_difference && term->stage >= 0;
    return f->width >= LK_WIDE && (term->kind == losskit_term_column || isDifference);
}

// Whether the columns' values of a slot are read by coordinates, and not only in products of matrices.
static int LKT(reads_across)(const losskit_formula *f, int slot) {
    if (f->slots[slot].side != losskit_side_column) return 0;
    int reads = 0;
    for (int i = 0; i < f->step_count; i++) reads |= f->steps[i].opcode == op_leaf && f->steps[i].a == slot;
    for (int s = 0; s < f->stage_count; s++) {
        int isProduct = f->stages[s].kind == losskit_stage_square && f->stages[s].centre;
        int isFeature = f->stages[s].kind == losskit_stage_square || f->stages[s].kind == losskit_stage_dot;
        reads |= isFeature && !isProduct && f->stages[s].column == slot;
    }
    for (int t = 0; t < f->term_count; t++) reads |= f->terms[t].column == slot && !LKT(multiplies_columns)(f, &f->terms[t]);
    return reads;
}

// Whether a term of the columns is a product with the rows' vectors.
static int LKT(multiplies_rows)(const losskit_formula *f, const losskit_formula_term *term) {
    return term->kind == losskit_term_difference || (term->kind == losskit_term_row && f->slots[term->row].side == losskit_side_row);
}

// Puts everything behind `base`, and gives the size.
static int64_t LKT(lay)(const losskit_formula *f, char *base, LKT(worker) *w) {
    int64_t size = 0;
#define LAY(place, count) ((place) = base ? (void *)(base + size) : 0, size += ((int64_t)sizeof(*(place)) * (count) + 63) / 64 * 64)
    LAY(w->values, f->register_count);
    LAY(w->across, f->slot_count);
    LAY(w->packed_rows, f->stage_count);
    LAY(w->packed_columns, f->stage_count);
    LAY(w->row_norms, f->stage_count);
    LAY(w->column_norms, f->stage_count);
    LAY(w->is_near, f->stage_count);
    LAY(w->near_columns, f->stage_count);
    LAY(w->along, f->term_count);
    LAY(w->weights, f->term_count);
    LAY(w->kept_weights, f->column_term_count);
    LAY(w->rows_along, f->column_term_count);
    LAY(w->registers, (int64_t)f->register_count * LK_STRIDE);
    LAY(w->features, (int64_t)f->feature_count * LK_GROUP * LK_STRIDE);
    w->padded_width = (f->width + 63) / 64 * 64;
    // Pointers to what lies behind can be written only where there is memory.
#define LAY_IN(table, index, condition, count) \
    do { \
        T *place_ = 0; \
        if (condition) LAY(place_, count); \
        if (base) (table)[index] = (void *)place_; \
    } while (0)
    for (int i = 0; i < f->slot_count; i++) LAY_IN(w->across, i, LKT(reads_across)(f, i), f->slots[i].d * LK_STRIDE);
    for (int s = 0; s < f->stage_count; s++) {
        const losskit_formula_stage *stage = &f->stages[s];
        int centred = stage->kind == losskit_stage_square && stage->centre, multiplies = centred || stage->kind == losskit_stage_dot;
        LAY_IN(w->packed_rows, s, multiplies, losskit_formula_rows * stage->d);
        LAY_IN(w->packed_columns, s, centred, stage->d * LK_STRIDE);
        LAY_IN(w->row_norms, s, centred, losskit_formula_rows);
        LAY_IN(w->column_norms, s, centred, LK_STRIDE);
        LAY_IN(w->is_near, s, centred, LK_GROUP);
        LAY_IN(w->near_columns, s, centred, LK_GROUP * LK_LANES);
    }
    for (int t = 0; t < f->term_count; t++) {
        int multiplies = LKT(multiplies_columns)(f, &f->terms[t]);
        LAY_IN(w->along, t, multiplies, LK_LANES * w->padded_width);
        LAY_IN(w->weights, t, multiplies, LK_GROUP * LK_STRIDE);
    }
    w->padded_column_width = (f->column_width + 63) / 64 * 64;
    for (int t = 0; t < f->column_term_count; t++) {
        LAY_IN(w->kept_weights, t, 1, losskit_formula_rows * LK_STRIDE);
        LAY_IN(w->rows_along, t, LKT(multiplies_rows)(f, &f->column_terms[t]), losskit_formula_rows * w->padded_column_width);
    }
    LAY(w->sums, losskit_formula_rows * f->width);
    LAY(w->totals, losskit_formula_rows * f->term_count);
    LAY(w->peaks, losskit_formula_rows);
    return size;
#undef LAY
#undef LAY_IN
}

// Four coordinates of four points, turned.
lk_inline void LKT(turn)(const T *restrict points, const T *restrict centre, int64_t d, T *restrict out) {
    LKT(quad) rows[4], middle = centre ? *(const LKT(quad) *)centre : (LKT(quad)){0};
    for (int l = 0; l < 4; l++) rows[l] = *(const LKT(quad) *)(points + l * d) - middle;
    LKT(quad) low = __builtin_shufflevector(rows[0], rows[1], 0, 4, 1, 5), high = __builtin_shufflevector(rows[0], rows[1], 2, 6, 3, 7);
    LKT(quad) next = __builtin_shufflevector(rows[2], rows[3], 0, 4, 1, 5), last = __builtin_shufflevector(rows[2], rows[3], 2, 6, 3, 7);
    *(LKT(quad) *)out = __builtin_shufflevector(low, next, 0, 1, 4, 5);
    *(LKT(quad) *)(out + LK_STRIDE) = __builtin_shufflevector(low, next, 2, 3, 6, 7);
    *(LKT(quad) *)(out + 2 * LK_STRIDE) = __builtin_shufflevector(high, last, 0, 1, 4, 5);
    *(LKT(quad) *)(out + 3 * LK_STRIDE) = __builtin_shufflevector(high, last, 2, 3, 6, 7);
}

// The values of n points by coordinates, zeros after the last, less a centre where there is one.
static void LKT(transpose)(const T *restrict points, const T *restrict centre, int64_t d, int64_t n, T *restrict out) {
    for (int64_t j = 0; j < LK_LANES; j += 4) {
        const T *block = points + j * d;
        int64_t k = 0;
        for (; j + 4 <= n && k + 4 <= d; k += 4) LKT(turn)(block + k, centre ? centre + k : 0, d, out + k * LK_STRIDE + j);
        for (; k < d; k++) {
            T *restrict target = out + k * LK_STRIDE + j, middle = centre ? centre[k] : 0;
            for (int l = 0; l < 4; l++) target[l] = j + l < n ? block[l * d + k] - middle : 0;
        }
    }
}

// What depends on the block of columns only.
static void LKT(pack_columns)(const losskit_formula *f, LKT(worker) *w, int64_t n) {
    for (int i = 0; i < f->slot_count; i++) {
        const losskit_formula_slot *slot = &f->slots[i];
        if (w->across[i]) LKT(transpose)((const T *)slot->values + w->at * slot->d, 0, slot->d, n, w->across[i]);
    }
    for (int s = 0; s < f->stage_count; s++) {
        const losskit_formula_stage *stage = &f->stages[s];
        T *columns = w->packed_columns[s], *restrict norms = w->column_norms[s];
        if (!columns) continue;
        LKT(transpose)((const T *)f->slots[stage->column].values + w->at * stage->d, stage->centre, stage->d, n, columns);
        for (int64_t j = 0; j < LK_LANES; j++) norms[j] = 0;
        for (int64_t k = 0; k < stage->d; k++, columns += LK_STRIDE) {
            for (int64_t j = 0; j < LK_LANES; j++) norms[j] += columns[j] * columns[j];
        }
    }
    for (int t = 0; t < f->term_count; t++) {
        const losskit_formula_term *term = &f->terms[t];
        if (!w->along[t]) continue;
        const T *centre = term->kind == losskit_term_difference ? f->stages[term->stage].centre : 0;
        const T *points = (const T *)f->slots[term->column].values + w->at * f->width;
        for (int64_t j = 0; j < n; j++) {
            T *restrict target = w->along[t] + j * w->padded_width;
            if (centre) for (int64_t k = 0; k < f->width; k++) target[k] = points[j * f->width + k] - centre[k];
            else memcpy(target, points + j * f->width, (size_t)f->width * sizeof(T));
            for (int64_t k = f->width; k < w->padded_width; k++) target[k] = 0;
        }
    }
}

// What depends on the rows only, and empty sums.
static void LKT(start)(const losskit_formula *f, LKT(worker) *w, int64_t begin, int64_t end, void *out, int32_t *places) {
    for (int c = 0; c < f->constant_count; c++) {
        T *target = w->registers + (int64_t)f->constant_registers[c] * LK_STRIDE;
        for (int j = 0; j < LK_LANES; j++) target[j] = (T)f->constants[c];
        w->values[f->constant_registers[c]] = target;
    }
    for (int s = 0; s < f->stage_count; s++) {
        const losskit_formula_stage *stage = &f->stages[s];
        T *rows = w->packed_rows[s];
        if (!rows) continue;
        const T *points = (const T *)f->slots[stage->row].values + begin * stage->d, *centre = stage->centre;
        for (int64_t i = 0; i < losskit_formula_rows; i++) {
            T norm = 0, *restrict target = rows + i / LK_GROUP * LK_GROUP * stage->d + i % LK_GROUP;
            for (int64_t k = 0; k < stage->d; k++) {
                T value = i < end - begin ? points[i * stage->d + k] - (centre ? centre[k] : 0) : 0;
                target[k * LK_GROUP] = value;
                norm += value * value;
            }
            if (centre) w->row_norms[s][i] = norm;
        }
    }
    for (int t = 0; t < f->term_count; t++) if (w->along[t]) memset(w->weights[t], 0, sizeof(T) * LK_GROUP * LK_STRIDE);
    memset(w->sums, 0, sizeof(double) * losskit_formula_rows * (size_t)f->width);
    memset(w->totals, 0, sizeof(double) * losskit_formula_rows * (size_t)f->term_count);
    for (int64_t i = 0; i < losskit_formula_rows; i++) w->peaks[i] = -INFINITY;
    if (!places) return;
    for (int64_t i = begin * f->kept; i < end * f->kept; i++) {
        ((T *)out)[i] = f->reduction == losskit_reduce_minimum || f->reduction == losskit_reduce_smallest ? INFINITY : -INFINITY;
        places[i] = -1;
    }
}
