// Random numbers: an item draws four.
#pragma OPENCL FP_CONTRACT OFF

#define LK(name) name
#define LK_EXACT_FMAF fma
#define LK_FROM_BITS as_float
#define LK_TO_BITS as_int
#define LK_U64 ulong
#define lk_inline inline
#include "random_numbers.clh"

__kernel void draw(GLOBAL_OUT(uint, target), const int distribution, const long key, const long counter, const long stream,
                   const float offset, const float scale, const float limit, const long count) {
    AT_OUT(uint, target);
    const long block = get_global_id(0);
    if (4 * block >= count) return;
    uint words[4];
    philox((ulong)key, (ulong)counter + (ulong)block, (ulong)stream, words);
    distribute(distribution, offset, scale, limit, words);
    for (int i = 0; i < 4 && 4 * block + i < count; i++) target[4 * block + i] = words[i];
}
