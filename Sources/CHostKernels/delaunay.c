#include "losskit_delaunay.h"

#include <stdbool.h>
#include <stdlib.h>

#include "predicates.h"

// A cell has rank + 1 vertices in the order of orientation 1 and beside it, for each, the neighbour on its other side. Cells at the border have
// neighbours with the vertex at infinity, whose orientation is that of any point beyond.
enum { infinity = -1, nobody = -1 };
typedef struct {
    int32_t vertices[4], neighbors[4];
    // In which insertion the cell was last looked at, times two, plus whether it has to go.
    int64_t mark;
} cell_type;

typedef struct {
    lk_predicates predicates;
    int32_t n, rank;
    // Points of no cloud that complete a flat one's simplices.
    int32_t aside[2];
    cell_type *cells;
    int64_t count, capacity;
    // Cells that are free, that have to go, and the facets of these behind which others stay.
    int32_t *spare, *going, *border, *keys;
    int64_t spare_count, going_count, border_count, list_capacity, key_capacity;
    int32_t recent;
} mesh_type;

// MARK: - Memory

static bool grow(void **memory, int64_t *capacity, int64_t needed, int64_t size) {
    if (needed <= *capacity) return true;
    int64_t larger = *capacity ? *capacity : 64;
    while (larger < needed) larger *= 2;
    void *grown = realloc(*memory, (size_t)(larger * size));
    if (!grown) return false;
    *memory = grown;
    *capacity = larger;
    return true;
}

static bool reserve_lists(mesh_type *mesh, int64_t needed) {
    if (needed <= mesh->list_capacity) return true;
    int64_t first = mesh->list_capacity, second = first, third = first;
    if (!grow((void **)&mesh->spare, &first, needed, 4) || !grow((void **)&mesh->going, &second, needed, 4)) return false;
    if (!grow((void **)&mesh->border, &third, needed, 8)) return false;
    mesh->list_capacity = first;
    return true;
}

// A new cell's number, or -1.
static int32_t new_cell(mesh_type *mesh) {
    if (mesh->spare_count) return mesh->spare[--mesh->spare_count];
    if (!grow((void **)&mesh->cells, &mesh->capacity, mesh->count + 1, sizeof(cell_type))) return -1;
    mesh->cells[mesh->count].mark = 0;
    return (int32_t)mesh->count++;
}

// MARK: - Questions

static int slot_of(const mesh_type *mesh, int32_t cell, int32_t vertex) {
    for (int i = 0; i <= mesh->rank; i++) if (mesh->cells[cell].vertices[i] == vertex) return i;
    return -1;
}

static int slot_beside(const mesh_type *mesh, int32_t cell, int32_t neighbor) {
    for (int i = 0; i <= mesh->rank; i++) if (mesh->cells[cell].neighbors[i] == neighbor) return i;
    return -1;
}

// The vertices of a simplex in all dimensions, one of them replaced.
static void complete(const mesh_type *mesh, const int32_t *vertices, int replaced, int32_t point, int32_t *all) {
    for (int i = 0; i <= mesh->rank; i++) all[i] = i == replaced ? point : vertices[i];
    for (int i = mesh->rank + 1; i <= mesh->predicates.d; i++) all[i] = mesh->aside[i - mesh->rank - 1];
}

static int orientation(mesh_type *mesh, const int32_t *vertices, int replaced, int32_t point) {
    int32_t all[4];
    complete(mesh, vertices, replaced, point, all);
    return lk_orientation(&mesh->predicates, all);
}

// Whether a cell is in the way of a point: its sphere holds it. In the plane of a border facet that is so if the cell behind is.
static bool is_in_way(mesh_type *mesh, int32_t cell, int32_t point) {
    const int outer = slot_of(mesh, cell, infinity);
    if (outer >= 0) {
        const int side = orientation(mesh, mesh->cells[cell].vertices, outer, point);
        if (side) return side > 0;
        cell = mesh->cells[cell].neighbors[outer];
    }
    int32_t all[4];
    complete(mesh, mesh->cells[cell].vertices, -1, 0, all);
    return lk_is_inside(&mesh->predicates, all, point, mesh->n) > 0;
}

// A cell that is in the way of a point, by a walk towards it.
static int32_t locate(mesh_type *mesh, int32_t point) {
    int32_t cell = mesh->recent;
    const int outer = slot_of(mesh, cell, infinity);
    if (outer >= 0) cell = mesh->cells[cell].neighbors[outer];
    uint32_t draw = (uint32_t)point * 2654435769u + 1;
    for (;;) {
        const cell_type *here = &mesh->cells[cell];
        int32_t next = nobody;
        draw = draw * 1664525u + 1013904223u;
        for (int turn = 0, first = (int)(draw >> 30); turn <= mesh->rank && next == nobody; turn++) {
            const int i = (first + turn) % (mesh->rank + 1);
            if (orientation(mesh, here->vertices, i, point) < 0) next = here->neighbors[i];
        }
        if (next == nobody || slot_of(mesh, next, infinity) >= 0) return next == nobody ? cell : next;
        cell = next;
    }
}

// MARK: - Insertion

// Joins the new cells that share all vertices but one each; the new point is one of the shared ones.
static bool join(mesh_type *mesh, const int32_t *fresh, int64_t count, int32_t point) {
    const int rank = mesh->rank;
    int64_t size = 64;
    while (size < 4 * count * rank) size *= 2;
    // Of each facet its other vertices, the cell and the slot.
    if (!grow((void **)&mesh->keys, &mesh->key_capacity, size, 16)) return false;
    memset(mesh->keys, 0xFF, (size_t)size * 16);
    for (int64_t c = 0; c < count; c++) {
        cell_type *cell = &mesh->cells[fresh[c]];
        for (int i = 0; i <= rank; i++) {
            if (cell->vertices[i] == point) continue;
            int32_t low = -3, high = -3;
            for (int q = 0; q <= rank; q++) {
                const int32_t vertex = cell->vertices[q];
                if (q == i || vertex == point) continue;
                low = vertex > high ? high : vertex;
                high = vertex > high ? vertex : high;
            }
            uint64_t place = ((uint64_t)(uint32_t)low << 32 | (uint32_t)high) * 0x9E3779B97F4A7C15u >> 20;
            int32_t *entry;
            for (;; place++) {
                entry = mesh->keys + 4 * (place &= (uint64_t)size - 1);
                if (entry[2] < 0 || (entry[0] == low && entry[1] == high)) break;
            }
            if (entry[2] < 0) {
                entry[0] = low, entry[1] = high, entry[2] = fresh[c], entry[3] = i;
            } else {
                cell->neighbors[i] = entry[2];
                mesh->cells[entry[2]].neighbors[entry[3]] = fresh[c];
            }
        }
    }
    return true;
}

static bool insert(mesh_type *mesh, int32_t point, int64_t turn) {
    const int rank = mesh->rank;
    mesh->going_count = mesh->border_count = 0;
    if (!reserve_lists(mesh, 64)) return false;
    mesh->going[mesh->going_count++] = locate(mesh, point);
    mesh->cells[mesh->going[0]].mark = 2 * turn + 1;
    for (int64_t g = 0; g < mesh->going_count; g++) {
        const int32_t cell = mesh->going[g];
        if (!reserve_lists(mesh, mesh->going_count + mesh->border_count + mesh->spare_count + 8)) return false;
        for (int i = 0; i <= rank; i++) {
            const int32_t next = mesh->cells[cell].neighbors[i];
            if (mesh->cells[next].mark < 2 * turn) {
                const bool isGoing = is_in_way(mesh, next, point);
                mesh->cells[next].mark = 2 * turn + isGoing;
                if (isGoing) mesh->going[mesh->going_count++] = next;
            }
            if (mesh->cells[next].mark == 2 * turn) {
                mesh->border[2 * mesh->border_count] = cell;
                mesh->border[2 * mesh->border_count++ + 1] = i;
            }
        }
    }
    // The numbers of cells that go are taken again only from the next point on.
    for (int64_t b = 0; b < mesh->border_count; b++) {
        const int32_t old = mesh->border[2 * b], i = mesh->border[2 * b + 1], cell = new_cell(mesh);
        if (cell < 0) return false;
        const int32_t next = mesh->cells[old].neighbors[i];
        mesh->cells[cell] = mesh->cells[old];
        mesh->cells[cell].mark = 0;
        mesh->cells[cell].vertices[i] = point;
        mesh->cells[next].neighbors[slot_beside(mesh, next, old)] = cell;
        mesh->border[b] = cell;
    }
    mesh->recent = mesh->border[0];
    if (!join(mesh, mesh->border, mesh->border_count, point)) return false;
    for (int64_t g = 0; g < mesh->going_count; g++) {
        mesh->cells[mesh->going[g]].vertices[0] = mesh->cells[mesh->going[g]].vertices[1] = infinity;
        mesh->spare[mesh->spare_count++] = mesh->going[g];
    }
    return true;
}

// MARK: - Beginning

// Whether points (three of them) lie on one line.
static bool is_line(lk_predicates *given, const int32_t *points) {
    if (given->d == 2) return lk_orientation(given, points) == 0;
    for (int left = 0; left < 3; left++) {
        double plane[6];
        for (int p = 0; p < 3; p++) {
            for (int k = 0, axis = 0; k < 3; k++) if (k != left) plane[2 * p + axis++] = lk_point(given, points[p])[k];
        }
        lk_predicates flat = {plane, 2, given->space};
        if (lk_orientation(&flat, (const int32_t[]){0, 1, 2})) return false;
    }
    return true;
}

// Finds points that span what all of them do, and sets the rank and the points aside. `order` are the points that take part.
static void find_base(mesh_type *mesh, double *points, const int32_t *order, int64_t count, int32_t *base) {
    lk_predicates *given = &mesh->predicates;
    const int d = given->d;
    mesh->rank = 0;
    base[0] = order[0];
    for (int64_t i = 1; i < count && mesh->rank < d; i++) {
        base[mesh->rank + 1] = order[i];
        const bool isOutside = mesh->rank == 0 || (mesh->rank == 1 ? !is_line(given, base) : lk_orientation(given, base) != 0);
        mesh->rank += isOutside;
    }
    double reach = 1;
    for (int64_t i = 0; i < count * d; i++) {
        const double place = fabs(lk_point(given, order[i / d])[i % d]);
        reach = place > reach ? place : reach;
    }
    // Some axes lead out of what the points span.
    for (int choice = 0; mesh->rank > 0 && mesh->rank < d && choice < 9; choice++) {
        const int axes[] = {choice % 3, choice / 3};
        int32_t all[4];
        for (int a = 0; a < d - mesh->rank; a++) {
            double *aside = points + (int64_t)(mesh->n + a) * d;
            for (int k = 0; k < d; k++) aside[k] = lk_point(given, base[0])[k] + (k == axes[a] ? 4 * reach : 0);
            mesh->aside[a] = mesh->n + a;
        }
        complete(mesh, base, -1, 0, all);
        if (lk_orientation(given, all)) break;
    }
}

// The first cell and those around it.
static bool begin(mesh_type *mesh, int32_t *base) {
    const int rank = mesh->rank;
    if (orientation(mesh, base, -1, 0) < 0) {
        const int32_t first = base[0];
        base[0] = base[1], base[1] = first;
    }
    for (int c = 0; c < rank + 2; c++) if (new_cell(mesh) < 0) return false;
    for (int i = 0; i <= rank; i++) {
        mesh->cells[0].vertices[i] = base[i];
        mesh->cells[0].neighbors[i] = i + 1;
        cell_type *outer = &mesh->cells[i + 1];
        for (int q = 0; q <= rank; q++) {
            outer->vertices[q] = q == i ? infinity : base[q];
            outer->neighbors[q] = q == i ? 0 : q + 1;
        }
        // Beyond the facet orientations are reversed: two of the other vertices change places, and with them what is on their other sides.
        const int a = (i + 1) % (rank + 1), b = rank > 1 ? (i + 2) % (rank + 1) : i;
        const int32_t vertex = outer->vertices[a], neighbor = outer->neighbors[a];
        outer->vertices[a] = outer->vertices[b], outer->neighbors[a] = outer->neighbors[b];
        outer->vertices[b] = vertex, outer->neighbors[b] = neighbor;
    }
    mesh->recent = 0;
    return true;
}

typedef struct {
    uint64_t key;
    int32_t index;
} keyed_type;

static int compare_keys(const void *a, const void *b) {
    const keyed_type *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->index > y->index) - (x->index < y->index);
}

static uint64_t mixed(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

// Orders points so that most follow near ones, in rounds of twice as many points at random; the last keys are the last rounds.
static void order_points(const float *points, int64_t n, int d, keyed_type *order, int64_t count) {
    double low[3] = {INFINITY, INFINITY, INFINITY}, high[3] = {-INFINITY, -INFINITY, -INFINITY};
    for (int64_t i = 0; i < n * d; i++) {
        low[i % d] = points[i] < low[i % d] ? points[i] : low[i % d];
        high[i % d] = points[i] > high[i % d] ? points[i] : high[i % d];
    }
    const int bits = 57 / d;
    for (int64_t o = 0; o < count; o++) {
        const int32_t i = order[o].index;
        uint64_t key = 63 - (uint64_t)__builtin_ctzll(mixed((uint64_t)i + 1) | 1ull << 63);
        uint64_t places[3];
        for (int k = 0; k < d; k++) {
            const double share = high[k] > low[k] ? ((double)points[i * d + k] - low[k]) / (high[k] - low[k]) : 0;
            places[k] = (uint64_t)(share * (double)((1ull << bits) - 1));
        }
        for (int b = bits - 1; b >= 0; b--) for (int k = 0; k < d; k++) key = key << 1 | (places[k] >> b & 1);
        order[o].key = key;
    }
    qsort(order, (size_t)count, sizeof(keyed_type), compare_keys);
}

typedef struct {
    float place[3];
    int32_t index;
} placed_type;

static int compare_places(const void *a, const void *b) {
    const placed_type *x = a, *y = b;
    for (int k = 0; k < 3; k++) if (x->place[k] != y->place[k]) return x->place[k] < y->place[k] ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

// Finds the first of all points in each place, and lists those.
static int64_t list_places(const float *points, int64_t n, int d, placed_type *sorted, int32_t *copies, keyed_type *order) {
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        sorted[i] = (placed_type){{0}, (int32_t)i};
        for (int k = 0; k < d; k++) sorted[i].place[k] = points[i * d + k];
    }
    qsort(sorted, (size_t)n, sizeof(placed_type), compare_places);
    for (int64_t i = 0, first = 0; i < n; i++) {
        for (int k = 0; k < d; k++) if (sorted[i].place[k] != sorted[first].place[k]) first = i;
        copies[sorted[i].index] = sorted[first].index;
        if (first == i) order[count++].index = sorted[i].index;
    }
    return count;
}

// MARK: - Triangulation

static int64_t triangulate(mesh_type *mesh, double *points, const int32_t *order, int64_t count, int32_t **cells) {
    int32_t base[4];
    find_base(mesh, points, order, count, base);
    const int rank = mesh->rank;
    if (rank > 0 && !begin(mesh, base)) return -1;
    for (int64_t i = 0; rank > 0 && i < count; i++) {
        bool isIn = false;
        for (int b = 0; b <= rank; b++) isIn |= order[i] == base[b];
        if (!isIn && !insert(mesh, order[i], i + 1)) return -1;
    }
    int64_t found = 0;
    *cells = malloc((size_t)(mesh->count * (rank + 1) * 4 + 4));
    if (!*cells) return -1;
    for (int64_t c = 0; c < mesh->count; c++) {
        if (slot_of(mesh, (int32_t)c, infinity) >= 0) continue;
        memcpy(*cells + found++ * (rank + 1), mesh->cells[c].vertices, 4 * (size_t)(rank + 1));
    }
    return found;
}

int64_t losskit_delaunay(int64_t n, int32_t d, const float *points, int32_t *copies, int32_t *rank, int32_t **cells) {
    mesh_type mesh = {.n = (int32_t)n};
    double *doubles = malloc((size_t)((n + 2) * d * 8)), *space = malloc(8 * lk_exact_room);
    keyed_type *order = malloc((size_t)n * sizeof(keyed_type));
    placed_type *sorted = malloc((size_t)n * sizeof(placed_type));
    int64_t found = -1;
    if (doubles && space && order && sorted) {
        for (int64_t i = 0; i < n * d; i++) doubles[i] = points[i];
        mesh.predicates = (lk_predicates){doubles, d, {space, 0}};
        const int64_t count = list_places(points, n, d, sorted, copies, order);
        order_points(points, n, d, order, count);
        int32_t *indices = (int32_t *)sorted;
        for (int64_t o = 0; o < count; o++) indices[o] = order[o].index;
        found = triangulate(&mesh, doubles, indices, count, cells);
        *rank = mesh.rank;
    }
    free(doubles), free(space), free(order), free(sorted);
    free(mesh.cells), free(mesh.spare), free(mesh.going), free(mesh.border), free(mesh.keys);
    return found;
}
