#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "model/manifest.h"
#include "model/model.h"
#include "model/save.h"

int save_folder(const char *folder)
{
    struct stat status;

    if (mkdir(folder, 0777) == 0)
        return 0;
    if (errno != EEXIST)
        return diag_errno(errno, "%s: cannot make the folder", folder);
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return diag_error("%s: not a folder", folder);
    return 0;
}

int save_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = 0;

    if (fd < 0)
        return diag_errno(errno, "%s: cannot open", folder);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system that has no such thing */
        status = diag_errno(errno, "%s: cannot sync", folder);
    close(fd);
    return status;
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
    status = model_config_write(source->config, folder);
    if (status == 0)
        status = save_tensors(folder, items, table->count, source->metadata, source->get,
                              source->context, weights);
    free(items);
    return status;
}

int model_save(const struct model_source *source, const char *folder, const json_t *run)
{
    struct manifest_entry weights = {.name = "model.safetensors"};

    if (save_folder(folder) != 0 || save_model(source, folder, &weights) != 0 ||
        manifest_write(folder, false, &weights, 1, run) != 0)
        return -1;
    return save_sync(folder);
}
