/*
 * The trainable tensors of an encoder with a classifier: names, shapes, decay and initialisation.
 *
 * The order is the modules' own (embeddings, layers, pooler, classifier; within a module weight
 * before bias), which is also the order in which PyTorch lists parameters. Files are written in
 * name order instead.
 */
#ifndef MODEL_PARAMETERS_H
#define MODEL_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/architecture.h"
#include "model/config.h"

#define PARAMETER_NAME_SIZE 96

enum parameter_initialisation {
    INITIALISE_NORMAL, /* N(0, initializer_range) */
    INITIALISE_ZERO,
    INITIALISE_ONE,
};

struct parameter {
    char name[PARAMETER_NAME_SIZE]; /* as Hugging Face writes it, with prefix */
    enum parameter_role role;
    uint32_t layer;    /* 0 for roles that exist once */
    uint32_t rank;     /* 1 or 2 */
    uint64_t shape[2]; /* row-major; shape[1] is 1 when rank is 1 */
    uint64_t count;    /* shape[0] * shape[1] */
    bool decay;        /* weight decay applies: not to biases and LayerNorm */
    enum parameter_initialisation initialisation;
};

struct parameter_table {
    struct parameter *items; /* owned */
    size_t count;
    uint64_t total;   /* numbers in all tensors */
    uint64_t largest; /* numbers in the largest tensor */
    uint32_t layers;
    /* position of role's first layer in items, or SIZE_MAX where the family has no such tensor;
     * layer l follows per_layer items later for every layer */
    size_t first[PARAMETER_ROLES];
    size_t per_layer;
};

/* Lists the tensors of a checked configuration. 0, or -1 with a message (a name that is too long).
 */
int parameter_table_init(struct parameter_table *table, const struct model_config *config);
void parameter_table_free(struct parameter_table *table);

/* The index in items of a role's tensor in a layer (ignored for roles that exist once), or
 * SIZE_MAX. */
size_t parameter_index(const struct parameter_table *table, enum parameter_role role,
                       uint32_t layer);
/* The same as a pointer, or NULL. */
const struct parameter *parameter_find(const struct parameter_table *table,
                                       enum parameter_role role, uint32_t layer);
/* By full name, or NULL. */
const struct parameter *parameter_find_name(const struct parameter_table *table, const char *name);

#endif
