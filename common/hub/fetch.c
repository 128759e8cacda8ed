#include "hub/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <curl/curl.h>
#include <jansson.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/paths.h"
#include "data/download.h"
#include "data/file_lock.h"
#include "data/http.h"
#include "hub/answers.h"
#include "hub/cache.h"
#include "hub/files.h"
#include "model/config.h"

#define LISTING_MOST ((size_t)32 << 20)   /* bytes of a repository's description */
#define TEXT_MOST    ((uint64_t)64 << 20) /* bytes of a file that is not weights */

/* As huggingface_hub writes it into the cache's folder. */
static const char cache_tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
                                "# This file is a cache directory tag created by huggingface_hub.\n"
                                "# For information about cache directory tags, see:\n"
                                "#\thttps://bford.info/cachedir/\n";

struct fetch {
    const struct hub_model *model;
    struct http *http;
    char *endpoint, *token;
    char *shown;                /* the endpoint in messages */
    char *cache, *repository;   /* CACHE, models--ORG--NAME */
    struct hub_listing listing; /* once the hub has answered, ... */
    char *snapshot;             /* ... as this */
    unsigned downloaded, found; /* files */
};

/* What the server says about one file. */
struct description {
    char etag[DIGEST_HEX_MAX];
    uint64_t size; /* 0: not told */
};

static int open_fetch(struct fetch *fetch)
{
    fetch->cache = hub_cache_folder();
    fetch->repository = hub_repository_name(fetch->model);
    if (fetch->cache == NULL)
        return -1;
    fetch->endpoint = hub_endpoint();
    if (fetch->endpoint == NULL || hub_token(&fetch->token) != 0)
        return -1;
    fetch->shown = http_shown(fetch->endpoint);
    fetch->http = http_open();
    return fetch->http != NULL ? 0 : -1;
}

static void close_fetch(struct fetch *fetch)
{
    http_close(fetch->http);
    free(fetch->endpoint);
    free(fetch->shown);
    if (fetch->token != NULL)
        explicit_bzero(fetch->token, strlen(fetch->token));
    free(fetch->token);
    free(fetch->cache);
    free(fetch->repository);
    hub_listing_free(&fetch->listing);
    free(fetch->snapshot);
}

/* One line for a status that will not change. Returns -1. */
static int report_refusal(struct fetch *fetch, const struct http_answer *answer)
{
    const char *id = fetch->model->id;
    const char *code = http_header(fetch->http, "X-Error-Code");
    const char *message = http_header(fetch->http, "X-Error-Message");
    const char *shown = fetch->shown;
    if (answer->status == 401 && fetch->token != NULL)
        diag_error("%s: %s does not accept the token (HTTP 401)", id, shown);
    else if (answer->status == 401)
        diag_error("%s: private or not on %s (HTTP 401): a private model needs HF_TOKEN", id,
                   shown);
    else if (answer->status == 403)
        diag_error("%s: access refused (HTTP 403%s%.200s): ask for it on %s/%s%s", id,
                   message != NULL ? ": " : "", message != NULL ? message : "", shown, id,
                   fetch->token != NULL ? "" : ", and set HF_TOKEN");
    else if (answer->status == 404 && code != NULL && strcmp(code, "RevisionNotFound") == 0)
        diag_error("%s: has no revision '%s' (HTTP 404)", id, fetch->model->revision);
    else if (answer->status == 404)
        diag_error("%s: not on %s (HTTP 404)", id, shown);
    else if (answer->retry_after > 0)
        diag_error("%s: %s: %s, and asks to wait for %ld s", id, shown, answer->reason,
                   answer->retry_after);
    else
        diag_error("%s: %s: %s", id, shown, answer->reason);
    return -1;
}

static char *escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = mem_strdup(escaped != NULL ? escaped : "");
    curl_free(escaped);
    return copy;
}

static int read_listing(struct fetch *fetch, const struct buffer *body)
{
    struct json_fault fault;
    if (hub_listing_read(&fetch->listing, body->data, body->size, &fault) != 0)
        return diag_error("%s: %s does not answer as a hub does: %s", fetch->model->id,
                          fetch->shown, fault.reason);
    fetch->snapshot =
        mem_format("%s/%s/snapshots/%s", fetch->cache, fetch->repository, fetch->listing.commit);
    return 0;
}

/* Asks which commit the revision is, and for its files. */
static int list_files(struct fetch *fetch, struct http_answer *answer)
{
    struct buffer body = {0};
    char *revision = escape(fetch->model->revision);
    char *url =
        mem_format("%s/api/models/%s/revision/%s", fetch->endpoint, fetch->model->id, revision);
    const struct http_request request = {.url = url, .token = fetch->token};
    http_ask(fetch->http, &request, fetch->model->id, &body, LISTING_MOST, answer);
    int status = answer->outcome == HTTP_DONE ? read_listing(fetch, &body) : -1;
    buffer_free(&body);
    free(revision);
    free(url);
    return status;
}

static bool has_file(const struct fetch *fetch, const char *name)
{
    return json_object_get(fetch->listing.files, name) != NULL;
}

static char *resolve_url(const struct fetch *fetch, const char *name)
{
    char *escaped = escape(name);
    char *url = mem_format("%s/%s/resolve/%s/%s", fetch->endpoint, fetch->model->id,
                           fetch->listing.commit, escaped);
    free(escaped);
    return url;
}

static int read_description(struct fetch *fetch, const struct http_answer *answer, const char *name,
                            struct description *file)
{
    const char *commit = http_header(fetch->http, "X-Repo-Commit");
    const char *id = fetch->model->id, *text;
    if (commit == NULL)
        return diag_error("%s: %s: %s does not answer as a hub does: no X-Repo-Commit", id, name,
                          fetch->shown);
    if (strcmp(commit, fetch->listing.commit) != 0)
        return diag_error("%s: %s: of commit %s, not %s", id, name, commit, fetch->listing.commit);
    text = http_header(fetch->http, "X-Linked-Etag");
    if (hub_etag_read(file->etag, text != NULL ? text : http_header(fetch->http, "ETag")) != 0)
        return diag_error("%s: %s: the hub gives no usable ETag", id, name);
    text = http_header(fetch->http, "X-Linked-Size");
    if (text == NULL && answer->status / 100 == 2)
        text = http_header(fetch->http, "Content-Length");
    file->size = 0;
    if (text != NULL && parse_unsigned(text, &file->size) != 0)
        return diag_error("%s: %s: the hub gives no usable size", id, name);
    return 0;
}

static int describe(struct fetch *fetch, const char *url, const char *name,
                    struct description *file)
{
    /* A large file's redirect to its storage carries what is asked for. */
    struct http_request request = {.url = url, .token = fetch->token, .head = true, .stay = true};
    struct http_answer answer;
    http_ask(fetch->http, &request, fetch->model->id, NULL, 0, &answer);
    if (answer.outcome == HTTP_DONE && answer.status / 100 == 3 &&
        http_header(fetch->http, "X-Repo-Commit") == NULL) {
        request.stay = false; /* a mirror, which sends all else to the hub it mirrors */
        http_ask(fetch->http, &request, fetch->model->id, NULL, 0, &answer);
    }
    if (answer.outcome != HTTP_DONE)
        return report_refusal(fetch, &answer);
    return read_description(fetch, &answer, name, file);
}

static enum digest_kind kind_of(const char *etag)
{
    size_t length = strlen(etag);
    if (strspn(etag, "0123456789abcdef") != length)
        return DIGEST_NONE;
    return length == 64 ? DIGEST_SHA256 : length == 40 ? DIGEST_GIT_BLOB : DIGEST_NONE;
}

static int download_blob(struct fetch *fetch, const char *url, const char *name,
                         const struct description *file)
{
    char *blobs = mem_format("%s/%s/blobs", fetch->cache, fetch->repository);
    char *path = mem_format("%s/%s", blobs, file->etag);
    /* huggingface_hub's partial files have eight characters of their own here as well, but
     * another eight each time, for it does not continue them. */
    char *part = mem_format("%s.bertpipe.incomplete", path);
    char *lock = mem_format("%s/.locks/%s/%s.lock", fetch->cache, fetch->repository, file->etag);
    char *shown = mem_format("%s: %s", fetch->model->id, name);
    const struct download download = {
        .url = url,
        .path = path,
        .part = part,
        .lock = lock,
        .name = shown,
        .kind = kind_of(file->etag),
        .digest = file->etag,
        .token = fetch->token,
        .size = file->size,
        .most = hub_is_weights(name) ? 0 : TEXT_MOST,
    };
    int status = download_file(&download);
    free(blobs);
    free(path);
    free(part);
    free(lock);
    free(shown);
    return status;
}

/* snapshots/COMMIT/NAME → ../../blobs/ETAG, in place of whatever is there. */
static int link_blob(const struct fetch *fetch, const char *name, const struct description *file)
{
    char *path = mem_format("%s/%s", fetch->snapshot, name);
    char *target = mem_format("../../blobs/%s", file->etag);
    char *temporary = mem_format("%s.%ld.tmp", path, (long)getpid());
    int status = file_make_folders(path);
    if (status == 0 && symlink(target, temporary) != 0)
        status = diag_errno(errno, "%s: cannot make a symbolic link", temporary);
    if (status == 0 && rename(temporary, path) != 0) {
        status = diag_errno(errno, "%s", path);
        unlink(temporary);
    }
    free(path);
    free(target);
    free(temporary);
    return status;
}

static int fetch_file(struct fetch *fetch, const char *name)
{
    struct description file;
    char *path = mem_format("%s/%s", fetch->snapshot, name);
    int there = path_there(path, R_OK);
    free(path);
    if (there != 0) {
        fetch->found++;
        return there < 0 ? -1 : 0;
    }
    char *url = resolve_url(fetch, name);
    int status = describe(fetch, url, name, &file);
    if (status == 0)
        status = download_blob(fetch, url, name, &file);
    if (status == 0)
        status = link_blob(fetch, name, &file);
    free(url);
    fetch->downloaded++;
    return status;
}

/* config.json first: a model that cannot be used is told before its weights are downloaded. */
static int fetch_config(struct fetch *fetch)
{
    struct model_config config;
    if (!has_file(fetch, HUB_CONFIG))
        return diag_error("%s: has no %s, so it is no model", fetch->model->id, HUB_CONFIG);
    if (fetch_file(fetch, HUB_CONFIG) != 0 || model_config_load(&config, fetch->snapshot) != 0)
        return -1;
    model_config_free(&config);
    return 0;
}

static int fetch_tokenizer(struct fetch *fetch)
{
    int status = 0;
    for (size_t i = 0; hub_tokenizer_files[i] != NULL && status == 0; i++)
        if (has_file(fetch, hub_tokenizer_files[i]))
            status = fetch_file(fetch, hub_tokenizer_files[i]);
    if (status == 0 && !has_file(fetch, "tokenizer.json") && !has_file(fetch, "vocab.txt"))
        diag_warn("%s: has no tokenizer.json and no vocab.txt", fetch->model->id);
    return status;
}

static int fetch_shards(struct fetch *fetch)
{
    char *path = mem_format("%s/%s", fetch->snapshot, HUB_WEIGHTS_INDEX);
    int status = fetch_file(fetch, HUB_WEIGHTS_INDEX);
    json_t *shards = status == 0 ? hub_shards(path) : NULL, *shard;
    size_t i;
    if (shards == NULL)
        status = -1;
    json_array_foreach(shards, i, shard) if (status == 0) status =
        fetch_file(fetch, json_string_value(shard));
    json_decref(shards);
    free(path);
    return status;
}

static int fetch_weights(struct fetch *fetch)
{
    if (has_file(fetch, HUB_WEIGHTS))
        return fetch_file(fetch, HUB_WEIGHTS);
    if (has_file(fetch, HUB_WEIGHTS_INDEX))
        return fetch_shards(fetch);
    return diag_error("%s: has no %s%s", fetch->model->id, HUB_WEIGHTS,
                      has_file(fetch, "pytorch_model.bin")
                          ? ", only pytorch_model.bin, which is not read here"
                          : "");
}

/* Writes a small file unless it has these bytes. */
static int write_file(const char *path, const char *text)
{
    struct output output;
    if (file_make_folders(path) != 0 || output_open(&output, path) != 0)
        return -1;
    if (output_write(&output, text, strlen(text)) == 0)
        return output_commit(&output);
    output_abandon(&output);
    return -1;
}

static int write_tag(const struct fetch *fetch)
{
    char *path = mem_format("%s/CACHEDIR.TAG", fetch->cache);
    int there = path_there(path, F_OK), status = there < 0 ? -1 : 0;
    if (there == 0)
        status = write_file(path, cache_tag);
    free(path);
    return status;
}

/* refs/REVISION; left alone when it is right, for the cache may be read-only. */
static int write_ref(const struct fetch *fetch)
{
    char *before, *path;
    int status = 0;
    if (strcmp(fetch->model->revision, fetch->listing.commit) == 0)
        return 0;
    before = hub_cached_commit(fetch->cache, fetch->model);
    if (before == NULL || strcmp(before, fetch->listing.commit) != 0) {
        path = mem_format("%s/%s/refs/%s", fetch->cache, fetch->repository, fetch->model->revision);
        status = write_file(path, fetch->listing.commit);
        free(path);
    }
    free(before);
    return status;
}

static int fetch_files(struct fetch *fetch)
{
    if (fetch_config(fetch) != 0 || fetch_tokenizer(fetch) != 0 || fetch_weights(fetch) != 0)
        return -1;
    if (fetch->downloaded > 0 && write_tag(fetch) != 0)
        return -1;
    if (write_ref(fetch) != 0)
        return -1;
    diag_note("%s: %u files, %u of them new, at commit %s", fetch->model->id,
              fetch->found + fetch->downloaded, fetch->downloaded, fetch->listing.commit);
    return 0;
}

/* 0 and the cached copy's folder when it is whole; else 1 and, unless missing is NULL, what it
 * lacks (NULL: all), or -1 with a message when that cannot be told. */
static int find_snapshot(const struct fetch *fetch, char **folder, char **missing)
{
    char *found = hub_cached_snapshot(fetch->cache, fetch->model), *lacks = NULL;
    int result = found != NULL ? hub_missing_file(found, &lacks) : 1;
    if (result == 0)
        *folder = found;
    else
        free(found);
    if (missing != NULL)
        *missing = lacks;
    else
        free(lacks);
    return result;
}

static char *fetch_offline(const struct fetch *fetch)
{
    char *folder = NULL, *missing;
    int result = find_snapshot(fetch, &folder, &missing);
    if (result == 1 && missing != NULL)
        diag_error("%s: the copy in %s lacks %s, and HF_HUB_OFFLINE forbids a download",
                   fetch->model->id, fetch->cache, missing);
    else if (result == 1)
        diag_error("%s: not in %s, and HF_HUB_OFFLINE forbids a download", fetch->model->id,
                   fetch->cache);
    free(missing);
    return folder;
}

static char *fetch_online(struct fetch *fetch)
{
    struct http_answer answer;
    char *folder = NULL;
    if (list_files(fetch, &answer) == 0)
        return fetch_files(fetch) == 0 ? mem_strdup(fetch->snapshot) : NULL;
    if (answer.outcome == HTTP_DONE || answer.outcome == HTTP_STOPPED)
        return NULL; /* told already */
    bool down = answer.outcome == HTTP_AGAIN || answer.outcome == HTTP_UNREACHABLE;
    int result = down ? find_snapshot(fetch, &folder, NULL) : 1;
    if (result == 0)
        diag_warn("%s: %s; the cached copy may not be the newest", fetch->model->id, answer.reason);
    else if (result == 1)
        report_refusal(fetch, &answer);
    return folder;
}

/* A commit never changes, so that nobody need be asked. */
static char *fetch_commit(struct fetch *fetch)
{
    char *folder = NULL;
    int result = find_snapshot(fetch, &folder, NULL);
    if (result == 0)
        diag_note("%s: in the cache", fetch->model->id);
    return result == 1 ? fetch_online(fetch) : folder;
}

char *hub_fetch(const struct hub_model *model)
{
    struct fetch fetch = {.model = model};
    char *folder = NULL;
    if (open_fetch(&fetch) == 0) {
        if (hub_offline())
            folder = fetch_offline(&fetch);
        else if (hub_is_commit(model->revision))
            folder = fetch_commit(&fetch);
        else
            folder = fetch_online(&fetch);
    }
    close_fetch(&fetch);
    return folder;
}
