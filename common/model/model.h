/*
 * A Hugging Face model folder: config.json and model.safetensors (one file or sharded), read and
 * written.
 *
 * Tokenizer files belong to common/text; here they are only listed and hashed in bertpipe.json.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/config.h"
#include "model/parameters.h"
#include "model/safetensors.h"

struct model {
    char *folder;
    struct model_config config;
    struct parameter_table table;
    /* [table.count], in table order; each row-major float32 of the parameter's shape, owned by the
     * model. NULL for a tensor that is missing and not yet initialised. */
    const float **weights;
    bool *missing; /* [table.count]: not in the folder (or re-headed), so initialised here */
    size_t missing_count;
    char digest[17];          /* bertpipe.json's digest in hexadecimal, or "" without that file */
    struct safetensors files; /* private: the mapping that weights point into */
    float **owned;            /* private: [table.count], converted or initialised values, or NULL */
};

enum model_load_flags {
    /* A missing pooler or classifier is an error: for evaluation and prediction. Without it they
     * are left to model_initialise, with a note. */
    MODEL_LOAD_COMPLETE = 1,
};

/*
 * Reads a model folder. F32 tensors are used in place from the mapping, others converted. Older
 * names (LayerNorm.gamma and .beta), names without the family's prefix, and surplus tensors known
 * to be without a use (position_ids, cls.*) are accepted; other surplus tensors are counted in a
 * warning. bertpipe.json is verified when present, contents included (MiniLM's 90 MB take 6 ms).
 * 0, or -1 with a message; nothing to free after a failure.
 */
int model_load(struct model *model, const char *folder, unsigned flags);

/* A model with the given configuration (taken over; freed with the model) and no folder: every
 * tensor is missing until model_initialise. */
int model_create(struct model *model, struct model_config *config);

/*
 * Fills the missing tensors: normal ones from N(0, initializer_range), biases with 0, LayerNorm
 * with 1 and 0, and the word embedding of [PAD] with 0. The values depend on the seed, the tensor's
 * name and the element alone, not on what else is missing (see initialise.h).
 */
void model_initialise(struct model *model, uint64_t seed);

/*
 * Gives the model these n labels (distinct). A classifier that fits is kept: the same names in the
 * same order, or as many names as a model with default names (LABEL_0, ...) has. Otherwise the
 * classifier becomes missing.
 */
int model_set_labels(struct model *model, const char *const *names, uint32_t n);

/* Unmaps and releases the weights (after an engine has taken its copy); config and table stay. */
void model_release_weights(struct model *model);
void model_free(struct model *model);

/* Where the values to be saved come from. */
struct model_source {
    const struct model_config *config;
    const struct parameter_table *table;
    safetensors_get *get; /* values of table->items[index] */
    void *context;
    const json_t *metadata; /* strings for the __metadata__ of model.safetensors; may be NULL */
    /* Writes the tokenizer's files into a folder; 0, or -1 with a message. NULL: none. */
    int (*write_tokenizer)(void *context, const char *folder);
    void *tokenizer; /* its context */
};

/* Values of a loaded model: context is the struct model. */
const float *model_get_weights(void *model, size_t index);

/* The folder in a model's folder in which model_save prepares its files. */
#define MODEL_PARTIAL ".model.partial"

/*
 * Writes the tokenizer's files, config.json, model.safetensors and bertpipe.json, which lists size
 * and xxh64 of each, into the folder, which is made if it does not exist. All are whole and on the
 * disk before the first is moved into its place, bertpipe.json last; of a model that was there, all
 * that its bertpipe.json lists goes. run (may be NULL; not consumed) is recorded as the run record.
 * 0, or -1 with a message; then the model that was there stays, or comes back as far as files can
 * be moved.
 */
int model_save(const struct model_source *source, const char *folder, const json_t *run);

#endif
