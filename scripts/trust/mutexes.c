// Tells the thread sanitizer what Swift's Mutex does where it has to wait: that part lies in a library that is not instrumented, so that
// what a contended lock orders would look like a race. Preloaded by scripts/trust/sanitizers; the lock's first, uncontended try is instrumented.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *self

void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

SWIFT void lock_slow(uint32_t thread, SELF) __asm__("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
SWIFT void unlock_slow(SELF) __asm__("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
SWIFT bool try_lock_slow(SELF) __asm__("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");

static void *next(const char *name) { return dlsym(RTLD_NEXT, name); }

SWIFT void lock_slow(uint32_t thread, SELF) {
    static SWIFT void (*original)(uint32_t, SELF);
    if (!original) original = next("$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF");
    original(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

SWIFT void unlock_slow(SELF) {
    static SWIFT void (*original)(SELF);
    if (!original) original = next("$s15Synchronization12_MutexHandleV11_unlockSlowyyF");
    if (__tsan_release) __tsan_release(self);
    original(self);
}

SWIFT bool try_lock_slow(SELF) {
    static SWIFT bool (*original)(SELF);
    if (!original) original = next("$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF");
    bool done = original(self);
    if (done && __tsan_acquire) __tsan_acquire(self);
    return done;
}
