/* Hashes of bytes as they pass by, in lower-case hexadecimal. */
#ifndef DATA_DIGEST_H
#define DATA_DIGEST_H

#include <stddef.h>

enum digest_kind {
    DIGEST_NONE, /* not known; cannot be computed */
    DIGEST_MD5,
    DIGEST_SHA256,
    DIGEST_GIT_BLOB, /* git's name of a file: SHA-1 of "blob SIZE\0" and its bytes; of files only */
};

#define MD5_HEX        33 /* 32 digits and a NUL */
#define DIGEST_HEX_MAX 65 /* of any kind, with a NUL */

/* "MD5", "SHA-256", "git hash". */
const char *digest_name(enum digest_kind kind);

struct digest;

/* DIGEST_MD5 or DIGEST_SHA256. */
struct digest *digest_new(enum digest_kind kind);
void digest_add(struct digest *digest, const void *data, size_t size);
/* Writes the digits and releases digest (may be NULL); hex NULL only releases. */
void digest_finish(struct digest *digest, char *hex);

/* The hash of a whole file; -1 with a message. */
int digest_file(const char *path, enum digest_kind kind, char hex[DIGEST_HEX_MAX]);

#endif
