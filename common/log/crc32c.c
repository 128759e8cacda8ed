#include "log/crc32c.h"

#define POLYNOMIAL 0x82f63b78u /* bit-reversed */
#define MASK_DELTA 0xa282ead8u

/* Bit by bit: event files hold a few hundred bytes a step at most. */
uint32_t crc32c(const void *data, size_t size)
{
    const unsigned char *bytes = data;
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (POLYNOMIAL & -(crc & 1));
    }
    return ~crc;
}

uint32_t crc32c_mask(uint32_t crc)
{
    return (crc >> 15 | crc << 17) + MASK_DELTA;
}
