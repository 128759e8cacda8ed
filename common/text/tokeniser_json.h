/*
 * Within text/ only: the parts of tokenizer.json.
 */
#ifndef TEXT_TOKENISER_JSON_H
#define TEXT_TOKENISER_JSON_H

#include <jansson.h>

#include "text/tokeniser_build.h"

/* Appends the added token that a JSON object describes, unless its content is empty. 0, or -1 with
 * `path: ...`. */
int tokeniser_json_added_token(struct added_tokens *added, const json_t *json, uint32_t id,
                               const char *path);

/* The tokeniser as tokenizer.json has it. A new reference. */
json_t *tokeniser_json_make(const struct tokeniser *tokeniser);

#endif
