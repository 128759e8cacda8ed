#include "model/parameters.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

enum extent { ONE, HIDDEN, INTERMEDIATE, VOCABULARY, POSITIONS, TYPES, LABELS };

/* What a role's tensor looks like in any family. */
struct role_row {
    enum extent rows, columns; /* columns ONE: rank 1 */
    bool decay;
    enum parameter_initialisation initialisation;
};

#define DENSE(rows, columns)                                                                       \
    {                                                                                              \
        rows, columns, true, INITIALISE_NORMAL                                                     \
    }
#define BIAS(rows)                                                                                 \
    {                                                                                              \
        rows, ONE, false, INITIALISE_ZERO                                                          \
    }
#define NORM_WEIGHT                                                                                \
    {                                                                                              \
        HIDDEN, ONE, false, INITIALISE_ONE                                                         \
    }
#define NORM_BIAS                                                                                  \
    {                                                                                              \
        HIDDEN, ONE, false, INITIALISE_ZERO                                                        \
    }

static const struct role_row role_rows[PARAMETER_ROLES] = {
    [PARAMETER_WORD_EMBEDDINGS] = DENSE(VOCABULARY, HIDDEN),
    [PARAMETER_POSITION_EMBEDDINGS] = DENSE(POSITIONS, HIDDEN),
    [PARAMETER_TYPE_EMBEDDINGS] = DENSE(TYPES, HIDDEN),
    [PARAMETER_EMBEDDINGS_NORM_WEIGHT] = NORM_WEIGHT,
    [PARAMETER_EMBEDDINGS_NORM_BIAS] = NORM_BIAS,
    [PARAMETER_QUERY_WEIGHT] = DENSE(HIDDEN, HIDDEN),
    [PARAMETER_QUERY_BIAS] = BIAS(HIDDEN),
    [PARAMETER_KEY_WEIGHT] = DENSE(HIDDEN, HIDDEN),
    [PARAMETER_KEY_BIAS] = BIAS(HIDDEN),
    [PARAMETER_VALUE_WEIGHT] = DENSE(HIDDEN, HIDDEN),
    [PARAMETER_VALUE_BIAS] = BIAS(HIDDEN),
    [PARAMETER_ATTENTION_OUTPUT_WEIGHT] = DENSE(HIDDEN, HIDDEN),
    [PARAMETER_ATTENTION_OUTPUT_BIAS] = BIAS(HIDDEN),
    [PARAMETER_ATTENTION_NORM_WEIGHT] = NORM_WEIGHT,
    [PARAMETER_ATTENTION_NORM_BIAS] = NORM_BIAS,
    [PARAMETER_INTERMEDIATE_WEIGHT] = DENSE(INTERMEDIATE, HIDDEN),
    [PARAMETER_INTERMEDIATE_BIAS] = BIAS(INTERMEDIATE),
    [PARAMETER_OUTPUT_WEIGHT] = DENSE(HIDDEN, INTERMEDIATE),
    [PARAMETER_OUTPUT_BIAS] = BIAS(HIDDEN),
    [PARAMETER_OUTPUT_NORM_WEIGHT] = NORM_WEIGHT,
    [PARAMETER_OUTPUT_NORM_BIAS] = NORM_BIAS,
    [PARAMETER_POOLER_WEIGHT] = DENSE(HIDDEN, HIDDEN),
    [PARAMETER_POOLER_BIAS] = BIAS(HIDDEN),
    [PARAMETER_CLASSIFIER_WEIGHT] = DENSE(LABELS, HIDDEN),
    [PARAMETER_CLASSIFIER_BIAS] = BIAS(LABELS),
};

static uint64_t extent_of(enum extent extent, const struct model_config *config)
{
    switch (extent) {
    case ONE:
        return 1;
    case HIDDEN:
        return config->hidden_size;
    case INTERMEDIATE:
        return config->intermediate_size;
    case VOCABULARY:
        return config->vocab_size;
    case POSITIONS:
        return config->max_position_embeddings;
    case TYPES:
        return config->type_vocab_size;
    case LABELS:
        return config->num_labels;
    }
    return 0;
}

static int add(struct parameter_table *table, const struct model_config *config,
               enum parameter_role role, uint32_t layer)
{
    const struct role_row *row = &role_rows[role];
    struct parameter *parameter = &table->items[table->count];

    if (architecture_tensor_name(config->architecture, role, layer, true, parameter->name,
                                 sizeof parameter->name) != 0)
        return diag_error("the name of tensor '%s' in layer %u is too long",
                          config->architecture->names[role], (unsigned)layer);
    if (layer == 0)
        table->first[role] = table->count;
    parameter->role = role;
    parameter->layer = layer;
    parameter->rank = row->columns == ONE ? 1 : 2;
    parameter->shape[0] = extent_of(row->rows, config);
    parameter->shape[1] = extent_of(row->columns, config);
    parameter->count = parameter->shape[0] * parameter->shape[1];
    parameter->decay = row->decay;
    parameter->initialisation = row->initialisation;
    table->total += parameter->count;
    if (parameter->count > table->largest)
        table->largest = parameter->count;
    table->count++;
    return 0;
}

/* Roles from first to last that the family has, for one layer. */
static int add_roles(struct parameter_table *table, const struct model_config *config,
                     enum parameter_role first, enum parameter_role last, uint32_t layer)
{
    for (int role = (int)first; role <= (int)last; role++) {
        if (config->architecture->names[role] == NULL)
            continue;
        if (add(table, config, (enum parameter_role)role, layer) != 0)
            return -1;
    }
    return 0;
}

int parameter_table_init(struct parameter_table *table, const struct model_config *config)
{
    size_t most = (size_t)PARAMETER_ROLES * ((size_t)config->num_hidden_layers + 1);
    int status;

    *table = (struct parameter_table){.layers = config->num_hidden_layers};
    for (int role = 0; role < PARAMETER_ROLES; role++)
        table->first[role] = SIZE_MAX;
    table->items = mem_calloc(most, sizeof *table->items);
    status = add_roles(table, config, PARAMETER_WORD_EMBEDDINGS, PARAMETER_EMBEDDINGS_NORM_BIAS, 0);
    for (uint32_t layer = 0; status == 0 && layer < table->layers; layer++) {
        size_t before = table->count;

        status =
            add_roles(table, config, PARAMETER_QUERY_WEIGHT, PARAMETER_OUTPUT_NORM_BIAS, layer);
        table->per_layer = table->count - before;
    }
    if (status == 0)
        status = add_roles(table, config, PARAMETER_POOLER_WEIGHT, PARAMETER_CLASSIFIER_BIAS, 0);
    if (status != 0)
        parameter_table_free(table);
    return status;
}

void parameter_table_free(struct parameter_table *table)
{
    free(table->items);
    *table = (struct parameter_table){0};
}

size_t parameter_index(const struct parameter_table *table, enum parameter_role role,
                       uint32_t layer)
{
    size_t first = table->first[role];

    if (first == SIZE_MAX || !parameter_role_is_per_layer(role))
        return first;
    return layer < table->layers ? first + layer * table->per_layer : SIZE_MAX;
}

const struct parameter *parameter_find(const struct parameter_table *table,
                                       enum parameter_role role, uint32_t layer)
{
    size_t index = parameter_index(table, role, layer);

    return index == SIZE_MAX ? NULL : &table->items[index];
}

const struct parameter *parameter_find_name(const struct parameter_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->items[i].name, name) == 0)
            return &table->items[i];
    return NULL;
}
