#include "hub/files.h"

#include <string.h>
#include <unistd.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/paths.h"

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

static int is_there(const char *folder, const char *name)
{
    char *path = mem_format("%s/%s", folder, name);
    int there = path_there(path, R_OK);
    free(path);
    return there;
}

/* As hub_missing_file, of one file. */
static int lacks(const char *folder, const char *name, char **missing)
{
    int there = is_there(folder, name);
    if (there == 0)
        *missing = mem_strdup(name);
    return there < 0 ? -1 : !there;
}

static int lacks_shard(const char *folder, char **missing)
{
    char *path = mem_format("%s/%s", folder, HUB_WEIGHTS_INDEX);
    json_t *shards = hub_shards(path), *shard;
    int result = shards != NULL ? 0 : -1;
    size_t i;
    free(path);
    json_array_foreach(shards, i, shard) if (result == 0) result =
        lacks(folder, json_string_value(shard), missing);
    json_decref(shards);
    return result;
}

int hub_missing_file(const char *folder, char **missing)
{
    int result = lacks(folder, HUB_CONFIG, missing), whole, index;
    if (result != 0)
        return result;
    whole = is_there(folder, HUB_WEIGHTS);
    index = whole == 0 ? is_there(folder, HUB_WEIGHTS_INDEX) : 0;
    if (whole < 0 || index < 0)
        return -1;
    if (whole)
        return 0;
    if (index)
        return lacks_shard(folder, missing);
    *missing = mem_strdup(HUB_WEIGHTS);
    return 1;
}
