#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/memory.h"
#include "cli/signals.h"
#include "model/checkpoint.h"
#include "model/install.h"
#include "model/manifest.h"
#include "model/model.h"
#include "model/save.h"

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

/* Hands the folder and each file that can come into it to signals_remove_later or signals_keep,
 * which needs no memory itself: there may be none left when the folder is discarded. */
static void register_partial(const char *path, void (*hand)(const char *path))
{
    hand(path);
    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        char file[PATH_MAX];

        if (snprintf(file, sizeof file, "%s/%s", path, manifest_names[i]) < (int)sizeof file)
            hand(file);
    }
}

void partial_claim(const char *path)
{
    register_partial(path, signals_remove_later);
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
    partial_claim(path);
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

int model_save(const struct model_source *source, const char *folder, const json_t *run)
{
    struct manifest_entry weights = {.name = SAVE_WEIGHTS};
    char *partial = mem_format("%s/" MODEL_PARTIAL, folder);
    int status = -1;

    if (save_folder(folder) == 0 && partial_begin(partial) == 0) {
        status = save_model(source, partial, &weights);
        if (status == 0)
            status = manifest_write(partial, false, &weights, 1, run);
        if (status == 0)
            status = model_install(partial, folder);
        if (partial_discard(partial) != 0)
            status = -1;
    }
    free(partial);
    return status;
}
