#include "data/labels.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

void label_set_init(struct label_set *set)
{
    *set = (struct label_set){0};
}

void label_set_free(struct label_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        free(set->names[i]);
    free(set->names);
    string_index_free(&set->index);
    label_set_init(set);
}

int64_t label_set_find(const struct label_set *set, const char *name, size_t size)
{
    size_t at = string_index_find(&set->index, name, size);
    return at == STRING_INDEX_NONE ? -1 : (int64_t)at;
}

int64_t label_set_add(struct label_set *set, const char *name, size_t size)
{
    bool added;
    size_t at = string_index_add(&set->index, name, size, &added);
    if (!added)
        return (int64_t)at;
    mem_grow(&set->names, &set->capacity, set->count + 1, sizeof *set->names);
    set->names[set->count] = mem_strndup(name, size);
    return (int64_t)set->count++;
}

void label_set_copy(struct label_set *set, char *const *names, size_t count)
{
    label_set_init(set);
    for (size_t i = 0; i < count; i++)
        label_set_add(set, names[i], strlen(names[i]));
}

int label_set_parse(struct label_set *set, const char *list)
{
    label_set_init(set);
    for (const char *name = list;; name++) {
        size_t size = strcspn(name, ",");
        int result = 0;
        if (size == 0)
            result = diag_error("--labels: an empty name in '%s'", list);
        else if (label_set_find(set, name, size) >= 0)
            result = diag_error("--labels: '%.*s' twice", (int)size, name);
        if (result) {
            label_set_free(set);
            return -1;
        }
        label_set_add(set, name, size);
        name += size;
        if (*name == '\0')
            return 0;
    }
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

void label_set_sort(struct label_set *set)
{
    if (set->count < 2)
        return;
    qsort(set->names, set->count, sizeof *set->names, compare_names);
    string_index_free(&set->index);
    for (size_t i = 0; i < set->count; i++)
        string_index_add(&set->index, set->names[i], strlen(set->names[i]), NULL);
}

/* How many numbers a label may be. */
static uint64_t known_numbers(const struct stream_header *header, const struct label_set *classes)
{
    return header->has_labels ? header->label_count : classes->count;
}

/* The name a label stands for; absent for a number without names. */
static struct rec_span label_name(const struct rec_label *label, const struct stream_header *header)
{
    if (label->kind == LABEL_STRING)
        return label->string;
    return header->has_labels ? rec_span_of(header->labels[label->integer]) : (struct rec_span){0};
}

int64_t label_find(const struct rec_label *label, const struct stream_header *header,
                   const struct label_set *classes)
{
    if (label->kind != LABEL_STRING && label->kind != LABEL_INT)
        return -1;
    if (label->kind == LABEL_INT &&
        (label->integer < 0 || (uint64_t)label->integer >= known_numbers(header, classes)))
        return -1;
    struct rec_span name = label_name(label, header);
    return name.data ? label_set_find(classes, name.data, name.size) : label->integer;
}

int64_t label_class(const struct rec_label *label, const struct stream_header *header,
                    const struct label_set *classes, const char *place)
{
    int64_t class = label_find(label, header, classes);
    if (class >= 0)
        return class;
    if (label->kind == LABEL_NONE)
        return diag_error("%s: no label", place);
    if (label->kind == LABEL_FLOAT || label->kind == LABEL_LIST)
        return diag_error("%s: the label is a %s, not a class", place,
                          label->kind == LABEL_FLOAT ? "real number" : "list");
    int64_t known = (int64_t)known_numbers(header, classes);
    if (label->kind == LABEL_INT && (label->integer < 0 || label->integer >= known))
        return diag_error("%s: label %" PRId64 " is not in 0..%" PRId64, place, label->integer,
                          known - 1);
    struct rec_span name = label_name(label, header);
    return diag_error("%s: label '%.*s' is not one of the %zu classes", place,
                      (int)(name.size < 200 ? name.size : 200), name.data, classes->count);
}

/* A list's items, or the label itself as a list of one. */
static const struct rec_label *items_of(const struct rec_label *label, uint32_t *count)
{
    *count = label->kind == LABEL_LIST ? label->count : label->kind == LABEL_NONE ? 0 : 1;
    return label->kind == LABEL_LIST ? label->items : label;
}

int label_read_set(const struct rec_label *label, const struct stream_header *header,
                   const struct label_set *classes, uint8_t *set, const char *place)
{
    uint32_t count;
    const struct rec_label *items = items_of(label, &count);
    bool real = count > 0 && items[0].kind == LABEL_FLOAT;
    if (label->kind == LABEL_NONE)
        return diag_error("%s: no labels", place);
    if (real && count != classes->count)
        return diag_error("%s: %" PRIu32 " values, and there are %zu labels", place, count,
                          classes->count);
    memset(set, 0, classes->count);
    for (uint32_t i = 0; i < count; i++) {
        if (real && items[i].kind == LABEL_FLOAT) {
            set[i] = items[i].real >= 0.5;
            continue;
        }
        int64_t at = label_class(&items[i], header, classes, place);
        if (at < 0)
            return -1;
        set[at] = 1;
    }
    return 0;
}

int label_read_numbers(const struct rec_label *label, double *values, uint32_t count,
                       const char *place)
{
    uint32_t given;
    const struct rec_label *items = items_of(label, &given);
    if (given != count)
        return diag_error("%s: %" PRIu32 " numbers, and there should be %" PRIu32, place, given,
                          count);
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].kind != LABEL_INT && items[i].kind != LABEL_FLOAT)
            return diag_error("%s: a label is no number", place);
        values[i] = items[i].kind == LABEL_INT ? (double)items[i].integer : items[i].real;
        if (!isfinite(values[i]))
            return diag_error("%s: a label is not finite", place);
    }
    return 0;
}
