#include "report/mistakes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/memory.h"

#define TEXT_BYTES 4000

void mistakes_init(struct mistakes *mistakes, size_t limit)
{
    *mistakes = (struct mistakes){.limit = limit};
    mistakes->items = mem_calloc(limit + 1, sizeof *mistakes->items);
}

static void mistake_free(struct mistake *mistake)
{
    free(mistake->gold);
    free(mistake->guess);
    free(mistake->id);
    free(mistake->text);
}

void mistakes_free(struct mistakes *mistakes)
{
    for (size_t i = 0; i < mistakes->count; i++)
        mistake_free(&mistakes->items[i]);
    free(mistakes->items);
    *mistakes = (struct mistakes){0};
}

/* How wrong the record is, or -1 when it is right. */
static double rank_of(const struct outcomes *outcomes, size_t i, double score)
{
    double worst = -1;
    if (outcomes->kind == OUTCOME_NUMBERS) {
        const double *gold = outcomes->gold_values + i * outcomes->labels;
        const double *guess = outcomes->values + i * outcomes->labels;
        for (uint32_t j = 0; j < outcomes->labels; j++)
            worst = fmax(worst, fabs(gold[j] - guess[j]));
        return worst > 0 ? worst : -1;
    }
    if (outcomes_right(outcomes, i))
        return -1;
    if (outcomes->kind == OUTCOME_CLASS)
        return isnan(score) ? 0 : score;
    worst = 0;
    for (size_t j = i * outcomes->labels; j < (i + 1) * outcomes->labels; j++)
        worst += outcomes->gold_set[j] != outcomes->guess_set[j];
    return worst;
}

static char *set_names(const struct predictions *predictions, const uint8_t *set)
{
    struct buffer names = {0};
    for (size_t j = 0; j < predictions->names.count; j++)
        if (set[j])
            buffer_format(&names, "%s%s", names.size ? ", " : "", predictions->names.names[j]);
    if (names.size == 0)
        buffer_append_string(&names, "none");
    char *text = mem_strndup(names.data, names.size);
    buffer_free(&names);
    return text;
}

static char *number_names(const double *values, uint32_t count)
{
    struct buffer names = {0};
    for (uint32_t j = 0; j < count; j++)
        buffer_format(&names, "%s%.4g", j ? ", " : "", values[j]);
    char *text = mem_strndup(names.data, names.size);
    buffer_free(&names);
    return text;
}

static void name_labels(struct mistake *mistake, const struct predictions *predictions, size_t i)
{
    const struct outcomes *outcomes = &predictions->outcomes;
    size_t at = i * outcomes->labels;
    if (outcomes->kind == OUTCOME_CLASS) {
        mistake->gold = mem_strdup(predictions->names.names[outcomes->gold[i]]);
        mistake->guess = mem_strdup(predictions->names.names[outcomes->guess[i]]);
    } else if (outcomes->kind == OUTCOME_SET) {
        mistake->gold = set_names(predictions, outcomes->gold_set + at);
        mistake->guess = set_names(predictions, outcomes->guess_set + at);
    } else {
        mistake->gold = number_names(outcomes->gold_values + at, outcomes->labels);
        mistake->guess = number_names(outcomes->values + at, outcomes->labels);
    }
}

static void keep_text(struct mistake *mistake, struct rec_span text)
{
    if (!text.data)
        return;
    mistake->text_size = text.size < TEXT_BYTES ? text.size : TEXT_BYTES;
    mistake->cut = text.size > TEXT_BYTES;
    while (mistake->cut && ((unsigned char)text.data[mistake->text_size] & 0xc0) == 0x80)
        mistake->text_size--;
    mistake->text = mem_strndup(text.data, mistake->text_size);
}

void mistakes_add(struct mistakes *mistakes, const struct predictions *predictions,
                  const struct rec_prediction *prediction)
{
    const struct outcomes *outcomes = &predictions->outcomes;
    size_t i = outcomes->count - 1, at = mistakes->count;
    double score = NAN;
    if (outcomes->kind == OUTCOME_CLASS && outcomes->has_values)
        score = outcomes->confidence[i];
    else if (outcomes->kind == OUTCOME_CLASS && prediction->has_score)
        score = prediction->score;
    double rank = rank_of(outcomes, i, score);
    while (at > 0 && mistakes->items[at - 1].rank < rank)
        at--;
    if (rank < 0 || at == mistakes->limit)
        return;
    memmove(mistakes->items + at + 1, mistakes->items + at,
            (mistakes->count - at) * sizeof *mistakes->items);
    struct mistake *mistake = &mistakes->items[at];
    *mistake = (struct mistake){.rank = rank, .score = score};
    name_labels(mistake, predictions, i);
    if (prediction->id.data)
        mistake->id = mem_strndup(prediction->id.data, prediction->id.size);
    keep_text(mistake, prediction->text);
    if (mistakes->count < mistakes->limit)
        mistakes->count++;
    else
        mistake_free(&mistakes->items[mistakes->limit]);
}
