#include "losskit_faults.h"

#include <pthread.h>
#include <stdatomic.h>

static losskit_opencl real, faulty;
static atomic_long calls[losskit_function_count], live[losskit_handle_kinds];
static atomic_int armed = losskit_function_count, code;
static atomic_long remaining, limit, struck;
static _Thread_local char self;
static char *_Atomic watched;

static const char *const names[] = {
#define X(name) #name,
    LOSSKIT_OPENCL_FUNCTIONS(X)
#undef X
};

const char *losskit_function_name(int function) { return names[function]; }
long losskit_fault_calls(int function) { return calls[function]; }
long losskit_fault_live(int kind) { return live[kind]; }
void losskit_fault_watch(int only_this_thread) { watched = only_this_thread ? &self : NULL; }

void losskit_fault_arm(int function, long nth, long times, cl_int status) {
    armed = losskit_function_count;
    code = status;
    remaining = nth;
    limit = times;
    struck = 0;
    armed = function;
}

long losskit_fault_disarm(void) {
    armed = losskit_function_count;
    return struck;
}

// What a call is to fail with, or 0.
static cl_int strike(int function) {
    if (watched && watched != &self) return 0;
    calls[function]++;
    if (armed >= 0 && armed != function) return 0;
    long place = remaining--;
    if (place > 1 || 1 - place >= limit) return 0;
    struck++;
    return code;
}

#define STRIKE(name) cl_int fault = strike(losskit_at_##name)

#define STATUS(name, parameters, arguments) \
    static cl_int CL_API_CALL faulty_##name parameters { \
        STRIKE(name); \
        return fault ? fault : real.name arguments; \
    }
#define RELEASE(name, type, kind) \
    static cl_int CL_API_CALL faulty_##name(type object) { \
        STRIKE(name); \
        cl_int done = real.name(object); \
        if (!done) live[kind]--; \
        return fault ? fault : done; \
    }
#define CREATE(name, type, kind, parameters, arguments) \
    static type CL_API_CALL faulty_##name parameters { \
        STRIKE(name); \
        if (fault) { \
            if (status) *status = fault; \
            return NULL; \
        } \
        type object = real.name arguments; \
        if (object) live[kind]++; \
        return object; \
    }
#define EVENT(name, parameters, arguments) \
    static cl_int CL_API_CALL faulty_##name parameters { \
        STRIKE(name); \
        if (fault) return fault; \
        cl_int done = real.name arguments; \
        if (!done && event) live[losskit_events]++; \
        return done; \
    }

STATUS(clGetPlatformIDs, (cl_uint count, cl_platform_id *platforms, cl_uint *found), (count, platforms, found))
STATUS(clGetPlatformInfo, (cl_platform_id platform, cl_platform_info name, size_t size, void *value, size_t *full),
       (platform, name, size, value, full))
STATUS(clGetDeviceIDs, (cl_platform_id platform, cl_device_type type, cl_uint count, cl_device_id *devices, cl_uint *found),
       (platform, type, count, devices, found))
STATUS(clGetDeviceInfo, (cl_device_id device, cl_device_info name, size_t size, void *value, size_t *full), (device, name, size, value, full))
CREATE(clCreateContext, cl_context, losskit_contexts,
       (const cl_context_properties *properties, cl_uint count, const cl_device_id *devices,
        void(CL_CALLBACK *notify)(const char *, const void *, size_t, void *), void *data, cl_int *status),
       (properties, count, devices, notify, data, status))
RELEASE(clReleaseContext, cl_context, losskit_contexts)
CREATE(clCreateCommandQueue, cl_command_queue, losskit_queues,
       (cl_context context, cl_device_id device, cl_command_queue_properties properties, cl_int *status), (context, device, properties, status))
RELEASE(clReleaseCommandQueue, cl_command_queue, losskit_queues)
CREATE(clCreateBuffer, cl_mem, losskit_buffers, (cl_context context, cl_mem_flags flags, size_t size, void *host, cl_int *status),
       (context, flags, size, host, status))
RELEASE(clReleaseMemObject, cl_mem, losskit_buffers)
CREATE(clCreateProgramWithSource, cl_program, losskit_programs,
       (cl_context context, cl_uint count, const char **texts, const size_t *lengths, cl_int *status),
       (context, count, texts, lengths, status))
CREATE(clCreateProgramWithBinary, cl_program, losskit_programs,
       (cl_context context, cl_uint count, const cl_device_id *devices, const size_t *lengths, const unsigned char **binaries,
        cl_int *binary_status, cl_int *status),
       (context, count, devices, lengths, binaries, binary_status, status))
STATUS(clBuildProgram,
       (cl_program program, cl_uint count, const cl_device_id *devices, const char *options, void(CL_CALLBACK *notify)(cl_program, void *),
        void *data),
       (program, count, devices, options, notify, data))
STATUS(clGetProgramBuildInfo,
       (cl_program program, cl_device_id device, cl_program_build_info name, size_t size, void *value, size_t *full),
       (program, device, name, size, value, full))
STATUS(clGetProgramInfo, (cl_program program, cl_program_info name, size_t size, void *value, size_t *full),
       (program, name, size, value, full))
RELEASE(clReleaseProgram, cl_program, losskit_programs)
CREATE(clCreateKernel, cl_kernel, losskit_kernels, (cl_program program, const char *name, cl_int *status), (program, name, status))
RELEASE(clReleaseKernel, cl_kernel, losskit_kernels)
STATUS(clSetKernelArg, (cl_kernel kernel, cl_uint index, size_t size, const void *value), (kernel, index, size, value))
STATUS(clGetKernelInfo, (cl_kernel kernel, cl_kernel_info name, size_t size, void *value, size_t *full), (kernel, name, size, value, full))
EVENT(clEnqueueNDRangeKernel,
      (cl_command_queue queue, cl_kernel kernel, cl_uint rank, const size_t *offset, const size_t *global, const size_t *local, cl_uint count,
       const cl_event *list, cl_event *event),
      (queue, kernel, rank, offset, global, local, count, list, event))
EVENT(clEnqueueReadBuffer,
      (cl_command_queue queue, cl_mem object, cl_bool blocks, size_t offset, size_t size, void *target, cl_uint count, const cl_event *list,
       cl_event *event),
      (queue, object, blocks, offset, size, target, count, list, event))
EVENT(clEnqueueWriteBuffer,
      (cl_command_queue queue, cl_mem object, cl_bool blocks, size_t offset, size_t size, const void *source, cl_uint count,
       const cl_event *list, cl_event *event),
      (queue, object, blocks, offset, size, source, count, list, event))
EVENT(clEnqueueFillBuffer,
      (cl_command_queue queue, cl_mem object, const void *pattern, size_t pattern_size, size_t offset, size_t size, cl_uint count,
       const cl_event *list, cl_event *event),
      (queue, object, pattern, pattern_size, offset, size, count, list, event))
EVENT(clEnqueueUnmapMemObject,
      (cl_command_queue queue, cl_mem object, void *pointer, cl_uint count, const cl_event *list, cl_event *event),
      (queue, object, pointer, count, list, event))
EVENT(clEnqueueMarkerWithWaitList, (cl_command_queue queue, cl_uint count, const cl_event *list, cl_event *event),
      (queue, count, list, event))
EVENT(clEnqueueBarrierWithWaitList, (cl_command_queue queue, cl_uint count, const cl_event *list, cl_event *event),
      (queue, count, list, event))
STATUS(clWaitForEvents, (cl_uint count, const cl_event *events), (count, events))
STATUS(clSetEventCallback, (cl_event event, cl_int type, void(CL_CALLBACK *notify)(cl_event, cl_int, void *), void *data),
       (event, type, notify, data))
RELEASE(clReleaseEvent, cl_event, losskit_events)
STATUS(clFlush, (cl_command_queue queue), (queue))
STATUS(clFinish, (cl_command_queue queue), (queue))

static void *CL_API_CALL faulty_clEnqueueMapBuffer(cl_command_queue queue, cl_mem object, cl_bool blocks, cl_map_flags flags, size_t offset,
                                                   size_t size, cl_uint count, const cl_event *list, cl_event *event, cl_int *status) {
    STRIKE(clEnqueueMapBuffer);
    if (!fault) return real.clEnqueueMapBuffer(queue, object, blocks, flags, offset, size, count, list, event, status);
    if (status) *status = fault;
    return NULL;
}

static const losskit_opencl *loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    const losskit_opencl *table = losskit_opencl_load();
    if (!table) return;
    real = *table;
#define X(name) faulty.name = faulty_##name;
    LOSSKIT_OPENCL_FUNCTIONS(X)
#undef X
    loaded = &faulty;
}

const losskit_opencl *losskit_faulty_load(void) {
    pthread_once(&once, load);
    return loaded;
}
