// Reductions that keep single values of a row, for the arithmetic type T.

static void LKT(add_exponents)(const losskit_formula *f, LKT(worker) *w, int64_t row, int64_t n) {
    const T *values = w->values[f->value];
    double peak = LKT(lane_peak)(values, n);
    // A NaN shows in the sum, unless there is none to show in.
    if (isinf(peak)) for (int64_t j = 0; j < n; j++) if (values[j] != values[j]) peak = NAN;
    if (peak > w->peaks[row] || peak != peak) {
        // Nothing was added while the peak was minus infinity.
        if (w->peaks[row] != -INFINITY) w->sums[row] *= exp(w->peaks[row] - peak);
        w->peaks[row] = peak;
    }
    if (isinf(w->peaks[row])) return;
    w->sums[row] += LKT(lane_exponentials)(values, (T)w->peaks[row], n);
}

// Whether a value takes another's place: NaN does where the extremum is asked for, and never among the k best.
lk_inline int LKT(is_better)(int reduction, T a, T b) {
    switch (reduction) {
    case losskit_reduce_minimum: return a < b || (a != a && b == b);
    case losskit_reduce_maximum: return a > b || (a != a && b == b);
    case losskit_reduce_smallest: return a < b || (b != b && a == a);
    default: return a > b || (b != b && a == a);
    }
}

// The best `kept` values of a row with their columns, in order; of equals the first come first.
static void LKT(keep)(const losskit_formula *f, const LKT(worker) *w, int64_t row, int64_t n, void *out, int32_t *places) {
    const T *values = w->values[f->value];
    T *best = (T *)out + row * f->kept;
    int32_t *where = places + row * f->kept;
    int64_t last = f->kept - 1;
    for (int64_t j = 0; j < n; j += 16) {
        int64_t block = n - j < 16 ? n - j : 16;
        int any = where[last] < 0;
        for (int64_t l = 0; l < block; l++) any |= LKT(is_better)(f->reduction, values[j + l], best[last]);
        for (int64_t l = j; any && l < j + block; l++) {
            T value = values[l];
            if (where[last] >= 0 && !LKT(is_better)(f->reduction, value, best[last])) continue;
            int64_t place = last;
            for (; place > 0 && (where[place - 1] < 0 || LKT(is_better)(f->reduction, value, best[place - 1])); place--) {
                best[place] = best[place - 1];
                where[place] = where[place - 1];
            }
            best[place] = value;
            where[place] = (int32_t)(w->at + l);
        }
    }
}
