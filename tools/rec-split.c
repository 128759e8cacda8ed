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
    for (size_t i = 0; i < options.outputs.count; i++)
        for (size_t j = 0; j < i; j++)
            if (output_is_same(options.outputs.items[i], options.outputs.items[j]))
                options_usage_error("-o: '%s' and '%s' are the same file", options.outputs.items[j],
                                    options.outputs.items[i]);
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

/* All are written before any is put in its place. */
struct part {
    char *path;
    struct stream_writer *writer; /* NULL: not begun, or finished */
    struct output *output;        /* the file, when it is finished */
};

static int part_finish(struct part *part)
{
    int status = stream_writer_finish(part->writer, part->output);

    part->writer = NULL;
    return status;
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

static int part_begin(struct part *part, const struct stream_header *source, size_t number,
                      const char *set)
{
    struct stream_header header;
    int status;

    part->writer = stream_writer_open(part->path, FORM_MSGPACK);
    if (part->writer == NULL)
        return -1;
    stream_writer_limit(part->writer, options.io.max_record);
    stream_header_copy(&header, source);
    if (options.ratio == NULL) {
        stream_header_set_part(&header, number + 1, options.parts, set);
    } else {
        stream_header_clear_part(&header);
        end_history(&header, number);
    }
    status = stream_writer_begin(part->writer, &header);
    stream_header_free(&header);
    return status;
}

/* Consecutive groups, one part after the other. The parts differ by at most one group in length,
 * the longer ones first. */
static int write_numbered(const struct stream_spool *spool, struct stream_reader *reader,
                          struct part *parts)
{
    struct stream_groups groups = {0};
    char set[32];
    int status = 0;

    snprintf(set, sizeof set, "%016" PRIx64, spool->hash);
    for (uint64_t i = 0, end = 0; i < options.parts && status == 0; i++) {
        end += spool->groups / options.parts + (i < spool->groups % options.parts);
        status = part_begin(&parts[i], stream_reader_header(reader), i, set);
        while (status == 0 && (groups.count < end || !stream_groups_complete(&groups)))
            if (stream_reader_next(reader) != STREAM_RECORD ||
                stream_groups_add(&groups, reader) < 0 ||
                stream_writer_raw(parts[i].writer, stream_reader_raw(reader)) != 0)
                status = -1;
        if (status == 0)
            status = stream_writer_end(parts[i].writer);
        if (status == 0)
            status = part_finish(&parts[i]);
    }
    stream_groups_free(&groups);
    return status;
}

/* part_of: [groups] */
static int write_shares(struct stream_reader *reader, const uint8_t *part_of, struct part *parts)
{
    struct stream_groups groups = {0};
    enum stream_event event = STREAM_RECORD;
    int status = 0;

    for (size_t i = 0; i < options.plan.parts && status == 0; i++)
        status = part_begin(&parts[i], stream_reader_header(reader), i, NULL);
    while (status == 0 && (event = stream_reader_next(reader)) == STREAM_RECORD) {
        status = stream_groups_add(&groups, reader) < 0 ? -1 : 0;
        if (status == 0)
            status = stream_writer_raw(parts[part_of[groups.count - 1]].writer,
                                       stream_reader_raw(reader));
    }
    for (size_t i = 0; i < options.plan.parts && status == 0; i++)
        status = stream_writer_end(parts[i].writer);
    stream_groups_free(&groups);
    return event == STREAM_FAILED ? -1 : status;
}

/* PREFIX-03-of-16.mp: names sort as the parts do. outputs: one for each part. */
static void name_parts(struct part *parts, struct output *outputs, size_t count)
{
    const char *prefix = options.outputs.count > 0 ? options.outputs.items[0] : "part";
    int digits = snprintf(NULL, 0, "%" PRIu64, options.parts);

    for (uint64_t i = 0; i < options.parts; i++)
        parts[i].path =
            mem_format("%s-%0*" PRIu64 "-of-%" PRIu64 ".mp", prefix, digits, i + 1, options.parts);
    for (size_t i = 0; i < options.plan.parts; i++)
        parts[i].path = mem_strdup(options.outputs.items[i]);
    for (size_t i = 0; i < count; i++)
        parts[i].output = &outputs[i];
}

static int commit_parts(struct part *parts, struct output *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (parts[i].writer != NULL && part_finish(&parts[i]) != 0)
            return -1;
    if (output_commit_all(outputs, count) != 0)
        return -1;
    for (size_t i = 0; options.ratio == NULL && i < count; i++)
        printf("%s\n", parts[i].path);
    return 0;
}

static void free_parts(struct part *parts, struct output *outputs, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stream_writer_close(parts[i].writer, false);
        output_abandon(&outputs[i]);
        free(parts[i].path);
    }
    free(parts);
    free(outputs);
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

static int write_parts(const struct stream_spool *spool, const struct strata *strata)
{
    struct stream_reader *reader = stream_spool_open(spool, options.io.max_record);
    size_t count = options.ratio != NULL ? options.plan.parts : options.parts,
           sizes[PARTITION_MAX_PARTS];
    struct part *parts = mem_calloc(count, sizeof *parts);
    struct output *outputs = mem_calloc(count, sizeof *outputs);
    uint8_t *part_of = NULL;
    int status = reader != NULL ? 0 : -1;

    name_parts(parts, outputs, count);
    if (status == 0 && options.ratio != NULL) {
        part_of = mem_calloc(spool->groups, 1);
        partition_assign(&options.plan, strata->of, strata->names.count, spool->groups, part_of,
                         sizes);
        status = write_shares(reader, part_of, parts);
    } else if (status == 0) {
        status = write_numbered(spool, reader, parts);
    }
    if (status == 0)
        status = commit_parts(parts, outputs, count);
    if (status == 0)
        report(spool, sizes);
    free_parts(parts, outputs, count);
    stream_reader_close(reader);
    free(part_of);
    return status;
}

/* Beside the first output, if that is a file. */
static const char *spool_place(void)
{
    const char *output = options.outputs.count > 0 ? options.outputs.items[0] : "part";

    return strcmp(output, "-") != 0 ? output : "rec-split";
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_spool spool = {0};
    struct strata strata = {0};
    struct stream_merge *merge;
    int status = -1;

    check_options();
    merge = stream_merge_open_any(files.items, files.count, options.io.max_record);
    if (merge != NULL) {
        if (options.partial)
            stream_reader_require_parts(stream_merge_reader(merge), PARTS_ANY);
        status = stream_spool_fill(&spool, spool_place(), merge, options.io.max_record,
                                   options.stratify ? add_stratum : NULL, &strata);
    }
    stream_merge_close(merge);
    if (status == 0)
        status = write_parts(&spool, &strata);
    stream_spool_free(&spool);
    string_index_free(&strata.names);
    buffer_free(&strata.name);
    free(strata.of);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
