/* bert-report: a run, its predictions and its data as one HTML page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/place.h"
#include "cli/signals.h"
#include "report/page.h"
#include "stream/options.h"

static struct {
    const char *title, *svg, *png;
    uint64_t mistakes;
    struct stream_io io;
} options = {.mistakes = 20};

/* clang-format off */
static const struct option_row rows[] = {
    STREAM_OPTION_OUTPUT(options.io),
    {0, "title", .kind = OPTION_STRING, .target = &options.title, .argument = "TEXT",
     .help = "the page's title"},
    {0, "mistakes", .kind = OPTION_UNSIGNED, .target = &options.mistakes, .argument = "N",
     .maximum = 10000, .help = "how many of the most confident mistakes to show"},
    {0, "svg", .kind = OPTION_STRING, .target = &options.svg, .argument = "FOLDER",
     .help = "also write each chart into FOLDER as an SVG file"},
    {0, "png", .kind = OPTION_STRING, .target = &options.png, .argument = "FOLDER",
     .help = "also write each chart into FOLDER as a PNG file"},
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "bert-report",
    .summary = "show a run, its predictions and its data as one HTML page",
    .usage = "[OPTION]... [FILE]...",
    .example = "bert-report -o report.html metrics.mp predictions.mp test.mp",
    .rows = rows,
    .operands_max = -1,
};

/* The page, then the charts: all are put in place, or none. */
struct files {
    size_t count;
    char **paths; /* NULL: standard output */
    struct output *outputs;
};

/* A new one is the last of outputs. path: "-" or NULL for standard output. */
static int files_open(struct files *files, const char *path)
{
    size_t count = files->count + 1;
    files->paths = mem_realloc_array(files->paths, count, sizeof *files->paths);
    files->outputs = mem_realloc_array(files->outputs, count, sizeof *files->outputs);
    if (output_open(&files->outputs[files->count], path))
        return -1;
    files->paths[files->count++] = path ? mem_strdup(path) : NULL;
    return 0;
}

static int files_commit(const struct files *files)
{
    size_t first, second;
    int found = place_find_same((const char *const *)files->paths, files->count, &first, &second);
    if (found > 0)
        options_usage_error("'%s' and '%s' are the same file", files->paths[first],
                            files->paths[second]);
    return found ? -1 : output_commit_all(files->outputs, files->count);
}

static void files_free(struct files *files)
{
    for (size_t i = 0; i < files->count; i++) {
        output_abandon(&files->outputs[i]);
        free(files->paths[i]);
    }
    free(files->paths);
    free(files->outputs);
}

static int write_chart(const struct chart *chart, enum chart_form form, const char *path,
                       struct files *files)
{
    struct buffer picture = {0};
    int result = chart_draw(chart, form, &picture);
    if (result == 0)
        result = files_open(files, path);
    if (result == 0)
        result = output_write(&files->outputs[files->count - 1], picture.data, picture.size);
    buffer_free(&picture);
    return result;
}

/* Each chart as FOLDER/NAME.ENDING. */
static int write_charts(const struct report_charts *charts, const char *folder,
                        enum chart_form form, const char *ending, struct files *files)
{
    int result = 0;
    if (mkdir(folder, 0777) == 0)
        signals_remove_later(folder); /* as long as it is empty */
    else if (errno != EEXIST)
        return diag_errno(errno, "%s: cannot create", folder);
    for (size_t i = 0; i < charts->count && result == 0; i++) {
        char *path = mem_format("%s/%s.%s", folder, charts->items[i].name, ending);
        result = write_chart(&charts->items[i], form, path, files);
        free(path);
    }
    return result;
}

static int write_report(const struct report *report, struct files *files)
{
    struct report_charts charts;
    struct buffer page = {0};
    report_charts_make(report, &charts);
    int result = page_make(report, &charts, options.title, &page);
    if (result == 0 && options.svg)
        result = write_charts(&charts, options.svg, CHART_SVG, "svg", files);
    if (result == 0 && options.png)
        result = write_charts(&charts, options.png, CHART_PNG, "png", files);
    if (result == 0)
        result = output_write(&files->outputs[0], page.data, page.size);
    if (result == 0)
        result = files_commit(files);
    if (result == 0)
        diag_note("%zu chart%s, %zu mistake%s, %.0f KB", charts.count, charts.count == 1 ? "" : "s",
                  report->mistakes.count, report->mistakes.count == 1 ? "" : "s",
                  (double)page.size / 1e3);
    buffer_free(&page);
    report_charts_free(&charts);
    return result;
}

static int run(const struct option_operands *operands)
{
    struct report report;
    struct files files = {0};
    struct stream_reader *reader =
        stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (!reader)
        return -1;
    report_init(&report, options.mistakes);
    int result = files_open(&files, options.io.output);
    if (result == 0)
        result = report_read(&report, reader);
    if (result == 0)
        result = write_report(&report, &files);
    files_free(&files);
    report_free(&report);
    stream_reader_close(reader);
    return result;
}

int main(int argc, char **argv)
{
    struct option_operands operands = options_parse(&program, argc, argv);
    return output_finish_stdout(run(&operands) == 0 ? 0 : 1);
}
