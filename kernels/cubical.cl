// The components of the sublevel sets of images [height, width], and when they end: pixels appear in an order, and of the components that a pixel joins
// all but the oldest end there. A component goes by its first pixel. `order` are the pixels one after another, from behind where `isReversed`; `ranks`
// are the pixels' places in it. With an outside there is one more pixel, `count`, which was there before all others and touches those on the border.

// Hops that one item takes along a chain at a time.
#define CUBICAL_HOPS 16

// Runs BODY with `j` for what touches pixel i: across sides, and where `touchesCorners` across corners too.
#define EACH_NEIGHBOR(BODY) { \
    const long row = i / width, column = i % width; \
    for (long y = -1; y <= 1; y++) { \
        for (long x = -1; x <= 1; x++) { \
            const int isInside = row + y >= 0 && row + y < height && column + x >= 0 && column + x < width; \
            if ((x == 0 && y == 0) || !isInside || (!touchesCorners && x != 0 && y != 0)) continue; \
            const long j = i + y * width + x; \
            BODY \
        } \
    } \
    if (hasOutside && (row == 0 || row == height - 1 || column == 0 || column == width - 1)) { \
        const long j = height * width; \
        BODY \
    } \
}

__kernel void cubical_ranks(GLOBAL_IN(int, order), GLOBAL_OUT(int, ranks), GLOBAL_OUT(int, deaths), const int isReversed, const long count) {
    AT_IN(int, order);
    AT_OUT(int, ranks);
    AT_OUT(int, deaths);
    const long place = get_global_id(0);
    if (place > count) return;
    deaths[place] = -1;
    if (place == count) ranks[count] = -1;
    else ranks[order[place]] = (int)(isReversed ? count - 1 - place : place);
}

// Of what touches a pixel and itself the one that is there first.
__kernel void cubical_descend(GLOBAL_IN(int, ranks), GLOBAL_OUT(int, parent), GLOBAL_OUT(int, best), const int touchesCorners, const int hasOutside,
                              const long height, const long width) {
    AT_IN(int, ranks);
    AT_OUT(int, parent);
    AT_OUT(int, best);
    const long i = get_global_id(0), count = height * width;
    if (i > count) return;
    long first = i;
    if (i < count) EACH_NEIGHBOR(if (ranks[j] < ranks[first]) first = j;)
    parent[i] = (int)first;
    best[i] = INT_MAX;
}

__kernel void cubical_jump(GLOBAL_IN(int, parent), GLOBAL_OUT(int, result), const long count) {
    AT_IN(int, parent);
    AT_OUT(int, result);
    const long i = get_global_id(0);
    if (i > count) return;
    int c = parent[i];
    for (int hop = 1; hop < CUBICAL_HOPS && parent[c] != c; hop++) c = parent[c];
    result[i] = c;
}

// For each component the first pixel at which it meets another one. `hooks` says by round whether there was something to do.
__kernel void cubical_meet(GLOBAL_IN(int, ranks), GLOBAL_IN(int, component), GLOBAL_OUT(int, best), GLOBAL_IN(int, hooks), const int round,
                           const int touchesCorners, const int hasOutside, const long height, const long width) {
    AT_IN(int, ranks);
    AT_IN(int, component);
    AT_OUT(int, best);
    AT_IN(int, hooks);
    const long i = get_global_id(0);
    if (i >= height * width || (round > 0 && hooks[round - 1] == 0)) return;
    const int own = component[i], rank = ranks[i];
    int meets = 0;
    EACH_NEIGHBOR(
        if (ranks[j] < rank && component[j] != own) {
            atomic_min(best + component[j], rank);
            meets = 1;
        })
    if (meets) atomic_min(best + own, rank);
}

// A component ends where it first meets others if one of these is older; then it joins the oldest. All that meet there are whole up to that pixel: what
// leaves a component appears no earlier than where it ended or where what joined it did.
__kernel void cubical_hook(GLOBAL_IN(int, order), GLOBAL_IN(int, ranks), GLOBAL_IN(int, component), GLOBAL_IN(int, best), GLOBAL_OUT(int, parent),
                           GLOBAL_OUT(int, deaths), GLOBAL_OUT(int, hooks), const int round, const int isReversed, const int touchesCorners,
                           const int hasOutside, const long height, const long width) {
    AT_IN(int, order);
    AT_IN(int, ranks);
    AT_IN(int, component);
    AT_IN(int, best);
    AT_OUT(int, parent);
    AT_OUT(int, deaths);
    AT_OUT(int, hooks);
    const long c = get_global_id(0), count = height * width;
    if (c > count || (round > 0 && hooks[round - 1] == 0) || component[c] != c) return;
    parent[c] = (int)c;
    if (c == count || best[c] == INT_MAX) return;
    const int rank = best[c];
    const long i = order[isReversed ? count - 1 - rank : rank];
    int oldest = component[i];
    EACH_NEIGHBOR(if (ranks[j] < rank && ranks[component[j]] < ranks[oldest]) oldest = component[j];)
    if (oldest == c) return;
    parent[c] = oldest;
    deaths[c] = (int)i;
    atomic_xchg(hooks + round, 1);
}

__kernel void cubical_relabel(GLOBAL_IN(int, parent), GLOBAL_OUT(int, component), GLOBAL_OUT(int, best), GLOBAL_IN(int, hooks), const int round,
                              const long count) {
    AT_IN(int, parent);
    AT_OUT(int, component);
    AT_OUT(int, best);
    AT_IN(int, hooks);
    const long i = get_global_id(0);
    if (i > count || hooks[round] == 0) return;
    int c = component[i];
    while (parent[c] != c) c = parent[c];
    component[i] = c;
    best[i] = INT_MAX;
}

#define LIVES(i) (deaths[i] >= 0 && values[i] != values[deaths[i]])

// How many components of each piece of the image live for some time; and then where each piece's begin among all, with their number at the end.
__kernel void cubical_count(GLOBAL_IN(float, values), GLOBAL_IN(int, deaths), GLOBAL_OUT(int, starts), const long count, const long piece) {
    AT_IN(float, values);
    AT_IN(int, deaths);
    AT_OUT(int, starts);
    const long p = get_global_id(0), begin = p * piece, end = min(begin + piece, count);
    if (begin >= count) return;
    int found = 0;
    for (long i = begin; i < end; i++) found += LIVES(i);
    starts[p] = found;
}

__kernel void cubical_starts(GLOBAL_OUT(int, starts), const long pieces) {
    AT_OUT(int, starts);
    if (get_global_id(0) > 0) return;
    int sum = 0;
    for (long p = 0; p < pieces; p++) {
        const int found = starts[p];
        starts[p] = sum;
        sum += found;
    }
    starts[pieces] = sum;
}

// First pixels and last, the other way round where `isReversed`.
__kernel void cubical_pairs(GLOBAL_IN(float, values), GLOBAL_IN(int, deaths), GLOBAL_IN(int, starts), GLOBAL_OUT(int, pairs), const int isReversed,
                            const long count, const long piece) {
    AT_IN(float, values);
    AT_IN(int, deaths);
    AT_IN(int, starts);
    AT_OUT(int, pairs);
    const long p = get_global_id(0), begin = p * piece, end = min(begin + piece, count);
    if (begin >= count) return;
    long place = starts[p];
    for (long i = begin; i < end; i++) {
        if (!LIVES(i)) continue;
        pairs[2 * place] = isReversed ? deaths[i] : (int)i;
        pairs[2 * place + 1] = isReversed ? (int)i : deaths[i];
        place++;
    }
}
