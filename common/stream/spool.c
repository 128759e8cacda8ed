#include "stream/spool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "cli/diag.h"
#include "cli/hash.h"
#include "cli/memory.h"
#include "cli/signals.h"
#include "stream/groups.h"
#include "stream/writer.h"

/* ".NAME.spool.XXXXXX" beside the path, where no pattern for its parts takes it for one. */
static int create(struct stream_spool *spool, const char *beside)
{
    const char *slash = strrchr(beside, '/');
    const char *base = slash != NULL ? slash + 1 : beside;
    sigset_t mask;
    int fd, error_number;

    *spool = (struct stream_spool){
        .path = mem_format("%.*s.%.200s.spool.XXXXXX", (int)(base - beside), beside, base)};
    signals_hold(&mask);
    fd = mkstemp(spool->path);
    error_number = errno;
    if (fd >= 0)
        signals_remove_later(spool->path);
    signals_release(&mask);
    if (fd < 0) {
        diag_errno(error_number, "%s: cannot create a temporary file beside it", beside);
        free(spool->path);
        spool->path = NULL;
        return -1;
    }
    close(fd);
    return 0;
}

void stream_spool_free(struct stream_spool *spool)
{
    if (spool->path == NULL)
        return;
    if (unlink(spool->path) != 0)
        diag_warn("%s: cannot remove: %s", spool->path, strerror(errno));
    signals_keep(spool->path);
    free(spool->path);
    *spool = (struct stream_spool){0};
}

struct copy {
    struct stream_merge *merge;
    struct stream_writer *writer;
    struct stream_groups groups;
    XXH64_state_t *hash;
    stream_spool_visit visit;
    void *context;
};

static int copy_record(struct copy *copy, const struct stream_record *record)
{
    struct stream_reader *reader = stream_merge_reader(copy->merge);
    struct rec_span raw = stream_reader_raw(reader);
    int begins = stream_groups_add(&copy->groups, reader);

    if (begins < 0)
        return -1;
    if (begins && copy->visit != NULL && copy->visit(copy->context, copy->merge, record) != 0)
        return -1;
    XXH64_update(copy->hash, raw.data, raw.size);
    return stream_writer_raw(copy->writer, raw);
}

static int copy_records(struct copy *copy)
{
    const struct stream_record *record;
    int found = stream_writer_begin(copy->writer, stream_merge_header(copy->merge));

    if (found != 0)
        return -1;
    while ((found = stream_merge_next(copy->merge, &record)) > 0)
        if (copy_record(copy, record) != 0)
            return -1;
    if (found != 0 || stream_groups_end(&copy->groups, stream_merge_reader(copy->merge)) != 0)
        return -1;
    return stream_writer_end(copy->writer);
}

int stream_spool_fill(struct stream_spool *spool, const char *beside, struct stream_merge *merge,
                      size_t max_record, stream_spool_visit visit, void *context)
{
    struct copy copy = {.merge = merge, .visit = visit, .context = context};
    int status;

    if (create(spool, beside) != 0)
        return -1;
    copy.writer = stream_writer_open(spool->path, FORM_MSGPACK);
    if (copy.writer == NULL)
        return -1;
    stream_writer_limit(copy.writer, max_record);
    copy.hash = hash_new();
    status = copy_records(&copy);
    spool->groups = copy.groups.count;
    spool->hash = XXH64_digest(copy.hash);
    XXH64_freeState(copy.hash);
    stream_groups_free(&copy.groups);
    return stream_writer_close(copy.writer, status == 0) == 0 ? status : -1;
}

struct stream_reader *stream_spool_open(const struct stream_spool *spool, size_t max_record)
{
    struct stream_reader *reader = stream_reader_open(&spool->path, 1, max_record);

    if (reader != NULL && stream_reader_next(reader) != STREAM_HEADER) {
        stream_reader_close(reader);
        return NULL;
    }
    return reader;
}
