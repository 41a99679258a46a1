static void LK(losskit_rips_first_common)(const uint32_t *const *rows, int count, int64_t stride, uint32_t rank, int64_t *vertex) {
    *vertex = -1;
    for (int64_t begin = 0; begin < stride; begin += rips_lanes) {
        uint32_t largest[rips_lanes] = {0}, isCommon = 0;
        for (int r = 0; r < count; r++) {
            for (int l = 0; l < rips_lanes; l++) largest[l] = rows[r][begin + l] > largest[l] ? rows[r][begin + l] : largest[l];
        }
        for (int l = 0; l < rips_lanes; l++) isCommon |= (uint32_t)(largest[l] < rank) << l;
        if (!isCommon) continue;
        *vertex = begin + __builtin_ctz(isCommon);
        return;
    }
}

static void LK(losskit_rips_join)(const uint32_t *const *rows, int count, int64_t stride, uint32_t rank, uint32_t *ranks, int32_t *ends) {
    for (int64_t begin = 0; begin < stride; begin += rips_lanes) {
        uint32_t largest[rips_lanes];
        int32_t end[rips_lanes];
        for (int l = 0; l < rips_lanes; l++) largest[l] = rank, end[l] = -1;
        for (int r = 0; r < count; r++) {
            for (int l = 0; l < rips_lanes; l++) {
                end[l] = rows[r][begin + l] > largest[l] ? r : end[l];
                largest[l] = rows[r][begin + l] > largest[l] ? rows[r][begin + l] : largest[l];
            }
        }
        for (int l = 0; l < rips_lanes; l++) ranks[begin + l] = largest[l], ends[begin + l] = end[l];
    }
}
