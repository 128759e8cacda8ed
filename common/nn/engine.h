/*
 * The training and inference engine, whatever it runs on.
 *
 * An engine owns its memory, planned whole when it is opened; there are no globals, so a process
 * may hold several. All calls on one engine come from one thread at a time; the engine has its own
 * worker threads.
 *
 * Every function returns 0, or -1 after a message.
 */
#ifndef NN_ENGINE_H
#define NN_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/buffer.h"
#include "model/model.h"
#include "nn/batch.h"
#include "nn/loss.h"

struct engine;
/* Sums gradients over processes; there is none yet: engine_reduce takes NULL. */
struct communicator;

enum engine_device { ENGINE_CPU, ENGINE_REF, ENGINE_CUDA };
/* Of matrix products' operands; sums, and all else, are in float32. ENGINE_AUTO: bf16 where the
 * processor is faster with it. ENGINE_INT8, for inference alone: of products with the weights of
 * layers; attention's are ENGINE_AUTO's, the head's of float32. */
enum engine_dtype { ENGINE_FLOAT32, ENGINE_BF16, ENGINE_AUTO, ENGINE_INT8 };
enum engine_optimiser { ENGINE_ADAMW, ENGINE_SGD };
enum engine_head { ENGINE_HEAD_CLASSIFIER, ENGINE_HEAD_TOKENS, ENGINE_HEAD_MLM };

struct engine_plan {
    enum engine_device device;
    enum engine_dtype dtype;
    enum engine_head head;
    uint32_t max_tokens;    /* most tokens of one batch */
    uint32_t max_sequences; /* most sequences of one batch */
    uint32_t max_rows;      /* most rows of one batch; 0 means max_sequences */
    uint32_t max_length;    /* most tokens of one sequence */
    bool train;             /* gradients and optimiser state are planned too */
    /* Training only: of each layer but the last only its input is kept, and the rest computed again
     * in the backward pass. The results are the same. */
    bool gradient_checkpointing;
    unsigned threads; /* 0: as many as the process may run on */
    /* inference only: share this engine's weights instead of the model's own */
    const struct engine *weights_from;

    /* Dropout (training only): probabilities in [0, 1) and the generator's key. */
    double hidden_dropout, attention_dropout, classifier_dropout;
    uint64_t seed;

    /* Training only. Weight decay is for the parameters whose table row says so. SGD has no
     * momentum; its weight decay is then the same as AdamW's. */
    enum engine_optimiser optimiser;
    double adam_beta1, adam_beta2, adam_epsilon, weight_decay;
    /* [table.count] a factor on each tensor's learning rate, or NULL: 1 for all; copied. A tensor
     * with 0 is frozen: it has no gradient and no share in the norm, and nothing below the lowest
     * trained tensor is differentiated. */
    const float *rate_factors;
    struct loss_form loss; /* its weights are copied */
};

/* Fills in the values of Hugging Face's Trainer, dropout as the model's config says, and zero
 * sizes. */
void engine_plan_init(struct engine_plan *plan, const struct model *model);

/* Adds up over calls until the caller zeroes it. */
struct engine_stats {
    double loss_sum; /* of rows' losses, before the divisor */
    uint64_t rows;   /* rows that counted */
};

/*
 * Opens an engine for the model, whose weights are copied when plan->train is set and used in place
 * otherwise (the model must then outlive the engine).
 */
int engine_open(struct engine **engine, const struct model *model, const struct engine_plan *plan);
void engine_close(struct engine *engine);

/* What engine_memory will say of an engine that is opened so, without opening it. 0, or -1 when it
 * could not be opened. */
int engine_plan_memory(const struct model *model, const struct engine_plan *plan, uint64_t *bytes);

/* Bytes the engine holds, all of them planned at engine_open. */
uint64_t engine_memory(const struct engine *engine);
/* What ENGINE_AUTO came to, or what was asked for. */
enum engine_dtype engine_dtype(const struct engine *engine);
/* One line for --verbose: device, dtype, kernels, threads. Owned by the engine. */
const char *engine_describe(const struct engine *engine);
/* Appends lines for people: where the time of all calls went. */
void engine_profile(const struct engine *engine, struct buffer *out);

/* Logits without dropout. logits: [rows, labels]. */
int engine_forward(struct engine *engine, const struct batch *batch, float *logits);

/*
 * Forward with dropout and backward: adds the gradient of (sum of the rows' losses) / divisor to
 * the gradients. The divisor is that of the whole optimiser step (loss_divisor added up), never of
 * the micro-batch.
 */
int engine_accumulate(struct engine *engine, const struct batch *batch, double divisor,
                      struct engine_stats *stats);

/* Sums gradients over the processes of a communicator; NULL is a group of one. */
int engine_reduce(struct engine *engine, struct communicator *communicator);

/*
 * One step of the optimiser with learning rate lr, after scaling the gradients by min(1, max_norm /
 * (norm + 1e-6)) (max_norm <= 0: no clipping), then zeroes them. *norm gets the global L2 norm
 * before the clip. A norm that is not finite leaves the weights as they are and fails without a
 * message: what to change is the caller's to say.
 */
int engine_apply(struct engine *engine, double lr, double max_norm, double *norm);

/* SGD's moments and the gradients and moments of frozen tensors are zero. */
enum engine_tensor { ENGINE_WEIGHT, ENGINE_GRADIENT, ENGINE_FIRST_MOMENT, ENGINE_SECOND_MOMENT };

/* What a batch adds to the divisor of its step: see loss_divisor. */
double engine_divisor(const struct engine *engine, const struct batch *batch);

/* Copies a whole tensor, float32 in the model's own shape; index: its row in the model's parameter
 * table. */
int engine_export(const struct engine *engine, enum engine_tensor kind, size_t index,
                  float *values);
int engine_import(struct engine *engine, enum engine_tensor kind, size_t index,
                  const float *values);

/* The number of optimiser steps taken (AdamW's t), for checkpoints. */
uint64_t engine_step(const struct engine *engine);
void engine_set_step(struct engine *engine, uint64_t step);

#endif
