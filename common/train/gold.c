#include "train/gold.h"

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
                     ? label_read_numbers(label, values, (uint32_t)labels, place)
                     : label_read_set(label, header, queue->classes, set, place);
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
