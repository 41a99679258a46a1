// Prim's algorithm on the implicit complete graph. Squared lengths are summed coordinate by coordinate without fusing, so that every device
// gets the same bits; they order as integers, as none is negative.

static void LK(losskit_spanning_tree)(const float *points, int64_t n, int64_t d, float *lengths, int32_t *indices, int32_t *edges) {
#pragma clang fp contract(off)
    // The points outside the tree are kept together: `outside[0..<count]`, each with its nearest point inside and the distance to it.
    float *nearest_length = lengths, *fresh = lengths + n;
    int32_t *outside = indices, *nearest = indices + n;
    int32_t added = 0;
    int64_t count = n - 1;
    for (int64_t i = 0; i < count; i++) {
        outside[i] = (int32_t)(i + 1);
        nearest[i] = 0;
        nearest_length[i] = __builtin_inff();
    }
    for (int64_t found = 0; found < n - 1; found++) {
        for (int64_t i = 0; i < count; i++) fresh[i] = 0;
        for (int64_t k = 0; k < d; k++) {
            const float *coordinate = points + k * n;
            float a = coordinate[added];
            for (int64_t i = 0; i < count; i++) {
                float u = coordinate[outside[i]] - a;
                fresh[i] += u * u;
            }
        }
        int64_t best = 0;
        for (int64_t i = 0; i < count; i++) {
            // A tie goes to the edge that comes first in the total order.
            int32_t o = outside[i], c = nearest[i];
            int32_t low = o < added ? o : added, high = o < added ? added : o, old_low = o < c ? o : c, old_high = o < c ? c : o;
            int closer = fresh[i] < nearest_length[i] ||
                         (fresh[i] == nearest_length[i] && (low < old_low || (low == old_low && high < old_high)));
            nearest[i] = closer ? added : c;
            nearest_length[i] = closer ? fresh[i] : nearest_length[i];
        }
        for (int64_t i = 1; i < count; i++) {
            if (nearest_length[i] > nearest_length[best]) continue;
            if (nearest_length[i] == nearest_length[best]) {
                int32_t o = outside[i], c = nearest[i], p = outside[best], q = nearest[best];
                int32_t low = o < c ? o : c, high = o < c ? c : o, best_low = p < q ? p : q, best_high = p < q ? q : p;
                if (low > best_low || (low == best_low && high > best_high)) continue;
            }
            best = i;
        }
        int32_t o = outside[best], c = nearest[best];
        edges[2 * found] = o < c ? o : c;
        edges[2 * found + 1] = o < c ? c : o;
        added = o;
        count--;
        outside[best] = outside[count];
        nearest[best] = nearest[count];
        nearest_length[best] = nearest_length[count];
    }
}
