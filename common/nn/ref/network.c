#include "nn/ref/network.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "nn/dropout.h"
#include "nn/ref/layers.h"

double *ref_arena_take(struct ref_arena *arena, size_t count)
{
    mem_grow(&arena->blocks, &arena->capacity, arena->count + 1, sizeof *arena->blocks);
    arena->blocks[arena->count] = mem_calloc(count, sizeof(double));
    arena->bytes += (uint64_t)count * sizeof(double);
    return arena->blocks[arena->count++];
}

void ref_arena_free(struct ref_arena *arena)
{
    for (size_t i = 0; i < arena->count; i++)
        free(arena->blocks[i]);
    free(arena->blocks);
}

static void plan_layer(const struct ref_network *network, struct ref_layer *layer, size_t length,
                       struct ref_arena *arena)
{
    size_t hidden = length * network->hidden;
    size_t inner = length * network->intermediate;

    layer->query = ref_arena_take(arena, hidden);
    layer->key = ref_arena_take(arena, hidden);
    layer->value = ref_arena_take(arena, hidden);
    layer->probabilities = ref_arena_take(arena, network->heads * length * length);
    layer->context = ref_arena_take(arena, hidden);
    layer->attention_sum = ref_arena_take(arena, hidden);
    layer->attended = ref_arena_take(arena, hidden);
    layer->inner = ref_arena_take(arena, inner);
    layer->activated = ref_arena_take(arena, inner);
    layer->output_sum = ref_arena_take(arena, hidden);
    layer->output = ref_arena_take(arena, hidden);
}

static void plan_gradients(const struct ref_network *network, struct ref_gradients *gradients,
                           size_t length, struct ref_arena *arena)
{
    size_t hidden = length * network->hidden;
    size_t inner = length * network->intermediate;

    gradients->d_output = ref_arena_take(arena, hidden);
    gradients->d_sum = ref_arena_take(arena, hidden);
    gradients->d_attended = ref_arena_take(arena, hidden);
    gradients->d_context = ref_arena_take(arena, hidden);
    gradients->d_query = ref_arena_take(arena, hidden);
    gradients->d_key = ref_arena_take(arena, hidden);
    gradients->d_value = ref_arena_take(arena, hidden);
    gradients->d_activated = ref_arena_take(arena, inner);
    gradients->d_inner = ref_arena_take(arena, inner);
    gradients->row = ref_arena_take(arena, 2 * length);
}

void ref_network_init(struct ref_network *network, const struct model *model, uint32_t max_length,
                      bool train, struct ref_arena *arena)
{
    const struct model_config *config = &model->config;

    memset(network, 0, sizeof *network);
    network->hidden = config->hidden_size;
    network->pad = config->pad_token_id;
    network->heads = config->num_attention_heads;
    network->intermediate = config->intermediate_size;
    network->labels = config->num_labels;
    network->layers = config->num_hidden_layers;
    network->activation = config->hidden_act;
    network->epsilon = config->layer_norm_eps;
    network->table = model->table;
    network->table.items =
        mem_duplicate(model->table.items, model->table.count * sizeof *model->table.items);

    network->embedded_sum = ref_arena_take(arena, max_length * network->hidden);
    network->embedded = ref_arena_take(arena, max_length * network->hidden);
    network->pooled = ref_arena_take(arena, network->hidden);
    network->dropped = ref_arena_take(arena, network->hidden);
    network->layer = mem_calloc(network->layers, sizeof *network->layer);
    for (uint32_t l = 0; l < network->layers; l++)
        plan_layer(network, &network->layer[l], max_length, arena);
    if (train)
        plan_gradients(network, &network->gradients, max_length, arena);
}

void ref_network_free(struct ref_network *network)
{
    free(network->table.items);
    free(network->layer);
}

/* The values of a role's tensor among arrays in table order; NULL where the family has none. */
static double *tensor(const struct ref_network *network, double *const *arrays,
                      enum parameter_role role, uint32_t layer)
{
    size_t index = parameter_index(&network->table, role, layer);

    return index == SIZE_MAX ? NULL : arrays[index];
}

static double *weight(const struct ref_network *network, enum parameter_role role, uint32_t layer)
{
    return tensor(network, network->weights, role, layer);
}

static double *gradient(const struct ref_network *network, enum parameter_role role, uint32_t layer)
{
    return tensor(network, network->weight_gradients, role, layer);
}

/* The dense layer whose weight has this role; the bias's role is the next one. */
static void dense(const struct ref_network *network, double *out, const double *in,
                  enum parameter_role role, uint32_t layer, size_t rows, size_t outputs,
                  size_t inputs)
{
    ref_dense(out, in, weight(network, role, layer), weight(network, role + 1, layer), rows,
              outputs, inputs);
}

static void dense_backward(const struct ref_network *network, double *d_in, const double *d_out,
                           const double *in, enum parameter_role role, uint32_t layer, size_t rows,
                           size_t outputs, size_t inputs)
{
    ref_dense_backward(d_in, gradient(network, role, layer), gradient(network, role + 1, layer),
                       d_out, in, weight(network, role, layer), rows, outputs, inputs);
}

static void norm(const struct ref_network *network, double *out, const double *in,
                 enum parameter_role role, uint32_t layer, size_t rows)
{
    ref_layer_norm(out, in, weight(network, role, layer), weight(network, role + 1, layer),
                   network->epsilon, rows, network->hidden);
}

static void norm_backward(const struct ref_network *network, double *d_in, const double *d_out,
                          const double *in, enum parameter_role role, uint32_t layer, size_t rows)
{
    ref_layer_norm_backward(d_in, gradient(network, role, layer),
                            gradient(network, role + 1, layer), d_out, in,
                            weight(network, role, layer), network->epsilon, rows, network->hidden);
}

static struct ref_mask mask_at(const struct ref_dropouts *dropouts, const struct ref_sample *sample,
                               uint32_t layer, enum dropout_kind kind)
{
    double probability = dropouts->hidden;

    if (kind == DROPOUT_ATTENTION)
        probability = dropouts->attention;
    if (kind == DROPOUT_HEAD)
        probability = dropouts->classifier;
    return (struct ref_mask){dropouts->seed, sample->ordinal, dropout_site(layer, kind, 0),
                             probability};
}

/* Drops elements of [length, hidden] values in place: an activation, or the gradient by it. */
static void drop(const struct ref_network *network, double *values, const struct ref_sample *sample,
                 const struct ref_dropouts *dropouts, uint32_t layer, enum dropout_kind kind)
{
    const struct ref_mask mask = mask_at(dropouts, sample, layer, kind);

    ref_dropout(values, &mask, 0, sample->length, network->hidden);
}

static void add(double *out, const double *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] += in[i];
}

static void clear(double *values, size_t count)
{
    memset(values, 0, count * sizeof *values);
}

static void copy(double *out, const double *in, size_t count)
{
    memcpy(out, in, count * sizeof *out);
}

static const double *layer_input(const struct ref_network *network, uint32_t l)
{
    return l == 0 ? network->embedded : network->layer[l - 1].output;
}

static void layer_forward(struct ref_network *network, uint32_t l, const struct ref_sample *sample,
                          const struct ref_dropouts *dropouts)
{
    struct ref_layer *s = &network->layer[l];
    const double *input = layer_input(network, l);
    size_t rows = sample->length, width = network->hidden, inner = network->intermediate;
    const struct ref_mask mask = mask_at(dropouts, sample, l, DROPOUT_ATTENTION);

    dense(network, s->query, input, PARAMETER_QUERY_WEIGHT, l, rows, width, width);
    dense(network, s->key, input, PARAMETER_KEY_WEIGHT, l, rows, width, width);
    dense(network, s->value, input, PARAMETER_VALUE_WEIGHT, l, rows, width, width);
    ref_attention(s->context, s->probabilities, s->query, s->key, s->value, &mask, rows,
                  network->heads, width);

    dense(network, s->attention_sum, s->context, PARAMETER_ATTENTION_OUTPUT_WEIGHT, l, rows, width,
          width);
    drop(network, s->attention_sum, sample, dropouts, l, DROPOUT_ATTENTION_OUTPUT);
    add(s->attention_sum, input, rows * width);
    norm(network, s->attended, s->attention_sum, PARAMETER_ATTENTION_NORM_WEIGHT, l, rows);

    dense(network, s->inner, s->attended, PARAMETER_INTERMEDIATE_WEIGHT, l, rows, inner, width);
    ref_activation(s->activated, s->inner, network->activation, rows * inner);
    dense(network, s->output_sum, s->activated, PARAMETER_OUTPUT_WEIGHT, l, rows, width, inner);
    drop(network, s->output_sum, sample, dropouts, l, DROPOUT_OUTPUT);
    add(s->output_sum, s->attended, rows * width);
    norm(network, s->output, s->output_sum, PARAMETER_OUTPUT_NORM_WEIGHT, l, rows);
}

void ref_encode(struct ref_network *network, const struct ref_sample *sample,
                const struct ref_dropouts *dropouts)
{
    ref_embeddings(network->embedded_sum, weight(network, PARAMETER_WORD_EMBEDDINGS, 0),
                   weight(network, PARAMETER_POSITION_EMBEDDINGS, 0),
                   weight(network, PARAMETER_TYPE_EMBEDDINGS, 0), sample->ids, sample->positions,
                   sample->types, sample->length, network->hidden);
    norm(network, network->embedded, network->embedded_sum, PARAMETER_EMBEDDINGS_NORM_WEIGHT, 0,
         sample->length);
    drop(network, network->embedded, sample, dropouts, 0, DROPOUT_EMBEDDINGS);
    for (uint32_t l = 0; l < network->layers; l++)
        layer_forward(network, l, sample, dropouts);
}

void ref_head(struct ref_network *network, double *logits, const struct ref_sample *sample,
              uint32_t token, const struct ref_dropouts *dropouts)
{
    size_t width = network->hidden;
    const double *row = layer_input(network, network->layers) + token * width;
    const struct ref_mask mask = mask_at(dropouts, sample, 0, DROPOUT_HEAD);

    dense(network, network->pooled, row, PARAMETER_POOLER_WEIGHT, 0, 1, width, width);
    ref_tanh(network->pooled, network->pooled, width);
    copy(network->dropped, network->pooled, width);
    ref_dropout(network->dropped, &mask, token, 1, width);
    dense(network, logits, network->dropped, PARAMETER_CLASSIFIER_WEIGHT, 0, 1, network->labels,
          width);
}

void ref_backward_begin(struct ref_network *network, const struct ref_sample *sample)
{
    clear(network->gradients.d_output, sample->length * network->hidden);
}

void ref_head_backward(struct ref_network *network, const double *d_logits,
                       const struct ref_sample *sample, uint32_t token,
                       const struct ref_dropouts *dropouts)
{
    struct ref_gradients *g = &network->gradients;
    size_t width = network->hidden;
    const double *row = layer_input(network, network->layers) + token * width;
    const struct ref_mask mask = mask_at(dropouts, sample, 0, DROPOUT_HEAD);
    double *d_dropped = g->d_sum, *d_dense = g->d_attended; /* [H] of one row */

    clear(d_dropped, width);
    dense_backward(network, d_dropped, d_logits, network->dropped, PARAMETER_CLASSIFIER_WEIGHT, 0,
                   1, network->labels, width);
    ref_dropout(d_dropped, &mask, token, 1, width);
    clear(d_dense, width);
    ref_tanh_backward(d_dense, d_dropped, network->pooled, width);
    dense_backward(network, g->d_output + token * width, d_dense, row, PARAMETER_POOLER_WEIGHT, 0,
                   1, width, width);
}

/* d_output becomes the gradient by `attended`, in d_attended. */
static void feed_forward_backward(struct ref_network *network, uint32_t l,
                                  const struct ref_sample *sample,
                                  const struct ref_dropouts *dropouts)
{
    const struct ref_layer *s = &network->layer[l];
    struct ref_gradients *g = &network->gradients;
    size_t rows = sample->length, width = network->hidden, inner = network->intermediate;

    clear(g->d_sum, rows * width);
    norm_backward(network, g->d_sum, g->d_output, s->output_sum, PARAMETER_OUTPUT_NORM_WEIGHT, l,
                  rows);
    copy(g->d_attended, g->d_sum, rows * width);
    drop(network, g->d_sum, sample, dropouts, l, DROPOUT_OUTPUT);
    clear(g->d_activated, rows * inner);
    dense_backward(network, g->d_activated, g->d_sum, s->activated, PARAMETER_OUTPUT_WEIGHT, l,
                   rows, width, inner);
    clear(g->d_inner, rows * inner);
    ref_activation_backward(g->d_inner, g->d_activated, s->inner, network->activation,
                            rows * inner);
    dense_backward(network, g->d_attended, g->d_inner, s->attended, PARAMETER_INTERMEDIATE_WEIGHT,
                   l, rows, inner, width);
}

/* d_attended becomes the gradient by the layer's input, in d_output. */
static void attention_backward(struct ref_network *network, uint32_t l,
                               const struct ref_sample *sample, const struct ref_dropouts *dropouts)
{
    const struct ref_layer *s = &network->layer[l];
    struct ref_gradients *g = &network->gradients;
    const double *input = layer_input(network, l);
    size_t rows = sample->length, width = network->hidden;
    const struct ref_mask mask = mask_at(dropouts, sample, l, DROPOUT_ATTENTION);

    clear(g->d_sum, rows * width);
    norm_backward(network, g->d_sum, g->d_attended, s->attention_sum,
                  PARAMETER_ATTENTION_NORM_WEIGHT, l, rows);
    copy(g->d_output, g->d_sum, rows * width);
    drop(network, g->d_sum, sample, dropouts, l, DROPOUT_ATTENTION_OUTPUT);
    clear(g->d_context, rows * width);
    dense_backward(network, g->d_context, g->d_sum, s->context, PARAMETER_ATTENTION_OUTPUT_WEIGHT,
                   l, rows, width, width);

    clear(g->d_query, rows * width);
    clear(g->d_key, rows * width);
    clear(g->d_value, rows * width);
    ref_attention_backward(g->d_query, g->d_key, g->d_value, g->row, g->d_context, s->probabilities,
                           s->query, s->key, s->value, &mask, rows, network->heads, width);
    dense_backward(network, g->d_output, g->d_query, input, PARAMETER_QUERY_WEIGHT, l, rows, width,
                   width);
    dense_backward(network, g->d_output, g->d_key, input, PARAMETER_KEY_WEIGHT, l, rows, width,
                   width);
    dense_backward(network, g->d_output, g->d_value, input, PARAMETER_VALUE_WEIGHT, l, rows, width,
                   width);
}

void ref_encode_backward(struct ref_network *network, const struct ref_sample *sample,
                         const struct ref_dropouts *dropouts)
{
    struct ref_gradients *g = &network->gradients;
    size_t count = sample->length * network->hidden;

    for (uint32_t l = network->layers; l-- > 0;) {
        feed_forward_backward(network, l, sample, dropouts);
        attention_backward(network, l, sample, dropouts);
    }
    drop(network, g->d_output, sample, dropouts, 0, DROPOUT_EMBEDDINGS);
    clear(g->d_sum, count);
    norm_backward(network, g->d_sum, g->d_output, network->embedded_sum,
                  PARAMETER_EMBEDDINGS_NORM_WEIGHT, 0, sample->length);
    ref_embeddings_backward(gradient(network, PARAMETER_WORD_EMBEDDINGS, 0),
                            gradient(network, PARAMETER_POSITION_EMBEDDINGS, 0),
                            gradient(network, PARAMETER_TYPE_EMBEDDINGS, 0), g->d_sum, sample->ids,
                            sample->positions, sample->types, network->pad, sample->length,
                            network->hidden);
}
