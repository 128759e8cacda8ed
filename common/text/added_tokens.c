#include "text/added_tokens.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/vocabulary.h"

void added_tokens_init(struct added_tokens *added)
{
    *added = (struct added_tokens){0};
}

void added_tokens_free(struct added_tokens *added)
{
    for (size_t i = 0; i < added->count; i++)
        free(added->items[i].content);
    free(added->items);
    for (int form = 0; form < ADDED_FORMS; form++)
        trie_free(&added->forms[form].patterns);
    added_tokens_init(added);
}

void added_tokens_append(struct added_tokens *added, const struct added_token *token)
{
    mem_grow(&added->items, &added->capacity, added->count + 1, sizeof(*added->items));
    added->items[added->count] = *token;
    added->items[added->count++].content = mem_strdup(token->content);
}

static bool trie_holds(const struct trie *trie, const char *data, size_t size)
{
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < size && node != TRIE_NONE; i++)
        node = trie_step(trie, node, (unsigned char)data[i]);
    return node != TRIE_NONE && trie_value(trie, node) != TRIE_NONE;
}

/* Adds item i's pattern, which is the content or its normal form. */
static int prepare_item(struct added_tokens *added, size_t i, const char *pattern, size_t size,
                        const char *place)
{
    const struct added_token *item = &added->items[i];
    enum added_form form = item->normalized ? ADDED_NORMALISED : ADDED_RAW;
    struct trie *patterns = &added->forms[form].patterns;
    int first = size > 0 ? (unsigned char)pattern[0] : -1;
    if (size == 0)
        return diag_error("%s: added token '%s' has an empty normal form", place, item->content);
    if (trie_holds(patterns, pattern, size))
        return diag_error("%s: added token '%s' is there twice", place, item->content);
    trie_add(patterns, pattern, size, (uint32_t)i);
    added->forms[form].first[first] = true;
    if (added->forms[form].pattern_count++ == 0)
        added->forms[form].only_first = first;
    else if (added->forms[form].only_first != first)
        added->forms[form].only_first = -1;
    return 0;
}

int added_tokens_prepare(struct added_tokens *added, const struct normaliser *normaliser,
                         const char *place)
{
    struct buffer pattern = {0};
    size_t bytes = 0;
    int status = 0;
    for (size_t i = 0; i < added->count; i++) {
        normalise(normaliser, added->items[i].content, strlen(added->items[i].content), &pattern,
                  NULL);
        bytes += pattern.size + strlen(added->items[i].content);
        pattern.size = 0;
    }
    if (bytes > TRIE_MAX_NODES)
        status = diag_error("%s: %zu bytes of added tokens are too many", place, bytes);
    for (int form = 0; form < ADDED_FORMS && status == 0; form++)
        trie_init(&added->forms[form].patterns, bytes);
    for (size_t i = 0; i < added->count && status == 0; i++) {
        const char *content = added->items[i].content;
        pattern.size = 0;
        if (added->items[i].normalized)
            normalise(normaliser, content, strlen(content), &pattern, NULL);
        else
            buffer_append_string(&pattern, content);
        status = prepare_item(added, i, pattern.data, pattern.size, place);
    }
    buffer_free(&pattern);
    return status;
}

/* The longest pattern at the text's start: its length, or 0. */
static size_t match_here(const struct trie *patterns, const char *text, size_t size, uint32_t *item)
{
    size_t longest = 0;
    uint32_t node = TRIE_ROOT;
    for (size_t i = 0; i < size; i++) {
        node = trie_step(patterns, node, (unsigned char)text[i]);
        if (node == TRIE_NONE)
            break;
        if (trie_value(patterns, node) != TRIE_NONE) {
            longest = i + 1;
            *item = trie_value(patterns, node);
        }
    }
    return longest;
}

/* The first match at or after `from`: its length and place, or 0. */
static size_t find_match(const struct added_tokens *added, enum added_form form,
                         const struct added_cursor *cursor, size_t from, size_t *start,
                         uint32_t *item)
{
    for (size_t i = from; i < cursor->size; i++) {
        if (added->forms[form].only_first >= 0) {
            const char *found =
                memchr(cursor->text + i, added->forms[form].only_first, cursor->size - i);
            if (found == NULL)
                return 0;
            i = (size_t)(found - cursor->text);
        } else if (!added->forms[form].first[(unsigned char)cursor->text[i]]) {
            continue;
        }
        size_t length =
            match_here(&added->forms[form].patterns, cursor->text + i, cursor->size - i, item);
        if (length > 0) {
            *start = i;
            return length;
        }
    }
    return 0;
}

static unsigned properties_at(const char *text, size_t start)
{
    const char *cursor = text + start;
    return unicode_properties(utf8_next(&cursor));
}

static bool stands_alone(const struct added_cursor *cursor, size_t start, size_t stop)
{
    if (start > 0 && properties_at(cursor->text, utf8_previous(cursor->text, start)) & UNICODE_WORD)
        return false;
    return stop == cursor->size || !(properties_at(cursor->text, stop) & UNICODE_WORD);
}

/* Where the white space that ends at `start` begins, but not before `least`. */
static size_t skip_spaces_left(const char *text, size_t least, size_t start)
{
    while (start > least) {
        size_t previous = utf8_previous(text, start);
        if (!(properties_at(text, previous) & UNICODE_SPACE))
            break;
        start = previous;
    }
    return start;
}

static size_t skip_spaces_right(const char *text, size_t stop, size_t size)
{
    while (stop < size) {
        const char *next = text + stop;
        if (!(unicode_properties(utf8_next(&next)) & UNICODE_SPACE))
            break;
        stop = (size_t)(next - text);
    }
    return stop;
}

/* Hands out the text from what is covered to `start` and the token, which covers it to `stop`. */
static bool hand_out(struct added_cursor *cursor, size_t start, size_t stop, uint32_t id,
                     struct added_match *match)
{
    size_t size = start > cursor->covered ? start - cursor->covered : 0;
    *match = (struct added_match){cursor->text + cursor->covered, size, id, start, stop};
    cursor->covered = stop;
    return true;
}

bool added_tokens_next(const struct added_tokens *added, enum added_form form,
                       struct added_cursor *cursor, struct added_match *match)
{
    size_t start, length;
    uint32_t item;
    if (cursor->finished)
        return false;
    while (added->forms[form].pattern_count > 0 &&
           (length = find_match(added, form, cursor, cursor->searched, &start, &item)) > 0) {
        const struct added_token *token = &added->items[item];
        size_t stop = start + length;
        cursor->searched = stop;
        if (token->single_word && !stands_alone(cursor, start, stop))
            continue;
        if (token->lstrip)
            start = skip_spaces_left(cursor->text, cursor->covered, start);
        if (token->rstrip)
            stop = skip_spaces_right(cursor->text, stop, cursor->size);
        return hand_out(cursor, start, stop, token->id, match);
    }
    cursor->finished = true;
    return hand_out(cursor, cursor->size, cursor->size, TOKEN_NONE, match);
}
