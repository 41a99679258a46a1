#pragma once
#include <stdint.h>

/// Entropic transport between n and m weights by scaling a kernel that is held, absorbed potentials in it:
/// K_ij = exp(base_x[i] + base_y[j] - C_ij / epsilon). Potentials over epsilon are base + log_u and base + log_v.
typedef struct losskit_scaling {
    int64_t n, m;
    /// [n, m].
    const float *kernel;
    /// Weights.
    const float *a, *b;
    const double *base_x, *base_y;
    double *log_u, *log_v;
    /// [m]: b exp(log_v).
    float *v;
    /// How much of the way to the best potentials a step goes; the factor of each side's best potential; epsilon / rho, 0 for exact marginals.
    double share, factor_x, factor_y, slack_x, slack_y;
} losskit_scaling;

/// What a piece of a step saw: the marginal's distance from what is best for the potentials before the step, and the largest |log scaling| after.
typedef struct losskit_scaling_notes {
    double error, drift;
} losskit_scaling_notes;

/// A step of the rows begin..<end; sums[j] = sum over them of a u K_ij with the new u. One pass over the kernel.
void losskit_scaling_rows(const losskit_scaling *scaling, int64_t begin, int64_t end, float *sums, losskit_scaling_notes *notes);

/// A step of the columns begin..<end from the sums [parts, m] of all rows.
void losskit_scaling_columns(const losskit_scaling *scaling, int64_t begin, int64_t end, const float *sums, int64_t parts,
                             losskit_scaling_notes *notes);
