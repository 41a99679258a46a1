#pragma once

#define CL_TARGET_OPENCL_VERSION 120
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#ifdef __APPLE__
#include <OpenCL/opencl.h>
#elif __has_include(<CL/cl.h>)
#include <CL/cl.h>
#else
#error "LossKit compiles against the OpenCL headers: run scripts/setup, or apt-get install opencl-headers"
#endif

#define LOSSKIT_OPENCL_FUNCTIONS(X) \
    X(clGetPlatformIDs) \
    X(clGetPlatformInfo) \
    X(clGetDeviceIDs) \
    X(clGetDeviceInfo) \
    X(clCreateContext) \
    X(clReleaseContext) \
    X(clCreateCommandQueue) \
    X(clReleaseCommandQueue) \
    X(clCreateBuffer) \
    X(clReleaseMemObject) \
    X(clCreateProgramWithSource) \
    X(clCreateProgramWithBinary) \
    X(clBuildProgram) \
    X(clGetProgramBuildInfo) \
    X(clGetProgramInfo) \
    X(clReleaseProgram) \
    X(clCreateKernel) \
    X(clReleaseKernel) \
    X(clSetKernelArg) \
    X(clGetKernelInfo) \
    X(clEnqueueNDRangeKernel) \
    X(clEnqueueReadBuffer) \
    X(clEnqueueWriteBuffer) \
    X(clEnqueueFillBuffer) \
    X(clEnqueueMapBuffer) \
    X(clEnqueueUnmapMemObject) \
    X(clEnqueueMarkerWithWaitList) \
    X(clEnqueueBarrierWithWaitList) \
    X(clWaitForEvents) \
    X(clSetEventCallback) \
    X(clReleaseEvent) \
    X(clFlush) \
    X(clFinish)

typedef struct losskit_opencl {
#define X(name) __typeof__(&name) _Nonnull name;
    LOSSKIT_OPENCL_FUNCTIONS(X)
#undef X
} losskit_opencl;

/// The OpenCL loader's functions, or NULL where there is no loader or it lacks one of them.
const losskit_opencl *_Nullable losskit_opencl_load(void);
