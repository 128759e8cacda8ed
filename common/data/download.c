#include "data/download.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <curl/curl.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/progress.h"
#include "data/digest.h"

#define ATTEMPTS     5   /* in a row without a single new byte */
#define CONNECT_TIME 30L /* seconds */
#define SILENT_TIME  60L /* seconds without a byte before the connection counts as broken */

struct transfer {
    const struct download *download;
    char *part; /* PATH.part */
    int fd;
    uint64_t offset; /* bytes of the part so far */
    bool write_failed;
    struct progress progress;
    char reason[CURL_ERROR_SIZE];
};

static size_t receive(char *data, size_t one, size_t size, void *context)
{
    struct transfer *transfer = context;
    size_t done = 0;
    (void)one;
    while (done < size) {
        ssize_t written = write(transfer->fd, data + done, size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            diag_errno(errno, "%s", transfer->part);
            transfer->write_failed = true;
            return 0;
        }
        done += (size_t)written;
    }
    transfer->offset += size;
    progress_update(&transfer->progress, transfer->offset, NULL);
    return size;
}

static int start_over(struct transfer *transfer)
{
    if (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0)
        return diag_errno(errno, "%s", transfer->part);
    transfer->offset = 0;
    return 0;
}

static CURLcode transfer_once(struct transfer *transfer, CURL *curl)
{
    transfer->reason[0] = '\0';
    curl_easy_setopt(curl, CURLOPT_URL, transfer->download->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_TIME);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, SILENT_TIME);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "bertpipe");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->reason);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
    curl_easy_setopt(curl, CURLOPT_RESUME_FROM_LARGE, (curl_off_t)transfer->offset);
    return curl_easy_perform(curl);
}

static const char *reason_of(const struct transfer *transfer, CURLcode code)
{
    return transfer->reason[0] ? transfer->reason : curl_easy_strerror(code);
}

/* An answer that asking again does not change. */
static bool is_final(CURLcode code, long status)
{
    switch (code) {
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_TOO_MANY_REDIRECTS:
        return true;
    case CURLE_HTTP_RETURNED_ERROR:
        return status < 500 && status != 408 && status != 429;
    default:
        return false;
    }
}

/* Asks for the bytes that are missing until the server says that is all. */
static int transfer_all(struct transfer *transfer, CURL *curl)
{
    unsigned fruitless = 0;
    for (;;) {
        uint64_t before = transfer->offset;
        CURLcode code = transfer_once(transfer, curl);
        if (code == CURLE_OK)
            return 0;
        if (transfer->write_failed)
            return -1;
        long status = 0;
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        fruitless = transfer->offset > before ? 0 : fruitless + 1;
        if (before > 0 && (code == CURLE_RANGE_ERROR || status == 416)) {
            /* The server has no ranges, or not that many bytes: the part is of no use. */
            if (start_over(transfer) < 0)
                return -1;
        } else if (is_final(code, status)) {
            return diag_error("%s: %s", transfer->download->url, reason_of(transfer, code));
        } else {
            diag_verbose("%s: %s; asking again from byte %" PRIu64, transfer->download->url,
                         reason_of(transfer, code), transfer->offset);
        }
        if (fruitless >= ATTEMPTS)
            return diag_error("%s: %s", transfer->download->url, reason_of(transfer, code));
        if (fruitless > 0)
            sleep(1u << (fruitless - 1));
    }
}

/* Whether the part holds the wanted bytes; if not, it is emptied, so that the next run begins anew.
 */
static int verify_part(struct transfer *transfer)
{
    const struct download *download = transfer->download;
    char md5[MD5_HEX];
    if (md5_file(transfer->part, md5) < 0)
        return -1;
    if (strcasecmp(md5, download->md5) == 0)
        return 0;
    diag_error("%s: the download's MD5 is %s, expected %s (%" PRIu64 " bytes)", download->url, md5,
               download->md5, transfer->offset);
    start_over(transfer);
    return -1;
}

static int make_folders(const char *path)
{
    char *copy = mem_strdup(path);
    int status = 0;
    for (char *slash = strchr(copy + 1, '/'); slash && status == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            status = diag_errno(errno, "%s", copy);
        *slash = '/';
    }
    free(copy);
    return status;
}

/* Opens the part and waits for another process that is downloading the same file. */
static int open_part(struct transfer *transfer)
{
    transfer->fd = open(transfer->part, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (transfer->fd < 0)
        return diag_errno(errno, "%s", transfer->part);
    if (flock(transfer->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
        diag_note("%s: another process is downloading it; waiting", transfer->part);
        while (flock(transfer->fd, LOCK_EX) < 0)
            if (errno != EINTR)
                return diag_errno(errno, "%s", transfer->part);
    }
    off_t size = lseek(transfer->fd, 0, SEEK_END);
    if (size < 0)
        return diag_errno(errno, "%s", transfer->part);
    transfer->offset = (uint64_t)size;
    uint64_t whole = transfer->download->size;
    return whole > 0 && transfer->offset > whole ? start_over(transfer) : 0;
}

static int fetch_part(struct transfer *transfer)
{
    const struct download *download = transfer->download;
    if (transfer->offset > 0)
        diag_note("%s: continuing at byte %" PRIu64, download->url, transfer->offset);
    else
        diag_note("%s: downloading", download->url);
    CURL *curl = curl_easy_init();
    if (!curl)
        return diag_error("libcurl: cannot begin a transfer");
    progress_init(&transfer->progress, "bytes", transfer->offset, download->size);
    int status = transfer_all(transfer, curl);
    progress_finish(&transfer->progress);
    curl_easy_cleanup(curl);
    return status;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

int download_file(const struct download *download)
{
    if (exists(download->path))
        return 0;
    if (make_folders(download->path) < 0)
        return -1;
    struct transfer transfer = {.download = download, .fd = -1};
    transfer.part = mem_format("%s.part", download->path);
    int status = open_part(&transfer);
    if (status == 0 && exists(download->path)) {
        unlink(transfer.part); /* the process that was waited for has done the work */
    } else if (status == 0) {
        if (download->size == 0 || transfer.offset < download->size)
            status = fetch_part(&transfer);
        if (status == 0)
            status = verify_part(&transfer);
        if (status == 0 && fsync(transfer.fd) < 0)
            status = diag_errno(errno, "%s", transfer.part);
        if (status == 0 && rename(transfer.part, download->path) < 0)
            status = diag_errno(errno, "%s", download->path);
    }
    if (transfer.fd >= 0)
        close(transfer.fd);
    free(transfer.part);
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
