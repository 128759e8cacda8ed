/* Whether bytes are UTF-8, and what to do when they are not. */
#ifndef CLI_UTF8_H
#define CLI_UTF8_H

#include <stddef.h>

#include "cli/buffer.h"

/* Bytes of data that are valid UTF-8 from its beginning: size when all are. Surrogates, overlong
 * forms and code points above U+10FFFF are invalid. */
size_t utf8_valid_prefix(const char *data, size_t size);

/*
 * Length of the ill-formed part at data, which must not begin with a valid character: the bytes
 * that one U+FFFD stands for (Unicode 15, section 3.9, "substitution of maximal subparts"; Python's
 * and the web's practice).
 */
size_t utf8_invalid_length(const char *data, size_t size);

/* Appends the bytes with U+FFFD for each ill-formed part. */
void utf8_append_repaired(struct buffer *out, const char *data, size_t size);

#endif
