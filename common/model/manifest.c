#include "model/manifest.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "cli/diag.h"
#include "cli/hash.h"
#include "cli/json_file.h"
#include "cli/mapping.h"
#include "cli/memory.h"
#include "cli/paths.h"
#include "cli/version.h"

#define FORMAT 1

/* In name order, as the digest takes them. */
const char *const manifest_names[] = {
    "added_tokens.json",
    MANIFEST_NAME,
    "config.json",
    "merges.txt",
    "model.safetensors",
    "optimizer.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "trainer_state.json",
    "vocab.json",
    "vocab.txt",
    NULL,
};

/* State of a training run, which is no part of the model. */
static bool is_state(const char *name)
{
    return strcmp(name, "optimizer.safetensors") == 0 || strcmp(name, "trainer_state.json") == 0;
}

static int hash_file(const char *path, uint64_t *size, uint64_t *xxh64)
{
    struct mapping *file = mapping_open(path, true);

    if (file == NULL)
        return -1;
    *size = file->size;
    *xxh64 = XXH64(file->data, file->size, 0);
    mapping_close(file);
    return 0;
}

/* {"size": ..., "xxh64": "..."} of one file of the folder; *entry stays NULL when there is none. */
static int describe(const char *folder, const char *name, const struct manifest_entry *known,
                    size_t known_count, json_t **entry)
{
    char *path = mem_format("%s/%s", folder, name);
    uint64_t size = 0, xxh64 = 0;
    bool found = false;
    char text[MANIFEST_DIGEST_SIZE];
    int status = 0;

    *entry = NULL;
    for (size_t i = 0; i < known_count; i++) {
        if (strcmp(known[i].name, name) == 0) {
            found = true;
            size = known[i].size;
            xxh64 = known[i].xxh64;
        }
    }
    if (!found && !path_missing(path)) {
        found = true;
        status = hash_file(path, &size, &xxh64);
    }
    if (found && status == 0) {
        snprintf(text, sizeof text, "%016" PRIx64, xxh64);
        *entry = json_pack("{s:I, s:s}", "size", (json_int_t)size, "xxh64", text);
    }
    free(path);
    return status;
}

static void hash_line(XXH64_state_t *state, const char *name, const json_t *entry)
{
    char *line = mem_format("%s %lld %s\n", name,
                            (long long)json_integer_value(json_object_get(entry, "size")),
                            json_string_value(json_object_get(entry, "xxh64")));

    XXH64_update(state, line, strlen(line));
    free(line);
}

/* Takes over the state. */
static void digest_finish(XXH64_state_t *state, char digest[MANIFEST_DIGEST_SIZE])
{
    snprintf(digest, MANIFEST_DIGEST_SIZE, "%016" PRIx64, XXH64_digest(state));
    XXH64_freeState(state);
}

/* The digest over files as describe() gives them. */
static void digest_files(const json_t *files, char digest[MANIFEST_DIGEST_SIZE])
{
    XXH64_state_t *state = hash_new();

    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        const json_t *entry = json_object_get(files, manifest_names[i]);

        if (entry != NULL && !is_state(manifest_names[i]))
            hash_line(state, manifest_names[i], entry);
    }
    digest_finish(state, digest);
}

static int is_of_model(const struct dirent *entry)
{
    const char *name = entry->d_name, *end = strstr(name, ".safetensors");

    if (strncmp(name, "model-", strlen("model-")) == 0 && end != NULL &&
        strcmp(end, ".safetensors") == 0)
        return 1; /* of several files that hold the weights */
    for (size_t i = 0; manifest_names[i] != NULL; i++)
        if (strcmp(name, manifest_names[i]) == 0)
            return !is_state(name) && strcmp(name, MANIFEST_NAME) != 0;
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int manifest_digest(const char *folder, char digest[MANIFEST_DIGEST_SIZE])
{
    struct dirent **found;
    int count = scandir(folder, &found, is_of_model, by_name), status = 0;
    XXH64_state_t *state = hash_new();

    if (count < 0)
        status = diag_errno(errno, "%s", folder);
    for (int i = 0; i < count; i++) {
        json_t *entry = NULL;

        if (status == 0)
            status = describe(folder, found[i]->d_name, NULL, 0, &entry);
        if (entry != NULL)
            hash_line(state, found[i]->d_name, entry);
        json_decref(entry);
        free(found[i]);
    }
    if (count >= 0)
        free(found);
    digest_finish(state, digest);
    return status;
}

int manifest_write(const char *folder, bool state, const struct manifest_entry *known,
                   size_t known_count, const json_t *run)
{
    json_t *files = json_object(), *json;
    char digest[MANIFEST_DIGEST_SIZE];
    char *path;
    int status;

    for (size_t i = 0; manifest_names[i] != NULL; i++) {
        json_t *entry;

        if (strcmp(manifest_names[i], MANIFEST_NAME) == 0 ||
            (!state && is_state(manifest_names[i])))
            continue;
        if (describe(folder, manifest_names[i], known, known_count, &entry) != 0) {
            json_decref(files);
            return -1;
        }
        if (entry != NULL)
            json_object_set_new(files, manifest_names[i], entry);
    }
    digest_files(files, digest);
    json = json_pack("{s:s, s:i, s:s, s:o}", "bertpipe", BERTPIPE_VERSION, "format", FORMAT,
                     "digest", digest, "files", files);
    json_object_set_new(json, "run", run != NULL ? json_deep_copy(run) : json_null());
    path = mem_format("%s/" MANIFEST_NAME, folder);
    status = json_file_write(path, json, JSON_SORT_KEYS | JSON_REAL_PRECISION(15));
    free(path);
    json_decref(json);
    return status;
}

/* Reads FOLDER/bertpipe.json; *json stays NULL when there is none. */
static int load(const char *folder, json_t **json)
{
    char *path = mem_format("%s/" MANIFEST_NAME, folder);
    int status = 0;

    *json = NULL;
    if (!path_missing(path)) {
        *json = json_file_read(path, 0);
        if (*json == NULL)
            status = -1;
        else if (json_integer_value(json_object_get(*json, "format")) != FORMAT ||
                 !json_is_object(json_object_get(*json, "files")) ||
                 !json_is_string(json_object_get(*json, "digest")))
            status = diag_error("%s: not a list of files of format %d", path, FORMAT);
    }
    if (status != 0) {
        json_decref(*json);
        *json = NULL;
    }
    free(path);
    return status;
}

static int verify_file(const char *folder, const char *name, const json_t *entry, bool hash)
{
    const char *recorded = json_string_value(json_object_get(entry, "xxh64"));
    json_int_t size = json_integer_value(json_object_get(entry, "size"));
    struct stat status;
    char *path;
    int result = 0;

    if (recorded == NULL || strchr(name, '/') != NULL)
        return diag_error("%s/" MANIFEST_NAME ": bad entry '%s'", folder, name);
    path = mem_format("%s/%s", folder, name);
    if (stat(path, &status) != 0) {
        result = diag_errno(errno, "%s: listed in " MANIFEST_NAME, path);
    } else if (status.st_size != size) {
        result = diag_error("%s: %lld bytes, but " MANIFEST_NAME
                            " says %lld: not whole, or changed: then delete " MANIFEST_NAME,
                            path, (long long)status.st_size, (long long)size);
    } else if (hash) {
        char text[MANIFEST_DIGEST_SIZE];
        uint64_t bytes, xxh64;

        result = hash_file(path, &bytes, &xxh64);
        if (result == 0) {
            snprintf(text, sizeof text, "%016" PRIx64, xxh64);
            if (strcmp(text, recorded) != 0)
                result = diag_error("%s: not the contents that " MANIFEST_NAME
                                    " lists: the file was changed or is damaged",
                                    path);
        }
    }
    free(path);
    return result;
}

/* Whether the digest is that of the list, so that nothing in the list was changed. */
static int verify_list(const char *folder, const json_t *json)
{
    const char *recorded = json_string_value(json_object_get(json, "digest"));
    char digest[MANIFEST_DIGEST_SIZE];

    digest_files(json_object_get(json, "files"), digest);
    if (strcmp(digest, recorded) == 0)
        return 0;
    return diag_error("%s/" MANIFEST_NAME ": its digest is not that of its list of files: it was "
                      "changed or is damaged",
                      folder);
}

int manifest_verify(const char *folder, char digest[MANIFEST_DIGEST_SIZE])
{
    json_t *json, *entry;
    const char *name;
    int status = 0;

    digest[0] = '\0';
    if (load(folder, &json) != 0)
        return -1;
    if (json == NULL)
        return 0;
    json_object_foreach(json_object_get(json, "files"), name, entry)
    {
        status = verify_file(folder, name, entry, !is_state(name));
        if (status != 0)
            break;
    }
    if (status == 0)
        status = verify_list(folder, json);
    if (status == 0)
        snprintf(digest, MANIFEST_DIGEST_SIZE, "%s",
                 json_string_value(json_object_get(json, "digest")));
    json_decref(json);
    return status;
}

int manifest_verify_file(const char *folder, const char *name)
{
    json_t *json;
    const json_t *entry;
    int status = 0;

    if (load(folder, &json) != 0)
        return -1;
    entry = json_object_get(json_object_get(json, "files"), name);
    if (entry != NULL)
        status = verify_file(folder, name, entry, true);
    json_decref(json);
    return status;
}
