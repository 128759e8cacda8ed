/* rec-stat: what is in a stream: lengths, labels, cut and unknown tokens. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/buffer.h"
#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "data/statistics_report.h"
#include "stream/groups.h"
#include "stream/merge.h"
#include "stream/options.h"

static struct {
    uint64_t limit, bins;
    bool histogram, partial;
    struct stream_io io;
} options = {.bins = 20};

/* clang-format off */
static const struct option_row rows[] = {
    {'L', "limit", .kind = OPTION_UNSIGNED, .target = &options.limit, .argument = "N",
     .help = "count records that are longer (0: for tokens, their tokenizer's max_length)"},
    {'H', "histogram", .kind = OPTION_FLAG, .target = &options.histogram,
     .help = "show how many records are how long, too"},
    {0, "bins", .kind = OPTION_UNSIGNED, .target = &options.bins, .argument = "N", .minimum = 1,
     .maximum = 1000, .help = "most bins of the histogram"},
    STREAM_OPTION_PARTIAL(options.partial),
    STREAM_OPTION_OUTPUT(options.io),
    {'f', "form", .kind = OPTION_CHOICE, .target = &options.io.form, .argument = "FORM",
     .choices = stream_form_names, .help = "auto: text; msgpack and tsv: as a metrics stream"},
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-stat",
    .summary = "Tells lengths, labels, cut and unknown tokens of the records of a stream.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-stat --histogram train.mp",
    .rows = rows,
    .operands_max = -1,
};

static size_t most_bins(void)
{
    return options.histogram ? options.bins : 0;
}

static int read_all(struct stream_merge *merge, struct statistics *statistics)
{
    struct stream_reader *reader = stream_merge_reader(merge);
    struct stream_groups groups = {0};
    const struct stream_record *record;
    int found;

    if (stream_merge_header(merge)->type == STREAM_METRICS)
        return diag_error("%s: metrics have neither lengths nor labels",
                          stream_reader_source(reader));
    while ((found = stream_merge_next(merge, &record)) > 0) {
        int begins = stream_groups_add(&groups, reader);

        if (begins < 0) {
            found = -1;
            break;
        }
        statistics_add(statistics, record, begins > 0, stream_groups_complete(&groups));
    }
    if (found == 0)
        found = stream_groups_end(&groups, reader);
    stream_groups_free(&groups);
    return found;
}

static int write_document(const struct statistics *statistics, struct output *output)
{
    struct buffer text = {0};
    int status;

    if (options.io.form == FORM_JSON) {
        json_t *json = statistics_json(statistics, most_bins());
        char *document = json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15));

        buffer_format(&text, "%s\n", document);
        free(document);
        json_decref(json);
    } else {
        statistics_text(statistics, most_bins(), &text);
    }
    status = output_write(output, text.data, text.size);
    buffer_free(&text);
    return status;
}

/* The same figures as one record of a metrics stream, for programs. */
static int write_stream(const struct statistics *statistics, struct stream_writer *writer)
{
    struct stream_record record = {.type = STREAM_METRICS};
    struct stream_header header;
    struct statistic_list list;
    struct rec_value *values;
    int status;

    statistics_list(statistics, most_bins(), &list);
    values = mem_calloc(list.count, sizeof *values);
    for (size_t i = 0; i < list.count; i++)
        values[i] = (struct rec_value){rec_span_of(list.items[i].name), list.items[i].value};
    record.metrics = (struct rec_metrics){.split = rec_span_of("data"),
                                          .time = clock_wall(),
                                          .values = values,
                                          .value_count = list.count};
    stream_header_init(&header, STREAM_METRICS);
    stream_history_append(&header, program.name);
    status = stream_writer_begin(writer, &header);
    if (status == 0)
        status = stream_writer_record(writer, &record);
    if (status == 0)
        status = stream_writer_end(writer);
    stream_header_free(&header);
    statistic_list_free(&list);
    free(values);
    return status;
}

/* Opens the output first, so that a wrong name is told before anything is read. */
static int report_stream(struct stream_merge *merge, struct statistics *statistics)
{
    struct stream_writer *writer =
        stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    int status;

    if (writer == NULL)
        return -1;
    status = read_all(merge, statistics);
    statistics_finish(statistics);
    if (status == 0)
        status = write_stream(statistics, writer);
    return stream_writer_close(writer, status == 0) == 0 ? status : -1;
}

static int report_document(struct stream_merge *merge, struct statistics *statistics)
{
    struct output output;
    int status;

    if (output_open(&output, options.io.output) != 0)
        return -1;
    status = read_all(merge, statistics);
    statistics_finish(statistics);
    if (status == 0)
        status = write_document(statistics, &output);
    if (status == 0)
        return output_commit(&output);
    output_abandon(&output);
    return -1;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_merge *merge =
        stream_merge_open_any(files.items, files.count, options.io.max_record);
    struct statistics statistics;
    int status;

    if (merge == NULL)
        return 1;
    if (options.partial)
        stream_reader_require_parts(stream_merge_reader(merge), PARTS_ANY);
    statistics_init(&statistics, stream_merge_header(merge), options.limit);
    if (options.io.form == FORM_MSGPACK || options.io.form == FORM_TSV)
        status = report_stream(merge, &statistics);
    else
        status = report_document(merge, &statistics);
    statistics_free(&statistics);
    stream_merge_close(merge);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
