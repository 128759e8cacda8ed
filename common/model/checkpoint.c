#include "model/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "model/manifest.h"
#include "model/save.h"

#define MOMENTS 2

static const char *const moment_prefixes[MOMENTS] = {CHECKPOINT_EXP_AVG, CHECKPOINT_EXP_AVG_SQ};

/* Getter over both moments: indices below the table's count are first moments, the others second.
 */
static const float *get_moment(void *context, size_t index)
{
    const struct checkpoint *checkpoint = context;
    size_t count = checkpoint->model.table->count;

    if (index < count)
        return checkpoint->exp_avg(checkpoint->optimizer, index);
    return checkpoint->exp_avg_sq(checkpoint->optimizer, index - count);
}

static int write_optimizer(const struct checkpoint *checkpoint, const char *folder,
                           struct manifest_entry *entry)
{
    const struct parameter_table *table = checkpoint->model.table;
    size_t count = MOMENTS * table->count;
    struct safetensors_item *items = mem_calloc(count, sizeof *items);
    char **names = mem_calloc(count, sizeof *names);
    char step[24];
    json_t *metadata;
    int status;

    for (size_t i = 0; i < count; i++) {
        const struct parameter *parameter = &table->items[i % table->count];

        names[i] = mem_format("%s%s", moment_prefixes[i / table->count], parameter->name);
        items[i].name = names[i];
        items[i].rank = parameter->rank;
        items[i].shape[0] = parameter->shape[0];
        items[i].shape[1] = parameter->shape[1];
        items[i].index = i;
    }
    snprintf(step, sizeof step, "%llu", (unsigned long long)checkpoint->step);
    metadata = json_pack("{s:s}", "step", step);
    status = save_tensors(folder, items, count, metadata, get_moment, (void *)checkpoint, entry);
    json_decref(metadata);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    free(items);
    return status;
}

static int write_state(const struct checkpoint *checkpoint, const char *folder)
{
    char *path = mem_format("%s/trainer_state.json", folder);
    int status =
        json_file_write(path, checkpoint->trainer_state, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));

    free(path);
    return status;
}

static int fill(const struct checkpoint *checkpoint, const char *folder)
{
    struct manifest_entry known[] = {{.name = "model.safetensors"},
                                     {.name = "optimizer.safetensors"}};
    size_t known_count = 1;

    if (save_model(&checkpoint->model, folder, &known[0]) != 0)
        return -1;
    if (checkpoint->exp_avg != NULL && checkpoint->exp_avg_sq != NULL) {
        if (write_optimizer(checkpoint, folder, &known[1]) != 0)
            return -1;
        known_count = 2;
    }
    if (checkpoint->trainer_state != NULL && write_state(checkpoint, folder) != 0)
        return -1;
    return manifest_write(folder, true, known, known_count, checkpoint->run);
}

static bool exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

/*
 * Puts the finished folder in place of one of the same name: the two are exchanged, so that there
 * is always a whole one, or (where the file system cannot) the old one is moved aside first. The
 * old one is removed when the disk has the new one's name.
 */
static int put_in_place(const char *partial, const char *final, const char *old)
{
    bool replaced = exists(final);

    if (replaced && renameat2(AT_FDCWD, partial, AT_FDCWD, final, RENAME_EXCHANGE) == 0)
        return folder_sync_parent(final) != 0 ? -1 : partial_discard(partial);
    if (replaced && rename(final, old) != 0)
        return diag_errno(errno, "%s: cannot replace", final);
    if (rename(partial, final) != 0) {
        int error_number = errno;

        if (replaced)
            (void)rename(old, final);
        return diag_errno(error_number, "%s: cannot rename the finished checkpoint into place",
                          final);
    }
    partial_keep(partial);
    if (folder_sync_parent(final) != 0)
        return -1;
    return replaced ? checkpoint_remove(old) : 0;
}

static int write_in(const struct checkpoint *checkpoint, const char *out, const char *partial,
                    const char *final, const char *old)
{
    /* what a killed run left behind */
    if (exists(old) && checkpoint_remove(old) != 0)
        return -1;
    if (save_folder(out) != 0 || partial_begin(partial) != 0)
        return -1;
    if (fill(checkpoint, partial) == 0 && put_in_place(partial, final, old) == 0)
        return 0;
    if (exists(partial))
        (void)partial_discard(partial);
    return -1;
}

int checkpoint_write(const struct checkpoint *checkpoint, const char *out)
{
    unsigned long long step = checkpoint->step;
    char *partial = mem_format("%s/.checkpoint-%llu.partial", out, step);
    char *final = mem_format("%s/checkpoint-%llu", out, step);
    char *old = mem_format("%s/.checkpoint-%llu.old", out, step);
    int status = write_in(checkpoint, out, partial, final, old);

    free(partial);
    free(final);
    free(old);
    return status;
}

/* Whether a file is one of a checkpoint's, or the temporary of one that was being written. */
static bool is_ours(const char *file)
{
    for (size_t i = 0; manifest_names[i] != NULL; i++)
        if (strcmp(file, manifest_names[i]) == 0 || output_is_temporary(file, manifest_names[i]))
            return true;
    return false;
}

/* Removes a checkpoint's files by name: that needs no descriptor and no memory, and there may be
 * none left. Whether the folder was empty then, and is gone. */
static bool remove_known(const char *folder)
{
    struct stat status;

    if (lstat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return false;
    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        char path[PATH_MAX];

        if (snprintf(path, sizeof path, "%s/%s", folder, manifest_names[i]) < (int)sizeof path)
            unlink(path);
    }
    return rmdir(folder) == 0;
}

int checkpoint_remove(const char *folder)
{
    const struct dirent *entry;
    DIR *directory;
    int status = 0, found = 0;

    if (remove_known(folder))
        return 0;
    directory = folder_open(folder);
    if (directory == NULL)
        return diag_errno(errno, "%s: cannot open", folder);
    while (status == 0 && (found = folder_next(directory, folder, &entry)) > 0) {
        if (is_ours(entry->d_name) && unlinkat(dirfd(directory), entry->d_name, 0) != 0)
            status = diag_errno(errno, "%s/%s: cannot remove", folder, entry->d_name);
    }
    closedir(directory);
    if (found < 0)
        status = -1;
    if (status != 0 || rmdir(folder) == 0)
        return status;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return diag_errno(errno, "%s: cannot remove", folder);
    diag_warn("%s: kept, as it holds files of another kind", folder);
    return 0;
}
