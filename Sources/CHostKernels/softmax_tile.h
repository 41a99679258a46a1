// Rows whose logits lie apart, as an image's do, taken together and put back: sixteen neighbours share the cache lines. Included once for each
// instruction set.

#define TILE_ROWS 16

// Rows `row`..<row + count, of one outer index, to `tile` [count, classes].
static void LK(tile_take)(const void *logits, int32_t type, int64_t row, int64_t count, int64_t classes, int64_t inner, void *tile) {
    int64_t base = row / inner * classes * inner + row % inner;
#define TAKE(T) \
    for (int64_t r = 0; r < count; r++) \
        for (int64_t k = 0; k < classes; k++) ((T *)tile)[r * classes + k] = ((const T *)logits)[base + k * inner + r];
    if (type == 0) { TAKE(float) } else { TAKE(uint16_t) }
#undef TAKE
}

static void LK(tile_put)(void *gradient, int32_t type, int64_t row, int64_t count, int64_t classes, int64_t inner, const void *tile) {
    int64_t base = row / inner * classes * inner + row % inner;
#define PUT(T) \
    for (int64_t k = 0; k < classes; k++) \
        for (int64_t r = 0; r < count; r++) ((T *)gradient)[base + k * inner + r] = ((const T *)tile)[r * classes + k];
    if (type == 0) { PUT(float) } else { PUT(uint16_t) }
#undef PUT
}

// How many of the rows row..<end are neighbours and fit a tile.
lk_inline int64_t LK(tile_count)(int64_t row, int64_t end, int64_t inner) {
    int64_t count = inner - row % inner;
    if (count > end - row) count = end - row;
    return count < TILE_ROWS ? count : TILE_ROWS;
}
