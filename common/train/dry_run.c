#include "train/dry_run.h"

#include <inttypes.h>

double dataset_forward_flops(const struct model_config *config, const struct dataset *dataset)
{
    double hidden = config->hidden_size, wide = config->intermediate_size;
    double squares = 0;
    for (uint32_t i = 0; i < dataset->count; i++)
        squares += (double)dataset_length(dataset, i) * dataset_length(dataset, i);
    double layer = 2 * (double)dataset->tokens * (4 * hidden * hidden + 2 * hidden * wide) +
                   4 * squares * hidden; /* scores, and their sum of values */
    double head = 2 * (double)dataset->count * hidden * (hidden + config->num_labels);
    return config->num_hidden_layers * layer + head;
}

static void report_data(struct buffer *out, const char *name, const struct dataset *dataset)
{
    buffer_format(out, "%s: %" PRIu32 " records, %" PRIu64 " tokens, the longest of %" PRIu32 "\n",
                  name, dataset->count, dataset->tokens, dataset->longest);
}

void dry_run_report(struct buffer *out, const struct model *model, const struct dataset *train,
                    const struct dataset *eval, const struct train_arguments *arguments,
                    const struct train_plan *plan, const struct optimisation *optimisation,
                    const struct engine *engine)
{
    const struct model_config *config = &model->config;
    uint64_t parameters = model->table.total;
    double batch = (double)arguments->per_device_train_batch_size *
                   (double)arguments->gradient_accumulation_steps;
    /* Three forward passes' worth a step: its own, and the gradients of inputs and of weights. */
    double sample = 3 * dataset_forward_flops(config, train) / train->count;
    double passes = (double)plan->steps / (double)plan->steps_per_epoch;
    buffer_format(out, "model: %" PRIu32 " layers, %" PRIu32 " wide, %" PRIu32 " labels\n",
                  config->num_hidden_layers, config->hidden_size, config->num_labels);
    buffer_format(out, "parameters: %" PRIu64 ", %" PRIu64 " of them trained\n", parameters,
                  optimisation_trained(optimisation, &model->table));
    report_data(out, "training data", train);
    if (eval)
        report_data(out, "evaluation data", eval);
    buffer_format(out,
                  "steps: %" PRIu64 ", %" PRIu64 " an epoch, the first %" PRIu64 " of warmup\n",
                  plan->steps, plan->steps_per_epoch, plan->schedule.warmup);
    buffer_format(out, "largest batch: %" PRIu32 " tokens\n", plan->largest_tokens);
    buffer_format(out, "engine: %s\n", engine_describe(engine));
    buffer_format(out, "memory: %.1f MB\n", (double)engine_memory(engine) / 1e6);
    buffer_format(out, "checkpoint: %.1f MB each\n",
                  (arguments->save_only_model ? 1 : 3) * 4 * (double)parameters / 1e6);
    buffer_format(out, "FLOPs: %.3g a step, %.3g in all\n", sample * batch,
                  sample * train->count * passes);
}
