/*
 * A vocabulary: which token has which id.
 *
 * Ids need not be dense (tokenizer.json may leave gaps, and added tokens may lie above the
 * model's own), but they are below VOCABULARY_MAX.
 */
#ifndef TEXT_VOCABULARY_H
#define TEXT_VOCABULARY_H

#include <stddef.h>
#include <stdint.h>

#define VOCABULARY_MAX (1u << 24)
#define TOKEN_NONE UINT32_MAX

struct token_text {
    const char *data; /* NULL for an id without a token; not NUL-terminated */
    size_t size;
};

struct vocabulary {
    struct token_text *tokens; /* [size], by id */
    size_t size;               /* highest id + 1 */
    size_t capacity;
    uint32_t *slots; /* open addressing over the tokens' bytes; TOKEN_NONE is empty */
    size_t slot_count, used;
    struct vocabulary_block *blocks; /* memory of the tokens' bytes */
};

void vocabulary_init(struct vocabulary *vocabulary);
void vocabulary_free(struct vocabulary *vocabulary);

/*
 * Adds a token (bytes are copied). Returns TOKEN_NONE when done, else the id that already has this
 * token, or `id` itself when that id already has another token; nothing is reported.
 */
uint32_t vocabulary_add(struct vocabulary *vocabulary, const char *data, size_t size, uint32_t id);

/* The token's id, or TOKEN_NONE. */
uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *data, size_t size);

/*
 * Reads vocab.txt: one token a line, ids from 0. -1 with a message, as in
 * `vocab.txt: line 12: duplicate token '##s'`. The vocabulary must be initialised and empty.
 */
int vocabulary_read_text(struct vocabulary *vocabulary, const char *path);

#endif
