#pragma once

#include "losskit_opencl.h"

/// The places of the functions in their list.
enum {
#define X(name) losskit_at_##name,
    LOSSKIT_OPENCL_FUNCTIONS(X)
#undef X
    losskit_function_count
};

/// What a program holds of OpenCL.
enum { losskit_contexts, losskit_queues, losskit_buffers, losskit_programs, losskit_kernels, losskit_events, losskit_handle_kinds };

/// The loader's functions, each counted, and failing when told to; NULL where there is no loader.
const losskit_opencl *_Nullable losskit_faulty_load(void);

/// The name of the function at a place.
const char *_Nonnull losskit_function_name(int function);

/// Lets calls of a function (of any, if negative) fail with `code`: `times` of them, the `nth` first, counted from 1 and from now.
/// A release that fails has released all the same.
void losskit_fault_arm(int function, long nth, long times, cl_int code);

/// Ends failing; says how many calls have failed since the last arming.
long losskit_fault_disarm(void);

/// Whether only the calling thread's calls count and fail from now on.
void losskit_fault_watch(int only_this_thread);

/// How often a function was called.
long losskit_fault_calls(int function);

/// How many handles of a kind were created and not released.
long losskit_fault_live(int kind);
