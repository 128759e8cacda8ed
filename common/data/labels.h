/*
 * From a record's label to a class of the model.
 *
 * A label may be a name, or a number. A number counts in the header's list of names when the stream
 * has one, and is the class itself otherwise. Names always decide: a stream that lists its labels
 * in another order than the model is understood.
 */
#ifndef DATA_LABELS_H
#define DATA_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/string_index.h"
#include "stream/header.h"
#include "stream/record.h"

/* A list of distinct names in class order. Names belong to the set. */
struct label_set {
    char **names;
    size_t count, capacity;
    struct string_index index; /* of the names, in their order */
};

void label_set_init(struct label_set *set);
void label_set_free(struct label_set *set);
/* Copies of the names. */
void label_set_copy(struct label_set *set, char *const *names, size_t count);
/* From "a,b,c": at least one name, none empty, none twice. 0, or -1 with a message that names
 * --labels. */
int label_set_parse(struct label_set *set, const char *list);
/* The name's class, or -1. */
int64_t label_set_find(const struct label_set *set, const char *name, size_t size);
/* Adds a copy of the name, unless it is there; its class. */
int64_t label_set_add(struct label_set *set, const char *name, size_t size);
/* Into bytewise order. */
void label_set_sort(struct label_set *set);

/* The class of a label, or -1 when it has none; nothing is reported. */
int64_t label_find(const struct rec_label *label, const struct stream_header *header,
                   const struct label_set *classes);

/*
 * The class of a label, or -1 with a message `place: ...` when it has none: no label at all, a
 * number out of range, a name the classes do not have, or a kind (real, list) that is no class.
 */
int64_t label_class(const struct rec_label *label, const struct stream_header *header,
                    const struct label_set *classes, const char *place);

/*
 * Which labels hold. set: [classes->count] 0 or 1, from a list of names and ids, from one of them,
 * or from a list of as many real numbers as there are labels, which hold from one half. 0, or -1
 * with a message `place: ...`.
 */
int label_read_set(const struct rec_label *label, const struct stream_header *header,
                   const struct label_set *classes, uint8_t *set, const char *place);
/* values: [count], finite, from a list of numbers or from one. 0, or -1 with a message. */
int label_read_numbers(const struct rec_label *label, double *values, uint32_t count,
                       const char *place);

#endif
