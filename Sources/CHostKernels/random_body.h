// The random numbers of kernels/random_numbers.clh for one instruction set.

#include "vector_math.h"

#define LK_EXACT_FMAF __builtin_fmaf
#define LK_U64 uint64_t
#include "../../kernels/random_numbers.clh"
#undef LK_EXACT_FMAF
#undef LK_U64

enum { LK(draw_lanes) = 16 };

// Whole blocks side by side; `distribution` is a constant in each call.
lk_inline int64_t LK(draw_blocks)(int distribution, uint64_t key, uint64_t counter, uint64_t stream, float offset, float scale, float limit,
                                  int64_t begin, int64_t end, uint32_t *target) {
    int64_t block = begin;
    for (; block + LK(draw_lanes) <= end; block += LK(draw_lanes)) {
        uint32_t *restrict lanes = target + 4 * block;
        for (int l = 0; l < LK(draw_lanes); l++) {
            uint32_t words[4];
            LK(philox)(key, counter + (uint64_t)(block + l), stream, words);
            LK(distribute)(distribution, offset, scale, limit, words);
            for (int i = 0; i < 4; i++) lanes[4 * l + i] = words[i];
        }
    }
    return block;
}

static void LK(losskit_draw)(int distribution, uint64_t key, uint64_t counter, uint64_t stream, float offset, float scale, float limit,
                             int64_t begin, int64_t end, int64_t count, uint32_t *target) {
    // The last block may be cut short.
    const int64_t whole = end < count / 4 ? end : count / 4;
    int64_t block = begin;
    switch (distribution) {
    case losskit_words: block = LK(draw_blocks)(losskit_words, key, counter, stream, offset, scale, limit, begin, whole, target); break;
    case losskit_uniform: block = LK(draw_blocks)(losskit_uniform, key, counter, stream, offset, scale, limit, begin, whole, target); break;
    case losskit_normal: block = LK(draw_blocks)(losskit_normal, key, counter, stream, offset, scale, limit, begin, whole, target); break;
    case losskit_gumbel: block = LK(draw_blocks)(losskit_gumbel, key, counter, stream, offset, scale, limit, begin, whole, target); break;
    }
    for (; block < end; block++) {
        uint32_t words[4];
        LK(philox)(key, counter + (uint64_t)block, stream, words);
        LK(distribute)(distribution, offset, scale, limit, words);
        const int64_t left = count - 4 * block;
        memcpy(target + 4 * block, words, (size_t)(left < 4 ? left : 4) * sizeof *words);
    }
}
