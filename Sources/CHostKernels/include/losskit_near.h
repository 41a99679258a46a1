#pragma once
#include <stdint.h>

enum { losskit_near_rows = 64, losskit_near_columns = 128 };

/// What a sweep does: go by what matters, look for it among the candidates, or look for both among all.
enum { losskit_near_go, losskit_near_search, losskit_near_survey };

/// Which blocks of `losskit_near_columns` columns matter to each tile of `losskit_near_rows` rows, and which may come to: `words` words a tile, a
/// bit a block. Of one problem, no batch, of points in at most eight dimensions; rows are asked for by whole tiles.
typedef struct losskit_near {
    uint64_t *bits, *candidates;
    int64_t words;
    int32_t sweep;
    /// The least shares of a row's sum at which a block matters, and at which it is a candidate.
    float least, remote;
} losskit_near;
