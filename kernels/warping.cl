// The recursions of dynamic time warping over a table of costs, hard (gamma 0) or soft. A group owns a table and goes through its
// anti-diagonals, whose cells do not depend on one another; its items take them in turn.

#if defined(LOSSKIT_CPU) || WARPING_GROUP == 1
#define MEET
#else
#define MEET barrier(CLK_GLOBAL_MEM_FENCE)
#endif

#define CELL(i, j) ((b * n + (i)) * m + (j))

// What the cell (i, j) may be entered from: diagonally, from above, from the left; infinity where there is nothing.
#define ENTRIES(i, j) \
    const float diagonal = (i) > 0 && (j) > 0 ? table[CELL((i) - 1, (j) - 1)] : INFINITY; \
    const float above = (i) > 0 ? table[CELL((i) - 1, j)] : INFINITY; \
    const float left = (j) > 0 ? table[CELL(i, (j) - 1)] : INFINITY; \
    const float least = nan_min(nan_min(diagonal, above), left);

// table[b, i, j]: the least (or softly least) sum of costs of a path from the first cell to (i, j).
__kernel void warping_forward(GLOBAL_IN(float, costs), GLOBAL_OUT(float, table), GLOBAL_OUT(float, distances), const float gamma,
                              const long batch, const long n, const long m) {
    AT_IN(float, costs);
    AT_OUT(float, table);
    AT_OUT(float, distances);
    const long b = get_group_id(0), step = get_local_size(0), lane = get_local_id(0);
    if (b >= batch) return;
    for (long sum = 0; sum < n + m - 1; sum++) {
        const long begin = sum < m ? 0 : sum - m + 1, end = sum < n ? sum : n - 1;
        for (long i = begin + lane; i <= end; i += step) {
            const long j = sum - i;
            float entry = 0;
            if (sum > 0) {
                ENTRIES(i, j)
                entry = least;
                if (gamma > 0) {
                    entry -= gamma * log(exp((least - diagonal) / gamma) + exp((least - above) / gamma) + exp((least - left) / gamma));
                }
            }
            table[CELL(i, j)] = costs[CELL(i, j)] + entry;
        }
        MEET;
    }
    if (lane == 0) distances[b] = table[CELL(n - 1, m - 1)];
}

// The share of (i, j)'s entry that comes from a neighbour of the value `from`, at the place 0 (diagonal), 1 (above) or 2 (left); of a
// hard table all of it from the first least one.
inline float entry_share(__global const float *restrict table, const long b, const long n, const long m, const long i, const long j,
                         const int place, const float gamma) {
    ENTRIES(i, j)
    const float from = place == 0 ? diagonal : place == 1 ? above : left;
    if (gamma > 0) {
        return exp((least - from) / gamma) / (exp((least - diagonal) / gamma) + exp((least - above) / gamma) + exp((least - left) / gamma));
    }
    return place == (diagonal == least ? 0 : above == least ? 1 : 2) ? 1.0f : 0.0f;
}

// visits[b, i, j]: how much of all paths' weight goes through (i, j), which is the distance's derivative with respect to its cost.
__kernel void warping_backward(GLOBAL_IN(float, table), GLOBAL_OUT(float, visits), const float gamma, const long batch, const long n,
                               const long m) {
    AT_IN(float, table);
    AT_OUT(float, visits);
    const long b = get_group_id(0), step = get_local_size(0), lane = get_local_id(0);
    if (b >= batch) return;
    for (long sum = n + m - 2; sum >= 0; sum--) {
        const long begin = sum < m ? 0 : sum - m + 1, end = sum < n ? sum : n - 1;
        for (long i = begin + lane; i <= end; i += step) {
            const long j = sum - i;
            float visit = sum == n + m - 2 ? 1 : 0;
            if (i + 1 < n && j + 1 < m) visit += visits[CELL(i + 1, j + 1)] * entry_share(table, b, n, m, i + 1, j + 1, 0, gamma);
            if (i + 1 < n) visit += visits[CELL(i + 1, j)] * entry_share(table, b, n, m, i + 1, j, 1, gamma);
            if (j + 1 < m) visit += visits[CELL(i, j + 1)] * entry_share(table, b, n, m, i, j + 1, 2, gamma);
            visits[CELL(i, j)] = visit;
        }
        MEET;
    }
}
