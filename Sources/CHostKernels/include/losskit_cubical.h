#pragma once

#include <stdint.h>

/// A class of an image's persistent homology: the voxels whose appearance begins and ends it.
typedef struct losskit_cubical_pair {
    int32_t birth, death;
} losskit_cubical_pair;

/// Which voxels touch: those that share a face, or a corner too.
enum { losskit_cubical_faces = 0, losskit_cubical_corners = 1 };

/// The components of the sublevel sets of an image whose voxels appear in `order` (all of `shape`, which has ones in front of an image's own axes),
/// one after another: of two that meet the younger dies. With `outside`, something that was there from the beginning touches the voxels on the
/// border of the last `rank` axes. Gives how many classes end at another value than they began with, in the order of the voxels where they begin;
/// `cells` and `pairs` have room for all voxels, `parent` for one more, `labels` for losskit_cubical_frame.
int64_t losskit_cubical_components(const float *values, const int32_t *order, const int64_t shape[3], int rank, int touching, int outside, uint32_t *cells,
                                   int32_t *labels, int32_t *parent, losskit_cubical_pair *pairs);
int64_t losskit_cubical_frame(const int64_t shape[3], int rank);

/// The loops of the sublevel sets of an image [depth, height, width] of voxels as corners of cubes, over Z/2. Gives how many live for some time in
/// `*pairs`, which the caller frees, or -1 where there is no memory.
int64_t losskit_cubical_loops(const float *values, const int32_t *order, const int64_t shape[3], losskit_cubical_pair **pairs);
