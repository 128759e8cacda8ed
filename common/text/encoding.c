#include "text/encoding.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

void encoding_free(struct encoding *encoding)
{
    free(encoding->ids);
    free(encoding->offsets);
    *encoding = (struct encoding){0};
}

void encoding_reserve(struct encoding *encoding, size_t more)
{
    size_t needed = encoding->count + more;
    mem_grow(&encoding->ids, &encoding->capacity, needed, sizeof(*encoding->ids));
    if (encoding->traced)
        mem_grow(&encoding->offsets, &encoding->offset_capacity, needed,
                 sizeof(*encoding->offsets));
}

void encoding_push(struct encoding *encoding, uint32_t id, struct source source)
{
    encoding_reserve(encoding, 1);
    if (encoding->traced)
        encoding->offsets[encoding->count] = source;
    encoding->ids[encoding->count++] = id;
}

void encoding_append(struct encoding *encoding, const struct encoding *other, size_t from,
                     size_t count)
{
    encoding_reserve(encoding, count);
    if (count > 0) {
        memcpy(encoding->ids + encoding->count, other->ids + from, count * sizeof(*other->ids));
        if (encoding->traced)
            memcpy(encoding->offsets + encoding->count, other->offsets + from,
                   count * sizeof(*other->offsets));
    }
    encoding->count += count;
}

size_t encoding_count_id(const struct encoding *encoding, size_t from, uint32_t id)
{
    size_t found = 0;
    for (size_t i = from; i < encoding->count; i++)
        found += encoding->ids[i] == id;
    return found;
}

void encoding_types(const struct encoding *encoding, uint8_t *types)
{
    memset(types, 0, encoding->first_segment);
    memset(types + encoding->first_segment, 1, encoding->count - encoding->first_segment);
}
