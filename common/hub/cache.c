#include "hub/cache.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/paths.h"

char *hub_cache_folder(void)
{
    static const char *const names[] = {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return hub_expand_home(value);
    }
    char *home = hub_home();
    char *cache = home != NULL ? mem_format("%s/hub", home) : NULL;
    free(home);
    return cache;
}

char *hub_repository_name(const struct hub_model *model)
{
    const char *slash = strchr(model->id, '/');
    if (slash == NULL)
        return mem_format("models--%s", model->id);
    return mem_format("models--%.*s--%s", (int)(slash - model->id), model->id, slash + 1);
}

/* The first line of a small file, to be freed, or NULL. */
static char *read_commit(const char *path)
{
    char commit[HUB_COMMIT_HEX + 1] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return NULL;
    size_t size = fread(commit, 1, HUB_COMMIT_HEX, file);
    fclose(file);
    commit[size] = '\0';
    return hub_is_commit(commit) ? mem_strdup(commit) : NULL;
}

char *hub_cached_commit(const char *cache, const struct hub_model *model)
{
    if (hub_is_commit(model->revision))
        return mem_strdup(model->revision);
    char *repository = hub_repository_name(model);
    char *path = mem_format("%s/%s/refs/%s", cache, repository, model->revision);
    char *commit = read_commit(path);
    free(path);
    free(repository);
    return commit;
}

char *hub_cached_snapshot(const char *cache, const struct hub_model *model)
{
    char *commit = hub_cached_commit(cache, model);
    if (commit == NULL)
        return NULL;
    char *repository = hub_repository_name(model);
    char *folder = mem_format("%s/%s/snapshots/%s", cache, repository, commit);
    free(repository);
    free(commit);
    if (!path_missing(folder))
        return folder;
    free(folder);
    return NULL;
}

static char *locate_cached(const char *name, const struct hub_model *model)
{
    char *cache = hub_cache_folder();
    char *folder = cache != NULL ? hub_cached_snapshot(cache, model) : NULL;
    if (folder != NULL)
        diag_verbose("%s: %s", name, folder);
    else if (cache != NULL)
        diag_error("%s: neither a folder nor a model in %s: `bert-fetch %s` downloads it", name,
                   cache, name);
    free(cache);
    return folder;
}

char *hub_locate_model(const char *name)
{
    struct hub_model model;
    struct stat status;
    if (!path_missing(name)) {
        if (stat(name, &status) != 0)
            diag_errno(errno, "%s: cannot open", name);
        else if (S_ISDIR(status.st_mode))
            return mem_strdup(name);
        else
            diag_error("%s: a file, not a folder: `bert-fetch %s` unpacks an archive", name, name);
        return NULL;
    }
    if (!hub_model_parse(&model, name, NULL))
        return mem_strdup(name);
    char *folder = locate_cached(name, &model);
    hub_model_free(&model);
    return folder;
}
