#include <stdbool.h>
#include <stdint.h>

#include "losskit_cubical.h"
#include "union_find.h"

// Voxels that are fetched ahead.
enum { cubical_ahead = 16 };

// Components go by the place of their first voxel in the order, counted from 1; 0 is what was there before. So of two the smaller is the older.

// Images lie in a frame one voxel wide, so that every voxel has all its neighbours.
static int64_t frame_of(const int64_t shape[3], int rank, int64_t wide[3]) {
    for (int axis = 0; axis < 3; axis++) wide[axis] = shape[axis] + (axis >= 3 - rank ? 2 : 0);
    return wide[0] * wide[1] * wide[2];
}

int64_t losskit_cubical_frame(const int64_t shape[3], int rank) {
    int64_t wide[3];
    return frame_of(shape, rank, wide);
}

static int neighbours_of(const int64_t wide[3], int rank, int touching, int64_t *steps) {
    int count = 0;
    for (int64_t z = rank > 2 ? -1 : 0; z <= (rank > 2); z++) {
        for (int64_t y = rank > 1 ? -1 : 0; y <= (rank > 1); y++) {
            for (int64_t x = -1; x <= 1; x++) {
                const int64_t moved = z * z + y * y + x * x;
                if (moved == 0 || (touching == losskit_cubical_faces && moved > 1)) continue;
                steps[count++] = (z * wide[1] + y) * wide[2] + x;
            }
        }
    }
    return count;
}

// Where the voxels lie in the frame, in their order. `places` is working memory.
static void place_voxels(const int32_t *order, const int64_t shape[3], const int64_t wide[3], int rank, int32_t *places, uint32_t *cells) {
    const int64_t count = shape[0] * shape[1] * shape[2];
    for (int64_t place = 0; place < count; place++) places[order[place]] = (int32_t)place;
    for (int64_t z = 0; z < shape[0]; z++) {
        for (int64_t y = 0; y < shape[1]; y++) {
            const int64_t begin = ((z + (rank > 2)) * wide[1] + y + (rank > 1)) * wide[2] + 1;
            for (int64_t x = 0; x < shape[2]; x++) cells[*places++] = (uint32_t)(begin + x);
        }
    }
}

int64_t losskit_cubical_components(const float *values, const int32_t *order, const int64_t shape[3], int rank, int touching, int outside, uint32_t *cells,
                                   int32_t *labels, int32_t *parent, losskit_cubical_pair *pairs) {
    const int64_t count = shape[0] * shape[1] * shape[2];
    int64_t wide[3], steps[26];
    const int64_t frame = frame_of(shape, rank, wide);
    const int around = neighbours_of(wide, rank, touching, steps);
    place_voxels(order, shape, wide, rank, parent, cells);
    for (int64_t cell = 0; cell < frame; cell++) labels[cell] = outside ? 0 : -1;
    for (int64_t place = 0; place < count; place++) labels[cells[place]] = -1;
    for (int64_t voxel = 0; voxel < count; voxel++) pairs[voxel].death = -1;
    parent[0] = 0;
    for (int64_t place = 0; place < count; place++) {
        int32_t *label = labels + cells[place], eldest = -1;
        const int32_t *next = labels + cells[place + cubical_ahead < count ? place + cubical_ahead : place];
        for (int64_t z = rank > 2 ? -1 : 0; z <= (rank > 2); z++) {
            for (int64_t y = -1; y <= 1; y++) __builtin_prefetch(next + (z * wide[1] + y * (rank > 1)) * wide[2]);
        }
        for (int k = 0; k < around; k++) {
            // Nothing is there yet, or what is there is already one with the voxel.
            if (label[steps[k]] < 0 || label[steps[k]] == eldest) continue;
            const int32_t root = root_of(parent, label[steps[k]]);
            if (eldest < 0) eldest = root;
            if (root == eldest) continue;
            const int32_t younger = root > eldest ? root : eldest, voxel = order[younger - 1];
            eldest = root > eldest ? eldest : root;
            parent[younger] = eldest;
            if (values[voxel] != values[order[place]]) pairs[voxel].death = order[place];
        }
        if (eldest < 0) {
            eldest = (int32_t)place + 1;
            parent[eldest] = eldest;
        }
        *label = eldest;
    }
    int64_t found = 0;
    for (int64_t voxel = 0; voxel < count; voxel++) {
        if (pairs[voxel].death >= 0) pairs[found++] = (losskit_cubical_pair){(int32_t)voxel, pairs[voxel].death};
    }
    return found;
}
