/* The structures of DLPack 1.0, by which array libraries pass tensors without copying them: https://dmlc.github.io/dlpack.
 * A program that includes dlpack.h itself does so before losskit.h. */
#ifndef LOSSKIT_DLPACK_H
#define LOSSKIT_DLPACK_H

#if !defined(DLPACK_DLPACK_H_) && !defined(DLPACK_VERSION) && !defined(DLPACK_MAJOR_VERSION)

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint32_t major;
    uint32_t minor;
} DLPackVersion;

/* 1 is the host's memory, 3 the host's memory that CUDA has pinned. */
typedef struct {
    int32_t device_type;
    int32_t device_id;
} DLDevice;

/* Codes: 0 integer, 1 unsigned integer, 2 floating point, 4 bfloat, 6 bool. */
typedef struct {
    uint8_t code;
    uint8_t bits;
    uint16_t lanes;
} DLDataType;

typedef struct {
    void *data;
    DLDevice device;
    int32_t ndim;
    DLDataType dtype;
    int64_t *shape;
    /* In elements; NULL for row-major order without gaps. */
    int64_t *strides;
    uint64_t byte_offset;
} DLTensor;

typedef struct DLManagedTensor {
    DLTensor dl_tensor;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensor *self);
} DLManagedTensor;

/* Bit 0 of the flags: the memory must not be written. */
typedef struct DLManagedTensorVersioned {
    DLPackVersion version;
    void *manager_ctx;
    void (*deleter)(struct DLManagedTensorVersioned *self);
    uint64_t flags;
    DLTensor dl_tensor;
} DLManagedTensorVersioned;

#ifdef __cplusplus
}
#endif
#endif
#endif
