#pragma once

#include <stdint.h>

/// An exact transport problem: masses of n sources to m sinks at least cost, in doubles.
typedef struct {
    int64_t n, m;
    /// [n, m], finite.
    const double *cost;
    /// [n] and [m]: what is still to be sent, and what may still arrive; sinks may be left with some.
    double *supply, *demand;
    /// [m, n]: what goes from each source to each sink, by sinks; zeros at first.
    double *plan;
    /// [n] and [m]: potentials with u + v <= cost everywhere, equal where mass moves; v is 0 at sinks that are left with some.
    double *u, *v;
    /// Memory to work in: [m], [m], [n], [m] and [n].
    double *distance;
    int64_t *source, *sink;
    uint8_t *done, *reached;
} losskit_exact_transport;

/// Solves the problem to the last bits of the masses.
void losskit_exact_transport_solve(const losskit_exact_transport *problem);
