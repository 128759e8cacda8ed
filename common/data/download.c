#include "data/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "data/file_lock.h"
#include "data/http.h"

struct transfer {
    const struct download *download;
    char *name; /* for messages */
    char *part;
    int fd, lock;    /* lock: -1 when the part is the lock */
    uint64_t offset; /* bytes of the part so far */
    char *match;     /* the server's name for the version that the part is of, when no hash tells */
    struct progress progress;
};

static int too_large(const struct transfer *transfer)
{
    return diag_error("%s: more than %" PRIu64 " bytes: refused", transfer->name,
                      transfer->download->most);
}

static int receive(void *context, const char *data, size_t size)
{
    struct transfer *transfer = context;
    uint64_t whole = transfer->download->size, most = transfer->download->most;
    if (most > 0 && size > most - transfer->offset)
        return too_large(transfer);
    if (whole > 0 && size > whole - transfer->offset)
        return diag_error("%s: the server sends more than %" PRIu64 " bytes", transfer->name,
                          whole);
    for (size_t done = 0; done < size;) {
        ssize_t written = write(transfer->fd, data + done, size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return diag_errno(errno, "%s", transfer->part);
        done += (size_t)written;
        transfer->offset += (uint64_t)written;
    }
    progress_update(&transfer->progress, transfer->offset, NULL);
    return 0;
}

static int start_over(struct transfer *transfer)
{
    if (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0)
        return diag_errno(errno, "%s", transfer->part);
    transfer->offset = 0;
    free(transfer->match);
    transfer->match = NULL;
    return 0;
}

/* Without a hash, bytes may be added to a part only while the server still has the same file. */
static int remember_version(struct transfer *transfer, struct http *http)
{
    if (transfer->download->kind != DIGEST_NONE || transfer->match || transfer->offset == 0)
        return 0;
    const char *tag = http_header(http, "ETag");
    if (!tag || strncmp(tag, "W/", 2) == 0)
        tag = http_header(http, "Last-Modified");
    if (!tag)
        return start_over(transfer);
    transfer->match = mem_strdup(tag);
    return 0;
}

/* Asks for the bytes that are missing until the server says that is all. */
static int transfer_all(struct transfer *transfer, struct http *http)
{
    const struct download *download = transfer->download;
    struct http_retry retry = {0};
    uint64_t furthest = transfer->offset; /* a server that always begins anew comes to an end */
    for (;;) {
        struct http_answer answer;
        struct http_request request = {
            .url = download->url,
            .token = download->token,
            .offset = transfer->offset,
            .match = transfer->match,
            .sink = receive,
            .context = transfer,
        };
        http_perform(http, &request, &answer);
        if (answer.outcome == HTTP_DONE)
            return 0;
        if (answer.outcome == HTTP_STOPPED)
            return -1;
        /* Asked for bytes beyond its end, a server says so: without a size, that is the end. */
        if (answer.outcome == HTTP_NO_RANGE && answer.status == 416 && download->size == 0)
            return 0;
        bool final = answer.outcome == HTTP_REFUSED || answer.outcome == HTTP_UNREACHABLE;
        if (transfer->offset > furthest && !final) {
            retry.fruitless = 0;
            furthest = transfer->offset;
            diag_verbose("%s: %s; asking again from byte %" PRIu64, transfer->name, answer.reason,
                         transfer->offset);
        } else if (final || !http_retry_wait(&retry, &answer, transfer->name)) {
            return diag_error("%s: %s", transfer->name, answer.reason);
        }
        if (answer.outcome == HTTP_NO_RANGE ? start_over(transfer) < 0
                                            : remember_version(transfer, http) < 0)
            return -1;
    }
}

/* Whether the part holds the wanted bytes; if not, it is emptied, so that the next run begins anew.
 */
static int verify_part(struct transfer *transfer)
{
    const struct download *download = transfer->download;
    char hex[DIGEST_HEX_MAX] = "";
    if (download->kind == DIGEST_NONE) {
        if (download->size == 0 || download->size == transfer->offset)
            return 0;
        diag_error("%s: the download has %" PRIu64 " bytes, expected %" PRIu64, transfer->name,
                   transfer->offset, download->size);
    } else {
        if (digest_file(transfer->part, download->kind, hex) < 0)
            return -1;
        if (strcasecmp(hex, download->digest) == 0)
            return 0;
        diag_error("%s: the download's %s is %s, expected %s (%" PRIu64 " bytes)", transfer->name,
                   digest_name(download->kind), hex, download->digest, transfer->offset);
    }
    start_over(transfer);
    return -1;
}

/* Opens the part, when no other process is downloading the same file any more. */
static int open_part(struct transfer *transfer)
{
    const struct download *download = transfer->download;
    if (download->lock) {
        transfer->lock = file_lock_take(download->lock, transfer->name);
        if (transfer->lock < 0)
            return -1;
        /* Of a cache that users share, all of them must be able to open it; another's is left. */
        if (fchmod(transfer->lock, 0664) < 0)
            diag_verbose("%s: another user's", download->lock);
        transfer->fd = open(transfer->part, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (transfer->fd < 0)
            diag_errno(errno, "%s", transfer->part);
    } else {
        transfer->fd = file_lock_take(transfer->part, transfer->name);
    }
    if (transfer->fd < 0)
        return -1;
    off_t size = lseek(transfer->fd, 0, SEEK_END);
    if (size < 0)
        return diag_errno(errno, "%s", transfer->part);
    transfer->offset = (uint64_t)size;
    bool useless = download->size > 0 && transfer->offset > download->size;
    return useless || download->kind == DIGEST_NONE ? start_over(transfer) : 0;
}

static int fetch_part(struct transfer *transfer)
{
    if (transfer->offset > 0)
        diag_note("%s: continuing at byte %" PRIu64, transfer->name, transfer->offset);
    else
        diag_note("%s: downloading", transfer->name);
    struct http *http = http_open();
    if (!http)
        return -1;
    progress_init(&transfer->progress, "bytes", transfer->offset, transfer->download->size);
    int status = transfer_all(transfer, http);
    progress_finish(&transfer->progress);
    http_close(http);
    return status;
}

static int complete_part(struct transfer *transfer)
{
    const struct download *download = transfer->download;
    int status = 0;
    if (download->most > 0 &&
        (download->size > download->most || transfer->offset > download->most))
        status = too_large(transfer);
    else if (download->size == 0 || transfer->offset < download->size)
        status = fetch_part(transfer);
    if (status == 0)
        status = verify_part(transfer);
    if (status == 0 && fsync(transfer->fd) < 0)
        status = diag_errno(errno, "%s", transfer->part);
    if (status == 0 && rename(transfer->part, download->path) < 0)
        status = diag_errno(errno, "%s", download->path);
    return status;
}

/* Unless the process that was waited for has done the work. */
static int complete_once(struct transfer *transfer)
{
    int there = path_there(transfer->download->path, F_OK);
    if (there == 0)
        return complete_part(transfer);
    if (there > 0)
        unlink(transfer->part);
    return there < 0 ? -1 : 0;
}

int download_file(const struct download *download)
{
    int there = path_there(download->path, F_OK);
    if (there != 0)
        return there < 0 ? -1 : 0;
    struct transfer transfer = {.download = download, .fd = -1, .lock = -1};
    transfer.name = download->name ? mem_strdup(download->name) : http_shown(download->url);
    transfer.part =
        download->part ? mem_strdup(download->part) : mem_format("%s.part", download->path);
    int status = file_make_folders(download->path);
    if (status == 0)
        status = open_part(&transfer);
    if (status == 0)
        status = complete_once(&transfer);
    if (transfer.fd >= 0)
        close(transfer.fd);
    if (transfer.lock >= 0)
        close(transfer.lock);
    free(transfer.part);
    free(transfer.name);
    free(transfer.match);
    return status;
}

char *download_cache_path(const char *name)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    if (cache && cache[0] == '/')
        return mem_format("%s/bertpipe/%s", cache, name);
    const char *home = getenv("HOME");
    if (home && home[0])
        return mem_format("%s/.cache/bertpipe/%s", home, name);
    diag_error("no cache folder: neither XDG_CACHE_HOME nor HOME is set");
    return NULL;
}
