/*
 * Records in, logits out: collects records of a tokens stream into batches and hands the logits on
 * in input order.
 *
 * The windows of one text are one record: what is handed on for them is its first window's record
 * and the logits whose probabilities (numbers, in a regression) are the mean of the windows'.
 *
 * A batch is closed by its tokens, for without padding equal tokens are equal work and memory, and
 * by its records. Memory is one batch. A caller that reads a pipe flushes before it would wait, so
 * that a batch is never waited for.
 */
#ifndef TRAIN_SCORER_H
#define TRAIN_SCORER_H

#include "cli/options.h"
#include "data/dataset.h"
#include "model/model.h"
#include "nn/engine.h"
#include "stream/record.h"
#include "train/assembly.h"
#include "train/engine_options.h"

/* Some records are done: records [rows] (all NULL unless they are kept), logits [rows, labels]. 0,
 * or -1 after a message. */
typedef int scorer_scored(void *context, uint32_t rows, struct stream_record *const *records,
                          const float *logits);

struct scorer {
    struct engine *engine;
    struct dataset_limits limits;
    struct assembly assembly;
    struct stream_record **records; /* [max_sequences] */
    struct rec_window *windows;     /* [max_sequences] */
    char **places;                  /* [max_sequences] names of the records in messages */
    float *logits;                  /* [max_sequences, labels] */
    uint32_t max_sequences, max_tokens, labels;
    bool keep;
    enum target_kind target; /* the model's */
    scorer_scored *scored;
    void *context;
    /* Windows of a text that have come so far. */
    struct stream_record *first;
    double *sums;   /* [labels] of their probabilities */
    float *outputs; /* [labels] */
};

struct scorer_batches {
    uint64_t max_tokens; /* raised to the model's longest text */
    uint64_t max_sequences;
};

/* Two cores are busy from 2,048 tokens on; texts of 16 tokens each still fill the budget. */
#define SCORER_BATCHES                                                                             \
    {                                                                                              \
        .max_tokens = 8192, .max_sequences = 512                                                   \
    }

/* Option rows of the tools that have a scorer. */
/* clang-format off */
#define SCORER_OPTION_BATCH_TOKENS(batches)                                                        \
    {0, "batch-tokens", .kind = OPTION_UNSIGNED, .target = &(batches).max_tokens, .argument = "N", \
     .minimum = 1, .maximum = 1e9, .alias = "max-batch-tokens", .help = "most tokens of a batch"}
#define SCORER_OPTION_BATCH_SIZE(batches)                                                          \
    {'b', "batch-size", .kind = OPTION_UNSIGNED, .target = &(batches).max_sequences,               \
     .argument = "N", .minimum = 1, .maximum = 1e6, .alias = "per-device-eval-batch-size",         \
     .help = "most records of a batch"}
/* clang-format on */

struct scorer_plan {
    const struct engine_options *engine;
    struct scorer_batches batches;
    bool keep; /* keep a copy of each record until it is scored */
};

/* Opens an engine on the model, which must outlive the scorer. 0, or -1 with a message. */
int scorer_open(struct scorer *scorer, const struct model *model, const struct scorer_plan *plan,
                scorer_scored *scored, void *context);
void scorer_close(struct scorer *scorer);

/* Checks the record and adds it, scoring what is held when it does not fit any more. place names it
 * in messages. Windows must be complete and in order (stream/groups.h sees to that). */
int scorer_add(struct scorer *scorer, const struct stream_record *record, const char *place);
/* Scores what is held; a text's windows are handed on with its last. */
int scorer_flush(struct scorer *scorer);

#endif
