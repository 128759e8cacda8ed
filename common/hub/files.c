#include "hub/files.h"

#include <string.h>
#include <unistd.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"

const char *const hub_tokenizer_files[] = {"tokenizer.json",    "tokenizer_config.json",
                                           "vocab.txt",         "special_tokens_map.json",
                                           "added_tokens.json", NULL};

bool hub_is_weights(const char *name)
{
    const char *end = strrchr(name, '.');
    return end != NULL && strcmp(end, ".safetensors") == 0;
}

bool hub_is_model_file(const char *name)
{
    if (strchr(name, '/') != NULL || name[0] == '.')
        return false;
    for (size_t i = 0; hub_tokenizer_files[i] != NULL; i++)
        if (strcmp(name, hub_tokenizer_files[i]) == 0)
            return true;
    return strcmp(name, HUB_CONFIG) == 0 || strcmp(name, HUB_WEIGHTS_INDEX) == 0 ||
           hub_is_weights(name);
}

static int add_shard(json_t *seen, json_t *shards, const json_t *value, const char *index_path)
{
    const char *name = json_string_value(value);
    if (name == NULL || strlen(name) != json_string_length(value) || !hub_is_model_file(name))
        return diag_error("%s: 'weight_map' names what is no file beside it", index_path);
    if (json_object_get(seen, name) != NULL)
        return 0;
    json_object_set_new(seen, name, json_true());
    json_array_append_new(shards, json_string(name));
    return 0;
}

json_t *hub_shards(const char *index_path)
{
    json_t *index = json_file_read(index_path, 0);
    json_t *shards = json_array(), *seen = json_object(), *value;
    json_t *map = json_object_get(index, "weight_map");
    const char *key;
    int status = index != NULL ? 0 : -1;
    if (status == 0 && json_object_size(map) == 0)
        status = diag_error("%s: has no 'weight_map'", index_path);
    json_object_foreach(map, key, value) if (status == 0) status =
        add_shard(seen, shards, value, index_path);
    json_decref(index);
    json_decref(seen);
    if (status == 0)
        return shards;
    json_decref(shards);
    return NULL;
}

static bool is_there(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    bool there = access(path, R_OK) == 0;
    free(path);
    return there;
}

char *hub_missing_file(const char *folder)
{
    char *missing = NULL, *path;
    json_t *shards, *shard;
    size_t i;
    if (!is_there(folder, HUB_CONFIG))
        return mem_strdup(HUB_CONFIG);
    if (is_there(folder, HUB_WEIGHTS))
        return NULL;
    if (!is_there(folder, HUB_WEIGHTS_INDEX))
        return mem_strdup(HUB_WEIGHTS);
    path = mem_format("%s/%s", folder, HUB_WEIGHTS_INDEX);
    shards = hub_shards(path);
    free(path);
    if (shards == NULL)
        return mem_strdup(HUB_WEIGHTS_INDEX);
    json_array_foreach(shards, i,
                       shard) if (missing == NULL && !is_there(folder, json_string_value(shard)))
        missing = mem_strdup(json_string_value(shard));
    json_decref(shards);
    return missing;
}
