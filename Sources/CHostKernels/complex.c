#include "losskit_complex.h"

#include "complex_layout.h"

// A facet or a given simplex, its vertices in the bits of two integers, and where its number belongs.
typedef struct {
    uint64_t high, low;
    int64_t place;
} face_type;

static int compare_faces(const void *a, const void *b) {
    const face_type *x = a, *y = b;
    if (x->high != y->high) return x->high < y->high ? -1 : 1;
    return (x->low > y->low) - (x->low < y->low);
}

static face_type face_of(const int32_t *vertices, int count, int left, int64_t place) {
    uint64_t packed[4] = {0};
    for (int q = 0, next = 0; q < count; q++) if (q != left) packed[next++] = (uint64_t)vertices[q];
    return (face_type){packed[0] << 32 | packed[1], packed[2] << 32 | packed[3], place};
}

// The distinct vertices of a row, ascending; gives how many there are.
static int distinct(const int32_t *row, int size, int32_t *vertices) {
    int count = 0;
    for (int i = 0; i < size; i++) {
        int place = count;
        while (place > 0 && vertices[place - 1] > row[i]) place--;
        if (place > 0 && vertices[place - 1] == row[i]) continue;
        for (int l = count++; l > place; l--) vertices[l] = vertices[l - 1];
        vertices[place] = row[i];
    }
    return count;
}

// Numbers the simplices of dimension k, of which there are the facets of those one dimension up and the given ones of k + 1 vertices.
static bool number_faces(losskit_complex *complex, int k, int size, int64_t given, const int32_t *simplices) {
    const int64_t above = k + 1 < size ? complex->count[k + 1] * (k + 2) : 0;
    int64_t count = above, found = -1;
    int32_t vertices[complex_sizes];
    for (int64_t i = 0; i < given; i++) count += distinct(simplices + i * size, size, vertices) == k + 1;
    face_type *faces = complex_memory(complex, count, sizeof(face_type));
    if (!faces) return false;
    int64_t next = 0;
    for (; next < above; next++) {
        faces[next] = face_of(complex_simplex(complex, k + 1, next / (k + 2)), k + 2, (int)(next % (k + 2)), next);
    }
    for (int64_t i = 0; i < given; i++) {
        if (distinct(simplices + i * size, size, vertices) == k + 1) faces[next++] = face_of(vertices, k + 1, -1, -1);
    }
    qsort(faces, (size_t)count, sizeof(face_type), compare_faces);
    for (int64_t i = 0; i < count; i++) {
        found += i == 0 || compare_faces(&faces[i], &faces[i - 1]);
        if (faces[i].place >= 0) complex->facets[k + 1][faces[i].place] = (int32_t)found;
    }
    complex->count[k] = ++found;
    complex->vertices[k] = complex_memory(complex, found * (k + 1), 4);
    complex->facets[k] = complex_memory(complex, found * (k + 1), 4);
    for (int64_t i = 0, f = -1; complex->vertices[k] && i < count; i++) {
        if (i > 0 && !compare_faces(&faces[i], &faces[i - 1])) continue;
        const uint64_t packed[] = {faces[i].high >> 32, faces[i].high, faces[i].low >> 32, faces[i].low};
        f++;
        for (int q = 0; q <= k; q++) complex->vertices[k][f * (k + 1) + q] = (int32_t)(uint32_t)packed[q];
    }
    complex_forget(complex, faces, count, sizeof(face_type));
    return complex->vertices[k] && complex->facets[k];
}

losskit_complex *losskit_complex_create(int64_t n, int32_t size, int64_t count, const int32_t *simplices, int64_t limit) {
    losskit_complex *complex = calloc(1, sizeof(losskit_complex));
    if (!complex) return NULL;
    complex->n = n;
    complex->ledger.limit = limit;
    bool succeeded = true;
    for (int k = size - 1; k > 0 && succeeded; k--) succeeded = number_faces(complex, k, size, count, simplices);
    // All vertices are there, whether simplices have them or not, by their own numbers.
    complex->count[0] = n;
    complex->vertices[0] = complex_memory(complex, n, 4);
    for (int64_t v = 0; complex->vertices[0] && v < n; v++) complex->vertices[0][v] = (int32_t)v;
    for (int64_t e = 0; succeeded && e < complex->count[1]; e++) {
        complex->facets[1][2 * e] = complex->vertices[1][2 * e + 1];
        complex->facets[1][2 * e + 1] = complex->vertices[1][2 * e];
    }
    for (int k = 0; k < complex_sizes; k++) {
        complex->values[k] = complex_memory(complex, complex->count[k], 4);
        complex->origins[k] = complex_memory(complex, complex->count[k], 4);
        complex->origin_dimensions[k] = complex_memory(complex, complex->count[k], 1);
    }
    if (atomic_load(&complex->ledger.failed)) {
        losskit_complex_destroy(complex);
        return NULL;
    }
    return complex;
}

void losskit_complex_destroy(losskit_complex *complex) {
    for (int k = 0; k < complex_sizes; k++) {
        free(complex->vertices[k]), free(complex->facets[k]);
        free(complex->values[k]), free(complex->origins[k]), free(complex->origin_dimensions[k]);
    }
    free(complex->pairs);
    free(complex);
}

const losskit_complex_pair *losskit_complex_pairs(const losskit_complex *complex) { return complex->pairs; }
