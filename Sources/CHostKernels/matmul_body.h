// Rows of C are built from scaled rows of B, in panels of B that stay in cache.

#define MATMUL(name, T) \
    static void LK(name)(const T *a, const T *b, T *c, int64_t begin, int64_t end, int64_t n, int64_t k, int64_t a_row, int64_t a_column, \
                         int64_t b_row, int64_t b_column) { \
        enum { depth = 128, width = 512 }; \
        for (int64_t j0 = 0; j0 < n; j0 += width) for (int64_t p0 = 0; p0 < k; p0 += depth) { \
            int64_t j1 = j0 + width < n ? j0 + width : n, p1 = p0 + depth < k ? p0 + depth : k; \
            for (int64_t i = begin; i < end; i++) for (int64_t p = p0; p < p1; p++) { \
                T factor = a[i * a_row + p * a_column]; \
                const T *row = b + p * b_row; \
                T *out = c + i * n; \
                if (b_column == 1) for (int64_t j = j0; j < j1; j++) out[j] += factor * row[j]; \
                else for (int64_t j = j0; j < j1; j++) out[j] += factor * row[j * b_column]; \
            } \
        } \
    }

MATMUL(losskit_matmul_f32, float)
MATMUL(losskit_matmul_f64, double)

#undef MATMUL
