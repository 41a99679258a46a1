// Boruvka's algorithm on a graph whose edges [count, 2] are in order, so that their places are their order and the forest is unique.

__kernel void forest_begin(GLOBAL_OUT(int, component), GLOBAL_OUT(uint, best), const long n) {
    AT_OUT(int, component);
    AT_OUT(uint, best);
    const long i = get_global_id(0);
    if (i >= n) return;
    component[i] = (int)i;
    best[i] = UINT_MAX;
}

// The first edge that leaves each component.
__kernel void forest_best(GLOBAL_IN(int, edges), GLOBAL_IN(int, component), GLOBAL_OUT(uint, best), const long count) {
    AT_IN(int, edges);
    AT_IN(int, component);
    AT_OUT(uint, best);
    const long e = get_global_id(0);
    if (e >= count) return;
    const int a = component[edges[2 * e]], b = component[edges[2 * e + 1]];
    if (a == b) return;
    atomic_min(best + a, (uint)e);
    atomic_min(best + b, (uint)e);
}

// Each component joins another along that edge. Two that choose the same one take it once.
__kernel void forest_join(GLOBAL_IN(int, edges), GLOBAL_IN(int, component), GLOBAL_IN(uint, best), GLOBAL_OUT(int, parent), GLOBAL_OUT(uchar, taken),
                          const long n) {
    AT_IN(int, edges);
    AT_IN(int, component);
    AT_IN(uint, best);
    AT_OUT(int, parent);
    AT_OUT(uchar, taken);
    const long c = get_global_id(0);
    if (c >= n || component[c] != c) return;
    parent[c] = (int)c;
    const uint e = best[c];
    if (e == UINT_MAX) return;
    const int a = component[edges[2 * (long)e]], other = a == c ? component[edges[2 * (long)e + 1]] : a;
    if (best[other] == e && c < other) return;
    parent[c] = other;
    taken[e] = 1;
}

__kernel void forest_relabel(GLOBAL_IN(int, parent), GLOBAL_OUT(int, component), GLOBAL_OUT(uint, best), const long n) {
    AT_IN(int, parent);
    AT_OUT(int, component);
    AT_OUT(uint, best);
    const long i = get_global_id(0);
    if (i >= n) return;
    int c = component[i];
    while (parent[c] != c) c = parent[c];
    component[i] = c;
    best[i] = UINT_MAX;
}
