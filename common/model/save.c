#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/signals.h"
#include "model/checkpoint.h"
#include "model/manifest.h"
#include "model/model.h"
#include "model/save.h"

#define WEIGHTS       "model.safetensors"
#define WEIGHTS_INDEX WEIGHTS ".index.json" /* of weights in several files */

int save_folder(const char *folder)
{
    struct stat status;

    if (mkdir(folder, 0777) == 0) {
        signals_remove_later(folder); /* as long as it is empty */
        return folder_sync_parent(folder);
    }
    if (errno != EEXIST)
        return diag_errno(errno, "%s: cannot make the folder", folder);
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return diag_error("%s: not a folder", folder);
    return 0;
}

int save_tensors(const char *folder, struct safetensors_item *items, size_t count,
                 const json_t *metadata, safetensors_get *get, void *context,
                 struct manifest_entry *entry)
{
    char *path = mem_format("%s/%s", folder, entry->name);
    struct output output;
    int status = output_open(&output, path);

    free(path);
    if (status != 0)
        return -1;
    if (safetensors_write(&output, items, count, metadata, get, context, &entry->size,
                          &entry->xxh64) != 0) {
        output_abandon(&output);
        return -1;
    }
    return output_commit(&output);
}

int save_model(const struct model_source *source, const char *folder,
               struct manifest_entry *weights)
{
    const struct parameter_table *table = source->table;
    struct safetensors_item *items = mem_calloc(table->count, sizeof *items);
    int status;

    for (size_t i = 0; i < table->count; i++) {
        items[i].name = table->items[i].name;
        items[i].rank = table->items[i].rank;
        items[i].shape[0] = table->items[i].shape[0];
        items[i].shape[1] = table->items[i].shape[1];
        items[i].index = i;
    }
    status =
        source->write_tokenizer != NULL ? source->write_tokenizer(source->tokenizer, folder) : 0;
    if (status == 0)
        status = model_config_write(source->config, folder);
    if (status == 0)
        status = save_tensors(folder, items, table->count, source->metadata, source->get,
                              source->context, weights);
    free(items);
    return status;
}

/* ---- a folder under construction ---- */

/* Hands the folder and each file that can come into it to signals_remove_later or signals_keep. */
static void register_partial(const char *path, void (*hand)(const char *path))
{
    hand(path);
    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        char *file = mem_format("%s/%s", path, manifest_names[i]);

        hand(file);
        free(file);
    }
}

void partial_keep(const char *path)
{
    register_partial(path, signals_keep);
}

int partial_begin(const char *path)
{
    struct stat status;

    if (lstat(path, &status) == 0 && checkpoint_remove(path) != 0)
        return -1;
    register_partial(path, signals_remove_later);
    if (mkdir(path, 0777) == 0)
        return 0;
    diag_errno(errno, "%s: cannot make the folder", path);
    partial_keep(path);
    return -1;
}

/* Forgotten last, so that an exit in between removes the rest. */
int partial_discard(const char *path)
{
    int status = checkpoint_remove(path);

    partial_keep(path);
    return status;
}

/* ---- a model ---- */

/* 1 or 0, or -1 with a message when it cannot be told. */
static int is_in(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    int there = access(path, F_OK) == 0;

    if (!there && errno != ENOENT)
        there = diag_errno(errno, "%s", path);
    free(path);
    return there;
}

static int remove_from(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    int status = 0;

    if (unlink(path) != 0 && errno != ENOENT)
        status = diag_errno(errno, "%s: cannot remove", path);
    free(path);
    return status;
}

static int move(const char *partial, const char *folder, const char *name)
{
    char *from = mem_format("%s/%s", partial, name), *to = mem_format("%s/%s", folder, name);
    int status = 0;

    if (rename(from, to) != 0)
        status = diag_errno(errno, "%s: cannot rename the finished file into place", to);
    free(from);
    free(to);
    return status;
}

/* Removes the files that the folder's bertpipe.json lists and the new model does not have: they
 * would count as its own. */
static int remove_stale(const char *partial, const char *folder)
{
    char *path = mem_format("%s/" MANIFEST_NAME, folder);
    json_t *json, *entry;
    const char *name;
    int status = json_file_read_optional(path, 0, &json);

    free(path);
    json_object_foreach(json_object_get(json, "files"), name, entry)
    {
        int is_new, is_there;

        if (status != 0 || strchr(name, '/') != NULL)
            continue;
        is_new = is_in(partial, name);
        is_there = is_new == 0 ? is_in(folder, name) : 0;
        if (is_new < 0 || is_there < 0 || (is_there && remove_from(folder, name) != 0))
            status = -1;
        else if (is_there)
            diag_note("%s/%s: removed, as it was part of the model that is replaced", folder, name);
    }
    json_decref(json);
    return status;
}

static int remove_weights(const char *folder)
{
    int whole = is_in(folder, WEIGHTS), index = whole < 0 ? -1 : is_in(folder, WEIGHTS_INDEX);

    if (whole < 0 || index < 0)
        return -1;
    if (!whole && !index)
        return 0;
    if (remove_from(folder, WEIGHTS) != 0 || remove_from(folder, WEIGHTS_INDEX) != 0)
        return -1;
    return folder_sync(folder);
}

/*
 * Moves the finished files into the folder. A crash in between never leaves what would be taken for
 * a model: what is there loses its weights first, which come back last but for bertpipe.json; and
 * an old bertpipe.json lists what is no longer there.
 */
static int install(const char *partial, const char *folder)
{
    if (remove_stale(partial, folder) != 0 || remove_weights(folder) != 0)
        return -1;
    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        const char *name = manifest_names[i];
        int there;

        if (strcmp(name, WEIGHTS) == 0 || strcmp(name, MANIFEST_NAME) == 0)
            continue;
        there = is_in(partial, name);
        if (there < 0 || (there && move(partial, folder, name) != 0))
            return -1;
    }
    if (folder_sync(folder) != 0 || move(partial, folder, WEIGHTS) != 0 ||
        folder_sync(folder) != 0 || move(partial, folder, MANIFEST_NAME) != 0)
        return -1;
    return folder_sync(folder);
}

int model_save(const struct model_source *source, const char *folder, const json_t *run)
{
    struct manifest_entry weights = {.name = WEIGHTS};
    char *partial = mem_format("%s/" MODEL_PARTIAL, folder);
    int status = -1;

    if (save_folder(folder) == 0 && partial_begin(partial) == 0) {
        status = save_model(source, partial, &weights);
        if (status == 0)
            status = manifest_write(partial, false, &weights, 1, run);
        if (status == 0)
            status = install(partial, folder);
        if (partial_discard(partial) != 0)
            status = -1;
    }
    free(partial);
    return status;
}
