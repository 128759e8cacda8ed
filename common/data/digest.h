/* MD5 of bytes as they pass by, in hexadecimal. */
#ifndef DATA_DIGEST_H
#define DATA_DIGEST_H

#include <stddef.h>

#define MD5_HEX 33 /* 32 digits and a NUL */

struct md5;

struct md5 *md5_new(void);
void md5_add(struct md5 *md5, const void *data, size_t size);
/* Writes the digits and releases md5; hex NULL only releases. */
void md5_finish(struct md5 *md5, char *hex);

/* The MD5 of a whole file; -1 with a message. */
int md5_file(const char *path, char hex[MD5_HEX]);

#endif
