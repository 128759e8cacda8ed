/* rec-load: lines, TSV, CSV or JSON lines as a text stream. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/string_index.h"
#include "data/labels.h"
#include "stream/load.h"
#include "stream/options.h"

enum invalid { INVALID_ERROR, INVALID_REPLACE };
static const char *const invalid_names[] = {"error", "replace", NULL};

static struct {
    struct load_options load;
    const char *labels;
    int format, invalid, problem;
    struct stream_io io;
} options = {.load = {.id = {.name = "id"},
                      .text = {.name = "text"},
                      .pair = {.name = "pair"},
                      .label = {.name = "label"},
                      .tool = "rec-load"}};

static struct label_set labels; /* of --labels */

#define FIELD(field) .kind = OPTION_STRING, .target = &options.load.field.name, .argument = "NAME"

/* clang-format off */
static const struct option_row rows[] = {
    {'F', "from", .kind = OPTION_CHOICE, .target = &options.format, .argument = "FORMAT",
     .choices = load_format_names, .help = "what the input is"},
    {'t', "text-field", FIELD(text), .help = "column or key of the text"},
    {'l', "label-field", FIELD(label), .help = "column or key of the label"},
    {0, "id-field", FIELD(id), .help = "column or key of the id; without one, the line number"},
    {0, "pair-field", FIELD(pair), .help = "column or key of the second text"},
    {0, "no-header", .kind = OPTION_FLAG, .target = &options.load.no_header,
     .help = "TSV and CSV: the first line is data, columns are numbered from 1"},
    {0, "problem", .kind = OPTION_CHOICE, .target = &options.problem, .argument = "KIND",
     .choices = stream_problem_names, .help = "what the labels are; none: as the first record says"},
    {0, "labels", .kind = OPTION_STRING, .target = &options.labels, .argument = "A,B,...",
     .help = "names of the labels in order: labels become ids"},
    {0, "invalid", .kind = OPTION_CHOICE, .target = &options.invalid, .argument = "ACTION",
     .choices = invalid_names, .help = "what to do about invalid UTF-8"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-load",
    .summary = "Reads text files and writes a text stream, one record for each line or row.",
    .usage = "[OPTION]... [FILE]...",
    .example = "rec-load --from csv --text-field review reviews.csv > reviews.mp",
    .rows = rows,
    .operands_max = -1,
};

static void check_options(void)
{
    struct load_field *const fields[] = {&options.load.id, &options.load.text, &options.load.pair,
                                         &options.load.label};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        fields[i]->given = options_given(&fields[i]->name);
    options.load.format = (enum load_format)options.format;
    options.load.problem = (enum stream_problem)options.problem;
    options.load.replace_invalid = options.invalid == INVALID_REPLACE;
    options.load.max_record = options.io.max_record;
    if (options.labels != NULL && label_set_parse(&labels, options.labels) != 0)
        exit(2);
    options.load.labels = labels.names;
    options.load.label_count = labels.count;
    if (options.load.no_header && !options.load.text.given)
        options_usage_error("--no-header needs the number of a column as --text-field");
    if (options.load.format == LOAD_LINES && (options.load.text.given || options.load.label.given ||
                                              options.load.id.given || options.load.pair.given))
        options_usage_error("lines have no fields: name the format with --from tsv, csv or jsonl");
}

/* What a file is called in ids: its name without its folders, for streams hold no paths. */
static const char *name_in_ids(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (strcmp(path, "-") == 0)
        return "standard input";
    return slash != NULL ? slash + 1 : path;
}

/* Several files with one name are numbered in their order. */
static int load_several(struct loader *loader, const struct option_operands *files)
{
    size_t count = (size_t)files->count, *places = mem_calloc(count, sizeof *places);
    size_t *totals = mem_calloc(count, sizeof *totals), *seen = mem_calloc(count, sizeof *seen);
    struct string_index names = {0};
    int status = 0;

    for (size_t i = 0; i < count; i++) {
        const char *name = name_in_ids(files->items[i]);

        places[i] = string_index_add(&names, name, strlen(name), NULL);
        totals[places[i]]++;
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        const char *name = name_in_ids(files->items[i]);
        char *prefix = totals[places[i]] == 1 ? mem_strdup(name)
                                              : mem_format("%s:%zu", name, ++seen[places[i]]);

        status = loader_read(loader, files->items[i], prefix);
        free(prefix);
    }
    string_index_free(&names);
    free(places);
    free(totals);
    free(seen);
    return status;
}

static int load_all(struct loader *loader, const struct option_operands *files)
{
    int status = files->count > 1
                     ? load_several(loader, files)
                     : loader_read(loader, files->count == 1 ? files->items[0] : NULL, NULL);

    return status == 0 ? loader_end(loader) : -1;
}

static int load(const struct option_operands *files)
{
    struct stream_writer *writer =
        stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    struct loader *loader;
    uint64_t count;
    int status;

    if (writer == NULL)
        return -1;
    stream_writer_limit(writer, options.io.max_record);
    loader = loader_new(&options.load, writer);
    status = load_all(loader, files);
    count = stream_writer_total(writer);
    loader_free(loader);
    if (stream_writer_close(writer, status == 0) != 0)
        return -1;
    if (status == 0)
        diag_verbose("%" PRIu64 " records", count);
    return status;
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    int status;

    check_options();
    status = load(&files);
    label_set_free(&labels);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
