/*
 * Records in, logits out: collects records of a tokens stream into batches and hands the logits on
 * in input order.
 *
 * Memory is one batch. A caller that reads a pipe flushes before it would wait, so that a batch is
 * never waited for.
 */
#ifndef TRAIN_SCORER_H
#define TRAIN_SCORER_H

#include "data/dataset.h"
#include "model/model.h"
#include "nn/engine.h"
#include "stream/record.h"
#include "train/assembly.h"
#include "train/options.h"

/* One batch is done: records [batch->sequences] (all NULL unless they are kept), logits
 * [batch->rows, classes]. 0, or -1 after a message. */
typedef int scorer_scored(void *context, const struct batch *batch,
                          struct stream_record *const *records, const float *logits);

struct scorer {
    struct engine *engine;
    struct dataset_limits limits;
    struct assembly assembly;
    struct stream_record **records; /* [max_sequences] */
    float *logits;                  /* [max_sequences, classes] */
    uint32_t max_sequences, max_tokens;
    bool keep;
    enum target_kind target;
    scorer_scored *scored;
    void *context;
};

struct scorer_plan {
    const struct engine_options *engine;
    uint64_t max_sequences,
        max_tokens;          /* of a batch; max_tokens is raised to the model's longest text */
    bool keep;               /* keep a copy of each record until it is scored */
    enum target_kind target; /* TARGET_CLASS: records come with their class */
};

/* Opens an engine on the model, which must outlive the scorer. 0, or -1 with a message. */
int scorer_open(struct scorer *scorer, const struct model *model, const struct scorer_plan *plan,
                scorer_scored *scored, void *context);
void scorer_close(struct scorer *scorer);

/* Checks the record and adds it, scoring what is held when it does not fit any more. place names it
 * in messages. */
int scorer_add(struct scorer *scorer, const struct stream_record *record, int32_t class,
               const char *place);
/* Scores what is held. */
int scorer_flush(struct scorer *scorer);

#endif
