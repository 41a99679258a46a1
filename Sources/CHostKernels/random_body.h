// The random numbers of kernels/random_numbers.clh for one instruction set.

#include "vector_math.h"

#define LK_EXACT_FMAF __builtin_fmaf
#define LK_U64 uint64_t
#include "../../kernels/random_numbers.clh"
#undef LK_EXACT_FMAF
#undef LK_U64

static void LK(losskit_draw)(int distribution, uint64_t key, uint64_t counter, uint64_t stream, float offset, float scale, float limit,
                             int64_t begin, int64_t end, int64_t count, uint32_t *target) {
    for (int64_t block = begin; block < end; block++) {
        uint32_t words[4];
        LK(philox)(key, counter + (uint64_t)block, stream, words);
        LK(distribute)(distribution, offset, scale, limit, words);
        const int64_t left = count - 4 * block;
        memcpy(target + 4 * block, words, (size_t)(left < 4 ? left : 4) * sizeof *words);
    }
}
