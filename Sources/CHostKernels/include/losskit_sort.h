#pragma once

#include <stdint.h>

enum { losskit_sort_unsigned = 0, losskit_sort_signed = 1, losskit_sort_floating = 2 };

/// Bytes of scratch that one element of a row takes, by its size.
int64_t losskit_sort_scratch(int size);

/// The stable order of a row of elements of `size` bytes, at most 2^31 - 1 of them: NaN (beyond the bits of `infinity`) last either way, -0
/// equal to 0.
void losskit_sort_row(const void *elements, int64_t length, int size, int kind, uint64_t infinity, int descending, void *scratch,
                      int32_t *places);
