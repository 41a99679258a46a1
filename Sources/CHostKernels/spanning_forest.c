#include "losskit_spanning_tree.h"
#include "union_find.h"

int64_t losskit_forest(int64_t n, int64_t count, const int32_t *edges, int32_t *parent, int64_t *places) {
    int64_t found = 0;
    for (int64_t v = 0; v < n; v++) parent[v] = (int32_t)v;
    for (int64_t e = 0; e < count && found < n - 1; e++) {
        const int32_t a = root_of(parent, edges[2 * e]), b = root_of(parent, edges[2 * e + 1]);
        if (a == b) continue;
        parent[a > b ? a : b] = a < b ? a : b;
        places[found++] = e;
    }
    return found;
}
