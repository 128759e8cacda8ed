#include "train/predictions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "train/gold.h"

struct stream_merge *predictions_stream(char *const *paths, int count, size_t max_record)
{
    struct stream_merge *merge = stream_merge_open_any(paths, count, max_record);
    if (!merge)
        return NULL;
    const struct stream_header *header = stream_merge_header(merge);
    const char *place = stream_reader_source(stream_merge_reader(merge));
    int result = header->type == STREAM_TOKENS
                     ? diag_error("%s: tokens need a model to classify them: -m MODEL", place)
                     : stream_header_expect(header, STREAM_PREDICTIONS, place);
    if (result == 0)
        return merge;
    stream_merge_close(merge);
    return NULL;
}

int predictions_init(struct predictions *predictions, const struct stream_header *header,
                     const char *place)
{
    static const enum outcome_kind kinds[] = {
        [STREAM_PROBLEM_NONE] = OUTCOME_CLASS,
        [STREAM_PROBLEM_SINGLE] = OUTCOME_CLASS,
        [STREAM_PROBLEM_MULTI] = OUTCOME_SET,
        [STREAM_PROBLEM_REGRESSION] = OUTCOME_NUMBERS,
    };
    *predictions = (struct predictions){.header = header};
    if (header->problem > STREAM_PROBLEM_REGRESSION)
        return diag_error("%s: the problem is '%s', and only single, multi and regression can be "
                          "evaluated",
                          place, stream_problem_name(header->problem));
    predictions->outcomes.kind = kinds[header->problem];
    return 0;
}

void predictions_free(struct predictions *predictions)
{
    label_set_free(&predictions->names);
    outcomes_free(&predictions->outcomes);
    free(predictions->gold_set);
    free(predictions->guess_set);
    free(predictions->gold_values);
    free(predictions->values);
    *predictions = (struct predictions){0};
}

/* The first record tells what the header leaves open. */
static int start(struct predictions *predictions, const struct rec_prediction *first,
                 const char *place)
{
    const struct stream_header *header = predictions->header;
    bool numbers = predictions->outcomes.kind == OUTCOME_NUMBERS;
    size_t labels = header->has_labels                ? header->label_count
                    : !numbers                        ? first->prob_count
                    : first->label.kind == LABEL_LIST ? first->label.count
                                                      : 1;
    if (labels == 0)
        return diag_error("%s: neither the header nor probabilities say which labels there are",
                          place);
    label_set_init(&predictions->names);
    for (size_t i = 0; i < labels; i++) {
        char *name =
            header->has_labels ? mem_strdup(header->labels[i]) : mem_format("LABEL_%zu", i);
        label_set_add(&predictions->names, name, strlen(name));
        free(name);
    }
    outcomes_init(&predictions->outcomes, predictions->outcomes.kind, (uint32_t)labels);
    predictions->gold_set = mem_alloc(labels);
    predictions->guess_set = mem_alloc(labels);
    predictions->gold_values = mem_realloc_array(NULL, labels, sizeof(double));
    predictions->values = mem_realloc_array(NULL, labels, sizeof(double));
    predictions->started = true;
    return 0;
}

static int check_probabilities(const struct predictions *predictions,
                               const struct rec_prediction *prediction, const char *place)
{
    const struct outcomes *outcomes = &predictions->outcomes;
    bool given = prediction->probs != NULL;
    if (outcomes->count > 0 && given != outcomes->has_values)
        return diag_error("%s: it has %sprobabilities, and the records before it have %s", place,
                          given ? "" : "no ", given ? "none" : "some");
    if (given && prediction->prob_count != outcomes->labels)
        return diag_error("%s: %zu probabilities, and there are %" PRIu32 " labels", place,
                          prediction->prob_count, outcomes->labels);
    for (size_t i = 0; given && i < prediction->prob_count; i++)
        if (!(prediction->probs[i] >= 0 && prediction->probs[i] <= 1))
            return diag_error("%s: probability %zu is %g, not in 0..1", place, i + 1,
                              prediction->probs[i]);
    return 0;
}

static int add_class(struct predictions *predictions, const struct rec_prediction *prediction,
                     const char *place)
{
    const struct label_set *names = &predictions->names;
    int64_t gold = label_class(&prediction->gold, predictions->header, names, place);
    uint32_t guess = OUTCOME_NO_GUESS;
    if (gold < 0)
        return -1;
    if (prediction->label.kind != LABEL_NONE) {
        int64_t class = label_class(&prediction->label, predictions->header, names, place);
        if (class < 0)
            return -1;
        guess = (uint32_t) class;
    } else if (!prediction->probs) {
        return diag_error("%s: neither a label nor probabilities are predicted", place);
    }
    outcomes_add_class(&predictions->outcomes, (uint32_t)gold, guess, prediction->probs, NULL);
    return 0;
}

static int add_set(struct predictions *predictions, const struct rec_prediction *prediction,
                   const char *place)
{
    bool guessed = prediction->label.kind != LABEL_NONE;
    if (!guessed && !prediction->probs)
        return diag_error("%s: neither labels nor probabilities are predicted", place);
    if (label_read_set(&prediction->gold, predictions->header, &predictions->names,
                       predictions->gold_set, place) ||
        (guessed && label_read_set(&prediction->label, predictions->header, &predictions->names,
                                   predictions->guess_set, place)))
        return -1;
    outcomes_add_set(&predictions->outcomes, predictions->gold_set,
                     guessed ? predictions->guess_set : NULL, prediction->probs, NULL);
    return 0;
}

static int add_numbers(struct predictions *predictions, const struct rec_prediction *prediction,
                       const char *place)
{
    if (prediction->label.kind == LABEL_NONE)
        return diag_error("%s: no number is predicted", place);
    uint32_t labels = predictions->outcomes.labels;
    if (label_read_numbers(&prediction->gold, predictions->gold_values, labels, place) ||
        label_read_numbers(&prediction->label, predictions->values, labels, place))
        return -1;
    outcomes_add_numbers(&predictions->outcomes, predictions->gold_values, predictions->values);
    return 0;
}

int predictions_add(struct predictions *predictions, const struct rec_prediction *prediction,
                    const char *place)
{
    if (prediction->gold.kind == LABEL_NONE)
        return diag_error("%s: no gold label to compare the prediction with", place);
    if (!predictions->started && start(predictions, prediction, place))
        return -1;
    if (predictions->outcomes.kind == OUTCOME_NUMBERS)
        return add_numbers(predictions, prediction, place);
    if (check_probabilities(predictions, prediction, place))
        return -1;
    return predictions->outcomes.kind == OUTCOME_CLASS ? add_class(predictions, prediction, place)
                                                       : add_set(predictions, prediction, place);
}
