#include "stream/parts.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"

struct stream_part_set {
    uint64_t n, seen;
};

void stream_parts_free(struct stream_parts *parts)
{
    string_index_free(&parts->sets);
    string_index_free(&parts->seen);
    free(parts->details);
    buffer_free(&parts->key);
    *parts = (struct stream_parts){0};
}

/* The name of part k of a set in `seen`. */
static const struct buffer *name_part(struct stream_parts *parts, uint64_t k, size_t set)
{
    parts->key.size = 0;
    buffer_format(&parts->key, "%" PRIu64 " %zu", k, set);
    return &parts->key;
}

int stream_parts_add(struct stream_parts *parts, const struct stream_header *header,
                     const char *place)
{
    const struct stream_part *part = &header->part;
    const struct buffer *name;
    struct stream_part_set *set;
    size_t number;
    bool added;

    if (!part->present)
        return 0;
    number = string_index_add(&parts->sets, part->set, strlen(part->set), &added);
    mem_grow(&parts->details, &parts->capacity, parts->sets.count, sizeof *parts->details);
    set = &parts->details[number];
    if (added)
        *set = (struct stream_part_set){.n = part->n};
    if (set->n != part->n)
        return diag_error("%s: set %s has %" PRIu64 " parts, but an earlier part says %" PRIu64,
                          place, part->set, part->n, set->n);
    name = name_part(parts, part->k, number);
    string_index_add(&parts->seen, name->data, name->size, &added);
    if (!added)
        return diag_error("%s: part %" PRIu64 " of %" PRIu64 " of set %s occurs twice", place,
                          part->k, part->n, part->set);
    set->seen++;
    return 0;
}

static int report_missing(struct stream_parts *parts, size_t number, const char *place)
{
    const struct stream_part_set *set = &parts->details[number];
    const uint64_t count = set->n - set->seen;
    struct buffer missing = {0};

    for (uint64_t k = 1, listed = 0; k <= set->n && listed < count && listed < 10; k++) {
        const struct buffer *name = name_part(parts, k, number);

        if (string_index_find(&parts->seen, name->data, name->size) == STRING_INDEX_NONE)
            buffer_format(&missing, "%s%" PRIu64, listed++ > 0 ? ", " : "", k);
    }
    if (count > 10)
        buffer_format(&missing, " and %" PRIu64 " more", count - 10);
    if (count > 0)
        diag_error("%s: of the %" PRIu64 " parts of set %s, part%s %s %s missing", place, set->n,
                   string_index_get(&parts->sets, number, NULL), count > 1 ? "s" : "",
                   buffer_string(&missing), count > 1 ? "are" : "is");
    buffer_free(&missing);
    return count > 0 ? -1 : 0;
}

int stream_parts_finish(struct stream_parts *parts, enum stream_parts_rule rule, const char *place)
{
    for (size_t i = 0; i < parts->sets.count && rule != PARTS_ANY; i++)
        if ((rule == PARTS_COMPLETE || parts->details[i].seen > 1) &&
            report_missing(parts, i, place) != 0)
            return -1;
    return 0;
}
