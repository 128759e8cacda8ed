/*
 * Downloading a file over HTTP or HTTPS into a cache, once.
 *
 * Bytes collect in PATH.part, which survives an interrupted run and is continued by the next one
 * (HTTP ranges). Only a whole file with the right MD5 is renamed to PATH. Two processes that want
 * the same file take turns.
 */
#ifndef DATA_DOWNLOAD_H
#define DATA_DOWNLOAD_H

#include <stdint.h>

struct download {
    const char *url;
    const char *path; /* its folders are made */
    const char *md5;  /* 32 hexadecimal digits, either case */
    uint64_t size; /* bytes, or 0 when not known: for the progress line and against files of another
                      length */
};

/* Does nothing when path exists. Tries again after a broken connection; 0, or -1 with a message. */
int download_file(const struct download *download);

/* ${XDG_CACHE_HOME:-~/.cache}/bertpipe/NAME, to be freed; NULL with a message when there is no
 * home. */
char *download_cache_path(const char *name);

#endif
