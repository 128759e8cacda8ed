/*
 * A whole encoder with its classifier, one sequence at a time, from the layers of layers.h.
 */
#ifndef NN_REF_NETWORK_H
#define NN_REF_NETWORK_H

#include <stddef.h>
#include <stdint.h>

#include "model/model.h"

/* Zeroed arrays that are released together. */
struct ref_arena {
    double **blocks;
    size_t count, capacity;
    uint64_t bytes;
};

double *ref_arena_take(struct ref_arena *arena, size_t count);
void ref_arena_free(struct ref_arena *arena);

/* What one layer keeps for its gradient. L: length, H: hidden, I: intermediate. */
struct ref_layer {
    double *query, *key, *value; /* [L, H] */
    double *probabilities;       /* [heads, L, L] */
    double *context;             /* [L, H] the attention's output before its projection */
    double *attention_sum;       /* [L, H] dropped projection + input of the layer */
    double *attended;            /* [L, H] its LayerNorm */
    double *inner;               /* [L, I] before the activation */
    double *activated;           /* [L, I] */
    double *output_sum;          /* [L, H] dropped projection + attended */
    double *output;              /* [L, H] its LayerNorm */
};

/* Dropout probabilities and key of a run; all zero: no dropout. */
struct ref_dropouts {
    double hidden, attention, classifier;
    uint64_t seed;
};

/* Working space of the gradients, each overwritten by every layer. */
struct ref_gradients {
    double *d_output; /* [L, H] by the layer's output, in the end by its input */
    double *d_sum, *d_attended, *d_context, *d_query, *d_key, *d_value; /* [L, H] */
    double *d_activated, *d_inner;                                      /* [L, I] */
    double *row;                                                        /* [2, L] */
};

struct ref_network {
    size_t hidden, heads, intermediate, labels;
    uint32_t layers;
    enum activation activation;
    double epsilon;
    int64_t pad;                  /* the id whose embedding is not trained, or -1 */
    struct parameter_table table; /* a copy: the model may go */
    double **weights;             /* [table.count] */
    double **weight_gradients;    /* [table.count], or NULL without training */

    double *embedded_sum; /* [L, H] */
    double *embedded;     /* [L, H] its LayerNorm, dropped */
    struct ref_layer *layer;
    double *pooled;  /* [H] of one row, after tanh */
    double *dropped; /* [H] the classifier's input */
    struct ref_gradients gradients;
};

struct ref_sample {
    const uint32_t *ids, *positions, *types; /* [length] */
    uint32_t length;
    uint64_t ordinal;
};

/* Plans the arrays for sequences of up to max_length tokens; weights and weight_gradients are the
 * caller's to set. */
void ref_network_init(struct ref_network *network, const struct model *model, uint32_t max_length,
                      bool train, struct ref_arena *arena);
void ref_network_free(struct ref_network *network);

/* Runs the encoder; its activations stay in the network. */
void ref_encode(struct ref_network *network, const struct ref_sample *sample,
                const struct ref_dropouts *dropouts);
/* logits: [labels], of the classifier at one token of the encoded sample. */
void ref_head(struct ref_network *network, double *logits, const struct ref_sample *sample,
              uint32_t token, const struct ref_dropouts *dropouts);

/*
 * The gradient of one sample just encoded: ref_backward_begin, then for each row ref_head followed
 * by ref_head_backward, then ref_encode_backward.
 */
void ref_backward_begin(struct ref_network *network, const struct ref_sample *sample);
void ref_head_backward(struct ref_network *network, const double *d_logits,
                       const struct ref_sample *sample, uint32_t token,
                       const struct ref_dropouts *dropouts);
void ref_encode_backward(struct ref_network *network, const struct ref_sample *sample,
                         const struct ref_dropouts *dropouts);

#endif
