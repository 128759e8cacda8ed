/*
 * Where an output goes that a path names: a file that is made anew, or what is there and is written
 * to as it is.
 */
#ifndef CLI_PLACE_H
#define CLI_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum place_kind {
    PLACE_DESCRIPTOR, /* open already: standard output, or what /dev/stdout or /dev/fd/N names */
    PLACE_SPECIAL,    /* a device or a named pipe; or a folder, which cannot be opened */
    PLACE_FILE,       /* a file, or nothing yet */
};

struct place {
    enum place_kind kind;
    int descriptor;
    char *path;  /* of a file, links followed; else as given, NULL: standard output; owned */
    bool exists; /* and file is what stat says of it */
    struct stat file;
    struct stat folder; /* of a file: the folder that it is in */
};

/* path NULL or "-": standard output. 0, or -1 with a message. */
int place_find(struct place *place, const char *path);
void place_free(struct place *place);

/* Whether two of the paths lead to one file, other than a character device: 1 with their numbers,
 * *first below *second; 0; or -1 with a message. */
int place_find_same(const char *const *paths, size_t count, size_t *first, size_t *second);

#endif
