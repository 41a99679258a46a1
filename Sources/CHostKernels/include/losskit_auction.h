#pragma once

#include <stdint.h>

/// Points of two diagrams, at least one each, that are matched with each other or left alone, in doubles and without their matrix.
typedef struct {
    int64_t n, m;
    /// [n] and [m].
    const double *births, *deaths, *other_births, *other_deaths;
    /// [n] and [m]: what it costs to leave a point alone.
    const double *rest, *other_rest;
    /// A pair costs its distance to this power.
    double order;
    int32_t is_euclidean;
    /// [m + n]: prices, zeros at first, which every run goes on from.
    double *prices;
    /// [m + n], [n + m] and [n + m]: who has what, what everybody has, and memory to work in. The i-th first point's partner is partner[i] if below m.
    int64_t *owner, *partner, *queue;
} losskit_auction;

/// Matches by bids that are `step` above what they take, and gives the cost: at most (n + m) step above the least.
/// Source: D. Bertsekas, The auction algorithm: a distributed relaxation method for the assignment problem, 1988; of diagrams as M. Kerber, D. Morozov,
/// A. Nigmetov, Geometry helps to compare persistence diagrams, 2017.
double losskit_auction_run(const losskit_auction *auction, double step);
