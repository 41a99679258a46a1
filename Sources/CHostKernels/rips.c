#include "losskit_rips.h"

#include "losskit_sort.h"
#include "rips_filtration.h"
#include "union_find.h"

// MARK: - Beginning and end

// The bits that numbers below `count` need.
static int bits_below(int64_t count) { return count > 1 ? 64 - __builtin_clzll((uint64_t)count - 1) : 0; }

// C(n, k), or -1 where it is too large.
static int64_t choose(int64_t n, int k) {
    int64_t result = 1;
    for (int i = 1; i <= k; i++) {
        if (__builtin_mul_overflow(result, n - k + i, &result)) return -1;
        result /= i;
    }
    return n < k ? 0 : result;
}

int losskit_rips_fits(int64_t n, int32_t dimension) {
    if (n > 65535 || dimension > losskit_rips_dimensions) return 0;
    const int64_t others = choose(n, dimension);
    return others >= 0 && bits_below(n * (n - 1) / 2) + bits_below(others) < 64;
}

static void fill_binomials(losskit_rips *rips, int32_t dimension) {
    for (int k = 0; k <= dimension; k++) {
        int64_t *row = rips->binomials + k * (rips->n + 1);
        for (int64_t v = 0; v <= rips->n; v++) row[v] = k == 0 ? 1 : v == 0 ? 0 : row[v - 1] + row[v - 1 - (rips->n + 1)];
    }
    for (int d = 1; d <= dimension + 1; d++) rips->bits[d] = bits_below(choose(rips->n, d - 1));
}

// Gives edges up to the threshold their ranks.
static bool rank_edges(losskit_rips *rips, const float *distances, float threshold) {
    const int64_t n = rips->n;
    int64_t count = 0, next = 0;
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = i + 1; j < n; j++) count += distances[i * n + j] <= threshold;
    }
    rips->edge_count = count;
    memset(rips->ranks, 0xFF, 4 * (size_t)(n * rips->stride));
    if (!count) return true;
    const int64_t scratch_bytes = losskit_sort_scratch(4) * count;
    float *lengths = lk_resize(&rips->ledger, NULL, 0, 4 * count);
    int32_t *ends = lk_resize(&rips->ledger, NULL, 0, 8 * count), *places = lk_resize(&rips->ledger, NULL, 0, 4 * count);
    void *scratch = lk_resize(&rips->ledger, NULL, 0, scratch_bytes);
    rips->edges = lk_resize(&rips->ledger, NULL, 0, 8 * count);
    rips->lengths = lk_resize(&rips->ledger, NULL, 0, 4 * count);
    rips->is_branch = lk_resize(&rips->ledger, NULL, 0, count);
    const bool succeeded = !atomic_load(&rips->ledger.failed);
    if (succeeded) {
        for (int64_t i = 0; i < n; i++) {
            for (int64_t j = i + 1; j < n; j++) {
                if (!(distances[i * n + j] <= threshold)) continue;
                ends[2 * next] = (int32_t)i, ends[2 * next + 1] = (int32_t)j;
                lengths[next++] = distances[i * n + j];
            }
        }
        losskit_sort_row(lengths, count, 4, losskit_sort_floating, 0x7F800000, 0, scratch, places);
        for (int64_t rank = 0; rank < count; rank++) {
            const int32_t i = ends[2 * places[rank]], j = ends[2 * places[rank] + 1];
            rips->edges[2 * rank] = i, rips->edges[2 * rank + 1] = j;
            rips->lengths[rank] = lengths[places[rank]];
            rips->ranks[i * rips->stride + j] = rips->ranks[j * rips->stride + i] = (uint32_t)rank;
        }
    }
    lk_resize(&rips->ledger, lengths, lengths ? 4 * count : 0, 0);
    lk_resize(&rips->ledger, ends, ends ? 8 * count : 0, 0);
    lk_resize(&rips->ledger, places, places ? 4 * count : 0, 0);
    lk_resize(&rips->ledger, scratch, scratch ? scratch_bytes : 0, 0);
    return succeeded;
}

losskit_rips *losskit_rips_create(int64_t n, const float *distances, float threshold, int32_t dimension, int64_t limit) {
    losskit_rips *rips = calloc(1, sizeof(losskit_rips));
    if (!rips) return NULL;
    rips->n = n;
    rips->ledger.limit = limit;
    rips->stride = (n + rips_lanes - 1) / rips_lanes * rips_lanes;
    rips->ranks = lk_resize(&rips->ledger, NULL, 0, 4 * n * rips->stride);
    rips->binomials = lk_resize(&rips->ledger, NULL, 0, 8 * (dimension + 1) * (n + 1));
    if (!atomic_load(&rips->ledger.failed)) fill_binomials(rips, dimension);
    if (atomic_load(&rips->ledger.failed) || !rank_edges(rips, distances, threshold)) {
        losskit_rips_destroy(rips);
        return NULL;
    }
    return rips;
}

void losskit_rips_destroy(losskit_rips *rips) {
    rips_drop_columns(rips);
    for (int piece = 0; piece < losskit_rips_pieces; piece++) free(rips->collected[piece].items);
    free(rips->ranks), free(rips->edges), free(rips->lengths), free(rips->is_branch), free(rips->binomials);
    free(rips->pivots.entries), free(rips->cleared.entries), free(rips->pairs);
    free(rips);
}

// MARK: - Classes

int64_t losskit_rips_components(losskit_rips *rips) {
    int32_t *parent = lk_resize(&rips->ledger, NULL, 0, 4 * rips->n);
    if (!parent) return -1;
    for (int32_t v = 0; v < rips->n; v++) parent[v] = v;
    rips->pair_count = 0;
    for (int64_t rank = 0; rank < rips->edge_count; rank++) {
        const int32_t i = root_of(parent, rips->edges[2 * rank]), j = root_of(parent, rips->edges[2 * rank + 1]);
        rips->is_branch[rank] = i != j;
        if (i == j) continue;
        parent[i > j ? i : j] = i < j ? i : j;
        if (!rips_add_pair(rips, -1, -1, rank)) break;
    }
    lk_resize(&rips->ledger, parent, 4 * rips->n, 0);
    return atomic_load(&rips->ledger.failed) ? -1 : rips->pair_count;
}

const losskit_rips_pair *losskit_rips_pairs(const losskit_rips *rips) { return rips->pairs; }

int64_t losskit_rips_peak_bytes(const losskit_rips *rips) { return atomic_load(&rips->ledger.peak); }
