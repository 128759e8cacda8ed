#include "train/classes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

/* Names for classes 0 .. count - 1 of which the data knows only the numbers. */
static void name_numbers(struct label_set *classes, uint32_t count, const struct model *model)
{
    if (count <= model->config.num_labels) {
        label_set_copy(classes, model->config.label_names, model->config.num_labels);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        char *name = mem_format("LABEL_%" PRIu32, i);
        label_set_add(classes, name, strlen(name));
        free(name);
    }
}

static int apply(struct model *model, struct dataset *train, struct dataset *eval,
                 const struct label_set *classes)
{
    if (classes->count < 2)
        return diag_error("the training data has one class only ('%s'), and a classifier needs "
                          "two: give --labels A,B",
                          classes->count ? classes->names[0] : "");
    if (model_set_labels(model, (const char *const *)classes->names, (uint32_t)classes->count) ||
        dataset_set_classes(train, classes))
        return -1;
    return eval ? dataset_set_classes(eval, classes) : 0;
}

int classes_decide(struct model *model, struct dataset *train, struct dataset *eval,
                   const char *list)
{
    struct label_set classes;
    uint32_t numbered = 0;
    if (list ? label_set_parse(&classes, list)
             : dataset_suggest_classes(train, &classes, &numbered))
        return -1;
    if (numbered > MODEL_LABELS_MAX)
        return diag_error("the largest label is %" PRIu32 ", and a model has at most %u classes",
                          numbered - 1, MODEL_LABELS_MAX);
    if (classes.count == 0)
        name_numbers(&classes, numbered, model);
    int result = apply(model, train, eval, &classes);
    label_set_free(&classes);
    return result;
}
