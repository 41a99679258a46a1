// Products with a right operand that is packed into panels of up to three vector registers: as many multiplications at once as the
// registers hold sums. Included once for each instruction set.

#define PANEL_LANES (LK_VECTOR_BYTES / 4)
#define PANEL (3 * PANEL_LANES)
// Rows of the product at a time: with three vectors each they leave registers for the operands, of which there are 32, or 16 on older x86.
#if defined(__x86_64__)
#define HEIGHT (LK_VECTOR_BYTES / 64 * 4 + 4)
#else
#define HEIGHT 8
#endif

typedef float LK(panel_vector) __attribute__((vector_size(LK_VECTOR_BYTES), aligned(4), may_alias));

// What comes next from far memory while a product is computed: a line for every step.
typedef struct LK(panel_ahead) {
    const float *at;
    int64_t row, step;
} LK(panel_ahead);

// C (+)= A B for `height` rows and `width` vectors of C: A(i, k) = a[i a_row + k a_step], and B is packed.
lk_inline void LK(panel_rows)(const float *a, int64_t a_row, int64_t a_step, const float *b, int64_t count, float *c, int64_t c_row,
                              int adds, const float *ahead, int64_t ahead_step, int height, int width) {
    LK(panel_vector) sums[HEIGHT][3];
    for (int i = 0; i < height; i++) for (int j = 0; j < width; j++) sums[i][j] = (LK(panel_vector)){0};
    for (int64_t k = 0; k < count; k++) {
        LK(panel_vector) row[3];
        for (int j = 0; j < width; j++) row[j] = *(const LK(panel_vector) *)(b + (k * width + j) * PANEL_LANES);
        __builtin_prefetch(ahead + k * ahead_step, 0, 2);
        for (int i = 0; i < height; i++) {
            float factor = a[i * a_row + k * a_step];
            for (int j = 0; j < width; j++) sums[i][j] += factor * row[j];
        }
    }
    for (int i = 0; i < height; i++) for (int j = 0; j < width; j++) {
        LK(panel_vector) *to = (LK(panel_vector) *)(c + i * c_row + j * PANEL_LANES);
        *to = adds ? *to + sums[i][j] : sums[i][j];
    }
}

// The same for any number of rows and `width` columns, whole vectors.
static void LK(panel_product)(const float *a, int64_t a_row, int64_t a_step, const float *b, int64_t count, float *c, int64_t c_row,
                              int64_t height, int64_t width, int adds, LK(panel_ahead) ahead) {
#define ROWS(height, width) \
    LK(panel_rows)(a + i * a_row, a_row, a_step, b, count, c + i * c_row, c_row, adds, ahead.at + i * ahead.row, ahead.step, height, \
                   width)
#define ALL(width) \
    do { \
        int64_t i = 0; \
        for (; i + HEIGHT <= height; i += HEIGHT) ROWS(HEIGHT, width); \
        for (; i < height; i++) ROWS(1, width); \
    } while (0)
    if (width == PANEL) ALL(3);
    else if (width == 2 * PANEL_LANES) ALL(2);
    else ALL(1);
#undef ALL
#undef ROWS
}
