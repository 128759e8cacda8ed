/* rec-cat: segments, files and parts as one segment. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "stream/options.h"
#include "stream/reader.h"
#include "stream/writer.h"

static struct {
    bool partial, recover;
    struct stream_io io;
} options;

/* clang-format off */
static const struct option_row rows[] = {
    STREAM_OPTION_PARTIAL(options.partial),
    {0, "recover", .kind = OPTION_FLAG, .target = &options.recover,
     .help = "of a stream that was cut or damaged, keep the records before that"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-cat",
    .summary = "Verifies record streams and writes their records as one segment, parts in order.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-cat train-*-of-4.mp > train.mp",
    .rows = rows,
    .operands_max = -1,
};

/* A file operand and the part with which it begins. */
struct operand {
    char *path;
    struct stream_part part;
    int set; /* operands of one set have the same number: that of its first */
    int index;
};

static bool is_regular(const char *path)
{
    struct stat status;

    return strcmp(path, "-") != 0 && stat(path, &status) == 0 && S_ISREG(status.st_mode);
}

static int read_part(struct operand *operand)
{
    struct stream_reader *reader = stream_reader_open(&operand->path, 1, options.io.max_record);
    const struct stream_part *part;

    if (reader == NULL)
        return -1;
    if (stream_reader_next(reader) != STREAM_HEADER) {
        stream_reader_close(reader);
        return -1;
    }
    part = &stream_reader_header(reader)->part;
    operand->part = *part;
    operand->part.set = part->present ? mem_strdup(part->set) : NULL;
    stream_reader_close(reader);
    return 0;
}

static int compare_operands(const void *left, const void *right)
{
    const struct operand *a = left, *b = right;

    if (a->set != b->set)
        return a->set < b->set ? -1 : 1;
    if (a->part.k != b->part.k)
        return a->part.k < b->part.k ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void assign_sets(struct operand *operands, int count)
{
    for (int i = 0; i < count; i++) {
        operands[i].set = operands[i].index = i;
        for (int j = 0; j < i && operands[i].part.present; j++)
            if (operands[j].part.present &&
                strcmp(operands[j].part.set, operands[i].part.set) == 0) {
                operands[i].set = operands[j].set;
                break;
            }
    }
}

/* Files that are parts of a set are put in the order of their numbers; pipes can be read only once
 * and stay where they are. */
static int sort_parts(struct option_operands *files)
{
    struct operand *operands;
    int status = 0;

    for (int i = 0; i < files->count; i++)
        if (!is_regular(files->items[i]))
            return 0;
    operands = mem_calloc((size_t)files->count, sizeof *operands);
    for (int i = 0; i < files->count && status == 0; i++) {
        operands[i].path = files->items[i];
        status = read_part(&operands[i]);
    }
    if (status == 0) {
        assign_sets(operands, files->count);
        qsort(operands, (size_t)files->count, sizeof *operands, compare_operands);
        for (int i = 0; i < files->count; i++)
            files->items[i] = operands[i].path;
    }
    for (int i = 0; i < files->count; i++)
        free(operands[i].part.set);
    free(operands);
    return status;
}

/* What has been read so far. */
struct join {
    struct stream_header header; /* of the output */
    bool begun;
    struct stream_part last; /* set: owned */
};

/* Merged parts must come in order, or the records would not be the original's. */
static int check_order(struct join *join, const struct stream_part *part, const char *source)
{
    bool same_set = join->last.present && part->present && strcmp(join->last.set, part->set) == 0;
    uint64_t expected = same_set ? join->last.k + 1 : 1;

    if (part->present && part->k != expected && !options.partial)
        return diag_error("%s: part %" PRIu64 " of %" PRIu64 " comes where part %" PRIu64 " is due",
                          source, part->k, part->n, expected);
    free(join->last.set);
    join->last = *part;
    join->last.set = part->present ? mem_strdup(part->set) : NULL;
    return 0;
}

static int begin_segment(struct join *join, const struct stream_header *header,
                         struct stream_writer *writer, const char *source)
{
    if (check_order(join, &header->part, source) != 0)
        return -1;
    if (join->begun)
        return stream_header_agree(&join->header, header, source);
    stream_header_copy(&join->header, header);
    stream_header_clear_part(&join->header);
    join->begun = true;
    return stream_writer_begin(writer, &join->header);
}

static int join_segments(struct join *join, struct stream_reader *reader,
                         struct stream_writer *writer)
{
    int status = 0;

    while (status == 0) {
        switch (stream_reader_next(reader)) {
        case STREAM_FAILED:
            if (!options.recover || !join->begun)
                return -1;
            diag_warn("%s: %" PRIu64 " records come before that, and are kept",
                      stream_reader_source(reader), stream_writer_total(writer));
            return stream_writer_end(writer);
        case STREAM_EOF:
            return stream_writer_end(writer);
        case STREAM_HEADER:
            status = begin_segment(join, stream_reader_header(reader), writer,
                                   stream_reader_source(reader));
            break;
        case STREAM_RECORD:
            status = stream_writer_raw(writer, stream_reader_raw(reader));
            break;
        case STREAM_END:
            break;
        }
    }
    return status;
}

static int cat(struct stream_reader *reader)
{
    struct stream_writer *writer =
        stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    struct join join = {0};
    int status;

    if (writer == NULL)
        return -1;
    stream_writer_limit(writer, options.io.max_record);
    stream_reader_require_parts(reader, options.partial ? PARTS_ANY : PARTS_COMPLETE);
    stream_reader_on_wait(reader, stream_writer_flush_hook, writer);
    status = join_segments(&join, reader, writer);
    if (status == 0)
        diag_verbose("%" PRIu64 " records", stream_writer_total(writer));
    stream_header_free(&join.header);
    free(join.last.set);
    return stream_writer_close(writer, status == 0) == 0 ? status : -1;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_reader *reader = NULL;
    int status = -1;

    if (options.recover && files.count > 1)
        options_usage_error("--recover takes one stream: what follows a damaged one would be lost");
    options.partial = options.partial || options.recover;
    if (sort_parts(&files) == 0)
        reader = stream_reader_open(files.items, files.count, options.io.max_record);
    if (reader != NULL)
        status = cat(reader);
    stream_reader_close(reader);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
