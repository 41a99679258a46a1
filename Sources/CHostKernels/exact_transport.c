#include "losskit_exact_transport.h"

#include <math.h>
#include <string.h>

// Successive shortest paths over reduced costs cost - u - v, which stay at least 0, and 0 where mass moves: Jonker and Volgenant's method for
// assignments, with masses in place of ones.

// Shortens the ways to sinks by those over source `i`, which lies at distance `at`.
static void relax(const losskit_exact_transport *p, int64_t i, double at) {
    const double *cost = p->cost + i * p->m, base = at - p->u[i];
    for (int64_t j = 0; j < p->m; j++) {
        const double way = base + cost[j] - p->v[j];
        if (!p->done[j] && way < p->distance[j]) {
            p->distance[j] = way;
            p->source[j] = i;
        }
    }
}

static int64_t nearest(const losskit_exact_transport *p) {
    int64_t best = -1;
    for (int64_t j = 0; j < p->m; j++) {
        if (!p->done[j] && (best < 0 || p->distance[j] < p->distance[best])) best = j;
    }
    return best;
}

// The nearest sink of source `root` that can take more, -1 if there is none; potentials are moved so that the way to it costs nothing.
static int64_t search(const losskit_exact_transport *p, int64_t root) {
    for (int64_t j = 0; j < p->m; j++) p->distance[j] = INFINITY;
    memset(p->done, 0, (size_t)p->m);
    memset(p->reached, 0, (size_t)p->n);
    p->reached[root] = 1;
    p->sink[root] = -1;
    relax(p, root, 0);
    int64_t end;
    for (;;) {
        end = nearest(p);
        if (end < 0 || p->distance[end] == INFINITY) return -1;
        if (p->demand[end] > 0) break;
        p->done[end] = 1;
        const double *column = p->plan + end * p->n;
        for (int64_t i = 0; i < p->n; i++) {
            if (column[i] <= 0 || p->reached[i]) continue;
            p->reached[i] = 1;
            p->sink[i] = end;
            relax(p, i, p->distance[end]);
        }
    }
    const double length = p->distance[end];
    for (int64_t i = 0; i < p->n; i++) {
        if (p->reached[i]) p->u[i] += p->sink[i] < 0 ? length : length - p->distance[p->sink[i]];
    }
    for (int64_t j = 0; j < p->m; j++) {
        if (p->done[j]) p->v[j] -= length - p->distance[j];
    }
    return end;
}

void losskit_exact_transport_solve(const losskit_exact_transport *p) {
    double total = 0;
    for (int64_t i = 0; i < p->n; i++) {
        double least = INFINITY;
        for (int64_t j = 0; j < p->m; j++) least = fmin(least, p->cost[i * p->m + j]);
        p->u[i] = least;
        total += p->supply[i];
    }
    // Below this, what is left is rounding.
    const double nothing = 1e-14 * total;
    for (int64_t j = 0; j < p->m; j++) if (p->demand[j] <= nothing) p->demand[j] = 0;
    for (int64_t root = 0; root < p->n; root++) {
        while (p->supply[root] > nothing) {
            const int64_t end = search(p, root);
            if (end < 0) break;
            double amount = fmin(p->supply[root], p->demand[end]);
            for (int64_t i = p->source[end]; i != root; i = p->source[p->sink[i]]) amount = fmin(amount, p->plan[p->sink[i] * p->n + i]);
            for (int64_t j = end;;) {
                const int64_t i = p->source[j];
                p->plan[j * p->n + i] += amount;
                if (i == root) break;
                j = p->sink[i];
                p->plan[j * p->n + i] -= amount;
            }
            p->supply[root] -= amount;
            p->demand[end] -= amount;
            if (p->demand[end] <= nothing) p->demand[end] = 0;
        }
    }
}
