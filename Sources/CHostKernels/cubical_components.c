#include <stdbool.h>

#include "losskit_cubical.h"

// By a voxel its component's root, which is the voxel that was there first; -1 where nothing is yet.
static int32_t root_of(int32_t *parent, int32_t voxel) {
    while (parent[voxel] != voxel) voxel = parent[voxel] = parent[parent[voxel]];
    return voxel;
}

typedef struct {
    int64_t axis[3], step;
} neighbour;

static int neighbours_of(const int64_t shape[3], int touching, neighbour *list) {
    int count = 0;
    for (int64_t z = -1; z <= 1; z++) {
        for (int64_t y = -1; y <= 1; y++) {
            for (int64_t x = -1; x <= 1; x++) {
                const int64_t moved = z * z + y * y + x * x;
                if (moved == 0 || (touching == losskit_cubical_faces && moved > 1)) continue;
                list[count++] = (neighbour){{z, y, x}, (z * shape[1] + y) * shape[2] + x};
            }
        }
    }
    return count;
}

int64_t losskit_cubical_components(const float *values, const int32_t *order, const int64_t shape[3], int rank, int touching, int outside,
                                   int32_t *places, int32_t *parent, losskit_cubical_pair *pairs) {
    const int64_t count = shape[0] * shape[1] * shape[2];
    const int32_t beyond = (int32_t)count;
    neighbour neighbours[26];
    const int around = neighbours_of(shape, touching, neighbours);
    for (int64_t place = 0; place < count; place++) places[order[place]] = (int32_t)place;
    for (int64_t voxel = 0; voxel <= count; voxel++) {
        parent[voxel] = -1;
        pairs[voxel].death = -1;
    }
    if (outside) parent[beyond] = beyond;
    for (int64_t place = 0; place < count; place++) {
        const int32_t voxel = order[place];
        const int64_t at[3] = {voxel / (shape[1] * shape[2]), voxel / shape[2] % shape[1], voxel % shape[2]};
        int32_t root = parent[voxel] = voxel;
        bool isBorder = false;
        for (int axis = 3 - rank; axis < 3; axis++) isBorder |= at[axis] == 0 || at[axis] == shape[axis] - 1;
        for (int k = isBorder && outside ? -1 : 0; k < around; k++) {
            int32_t other = beyond;
            if (k >= 0) {
                bool isInside = true;
                for (int axis = 0; axis < 3; axis++) {
                    const int64_t moved = at[axis] + neighbours[k].axis[axis];
                    isInside &= moved >= 0 && moved < shape[axis];
                }
                if (!isInside) continue;
                other = (int32_t)(voxel + neighbours[k].step);
                if (parent[other] < 0) continue;
            }
            other = root_of(parent, other);
            if (other == root) continue;
            const bool isOlder = other != beyond && (root == beyond || places[root] < places[other]);
            const int32_t elder = isOlder ? root : other, younger = isOlder ? other : root;
            parent[younger] = elder;
            if (values[younger] != values[voxel]) pairs[younger].death = voxel;
            root = elder;
        }
    }
    int64_t found = 0;
    for (int64_t voxel = 0; voxel < count; voxel++) {
        if (pairs[voxel].death >= 0) pairs[found++] = (losskit_cubical_pair){(int32_t)voxel, pairs[voxel].death};
    }
    return found;
}
