// One round of Boruvka's algorithm on the implicit complete graph: for each point its first edge, in the total order, to another component.

#pragma OPENCL FP_CONTRACT OFF

__kernel void nearest_foreign(GLOBAL_IN(float, points), GLOBAL_IN(int, component), GLOBAL_OUT(float, length), GLOBAL_OUT(int, neighbour),
                              const long n, const long d) {
    AT_IN(float, points);
    AT_IN(int, component);
    AT_OUT(float, length);
    AT_OUT(int, neighbour);
    const long i = get_global_id(0);
    if (i >= n) return;
    const int own = component[i];
    float best = INFINITY;
    int nearest = -1;
    for (long j = 0; j < n; j++) {
        if (component[j] == own) continue;
        float sum = 0;
        for (long k = 0; k < d; k++) {
            const float u = points[i * d + k] - points[j * d + k];
            sum += u * u;
        }
        // Among edges of one length from i, the one with the smaller partner comes first in the order, whichever end i is.
        if (sum < best || nearest < 0) {
            best = sum;
            nearest = (int)j;
        }
    }
    length[i] = best;
    neighbour[i] = nearest;
}
