/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), which TensorBoard's event files carry. */
#ifndef LOG_CRC32C_H
#define LOG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of size bytes. */
uint32_t crc32c(const void *data, size_t size);
/* A checksum as TFRecord files store it: rotated and moved, so that it differs from that of the
 * data and its checksum together. */
uint32_t crc32c_mask(uint32_t crc);

#endif
