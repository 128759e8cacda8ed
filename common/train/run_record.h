/*
 * The run record: what made a model. bertpipe.json keeps it whole; model.safetensors keeps, as
 * strings of its metadata, what its bytes depend on.
 *
 * Nothing in it differs between two runs that do the same: no times, no paths but the parent's own
 * name, no threads.
 */
#ifndef TRAIN_RUN_RECORD_H
#define TRAIN_RUN_RECORD_H

#include <jansson.h>

#include "data/dataset.h"
#include "model/model.h"
#include "text/tokeniser.h"
#include "train/engine_options.h"
#include "train/plan.h"
#include "train/state.h"

struct run_sources {
    const struct train_arguments *arguments;
    const struct engine_options *engine;
    const char *labels; /* as given, or NULL */
    const struct model *parent;
    const struct tokeniser *tokeniser;
    const struct dataset *train, *eval; /* their classes are set; eval may be NULL */
};

/*
 * {"tool", "version", "arguments": {...}, "engine": {...}, "labels"?, "parent": {"name", "digest"},
 * "tokenizer", "train": {"records", "tokens", "xxh64"}, "eval"?: the same}. The parent's name is
 * that of its folder, or the model's in a hub cache; its digest is bertpipe.json's, or is computed.
 * A new reference, or NULL with a message.
 */
json_t *run_record(const struct run_sources *sources);
/* The name of a model in a folder, wherever that lies: the folder's own, or the model's in a hub
 * cache; to be freed by the caller. NULL with a message. */
char *run_record_model_name(const char *folder);
/* Adds the steps taken and the best evaluation. */
void run_record_result(json_t *run, const struct train_state *state, const char *metric);

/*
 * "bertpipe.KEY" for each key of a run record without result, objects as compact JSON: of the
 * arguments, only those that change the result. "bertpipe.seed" besides. A new reference.
 */
json_t *run_record_metadata(const json_t *run);
/* The run record in such metadata, or NULL when there is none. A new reference. */
json_t *run_record_of_metadata(const json_t *metadata);

#endif
