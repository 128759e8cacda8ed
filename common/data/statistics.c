#include "data/statistics.h"

#include <math.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "stream/text_form.h"

void statistics_init(struct statistics *statistics, const struct stream_header *header,
                     uint64_t limit)
{
    *statistics = (struct statistics){.limit = limit};
    stream_header_copy(&statistics->header, header);
    if (limit == 0 && header->type == STREAM_TOKENS)
        statistics->limit = header->tokenizer.max_length;
}

static void free_counts(struct label_counts *counts)
{
    string_index_free(&counts->names);
    free(counts->counts);
}

void statistics_free(struct statistics *statistics)
{
    stream_header_free(&statistics->header);
    free_counts(&statistics->labels);
    free_counts(&statistics->predicted);
    free(statistics->lengths);
    free(statistics->scores);
    buffer_free(&statistics->name);
}

static void count_number(struct label_counts *counts, double value)
{
    if (counts->numbers == 0 || value < counts->min)
        counts->min = value;
    if (counts->numbers == 0 || value > counts->max)
        counts->max = value;
    counts->numbers++;
    counts->sum += value;
    counts->sum_of_squares += value * value;
}

static void count_label(struct statistics *statistics, struct label_counts *counts,
                        const struct rec_label *label)
{
    size_t number;
    bool added;

    if (label->kind == LABEL_FLOAT) {
        count_number(counts, label->real);
        return;
    }
    if (label->kind == LABEL_LIST) {
        for (uint32_t i = 0; i < label->count; i++)
            count_label(statistics, counts, &label->items[i]);
        return;
    }
    statistics->name.size = 0;
    stream_label_name(&statistics->name, &statistics->header, label);
    number = string_index_add(&counts->names, buffer_string(&statistics->name),
                              statistics->name.size, &added);
    mem_grow(&counts->counts, &counts->capacity, counts->names.count, sizeof *counts->counts);
    if (added)
        counts->counts[number] = 0;
    counts->counts[number]++;
    counts->total++;
}

static void count_labels(struct statistics *statistics, const struct stream_record *record)
{
    const struct rec_label *label = stream_record_label(record);

    if (label->kind == LABEL_NONE) {
        statistics->unlabelled++;
    } else {
        statistics->labels.labelled++;
        count_label(statistics, &statistics->labels, label);
    }
    if (record->type == STREAM_PREDICTIONS && record->prediction.label.kind != LABEL_NONE) {
        statistics->predicted.labelled++;
        count_label(statistics, &statistics->predicted, &record->prediction.label);
    }
}

/* Characters, which are not continuation bytes of UTF-8. */
static uint32_t count_characters(struct rec_span text)
{
    uint32_t count = 0;

    for (size_t i = 0; i < text.size; i++)
        count += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return count;
}

static void add_length(struct statistics *statistics, uint64_t length)
{
    mem_grow(&statistics->lengths, &statistics->length_capacity, statistics->length_count + 1,
             sizeof *statistics->lengths);
    statistics->lengths[statistics->length_count++] =
        length < UINT32_MAX ? (uint32_t)length : UINT32_MAX;
    statistics->total += length;
    if (statistics->limit == 0 || length <= statistics->limit)
        return;
    statistics->over_records++;
    statistics->over_excess += length - statistics->limit;
}

static void add_score(struct statistics *statistics, double score)
{
    mem_grow(&statistics->scores, &statistics->score_capacity, statistics->score_count + 1,
             sizeof *statistics->scores);
    statistics->scores[statistics->score_count++] = score;
}

/* Counts [UNK] and others; true when there is any [UNK]. */
static bool count_tokens(struct statistics *statistics, const struct rec_tokens *tokens)
{
    const struct stream_tokenizer *tokenizer = &statistics->header.tokenizer;
    size_t count = rec_token_count(tokens);
    uint64_t unknown = 0, special = 0;

    for (size_t i = 0; i < count; i++) {
        int64_t id = rec_token_id(tokens, i);

        unknown += id == tokenizer->unk;
        special += id == tokenizer->cls || id == tokenizer->sep || id == tokenizer->pad;
    }
    statistics->plain_tokens += count - special;
    statistics->unk_tokens += unknown;
    return unknown > 0;
}

/* The last window ends where the text does. */
static void add_tokens(struct statistics *statistics, const struct rec_tokens *tokens, bool begins,
                       bool completes)
{
    uint64_t length = tokens->window.first_token + rec_token_count(tokens) + tokens->cut;
    bool unknown = count_tokens(statistics, tokens);

    statistics->window_unk = unknown || (!begins && statistics->window_unk);
    statistics->windows += tokens->window.n > 1;
    statistics->cut_records += begins && tokens->cut > 0;
    statistics->cut_tokens += tokens->cut;
    if (!completes)
        return;
    add_length(statistics, length);
    statistics->unk_records += statistics->window_unk;
}

void statistics_add(struct statistics *statistics, const struct stream_record *record, bool begins,
                    bool completes)
{
    if (begins) {
        statistics->records++;
        count_labels(statistics, record);
    }
    if (record->type == STREAM_TOKENS)
        add_tokens(statistics, &record->tokens, begins, completes);
    else if (record->type == STREAM_TEXT)
        add_length(statistics, count_characters(record->text.text));
    else if (record->prediction.text.data != NULL)
        add_length(statistics, count_characters(record->prediction.text));
    if (record->type == STREAM_PREDICTIONS && record->prediction.has_score)
        add_score(statistics, record->prediction.score);
}

static int compare_lengths(const void *left, const void *right)
{
    const uint32_t *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

static int compare_scores(const void *left, const void *right)
{
    const double *a = left, *b = right;

    return *a < *b ? -1 : *a > *b;
}

void statistics_finish(struct statistics *statistics)
{
    if (statistics->length_count > 0)
        qsort(statistics->lengths, statistics->length_count, sizeof *statistics->lengths,
              compare_lengths);
    if (statistics->score_count > 0)
        qsort(statistics->scores, statistics->score_count, sizeof *statistics->scores,
              compare_scores);
}

/* The indices around a quantile of count values, and how far it lies between them. */
static double place_of(size_t count, double quantile, size_t *low, size_t *high)
{
    double place = quantile * (double)(count - 1);

    *low = (size_t)floor(place);
    *high = *low + 1 < count ? *low + 1 : *low;
    return place - (double)*low;
}

double statistics_length_quantile(const struct statistics *statistics, double quantile)
{
    size_t low, high;
    double part;

    if (statistics->length_count == 0)
        return NAN;
    part = place_of(statistics->length_count, quantile, &low, &high);
    return statistics->lengths[low] +
           part * ((double)statistics->lengths[high] - statistics->lengths[low]);
}

double statistics_score_quantile(const struct statistics *statistics, double quantile)
{
    size_t low, high;
    double part;

    if (statistics->score_count == 0)
        return NAN;
    part = place_of(statistics->score_count, quantile, &low, &high);
    return statistics->scores[low] + part * (statistics->scores[high] - statistics->scores[low]);
}

/* The smallest of 1, 2, 5, 10, 20, ... of which `most` reach beyond last. */
static uint64_t bin_width(uint64_t last, size_t most)
{
    static const uint64_t steps[] = {1, 2, 5};

    for (uint64_t power = 1;; power *= 10)
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
            if (last / (steps[i] * power) < most)
                return steps[i] * power;
}

size_t statistics_histogram(const struct statistics *statistics, struct length_bin *bins,
                            size_t most)
{
    uint64_t longest, last, width;
    size_t count;

    if (statistics->length_count == 0 || most == 0)
        return 0;
    longest = statistics->lengths[statistics->length_count - 1];
    last = (uint64_t)statistics_length_quantile(statistics, 0.99);
    if (longest <= 2 * last)
        last = longest;
    width = bin_width(last, most);
    count = (size_t)(last / width + 1);
    for (size_t i = 0; i < count; i++)
        bins[i] = (struct length_bin){.from = i * width, .to = (i + 1) * width};
    if (longest >= bins[count - 1].to)
        bins[count - 1].to = UINT64_MAX;
    for (size_t i = 0; i < statistics->length_count; i++) {
        size_t bin = (size_t)(statistics->lengths[i] / width);

        bins[bin < count ? bin : count - 1].count++;
    }
    return count;
}
