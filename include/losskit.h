/* LossKit for C and whatever speaks it: devices, tensors, and every registered loss with its gradients.
 *
 * Every call may come from any thread. One that fails returns a status other than LOSSKIT_OK, leaves what its pointers point to as it was, and
 * says in losskit_last_error(), for its thread, what was expected and what came; nothing ends the process. Texts are UTF-8.
 */
#ifndef LOSSKIT_H
#define LOSSKIT_H

#include <stddef.h>
#include <stdint.h>

#include "losskit_dlpack.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef int32_t losskit_status;
enum {
    LOSSKIT_OK = 0,
    /* The input does not fit: a name, a shape, an element type, a NULL. */
    LOSSKIT_BAD_INPUT = 2,
    /* A device failed or ran out of memory. */
    LOSSKIT_DEVICE_FAILURE = 3
};

typedef int32_t losskit_dtype;
enum {
    LOSSKIT_FLOAT32 = 0,
    LOSSKIT_FLOAT16 = 1,
    LOSSKIT_BFLOAT16 = 2,
    LOSSKIT_FLOAT64 = 3,
    LOSSKIT_INT32 = 4,
    LOSSKIT_INT64 = 5,
    LOSSKIT_UINT8 = 6,
    LOSSKIT_BOOL = 7
};

/* What the last call that failed on this thread met; empty where none has. Valid until the thread's next failure. */
const char *losskit_last_error(void);

/* -- Devices: wherever a call takes a device, it is a text such as "cpu", "opencl", "opencl:NAME" or "opencl:0:0"; NULL stands for the best GPU,
 *    else the CPU. */

size_t losskit_device_count(void);
/* The text that stands for a device, and what its driver calls it; NULL beyond the last one. */
const char *losskit_device_label(size_t index);
const char *losskit_device_name(size_t index);

/* -- Tensors: immutable values, freed by losskit_tensor_free(). */

typedef struct losskit_tensor losskit_tensor;

/* Copies data in row-major order. rank 0 is a scalar; the shape may then be NULL. */
losskit_status losskit_tensor_create(
    const void *data, losskit_dtype dtype, size_t rank, const int64_t *shape, const char *device, losskit_tensor **tensor);
/* NULL is allowed. */
void losskit_tensor_free(losskit_tensor *tensor);

losskit_status losskit_tensor_dtype(const losskit_tensor *tensor, losskit_dtype *dtype);
losskit_status losskit_tensor_rank(const losskit_tensor *tensor, size_t *rank);
/* Writes as many extents as the rank says; capacity is how many there is room for. */
losskit_status losskit_tensor_shape(const losskit_tensor *tensor, size_t capacity, int64_t *shape);
losskit_status losskit_tensor_byte_count(const losskit_tensor *tensor, size_t *count);
/* Waits for the device and copies the elements out in row-major order; count is the tensor's byte count. */
losskit_status losskit_tensor_copy(const losskit_tensor *tensor, void *data, size_t count);

/* -- DLPack: memory of the host, without a copy where the device is the CPU, else copied to or from the device. Memory of an OpenCL or another
 *    device that somebody hands over is refused. */

/* Takes the managed tensor over and calls its deleter when its memory is no longer read; where the call fails it stays the caller's. Nobody may
 * write to the memory in between. */
losskit_status losskit_tensor_from_dlpack(DLManagedTensor *managed, const char *device, losskit_tensor **tensor);
losskit_status losskit_tensor_from_dlpack_versioned(DLManagedTensorVersioned *managed, const char *device, losskit_tensor **tensor);
/* Gives a managed tensor, whose deleter its consumer calls. Its memory is the tensor's own where that is on the CPU, and must not be
 * written; else a copy on the host. */
losskit_status losskit_tensor_to_dlpack(const losskit_tensor *tensor, DLManagedTensor **managed);
losskit_status losskit_tensor_to_dlpack_versioned(const losskit_tensor *tensor, DLManagedTensorVersioned **managed);

/* -- Losses, by their names in the registry; `losskit losses --json` describes each. */

size_t losskit_loss_count(void);
/* NULL beyond the last one. */
const char *losskit_loss_name(size_t index);

/* A loss of count inputs, each with its name. Options are a JSON object such as {"labelSmoothing": 0.1, "reduction": "none"}, or
 * "labelSmoothing=0.1; reduction=none", or NULL. */
losskit_status losskit_evaluate(
    const char *loss, size_t count, const char *const *names, const losskit_tensor *const *inputs, const char *options,
    losskit_tensor **value);

/* The same with gradients, one for each name asked for, of the sum of the value's elements times those of the cotangent, or of their plain sum
 * where that is NULL. */
losskit_status losskit_differentiate(
    const char *loss, size_t count, const char *const *names, const losskit_tensor *const *inputs, const char *options,
    const losskit_tensor *cotangent, size_t gradient_count, const char *const *gradient_names, losskit_tensor **value,
    losskit_tensor **gradients);

#ifdef __cplusplus
}
#endif
#endif
