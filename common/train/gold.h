/*
 * What is true of records, by their labels: read as records come in, used when their batch has been
 * scored.
 */
#ifndef TRAIN_GOLD_H
#define TRAIN_GOLD_H

#include "data/labels.h"
#include "model/config.h"
#include "nn/batch.h"
#include "stream/header.h"
#include "stream/record.h"

/* The targets of a model's problem. */
enum target_kind gold_target(const struct model_config *config);

/* Targets in input order, of records that have not been scored yet. */
struct gold_queue {
    enum target_kind target;
    const struct label_set *classes; /* by reference */
    size_t rows;
    int32_t *ids;  /* [rows] of TARGET_CLASS */
    float *values; /* [rows, classes->count] of the others */
    size_t id_capacity, value_capacity;
};

void gold_queue_init(struct gold_queue *queue, enum target_kind target,
                     const struct label_set *classes);
void gold_queue_free(struct gold_queue *queue);

/* Adds a record's. 0, or -1 with a message: no label, or none that the model has. */
int gold_queue_add(struct gold_queue *queue, const struct rec_label *label,
                   const struct stream_header *header, const char *place);
/* The targets of the first rows, as a batch without tokens; valid until the next call. */
struct batch gold_queue_first(const struct gold_queue *queue, uint32_t rows);
/* Takes them away. */
void gold_queue_drop(struct gold_queue *queue, uint32_t rows);

#endif
