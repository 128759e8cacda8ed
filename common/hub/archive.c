#include "hub/archive.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/memory.h"
#include "cli/signals.h"
#include "data/digest.h"
#include "data/download.h"
#include "data/file_lock.h"
#include "data/http.h"
#include "hub/files.h"
#include "hub/names.h"
#include "hub/unpack.h"

#define KEY_LENGTH 16 /* digits of a hash that are part of a name */

/* Removes a folder of files, all of them this program's, or what else has its name. */
static void discard(const char *folder)
{
    DIR *directory = folder_open(folder);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL)
        unlinkat(dirfd(directory), entry->d_name, 0);
    if (directory != NULL)
        closedir(directory);
    if (rmdir(folder) != 0)
        unlink(folder);
}

/* Unpacks into a folder that appears when it is whole. The caller holds its lock, so whatever an
 * earlier run has left is nobody's. */
static int unpack_into(const char *archive, const char *folder)
{
    char *temporary = mem_format("%s.part", folder);
    int status = 0;
    discard(temporary);
    if (mkdir(temporary, 0777) != 0) {
        status = diag_errno(errno, "%s: cannot make a folder", temporary);
        free(temporary);
        return status;
    }
    signals_remove_later(temporary);
    status = hub_unpack(archive, temporary);
    if (status == 0)
        discard(folder); /* one that has lost files */
    if (status == 0 && rename(temporary, folder) != 0)
        status = diag_errno(errno, "%s", folder);
    if (status == 0)
        status = folder_sync_parent(folder);
    if (status != 0)
        discard(temporary);
    signals_keep(temporary);
    free(temporary);
    return status;
}

/* "models/NAME-KEY" in the cache, to be freed; the name loses what may be awkward in a path. */
static char *cache_place(const char *path, const char *hex)
{
    const char *slash = strrchr(path, '/');
    char *name = mem_strdup(slash != NULL ? slash + 1 : path);
    char *relative, *place;
    name[strcspn(name, "?#")] = '\0';
    for (char *c = name; *c != '\0'; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              strchr("._-+", *c) != NULL))
            *c = '_';
    relative = mem_format("models/%.100s-%.*s", name[0] == '.' ? "archive" : name, KEY_LENGTH, hex);
    place = download_cache_path(relative);
    free(relative);
    free(name);
    return place;
}

/* 1 or 0, or -1 with a message when it cannot be told. */
static int is_whole(const char *folder)
{
    char *missing = NULL;
    int result = hub_missing_file(folder, &missing);
    free(missing);
    return result < 0 ? -1 : !result;
}

/* The lock on a folder that is to be made: a descriptor to be closed, or -1 with a message. */
static int lock_folder(const char *folder, const char *name)
{
    char *path = mem_format("%s.lock", folder);
    int lock = file_lock_take(path, name);
    free(path);
    return lock;
}

char *hub_archive_folder(const char *path, const char *sha256)
{
    char hex[DIGEST_HEX_MAX], *folder;
    int lock, whole, status = 0;
    if (digest_file(path, DIGEST_SHA256, hex) != 0)
        return NULL;
    if (sha256 != NULL && strcasecmp(sha256, hex) != 0) {
        diag_error("%s: its SHA-256 is %s, expected %s", path, hex, sha256);
        return NULL;
    }
    folder = cache_place(path, hex);
    lock = folder != NULL ? lock_folder(folder, path) : -1;
    whole = lock >= 0 ? is_whole(folder) : -1;
    if (whole < 0 || (!whole && unpack_into(path, folder) != 0))
        status = -1;
    if (lock >= 0)
        close(lock);
    if (status == 0)
        return folder;
    free(folder);
    return NULL;
}

/* The token when the URL is on the hub it belongs to; *token stays NULL otherwise. */
static int token_for(const char *url, char **token)
{
    char *endpoint = hub_endpoint();
    int status = endpoint != NULL ? 0 : -1;
    if (status == 0 && http_same_origin(endpoint, url))
        status = hub_token(token);
    free(endpoint);
    return status;
}

static int download_and_unpack(const char *url, const char *sha256, const char *folder)
{
    char *archive = mem_format("%s.archive", folder), *token = NULL;
    int status = token_for(url, &token);
    const struct download download = {
        .url = url,
        .path = archive,
        .kind = sha256 != NULL ? DIGEST_SHA256 : DIGEST_NONE,
        .digest = sha256,
        .token = token,
    };
    if (status == 0)
        status = download_file(&download);
    if (status == 0) {
        signals_remove_later(archive);
        status = unpack_into(archive, folder);
        if (unlink(archive) != 0)
            diag_warn("%s: cannot remove: %s", archive, strerror(errno));
        signals_keep(archive);
    }
    free(token);
    free(archive);
    return status;
}

static void digest_text(const char *text, char hex[DIGEST_HEX_MAX])
{
    struct digest *digest = digest_new(DIGEST_SHA256);
    digest_add(digest, text, strlen(text));
    digest_finish(digest, hex);
}

char *hub_url_folder(const char *url, const char *sha256)
{
    char hex[DIGEST_HEX_MAX], *shown = http_shown(url), *folder;
    int lock, whole, status = 0;
    if (sha256 != NULL)
        for (size_t i = 0; i < sizeof hex; i++)
            hex[i] = (char)tolower((unsigned char)sha256[i]);
    else
        digest_text(url, hex);
    folder = cache_place(shown, hex);
    lock = folder != NULL ? lock_folder(folder, shown) : -1;
    whole = lock >= 0 ? is_whole(folder) : -1;
    if (whole < 0)
        status = -1;
    else if (whole)
        diag_note("%s: downloaded earlier", shown);
    else if (hub_offline())
        status = diag_error("%s: not in the cache, and HF_HUB_OFFLINE forbids a download", shown);
    else
        status = download_and_unpack(url, sha256, folder);
    if (lock >= 0)
        close(lock);
    free(shown);
    if (status == 0)
        return folder;
    free(folder);
    return NULL;
}
