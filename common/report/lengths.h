/*
 * Lengths of texts in tokens, from tokens streams: a histogram for each source. Memory: 8 bytes for
 * each token of the longest text, so it does not grow with the number of texts.
 */
#ifndef REPORT_LENGTHS_H
#define REPORT_LENGTHS_H

#include <stddef.h>
#include <stdint.h>

#include "stream/record.h"

struct length_source {
    char *name;
    uint64_t *counts; /* [longest + 1] */
    size_t capacity, longest;
    uint64_t records, tokens, cut_records, cut_tokens;
};

struct lengths {
    struct length_source *sources;
    size_t count, capacity;
};

void lengths_free(struct lengths *lengths);
/* Records of this source follow: a file's name. */
void lengths_begin(struct lengths *lengths, const char *source);
void lengths_add(struct lengths *lengths, const struct rec_tokens *tokens);

/* The shortest length that a share (0 .. 1) of the records does not exceed; records at least 1. */
size_t lengths_quantile(const struct length_source *source, double share);

#endif
