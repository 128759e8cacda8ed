#include "data/statistics_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "stream/text_form.h"

#define MOST_LABELS 20 /* in the text form */
#define BAR_WIDTH   50

static const struct {
    const char *name;
    double quantile;
} quantiles[] = {{"median", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"max", 1}};
#define QUANTILE_COUNT (sizeof quantiles / sizeof quantiles[0])

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static double mean_length(const struct statistics *statistics)
{
    return statistics->length_count > 0
               ? (double)statistics->total / (double)statistics->length_count
               : NAN;
}

static double mean_score(const struct statistics *statistics)
{
    double sum = 0;

    for (size_t i = 0; i < statistics->score_count; i++)
        sum += statistics->scores[i];
    return sum / (double)statistics->score_count;
}

static double deviation(const struct label_counts *counts)
{
    double mean = counts->sum / (double)counts->numbers;
    double variance = counts->sum_of_squares / (double)counts->numbers - mean * mean;

    return variance > 0 ? sqrt(variance) : 0;
}

/* Labels in the order of the header's list, if there is one; then by name. */
struct named_count {
    const char *name;
    size_t size, rank;
    uint64_t count;
};

static int compare_by_rank(const void *left, const void *right)
{
    const struct named_count *a = left, *b = right;

    if (a->rank != b->rank)
        return a->rank < b->rank ? -1 : 1;
    return strcmp(a->name, b->name);
}

static int compare_by_count(const void *left, const void *right)
{
    const struct named_count *a = left, *b = right;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return compare_by_rank(left, right);
}

/* Those of the header's list come too when they do not occur. [*count], to be freed. */
static struct named_count *sort_labels(const struct statistics *statistics,
                                       const struct label_counts *counts, size_t *count,
                                       int (*compare)(const void *, const void *))
{
    const struct stream_header *header = &statistics->header;
    struct string_index listed = {0};
    struct named_count *list;

    for (size_t i = 0; i < header->label_count; i++)
        string_index_add(&listed, header->labels[i], strlen(header->labels[i]), NULL);
    list = mem_calloc(counts->names.count + header->label_count, sizeof *list);
    *count = 0;
    for (size_t i = 0; i < counts->names.count; i++) {
        struct named_count *item = &list[(*count)++];

        item->name = string_index_get(&counts->names, i, &item->size);
        item->rank = string_index_find(&listed, item->name, item->size);
        item->count = counts->counts[i];
    }
    for (size_t i = 0; i < header->label_count; i++) {
        const char *name = header->labels[i];

        if (string_index_find(&counts->names, name, strlen(name)) == STRING_INDEX_NONE)
            list[(*count)++] = (struct named_count){name, strlen(name), i, 0};
    }
    string_index_free(&listed);
    if (*count > 1)
        qsort(list, *count, sizeof *list, compare);
    return list;
}

static void print_name(struct buffer *out, const char *name)
{
    buffer_format(out, "%-10s ", name);
}

static size_t width_of(const char *text, size_t size)
{
    size_t width = 0;

    for (size_t i = 0; i < size; i++)
        width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

static void print_class_counts(struct buffer *out, const char *title,
                               const struct statistics *statistics,
                               const struct label_counts *counts)
{
    size_t count, shown, width = 0;
    struct named_count *list = sort_labels(statistics, counts, &count, compare_by_count);

    shown = count < MOST_LABELS ? count : MOST_LABELS;
    if (count <= MOST_LABELS && count > 1)
        qsort(list, count, sizeof *list, compare_by_rank);
    for (size_t i = 0; i < shown; i++)
        if (width_of(list[i].name, list[i].size) > width)
            width = width_of(list[i].name, list[i].size);
    for (size_t i = 0; i < shown; i++) {
        print_name(out, i == 0 ? title : "");
        text_show(out, (struct rec_span){list[i].name, list[i].size});
        buffer_format(out, "%*s  %8" PRIu64 "  %5.1f %%\n",
                      (int)(width - width_of(list[i].name, list[i].size)), "", list[i].count,
                      100 * share(list[i].count, counts->labelled));
    }
    if (count > shown) {
        print_name(out, "");
        buffer_format(out, "and %zu more\n", count - shown);
    }
    free(list);
}

static void print_labels(struct buffer *out, const char *title, const struct statistics *statistics,
                         const struct label_counts *counts)
{
    if (counts->total > 0)
        print_class_counts(out, title, statistics, counts);
    if (counts->numbers > 0) {
        print_name(out, title);
        buffer_format(out, "mean %.6g  deviation %.6g  from %.6g to %.6g\n",
                      counts->sum / (double)counts->numbers, deviation(counts), counts->min,
                      counts->max);
    }
}

static void print_lengths(struct buffer *out, const struct statistics *statistics)
{
    bool tokens = statistics->header.type == STREAM_TOKENS;

    if (statistics->length_count == 0)
        return;
    print_name(out, tokens ? "tokens" : "characters");
    buffer_format(out, "%" PRIu64 "\n", statistics->total);
    print_name(out, "");
    buffer_format(out, "mean %.1f", mean_length(statistics));
    for (size_t i = 0; i < QUANTILE_COUNT; i++)
        buffer_format(out, "  %s %.10g", quantiles[i].name,
                      statistics_length_quantile(statistics, quantiles[i].quantile));
    buffer_append_char(out, '\n');
    if (statistics->limit > 0) {
        char name[32];

        snprintf(name, sizeof name, "over %" PRIu64, statistics->limit);
        print_name(out, name);
        buffer_format(out, "%" PRIu64 " records (%.1f %%) by %" PRIu64 " %s (%.1f %%)\n",
                      statistics->over_records,
                      100 * share(statistics->over_records, statistics->records),
                      statistics->over_excess, tokens ? "tokens" : "characters",
                      100 * share(statistics->over_excess, statistics->total));
    }
}

static void print_tokens(struct buffer *out, const struct statistics *statistics)
{
    print_name(out, "cut");
    buffer_format(out, "%" PRIu64 " records lost %" PRIu64 " tokens (%.1f %%)\n",
                  statistics->cut_records, statistics->cut_tokens,
                  100 * share(statistics->cut_tokens, statistics->total));
    print_name(out, "[UNK]");
    buffer_format(
        out, "%" PRIu64 " tokens (%.3f %%) in %" PRIu64 " records (%.1f %%)\n",
        statistics->unk_tokens, 100 * share(statistics->unk_tokens, statistics->plain_tokens),
        statistics->unk_records, 100 * share(statistics->unk_records, statistics->records));
}

/* "  100-199      4170 ##################" */
static void print_histogram(struct buffer *out, const struct statistics *statistics, size_t most)
{
    struct length_bin *bins = mem_calloc(most, sizeof *bins);
    size_t count = statistics_histogram(statistics, bins, most);
    uint64_t largest = 1;

    for (size_t i = 0; i < count; i++)
        largest = bins[i].count > largest ? bins[i].count : largest;
    if (count > 0)
        buffer_append_char(out, '\n');
    for (size_t i = 0; i < count; i++) {
        char range[64];
        size_t bar = (size_t)ceil((double)bins[i].count * BAR_WIDTH / (double)largest);

        if (bins[i].to == UINT64_MAX)
            snprintf(range, sizeof range, "%" PRIu64 " and more", bins[i].from);
        else if (bins[i].to == bins[i].from + 1)
            snprintf(range, sizeof range, "%" PRIu64, bins[i].from);
        else
            snprintf(range, sizeof range, "%" PRIu64 "-%" PRIu64, bins[i].from, bins[i].to - 1);
        buffer_format(out, "%14s %9" PRIu64, range, bins[i].count);
        if (bar > 0)
            buffer_append_char(out, ' ');
        while (bar-- > 0)
            buffer_append_char(out, '#');
        buffer_append_char(out, '\n');
    }
    free(bins);
}

void statistics_text(const struct statistics *statistics, size_t bins, struct buffer *out)
{
    bool predictions = statistics->header.type == STREAM_PREDICTIONS;

    print_name(out, "records");
    buffer_format(out, "%" PRIu64, statistics->records);
    if (statistics->windows > 0)
        buffer_format(out, " with %" PRIu64 " windows", statistics->windows);
    if (statistics->unlabelled > 0)
        buffer_format(out, ", %" PRIu64 " without a %s", statistics->unlabelled,
                      predictions ? "gold label" : "label");
    buffer_append_char(out, '\n');
    print_labels(out, "predicted", statistics, &statistics->predicted);
    print_labels(out, predictions ? "gold" : "label", statistics, &statistics->labels);
    if (statistics->score_count > 0) {
        print_name(out, "score");
        buffer_format(out, "mean %.4f  median %.4f  p10 %.4f  min %.4f\n", mean_score(statistics),
                      statistics_score_quantile(statistics, 0.5),
                      statistics_score_quantile(statistics, 0.1),
                      statistics_score_quantile(statistics, 0));
    }
    print_lengths(out, statistics);
    if (statistics->header.type == STREAM_TOKENS)
        print_tokens(out, statistics);
    if (bins > 0)
        print_histogram(out, statistics, bins);
}

static void add(struct statistic_list *list, char *name, double value, bool is_count)
{
    mem_grow(&list->items, &list->capacity, list->count + 1, sizeof *list->items);
    list->items[list->count++] = (struct statistic){name, value, is_count};
}

static void add_count(struct statistic_list *list, const char *name, uint64_t value)
{
    add(list, mem_strdup(name), (double)value, true);
}

static void add_real(struct statistic_list *list, const char *name, double value)
{
    add(list, mem_strdup(name), value, false);
}

static void list_labels(const struct statistics *statistics, const char *group,
                        const struct label_counts *counts, struct statistic_list *list)
{
    size_t count = 0;
    struct named_count *names = NULL;

    if (counts->total > 0)
        names = sort_labels(statistics, counts, &count, compare_by_rank);
    for (size_t i = 0; i < count; i++)
        add(list, mem_format("%s/%s", group, names[i].name), (double)names[i].count, true);
    free(names);
    if (counts->numbers == 0)
        return;
    add(list, mem_format("%s/mean", group), counts->sum / (double)counts->numbers, false);
    add(list, mem_format("%s/deviation", group), deviation(counts), false);
    add(list, mem_format("%s/min", group), counts->min, false);
    add(list, mem_format("%s/max", group), counts->max, false);
}

static void list_lengths(const struct statistics *statistics, struct statistic_list *list)
{
    if (statistics->length_count == 0)
        return;
    add_count(list, "length/total", statistics->total);
    add_real(list, "length/mean", mean_length(statistics));
    for (size_t i = 0; i < QUANTILE_COUNT; i++)
        add(list, mem_format("length/%s", quantiles[i].name),
            statistics_length_quantile(statistics, quantiles[i].quantile), false);
    if (statistics->limit == 0)
        return;
    add_count(list, "over/limit", statistics->limit);
    add_count(list, "over/records", statistics->over_records);
    add_real(list, "over/record_share", share(statistics->over_records, statistics->records));
    add_count(list, "over/excess", statistics->over_excess);
    add_real(list, "over/excess_share", share(statistics->over_excess, statistics->total));
}

static void list_tokens(const struct statistics *statistics, struct statistic_list *list)
{
    add_count(list, "cut/records", statistics->cut_records);
    add_count(list, "cut/tokens", statistics->cut_tokens);
    add_real(list, "cut/share", share(statistics->cut_tokens, statistics->total));
    add_count(list, "unk/tokens", statistics->unk_tokens);
    add_real(list, "unk/share", share(statistics->unk_tokens, statistics->plain_tokens));
    add_count(list, "unk/records", statistics->unk_records);
}

void statistics_list(const struct statistics *statistics, size_t most, struct statistic_list *list)
{
    struct length_bin *bins = mem_calloc(most, sizeof *bins);
    size_t count = statistics_histogram(statistics, bins, most);
    bool predictions = statistics->header.type == STREAM_PREDICTIONS;

    *list = (struct statistic_list){0};
    add_count(list, "records", statistics->records);
    add_count(list, "windows", statistics->windows);
    add_count(list, "unlabelled", statistics->unlabelled);
    list_labels(statistics, "predicted", &statistics->predicted, list);
    list_labels(statistics, predictions ? "gold" : "label", &statistics->labels, list);
    if (statistics->score_count > 0) {
        add_real(list, "score/mean", mean_score(statistics));
        add_real(list, "score/median", statistics_score_quantile(statistics, 0.5));
        add_real(list, "score/p10", statistics_score_quantile(statistics, 0.1));
        add_real(list, "score/min", statistics_score_quantile(statistics, 0));
    }
    list_lengths(statistics, list);
    if (statistics->header.type == STREAM_TOKENS)
        list_tokens(statistics, list);
    for (size_t i = 0; i < count; i++)
        add(list, mem_format("histogram/%" PRIu64, bins[i].from), (double)bins[i].count, true);
    free(bins);
}

void statistic_list_free(struct statistic_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct statistic_list){0};
}

static json_t *json_value(const struct statistic *item)
{
    if (item->is_count)
        return json_integer((json_int_t)item->value);
    return isfinite(item->value) ? json_real(item->value) : json_null();
}

json_t *statistics_json(const struct statistics *statistics, size_t bins)
{
    struct statistic_list list;
    json_t *json = json_object();

    json_object_set_new(json, "type", json_string(stream_type_name(statistics->header.type)));
    statistics_list(statistics, bins, &list);
    for (size_t i = 0; i < list.count; i++) {
        char *name = list.items[i].name, *slash = strchr(name, '/');
        json_t *group = json;

        if (slash != NULL) {
            *slash = '\0';
            group = json_object_get(json, name);
            if (group == NULL) {
                group = json_object();
                json_object_set_new(json, name, group);
            }
            name = slash + 1;
        }
        json_object_set_new(group, name, json_value(&list.items[i]));
    }
    statistic_list_free(&list);
    return json;
}
