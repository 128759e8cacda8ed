#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/paths.h"
#include "model/checkpoint.h"
#include "model/manifest.h"
#include "model/save.h"

#define PREFIX  "checkpoint-"
#define PARTIAL ".partial"
#define OLD     ".old"

static const char *const needed[] = {"model.safetensors", "optimizer.safetensors",
                                     "trainer_state.json", NULL};

int checkpoint_verify(const char *folder)
{
    char *path = mem_format("%s/" MANIFEST_NAME, folder), digest[MANIFEST_DIGEST_SIZE];
    json_t *json = json_file_read(path, 0);
    const json_t *files = json_object_get(json, "files");
    int status = json == NULL ? -1 : 0;

    for (size_t i = 0; status == 0 && needed[i] != NULL; i++) {
        if (json_object_get(files, needed[i]) == NULL)
            status = diag_error("%s: lists no %s: not a checkpoint to go on from", path, needed[i]);
    }
    if (status == 0)
        status = manifest_verify(folder, digest);
    for (size_t i = 1; status == 0 && needed[i] != NULL; i++)
        status = manifest_verify_file(folder, needed[i]);
    json_decref(json);
    free(path);
    return status;
}

/* "checkpoint-12" and no other spelling of the number. */
static int parse_name(const char *name, uint64_t *step)
{
    size_t length = strlen(PREFIX);

    if (strncmp(name, PREFIX, length) != 0 || (name[length] == '0' && name[length + 1] != '\0'))
        return -1;
    return parse_unsigned(name + length, step);
}

static int by_step(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

int64_t checkpoint_list(const char *out, uint64_t **steps)
{
    DIR *directory = opendir(out);
    const struct dirent *entry;
    size_t count = 0, capacity = 0;
    uint64_t step;
    int found;

    *steps = NULL;
    if (directory == NULL)
        return errno == ENOENT ? 0 : diag_errno(errno, "%s: cannot open", out);
    while ((found = folder_next(directory, out, &entry)) > 0) {
        if (parse_name(entry->d_name, &step) != 0)
            continue;
        mem_grow(steps, &capacity, count + 1, sizeof **steps);
        (*steps)[count++] = step;
    }
    closedir(directory);
    if (found < 0) {
        free(*steps);
        *steps = NULL;
        return -1;
    }
    if (count > 0)
        qsort(*steps, count, sizeof **steps, by_step);
    return (int64_t)count;
}

int checkpoint_discard(const char *out, uint64_t step)
{
    char *folder = mem_format("%s/" PREFIX "%" PRIu64, out, step);
    char *old = mem_format("%s/." PREFIX "%" PRIu64 PARTIAL, out, step);
    int status = 0;

    partial_claim(old);
    if (rename(folder, old) != 0) {
        status = diag_errno(errno, "%s: cannot remove", folder);
    } else if (folder_sync(out) == 0) { /* or a crash could leave its name and not its files */
        status = checkpoint_remove(old);
    } else {
        (void)rename(old, folder);
        status = -1;
    }
    partial_keep(old);
    free(folder);
    free(old);
    return status;
}

/* ".checkpoint-12.partial", ".checkpoint-12.old" or ".model.partial". */
static bool is_left_over(const char *name)
{
    const char *end = strrchr(name, '.');
    uint64_t step;
    char *middle;
    bool ours;

    if (strcmp(name, MODEL_PARTIAL) == 0)
        return true;
    if (name[0] != '.' || end == name || (strcmp(end, PARTIAL) != 0 && strcmp(end, OLD) != 0))
        return false;
    middle = mem_strndup(name + 1, (size_t)(end - name) - 1);
    ours = parse_name(middle, &step) == 0;
    free(middle);
    return ours;
}

/* One that was moved aside and never replaced goes back to its place. */
static int clean_one(const char *out, const char *name)
{
    const char *end = strrchr(name, '.');
    char *path = mem_format("%s/%s", out, name);
    char *final = mem_format("%s/%.*s", out, (int)(end - name - 1), name + 1);
    int result;

    if (strcmp(end, OLD) == 0 && path_missing(final))
        result = rename(path, final) == 0 ? 0 : diag_errno(errno, "%s: cannot restore", final);
    else
        result = checkpoint_remove(path);
    free(path);
    free(final);
    return result;
}

int checkpoint_clean(const char *out)
{
    DIR *directory = opendir(out);
    const struct dirent *entry;
    int status = 0, found = 0;

    if (directory == NULL)
        return diag_errno(errno, "%s: cannot open", out);
    while (status == 0 && (found = folder_next(directory, out, &entry)) > 0)
        if (is_left_over(entry->d_name))
            status = clean_one(out, entry->d_name);
    closedir(directory);
    return found < 0 ? -1 : status;
}
