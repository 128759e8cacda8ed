/* rec-split: a stream as N numbered parts. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "stream/merge.h"
#include "stream/options.h"

static struct {
    uint64_t parts;
    bool parts_given;
    const char *prefix;
    struct stream_io io;
} options = {.prefix = "part"};

/* clang-format off */
static const struct option_row rows[] = {
    {'n', "parts", .kind = OPTION_UNSIGNED, .target = &options.parts, .given = &options.parts_given,
     .argument = "N", .minimum = 1, .maximum = 9999, .help = "number of parts (needed)"},
    {'o', "output", .kind = OPTION_STRING, .target = &options.prefix, .argument = "PREFIX",
     .help = "part K is written to PREFIX-K-of-N.mp"},
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-split",
    .summary = "Writes a stream as N parts of consecutive records, and prints the parts' names.",
    .usage = "-n N [OPTION]... [FILE]...",
    .example = "rec-split -n 4 -o shard reviews.mp",
    .rows = rows,
    .operands_max = -1,
};

/* The input in one temporary file: parts of consecutive records can be cut only when their number
 * is known. */
struct spool {
    char *path;
    uint64_t count;
    XXH64_state_t *hash; /* of the records' bytes: it names the set */
};

/* Beside the parts, where there must be room for them anyway. */
static int spool_create(struct spool *spool)
{
    int fd;

    spool->path = mem_format("%s.spool.XXXXXX", options.prefix);
    fd = mkstemp(spool->path);
    if (fd < 0)
        return diag_errno(errno, "%s: cannot create", spool->path);
    signals_remove_later(spool->path);
    close(fd);
    spool->hash = XXH64_createState();
    if (spool->hash == NULL)
        return diag_error("out of memory: for a hash");
    XXH64_reset(spool->hash, 0);
    return 0;
}

static void spool_free(struct spool *spool)
{
    if (spool->path != NULL) {
        unlink(spool->path);
        signals_keep(spool->path);
    }
    free(spool->path);
    XXH64_freeState(spool->hash);
}

static int spool_records(struct spool *spool, struct stream_merge *merge,
                         struct stream_writer *writer)
{
    const struct stream_record *record;
    int found;

    if (stream_writer_begin(writer, stream_merge_header(merge)) != 0)
        return -1;
    while ((found = stream_merge_next(merge, &record)) > 0) {
        struct rec_span raw = stream_reader_raw(stream_merge_reader(merge));

        XXH64_update(spool->hash, raw.data, raw.size);
        if (stream_writer_raw(writer, raw) != 0)
            return -1;
        spool->count++;
    }
    return found == 0 ? stream_writer_end(writer) : -1;
}

static int spool_fill(struct spool *spool, const struct option_operands *files)
{
    struct stream_merge *merge =
        stream_merge_open_any(files->items, files->count, options.io.max_record);
    struct stream_writer *writer;
    int status = -1;

    if (merge == NULL)
        return -1;
    writer = stream_writer_open(spool->path, FORM_MSGPACK);
    if (writer != NULL) {
        status = spool_records(spool, merge, writer);
        if (stream_writer_close(writer, status == 0) != 0)
            status = -1;
    }
    stream_merge_close(merge);
    return status;
}

/* PREFIX-03-of-16.mp: names sort as the parts do. */
static char *part_name(uint64_t k)
{
    int digits = snprintf(NULL, 0, "%" PRIu64, options.parts);

    return mem_format("%s-%0*" PRIu64 "-of-%" PRIu64 ".mp", options.prefix, digits, k,
                      options.parts);
}

/* The parts differ by at most one record in length, the longer ones first. */
static uint64_t part_size(uint64_t k, uint64_t count)
{
    return count / options.parts + (k <= count % options.parts);
}

static int copy_records(struct stream_reader *reader, struct stream_writer *writer, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        if (stream_reader_next(reader) != STREAM_RECORD ||
            stream_writer_raw(writer, stream_reader_raw(reader)) != 0)
            return -1;
    return stream_writer_end(writer);
}

static int write_part(struct stream_reader *reader, const struct spool *spool, uint64_t k,
                      const char *path)
{
    struct stream_writer *writer = stream_writer_open(path, FORM_MSGPACK);
    struct stream_header header;
    char set[32];
    int status;

    if (writer == NULL)
        return -1;
    snprintf(set, sizeof set, "%016" PRIx64, (uint64_t)XXH64_digest(spool->hash));
    stream_header_copy(&header, stream_reader_header(reader));
    stream_header_set_part(&header, k, options.parts, set);
    status = stream_writer_begin(writer, &header);
    if (status == 0)
        status = copy_records(reader, writer, part_size(k, spool->count));
    stream_header_free(&header);
    return stream_writer_close(writer, status == 0) == 0 ? status : -1;
}

/* All parts or none. */
static int write_parts(const struct spool *spool, struct stream_reader *reader)
{
    char **names = mem_calloc(options.parts, sizeof *names);
    uint64_t written = 0;
    int status = stream_reader_next(reader) == STREAM_HEADER ? 0 : -1;

    while (status == 0 && written < options.parts) {
        names[written] = part_name(written + 1);
        status = write_part(reader, spool, written + 1, names[written]);
        written++;
    }
    for (uint64_t i = 0; i < written; i++) {
        if (status == 0)
            printf("%s\n", names[i]);
        else if (i + 1 < written)
            unlink(names[i]);
        free(names[i]);
    }
    free(names);
    return status;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_reader *reader = NULL;
    struct spool spool = {0};
    int status;

    if (!options.parts_given)
        options_usage_error("-n is missing: the number of parts");
    status = spool_create(&spool);
    if (status == 0)
        status = spool_fill(&spool, &files);
    if (status == 0) {
        reader = stream_reader_open(&spool.path, 1, options.io.max_record);
        status = reader != NULL ? write_parts(&spool, reader) : -1;
    }
    stream_reader_close(reader);
    spool_free(&spool);
    free(files.items);
    if (status == 0)
        diag_note("%" PRIu64 " records in %" PRIu64 " parts", spool.count, options.parts);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
