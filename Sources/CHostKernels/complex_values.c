// When the simplices of a complex appear.

#include <math.h>

#include "complex_layout.h"

static void appear(losskit_complex *complex, int k, int64_t i, float value, int origin_dimension, int32_t origin) {
    complex->values[k][i] = value;
    complex->origins[k][i] = origin;
    complex->origin_dimensions[k][i] = (uint8_t)origin_dimension;
}

int losskit_complex_lower_star(losskit_complex *complex, const float *values) {
    for (int k = 0; k < complex_sizes; k++) {
        for (int64_t i = 0; i < complex->count[k]; i++) {
            const int32_t *vertices = complex_simplex(complex, k, i);
            int32_t last = vertices[0];
            for (int q = 1; q <= k; q++) last = values[vertices[q]] > values[last] ? vertices[q] : last;
            appear(complex, k, i, values[last], 0, last);
        }
    }
    return 1;
}

// MARK: - Spheres

// The weights are those of the centre from the first point along the edges to the others: half of what the edges' squares are under their Gram matrix.
double losskit_circumsphere(int32_t d, const float *points, int32_t count, const int32_t *vertices, double *center, double *weights) {
    const float *first = points + (int64_t)vertices[0] * d;
    const int edges = count - 1;
    double along[3][3], gram[3][4], square = 0;
    for (int e = 0; e < edges; e++) {
        for (int k = 0; k < d; k++) along[e][k] = (double)points[(int64_t)vertices[e + 1] * d + k] - first[k];
    }
    for (int e = 0; e < edges; e++) {
        for (int f = 0; f < edges; f++) {
            gram[e][f] = 0;
            for (int k = 0; k < d; k++) gram[e][f] += along[e][k] * along[f][k];
        }
        gram[e][edges] = gram[e][e] / 2;
    }
    // Elimination; the matrix is positive, the largest pivot comes first.
    int order[3] = {0, 1, 2};
    for (int e = 0; e < edges; e++) {
        for (int f = e + 1; f < edges; f++) {
            if (gram[order[f]][order[f]] > gram[order[e]][order[e]]) {
                const int kept = order[e];
                order[e] = order[f], order[f] = kept;
            }
        }
        const int p = order[e];
        for (int f = e + 1; f < edges; f++) {
            const double factor = gram[order[f]][p] / gram[p][p];
            for (int g = 0; g <= edges; g++) gram[order[f]][g] -= factor * gram[p][g];
        }
    }
    weights[0] = 1;
    for (int k = 0; k < d; k++) center[k] = 0;
    for (int e = edges - 1; e >= 0; e--) {
        const int p = order[e];
        double value = gram[p][edges];
        for (int f = e + 1; f < edges; f++) value -= gram[p][order[f]] * weights[order[f] + 1];
        weights[p + 1] = value / gram[p][p];
        weights[0] -= weights[p + 1];
        for (int k = 0; k < d; k++) center[k] += weights[p + 1] * along[p][k];
    }
    for (int k = 0; k < d; k++) {
        square += center[k] * center[k];
        center[k] += first[k];
    }
    return square;
}

typedef struct {
    // The squared radius, and the least value of the simplices above with whose value that is.
    double square, above, center[3];
    int32_t origin;
    uint8_t origin_dimension, is_empty;
} sphere_type;

static void measure(const losskit_complex *complex, int k, int d, const float *points, sphere_type *spheres) {
    for (int64_t i = 0; i < complex->count[k]; i++) {
        double weights[complex_sizes];
        spheres[i] = (sphere_type){.above = INFINITY, .is_empty = 1};
        spheres[i].square = losskit_circumsphere(d, points, k + 1, complex_simplex(complex, k, i), spheres[i].center, weights);
    }
}

int losskit_complex_alpha(losskit_complex *complex, int32_t d, const float *points) {
    sphere_type *spheres = NULL, *below = NULL;
    int top = complex_sizes - 1;
    while (top > 0 && !complex->count[top]) top--;
    for (int64_t v = 0; v < complex->n; v++) appear(complex, 0, v, 0, 0, (int32_t)v);
    for (int k = top; k > 0; k--) {
        if (k == top) {
            if (!(spheres = complex_memory(complex, complex->count[k], sizeof(sphere_type)))) return 0;
            measure(complex, k, d, points, spheres);
        }
        if (k > 1) {
            if (!(below = complex_memory(complex, complex->count[k - 1], sizeof(sphere_type)))) break;
            measure(complex, k - 1, d, points, below);
        }
        for (int64_t i = 0; i < complex->count[k]; i++) {
            const sphere_type *own = &spheres[i];
            const int isOwn = own->is_empty && own->square <= own->above;
            const double value = isOwn ? own->square : own->above;
            appear(complex, k, i, (float)value, isOwn ? k : own->origin_dimension, isOwn ? (int32_t)i : own->origin);
            for (int q = 0; k > 1 && q <= k; q++) {
                sphere_type *facet = &below[complex->facets[k][i * (k + 1) + q]];
                const float *opposite = points + (int64_t)complex_simplex(complex, k, i)[q] * d;
                double square = 0;
                for (int c = 0; c < d; c++) square += (opposite[c] - facet->center[c]) * (opposite[c] - facet->center[c]);
                facet->is_empty &= square >= facet->square;
                if (value < facet->above) {
                    facet->above = value;
                    facet->origin = complex->origins[k][i];
                    facet->origin_dimension = complex->origin_dimensions[k][i];
                }
            }
        }
        complex_forget(complex, spheres, complex->count[k], sizeof(sphere_type));
        spheres = below;
        below = NULL;
    }
    complex_forget(complex, spheres, complex->count[1], sizeof(sphere_type));
    return !atomic_load(&complex->ledger.failed);
}
