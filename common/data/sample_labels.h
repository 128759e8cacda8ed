/*
 * The labels of a dataset's samples: as they came, and as the targets of a problem.
 *
 * Names and ids are kept once, however many samples have them. What is the same for many samples is
 * checked once, and a message names the first record that has it.
 */
#ifndef DATA_SAMPLE_LABELS_H
#define DATA_SAMPLE_LABELS_H

#include "cli/string_index.h"
#include "data/labels.h"

struct sample_atom;
struct sample_shape;

struct sample_labels {
    struct sample_atom *atoms; /* distinct names and ids */
    size_t atom_count, atom_capacity;
    struct string_index keys;    /* of the atoms, in their order */
    struct sample_shape *shapes; /* distinct kinds and numbers of items */
    size_t shape_count, shape_capacity;
    struct sample_label {
        uint64_t first; /* of its items, in atoms' numbers or reals */
        uint32_t shape;
    } * samples; /* [count] */
    size_t count, sample_capacity;
    uint32_t *items; /* indices of atoms */
    size_t item_count, item_capacity;
    double *reals;
    size_t real_count, real_capacity;
    uint32_t width; /* of the targets that sample_labels_values gives */
};

/* Zeroed is empty. */
void sample_labels_free(struct sample_labels *labels);

/* The next sample's label, which may be none. 0, or -1 with a message `place: ...`: a number that
 * is not finite, a list of names and real numbers. */
int sample_labels_add(struct sample_labels *labels, const struct rec_label *label,
                      const char *place);

/* What they look like: a real number or a list with one is a regression, a list of names or ids is
 * of several labels, and one name or id (STREAM_PROBLEM_NONE) may be anything. */
enum stream_problem sample_labels_problem(const struct sample_labels *labels);
/* How many items the first sample's label has. */
uint32_t sample_labels_width(const struct sample_labels *labels);

/*
 * The names that occur, sorted, or else (numbers) as many nameless ones as the largest number, or a
 * list of real numbers, needs: then names is left empty and *numbered is their count. sets: lists
 * are allowed. 0, or -1 with a message: a sample without a label, names and numbers mixed.
 */
int sample_labels_suggest(const struct sample_labels *labels, bool sets, struct label_set *names,
                          uint32_t *numbered);

/* Make targets of them: one class, a set of classes (in a list of real numbers, how far each
 * holds), or numbers. 0, or -1 with a message that names the first record that has none. */
int sample_labels_set_classes(struct sample_labels *labels, const struct stream_header *header,
                              const struct label_set *classes);
int sample_labels_set_sets(struct sample_labels *labels, const struct stream_header *header,
                           const struct label_set *classes);
int sample_labels_set_numbers(struct sample_labels *labels, uint32_t width);

/* After set_classes. */
int32_t sample_labels_class(const struct sample_labels *labels, size_t sample);
/* After the two others. values: [width] */
void sample_labels_values(const struct sample_labels *labels, size_t sample, float *values);

#endif
