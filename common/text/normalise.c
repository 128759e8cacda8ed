#include "text/normalise.h"

#include <stdint.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* Room that one character after NFD may need: its lower case. */
enum { CHARACTER_ROOM = 4 * UNICODE_LOWER_MAX };

/*
 * Combining characters that are kept although accents are stripped, waiting to be ordered. NFD
 * sorts each run of them by combining class; the run ends at the next starter.
 */
struct combining_run {
    uint32_t *items;
    size_t count, capacity;
    uint64_t ranks; /* bit set of the ranks that occur */
};

static void make_room(struct buffer *out)
{
    if (out->capacity - out->size < CHARACTER_ROOM)
        buffer_reserve(out, CHARACTER_ROOM);
}

static void emit(const struct normaliser *normaliser, uint32_t code_point, unsigned properties,
                 struct buffer *out)
{
    uint32_t lower[UNICODE_LOWER_MAX] = {code_point};
    size_t count = 1;
    if (normaliser->lowercase && properties & UNICODE_LOWER)
        count = unicode_lower(code_point, lower);
    for (size_t i = 0; i < count; i++)
        out->size += utf8_encode(lower[i], out->data + out->size);
}

/* One pass a rank: linear in the run, however long, because ranks are few. */
static void flush_run(const struct normaliser *normaliser, struct combining_run *run,
                      struct buffer *out)
{
    if (run->count == 0)
        return;
    buffer_reserve(out, run->count * CHARACTER_ROOM);
    for (unsigned rank = 1; run->ranks >> rank != 0; rank++) {
        if (!(run->ranks >> rank & 1))
            continue;
        for (size_t i = 0; i < run->count; i++)
            if (unicode_combining_rank(run->items[i]) == rank)
                emit(normaliser, run->items[i], unicode_properties(run->items[i]), out);
    }
    run->count = 0;
    run->ranks = 0;
}

/*
 * One character after NFD. A mark is dropped at once: that leaves the order of the others as
 * sorting first would, as long as a mark that is a starter still ends the run.
 */
static void strip_accent(const struct normaliser *normaliser, uint32_t code_point,
                         struct combining_run *run, struct buffer *out)
{
    unsigned properties = unicode_properties(code_point);
    if (!(properties & UNICODE_COMBINING)) {
        flush_run(normaliser, run, out);
        make_room(out);
        if (!(properties & UNICODE_MARK))
            emit(normaliser, code_point, properties, out);
    } else if (!(properties & UNICODE_MARK)) {
        mem_grow(&run->items, &run->capacity, run->count + 1, sizeof(*run->items));
        run->items[run->count++] = code_point;
        run->ranks |= UINT64_C(1) << unicode_combining_rank(code_point);
    }
}

static void decompose_and_emit(const struct normaliser *normaliser, uint32_t code_point,
                               unsigned properties, struct combining_run *run, struct buffer *out)
{
    uint32_t parts[UNICODE_DECOMPOSE_MAX] = {code_point};
    size_t count = 1;
    if (!normaliser->strip_accents) {
        make_room(out);
        emit(normaliser, code_point, properties, out);
        return;
    }
    if (properties & UNICODE_DECOMPOSE)
        count = unicode_decompose(code_point, parts);
    for (size_t i = 0; i < count; i++)
        strip_accent(normaliser, parts[i], run, out);
}

static void normalise_character(const struct normaliser *normaliser, uint32_t code_point,
                                struct combining_run *run, struct buffer *out)
{
    unsigned properties = unicode_properties(code_point);
    if (normaliser->clean_text && properties & UNICODE_DROP)
        return;
    if (normaliser->clean_text && properties & UNICODE_SPACE) {
        code_point = ' ';
        properties = UNICODE_SPACE;
    }
    if (normaliser->chinese_chars && properties & UNICODE_CJK) {
        decompose_and_emit(normaliser, ' ', UNICODE_SPACE, run, out);
        decompose_and_emit(normaliser, code_point, properties, run, out);
        decompose_and_emit(normaliser, ' ', UNICODE_SPACE, run, out);
        return;
    }
    decompose_and_emit(normaliser, code_point, properties, run, out);
}

void normalise(const struct normaliser *normaliser, const char *text, size_t size,
               struct buffer *out)
{
    struct combining_run run = {0};
    const char *cursor = text, *end = text + size;
    buffer_reserve(out, size);
    while (cursor < end)
        normalise_character(normaliser, utf8_next(&cursor), &run, out);
    flush_run(normaliser, &run, out);
    free(run.items);
}
