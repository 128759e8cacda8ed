/* rec-head: the first records of a stream. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "stream/groups.h"
#include "stream/merge.h"
#include "stream/options.h"

static struct {
    uint64_t count, skip;
    struct stream_io io;
} options = {.count = 10};

/* clang-format off */
static const struct option_row rows[] = {
    {'n', "records", .kind = OPTION_UNSIGNED, .target = &options.count, .argument = "N",
     .help = "number of records; the windows of one text count as one"},
    {'s', "skip", .kind = OPTION_UNSIGNED, .target = &options.skip, .argument = "N",
     .help = "leave out the first N records before"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-head",
    .summary = "Writes the first records of a stream as a stream that is whole.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-head -n 100 train.mp > few.mp",
    .rows = rows,
    .operands_max = -1,
};

static int begin(const struct stream_header *source, struct stream_writer *writer)
{
    struct stream_header header;
    int status;

    stream_header_copy(&header, source);
    stream_header_clear_part(&header);
    stream_history_append(&header, program.name);
    stream_history_option(&header, "records", "%" PRIu64, options.count);
    stream_history_option(&header, "skip", "%" PRIu64, options.skip);
    status = stream_writer_begin(writer, &header);
    stream_header_free(&header);
    return status;
}

/* Reads no further than it must: a producer need not finish, nor a person type on. */
static int copy(struct stream_merge *merge, struct stream_groups *groups,
                struct stream_writer *writer)
{
    struct stream_reader *reader = stream_merge_reader(merge);
    uint64_t last =
        options.count > UINT64_MAX - options.skip ? UINT64_MAX : options.skip + options.count;
    const struct stream_record *record;
    int found;

    if (options.count == 0)
        return 0;
    while ((found = stream_merge_next(merge, &record)) > 0) {
        if (stream_groups_add(groups, reader) < 0)
            return -1;
        if (groups->count > options.skip &&
            stream_writer_raw(writer, stream_reader_raw(reader)) != 0)
            return -1;
        if (groups->count == last && stream_groups_complete(groups))
            return 0;
    }
    return found == 0 ? stream_groups_end(groups, reader) : -1;
}

static int head(struct stream_merge *merge)
{
    struct stream_writer *writer =
        stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    struct stream_groups groups = {0};
    int status;

    if (writer == NULL)
        return -1;
    stream_writer_limit(writer, options.io.max_record);
    stream_reader_require_parts(stream_merge_reader(merge), PARTS_ANY);
    stream_reader_on_wait(stream_merge_reader(merge), stream_writer_flush_hook, writer);
    status = begin(stream_merge_header(merge), writer);
    if (status == 0)
        status = copy(merge, &groups, writer);
    if (status == 0)
        status = stream_writer_end(writer);
    if (status == 0)
        diag_verbose("%" PRIu64 " records", stream_writer_total(writer));
    stream_groups_free(&groups);
    return stream_writer_close(writer, status == 0) == 0 ? status : -1;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_merge *merge =
        stream_merge_open_any(files.items, files.count, options.io.max_record);
    int status = merge != NULL ? head(merge) : -1;

    stream_merge_close(merge);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
