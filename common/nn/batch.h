/*
 * A batch: sequences laid end to end without padding, and the rows at which the head applies.
 *
 * All arrays belong to the caller and stay valid for the length of one engine call.
 */
#ifndef NN_BATCH_H
#define NN_BATCH_H

#include <stdint.h>

enum target_kind {
    TARGET_NONE,  /* no loss is asked for */
    TARGET_CLASS, /* one class a row: softmax cross-entropy (classifier, token tags, MLM) */
    TARGET_MULTI, /* labels values a row in [0, 1]: mean of the sigmoid cross-entropies */
    TARGET_REAL,  /* labels values a row: mean of the squared errors */
};

/* A class target that adds nothing to the loss nor to its divisor. */
#define TARGET_IGNORED (-100)

struct batch {
    uint32_t tokens;           /* total number of tokens */
    uint32_t sequences;        /* number of sequences, each at least one token long */
    const uint32_t *ids;       /* [tokens] */
    const uint32_t *types;     /* [tokens] token types (segments) */
    const uint32_t *positions; /* [tokens] index into the position embeddings */
    /* [sequences + 1] sequence s is tokens cu_seqlens[s] .. cu_seqlens[s+1] - 1 */
    const uint32_t *cu_seqlens;
    /* [sequences] the sample's ordinal since training began: the dropout counter */
    const uint64_t *ordinals;

    uint32_t rows; /* number of rows the head is applied to */
    /* [rows] ascending token indices: first tokens, masked tokens, first subwords */
    const uint32_t *row_tokens;
    enum target_kind target;
    const int32_t *classes; /* [rows] for TARGET_CLASS */
    const float *values;    /* [rows, labels] for TARGET_MULTI and TARGET_REAL */
};

#endif
