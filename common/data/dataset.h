/*
 * Token sequences with labels, by index. The one implementation keeps them in memory, at 2 or 4
 * bytes a token; the methods are a table so that a mapped token file can stand behind the same
 * calls.
 */
#ifndef DATA_DATASET_H
#define DATA_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/labels.h"
#include "stream/merge.h"

struct dataset;

struct dataset_methods {
    void (*close)(struct dataset *dataset);
    uint32_t (*length)(const struct dataset *dataset, uint32_t index);
    void (*ids)(const struct dataset *dataset, uint32_t index, uint32_t *out);
    void (*types)(const struct dataset *dataset, uint32_t index, uint32_t *out);
    int32_t (*class_of)(const struct dataset *dataset, uint32_t index);
    void (*values_of)(const struct dataset *dataset, uint32_t index, float *out);
};

/* The part every implementation begins with; filled in when it is opened. */
struct dataset {
    const struct dataset_methods *methods;
    uint32_t count;   /* samples, at least 1 */
    uint64_t tokens;  /* of all samples */
    uint32_t longest; /* tokens of the longest sample */
    uint32_t values;  /* targets of a sample, in the problems that have values; 0: it has a class */
};

/* What the model can take. */
struct dataset_limits {
    uint64_t vocab_size; /* ids are below it */
    uint32_t max_length; /* tokens of a sample */
    uint32_t types; /* token types are below it; 0: the model has none, and types are dropped */
};

/* Checks one record: at least one token, at most max_length, ids and types in range. 0, or -1 with
 * `place: ...`. */
int dataset_check(const struct rec_tokens *tokens, const struct dataset_limits *limits,
                  const char *place);

/*
 * Reads all records of the merge into memory. NULL with a message: a record the model cannot take,
 * no records at all, or more than 2^32 - 2 of them.
 */
struct dataset *dataset_load(struct stream_merge *merge, const struct dataset_limits *limits);
void dataset_close(struct dataset *dataset);

/* What the labels of a dataset made by dataset_load are: as the header says, else as they look. */
enum stream_problem dataset_problem(const struct dataset *dataset);

/*
 * The classes that its labels suggest: the header's list, else the names that occur, sorted, else
 * (numbers) as many nameless classes as the largest number needs: then classes is left empty and
 * *numbered is their count. sets: a sample may have any number of them. 0, or -1 with a message: a
 * record without a label, names and numbers mixed.
 */
int dataset_suggest_classes(const struct dataset *dataset, bool sets, struct label_set *classes,
                            uint32_t *numbered);
/* How many numbers the first record has. */
uint32_t dataset_suggest_numbers(const struct dataset *dataset);

/* Turns every label into its class, a set of classes, or `count` numbers. 0, or -1 with a message
 * that names the first record whose label has none. */
int dataset_set_classes(struct dataset *dataset, const struct label_set *classes);
int dataset_set_sets(struct dataset *dataset, const struct label_set *classes);
int dataset_set_numbers(struct dataset *dataset, uint32_t count);

static inline uint32_t dataset_length(const struct dataset *dataset, uint32_t index)
{
    return dataset->methods->length(dataset, index);
}

/* out: [length], widened. */
static inline void dataset_ids(const struct dataset *dataset, uint32_t index, uint32_t *out)
{
    dataset->methods->ids(dataset, index, out);
}

/* out: [length], zeros where the record has no types. */
static inline void dataset_types(const struct dataset *dataset, uint32_t index, uint32_t *out)
{
    dataset->methods->types(dataset, index, out);
}

/* After dataset_set_classes. */
static inline int32_t dataset_class(const struct dataset *dataset, uint32_t index)
{
    return dataset->methods->class_of(dataset, index);
}

/* out: [dataset->values]: 1 for the labels that hold, else 0; or the numbers. */
static inline void dataset_values(const struct dataset *dataset, uint32_t index, float *out)
{
    dataset->methods->values_of(dataset, index, out);
}

#endif
