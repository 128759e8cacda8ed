/* rec-split: a stream as N numbered parts, or divided by a ratio. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/place.h"
#include "cli/string_index.h"
#include "data/partition.h"
#include "stream/groups.h"
#include "stream/options.h"
#include "stream/spool.h"
#include "stream/text_form.h"

static struct {
    uint64_t parts;
    const char *ratio;
    struct option_list outputs;
    bool stratify, partial;
    struct partition_plan plan;
    struct stream_io io;
} options = {.plan = {.seed = 42}};

/* clang-format off */
static const struct option_row rows[] = {
    {'n', "parts", .kind = OPTION_UNSIGNED, .target = &options.parts, .argument = "N", .minimum = 1, .maximum = 9999, .help = "number of parts"},
    {'r', "ratio", .kind = OPTION_STRING, .target = &options.ratio, .argument = "A:B...",
     .help = "instead of -n: at random, in shares such as 9:1 or 0.8,0.1,0.1"},
    {'o', "output", .kind = OPTION_LIST, .target = &options.outputs, .argument = "NAME",
     .help = "with -n: part K is NAME-K-of-N.mp (part); with -r: the next share's file"},
    {0, "stratify", .kind = OPTION_FLAG, .target = &options.stratify,
     .help = "with -r: the shares hold for the records of each label"},
    {'s', "seed", .kind = OPTION_UNSIGNED, .target = &options.plan.seed,
     .argument = "N",
     .help = "with -r: who goes where follows from it and the records' number"},
    {0, "in-order", .kind = OPTION_FLAG, .target = &options.plan.in_order,
     .help = "with -r: not at random, but the first records to the first share"},
    STREAM_OPTION_PARTIAL(options.partial),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-split",
    .summary = "Writes a stream as N parts of consecutive records, or divides it by a ratio.",
    .usage = "-n N | -r A:B... -o FILE -o FILE... [OPTION]... [FILE]...",
    .example = "rec-split -r 9:1 --stratify -o train.mp -o dev.mp reviews.mp",
    .rows = rows,
    .operands_max = -1,
};

static void check_ratio(void)
{
    const char *reason = partition_parse_ratio(&options.plan, options.ratio);

    if (reason != NULL)
        options_usage_error("--ratio: '%s' %s", options.ratio, reason);
    if (options.outputs.count != options.plan.parts)
        options_usage_error("--ratio has %zu shares, but -o names %zu files", options.plan.parts,
                            options.outputs.count);
    if (options_given(&options.plan.seed) && options.plan.in_order)
        options_usage_error("--seed and --in-order exclude each other");
}

static void check_options(void)
{
    if (options_given(&options.parts) == (options.ratio != NULL))
        options_usage_error(options_given(&options.parts) ? "-n and --ratio exclude each other"
                                                          : "-n is missing: the number of parts");
    if (options.ratio != NULL)
        check_ratio();
    else if (options.stratify || options_given(&options.plan.seed) || options.plan.in_order)
        options_usage_error("--stratify, --seed and --in-order are for --ratio");
    else if (options.outputs.count > 1)
        options_usage_error("-n takes one -o");
}

/* What becomes of the stream: all are written before any is put in its place. Each [count]. */
struct parts {
    size_t count;
    char **paths;
    struct stream_writer **writers; /* NULL: not begun, or finished */
    struct output *outputs;         /* those that are finished */
};

/* PREFIX-03-of-16.mp: names sort as the parts do. */
static char *part_path(size_t number)
{
    const char *prefix = options.outputs.count > 0 ? options.outputs.items[0] : "part";
    int digits = snprintf(NULL, 0, "%" PRIu64, options.parts);

    if (options.ratio != NULL)
        return mem_strdup(options.outputs.items[number]);
    return mem_format("%s-%0*zu-of-%" PRIu64 ".mp", prefix, digits, number + 1, options.parts);
}

static void parts_init(struct parts *parts)
{
    size_t count = options.ratio != NULL ? options.plan.parts : options.parts;

    *parts = (struct parts){
        .count = count,
        .paths = mem_calloc(count, sizeof *parts->paths),
        .writers = mem_calloc(count, sizeof *parts->writers),
        .outputs = mem_calloc(count, sizeof *parts->outputs),
    };
    for (size_t i = 0; i < count; i++)
        parts->paths[i] = part_path(i);
}

/* Each must have a place of its own. */
static int parts_check(const struct parts *parts)
{
    size_t first, second;
    int found = place_find_same((const char *const *)parts->paths, parts->count, &first, &second);

    if (found > 0)
        options_usage_error("-o: '%s' and '%s' are the same file", parts->paths[first],
                            parts->paths[second]);
    return found;
}

static int parts_commit(struct parts *parts)
{
    if (output_commit_all(parts->outputs, parts->count) != 0)
        return -1;
    for (size_t i = 0; options.ratio == NULL && i < parts->count; i++)
        printf("%s\n", parts->paths[i]);
    return 0;
}

static void parts_free(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        stream_writer_close(parts->writers[i], false);
        output_abandon(&parts->outputs[i]);
        free(parts->paths[i]);
    }
    free(parts->paths);
    free(parts->writers);
    free(parts->outputs);
}

static int part_finish(struct parts *parts, size_t number)
{
    struct stream_writer *writer = parts->writers[number];

    if (stream_writer_end(writer) != 0)
        return -1;
    parts->writers[number] = NULL;
    return stream_writer_finish(writer, &parts->outputs[number]);
}

static void end_history(struct stream_header *header, size_t number)
{
    stream_history_append(header, program.name);
    stream_history_option(header, "ratio", "%s", options.ratio);
    stream_history_option(header, "share", "%zu", number + 1);
    stream_history_option(header, "stratify", "%s", options.stratify ? "true" : "false");
    if (options.plan.in_order)
        stream_history_option(header, "in-order", "true");
    else
        stream_history_option(header, "seed", "%" PRIu64, options.plan.seed);
}

static int part_begin(struct parts *parts, const struct stream_header *source, size_t number,
                      const char *set)
{
    struct stream_writer *writer = stream_writer_open(parts->paths[number], FORM_MSGPACK);
    struct stream_header header;
    int status;

    if (writer == NULL)
        return -1;
    parts->writers[number] = writer;
    stream_writer_limit(writer, options.io.max_record);
    stream_header_copy(&header, source);
    if (options.ratio == NULL) {
        stream_header_set_part(&header, number + 1, options.parts, set);
    } else {
        stream_header_clear_part(&header);
        end_history(&header, number);
    }
    status = stream_writer_begin(writer, &header);
    stream_header_free(&header);
    return status;
}

/* Consecutive groups, one part after the other. The parts differ by at most one group in length,
 * the longer ones first. */
static int write_numbered(const struct stream_spool *spool, struct stream_reader *reader,
                          struct parts *parts)
{
    struct stream_groups groups = {0};
    char set[32];
    int status = 0;

    snprintf(set, sizeof set, "%016" PRIx64, spool->hash);
    for (uint64_t i = 0, end = 0; i < options.parts && status == 0; i++) {
        end += spool->groups / options.parts + (i < spool->groups % options.parts);
        status = part_begin(parts, stream_reader_header(reader), i, set);
        while (status == 0 && (groups.count < end || !stream_groups_complete(&groups)))
            if (stream_reader_next(reader) != STREAM_RECORD ||
                stream_groups_add(&groups, reader) < 0 ||
                stream_writer_raw(parts->writers[i], stream_reader_raw(reader)) != 0)
                status = -1;
        if (status == 0)
            status = part_finish(parts, i);
    }
    stream_groups_free(&groups);
    return status;
}

/* part_of: [groups] */
static int write_shares(struct stream_reader *reader, const uint8_t *part_of, struct parts *parts)
{
    struct stream_groups groups = {0};
    enum stream_event event = STREAM_RECORD;
    int status = 0;

    for (size_t i = 0; i < options.plan.parts && status == 0; i++)
        status = part_begin(parts, stream_reader_header(reader), i, NULL);
    while (status == 0 && (event = stream_reader_next(reader)) == STREAM_RECORD) {
        status = stream_groups_add(&groups, reader) < 0 ? -1 : 0;
        if (status == 0)
            status = stream_writer_raw(parts->writers[part_of[groups.count - 1]],
                                       stream_reader_raw(reader));
    }
    for (size_t i = 0; i < options.plan.parts && status == 0; i++)
        status = part_finish(parts, i);
    stream_groups_free(&groups);
    return event == STREAM_FAILED ? -1 : status;
}

/* The label of each group, as a number. */
struct strata {
    struct string_index names;
    uint32_t *of; /* [count] */
    size_t count, capacity;
    struct buffer name;
};

static int add_stratum(void *context, struct stream_merge *merge,
                       const struct stream_record *record)
{
    struct strata *strata = context;
    const struct rec_label *label = stream_record_label(record);

    if (label == NULL || label->kind == LABEL_FLOAT)
        return diag_error("%s: --stratify needs labels that are classes",
                          stream_reader_place(stream_merge_reader(merge)));
    strata->name.size = 0;
    stream_label_name(&strata->name, stream_merge_header(merge), label);
    mem_grow(&strata->of, &strata->capacity, strata->count + 1, sizeof *strata->of);
    strata->of[strata->count++] = (uint32_t)string_index_add(
        &strata->names, buffer_string(&strata->name), strata->name.size, NULL);
    return 0;
}

static void report(const struct stream_spool *spool, const size_t *sizes)
{
    struct buffer text = {0};

    for (size_t i = 0; i < options.plan.parts; i++)
        buffer_format(&text, "%s%s: %zu", i > 0 ? ", " : "", options.outputs.items[i], sizes[i]);
    if (options.ratio != NULL)
        diag_note("%s records", buffer_string(&text));
    else
        diag_note("%" PRIu64 " records in %" PRIu64 " parts", spool->groups, options.parts);
    buffer_free(&text);
}

static int write_parts(const struct stream_spool *spool, const struct strata *strata,
                       struct parts *parts)
{
    struct stream_reader *reader = stream_spool_open(spool, options.io.max_record);
    size_t sizes[PARTITION_MAX_PARTS];
    uint8_t *part_of = NULL;
    int status = reader != NULL ? 0 : -1;

    if (status == 0 && options.ratio != NULL) {
        part_of = mem_calloc(spool->groups, 1);
        partition_assign(&options.plan, strata->of, strata->names.count, spool->groups, part_of,
                         sizes);
        status = write_shares(reader, part_of, parts);
    } else if (status == 0) {
        status = write_numbered(spool, reader, parts);
    }
    if (status == 0)
        status = parts_commit(parts);
    if (status == 0)
        report(spool, sizes);
    stream_reader_close(reader);
    free(part_of);
    return status;
}

/* Where the stream waits: beside the first output that is a file, or here. */
static char *spool_place(const struct parts *parts)
{
    char *path = NULL;

    for (size_t i = 0; i < parts->count && path == NULL; i++) {
        struct place place;

        if (place_find(&place, parts->paths[i]) != 0)
            return NULL;
        if (place.kind == PLACE_FILE)
            path = mem_strdup(place.path);
        place_free(&place);
    }
    return path != NULL ? path : mem_strdup(program.name);
}

static int split(const struct option_operands *files, struct parts *parts)
{
    struct stream_spool spool = {0};
    struct strata strata = {0};
    struct stream_merge *merge = NULL;
    char *beside = spool_place(parts);
    int status = -1;

    if (beside != NULL)
        merge = stream_merge_open_any(files->items, files->count, options.io.max_record);
    if (merge != NULL) {
        if (options.partial)
            stream_reader_require_parts(stream_merge_reader(merge), PARTS_ANY);
        status = stream_spool_fill(&spool, beside, merge, options.io.max_record,
                                   options.stratify ? add_stratum : NULL, &strata);
    }
    stream_merge_close(merge);
    if (status == 0)
        status = write_parts(&spool, &strata, parts);
    stream_spool_free(&spool);
    string_index_free(&strata.names);
    buffer_free(&strata.name);
    free(strata.of);
    free(beside);
    return status;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct parts parts;
    int status;

    check_options();
    parts_init(&parts);
    status = parts_check(&parts);
    if (status == 0)
        status = split(&files, &parts);
    parts_free(&parts);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
