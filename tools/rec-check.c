/* rec-check: is this record stream whole, and what is in it? */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "stream/options.h"
#include "stream/reader.h"
#include "stream/text_form.h"

static struct {
    bool partial;
    struct stream_io io;
} options;

/* clang-format off */
static const struct option_row rows[] = {
    STREAM_OPTION_PARTIAL(options.partial),
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-check",
    .summary = "Verifies record streams and prints header, history and counts of each segment.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-check train.mp test.mp",
    .rows = rows,
    .operands_max = -1,
};

/* What one segment holds. */
struct counts {
    uint64_t records, bytes, labelled;
    uint64_t tokens, longest, cut_records, cut_tokens;
};

static void count_label(struct counts *counts, const struct rec_label *label)
{
    counts->labelled += label->kind != LABEL_NONE;
}

static void count_record(struct counts *counts, const struct stream_record *record, size_t bytes)
{
    counts->records++;
    counts->bytes += bytes;
    if (record->type == STREAM_TEXT)
        count_label(counts, &record->text.label);
    if (record->type == STREAM_PREDICTIONS)
        count_label(counts, &record->prediction.gold);
    if (record->type == STREAM_TOKENS) {
        uint64_t tokens = rec_token_count(&record->tokens);

        count_label(counts, &record->tokens.label);
        counts->tokens += tokens;
        counts->longest = tokens > counts->longest ? tokens : counts->longest;
        counts->cut_records += record->tokens.cut > 0;
        counts->cut_tokens += record->tokens.cut;
    }
}

static void print_name(struct buffer *out, const char *name)
{
    buffer_format(out, "  %-11s ", name);
}

static void print_labels(struct buffer *out, const struct stream_header *header)
{
    const size_t most = 20;

    print_name(out, "labels");
    buffer_format(out, "%zu:", header->label_count);
    for (size_t i = 0; i < header->label_count && i < most; i++) {
        buffer_append_char(out, ' ');
        text_show(out, rec_span_of(header->labels[i]));
    }
    buffer_append_string(out, header->label_count > most ? " ...\n" : "\n");
}

static void print_tokenizer(struct buffer *out, const struct stream_tokenizer *tokenizer)
{
    print_name(out, "tokenizer");
    text_show(out, rec_span_of(tokenizer->kind != NULL ? tokenizer->kind : "unnamed"));
    buffer_format(out, ", %" PRIu64 " tokens, at most %" PRIu64 " a record, ",
                  tokenizer->vocab_size, tokenizer->max_length);
    text_show(out, rec_span_of(tokenizer->digest));
    buffer_append_char(out, '\n');
}

static void print_history(struct buffer *out, const struct stream_header *header)
{
    for (size_t i = 0; i < header->history_count; i++) {
        const struct stream_history_entry *entry = &header->history[i];

        print_name(out, i == 0 ? "history" : "");
        text_show(out, rec_span_of(entry->tool));
        buffer_append_char(out, ' ');
        text_show(out, rec_span_of(entry->version));
        for (size_t j = 0; j < entry->option_count; j++) {
            buffer_append_char(out, ' ');
            text_show(out, rec_span_of(entry->options[j].key));
            buffer_append_char(out, '=');
            text_show(out, rec_span_of(entry->options[j].value));
        }
        buffer_append_char(out, '\n');
    }
}

static void print_header(struct buffer *out, const struct stream_header *header)
{
    print_name(out, "type");
    buffer_format(out, "%s\n", stream_type_name(header->type));
    if (header->problem != STREAM_PROBLEM_NONE) {
        print_name(out, "problem");
        buffer_format(out, "%s\n", stream_problem_name(header->problem));
    }
    if (header->has_labels)
        print_labels(out, header);
    if (header->part.present) {
        print_name(out, "part");
        buffer_format(out, "%" PRIu64 " of %" PRIu64 " of set ", header->part.k, header->part.n);
        text_show(out, rec_span_of(header->part.set));
        buffer_append_char(out, '\n');
    }
    if (header->model.name != NULL) {
        print_name(out, "model");
        text_show(out, rec_span_of(header->model.name));
        buffer_append_char(out, ' ');
        text_show(out, rec_span_of(header->model.digest));
        buffer_append_char(out, '\n');
    }
    if (header->tokenizer.digest != NULL)
        print_tokenizer(out, &header->tokenizer);
    print_history(out, header);
}

static void print_counts(struct buffer *out, const struct stream_header *header,
                         const struct counts *counts)
{
    print_name(out, "records");
    buffer_format(out, "%" PRIu64 ", %" PRIu64 " bytes\n", counts->records, counts->bytes);
    if (header->type != STREAM_METRICS) {
        print_name(out, "labelled");
        buffer_format(out, "%" PRIu64 "\n", counts->labelled);
    }
    if (header->type != STREAM_TOKENS)
        return;
    print_name(out, "tokens");
    buffer_format(out, "%" PRIu64 ", %.1f a record, at most %" PRIu64 "\n", counts->tokens,
                  counts->records > 0 ? (double)counts->tokens / (double)counts->records : 0.0,
                  counts->longest);
    print_name(out, "cut");
    buffer_format(out, "%" PRIu64 " records lost %" PRIu64 " tokens\n", counts->cut_records,
                  counts->cut_tokens);
}

/* The report on a segment that is whole. */
static int report(struct output *output, struct stream_reader *reader, uint64_t number,
                  const struct counts *counts)
{
    struct buffer text = {0};
    int status;

    buffer_format(&text, "%s: segment %" PRIu64 "\n", stream_reader_source(reader), number);
    print_header(&text, stream_reader_header(reader));
    print_counts(&text, stream_reader_header(reader), counts);
    status = output_write(output, text.data, text.size);
    buffer_free(&text);
    return status;
}

static int report_all(struct stream_reader *reader, struct output *output)
{
    struct counts counts = {0};
    uint64_t segments = 0;
    int status = 0;

    while (status == 0) {
        enum stream_event event = stream_reader_next(reader);

        if (event == STREAM_EOF)
            break;
        if (event == STREAM_FAILED) {
            status = -1;
        } else if (event == STREAM_HEADER) {
            counts = (struct counts){0};
        } else if (event == STREAM_RECORD) {
            count_record(&counts, stream_reader_record(reader), stream_reader_raw(reader).size);
        } else if (diag_get_level() > DIAG_QUIET) {
            status = report(output, reader, ++segments, &counts);
        }
    }
    return status;
}

static int check(struct stream_reader *reader)
{
    struct output output;

    if (output_open(&output, options.io.output) != 0)
        return -1;
    stream_reader_require_parts(reader, options.partial ? PARTS_ANY : PARTS_COMPLETE);
    if (report_all(reader, &output) == 0)
        return output_commit(&output);
    output_abandon(&output);
    return -1;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct stream_reader *reader =
        stream_reader_open(files.items, files.count, options.io.max_record);
    int status = reader != NULL ? check(reader) : -1;

    stream_reader_close(reader);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
