#pragma once

#include <stddef.h>
#include <stdint.h>

enum { losskit_row_major = 101, losskit_no_transpose = 111, losskit_transpose = 112 };

typedef void (*losskit_sgemm)(int order, int transA, int transB, int m, int n, int k, float alpha, const float *_Nullable a, int lda,
                              const float *_Nullable b, int ldb, float beta, float *_Nullable c, int ldc);
typedef void (*losskit_dgemm)(int order, int transA, int transB, int m, int n, int k, double alpha, const double *_Nullable a, int lda,
                              const double *_Nullable b, int ldb, double beta, double *_Nullable c, int ldc);

// LAPACK's Fortran entry points: every argument by reference, column-major.
#define LOSSKIT_LAPACK_FUNCTIONS(X, T, P) \
    X(P##potrf, (const char *uplo, const int *n, T *a, const int *lda, int *info)) \
    X(P##potrs, (const char *uplo, const int *n, const int *nrhs, const T *a, const int *lda, T *b, const int *ldb, int *info)) \
    X(P##getrs, (const char *trans, const int *n, const int *nrhs, const T *a, const int *lda, const int *ipiv, T *b, const int *ldb, \
                 int *info)) \
    X(P##getri, (const int *n, T *a, const int *lda, const int *ipiv, T *work, const int *lwork, int *info)) \
    X(P##trtrs, (const char *uplo, const char *trans, const char *diag, const int *n, const int *nrhs, const T *a, const int *lda, T *b, \
                 const int *ldb, int *info)) \
    X(P##gesv, (const int *n, const int *nrhs, T *a, const int *lda, int *ipiv, T *b, const int *ldb, int *info)) \
    X(P##getrf, (const int *m, const int *n, T *a, const int *lda, int *ipiv, int *info)) \
    X(P##geqrf, (const int *m, const int *n, T *a, const int *lda, T *tau, T *work, const int *lwork, int *info)) \
    X(P##orgqr, (const int *m, const int *n, const int *k, T *a, const int *lda, const T *tau, T *work, const int *lwork, int *info)) \
    X(P##gesdd, (const char *jobz, const int *m, const int *n, T *a, const int *lda, T *s, T *u, const int *ldu, T *vt, const int *ldvt, \
                 T *work, const int *lwork, int *iwork, int *info)) \
    X(P##syevd, (const char *jobz, const char *uplo, const int *n, T *a, const int *lda, T *w, T *work, const int *lwork, int *iwork, \
                 const int *liwork, int *info))

#define LOSSKIT_LAPACK_ALL(X) LOSSKIT_LAPACK_FUNCTIONS(X, float, s) LOSSKIT_LAPACK_FUNCTIONS(X, double, d)

typedef struct losskit_blas {
    losskit_sgemm _Nonnull sgemm;
    losskit_dgemm _Nonnull dgemm;
    void (*_Nullable set_threads)(int count);
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wnullability-completeness"
#define X(name, arguments) void(*_Nonnull name) arguments;
    LOSSKIT_LAPACK_ALL(X)
#undef X
#pragma clang diagnostic pop
} losskit_blas;

/// OpenBLAS (Accelerate on macOS), or NULL where it is not installed.
const losskit_blas *_Nullable losskit_blas_load(void);

#define LOSSKIT_CLBLAST_FUNCTIONS(T, P) \
    /* Multiplies with what P##gemm_memory says as temporary memory, which may be NULL where that is nothing. */ \
    int (*_Nonnull P##gemm)(int layout, int transA, int transB, size_t m, size_t n, size_t k, T alpha, void *_Nonnull a, size_t a_offset, \
                            size_t lda, void *_Nonnull b, size_t b_offset, size_t ldb, T beta, void *_Nonnull c, size_t c_offset, \
                            size_t ldc, void *_Nonnull *_Nonnull queue, void *_Nullable *_Nullable event, void *_Nullable memory); \
    int (*_Nonnull P##gemm_memory)(int layout, int transA, int transB, size_t m, size_t n, size_t k, size_t a_offset, size_t lda, \
                                   size_t b_offset, size_t ldb, size_t c_offset, size_t ldc, void *_Nonnull *_Nonnull queue, \
                                   size_t *_Nonnull size); \
    int (*_Nonnull P##gemm_batched)(int layout, int transA, int transB, size_t m, size_t n, size_t k, T alpha, void *_Nonnull a, \
                                    size_t a_offset, size_t lda, size_t a_stride, void *_Nonnull b, size_t b_offset, size_t ldb, \
                                    size_t b_stride, T beta, void *_Nonnull c, size_t c_offset, size_t ldc, size_t c_stride, size_t count, \
                                    void *_Nonnull *_Nonnull queue, void *_Nullable *_Nullable event);

typedef struct losskit_clblast {
    LOSSKIT_CLBLAST_FUNCTIONS(float, s)
    LOSSKIT_CLBLAST_FUNCTIONS(double, d)
} losskit_clblast;

/// CLBlast, or NULL where it is not installed.
const losskit_clblast *_Nullable losskit_clblast_load(void);
