#include "report/lengths.h"

#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"

void lengths_free(struct lengths *lengths)
{
    for (size_t i = 0; i < lengths->count; i++) {
        free(lengths->sources[i].name);
        free(lengths->sources[i].counts);
    }
    free(lengths->sources);
    *lengths = (struct lengths){0};
}

void lengths_begin(struct lengths *lengths, const char *source)
{
    const char *slash = strrchr(source, '/'), *base = slash ? slash + 1 : source;
    const char *dot = strrchr(base, '.');
    mem_grow(&lengths->sources, &lengths->capacity, lengths->count + 1, sizeof *lengths->sources);
    lengths->sources[lengths->count++] = (struct length_source){
        .name = mem_strndup(base, dot && dot > base ? (size_t)(dot - base) : strlen(base)),
    };
}

void lengths_add(struct lengths *lengths, const struct rec_tokens *tokens)
{
    struct length_source *source = &lengths->sources[lengths->count - 1];
    size_t length = rec_token_count(tokens), known = source->capacity;
    mem_grow(&source->counts, &source->capacity, length + 1, sizeof *source->counts);
    memset(source->counts + known, 0, (source->capacity - known) * sizeof *source->counts);
    source->counts[length]++;
    source->longest = length > source->longest ? length : source->longest;
    source->records++;
    source->tokens += length;
    source->cut_records += tokens->cut > 0;
    source->cut_tokens += tokens->cut;
}

size_t lengths_quantile(const struct length_source *source, double share)
{
    uint64_t below = 0;
    for (size_t length = 0; length < source->longest; length++) {
        below += source->counts[length];
        if ((double)below >= share * (double)source->records)
            return length;
    }
    return source->longest;
}
