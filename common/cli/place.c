#include "cli/place.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/memory.h"
#include "cli/options.h"

#define LINKS_MAX 40 /* as the kernel follows */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* N of /dev/fd/N and /proc/self/fd/N, whatever links lead to that folder; else -1. */
static int descriptor_of(const char *path)
{
    char here[PATH_MAX], own[PATH_MAX], *folder;
    uint64_t number;
    bool is_own;

    if (parse_unsigned(base_of(path), &number) != 0 || number > INT_MAX)
        return -1;
    folder = folder_of(path);
    is_own = realpath(folder, here) != NULL && realpath("/proc/self/fd", own) != NULL &&
             strcmp(here, own) == 0;
    free(folder);
    return is_own ? (int)number : -1;
}

/* What path names in the end: a rename must replace the file, never a symbolic link to it, which
 * may name a file that does not exist yet. Stops at a descriptor of this program, whose link tells
 * a name that the file may have lost. */
static char *follow_links(const char *path, int *descriptor)
{
    char *name = mem_strdup(path), target[PATH_MAX];

    for (int i = 0; (*descriptor = descriptor_of(name)) < 0 && i < LINKS_MAX; i++) {
        ssize_t size = readlink(name, target, sizeof target - 1);
        char *next;

        if (size < 0)
            break;
        target[size] = '\0';
        if (target[0] != '/')
            next = mem_format("%.*s%s", (int)(base_of(name) - name), name, target);
        else
            next = mem_strdup(target);
        free(name);
        name = next;
    }
    return name;
}

static int cannot_create(int error_number, const char *path)
{
    return diag_errno(error_number, "%s: cannot create", path[0] != '\0' ? path : "''");
}

static int find_descriptor(struct place *place)
{
    place->kind = PLACE_DESCRIPTOR;
    place->exists = fstat(place->descriptor, &place->file) == 0;
    if (place->exists)
        return 0;
    return diag_errno(errno, "%s: cannot open for writing",
                      place->path != NULL ? place->path : "standard output");
}

/* target: path, links followed. */
static int find_path(struct place *place, const char *path, const char *target)
{
    int error_number = stat(path, &place->file) != 0 ? errno : 0;
    char *folder;

    if (path[0] == '\0' || (error_number != 0 && error_number != ENOENT))
        return cannot_create(error_number, path);
    place->exists = error_number == 0;
    if (place->exists && !S_ISREG(place->file.st_mode)) {
        place->kind = PLACE_SPECIAL;
        place->path = mem_strdup(path);
        return 0;
    }
    place->kind = PLACE_FILE;
    folder = folder_of(target);
    error_number = stat(folder, &place->folder) != 0 ? errno : 0;
    free(folder);
    if (error_number != 0)
        return cannot_create(error_number, target);
    place->path = mem_strdup(target);
    return 0;
}

int place_find(struct place *place, const char *path)
{
    char *target;
    int status;

    *place = (struct place){.descriptor = STDOUT_FILENO};
    if (path == NULL || strcmp(path, "-") == 0)
        return find_descriptor(place);
    target = follow_links(path, &place->descriptor);
    if (place->descriptor >= 0) {
        place->path = mem_strdup(path);
        status = find_descriptor(place);
    } else {
        status = find_path(place, path, target);
    }
    free(target);
    if (status != 0)
        place_free(place);
    return status;
}

void place_free(struct place *place)
{
    free(place->path);
    *place = (struct place){.descriptor = -1};
}

static bool is_one(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Two names of one file are two places, for each gets a file of its own. */
static bool is_same(const struct place *a, const struct place *b)
{
    if (a->kind == PLACE_FILE && b->kind == PLACE_FILE)
        return is_one(&a->folder, &b->folder) && strcmp(base_of(a->path), base_of(b->path)) == 0;
    return a->exists && b->exists && is_one(&a->file, &b->file) && !S_ISCHR(a->file.st_mode);
}

int place_find_same(const char *const *paths, size_t count, size_t *first, size_t *second)
{
    struct place *places = mem_calloc(count, sizeof *places);
    int found = 0;

    for (size_t i = 0; i < count && found == 0; i++) {
        found = place_find(&places[i], paths[i]);
        for (size_t j = 0; j < i && found == 0; j++)
            if (is_same(&places[j], &places[i])) {
                *first = j;
                *second = i;
                found = 1;
            }
    }
    for (size_t i = 0; i < count; i++)
        place_free(&places[i]);
    free(places);
    return found;
}
