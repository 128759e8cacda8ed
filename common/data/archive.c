#include "data/archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#include "cli/diag.h"
#include "cli/input.h"
#include "cli/memory.h"

#define CHUNK     ((size_t)1 << 16)
#define TAR_BLOCK 512

struct archive_file {
    struct archive *archive;
    struct input input;
    struct digest *md5;
    char *chunk;                /* [CHUNK] as last read */
    uint64_t bytes;             /* of the file, read so far */
    bool read_failed;           /* and reported */
    char last_bytes[TAR_BLOCK]; /* the file's last bytes so far, for a plain tar */
};

static void remember_end(struct archive_file *file, size_t size)
{
    size_t fresh = size < TAR_BLOCK ? size : TAR_BLOCK;
    memmove(file->last_bytes, file->last_bytes + fresh, TAR_BLOCK - fresh);
    memcpy(file->last_bytes + TAR_BLOCK - fresh, file->chunk + size - fresh, fresh);
    file->bytes += size;
}

/* The next bytes into the chunk: how many, 0 at the end, -1 with a message the first time. */
static ssize_t read_chunk(struct archive_file *file)
{
    ssize_t got = file->read_failed ? -1 : input_read(&file->input, file->chunk, CHUNK);
    if (got < 0) {
        file->read_failed = true;
        return -1;
    }
    digest_add(file->md5, file->chunk, (size_t)got);
    remember_end(file, (size_t)got);
    return got;
}

/* libarchive reads on after some failures, and takes one behind the last file for the end. */
static la_ssize_t give_chunk(struct archive *archive, void *context, const void **data)
{
    struct archive_file *file = context;
    ssize_t got = read_chunk(file);
    if (got < 0)
        archive_set_error(archive, EIO, "cannot be read");
    *data = file->chunk;
    return got;
}

static int archive_failed(struct archive_file *file)
{
    if (file->read_failed)
        return -1;
    if (archive_format(file->archive) == 0 && archive_errno(file->archive) == EILSEQ)
        return diag_error("%s: not a tar archive", file->input.name);
    const char *reason = archive_error_string(file->archive);
    return diag_error("%s: damaged archive: %s", file->input.name,
                      reason ? reason : "no reason given");
}

struct archive_file *archive_file_open(const char *path)
{
    struct archive_file *file = mem_calloc(1, sizeof(*file));
    if (input_open(&file->input, path) < 0) {
        free(file);
        return NULL;
    }
    file->chunk = mem_alloc(CHUNK);
    file->md5 = digest_new(DIGEST_MD5);
    file->archive = archive_read_new();
    if (!file->archive) {
        diag_error("libarchive: cannot begin to read");
        archive_file_close(file);
        return NULL;
    }
    archive_read_support_filter_gzip(file->archive);
    archive_read_support_filter_bzip2(file->archive);
    archive_read_support_filter_xz(file->archive);
    archive_read_support_filter_zstd(file->archive);
    archive_read_support_format_tar(file->archive);
    if (archive_read_open(file->archive, file, NULL, give_chunk, NULL) != ARCHIVE_OK) {
        archive_failed(file);
        archive_file_close(file);
        return NULL;
    }
    return file;
}

void archive_file_close(struct archive_file *file)
{
    if (!file)
        return;
    archive_read_free(file->archive);
    digest_finish(file->md5, NULL);
    input_close(&file->input);
    free(file->chunk);
    free(file);
}

int archive_file_next(struct archive_file *file, struct archive_entry_info *info)
{
    for (;;) {
        struct archive_entry *entry;
        int status = archive_read_next_header(file->archive, &entry);
        if (status == ARCHIVE_EOF)
            return 0;
        if (status != ARCHIVE_OK)
            return archive_failed(file);
        if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
            continue;
        info->name = archive_entry_pathname(entry);
        if (!info->name || archive_entry_size(entry) < 0)
            return diag_error("%s: damaged archive: a file without a name or size",
                              file->input.name);
        info->size = (uint64_t)archive_entry_size(entry);
        return 1;
    }
}

int archive_file_read(struct archive_file *file, char *data, uint64_t size)
{
    uint64_t have = 0;
    while (have < size) {
        la_ssize_t got = archive_read_data(file->archive, data + have, size - have);
        if (got < 0)
            return archive_failed(file);
        if (got == 0)
            return diag_error("%s: damaged archive: a file of %" PRIu64 " bytes has only %" PRIu64,
                              file->input.name, size, have);
        have += (uint64_t)got;
    }
    return 0;
}

int archive_file_finish(struct archive_file *file, char md5[MD5_HEX])
{
    ssize_t got;
    do
        got = read_chunk(file);
    while (got > 0);
    if (got < 0)
        return -1;
    /* libarchive takes a tar cut between two files for a whole one. Compression sees such a cut; in
     * a plain tar only the missing blocks of zeros at its end tell. */
    static const char zeros[TAR_BLOCK];
    if (archive_filter_count(file->archive) == 1 &&
        (file->bytes % TAR_BLOCK != 0 || memcmp(file->last_bytes, zeros, TAR_BLOCK) != 0))
        return diag_error("%s: damaged archive: it ends before the end of the tar",
                          file->input.name);
    digest_finish(file->md5, md5);
    file->md5 = NULL;
    return 0;
}
