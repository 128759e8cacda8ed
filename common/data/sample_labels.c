#include "data/sample_labels.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

/* A name or an id. */
struct sample_atom {
    bool named;
    int64_t integer;
    char *name;  /* owned */
    char *place; /* the first record that has it; owned */
    int32_t class;
    size_t sample; /* the last one that has it, from 1 */
};

/* Labels of one kind: LABEL_NONE, one atom (LABEL_STRING), one real (LABEL_FLOAT), a list. */
struct sample_shape {
    bool list, reals;
    uint32_t count;
    char *place; /* the first record that has it; owned */
};

void sample_labels_free(struct sample_labels *labels)
{
    for (size_t i = 0; i < labels->atom_count; i++) {
        free(labels->atoms[i].name);
        free(labels->atoms[i].place);
    }
    for (size_t i = 0; i < labels->shape_count; i++)
        free(labels->shapes[i].place);
    free(labels->atoms);
    free(labels->shapes);
    free(labels->samples);
    free(labels->items);
    free(labels->reals);
    string_index_free(&labels->keys);
    *labels = (struct sample_labels){0};
}

/* ---- as they come ---- */

static uint32_t add_shape(struct sample_labels *labels, struct sample_shape wanted,
                          const char *place)
{
    for (size_t i = labels->shape_count; i-- > 0;) {
        const struct sample_shape *shape = &labels->shapes[i];
        if (shape->list == wanted.list && shape->reals == wanted.reals &&
            shape->count == wanted.count)
            return (uint32_t)i;
    }
    mem_grow(&labels->shapes, &labels->shape_capacity, labels->shape_count + 1,
             sizeof *labels->shapes);
    wanted.place = mem_strdup(place);
    labels->shapes[labels->shape_count] = wanted;
    return (uint32_t)labels->shape_count++;
}

/* The key of a name has an 'n' before it, that of an id is in decimal. */
static uint32_t add_atom(struct sample_labels *labels, const struct rec_label *label,
                         const char *place)
{
    bool named = label->kind == LABEL_STRING, added;
    char *key = named ? mem_format("n%.*s", (int)label->string.size, label->string.data)
                      : mem_format("%" PRId64, label->integer);
    size_t size = named ? label->string.size + 1 : strlen(key);
    size_t at = string_index_add(&labels->keys, key, size, &added);
    free(key);
    if (!added)
        return (uint32_t)at;
    mem_grow(&labels->atoms, &labels->atom_capacity, labels->atom_count + 1, sizeof *labels->atoms);
    labels->atoms[labels->atom_count++] = (struct sample_atom){
        .named = named,
        .integer = named ? 0 : label->integer,
        .name = named ? mem_strndup(label->string.data, label->string.size) : NULL,
        .place = mem_strdup(place),
        .class = -1,
    };
    return (uint32_t)at;
}

static int add_real(struct sample_labels *labels, const struct rec_label *item, const char *place)
{
    double value = item->kind == LABEL_INT ? (double)item->integer : item->real;
    if (item->kind == LABEL_STRING)
        return diag_error("%s: the labels are names and real numbers, mixed", place);
    if (!isfinite(value))
        return diag_error("%s: the label is not finite", place);
    mem_grow(&labels->reals, &labels->real_capacity, labels->real_count + 1, sizeof *labels->reals);
    labels->reals[labels->real_count++] = value;
    return 0;
}

/* Adds an atom to the last sample. Lists are of ids: zeros and ones for each class have some twice.
 */
static int add_item(struct sample_labels *labels, const struct rec_label *label, const char *place)
{
    uint32_t at = add_atom(labels, label, place);
    struct sample_atom *atom = &labels->atoms[at];
    if (atom->sample == labels->count && atom->named)
        return diag_error("%s: the list of labels has '%s' twice", place, atom->name);
    if (atom->sample == labels->count)
        return diag_error("%s: the list of labels has %" PRId64 " twice: it names the classes that "
                          "hold; with a number for each class, these are 1.0 and 0.0",
                          place, atom->integer);
    atom->sample = labels->count;
    mem_grow(&labels->items, &labels->item_capacity, labels->item_count + 1, sizeof *labels->items);
    labels->items[labels->item_count++] = at;
    return 0;
}

int sample_labels_add(struct sample_labels *labels, const struct rec_label *label,
                      const char *place)
{
    bool list = label->kind == LABEL_LIST;
    uint32_t count = list ? label->count : label->kind != LABEL_NONE;
    const struct rec_label *items = list ? label->items : label;
    bool reals = false;
    for (uint32_t i = 0; i < count; i++)
        reals = reals || items[i].kind == LABEL_FLOAT;
    mem_grow(&labels->samples, &labels->sample_capacity, labels->count + 1,
             sizeof *labels->samples);
    labels->samples[labels->count++] = (struct sample_label){
        .first = reals ? labels->real_count : labels->item_count,
        .shape = add_shape(labels, (struct sample_shape){list, reals, count, NULL}, place),
    };
    for (uint32_t i = 0; i < count; i++) {
        if (reals ? add_real(labels, &items[i], place) : add_item(labels, &items[i], place))
            return -1;
    }
    return 0;
}

/* ---- what they suggest ---- */

enum stream_problem sample_labels_problem(const struct sample_labels *labels)
{
    bool lists = false;
    for (size_t i = 0; i < labels->shape_count; i++) {
        if (labels->shapes[i].reals)
            return STREAM_PROBLEM_REGRESSION;
        lists = lists || labels->shapes[i].list;
    }
    return lists ? STREAM_PROBLEM_MULTI : STREAM_PROBLEM_NONE;
}

uint32_t sample_labels_width(const struct sample_labels *labels)
{
    return labels->count > 0 ? labels->shapes[labels->samples[0].shape].count : 0;
}

int sample_labels_suggest(const struct sample_labels *labels, bool sets, struct label_set *names,
                          uint32_t *numbered)
{
    int64_t largest = -1;
    int result = 0;
    label_set_init(names);
    for (size_t i = 0; i < labels->shape_count && result == 0; i++) {
        const struct sample_shape *shape = &labels->shapes[i];
        if (shape->count == 0 && !shape->list)
            result = diag_error("%s: no label", shape->place);
        else if (!sets && (shape->list || shape->reals))
            result = diag_error("%s: the label is not a class", shape->place);
        else if (shape->reals)
            largest = (int64_t)shape->count - 1;
    }
    for (size_t i = 0; i < labels->atom_count && result == 0; i++) {
        const struct sample_atom *atom = &labels->atoms[i];
        if (atom->named)
            label_set_add(names, atom->name, strlen(atom->name));
        else if (atom->integer < 0 || atom->integer >= INT32_MAX)
            result = diag_error("%s: the label is not a class", atom->place);
        else if (atom->integer > largest)
            largest = atom->integer;
        if (result == 0 && names->count > 0 && largest >= 0)
            result = diag_error("%s: labels are names and numbers, mixed", atom->place);
    }
    if (result)
        label_set_free(names);
    label_set_sort(names);
    *numbered = (uint32_t)(largest + 1);
    return result;
}

/* ---- targets ---- */

static int find_classes(struct sample_labels *labels, const struct stream_header *header,
                        const struct label_set *classes)
{
    for (size_t i = 0; i < labels->atom_count; i++) {
        struct sample_atom *atom = &labels->atoms[i];
        struct rec_label label = {.kind = LABEL_INT, .integer = atom->integer};
        if (atom->named)
            label = (struct rec_label){.kind = LABEL_STRING, .string = rec_span_of(atom->name)};
        int64_t class = label_class(&label, header, classes, atom->place);
        if (class < 0)
            return -1;
        atom->class = (int32_t) class;
    }
    return 0;
}

int sample_labels_set_classes(struct sample_labels *labels, const struct stream_header *header,
                              const struct label_set *classes)
{
    labels->width = 0;
    for (size_t i = 0; i < labels->shape_count; i++) {
        const struct sample_shape *shape = &labels->shapes[i];
        if (shape->list || shape->reals)
            return diag_error("%s: the label is a %s, not a class", shape->place,
                              shape->list ? "list" : "real number");
        if (shape->count == 0)
            return diag_error("%s: no label", shape->place);
    }
    return find_classes(labels, header, classes);
}

int sample_labels_set_sets(struct sample_labels *labels, const struct stream_header *header,
                           const struct label_set *classes)
{
    labels->width = (uint32_t)classes->count;
    for (size_t i = 0; i < labels->shape_count; i++) {
        const struct sample_shape *shape = &labels->shapes[i];
        if (shape->count == 0 && !shape->list)
            return diag_error("%s: no labels", shape->place);
        if (shape->reals && shape->count != labels->width)
            return diag_error("%s: %" PRIu32 " values, and there are %" PRIu32 " labels",
                              shape->place, shape->count, labels->width);
    }
    for (size_t i = 0; i < labels->real_count; i++)
        if (labels->reals[i] < 0 || labels->reals[i] > 1)
            return diag_error("a label's value is %g, and how far a label holds is from 0 to 1",
                              labels->reals[i]);
    return find_classes(labels, header, classes);
}

int sample_labels_set_numbers(struct sample_labels *labels, uint32_t width)
{
    labels->width = width;
    for (size_t i = 0; i < labels->shape_count; i++) {
        const struct sample_shape *shape = &labels->shapes[i];
        if (shape->count != width)
            return diag_error("%s: %" PRIu32 " numbers, and there should be %" PRIu32, shape->place,
                              shape->count, width);
    }
    for (size_t i = 0; i < labels->atom_count; i++)
        if (labels->atoms[i].named)
            return diag_error("%s: the label is no number", labels->atoms[i].place);
    return 0;
}

int32_t sample_labels_class(const struct sample_labels *labels, size_t sample)
{
    return labels->atoms[labels->items[labels->samples[sample].first]].class;
}

void sample_labels_values(const struct sample_labels *labels, size_t sample, float *values)
{
    const struct sample_label *label = &labels->samples[sample];
    const struct sample_shape *shape = &labels->shapes[label->shape];
    const uint32_t *items = shape->reals ? NULL : labels->items + label->first;
    bool sets = !shape->reals && shape->count > 0 && labels->atoms[items[0]].class >= 0;
    memset(values, 0, labels->width * sizeof *values);
    for (uint32_t i = 0; i < shape->count; i++) {
        if (shape->reals)
            values[i] = (float)labels->reals[label->first + i];
        else if (sets)
            values[labels->atoms[items[i]].class] = 1;
        else
            values[i] = (float)labels->atoms[items[i]].integer;
    }
}
