/* The report as parts of named values: TSV and metrics streams. */
#include <math.h>
#include <stdlib.h>

#include "cli/clock.h"
#include "cli/memory.h"
#include "stream/text_form.h"
#include "train/eval_report.h"

struct value {
    char *name; /* owned */
    double value;
    struct interval interval; /* NaN: none */
};

struct part {
    char *name; /* owned */
    struct value *values;
    size_t count, capacity;
};

/* Takes a finished part, which is freed by the caller. 0, or -1 with a message. */
typedef int take_part(void *context, const struct part *part);

static const struct interval no_interval = {(double)NAN, (double)NAN};

static void add(struct part *part, char *name, double value, struct interval interval)
{
    mem_grow(&part->values, &part->capacity, part->count + 1, sizeof *part->values);
    part->values[part->count++] = (struct value){name, value, interval};
}

static void add_named(struct part *part, const char *name, double value)
{
    add(part, mem_strdup(name), value, no_interval);
}

static int finish(struct part *part, take_part *take, void *context)
{
    int result = take(context, part);
    for (size_t i = 0; i < part->count; i++)
        free(part->values[i].name);
    free(part->values);
    free(part->name);
    return result;
}

static int give_summary(const struct eval_report *report, take_part *take, void *context)
{
    struct part part = {.name = mem_strdup("eval")};
    double records = (double)report->outcomes->count;
    for (size_t i = 0; i < report->scores.count; i++)
        add(&part, mem_strdup(report->scores.items[i].name), report->scores.items[i].value,
            report->bootstrap ? report->intervals[i] : no_interval);
    add_named(&part, "records", records);
    if (report->seconds > 0) {
        add_named(&part, "tokens", (double)report->tokens);
        add_named(&part, "runtime", report->seconds);
        add_named(&part, "samples_per_second", records / report->seconds);
        add_named(&part, "tokens_per_second", (double)report->tokens / report->seconds);
    }
    return finish(&part, take, context);
}

static const char *const kind_names[] = {
    [OUTCOME_CLASS] = "class",
    [OUTCOME_SET] = "label",
    [OUTCOME_NUMBERS] = "number",
};

static int give_label(const struct eval_report *report, uint32_t label, take_part *take,
                      void *context)
{
    const struct outcomes *outcomes = report->outcomes;
    struct scores scores;
    struct part part = {
        .name = mem_format("eval/%s/%s", kind_names[outcomes->kind], report->names[label])};
    summary_label(report->summary, label, &scores);
    for (size_t i = 0; i < scores.count; i++)
        add_named(&part, scores.items[i].name, scores.items[i].value);
    for (uint32_t j = 0; report->confusion && j < outcomes->labels; j++) {
        uint64_t times = report->confusion[(size_t)label * outcomes->labels + j];
        if (times > 0)
            add(&part, mem_format("predicted/%s", report->names[j]), (double)times, no_interval);
    }
    return finish(&part, take, context);
}

static int give_calibration(const struct eval_report *report, take_part *take, void *context)
{
    struct part part = {.name = mem_strdup("eval/calibration")};
    for (uint32_t i = 0; i < report->options.bins; i++) {
        const struct calibration_bin *bin = &report->bins[i];
        add(&part, mem_format("count/%u", i + 1), bin->count, no_interval);
        add(&part, mem_format("confidence/%u", i + 1), bin->confidence, no_interval);
        add(&part, mem_format("right/%u", i + 1), bin->right, no_interval);
    }
    return finish(&part, take, context);
}

static int give_comparison(const struct eval_report *report, take_part *take, void *context)
{
    const struct eval_comparison *comparison = report->comparison;
    const struct scores *scores = &report->scores;
    struct part part = {.name = mem_strdup("eval/comparison")};
    for (size_t i = 0; i < scores->count; i++)
        add(&part, mem_format("other/%s", scores->items[i].name), comparison->scores.items[i].value,
            report->bootstrap ? comparison->intervals[i] : no_interval);
    for (size_t i = 0; i < scores->count; i++)
        add(&part, mem_format("difference/%s", scores->items[i].name),
            scores->items[i].value - comparison->scores.items[i].value,
            report->bootstrap ? comparison->differences[i] : no_interval);
    if (comparison->tested) {
        add_named(&part, "only_this_right", (double)comparison->mcnemar.first_only);
        add_named(&part, "only_other_right", (double)comparison->mcnemar.second_only);
        add_named(&part, "mcnemar_statistic", comparison->mcnemar.statistic);
        add_named(&part, "mcnemar_p_value", comparison->mcnemar.p_value);
    }
    return finish(&part, take, context);
}

static int give_all(const struct eval_report *report, take_part *take, void *context)
{
    if (give_summary(report, take, context))
        return -1;
    for (uint32_t i = 0; i < report->outcomes->labels; i++)
        if (give_label(report, i, take, context))
            return -1;
    if (report->bins && give_calibration(report, take, context))
        return -1;
    return report->comparison ? give_comparison(report, take, context) : 0;
}

static void append_number(struct buffer *out, double value)
{
    buffer_append_char(out, '\t');
    if (isfinite(value))
        buffer_format(out, "%.15g", value);
}

static int append_part(void *context, const struct part *part)
{
    struct buffer *out = context;
    for (size_t i = 0; i < part->count; i++) {
        const struct value *value = &part->values[i];
        tsv_escape(out, rec_span_of(part->name));
        buffer_append_char(out, '\t');
        tsv_escape(out, rec_span_of(value->name));
        append_number(out, value->value);
        append_number(out, value->interval.low);
        append_number(out, value->interval.high);
        buffer_append_char(out, '\n');
    }
    return 0;
}

void eval_report_tsv(const struct eval_report *report, struct buffer *out)
{
    buffer_append_string(out, "part\tname\tvalue\tlow\thigh\n");
    give_all(report, append_part, out);
}

/* A value's interval is two values more: NAME_low and NAME_high. */
static int write_part(void *context, const struct part *part)
{
    struct part all = {.name = mem_strdup(part->name)};
    for (size_t i = 0; i < part->count; i++) {
        const struct value *value = &part->values[i];
        add_named(&all, value->name, value->value);
        if (isnan(value->interval.low))
            continue;
        add(&all, mem_format("%s_low", value->name), value->interval.low, no_interval);
        add(&all, mem_format("%s_high", value->name), value->interval.high, no_interval);
    }
    struct rec_value *values = mem_realloc_array(NULL, all.count, sizeof *values);
    for (size_t i = 0; i < all.count; i++)
        values[i] = (struct rec_value){rec_span_of(all.values[i].name), all.values[i].value};
    struct stream_record record = {
        .type = STREAM_METRICS,
        .metrics = {.split = rec_span_of(part->name),
                    .time = clock_wall(),
                    .values = values,
                    .value_count = all.count},
    };
    int result = stream_writer_record(context, &record);
    free(values);
    for (size_t i = 0; i < all.count; i++)
        free(all.values[i].name);
    free(all.values);
    free(all.name);
    return result;
}

int eval_report_stream(const struct eval_report *report, struct stream_writer *writer,
                       const struct stream_header *header)
{
    if (stream_writer_begin(writer, header) || give_all(report, write_part, writer))
        return -1;
    return stream_writer_end(writer);
}
