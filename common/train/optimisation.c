#include "train/optimisation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"

/* How many blocks lie above the embeddings when this tensor's begins: 0 for them, l + 1 for layer
 * l, L + 1 for pooler and classifier. */
static uint32_t depth_of(const struct parameter *parameter, uint32_t layers)
{
    if (parameter_role_is_per_layer(parameter->role))
        return parameter->layer + 1;
    return parameter->role < PARAMETER_POOLER_WEIGHT ? 0 : layers + 1;
}

static bool is_frozen(const struct parameter *parameter, uint32_t layers, uint32_t frozen)
{
    return frozen == TRAIN_FREEZE_BASE ? parameter->role < PARAMETER_CLASSIFIER_WEIGHT
                                       : depth_of(parameter, layers) <= frozen;
}

static int set_rates(struct optimisation *o, const struct train_arguments *arguments,
                     const struct model *model)
{
    uint32_t layers = model->config.num_hidden_layers, frozen = 0;
    if (arguments->layerwise_lr_decay == 1 && !arguments->freeze)
        return 0;
    if (arguments->freeze && train_arguments_freeze(arguments, &frozen))
        return diag_error("--freeze: '%s' cannot be read", arguments->freeze);
    if (frozen > layers && frozen != TRAIN_FREEZE_BASE)
        return diag_error("--freeze %" PRIu32 ": the model has %" PRIu32 " layers", frozen, layers);
    o->rate_factors = mem_realloc_array(NULL, model->table.count, sizeof *o->rate_factors);
    for (size_t i = 0; i < model->table.count; i++) {
        const struct parameter *parameter = &model->table.items[i];
        uint32_t above = layers + 1 - depth_of(parameter, layers);
        o->rate_factors[i] = arguments->freeze && is_frozen(parameter, layers, frozen)
                                 ? 0
                                 : (float)pow(arguments->layerwise_lr_decay, above);
    }
    return 0;
}

static void balance(float *weights, uint32_t labels, const struct dataset *train)
{
    uint64_t *counts = mem_calloc(labels, sizeof *counts), all = 0;
    for (uint32_t i = 0; i < train->count; i++) {
        int32_t class = dataset_class(train, i);
        if (class >= 0) {
            counts[class]++;
            all++;
        }
    }
    for (uint32_t c = 0; c < labels; c++)
        weights[c] =
            counts[c] > 0 ? (float)((double)all / ((double)labels * (double)counts[c])) : 1;
    free(counts);
}

static int parse_weights(float *weights, uint32_t labels, const char *list)
{
    char *copy = mem_strdup(list), *rest = copy, *item;
    uint32_t count = 0;
    double sum = 0, weight = 0;
    bool good = true;
    while (good && (item = strsep(&rest, ","))) {
        good = parse_real(item, &weight) == 0 && weight >= 0 && weight <= 1e6;
        if (good && count < labels)
            weights[count] = (float)weight;
        sum += weight;
        count++;
    }
    free(copy);
    if (!good)
        return diag_error("--class-weights: '%s' is not balanced, nor numbers from 0 to 1e6 "
                          "separated by commas",
                          list);
    if (count != labels)
        return diag_error("--class-weights: %" PRIu32 " weights for %" PRIu32 " labels", count,
                          labels);
    return sum > 0 ? 0 : diag_error("--class-weights: all are 0");
}

static int set_weights(struct optimisation *o, const struct train_arguments *arguments,
                       const struct model *model, const struct dataset *train,
                       enum target_kind target)
{
    uint32_t labels = model->config.num_labels;
    if (target != TARGET_CLASS &&
        (arguments->class_weights || arguments->label_smoothing_factor > 0))
        return diag_error("%s is for problems with one label a record",
                          arguments->class_weights ? "--class-weights"
                                                   : "--label-smoothing-factor");
    if (!arguments->class_weights)
        return 0;
    o->class_weights = mem_realloc_array(NULL, labels, sizeof *o->class_weights);
    if (strcmp(arguments->class_weights, "balanced") == 0) {
        balance(o->class_weights, labels, train);
        return 0;
    }
    return parse_weights(o->class_weights, labels, arguments->class_weights);
}

int optimisation_init(struct optimisation *optimisation, const struct train_arguments *arguments,
                      const struct model *model, const struct dataset *train,
                      enum target_kind target)
{
    *optimisation = (struct optimisation){0};
    if (set_rates(optimisation, arguments, model))
        return -1;
    return set_weights(optimisation, arguments, model, train, target);
}

void optimisation_free(struct optimisation *optimisation)
{
    free(optimisation->rate_factors);
    free(optimisation->class_weights);
    *optimisation = (struct optimisation){0};
}

void optimisation_plan(const struct optimisation *optimisation,
                       const struct train_arguments *arguments, struct engine_plan *plan)
{
    plan->optimiser = arguments->optim == TRAIN_SGD ? ENGINE_SGD : ENGINE_ADAMW;
    plan->adam_beta1 = arguments->adam_beta1;
    plan->adam_beta2 = arguments->adam_beta2;
    plan->adam_epsilon = arguments->adam_epsilon;
    plan->weight_decay = arguments->weight_decay;
    plan->gradient_checkpointing = arguments->gradient_checkpointing;
    plan->rate_factors = optimisation->rate_factors;
    plan->loss.label_smoothing = arguments->label_smoothing_factor;
    plan->loss.class_weights = optimisation->class_weights;
}

uint64_t optimisation_trained(const struct optimisation *optimisation,
                              const struct parameter_table *table)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < table->count; i++)
        if (!optimisation->rate_factors || optimisation->rate_factors[i] > 0)
            sum += table->items[i].count;
    return sum;
}
