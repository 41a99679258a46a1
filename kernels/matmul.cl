// Matrix product for devices without a BLAS: a TILE x TILE work-group computes a tile of C, staging tiles of A and B in local memory.

#if WIDE
typedef double real_t;
#else
typedef float real_t;
#endif

// C[i, j] = (C[i, j] +) sum over p of A[i, p] B[p, j]; operands by strides, C row-major; the batch is the third dimension.
__kernel void matmul(GLOBAL_IN(real_t, a), GLOBAL_IN(real_t, b), GLOBAL_OUT(real_t, c), const long m, const long n, const long k,
                     const long a_row, const long a_column, const long b_row, const long b_column, const long a_batch, const long b_batch,
                     const int accumulates) {
    AT_IN(real_t, a);
    AT_IN(real_t, b);
    AT_OUT(real_t, c);
    __local real_t tile_a[TILE][TILE + 1], tile_b[TILE][TILE + 1];
    const long j = get_global_id(0), i = get_global_id(1), batch = get_global_id(2);
    const int x = get_local_id(0), y = get_local_id(1);
    a += batch * a_batch;
    b += batch * b_batch;
    real_t sum = 0;
    for (long p = 0; p < k; p += TILE) {
        tile_a[y][x] = i < m && p + x < k ? a[i * a_row + (p + x) * a_column] : 0;
        tile_b[y][x] = j < n && p + y < k ? b[(p + y) * b_row + j * b_column] : 0;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int q = 0; q < TILE; q++) sum += tile_a[y][q] * tile_b[q][x];
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    if (i < m && j < n) c[(batch * m + i) * n + j] = accumulates ? c[(batch * m + i) * n + j] + sum : sum;
}
