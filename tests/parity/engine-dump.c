/*
 * usage: engine-dump MODEL float32|bf16|int8 LENGTH...
 * One batch of sequences of these lengths through nn/cpu, without dropout. Token i of the batch is
 * 1 + i * 7919 % (vocabulary - 1), sequence s has class s % labels, and the divisor is the number
 * of sequences. Writes a line NAME COUNT for the logits and each gradient (int8 has none), an empty
 * line, and then the numbers in that order as float32.
 */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "model/model.h"
#include "nn/engine.h"

struct input {
    struct batch batch;
    uint32_t *ids, *types, *positions, *cu_seqlens, *row_tokens;
    uint64_t *ordinals;
    int32_t *classes;
};

static void fill(struct input *in, const struct model *model, const uint64_t *lengths, size_t count)
{
    uint64_t tokens = 0;
    for (size_t s = 0; s < count; s++)
        tokens += lengths[s];
    in->ids = mem_calloc(tokens, sizeof *in->ids);
    in->types = mem_calloc(tokens, sizeof *in->types);
    in->positions = mem_calloc(tokens, sizeof *in->positions);
    in->cu_seqlens = mem_calloc(count + 1, sizeof *in->cu_seqlens);
    in->row_tokens = mem_calloc(count, sizeof *in->row_tokens);
    in->ordinals = mem_calloc(count, sizeof *in->ordinals);
    in->classes = mem_calloc(count, sizeof *in->classes);
    uint32_t t = 0;
    for (size_t s = 0; s < count; s++) {
        in->row_tokens[s] = t;
        in->classes[s] = (int32_t)(s % model->config.num_labels);
        for (uint32_t i = 0; i < lengths[s]; i++, t++) {
            in->ids[t] = 1 + t * UINT32_C(7919) % (model->config.vocab_size - 1);
            in->positions[t] = i;
        }
        in->cu_seqlens[s + 1] = t;
    }
    in->batch = (struct batch){
        .tokens = t,
        .sequences = (uint32_t)count,
        .ids = in->ids,
        .types = in->types,
        .positions = in->positions,
        .cu_seqlens = in->cu_seqlens,
        .ordinals = in->ordinals,
        .rows = (uint32_t)count,
        .row_tokens = in->row_tokens,
        .target = TARGET_CLASS,
        .classes = in->classes,
    };
}

static void free_input(struct input *in)
{
    free(in->ids);
    free(in->types);
    free(in->positions);
    free(in->cu_seqlens);
    free(in->row_tokens);
    free(in->ordinals);
    free(in->classes);
}

static int dump(struct engine *engine, const struct model *model, const struct batch *batch,
                bool gradients)
{
    size_t count = gradients ? model->table.count : 0;
    size_t outputs = (size_t)batch->rows * model->config.num_labels;
    float *logits = mem_calloc(outputs, sizeof *logits);
    float *gradient = mem_calloc(model->table.largest, sizeof *gradient);
    struct engine_stats stats = {0};
    int result = engine_forward(engine, batch, logits);
    if (result == 0 && gradients)
        result = engine_accumulate(engine, batch, batch->sequences, &stats);
    printf("logits %zu\n", outputs);
    for (size_t i = 0; i < count; i++)
        printf("%s %" PRIu64 "\n", model->table.items[i].name, model->table.items[i].count);
    printf("\n");
    fwrite(logits, sizeof *logits, outputs, stdout);
    for (size_t i = 0; i < count && result == 0; i++) {
        result = engine_export(engine, ENGINE_GRADIENT, i, gradient);
        fwrite(gradient, sizeof *gradient, model->table.items[i].count, stdout);
    }
    free(logits);
    free(gradient);
    return result;
}

int main(int argc, char **argv)
{
    struct model model;
    struct engine_plan plan;
    struct engine *engine;
    struct input input;
    uint64_t lengths[64];
    size_t count = argc > 3 ? (size_t)argc - 3 : 0;

    diag_init("engine-dump");
    if (count == 0 || count > sizeof lengths / sizeof *lengths)
        return 2;
    for (size_t s = 0; s < count; s++)
        if (parse_unsigned(argv[s + 3], &lengths[s]))
            return 2;
    if (model_load(&model, argv[1], 0))
        return 1;
    fill(&input, &model, lengths, count);
    engine_plan_init(&plan, &model);
    plan.dtype = strcmp(argv[2], "bf16") == 0   ? ENGINE_BF16
                 : strcmp(argv[2], "int8") == 0 ? ENGINE_INT8
                                                : ENGINE_FLOAT32;
    plan.train = plan.dtype != ENGINE_INT8;
    plan.hidden_dropout = plan.attention_dropout = plan.classifier_dropout = 0;
    plan.max_tokens = plan.max_length = input.batch.tokens;
    if (plan.max_length > model_config_max_length(&model.config))
        plan.max_length = model_config_max_length(&model.config);
    plan.max_sequences = (uint32_t)count;
    int status = engine_open(&engine, &model, &plan);
    if (status == 0) {
        status = dump(engine, &model, &input.batch, plan.train);
        engine_close(engine);
    }
    free_input(&input);
    model_free(&model);
    return status == 0 ? 0 : 1;
}
