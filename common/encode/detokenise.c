#include "encode/detokenise.h"

#include <inttypes.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"

struct id_list {
    uint32_t *ids;
    size_t count, capacity;
};

/* [CLS] and the tokens of a text and its [SEP]; the pair's second text has no [CLS]. */
struct segment {
    struct id_list tokens;
    bool begins, ends; /* with [CLS], with [SEP] */
    struct buffer text;
};

struct detokeniser {
    const struct tokeniser *tokeniser;
    struct text_decoder *decoder;
    bool keep_special;
    struct segment segments[2];
    struct id_list all; /* of the record at work, and of a segment with its special tokens */
};

struct detokeniser *detokeniser_new(const struct tokeniser *tokeniser, bool keep_special)
{
    struct text_decoder *decoder = text_decoder_new(tokeniser);
    if (decoder == NULL)
        return NULL;
    struct detokeniser *detokeniser = mem_calloc(1, sizeof(*detokeniser));
    detokeniser->tokeniser = tokeniser;
    detokeniser->decoder = decoder;
    detokeniser->keep_special = keep_special;
    return detokeniser;
}

void detokeniser_free(struct detokeniser *detokeniser)
{
    if (detokeniser == NULL)
        return;
    text_decoder_free(detokeniser->decoder);
    for (int i = 0; i < 2; i++) {
        free(detokeniser->segments[i].tokens.ids);
        buffer_free(&detokeniser->segments[i].text);
    }
    free(detokeniser->all.ids);
    free(detokeniser);
}

static void append(struct id_list *list, const uint32_t *ids, size_t count)
{
    mem_grow(&list->ids, &list->capacity, list->count + count, sizeof(*list->ids));
    for (size_t i = 0; i < count; i++)
        list->ids[list->count++] = ids[i];
}

/* A segment's tokens behind those that are there already. */
static void add_segment(const struct detokeniser *detokeniser, struct segment *segment,
                        const uint32_t *ids, size_t count)
{
    const struct tokeniser_special *special = &detokeniser->tokeniser->special;
    segment->begins = count > 0 && ids[0] == special->cls;
    ids += segment->begins;
    count -= segment->begins;
    segment->ends = count > 0 && ids[count - 1] == special->sep;
    append(&segment->tokens, ids, count - segment->ends);
}

static struct rec_span decode_segment(struct detokeniser *detokeniser, struct segment *segment)
{
    const struct tokeniser_special *special = &detokeniser->tokeniser->special;
    struct id_list *all = &detokeniser->all;
    all->count = 0;
    append(all, &special->cls, segment->begins);
    append(all, segment->tokens.ids, segment->tokens.count);
    append(all, &special->sep, segment->ends);
    segment->text.size = 0;
    buffer_reserve(&segment->text, 1); /* an empty text is not an absent one */
    text_decoder_append(detokeniser->decoder, all->ids, all->count, detokeniser->keep_special,
                        &segment->text);
    return (struct rec_span){segment->text.data, segment->text.size};
}

int detokeniser_add(struct detokeniser *detokeniser, const struct stream_record *record,
                    const char *place, struct stream_record *text)
{
    const struct rec_tokens *tokens = &record->tokens;
    const struct rec_window *window = &tokens->window;
    const bool paired = tokens->types.data != NULL;
    struct segment *first = &detokeniser->segments[0], *second = &detokeniser->segments[1];
    struct id_list *windowed = paired ? &second->tokens : &first->tokens;
    size_t count = rec_token_count(tokens), split = 0;
    mem_grow(&detokeniser->all.ids, &detokeniser->all.capacity, count,
             sizeof(*detokeniser->all.ids));
    rec_token_ids(tokens, detokeniser->all.ids);
    while (split < count && (!paired || tokens->types.data[split] == 0))
        split++;
    if (window->k > 1 && window->first_token > windowed->count)
        return diag_error("%s: window %" PRIu64 " begins at token %" PRIu64
                          ", and the one before it ends at %zu",
                          place, window->k, window->first_token, windowed->count);
    if (windowed != &first->tokens || window->k <= 1)
        first->tokens.count = 0;
    if (window->k <= 1)
        second->tokens.count = 0;
    else
        windowed->count = (size_t)window->first_token;
    add_segment(detokeniser, first, detokeniser->all.ids, split);
    add_segment(detokeniser, second, detokeniser->all.ids + split, count - split);
    if (window->k < window->n)
        return 0;
    *text = (struct stream_record){.type = STREAM_TEXT};
    text->text.id = tokens->id;
    text->text.label = tokens->label;
    text->text.x = tokens->x;
    text->text.text = decode_segment(detokeniser, first);
    if (paired)
        text->text.pair = decode_segment(detokeniser, second);
    return 1;
}
