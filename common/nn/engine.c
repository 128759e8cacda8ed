#include "nn/engine.h"

#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "nn/backend.h"

struct engine {
    const struct backend *backend;
    void *self;              /* the backend's */
    struct engine_plan plan; /* checked, zero sizes resolved; its arrays are the engine's own */
    /* What batches are checked against; the model itself may be gone by then. */
    uint32_t vocab_size, type_vocab_size, max_position_embeddings, labels;
    size_t tensors;
    uint64_t step;
};

void engine_plan_init(struct engine_plan *plan, const struct model *model)
{
    memset(plan, 0, sizeof *plan);
    plan->device = ENGINE_CPU;
    plan->dtype = ENGINE_FLOAT32;
    plan->head = ENGINE_HEAD_CLASSIFIER;
    plan->hidden_dropout = model->config.hidden_dropout_prob;
    plan->attention_dropout = model->config.attention_probs_dropout_prob;
    plan->classifier_dropout = model_config_classifier_dropout(&model->config);
    plan->seed = 42;
    plan->adam_beta1 = 0.9;
    plan->adam_beta2 = 0.999;
    plan->adam_epsilon = 1e-8;
}

static const struct backend *find_backend(const struct engine_plan *plan)
{
    if (plan->head == ENGINE_HEAD_TOKENS) {
        diag_error("engine: the token classifier's head is not available, only the classifier's");
        return NULL;
    }
    if (plan->head == ENGINE_HEAD_MLM) {
        diag_error("engine: the masked language model's head is not available, "
                   "only the classifier's");
        return NULL;
    }
    if (plan->device == ENGINE_CUDA) {
        diag_error("engine: device cuda is not available in this build, only cpu and ref");
        return NULL;
    }
    if ((plan->dtype == ENGINE_BF16 || plan->dtype == ENGINE_INT8) && plan->device == ENGINE_REF) {
        diag_error("engine: device ref computes in double precision, it has no dtype %s",
                   plan->dtype == ENGINE_BF16 ? "bf16" : "int8");
        return NULL;
    }
    if (plan->dtype == ENGINE_INT8 && plan->train) {
        diag_error("engine: dtype int8 is for inference, it does not train");
        return NULL;
    }
    return plan->device == ENGINE_REF ? &backend_ref : &backend_cpu;
}

/* 0 when low <= value < high; a NaN fails. */
static int check_number(const char *name, double value, double low, double high)
{
    if (value >= low && value < high)
        return 0;
    if (high == HUGE_VAL)
        return diag_error("engine: %s %g is not a number of at least %g", name, value, low);
    return diag_error("engine: %s %g is not in [%g, %g)", name, value, low, high);
}

static int check_training_plan(const struct engine_plan *plan)
{
    if (plan->weights_from)
        return diag_error("engine: an engine that trains cannot share another one's weights");
    if (check_number("hidden dropout", plan->hidden_dropout, 0.0, 1.0) ||
        check_number("attention dropout", plan->attention_dropout, 0.0, 1.0) ||
        check_number("classifier dropout", plan->classifier_dropout, 0.0, 1.0) ||
        check_number("adam beta1", plan->adam_beta1, 0.0, 1.0) ||
        check_number("adam beta2", plan->adam_beta2, 0.0, 1.0) ||
        check_number("adam epsilon", plan->adam_epsilon, 0.0, HUGE_VAL) ||
        check_number("weight decay", plan->weight_decay, 0.0, HUGE_VAL) ||
        check_number("label smoothing", plan->loss.label_smoothing, 0.0, 1.0000001))
        return -1;
    return 0;
}

static int check_trained(const float *factors, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!factors || factors[i] > 0)
            return 0;
    return diag_error("engine: all tensors are frozen, there is nothing to train");
}

static int check_factors(const char *name, const float *factors, size_t count)
{
    for (size_t i = 0; factors && i < count; i++)
        if (check_number(name, factors[i], 0.0, HUGE_VAL))
            return -1;
    return 0;
}

/* The dropout counter has 16 bits for the row, 16 for the layer and 12 for the head. */
static int check_counter_limits(const struct model_config *config, uint32_t max_length)
{
    if (max_length > 65536)
        return diag_error("engine: sequences of %" PRIu32 " tokens exceed the limit of 65536",
                          max_length);
    if (config->num_hidden_layers > 65536 || config->num_attention_heads > 4096)
        return diag_error("engine: %" PRIu32 " layers of %" PRIu32
                          " heads exceed the limits of 65536 and 4096",
                          config->num_hidden_layers, config->num_attention_heads);
    return 0;
}

static int check_plan(const struct engine_plan *plan, const struct model *model)
{
    uint32_t longest = model_config_max_length(&model->config);

    if (plan->max_tokens == 0 || plan->max_sequences == 0 || plan->max_length == 0)
        return diag_error("engine: a plan for %" PRIu32 " tokens, %" PRIu32
                          " sequences and a length of %" PRIu32 " has nothing to do",
                          plan->max_tokens, plan->max_sequences, plan->max_length);
    if (plan->max_length > longest)
        return diag_error("engine: sequences of %" PRIu32
                          " tokens are longer than the model's %" PRIu32 " positions",
                          plan->max_length, longest);
    if (check_counter_limits(&model->config, plan->max_length))
        return -1;
    if (!plan->train)
        return 0;
    if (check_training_plan(plan) ||
        check_factors("learning rate factor", plan->rate_factors, model->table.count) ||
        check_factors("class weight", plan->loss.class_weights, model->config.num_labels))
        return -1;
    return check_trained(plan->rate_factors, model->table.count);
}

static int check_weights(const struct engine_plan *plan, const struct model *model)
{
    const struct engine *from = plan->weights_from;

    if (from && (from->plan.device != plan->device || from->plan.dtype != plan->dtype ||
                 from->tensors != model->table.count))
        return diag_error("engine: weights can be shared only by engines of the same model, "
                          "device and dtype");
    for (size_t i = 0; !from && i < model->table.count; i++) {
        if (!model->weights[i])
            return diag_error("engine: tensor %s has no values", model->table.items[i].name);
    }
    return 0;
}

static unsigned available_threads(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int count = CPU_COUNT(&set);
    return count > 0 ? (unsigned)count : 1;
}

static const float *copy_floats(const float *values, size_t count)
{
    if (!values)
        return NULL;
    float *copy = mem_realloc_array(NULL, count, sizeof *copy);
    memcpy(copy, values, count * sizeof *copy);
    return copy;
}

static void free_engine(struct engine *engine)
{
    free((float *)engine->plan.rate_factors);
    free((float *)engine->plan.loss.class_weights);
    free(engine);
}

/* With the defaults that stand for zeros filled in. NULL after a message. */
static struct engine *engine_new(const struct model *model, const struct engine_plan *plan)
{
    const struct backend *backend = find_backend(plan);
    if (!backend || check_plan(plan, model) || check_weights(plan, model))
        return NULL;

    struct engine *e = mem_calloc(1, sizeof *e);
    e->backend = backend;
    e->plan = *plan;
    e->plan.rate_factors = copy_floats(plan->rate_factors, model->table.count);
    e->plan.loss.class_weights = copy_floats(plan->loss.class_weights, model->config.num_labels);
    if (e->plan.max_rows == 0)
        e->plan.max_rows = plan->max_sequences;
    if (e->plan.threads == 0)
        e->plan.threads = available_threads();
    e->vocab_size = model->config.vocab_size;
    e->type_vocab_size = model->config.type_vocab_size;
    e->max_position_embeddings = model->config.max_position_embeddings;
    e->labels = model->config.num_labels;
    e->tensors = model->table.count;
    return e;
}

int engine_open(struct engine **engine, const struct model *model, const struct engine_plan *plan)
{
    *engine = NULL;
    struct engine *e = engine_new(model, plan);
    if (!e)
        return -1;
    void *lender = plan->weights_from ? plan->weights_from->self : NULL;
    e->self = e->backend->open(model, &e->plan, lender);
    if (!e->self) {
        free_engine(e);
        return -1;
    }
    *engine = e;
    return 0;
}

int engine_plan_memory(const struct model *model, const struct engine_plan *plan, uint64_t *bytes)
{
    struct engine *e = engine_new(model, plan);
    if (!e)
        return -1;
    int result = 0;
    if (e->backend->plan_memory) {
        result = e->backend->plan_memory(model, &e->plan, bytes);
        *bytes += sizeof *e;
    } else if ((e->self = e->backend->open(model, &e->plan, NULL)) != NULL) {
        *bytes = engine_memory(e);
        e->backend->close(e->self);
    } else {
        result = -1;
    }
    free_engine(e);
    return result;
}

void engine_close(struct engine *engine)
{
    if (!engine)
        return;
    engine->backend->close(engine->self);
    free_engine(engine);
}

uint64_t engine_memory(const struct engine *engine)
{
    return sizeof *engine + engine->backend->memory(engine->self);
}

enum engine_dtype engine_dtype(const struct engine *engine)
{
    return engine->backend->dtype ? engine->backend->dtype(engine->self) : ENGINE_FLOAT32;
}

const char *engine_describe(const struct engine *engine)
{
    return engine->backend->describe(engine->self);
}

void engine_profile(const struct engine *engine, struct buffer *out)
{
    if (engine->backend->profile)
        engine->backend->profile(engine->self, out);
    else
        buffer_format(out, "device %s does not measure itself\n", engine->backend->name);
}

static int check_size(const char *what, uint32_t size, uint32_t most)
{
    if (size == 0)
        return diag_error("batch: it has no %s", what);
    if (size > most)
        return diag_error("batch: %" PRIu32 " %s are more than the %" PRIu32 " planned for", size,
                          what, most);
    return 0;
}

static int check_lengths(const struct engine *engine, const struct batch *batch)
{
    const uint32_t *cu = batch->cu_seqlens;

    if (cu[0] != 0 || cu[batch->sequences] != batch->tokens)
        return diag_error("batch: the sequences span tokens %" PRIu32 " to %" PRIu32
                          ", not 0 to %" PRIu32,
                          cu[0], cu[batch->sequences], batch->tokens);
    for (uint32_t s = 0; s < batch->sequences; s++) {
        if (cu[s + 1] <= cu[s])
            return diag_error("batch: sequence %" PRIu32 ": it has no tokens", s);
        if (cu[s + 1] - cu[s] > engine->plan.max_length)
            return diag_error("batch: sequence %" PRIu32 ": %" PRIu32
                              " tokens are more than the %" PRIu32 " planned for",
                              s, cu[s + 1] - cu[s], engine->plan.max_length);
    }
    return 0;
}

/* Every value of one sequence's tokens is below a table's number of rows. */
static int check_below(const char *what, const char *table, const uint32_t *values, uint32_t limit,
                       const struct batch *batch, uint32_t s)
{
    for (uint32_t t = batch->cu_seqlens[s]; t < batch->cu_seqlens[s + 1]; t++) {
        if (values[t] >= limit)
            return diag_error("batch: sequence %" PRIu32 ": token %" PRIu32 ": %s %" PRIu32
                              " is not below the %s %" PRIu32,
                              s, t - batch->cu_seqlens[s], what, values[t], table, limit);
    }
    return 0;
}

static int check_tokens(const struct engine *engine, const struct batch *batch)
{
    for (uint32_t s = 0; s < batch->sequences; s++) {
        if (check_below("id", "vocabulary's size", batch->ids, engine->vocab_size, batch, s) ||
            check_below("position", "model's positions", batch->positions,
                        engine->max_position_embeddings, batch, s))
            return -1;
        if (engine->type_vocab_size > 0 && check_below("type", "model's token types", batch->types,
                                                       engine->type_vocab_size, batch, s))
            return -1;
    }
    return 0;
}

static int check_rows(const struct batch *batch)
{
    for (uint32_t r = 0; r < batch->rows; r++) {
        if (batch->row_tokens[r] >= batch->tokens)
            return diag_error("batch: row %" PRIu32 ": token %" PRIu32 " is not below the %" PRIu32
                              " of the batch",
                              r, batch->row_tokens[r], batch->tokens);
        if (r > 0 && batch->row_tokens[r] <= batch->row_tokens[r - 1])
            return diag_error("batch: row %" PRIu32 ": token %" PRIu32
                              " does not come after the previous row's %" PRIu32,
                              r, batch->row_tokens[r], batch->row_tokens[r - 1]);
    }
    return 0;
}

static int check_batch(const struct engine *engine, const struct batch *batch)
{
    if (check_size("tokens", batch->tokens, engine->plan.max_tokens) ||
        check_size("sequences", batch->sequences, engine->plan.max_sequences) ||
        check_size("rows", batch->rows, engine->plan.max_rows) || check_lengths(engine, batch) ||
        check_tokens(engine, batch) || check_rows(batch))
        return -1;
    return 0;
}

static int check_classes(const struct engine *engine, const struct batch *batch)
{
    for (uint32_t r = 0; r < batch->rows; r++) {
        int32_t class = batch->classes[r];
        if (class != TARGET_IGNORED && (class < 0 || (uint32_t) class >= engine->labels))
            return diag_error("batch: row %" PRIu32 ": class %" PRId32 " is not in 0 .. %" PRIu32,
                              r, class, engine->labels - 1);
    }
    return 0;
}

static int check_values(const struct engine *engine, const struct batch *batch)
{
    for (uint32_t r = 0; r < batch->rows; r++) {
        for (uint32_t j = 0; j < engine->labels; j++) {
            double value = batch->values[(size_t)r * engine->labels + j];
            if (!isfinite(value))
                return diag_error("batch: row %" PRIu32 ": target %" PRIu32 " is %g", r, j, value);
            if (batch->target == TARGET_MULTI && !(value >= 0.0 && value <= 1.0))
                return diag_error("batch: row %" PRIu32 ": target %" PRIu32 ": %g is not in [0, 1]",
                                  r, j, value);
        }
    }
    return 0;
}

static int check_targets(const struct engine *engine, const struct batch *batch)
{
    if (batch->target == TARGET_CLASS && batch->classes)
        return check_classes(engine, batch);
    if ((batch->target == TARGET_MULTI || batch->target == TARGET_REAL) && batch->values)
        return check_values(engine, batch);
    return diag_error("batch: it has no targets to compute a loss from");
}

static bool has_dropout(const struct engine_plan *plan)
{
    return plan->hidden_dropout > 0.0 || plan->attention_dropout > 0.0 ||
           plan->classifier_dropout > 0.0;
}

int engine_forward(struct engine *engine, const struct batch *batch, float *logits)
{
    if (check_batch(engine, batch))
        return -1;
    return engine->backend->forward(engine->self, batch, logits);
}

static int check_training(const struct engine *engine)
{
    if (!engine->plan.train)
        return diag_error("engine: it was opened for inference and cannot train");
    return 0;
}

int engine_accumulate(struct engine *engine, const struct batch *batch, double divisor,
                      struct engine_stats *stats)
{
    if (check_training(engine) || check_batch(engine, batch) || check_targets(engine, batch))
        return -1;
    if (!(divisor > 0.0) || !isfinite(divisor))
        return diag_error("batch: the loss cannot be divided by %g", divisor);
    if (has_dropout(&engine->plan) && !batch->ordinals)
        return diag_error("batch: it has no ordinals to drop elements by");
    return engine->backend->accumulate(engine->self, batch, divisor, stats);
}

int engine_reduce(struct engine *engine, struct communicator *communicator)
{
    if (check_training(engine))
        return -1;
    if (communicator)
        return diag_error("engine: there is no communication between processes in this build");
    return 0;
}

double engine_divisor(const struct engine *engine, const struct batch *batch)
{
    return loss_divisor(batch, &engine->plan.loss);
}

int engine_apply(struct engine *engine, double lr, double max_norm, double *norm)
{
    if (check_training(engine) || check_number("learning rate", lr, 0.0, HUGE_VAL))
        return -1;
    if (engine->backend->apply(engine->self, engine->step + 1, lr, max_norm, norm))
        return -1;
    engine->step++;
    return 0;
}

static int check_tensor(const struct engine *engine, enum engine_tensor kind, size_t index)
{
    if (index >= engine->tensors)
        return diag_error("engine: tensor %zu is not below the model's %zu", index,
                          engine->tensors);
    return kind == ENGINE_WEIGHT ? 0 : check_training(engine);
}

int engine_export(const struct engine *engine, enum engine_tensor kind, size_t index, float *values)
{
    if (check_tensor(engine, kind, index))
        return -1;
    return engine->backend->export_tensor(engine->self, kind, index, values);
}

int engine_import(struct engine *engine, enum engine_tensor kind, size_t index, const float *values)
{
    if (check_tensor(engine, kind, index))
        return -1;
    if (engine->plan.weights_from)
        return diag_error("engine: weights shared with another engine cannot be replaced");
    return engine->backend->import_tensor(engine->self, kind, index, values);
}

uint64_t engine_step(const struct engine *engine)
{
    return engine->step;
}

void engine_set_step(struct engine *engine, uint64_t step)
{
    engine->step = step;
}
