/* bert-report: a run, its predictions and its data as one HTML page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "cli/output.h"
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

static int write_file(const char *path, const struct buffer *data)
{
    struct output output;
    if (output_open(&output, path))
        return -1;
    if (output_write(&output, data->data, data->size) == 0)
        return output_commit(&output);
    output_abandon(&output);
    return -1;
}

/* Each chart as FOLDER/NAME.ENDING. */
static int write_charts(const struct report_charts *charts, const char *folder,
                        enum chart_form form, const char *ending)
{
    int result = 0;
    if (mkdir(folder, 0777) == 0)
        signals_remove_later(folder); /* as long as it is empty */
    else if (errno != EEXIST)
        return diag_errno(errno, "%s: cannot create", folder);
    for (size_t i = 0; i < charts->count && result == 0; i++) {
        struct buffer picture = {0};
        char *path = mem_format("%s/%s.%s", folder, charts->items[i].name, ending);
        result = chart_draw(&charts->items[i], form, &picture);
        if (result == 0)
            result = write_file(path, &picture);
        buffer_free(&picture);
        free(path);
    }
    return result;
}

static int write_report(const struct report *report, struct output *output)
{
    struct report_charts charts;
    struct buffer page = {0};
    report_charts_make(report, &charts);
    int result = page_make(report, &charts, options.title, &page);
    if (result == 0 && options.svg)
        result = write_charts(&charts, options.svg, CHART_SVG, "svg");
    if (result == 0 && options.png)
        result = write_charts(&charts, options.png, CHART_PNG, "png");
    if (result == 0)
        result = output_write(output, page.data, page.size);
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
    struct output output;
    struct stream_reader *reader =
        stream_reader_open(operands->items, operands->count, options.io.max_record);
    if (!reader)
        return -1;
    if (output_open(&output, options.io.output)) {
        stream_reader_close(reader);
        return -1;
    }
    report_init(&report, options.mistakes);
    int result = report_read(&report, reader);
    if (result == 0)
        result = write_report(&report, &output);
    if (result == 0)
        result = output_commit(&output);
    else
        output_abandon(&output);
    report_free(&report);
    stream_reader_close(reader);
    return result;
}

int main(int argc, char **argv)
{
    struct option_operands operands = options_parse(&program, argc, argv);
    return output_finish_stdout(run(&operands) == 0 ? 0 : 1);
}
