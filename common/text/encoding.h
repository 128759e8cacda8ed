/*
 * What a text became: its tokens, with [CLS] and [SEP].
 */
#ifndef TEXT_ENCODING_H
#define TEXT_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in the raw text something comes from: its first byte, and the one after its last. */
struct source {
    uint32_t begin, end;
};

/* The arrays belong to the encoding and are reused by the next text. Zeroed is empty. */
struct encoding {
    bool traced;   /* set by the caller: offsets are made too, which takes several times as long */
    uint32_t *ids; /* [count], special tokens included */
    /* [count] when traced: bytes of the raw text, of b those of b's; {0, 0} of special tokens */
    struct source *offsets;
    size_t count;
    size_t first_segment; /* ids of [CLS] a [SEP]: types are 0 before this, 1 from here on */
    size_t cut;           /* tokens lost to truncation */
    size_t tokens;        /* tokens found, those that were cut included, [CLS] and [SEP] not */
    size_t unknown;       /* how many of those are the unknown token */
    size_t capacity, offset_capacity;
};

void encoding_free(struct encoding *encoding);
/* Room for so many more tokens. */
void encoding_reserve(struct encoding *encoding, size_t more);
/* Appends a token; source: where it comes from. */
void encoding_push(struct encoding *encoding, uint32_t id, struct source source);
/* Appends `count` tokens of another encoding, from the number `from` on; both are traced, or
 * neither. */
void encoding_append(struct encoding *encoding, const struct encoding *other, size_t from,
                     size_t count);
/* How many of the tokens `from` and on have this id. */
size_t encoding_count_id(const struct encoding *encoding, size_t from, uint32_t id);
/* Writes the types of the tokens: 0 for [CLS] a [SEP], 1 for b [SEP]. types: [count] */
void encoding_types(const struct encoding *encoding, uint8_t *types);

#endif
