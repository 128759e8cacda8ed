#include "report/report.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

void report_init(struct report *report, size_t mistakes)
{
    *report = (struct report){0};
    mistakes_init(&report->mistakes, mistakes);
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->source_count; i++) {
        free(report->sources[i].name);
        stream_header_free(&report->sources[i].header);
    }
    free(report->sources);
    runs_free(&report->runs);
    lengths_free(&report->lengths);
    eval_report_free(&report->eval);
    if (report->has_predictions) {
        predictions_free(&report->predictions);
        stream_header_free(&report->predictions_header);
    }
    mistakes_free(&report->mistakes);
}

/* A source's first segment of a type begins a run, and so on; its later ones go on with it. */
static bool begin_source(struct report *report, const char *name,
                         const struct stream_header *header)
{
    struct report_source *last =
        report->source_count ? &report->sources[report->source_count - 1] : NULL;
    if (last && strcmp(last->name, name) == 0 && last->header.type == header->type)
        return false;
    mem_grow(&report->sources, &report->source_capacity, report->source_count + 1,
             sizeof *report->sources);
    last = &report->sources[report->source_count++];
    *last = (struct report_source){.name = mem_strdup(name)};
    stream_header_copy(&last->header, header);
    return true;
}

static int begin_predictions(struct report *report, const char *source,
                             const struct stream_header *header)
{
    if (report->has_predictions)
        return stream_header_agree(&report->predictions_header, header, source);
    stream_header_copy(&report->predictions_header, header);
    report->has_predictions = true;
    return predictions_init(&report->predictions, &report->predictions_header, source);
}

static int begin_segment(struct report *report, struct stream_reader *reader)
{
    const struct stream_header *header = stream_reader_header(reader);
    const char *source = stream_reader_source(reader);
    bool first = begin_source(report, source, header);
    switch (header->type) {
    case STREAM_METRICS:
        if (first)
            runs_begin(&report->runs, source);
        return 0;
    case STREAM_TOKENS:
        if (first)
            lengths_begin(&report->lengths, source);
        return 0;
    case STREAM_PREDICTIONS:
        return begin_predictions(report, source, header);
    case STREAM_TEXT:
        break;
    }
    return diag_error("%s: a text stream; a report shows metrics, predictions and tokens", source);
}

static int add_prediction(struct report *report, const struct rec_prediction *prediction,
                          const char *place)
{
    report->predicted++;
    if (prediction->gold.kind == LABEL_NONE) {
        report->unlabelled++;
        return 0;
    }
    if (predictions_add(&report->predictions, prediction, place))
        return -1;
    report->texts += prediction->text.data != NULL;
    mistakes_add(&report->mistakes, &report->predictions, prediction);
    return 0;
}

static int add_record(struct report *report, struct stream_reader *reader)
{
    const struct stream_record *record = stream_reader_record(reader);
    report->sources[report->source_count - 1].records++;
    switch (record->type) {
    case STREAM_METRICS:
        runs_add(&report->runs, &record->metrics);
        return 0;
    case STREAM_TOKENS:
        lengths_add(&report->lengths, &record->tokens);
        return 0;
    case STREAM_PREDICTIONS:
        return add_prediction(report, &record->prediction, stream_reader_place(reader));
    case STREAM_TEXT:
        break;
    }
    return 0;
}

static void compute(struct report *report)
{
    if (!report->has_predictions || report->predictions.outcomes.count == 0)
        return;
    report->eval = (struct eval_report){
        .outcomes = &report->predictions.outcomes,
        .names = report->predictions.names.names,
        .options = SUMMARY_OPTIONS_DEFAULT,
    };
    eval_report_compute(&report->eval, NULL, NULL, NULL);
}

int report_read(struct report *report, struct stream_reader *reader)
{
    enum stream_event event;
    stream_reader_require_parts(reader, PARTS_COMPLETE);
    while ((event = stream_reader_next(reader)) > STREAM_EOF)
        if ((event == STREAM_HEADER && begin_segment(report, reader)) ||
            (event == STREAM_RECORD && add_record(report, reader)))
            return -1;
    if (event == STREAM_FAILED)
        return -1;
    compute(report);
    return 0;
}
