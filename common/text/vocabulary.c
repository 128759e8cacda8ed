#include "text/vocabulary.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cli/diag.h"
#include "cli/lines.h"
#include "cli/memory.h"
#include "cli/utf8.h"
#include "text/unicode.h"
#include "text/utf8.h"

enum { FIRST_SLOTS = 1 << 16 };

/* A copy that lives as long as the vocabulary. */
static const char *keep_bytes(struct vocabulary *vocabulary, const char *data, size_t size)
{
    char *copy = blocks_take(&vocabulary->bytes, size + 1);
    memcpy(copy, data, size);
    copy[size] = '\0';
    return copy;
}

void vocabulary_init(struct vocabulary *vocabulary)
{
    *vocabulary = (struct vocabulary){.empty = TOKEN_NONE};
}

void vocabulary_free(struct vocabulary *vocabulary)
{
    blocks_free(&vocabulary->bytes);
    free(vocabulary->tokens);
    free(vocabulary->slots);
    vocabulary_init(vocabulary);
}

/* The slot that holds the token, or the empty one where it belongs. */
static size_t find_slot(const struct vocabulary *vocabulary, const char *data, size_t size)
{
    size_t mask = vocabulary->slot_count - 1;
    size_t slot = (size_t)XXH3_64bits(data, size) & mask;
    while (vocabulary->slots[slot] != TOKEN_NONE) {
        const struct token_text *token = &vocabulary->tokens[vocabulary->slots[slot]];
        if (token->size == size && memcmp(token->data, data, size) == 0)
            break;
        slot = (slot + 1) & mask;
    }
    return slot;
}

/* Keeps at least half of the slots empty. */
static void grow_slots(struct vocabulary *vocabulary)
{
    if (vocabulary->used < vocabulary->slot_count / 2)
        return;
    vocabulary->slot_count = vocabulary->slot_count > 0 ? 2 * vocabulary->slot_count : FIRST_SLOTS;
    vocabulary->slots =
        mem_realloc_array(vocabulary->slots, vocabulary->slot_count, sizeof(*vocabulary->slots));
    memset(vocabulary->slots, 0xff, vocabulary->slot_count * sizeof(*vocabulary->slots));
    for (size_t id = 0; id < vocabulary->size; id++) {
        const struct token_text *token = &vocabulary->tokens[id];
        if (token->data != NULL)
            vocabulary->slots[find_slot(vocabulary, token->data, token->size)] = (uint32_t)id;
    }
}

/* Makes ids below `size` exist, without tokens as yet. */
static void grow_ids(struct vocabulary *vocabulary, size_t size)
{
    if (size <= vocabulary->size)
        return;
    mem_grow(&vocabulary->tokens, &vocabulary->capacity, size, sizeof(*vocabulary->tokens));
    memset(vocabulary->tokens + vocabulary->size, 0,
           (size - vocabulary->size) * sizeof(*vocabulary->tokens));
    vocabulary->size = size;
}

bool vocabulary_add(struct vocabulary *vocabulary, const char *data, size_t size, uint32_t id)
{
    grow_slots(vocabulary);
    size_t slot = find_slot(vocabulary, data, size);
    if (vocabulary->slots[slot] != TOKEN_NONE)
        return false;
    grow_ids(vocabulary, (size_t)id + 1);
    if (vocabulary->tokens[id].data != NULL)
        return false;
    vocabulary->tokens[id] = (struct token_text){keep_bytes(vocabulary, data, size), size};
    vocabulary->slots[slot] = id;
    vocabulary->used++;
    return true;
}

void vocabulary_set_empty(struct vocabulary *vocabulary, uint32_t id)
{
    grow_ids(vocabulary, (size_t)id + 1);
    vocabulary->empty = id;
}

uint32_t vocabulary_find(const struct vocabulary *vocabulary, const char *data, size_t size)
{
    return vocabulary->used > 0 ? vocabulary->slots[find_slot(vocabulary, data, size)] : TOKEN_NONE;
}

uint32_t vocabulary_find_string(const struct vocabulary *vocabulary, const char *token)
{
    return vocabulary_find(vocabulary, token, strlen(token));
}

/* The line's length without the white space (of Unicode, not only of ASCII) at its end. */
static size_t trimmed_length(const char *line, size_t length)
{
    while (length > 0) {
        size_t last = utf8_previous(line, length);
        const char *cursor = line + last;
        if (!(unicode_properties(utf8_next(&cursor)) & UNICODE_SPACE))
            break;
        length = last;
    }
    return length;
}

static int add_line(struct vocabulary *vocabulary, const char *path, uint64_t number,
                    const char *line, size_t length)
{
    if (number > VOCABULARY_MAX)
        return diag_error("%s: more than %" PRIu32 " tokens", path, VOCABULARY_MAX);
    if (utf8_valid_prefix(line, length) != length)
        return diag_error("%s: line %" PRIu64 ": not valid UTF-8", path, number);
    length = trimmed_length(line, length);
    if (length == 0) {
        vocabulary_set_empty(vocabulary, (uint32_t)number - 1);
    } else if (!vocabulary_add(vocabulary, line, length, (uint32_t)number - 1))
        return diag_error("%s: line %" PRIu64 ": duplicate token '%.*s'", path, number, (int)length,
                          line);
    return 0;
}

int vocabulary_read_text(struct vocabulary *vocabulary, const char *path)
{
    struct line_reader reader;
    char *line;
    size_t length;
    int status;
    if (line_reader_open(&reader, path, 0) != 0)
        return -1;
    while ((status = line_reader_next(&reader, &line, &length)) > 0)
        if (add_line(vocabulary, path, reader.number, line, length) != 0) {
            status = -1;
            break;
        }
    line_reader_close(&reader);
    if (status == 0 && vocabulary->used == 0)
        return diag_error("%s: no tokens in it", path);
    return status;
}
