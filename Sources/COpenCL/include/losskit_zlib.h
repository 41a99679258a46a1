#pragma once

#include <stddef.h>
#include <stdint.h>

/// Whether zlib was found.
int losskit_zlib_is_available(void);

/// Inflates raw deflated bytes into exactly `size` bytes; 0 where zlib is missing or the bytes are not that.
int losskit_zlib_inflate(const uint8_t *packed, size_t packed_size, uint8_t *bytes, size_t size);
