/*
 * Files mapped for reading.
 *
 * A page of a mapping that its file no longer has, or that the disk does not give, is a SIGBUS to
 * whoever touches it. Here it ends the program as other errors do: one line that names the file,
 * temporary files removed, exit status 1.
 */
#ifndef CLI_MAPPING_H
#define CLI_MAPPING_H

#include <stdbool.h>
#include <stddef.h>

struct mapping {
    void *data; /* NULL for an empty file */
    size_t size;
    char *path;
    struct mapping *next; /* private */
};

/* Maps a regular file; populate: reads all of it ahead. NULL after a message. */
struct mapping *mapping_open(const char *path, bool populate);
void mapping_close(struct mapping *mapping); /* may be NULL */

#endif
