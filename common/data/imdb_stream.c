#include "data/imdb_stream.h"

#include <msgpack.h>

static int pack_bytes(void *context, const char *data, size_t size)
{
    buffer_append(context, data, size);
    return 0;
}

void imdb_header(struct stream_header *header)
{
    static const char *const labels[] = {"negative", "positive"};
    stream_header_init(header, STREAM_TEXT);
    header->problem = STREAM_PROBLEM_SINGLE;
    stream_header_set_labels(header, labels, 2);
}

void imdb_record(const struct imdb_review *review, struct imdb_record_memory *memory,
                 struct stream_record *record)
{
    *record = (struct stream_record){.type = STREAM_TEXT};
    struct rec_text *text = &record->text;
    imdb_id(review, memory->id);
    text->id = rec_span_of(memory->id);
    text->text = (struct rec_span){review->text, review->size};
    if (review->label != IMDB_UNLABELLED) {
        text->label.kind = LABEL_INT;
        text->label.integer = review->label;
    }
    if (review->rating > 0) {
        msgpack_packer packer;
        memory->x.size = 0;
        msgpack_packer_init(&packer, &memory->x, pack_bytes);
        msgpack_pack_map(&packer, 1);
        msgpack_pack_str_with_body(&packer, "rating", 6);
        msgpack_pack_uint32(&packer, review->rating);
        text->x = (struct rec_span){memory->x.data, memory->x.size};
    }
}

int imdb_write(const struct imdb *imdb, const struct stream_header *header,
               struct stream_writer *writer)
{
    struct imdb_record_memory memory = {0};
    int status = stream_writer_begin(writer, header);
    for (size_t i = 0; i < imdb->count && status == 0; i++) {
        struct stream_record record;
        imdb_record(&imdb->reviews[i], &memory, &record);
        status = stream_writer_record(writer, &record);
    }
    buffer_free(&memory.x);
    return status < 0 ? -1 : stream_writer_end(writer);
}
