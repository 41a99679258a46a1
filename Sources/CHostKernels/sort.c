#include "losskit_sort.h"

#include <string.h>

// A number in the elements' order, and the element's place: side by side, or in one word where both fit, which halves the memory to move.
typedef struct {
    uint64_t order;
    int64_t place;
} pair;
typedef uint64_t word;

#define PAIR_ORDER(x) ((x).order)
#define PAIR_PLACE(x) ((x).place)
#define WORD_ORDER(x) ((x) >> 32)
#define WORD_PLACE(x) ((x) & 0xFFFFFFFFu)

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

// Insertion where a row is short; else by one byte after another from the lowest, skipping one that all share. Gives the list that holds
// the result.
#define DEFINE_SORT(T, ORDER) \
    static T *T##_sort(T *list, T *other, int64_t length, int size) { \
        if (length <= 48) { \
            for (int64_t i = 1; i < length; i++) { \
                const T moving = list[i]; \
                int64_t j = i; \
                for (; j > 0 && ORDER(list[j - 1]) > ORDER(moving); j--) list[j] = list[j - 1]; \
                list[j] = moving; \
            } \
            return list; \
        } \
        uint32_t counts[8][256]; \
        memset(counts, 0, sizeof counts); \
        for (int64_t i = 0; i < length; i++) \
            for (int digit = 0; digit < size; digit++) counts[digit][ORDER(list[i]) >> 8 * digit & 0xFF]++; \
        for (int digit = 0; digit < size; digit++) { \
            uint32_t *count = counts[digit], sum = 0; \
            if (count[ORDER(list[0]) >> 8 * digit & 0xFF] == length) continue; \
            for (int value = 0; value < 256; value++) { \
                const uint32_t here = count[value]; \
                count[value] = sum; \
                sum += here; \
            } \
            for (int64_t i = 0; i < length; i++) other[count[ORDER(list[i]) >> 8 * digit & 0xFF]++] = list[i]; \
            T *const result = other; \
            other = list; \
            list = result; \
        } \
        return list; \
    }

DEFINE_SORT(pair, PAIR_ORDER)
DEFINE_SORT(word, WORD_ORDER)

int64_t losskit_sort_scratch(int size) { return 2 * (int64_t)(size <= 4 ? sizeof(word) : sizeof(pair)); }

void losskit_sort_row(const void *elements, int64_t length, int size, int kind, uint64_t infinity, int descending, void *scratch,
                      int32_t *places) {
    if (size <= 4) {
        word *list = scratch;
        for (int64_t i = 0; i < length; i++)
            list[i] = order_of(bits_at(elements, i, size), size, kind, infinity, descending) << 32 | (uint64_t)i;
        list = word_sort(list, list + length, length, size);
        for (int64_t i = 0; i < length; i++) places[i] = (int32_t)WORD_PLACE(list[i]);
    } else {
        pair *list = scratch;
        for (int64_t i = 0; i < length; i++) list[i] = (pair){order_of(bits_at(elements, i, size), size, kind, infinity, descending), i};
        list = pair_sort(list, list + length, length, size);
        for (int64_t i = 0; i < length; i++) places[i] = (int32_t)PAIR_PLACE(list[i]);
    }
}
