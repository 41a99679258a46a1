#include "losskit_opencl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

static const char *const libraries[] = {
#ifdef __APPLE__
    "/System/Library/Frameworks/OpenCL.framework/OpenCL",
#else
    "libOpenCL.so.1",
    "libOpenCL.so",
    "/vendor/lib64/libOpenCL.so",
    "/system/vendor/lib64/libOpenCL.so",
#endif
};

static losskit_opencl table;
static const losskit_opencl *loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = NULL;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries && !library; i++) {
        library = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);
    }
    if (!library) return;
#define X(name) \
    if (!(table.name = (__typeof__(&name))dlsym(library, #name))) return;
    LOSSKIT_OPENCL_FUNCTIONS(X)
#undef X
    loaded = &table;
}

const losskit_opencl *losskit_opencl_load(void) {
    pthread_once(&once, load);
    return loaded;
}
