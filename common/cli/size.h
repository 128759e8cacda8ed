/* Sizes as people write them: "65536", "64K", "256M", "2G"; K is 1024. */
#ifndef CLI_SIZE_H
#define CLI_SIZE_H

#include <stddef.h>

/* 0, or -1 when the text is no size or too large for a size_t (no message). */
int parse_size(const char *text, size_t *size);

#endif
