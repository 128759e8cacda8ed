/*
 * What is in a stream of texts, tokens or predictions: lengths, labels, what was cut, unknown
 * tokens. Memory: 4 bytes a record, 8 more for a prediction's score, and the labels' names.
 *
 * A text's length is in characters (code points), that of tokens in tokens, special ones included,
 * of the whole text: what was cut counts, and the windows of one text are one record. A
 * prediction's is that of its text, if it has one.
 */
#ifndef DATA_STATISTICS_H
#define DATA_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/buffer.h"
#include "cli/string_index.h"
#include "stream/header.h"
#include "stream/record.h"

/* How often each label occurs; of a list each of its items. Real numbers are summed up instead. */
struct label_counts {
    struct string_index names;
    uint64_t *counts; /* [names.count] */
    size_t capacity;
    uint64_t total;    /* of counts */
    uint64_t labelled; /* records with a label */
    uint64_t numbers;  /* records with a real number */
    double sum, sum_of_squares, min, max;
};

struct statistics {
    struct stream_header header;
    uint64_t limit; /* length to compare with; 0: none */
    uint64_t records, windows, unlabelled;
    struct label_counts labels, predicted;

    uint32_t *lengths; /* [length_count] */
    size_t length_count, length_capacity;
    uint64_t total;                     /* of lengths */
    uint64_t over_records, over_excess; /* records over the limit, and by how much in all */
    uint64_t cut_records, cut_tokens;   /* lost already */
    uint64_t plain_tokens;              /* in the stream, neither [CLS] nor [SEP] nor [PAD] */
    uint64_t unk_tokens, unk_records;   /* [UNK] among them; records with any */

    double *scores; /* [score_count] of predictions */
    size_t score_count, score_capacity;

    uint32_t window_length; /* of the text of which windows are being read */
    bool window_unk;
    struct buffer name;
};

/* limit 0: the tokenizer's max_length, for tokens. */
void statistics_init(struct statistics *statistics, const struct stream_header *header,
                     uint64_t limit);
void statistics_free(struct statistics *statistics);
/* begins, completes: whether the record is the first and the last of its group (see
 * stream/groups.h). */
void statistics_add(struct statistics *statistics, const struct stream_record *record, bool begins,
                    bool completes);
/* Sorts lengths and scores: to be called once, before they are asked for. */
void statistics_finish(struct statistics *statistics);

/* Between the sorted values around quantile * (count - 1), as numpy.percentile does; NaN when there
 * are none. */
double statistics_length_quantile(const struct statistics *statistics, double quantile);
double statistics_score_quantile(const struct statistics *statistics, double quantile);

/* Lengths from `from` up to, but without, `to`. */
struct length_bin {
    uint64_t from, to;
    uint64_t count;
};
/*
 * At most `most` bins of one width, which is 1, 2 or 5 times a power of ten; the last one takes all
 * longer records too when they are few and far beyond the others (then its `to` is UINT64_MAX).
 * bins: [most]; returns how many. 0 when there are no lengths.
 */
size_t statistics_histogram(const struct statistics *statistics, struct length_bin *bins,
                            size_t most);

#endif
