/* rec-dump: any record stream as JSON lines, TSV or text. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "stream/options.h"
#include "stream/reader.h"
#include "stream/writer.h"

enum form { DUMP_JSON, DUMP_TSV, DUMP_TEXT };
static const char *const form_names[] = {"json", "tsv", "text", NULL};
static const enum stream_form stream_forms[] = {FORM_JSON, FORM_TSV, FORM_TEXT};

static struct {
    int form;
    bool header, partial;
    struct stream_io io;
} options;

/* clang-format off */
static const struct option_row rows[] = {
    {'f', "form", .kind = OPTION_CHOICE, .target = &options.form, .argument = "FORM",
     .choices = form_names, .help = "how to write the records"},
    {0, "header", .kind = OPTION_FLAG, .target = &options.header,
     .help = "JSON: begin each segment with a line {\"bertpipe\":{...}} that holds its header"},
    STREAM_OPTION_PARTIAL(options.partial),
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-dump",
    .summary = "Writes the records of any stream as lines of JSON, TSV or text.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-dump -f tsv reviews.mp | head",
    .rows = rows,
    .operands_max = -1,
};

static int copy(struct stream_reader *reader, struct stream_writer *writer)
{
    const struct stream_header *header = stream_reader_header(reader);
    int status = 0;

    while (status == 0) {
        switch (stream_reader_next(reader)) {
        case STREAM_FAILED:
            return -1;
        case STREAM_EOF:
            return 0;
        case STREAM_HEADER:
            status = stream_writer_begin(writer, header);
            break;
        case STREAM_RECORD:
            status = stream_writer_record(writer, stream_reader_record(reader));
            break;
        case STREAM_END:
            status = stream_writer_end(writer);
            break;
        }
    }
    return status;
}

static int dump(struct stream_reader *reader)
{
    struct stream_writer *writer =
        stream_writer_open(options.io.output, stream_forms[options.form]);
    int status;

    if (writer == NULL)
        return -1;
    if (options.header)
        stream_writer_show_headers(writer);
    stream_reader_require_parts(reader, options.partial ? PARTS_ANY : PARTS_COMPLETE);
    stream_reader_on_wait(reader, stream_writer_flush_hook, writer);
    status = copy(reader, writer);
    if (status == 0)
        diag_verbose("%" PRIu64 " records", stream_writer_total(writer));
    return stream_writer_close(writer, status == 0) == 0 ? status : -1;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_reader *reader;
    int status = -1;

    if (options.header && options.form != DUMP_JSON)
        options_usage_error("--header is for -f json");
    reader = stream_reader_open(files.items, files.count, options.io.max_record);
    if (reader != NULL)
        status = dump(reader);
    stream_reader_close(reader);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
