#include "train/gold.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

enum target_kind gold_target(const struct model_config *config)
{
    switch (config->problem_type) {
    case PROBLEM_TYPE_MULTI:
        return TARGET_MULTI;
    case PROBLEM_TYPE_REGRESSION:
        return TARGET_REAL;
    case PROBLEM_TYPE_SINGLE:
        return TARGET_CLASS;
    default:
        return config->num_labels == 1 ? TARGET_REAL : TARGET_CLASS;
    }
}

/* A list's items, or the label itself as a list of one. */
static const struct rec_label *items_of(const struct rec_label *label, uint32_t *count)
{
    *count = label->kind == LABEL_LIST ? label->count : label->kind == LABEL_NONE ? 0 : 1;
    return label->kind == LABEL_LIST ? label->items : label;
}

int gold_read_set(const struct rec_label *label, const struct stream_header *header,
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

int gold_read_numbers(const struct rec_label *label, double *values, uint32_t count,
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

void gold_queue_init(struct gold_queue *queue, enum target_kind target,
                     const struct label_set *classes)
{
    *queue = (struct gold_queue){.target = target, .classes = classes};
}

void gold_queue_free(struct gold_queue *queue)
{
    free(queue->ids);
    free(queue->values);
    *queue = (struct gold_queue){0};
}

static int add_values(struct gold_queue *queue, const struct rec_label *label,
                      const struct stream_header *header, const char *place)
{
    size_t labels = queue->classes->count;
    double *values = mem_calloc(labels, sizeof *values);
    uint8_t *set = mem_calloc(labels, 1);
    int result = queue->target == TARGET_REAL
                     ? gold_read_numbers(label, values, (uint32_t)labels, place)
                     : gold_read_set(label, header, queue->classes, set, place);
    mem_grow(&queue->values, &queue->value_capacity, (queue->rows + 1) * labels, sizeof(float));
    for (size_t j = 0; j < labels; j++)
        queue->values[queue->rows * labels + j] =
            queue->target == TARGET_REAL ? (float)values[j] : (float)set[j];
    free(values);
    free(set);
    return result;
}

int gold_queue_add(struct gold_queue *queue, const struct rec_label *label,
                   const struct stream_header *header, const char *place)
{
    if (queue->target == TARGET_CLASS) {
        int64_t class = label_class(label, header, queue->classes, place);
        if (class < 0)
            return -1;
        mem_grow(&queue->ids, &queue->id_capacity, queue->rows + 1, sizeof *queue->ids);
        queue->ids[queue->rows] = (int32_t) class;
    } else if (add_values(queue, label, header, place)) {
        return -1;
    }
    queue->rows++;
    return 0;
}

struct batch gold_queue_first(const struct gold_queue *queue, uint32_t rows)
{
    return (struct batch){
        .rows = rows, .target = queue->target, .classes = queue->ids, .values = queue->values};
}

void gold_queue_drop(struct gold_queue *queue, uint32_t rows)
{
    size_t left = queue->rows - rows, labels = queue->classes->count;
    if (queue->ids)
        memmove(queue->ids, queue->ids + rows, left * sizeof *queue->ids);
    if (queue->values)
        memmove(queue->values, queue->values + rows * labels,
                left * labels * sizeof *queue->values);
    queue->rows = left;
}
