#include "stream/parts.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/buffer.h"
#include "cli/diag.h"
#include "cli/memory.h"

struct stream_part_set {
    char *id;
    uint64_t n;
    bool *seen; /* [n], part k at k - 1 */
    uint64_t seen_count;
};

void stream_parts_free(struct stream_parts *parts)
{
    for (size_t i = 0; i < parts->count; i++) {
        free(parts->sets[i].id);
        free(parts->sets[i].seen);
    }
    free(parts->sets);
    *parts = (struct stream_parts){0};
}

static struct stream_part_set *find_set(struct stream_parts *parts, const struct stream_part *part)
{
    struct stream_part_set *set;

    for (size_t i = 0; i < parts->count; i++)
        if (strcmp(parts->sets[i].id, part->set) == 0)
            return &parts->sets[i];
    mem_grow(&parts->sets, &parts->capacity, parts->count + 1, sizeof *parts->sets);
    set = &parts->sets[parts->count++];
    set->id = mem_strdup(part->set);
    set->n = part->n;
    set->seen = mem_calloc(part->n, sizeof *set->seen);
    set->seen_count = 0;
    return set;
}

int stream_parts_add(struct stream_parts *parts, const struct stream_header *header,
                     const char *place)
{
    const struct stream_part *part = &header->part;
    struct stream_part_set *set;

    if (!part->present)
        return 0;
    set = find_set(parts, part);
    if (set->n != part->n)
        return diag_error("%s: set %s has %llu parts, but an earlier part says %llu", place,
                          part->set, (unsigned long long)part->n, (unsigned long long)set->n);
    if (set->seen[part->k - 1])
        return diag_error("%s: part %llu of %llu of set %s occurs twice", place,
                          (unsigned long long)part->k, (unsigned long long)part->n, part->set);
    set->seen[part->k - 1] = true;
    set->seen_count++;
    return 0;
}

static int report_missing(const struct stream_part_set *set, const char *place)
{
    struct buffer missing = {0};
    size_t count = 0;

    for (uint64_t i = 0; i < set->n; i++) {
        if (set->seen[i])
            continue;
        if (++count <= 10)
            buffer_format(&missing, "%s%llu", count > 1 ? ", " : "", (unsigned long long)i + 1);
    }
    if (count > 10)
        buffer_format(&missing, " and %zu more", count - 10);
    if (count > 0)
        diag_error("%s: of the %llu parts of set %s, part%s %s %s missing", place,
                   (unsigned long long)set->n, set->id, count > 1 ? "s" : "",
                   buffer_string(&missing), count > 1 ? "are" : "is");
    buffer_free(&missing);
    return count > 0 ? -1 : 0;
}

int stream_parts_finish(const struct stream_parts *parts, enum stream_parts_rule rule,
                        const char *place)
{
    for (size_t i = 0; i < parts->count && rule != PARTS_ANY; i++) {
        const struct stream_part_set *set = &parts->sets[i];

        if ((rule == PARTS_COMPLETE || set->seen_count > 1) && report_missing(set, place) != 0)
            return -1;
    }
    return 0;
}
