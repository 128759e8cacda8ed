#include "train/targets.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

static void name_labels(struct label_set *labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char *name = mem_format("LABEL_%" PRIu32, i);
        label_set_add(labels, name, strlen(name));
        free(name);
    }
}

/* Names for classes 0 .. count - 1 of which the data knows only the numbers. */
static void name_numbers(struct label_set *classes, uint32_t count, const struct model *model)
{
    if (count <= model->config.num_labels) {
        label_set_copy(classes, model->config.label_names, model->config.num_labels);
        return;
    }
    name_labels(classes, count);
}

static enum train_problem problem_of(const struct model *model, const struct dataset *train)
{
    enum problem_type own = model->config.problem_type;
    switch (dataset_problem(train)) {
    case STREAM_PROBLEM_MULTI:
        return TRAIN_MULTI_LABEL;
    case STREAM_PROBLEM_REGRESSION:
        return TRAIN_REGRESSION;
    case STREAM_PROBLEM_SINGLE:
        return TRAIN_SINGLE_LABEL;
    default:
        return own == PROBLEM_TYPE_MULTI        ? TRAIN_MULTI_LABEL
               : own == PROBLEM_TYPE_REGRESSION ? TRAIN_REGRESSION
                                                : TRAIN_SINGLE_LABEL;
    }
}

static int choose_classes(const struct model *model, const struct dataset *train, const char *list,
                          bool sets, struct label_set *classes)
{
    uint32_t numbered = 0;
    if (list ? label_set_parse(classes, list)
             : dataset_suggest_classes(train, sets, classes, &numbered))
        return -1;
    if (numbered > MODEL_LABELS_MAX) {
        label_set_free(classes);
        return diag_error("the largest label is %" PRIu32 ", and a model has at most %u classes",
                          numbered - 1, MODEL_LABELS_MAX);
    }
    if (classes->count == 0)
        name_numbers(classes, numbered, model);
    if (classes->count >= (sets ? 1 : 2))
        return 0;
    diag_error(sets ? "no record of the training data has a label%s"
                    : "the training data has one class only ('%s'), and a classifier needs two: "
                      "give --labels A,B",
               classes->count ? classes->names[0] : "");
    label_set_free(classes);
    return -1;
}

static int choose_numbers(const struct model *model, const struct dataset *train, const char *list,
                          struct label_set *names)
{
    uint32_t count = dataset_suggest_numbers(train);
    label_set_init(names);
    if (list)
        return label_set_parse(names, list);
    if (count == 0 || count > MODEL_LABELS_MAX)
        return diag_error("the training data's first record has %" PRIu32 " numbers", count);
    if (count == model->config.num_labels)
        label_set_copy(names, model->config.label_names, count);
    else
        name_labels(names, count);
    return 0;
}

static int set_targets(struct dataset *dataset, const struct label_set *labels,
                       enum target_kind target)
{
    switch (target) {
    case TARGET_MULTI:
        return dataset_set_sets(dataset, labels);
    case TARGET_REAL:
        return dataset_set_numbers(dataset, (uint32_t)labels->count);
    default:
        return dataset_set_classes(dataset, labels);
    }
}

int targets_decide(struct model *model, struct dataset *train, struct dataset *eval,
                   const char *list, enum train_problem problem, enum target_kind *target)
{
    static const enum target_kind targets[] = {
        [TRAIN_SINGLE_LABEL] = TARGET_CLASS,
        [TRAIN_MULTI_LABEL] = TARGET_MULTI,
        [TRAIN_REGRESSION] = TARGET_REAL,
    };
    static const enum problem_type types[] = {
        [TRAIN_SINGLE_LABEL] = PROBLEM_TYPE_SINGLE,
        [TRAIN_MULTI_LABEL] = PROBLEM_TYPE_MULTI,
        [TRAIN_REGRESSION] = PROBLEM_TYPE_REGRESSION,
    };
    struct label_set labels;
    if (problem == TRAIN_PROBLEM_AUTO)
        problem = problem_of(model, train);
    *target = targets[problem];
    if (problem == TRAIN_REGRESSION
            ? choose_numbers(model, train, list, &labels)
            : choose_classes(model, train, list, problem == TRAIN_MULTI_LABEL, &labels))
        return -1;
    model->config.problem_type = types[problem];
    int result =
        model_set_labels(model, (const char *const *)labels.names, (uint32_t)labels.count) ||
                set_targets(train, &labels, *target) ||
                (eval && set_targets(eval, &labels, *target))
            ? -1
            : 0;
    label_set_free(&labels);
    return result;
}
