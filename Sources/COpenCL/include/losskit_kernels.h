#pragma once

#include <stddef.h>

/// A file of kernels/ as it was when this package was compiled.
typedef struct losskit_kernel_file {
    const char *_Nonnull name;
    const unsigned char *_Nonnull text;
    size_t size;
} losskit_kernel_file;

/// The embedded files; `count` receives how many there are.
const losskit_kernel_file *_Nonnull losskit_kernel_files(size_t *_Nonnull count);
