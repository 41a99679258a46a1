#pragma once
#include "losskit_near.h"

/// Sums of exponentials over columns whose exponents are formed in doubles: over a small epsilon potentials and costs are so large that floats
/// lose what counts.
///
/// Row r is point r % n of batch r / n. Its columns' exponents are bases[j] - C inverse, with C as in `losskit_softmin_problem`.
typedef struct losskit_wide_problem {
    int32_t power;
    /// Of epsilon.
    double inverse;
    int64_t n, m, d;
    /// [batch, n, d], and [batch, d, m], or [batch, n, m] for power 0.
    const float *points, *columns;
    /// [batch, m]: potentials over epsilon and log weights.
    const double *bases;
    /// NULL where all columns matter. They are gone by.
    const losskit_near *near;
} losskit_wide_problem;

/// log_sums[r] = log sum over columns of exp(exponent), for the rows begin..<end; own[r] says where about minus that is.
void losskit_wide_log_sums(const losskit_wide_problem *problem, const double *own, int64_t begin, int64_t end, double *log_sums);

/// Rows begin..<end of exp(own[r] + exponent), [rows, m]. What is below 2^-80 is 0.
void losskit_wide_kernel(const losskit_wide_problem *problem, const double *own, int64_t begin, int64_t end, float *out);
