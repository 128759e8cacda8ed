/* rec-shuffle: the records of a stream in random order. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/philox.h"
#include "cli/size.h"
#include "stream/groups.h"
#include "stream/merge.h"
#include "stream/options.h"
#include "stream/sorter.h"

#define SHUFFLE_USE 0x73687566u /* of the seed */

static struct {
    uint64_t seed;
    const char *memory;
    size_t memory_bytes;
    bool partial;
    struct stream_io io;
} options = {.seed = 42, .memory = "256M"};

/* clang-format off */
static const struct option_row rows[] = {
    {'s', "seed", .kind = OPTION_UNSIGNED, .target = &options.seed, .argument = "N",
     .help = "the order follows from it and from the records' number alone"},
    {0, "memory", .kind = OPTION_STRING, .target = &options.memory, .argument = "SIZE",
     .help = "hold at most so much, and the rest in temporary files in TMPDIR"},
    STREAM_OPTION_PARTIAL(options.partial),
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-shuffle",
    .summary = "Writes the records of a stream in random order, however many there are.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-shuffle --seed 1 train.mp > shuffled.mp",
    .rows = rows,
    .operands_max = -1,
};

static int add_group(struct stream_sorter *sorter, struct buffer *group, uint64_t ordinal)
{
    uint64_t key = philox_u64(options.seed, SHUFFLE_USE, ordinal);
    int status = stream_sorter_add(sorter, key, (struct rec_span){group->data, group->size});

    group->size = 0;
    return status;
}

/* Every group gets a random key; sorted by them, all orders are equally likely. */
static int read_all(struct stream_merge *merge, struct stream_sorter *sorter,
                    struct stream_groups *groups)
{
    struct stream_reader *reader = stream_merge_reader(merge);
    const struct stream_record *record;
    struct buffer group = {0};
    int found;

    while ((found = stream_merge_next(merge, &record)) > 0) {
        struct rec_span raw = stream_reader_raw(reader);

        if (stream_groups_add(groups, reader) < 0) {
            found = -1;
            break;
        }
        buffer_append(&group, raw.data, raw.size);
        if (stream_groups_complete(groups) && add_group(sorter, &group, groups->count - 1) != 0) {
            found = -1;
            break;
        }
    }
    buffer_free(&group);
    return found == 0 ? stream_groups_end(groups, reader) : -1;
}

static int write_all(const struct stream_header *source, struct stream_sorter *sorter,
                     struct stream_writer *writer)
{
    struct stream_header header;
    struct rec_span group;
    int found;

    stream_header_copy(&header, source);
    stream_header_clear_part(&header);
    stream_history_append(&header, program.name);
    stream_history_option(&header, "seed", "%" PRIu64, options.seed);
    found = stream_writer_begin(writer, &header);
    stream_header_free(&header);
    while (found == 0 && (found = stream_sorter_next(sorter, &group)) > 0)
        found = stream_writer_raws(writer, group);
    return found == 0 ? stream_writer_end(writer) : -1;
}

static int shuffle(struct stream_merge *merge)
{
    struct stream_writer *writer =
        stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    struct stream_sorter *sorter;
    struct stream_groups groups = {0};
    int status;

    if (writer == NULL)
        return -1;
    stream_writer_limit(writer, options.io.max_record);
    if (options.partial)
        stream_reader_require_parts(stream_merge_reader(merge), PARTS_ANY);
    sorter = stream_sorter_new(options.memory_bytes);
    status = read_all(merge, sorter, &groups);
    if (status == 0)
        status = write_all(stream_merge_header(merge), sorter, writer);
    if (status == 0)
        diag_verbose("%" PRIu64 " records, %zu times the memory was full", groups.count,
                     stream_sorter_runs(sorter));
    stream_groups_free(&groups);
    stream_sorter_free(sorter);
    return stream_writer_close(writer, status == 0) == 0 ? status : -1;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_merge *merge;
    int status = -1;

    if (parse_size(options.memory, &options.memory_bytes) != 0)
        options_usage_error("--memory: '%s' is no size such as 64M or 2G", options.memory);
    merge = stream_merge_open_any(files.items, files.count, options.io.max_record);
    if (merge != NULL)
        status = shuffle(merge);
    stream_merge_close(merge);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
