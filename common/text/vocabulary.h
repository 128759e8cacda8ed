/*
 * A vocabulary: which token has which id.
 *
 * Ids need not be dense (tokenizer.json may leave gaps, and added tokens may lie above the
 * model's own), but they are below VOCABULARY_MAX.
 */
#ifndef TEXT_VOCABULARY_H
#define TEXT_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/blocks.h"

#define VOCABULARY_MAX (UINT32_C(1) << 20)
#define TOKEN_NONE     UINT32_MAX

struct token_text {
    const char *data; /* closed with NUL, which size does not count; NULL: an id without a token */
    size_t size;
};

struct vocabulary {
    struct token_text *tokens; /* [size], by id */
    size_t size;               /* highest id + 1 */
    size_t capacity;
    uint32_t empty;      /* id of the token of no bytes, which no text has in it; or TOKEN_NONE */
    struct blocks bytes; /* of the tokens */
    uint32_t *slots;     /* open addressing over the tokens' bytes; TOKEN_NONE is an empty slot */
    size_t slot_count, used;
};

/* Empty. */
void vocabulary_init(struct vocabulary *vocabulary);
void vocabulary_free(struct vocabulary *vocabulary);

/*
 * Adds a token of at least one byte (they are copied) under an id below VOCABULARY_MAX. False when
 * that token or that id is there already; nothing is reported.
 */
bool vocabulary_add(struct vocabulary *vocabulary, const char *data, size_t size, uint32_t id);

/* Says which id, below VOCABULARY_MAX, is that of the token of no bytes. */
void vocabulary_set_empty(struct vocabulary *vocabulary, uint32_t id);

/* The token's id, or TOKEN_NONE. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *data, size_t size);
uint32_t vocabulary_find_string(const struct vocabulary *vocabulary, const char *token);

/*
 * Reads vocab.txt into an empty vocabulary: one token a line, ids from 0. White space at a line's
 * end is not part of the token, and an empty line is an id without a token. -1 with a message, as
 * in `vocab.txt: line 12: duplicate token '##s'`.
 */
int vocabulary_read_text(struct vocabulary *vocabulary, const char *path);

#endif
