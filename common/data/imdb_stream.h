/* IMDB reviews as a text stream: see bertpipe-stream(5). */
#ifndef DATA_IMDB_STREAM_H
#define DATA_IMDB_STREAM_H

#include "cli/buffer.h"
#include "data/imdb.h"
#include "stream/header.h"
#include "stream/record.h"
#include "stream/writer.h"

/* A text header with the labels negative and positive; to be freed. */
void imdb_header(struct stream_header *header);

/* Storage that a record points into. */
struct imdb_record_memory {
    char id[IMDB_ID_SIZE];
    struct buffer x;
};

/* The review as a record: its rating is {rating: R} in x, the label 0 or 1. Valid until memory is
 * used again. */
void imdb_record(const struct imdb_review *review, struct imdb_record_memory *memory,
                 struct stream_record *record);

/* Writes all reviews as one segment. -1 with a message. */
int imdb_write(const struct imdb *imdb, const struct stream_header *header,
               struct stream_writer *writer);

#endif
