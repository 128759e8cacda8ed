/*
 * Downloading a file over HTTP or HTTPS into a cache, once.
 *
 * Bytes collect in a part, which survives an interrupted run and is continued by the next one (HTTP
 * ranges). Only a whole file with the right hash is renamed to PATH. Two processes that want the
 * same file take turns.
 */
#ifndef DATA_DOWNLOAD_H
#define DATA_DOWNLOAD_H

#include <stdint.h>

#include "data/digest.h"

struct download {
    const char *url;
    const char *path;      /* its folders are made */
    const char *part;      /* where bytes collect, in the same file system; NULL: PATH.part */
    const char *lock;      /* a file to hold an flock on meanwhile; NULL: the part itself */
    const char *name;      /* of the file in messages; NULL: the URL, as http_shown */
    enum digest_kind kind; /* DIGEST_NONE: nothing to compare with, and no earlier part is used */
    const char *digest;    /* hexadecimal digits, either case */
    const char *token;     /* sent to the URL's origin only, or NULL */
    uint64_t size; /* bytes, or 0 when not known: for the progress line and against files of another
                      length */
    uint64_t most; /* bytes that the file may have; 0: any number */
};

/* Does nothing when path exists. Tries again after a broken connection; 0, or -1 with a message. */
int download_file(const struct download *download);

/* ${XDG_CACHE_HOME:-~/.cache}/bertpipe/NAME, to be freed; NULL with a message when there is no
 * home. */
char *download_cache_path(const char *name);

#endif
