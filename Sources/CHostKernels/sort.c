#include "losskit_sort.h"

#include <string.h>

typedef struct {
    uint64_t key;
    int64_t place;
} entry;

_Static_assert(2 * sizeof(entry) == losskit_sort_scratch, "two lists of entries");

static uint64_t bits_at(const void *elements, int64_t i, int size) {
    switch (size) {
    case 1: return ((const uint8_t *)elements)[i];
    case 2: return ((const uint16_t *)elements)[i];
    case 4: return ((const uint32_t *)elements)[i];
    default: return ((const uint64_t *)elements)[i];
    }
}

// An unsigned number in the elements' order.
static uint64_t order_of(uint64_t x, int size, int kind, uint64_t infinity, int descending) {
    const uint64_t sign = 1ull << (8 * size - 1), last = sign | (sign - 1);
    if (kind == losskit_sort_signed) x ^= sign;
    if (kind == losskit_sort_floating) {
        const uint64_t magnitude = x & ~sign;
        if (magnitude > infinity) return last;
        x = magnitude == 0 ? sign : x & sign ? ~x & last : x | sign;
    }
    return descending ? ~x & last : x;
}

static void insertion_sort(entry *list, int64_t length) {
    for (int64_t i = 1; i < length; i++) {
        const entry moving = list[i];
        int64_t j = i;
        for (; j > 0 && list[j - 1].key > moving.key; j--) list[j] = list[j - 1];
        list[j] = moving;
    }
}

// Sorts by one byte after another from the lowest; a byte that all share is skipped. Gives the list that holds the result.
static entry *radix_sort(entry *list, entry *other, int64_t length, int size) {
    uint32_t counts[8][256];
    memset(counts, 0, sizeof counts);
    for (int64_t i = 0; i < length; i++)
        for (int digit = 0; digit < size; digit++) counts[digit][list[i].key >> 8 * digit & 0xFF]++;
    for (int digit = 0; digit < size; digit++) {
        uint32_t *count = counts[digit], sum = 0;
        if (count[list[0].key >> 8 * digit & 0xFF] == length) continue;
        for (int value = 0; value < 256; value++) {
            const uint32_t here = count[value];
            count[value] = sum;
            sum += here;
        }
        for (int64_t i = 0; i < length; i++) other[count[list[i].key >> 8 * digit & 0xFF]++] = list[i];
        entry *const result = other;
        other = list;
        list = result;
    }
    return list;
}

void losskit_sort_row(const void *elements, int64_t length, int size, int kind, uint64_t infinity, int descending, void *scratch,
                      int32_t *places) {
    entry *list = scratch;
    for (int64_t i = 0; i < length; i++) list[i] = (entry){order_of(bits_at(elements, i, size), size, kind, infinity, descending), i};
    if (length <= 48) insertion_sort(list, length);
    else list = radix_sort(list, list + length, length, size);
    for (int64_t i = 0; i < length; i++) places[i] = (int32_t)list[i].place;
}
