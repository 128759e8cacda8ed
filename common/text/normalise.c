#include "text/normalise.h"

#include <stdint.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "text/unicode.h"
#include "text/utf8.h"

/* Room that one character after NFD may need: its lower case. */
enum { CHARACTER_ROOM = 4 * UNICODE_LOWER_MAX };

struct combining {
    uint32_t code_point : 31;
    uint32_t added : 1; /* by decomposition: not the first of what a character became */
    uint32_t source;    /* where that character begins */
};

/*
 * Combining characters waiting to be ordered: NFD sorts each run of them by combining class; the
 * run ends at the next starter. Those that are dropped as accents are here for their sources only.
 */
struct combining_run {
    struct combining *items;
    size_t count, capacity;
    uint64_t ranks;  /* bit set of the ranks that occur, all below 63 */
    uint32_t before; /* source of what comes before the run */
};

struct normalising {
    const struct normaliser *normaliser;
    struct buffer *out;
    struct sources *sources; /* or NULL */
    struct combining_run run;
};

static void add_sources(struct sources *sources, uint32_t source, size_t count)
{
    mem_grow(&sources->begins, &sources->capacity, sources->count + count,
             sizeof(*sources->begins));
    for (size_t i = 0; i < count; i++)
        sources->begins[sources->count++] = source;
}

static void emit(struct normalising *work, uint32_t code_point, unsigned properties,
                 uint32_t source)
{
    struct buffer *out = work->out;
    uint32_t lower[UNICODE_LOWER_MAX] = {code_point};
    size_t count = 1, before = out->size;
    if (out->capacity - out->size < CHARACTER_ROOM)
        buffer_reserve(out, CHARACTER_ROOM);
    if (work->normaliser->lowercase && properties & UNICODE_LOWER)
        count = unicode_lower(code_point, lower);
    for (size_t i = 0; i < count; i++)
        out->size += utf8_encode(lower[i], out->data + out->size);
    if (work->sources != NULL)
        add_sources(work->sources, source, out->size - before);
}

/*
 * One pass a rank: linear in the run, however long, because ranks are few.
 *
 * Sources go by place, as the reference has it, not by character: the n-th character after sorting,
 * of those that were not added, has the source of the n-th before, and one that was added that of
 * its neighbour. So a mark that moved has another's.
 */
static void flush_run(struct normalising *work)
{
    struct combining_run *run = &work->run;
    size_t place = 0;
    for (unsigned rank = 1; run->ranks >> rank != 0; rank++) {
        for (size_t i = 0; i < run->count && run->ranks >> rank & 1; i++) {
            const struct combining *item = &run->items[i];
            unsigned properties = unicode_properties(item->code_point);
            if (unicode_combining_rank(item->code_point) != rank)
                continue;
            if (!item->added) {
                while (run->items[place].added)
                    place++;
                run->before = run->items[place++].source;
            }
            if (!(properties & UNICODE_MARK))
                emit(work, item->code_point, properties, run->before);
        }
    }
    run->count = 0;
    run->ranks = 0;
}

/*
 * One character after NFD. A mark is dropped at once where nobody asks for sources: that leaves the
 * order of the others as sorting first would, as long as a mark that is a starter still ends the
 * run.
 */
static void strip_accent(struct normalising *work, const struct combining *character)
{
    struct combining_run *run = &work->run;
    unsigned properties = unicode_properties(character->code_point);
    if (!(properties & UNICODE_COMBINING)) {
        flush_run(work);
        run->before = character->source;
        if (!(properties & UNICODE_MARK))
            emit(work, character->code_point, properties, character->source);
    } else if (!(properties & UNICODE_MARK) || work->sources != NULL) {
        mem_grow(&run->items, &run->capacity, run->count + 1, sizeof(*run->items));
        run->items[run->count++] = *character;
        run->ranks |= UINT64_C(1) << unicode_combining_rank(character->code_point);
    }
}

static void decompose_and_emit(struct normalising *work, uint32_t code_point, unsigned properties,
                               uint32_t source)
{
    uint32_t parts[UNICODE_DECOMPOSE_MAX] = {code_point};
    size_t count = 1;
    if (!work->normaliser->strip_accents) {
        emit(work, code_point, properties, source);
        return;
    }
    if (properties & UNICODE_DECOMPOSE)
        count = unicode_decompose(code_point, parts);
    for (size_t i = 0; i < count; i++)
        strip_accent(work, &(struct combining){parts[i], i > 0, source});
}

static void normalise_character(struct normalising *work, uint32_t code_point, uint32_t source)
{
    const struct normaliser *normaliser = work->normaliser;
    unsigned properties = unicode_properties(code_point);
    if (normaliser->clean_text && properties & UNICODE_DROP)
        return;
    if (normaliser->clean_text && properties & UNICODE_SPACE) {
        code_point = ' ';
        properties = UNICODE_SPACE;
    }
    if (normaliser->chinese_chars && properties & UNICODE_CJK) {
        decompose_and_emit(work, ' ', UNICODE_SPACE, source);
        decompose_and_emit(work, code_point, properties, source);
        decompose_and_emit(work, ' ', UNICODE_SPACE, source);
        return;
    }
    decompose_and_emit(work, code_point, properties, source);
}

void normalise(const struct normaliser *normaliser, const char *text, size_t size,
               struct buffer *out, struct sources *sources)
{
    struct normalising work = {.normaliser = normaliser, .out = out, .sources = sources};
    const char *cursor = text, *end = text + size;
    const uint32_t at = sources != NULL ? sources->at : 0;
    buffer_reserve(out, size);
    while (cursor < end) {
        uint32_t begin = at + (uint32_t)(cursor - text);
        normalise_character(&work, utf8_next(&cursor), begin);
    }
    flush_run(&work);
    free(work.run.items);
}

/* Not within what may be sorted, and what is dropped does not end that. */
bool normalise_may_cut_before(const struct normaliser *normaliser, uint32_t code_point)
{
    uint32_t parts[UNICODE_DECOMPOSE_MAX];
    unsigned properties = unicode_properties(code_point);
    if (normaliser->clean_text && properties & UNICODE_DROP)
        return false;
    if (!normaliser->strip_accents)
        return true;
    if (properties & UNICODE_DECOMPOSE) {
        unicode_decompose(code_point, parts);
        properties = unicode_properties(parts[0]);
    }
    return !(properties & UNICODE_COMBINING);
}
