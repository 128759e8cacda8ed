#include "data/labels.h"

#include <inttypes.h>
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
    label_set_init(set);
}

int64_t label_set_find(const struct label_set *set, const char *name, size_t size)
{
    for (size_t i = 0; i < set->count; i++)
        if (strlen(set->names[i]) == size && memcmp(set->names[i], name, size) == 0)
            return (int64_t)i;
    return -1;
}

int64_t label_set_add(struct label_set *set, const char *name, size_t size)
{
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
    if (set->count > 1)
        qsort(set->names, set->count, sizeof *set->names, compare_names);
}

static int64_t class_of_name(const struct label_set *classes, const char *name, size_t size,
                             const char *place)
{
    int64_t class = label_set_find(classes, name, size);
    if (class < 0)
        return diag_error("%s: label '%.*s' is not one of the %zu classes", place,
                          (int)(size < 200 ? size : 200), name, classes->count);
    return class;
}

int64_t label_class(const struct rec_label *label, const struct stream_header *header,
                    const struct label_set *classes, const char *place)
{
    uint64_t known = header->has_labels ? header->label_count : classes->count;
    switch (label->kind) {
    case LABEL_NONE:
        return diag_error("%s: no label", place);
    case LABEL_STRING:
        return class_of_name(classes, label->string.data, label->string.size, place);
    case LABEL_INT:
        if (label->integer < 0 || (uint64_t)label->integer >= known)
            return diag_error("%s: label %" PRId64 " is not in 0..%" PRId64, place, label->integer,
                              (int64_t)known - 1);
        if (!header->has_labels)
            return label->integer;
        const char *name = header->labels[label->integer];
        return class_of_name(classes, name, strlen(name), place);
    case LABEL_FLOAT:
    case LABEL_LIST:
        break;
    }
    return diag_error("%s: the label is a %s, not a class", place,
                      label->kind == LABEL_FLOAT ? "real number" : "list");
}
