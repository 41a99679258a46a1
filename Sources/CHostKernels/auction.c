#include "losskit_auction.h"

#include <math.h>

// Bidders are the first points, then one for each second point to be left alone; objects the second points, then one for each first point's place on the
// diagonal. A first point may have its own such place, and what is left of both goes together for nothing; so everybody ends with something.
static double cost_of(const losskit_auction *auction, int64_t i, int64_t j) {
    const double u = fabs(auction->births[i] - auction->other_births[j]), v = fabs(auction->deaths[i] - auction->other_deaths[j]);
    const double length = auction->is_euclidean ? sqrt(u * u + v * v) : u > v ? u : v;
    return auction->order == 1 ? length : auction->order == 2 ? length * length : pow(length, auction->order);
}

typedef struct {
    double best, second;
    int64_t place;
} offers;

static inline void consider(offers *offers, int64_t place, double value) {
    if (value <= offers->second) return;
    if (value > offers->best) offers->second = offers->best, offers->best = value, offers->place = place;
    else offers->second = value;
}

static offers offers_to(const losskit_auction *auction, int64_t bidder) {
    const int64_t n = auction->n, m = auction->m;
    const double *prices = auction->prices;
    offers offers = {-INFINITY, -INFINITY, -1};
    if (bidder < n) {
        for (int64_t j = 0; j < m; j++) consider(&offers, j, -cost_of(auction, bidder, j) - prices[j]);
        consider(&offers, m + bidder, -auction->rest[bidder] - prices[m + bidder]);
    } else {
        consider(&offers, bidder - n, -auction->other_rest[bidder - n] - prices[bidder - n]);
        for (int64_t i = 0; i < n; i++) consider(&offers, m + i, -prices[m + i]);
    }
    return offers;
}

double losskit_auction_run(const losskit_auction *auction, double step) {
    const int64_t n = auction->n, m = auction->m, count = n + m;
    int64_t head = 0, waiting = count;
    for (int64_t b = 0; b < count; b++) auction->owner[b] = auction->partner[b] = -1, auction->queue[b] = b;
    while (waiting) {
        const int64_t bidder = auction->queue[head];
        head = head + 1 < count ? head + 1 : 0;
        waiting--;
        const offers offers = offers_to(auction, bidder);
        auction->prices[offers.place] += offers.best - offers.second + step;
        const int64_t former = auction->owner[offers.place];
        auction->owner[offers.place] = bidder;
        auction->partner[bidder] = offers.place;
        if (former < 0) continue;
        auction->queue[(head + waiting) % count] = former;
        waiting++;
    }
    double cost = 0;
    for (int64_t i = 0; i < n; i++) cost += auction->partner[i] < m ? cost_of(auction, i, auction->partner[i]) : auction->rest[i];
    for (int64_t j = 0; j < m; j++) cost += auction->owner[j] < n ? 0 : auction->other_rest[j];
    return cost;
}
