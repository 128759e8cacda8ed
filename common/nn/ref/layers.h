/*
 * The layers of an encoder and their gradients in double precision, written to be read: the oracle
 * that other backends are tested against.
 *
 * Outputs come first, then inputs, then sizes; arrays are row-major with the shape given in
 * brackets. Every function ending in _backward *adds* to the d_... arrays it writes; d_x is the
 * gradient of the loss by x. Outputs and inputs must not overlap unless it is said. One sequence at
 * a time: no padding, no masks.
 */
#ifndef NN_REF_LAYERS_H
#define NN_REF_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "model/config.h"
#include "nn/loss.h"

/* Which elements are dropped (nn/dropout.h); a probability of 0 drops none. */
struct ref_mask {
    uint64_t seed;
    uint64_t ordinal;
    uint32_t site;
    double probability;
};

/* values: [rows, width], dropped and scaled in place; also its own gradient. first_row: the row's
 * number within the sample of values' first row. */
void ref_dropout(double *values, const struct ref_mask *mask, uint32_t first_row, size_t rows,
                 size_t width);

/*
 * out: [length, width], sums of one row of each table. words: [vocab, width]; positions: [max,
 * width]; types: [types, width], or NULL where the family has none (type_ids is then not read).
 */
void ref_embeddings(double *out, const double *words, const double *positions, const double *types,
                    const uint32_t *ids, const uint32_t *position_ids, const uint32_t *type_ids,
                    size_t length, size_t width);
/* pad: the id whose embedding is not trained, or -1 (as torch.nn.Embedding's padding_idx). */
void ref_embeddings_backward(double *d_words, double *d_positions, double *d_types,
                             const double *d_out, const uint32_t *ids, const uint32_t *position_ids,
                             const uint32_t *type_ids, int64_t pad, size_t length, size_t width);

/* out: [rows, width] = (in - mean) / sqrt(variance + epsilon) * weight + bias, the biased variance.
 * in: [rows, width]; weight, bias: [width]. */
void ref_layer_norm(double *out, const double *in, const double *weight, const double *bias,
                    double epsilon, size_t rows, size_t width);
void ref_layer_norm_backward(double *d_in, double *d_weight, double *d_bias, const double *d_out,
                             const double *in, const double *weight, double epsilon, size_t rows,
                             size_t width);

/* out: [rows, outputs] = in weight' + bias. in: [rows, inputs]; weight: [outputs, inputs]; bias:
 * [outputs]. */
void ref_dense(double *out, const double *in, const double *weight, const double *bias, size_t rows,
               size_t outputs, size_t inputs);
void ref_dense_backward(double *d_in, double *d_weight, double *d_bias, const double *d_out,
                        const double *in, const double *weight, size_t rows, size_t outputs,
                        size_t inputs);

/*
 * Self attention of one sequence. out: [length, width]; probabilities: [heads, length, length],
 * before dropout, kept for the gradient; query, key, value: [length, width], where head h owns
 * columns h*size .. h*size+size-1 with size = width / heads. The mask's site is that of head 0.
 */
void ref_attention(double *out, double *probabilities, const double *query, const double *key,
                   const double *value, const struct ref_mask *mask, size_t length, size_t heads,
                   size_t width);
/* row: [2, length], working space. */
void ref_attention_backward(double *d_query, double *d_key, double *d_value, double *row,
                            const double *d_out, const double *probabilities, const double *query,
                            const double *key, const double *value, const struct ref_mask *mask,
                            size_t length, size_t heads, size_t width);

/* out, in: [count]; they may be the same array. */
void ref_activation(double *out, const double *in, enum activation kind, size_t count);
void ref_activation_backward(double *d_in, const double *d_out, const double *in,
                             enum activation kind, size_t count);

/* out, in: [count]. The gradient is computed from out. */
void ref_tanh(double *out, const double *in, size_t count);
void ref_tanh_backward(double *d_in, const double *d_out, const double *out, size_t count);

/* The loss of one row of logits [labels]; d_logits: [labels] gets its gradient times scale
 * (overwritten). */
double ref_cross_entropy(double *d_logits, const double *logits, const struct loss_form *form,
                         uint32_t target, double scale, size_t labels);
/* Mean over labels of the sigmoid cross-entropies; targets: [labels] in [0, 1]. */
double ref_sigmoid_cross_entropy(double *d_logits, const double *logits, const float *targets,
                                 double scale, size_t labels);
/* Mean over labels of the squared errors; targets: [labels]. */
double ref_squared_error(double *d_logits, const double *logits, const float *targets, double scale,
                         size_t labels);

#endif
