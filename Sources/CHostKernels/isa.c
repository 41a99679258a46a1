#include "losskit_isa.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static int level;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int machine_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq")) {
        return losskit_isa_avx512;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return losskit_isa_avx2;
#endif
    return losskit_isa_baseline;
}

static void find_level(void) {
    level = machine_level();
    const char *forced = getenv("LOSSKIT_CPU_ISA");
    if (!forced) return;
    static const char *const names[] = {"baseline", "avx2", "avx512"};
    for (int i = 0; i < level; i++) {
        if (!strcmp(forced, names[i]) || (forced[0] == '0' + i && !forced[1])) level = i;
    }
}

int losskit_isa_level(void) {
    pthread_once(&once, find_level);
    return level;
}
