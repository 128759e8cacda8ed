/*
 * A nameless temporary file in $TMPDIR, or in /tmp: it takes room only as long as it is open, and
 * no signal can leave it behind.
 */
#ifndef CLI_TEMPORARY_H
#define CLI_TEMPORARY_H

#include <stddef.h>
#include <stdint.h>

struct temporary {
    int fd;
    char *folder;  /* for messages; owned */
    uint64_t size; /* bytes written so far */
};

/* All of these: 0, or -1 with a message that names the folder. */
int temporary_open(struct temporary *file);
int temporary_append(struct temporary *file, const void *data, size_t size);
/* Reads size bytes at offset, which must have been written. */
int temporary_read(const struct temporary *file, uint64_t offset, void *data, size_t size);
void temporary_close(struct temporary *file);

#endif
