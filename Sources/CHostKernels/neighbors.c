#include "losskit_neighbors.h"
#include "losskit_pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// The candidates in place so that the k first ones are the nearest, by value and place.
static int is_nearer(float a, int32_t i, float b, int32_t j) { return a < b || (a == b && i < j); }

static void swap(float *keys, int32_t *places, int64_t a, int64_t b) {
    float key = keys[a];
    int32_t place = places[a];
    keys[a] = keys[b], places[a] = places[b];
    keys[b] = key, places[b] = place;
}

// Quickselect with the median of three.
static void select_nearest(float *keys, int32_t *places, int64_t count, int64_t k) {
    int64_t low = 0, high = count - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (is_nearer(keys[middle], places[middle], keys[low], places[low])) swap(keys, places, middle, low);
        if (is_nearer(keys[high], places[high], keys[low], places[low])) swap(keys, places, high, low);
        if (is_nearer(keys[high], places[high], keys[middle], places[middle])) swap(keys, places, high, middle);
        float key = keys[middle];
        int32_t place = places[middle];
        int64_t i = low, j = high;
        while (i <= j) {
            while (is_nearer(keys[i], places[i], key, place)) i++;
            while (is_nearer(key, place, keys[j], places[j])) j--;
            if (i <= j) swap(keys, places, i++, j--);
        }
        if (k <= j) high = j;
        else if (k >= i) low = i;
        else return;
    }
}

void losskit_neighbors_start(const losskit_neighbors *problem, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++) {
        problem->counts[row] = 0;
        // Nothing is known to be too far.
        problem->limits[row] = NAN;
    }
}

// Drops candidates that k others are nearer than, and says whether there is room again; where there is not, the row is given up.
static int losskit_neighbors_narrow(const losskit_neighbors *problem, int64_t row, int is_exact) {
    float *keys = problem->keys + row * problem->capacity;
    int32_t *places = problem->places + row * problem->capacity;
    int64_t count = problem->counts[row], k = problem->k;
    if (count <= k) return 1;
    if (is_exact) {
        select_nearest(keys, places, count, k - 1);
        problem->limits[row] = keys[k - 1];
        for (int64_t c = 0; c < k - 1; c++) if (keys[c] > problem->limits[row]) problem->limits[row] = keys[c];
        problem->counts[row] = (int32_t)k;
        return 1;
    }
    // By what they can be at most.
    for (int64_t c = 0; c < count; c++) keys[c] += problem->slack[places[c]];
    select_nearest(keys, places, count, k - 1);
    float limit = keys[k - 1] + problem->row_slack[row];
    problem->limits[row] = limit;
    int64_t kept = 0;
    for (int64_t c = 0; c < count; c++) {
        float least = keys[c] - problem->slack[places[c]];
        if (least > limit) continue;
        places[kept] = places[c];
        keys[kept++] = least;
    }
    problem->counts[row] = (int32_t)kept;
    // Little room would be sought again and again.
    if (kept <= problem->capacity - problem->capacity / 4) return 1;
    problem->counts[row] = -1;
    return 0;
}

typedef struct {
    double key;
    int32_t place;
} neighbor;

static int by_distance(const void *a, const void *b) {
    const neighbor *x = a, *y = b;
    return x->key < y->key || (x->key == y->key && x->place < y->place) ? -1 : 1;
}

// The k nearest in order, of as many as a row's candidates at most.
static void losskit_neighbors_rank(neighbor *nearest, int64_t count, int64_t k, float *values, int32_t *found) {
    qsort(nearest, (size_t)count, sizeof *nearest, by_distance);
    for (int64_t c = 0; c < k && c < count; c++) {
        values[c] = (float)nearest[c].key;
        found[c] = nearest[c].place;
    }
}

// The k nearest candidates by their keys.
static void losskit_neighbors_write(const losskit_neighbors *problem, int64_t row, float *values, int32_t *found) {
    float *keys = problem->keys + row * problem->capacity;
    int32_t *places = problem->places + row * problem->capacity;
    int64_t count = problem->counts[row], k = problem->k < count ? problem->k : count;
    if (count > k) select_nearest(keys, places, count, k - 1);
    neighbor nearest[1024];
    for (int64_t c = 0; c < k; c++) nearest[c] = (neighbor){keys[c], places[c]};
    losskit_neighbors_rank(nearest, k, k, values, found);
}

#define LK_BODY "neighbors_body.h"
#include "isa.h"

LK_DISPATCH(losskit_neighbors_take,
            (const losskit_neighbors *problem, const float *tile, int64_t first, int64_t at, int64_t width, int64_t begin, int64_t end),
            (problem, tile, first, at, width, begin, end))
LK_DISPATCH(losskit_neighbors_finish,
            (const losskit_neighbors *problem, int64_t first, int64_t begin, int64_t end, float *values, int32_t *places),
            (problem, first, begin, end, values, places))
LK_DISPATCH(losskit_neighbors_select,
            (const losskit_neighbors *problem, const float *block, int64_t first, int64_t begin, int64_t end, float *values, int32_t *places),
            (problem, block, first, begin, end, values, places))
LK_DISPATCH(losskit_neighbors_direct,
            (const losskit_neighbors *problem, int64_t first, int64_t begin, int64_t end, float *values, int32_t *places),
            (problem, first, begin, end, values, places))
