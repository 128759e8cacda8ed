/*
 * Whether a tokens stream suits a model: found out from its header, before any record is read.
 */
#ifndef TRAIN_MATCH_H
#define TRAIN_MATCH_H

#include "data/dataset.h"
#include "model/model.h"
#include "stream/header.h"
#include "stream/merge.h"
#include "text/tokeniser.h"

/* What a tokens stream's header says of its tokenizer; the strings are the tokeniser's. max_length:
 * tokens of a record. */
struct stream_tokenizer match_description(const struct tokeniser *tokeniser, uint64_t max_length);

/* What the model takes: vocabulary, positions and token types. */
struct dataset_limits match_limits(const struct model *model);

/* The tokens were made by this tokenizer, which is `name`'s. 0, or -1 with a message that names
 * both. A stream that names no tokenizer passes with a warning. */
int match_tokenizer(const struct stream_header *header, const char *place, const char *name,
                    const struct tokeniser *tokeniser);

/*
 * The stream holds tokens for a problem of whole records, made by the model's tokenizer. 0,
 * or -1 with a message; a tokenizer that disagrees is refused by naming both. A stream that names
 * no tokenizer passes with a warning.
 */
int match_header(const struct stream_header *header, const char *place, const struct model *model,
                 const struct tokeniser *tokeniser);

/* stream_merge_open and match_header. */
struct stream_merge *match_open(char *const *paths, int count, size_t max_record,
                                const struct model *model, const struct tokeniser *tokeniser);

#endif
