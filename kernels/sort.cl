// Stable orders of the rows of a [rows, length] array: runs of eight are sorted by one item each, then merged by twos. Items merge equal
// pieces of the result, whose inputs they find by bisection, so that no pass needs a barrier or local memory.

#if ELEMENT == 1
typedef uchar element_t;
typedef uint order_t;
#elif ELEMENT == 2
typedef ushort element_t;
typedef uint order_t;
#elif ELEMENT == 4
typedef uint element_t;
typedef uint order_t;
#else
typedef ulong element_t;
typedef ulong order_t;
#endif

#define RUN 8
#define SIGN ((order_t)1 << (8 * ELEMENT - 1))
#define LAST (SIGN | (SIGN - 1))

// Unsigned numbers in the elements' order: 0 for unsigned elements, 1 for signed, 2 for floating point, whose infinity is given; NaN comes
// last either way, and -0 equals 0.
inline order_t order_of(element_t element, int kind, ulong infinity, int descending) {
    order_t x = element;
    if (kind == 1) x ^= SIGN;
    if (kind == 2) {
        const order_t magnitude = x & ~SIGN;
        if (magnitude > infinity) return LAST;
        x = magnitude == 0 ? SIGN : x & SIGN ? ~x & LAST : x | SIGN;
    }
    return descending ? ~x & LAST : x;
}

// Sorts runs by exchanging neighbours, which keeps equal ones in order, and gives each element's position in its row.
__kernel void sort_runs(GLOBAL_IN(element_t, source), GLOBAL_OUT(order_t, keys), GLOBAL_OUT(int, places), const long rows,
                        const long length, const int kind, const long infinity, const int descending) {
    AT_IN(element_t, source);
    AT_OUT(order_t, keys);
    AT_OUT(int, places);
    const long runs = (length + RUN - 1) / RUN, item = get_global_id(0);
    if (item >= rows * runs) return;
    const long row = item / runs, start = item % runs * RUN;
    const int count = (int)min(length - start, (long)RUN);
    order_t key[RUN];
    int place[RUN];
    for (int i = 0; i < RUN; i++) {
        // What lies beyond the row stays there: nothing is greater than it.
        key[i] = i < count ? order_of(source[row * length + start + i], kind, (ulong)infinity, descending) : (order_t)-1;
        place[i] = (int)start + i;
    }
    for (int round = 0; round < RUN; round++) {
        for (int i = round % 2; i + 1 < RUN; i += 2) {
            const order_t low = key[i], high = key[i + 1];
            const int first = place[i], second = place[i + 1], swaps = low > high;
            key[i] = swaps ? high : low;
            key[i + 1] = swaps ? low : high;
            place[i] = swaps ? second : first;
            place[i + 1] = swaps ? first : second;
        }
    }
    for (int i = 0; i < count; i++) {
        keys[row * length + start + i] = key[i];
        places[row * length + start + i] = place[i];
    }
}

// Merges neighbouring runs of `width`; an item writes `chunk` elements, a divisor of two runs.
__kernel void merge_runs(GLOBAL_IN(order_t, keys), GLOBAL_IN(int, places), GLOBAL_OUT(order_t, merged_keys), GLOBAL_OUT(int, merged_places),
                         const long rows, const long length, const long width, const long chunk) {
    AT_IN(order_t, keys);
    AT_IN(int, places);
    AT_OUT(order_t, merged_keys);
    AT_OUT(int, merged_places);
    const long chunks = (length + chunk - 1) / chunk, item = get_global_id(0);
    if (item >= rows * chunks) return;
    const long row = item / chunks * length, start = item % chunks * chunk;
    const long base = start / (2 * width) * (2 * width), middle = min(base + width, length), end = min(base + 2 * width, length);
    const long stop = min(start + chunk, end), left = middle - base, right = end - middle, taken = start - base;
    __global const order_t *a = keys + row + base, *b = keys + row + middle;
    // How many of the elements before this piece come from the left run.
    long low = max(taken - right, 0L), high = min(taken, left);
    while (low < high) {
        const long mid = (low + high) / 2;
        if (a[mid] <= b[taken - 1 - mid]) low = mid + 1;
        else high = mid;
    }
    long i = low, j = taken - low;
    for (long k = start; k < stop; k++) {
        const int is_left = j >= right || (i < left && a[i] <= b[j]);
        const long from = row + (is_left ? base + i : middle + j);
        merged_keys[row + k] = keys[from];
        merged_places[row + k] = places[from];
        i += is_left;
        j += !is_left;
    }
}
