// Scaling of a kernel that is held, for one instruction set.

// The log scaling that is a share of the way to the best one for a log sum, and how far the marginal was from what is best before.
static double LK(scaled)(double log_scaling, double base, double log_sum, double share, double factor, double slack, double *excess) {
    const double potential = base + log_scaling;
    *excess = fabs(exp(log_scaling + log_sum) - (slack > 0 ? exp(-potential * slack) : 1));
    return (1 - share) * potential + share * factor * (base - log_sum) - base;
}

static void LK(losskit_scaling_rows)(const losskit_scaling *scaling, int64_t begin, int64_t end, float *sums, losskit_scaling_notes *out) {
    enum { most = 64 };
    const int64_t m = scaling->m;
    // A block stays in the second cache between its two uses.
    int64_t height = ((int64_t)1 << 18) / (m > 0 ? m : 1);
    height = height < 4 ? 4 : height > most ? most : height;
    losskit_scaling_notes notes = {0, 0};
    float weights[most];
    for (int64_t j = 0; j < m; j++) sums[j] = 0;
    for (int64_t first = begin; first < end; first += height) {
        const int64_t last = first + height < end ? first + height : end;
        for (int64_t at = first; at < last; at++) {
            const float *restrict row = scaling->kernel + at * m;
            const float *restrict v = scaling->v;
            float sum;
            ROW_SUM(sum, m, row[i] * v[i]);
            double excess, weight = scaling->a[at];
            const double next =
                LK(scaled)(scaling->log_u[at], scaling->base_x[at], log((double)sum), scaling->share, scaling->factor_x, scaling->slack_x, &excess);
            if (weight > 0) {
                notes.error += weight * excess;
                // Not a number counts as far off.
                if (!(fabs(next) <= notes.drift)) notes.drift = fabs(next);
            }
            scaling->log_u[at] = next;
            weights[at - first] = weight > 0 ? (float)(weight * exp(next)) : 0;
        }
        int64_t i = first;
        for (; i + 4 <= last; i += 4) {
            const float *restrict row = scaling->kernel + i * m;
            const float *w = weights + (i - first);
            const float p = w[0], q = w[1], r = w[2], s = w[3];
            for (int64_t j = 0; j < m; j++) {
                sums[j] += LK_FMAF(p, row[j], q * row[m + j]) + LK_FMAF(r, row[2 * m + j], s * row[3 * m + j]);
            }
        }
        for (; i < last; i++) {
            const float *restrict row = scaling->kernel + i * m;
            for (int64_t j = 0; j < m; j++) sums[j] = LK_FMAF(weights[i - first], row[j], sums[j]);
        }
    }
    *out = notes;
}

static void LK(losskit_scaling_columns)(const losskit_scaling *scaling, int64_t begin, int64_t end, const float *sums, int64_t parts,
                                        losskit_scaling_notes *out) {
    losskit_scaling_notes notes = {0, 0};
    for (int64_t j = begin; j < end; j++) {
        double sum = 0, excess, weight = scaling->b[j];
        for (int64_t part = 0; part < parts; part++) sum += sums[part * scaling->m + j];
        const double next =
            LK(scaled)(scaling->log_v[j], scaling->base_y[j], log(sum), scaling->share, scaling->factor_y, scaling->slack_y, &excess);
        if (weight > 0) {
            notes.error += weight * excess;
            if (!(fabs(next) <= notes.drift)) notes.drift = fabs(next);
        }
        scaling->log_v[j] = next;
        scaling->v[j] = weight > 0 ? (float)(weight * exp(next)) : 0;
    }
    *out = notes;
}
