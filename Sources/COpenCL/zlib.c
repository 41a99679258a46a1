#include "losskit_zlib.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>

// zlib's stream, as its binary interface has been since 1.0: no header is needed to build.
typedef struct stream {
    const uint8_t *next_in;
    unsigned available_in;
    unsigned long total_in;
    uint8_t *next_out;
    unsigned available_out;
    unsigned long total_out;
    const char *message;
    void *state, *allocate, *release, *opaque;
    int data_type;
    unsigned long adler, reserved;
} stream;

enum { finish = 4, stream_end = 1, raw_window = -15 };

static int (*begin)(stream *, int, const char *, int);
static int (*advance)(stream *, int);
static int (*end)(stream *);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    static const char *const names[] = {"libz.so.1", "libz.so", "libz.dylib", "/usr/lib/libz.1.dylib"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!library) return;
    *(void **)&advance = dlsym(library, "inflate");
    *(void **)&end = dlsym(library, "inflateEnd");
    if (advance && end) *(void **)&begin = dlsym(library, "inflateInit2_");
}

int losskit_zlib_is_available(void) {
    pthread_once(&once, load);
    return begin != NULL;
}

int losskit_zlib_inflate(const uint8_t *packed, size_t packed_size, uint8_t *bytes, size_t size) {
    if (!losskit_zlib_is_available() || packed_size > UINT_MAX || size > UINT_MAX) return 0;
    stream s = {.next_in = packed, .available_in = (unsigned)packed_size, .next_out = bytes, .available_out = (unsigned)size};
    if (begin(&s, raw_window, "1", (int)sizeof s)) return 0;
    int status = advance(&s, finish);
    end(&s);
    return status == stream_end && s.available_out == 0;
}
