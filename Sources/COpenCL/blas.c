#include "losskit_blas.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static void *open_first(const char *const *names) {
    void *library = NULL;
    while (*names && !library) library = dlopen(*names++, RTLD_NOW | RTLD_LOCAL);
    return library;
}

static losskit_blas blas;
static const losskit_blas *loaded_blas;
static pthread_once_t blas_once = PTHREAD_ONCE_INIT;

// OpenBLAS chooses its kernels by the processor's model number, and takes older ones for a number it does not know (as virtual machines and new
// processors show): then it is loaded again with the kernels that the processor's features allow, up to four times as fast.
static void *reopened_for_this_machine(void *library, const char *const *names) {
#if defined(__x86_64__) && defined(__linux__)
    const char *(*core)(void) = (const char *(*)(void))dlsym(library, "openblas_get_corename");
    if (!core || getenv("OPENBLAS_CORETYPE")) return library;
    __builtin_cpu_init();
    int is_avx2 = !strcmp(core(), "Haswell") || !strcmp(core(), "Zen");
    if (strcmp(core(), "Prescott") && !is_avx2) return library;
    const char *better = __builtin_cpu_supports("avx512dq") ? "SkylakeX" : __builtin_cpu_supports("avx2") && !is_avx2 ? "Haswell" : NULL;
    if (!better) return library;
    dlclose(library);
    setenv("OPENBLAS_CORETYPE", better, 0);
    return open_first(names);
#else
    return library;
#endif
}

static void load_blas(void) {
    static const char *const names[] = {
#ifdef __APPLE__
        "/System/Library/Frameworks/Accelerate.framework/Accelerate",
#endif
        "libopenblas.so.0", "libopenblas.so", NULL};
    void *library = open_first(names);
    if (!library) return;
    library = reopened_for_this_machine(library, names);
    if (!library) return;
    *(void **)&blas.set_threads = dlsym(library, "openblas_set_num_threads");
    if (!(*(void **)&blas.sgemm = dlsym(library, "cblas_sgemm"))) return;
    if (!(*(void **)&blas.dgemm = dlsym(library, "cblas_dgemm"))) return;
#define X(name, arguments) \
    if (!(*(void **)&blas.name = dlsym(library, #name "_"))) return;
    LOSSKIT_LAPACK_ALL(X)
#undef X
    loaded_blas = &blas;
}

const losskit_blas *losskit_blas_load(void) {
    pthread_once(&blas_once, load_blas);
    return loaded_blas;
}

static losskit_clblast clblast;
static const losskit_clblast *loaded_clblast;
static pthread_once_t clblast_once = PTHREAD_ONCE_INIT;

static void load_clblast(void) {
    static const char *const names[] = {"libclblast.so.1", "libclblast.so", "libclblast.dylib", NULL};
    void *library = open_first(names);
    if (!library) return;
    if (!(*(void **)&clblast.sgemm = dlsym(library, "CLBlastSgemmWithTempBuffer"))) return;
    if (!(*(void **)&clblast.dgemm = dlsym(library, "CLBlastDgemmWithTempBuffer"))) return;
    if (!(*(void **)&clblast.sgemm_memory = dlsym(library, "CLBlastSGemmTempBufferSize"))) return;
    if (!(*(void **)&clblast.dgemm_memory = dlsym(library, "CLBlastDGemmTempBufferSize"))) return;
    if (!(*(void **)&clblast.sgemm_batched = dlsym(library, "CLBlastSgemmStridedBatched"))) return;
    if (!(*(void **)&clblast.dgemm_batched = dlsym(library, "CLBlastDgemmStridedBatched"))) return;
    loaded_clblast = &clblast;
}

const losskit_clblast *losskit_clblast_load(void) {
    pthread_once(&clblast_once, load_clblast);
    return loaded_clblast;
}
