/* Datasets: what is read is what was written, what the model cannot take is refused, labels become
 * classes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cli/diag.h"
#include "data/batches.h"
#include "data/dataset.h"
#include "stream/writer.h"

static char path[] = "/tmp/test-dataset-XXXXXX";
static const struct dataset_limits limits = {.vocab_size = 100, .max_length = 8, .types = 2};

/* One record to be written: ids until 0, a name or a number as label. */
struct line {
    uint32_t ids[10];
    const char *name;
    int number; /* when name is NULL; below 0: no label */
    const char *types;
};

static void write_stream(const struct line *lines, size_t count, uint64_t vocab_size,
                         const char *const *labels, size_t label_count)
{
    struct stream_header header;
    struct stream_tokenizer tokenizer = {.digest = (char *)"d",
                                         .kind = (char *)"wordpiece",
                                         .vocab_size = vocab_size,
                                         .max_length = 10};
    struct stream_writer *writer = stream_writer_open(path, FORM_MSGPACK);
    stream_header_init(&header, STREAM_TOKENS);
    header.problem = STREAM_PROBLEM_SINGLE;
    stream_header_set_tokenizer(&header, &tokenizer);
    if (labels)
        stream_header_set_labels(&header, labels, label_count);
    stream_writer_begin(writer, &header);
    for (size_t i = 0; i < count; i++) {
        unsigned char ids[40];
        size_t length = 0;
        struct stream_record record = {.type = STREAM_TOKENS};
        while (length < 10 && lines[i].ids[length])
            length++;
        record.tokens.id = rec_span_of("r");
        record.tokens.ids = rec_store_ids(ids, lines[i].ids, length, header.ids_type);
        record.tokens.ids_type = header.ids_type;
        if (lines[i].types)
            record.tokens.types = (struct rec_span){lines[i].types, length};
        if (lines[i].name)
            record.tokens.label =
                (struct rec_label){.kind = LABEL_STRING, .string = rec_span_of(lines[i].name)};
        else if (lines[i].number >= 0)
            record.tokens.label = (struct rec_label){.kind = LABEL_INT, .integer = lines[i].number};
        CHECK(stream_writer_record(writer, &record) == 0, "record %zu", i);
    }
    stream_writer_end(writer);
    CHECK(stream_writer_close(writer, true) == 0, "close");
    stream_header_free(&header);
}

static struct dataset *load(void)
{
    char *paths[] = {path};
    struct stream_merge *merge = stream_merge_open(paths, 1, 0, STREAM_TOKENS);
    struct dataset *dataset = merge ? dataset_load(merge, &limits) : NULL;
    stream_merge_close(merge);
    return dataset;
}

static void check_ids(const struct dataset *dataset, const struct line *lines)
{
    for (uint32_t i = 0; i < dataset->count; i++) {
        uint32_t ids[10], types[10], length = dataset_length(dataset, i);
        dataset_ids(dataset, i, ids);
        dataset_types(dataset, i, types);
        CHECK(memcmp(ids, lines[i].ids, length * sizeof *ids) == 0, "ids of %u", i);
        for (uint32_t t = 0; t < length; t++)
            CHECK(types[t] == (lines[i].types ? (unsigned)lines[i].types[t] : 0), "types of %u", i);
    }
}

static void test_names(uint64_t vocab_size)
{
    static const struct line lines[] = {
        {{1, 2, 3}, "dog", 0, NULL},
        {{99}, "ant", 0, "\1"},
        {{5, 6, 7, 8, 9, 10, 11, 12}, "dog", 0, "\0\0\0\0\1\1\1\1"},
        {{4, 4}, "cat", 0, NULL},
    };
    static const int32_t sorted[] = {2, 0, 2, 1};
    struct label_set classes;
    uint32_t numbered;
    write_stream(lines, 4, vocab_size, NULL, 0);
    struct dataset *dataset = load();
    CHECK(dataset && dataset->count == 4 && dataset->tokens == 14 && dataset->longest == 8,
          "count, tokens and longest");
    check_ids(dataset, lines);
    CHECK(dataset_suggest_classes(dataset, false, &classes, &numbered) == 0 && classes.count == 3 &&
              numbered == 0,
          "three names");
    CHECK(dataset_set_classes(dataset, &classes) == 0, "classes");
    for (uint32_t i = 0; i < 4; i++)
        CHECK(dataset_class(dataset, i) == sorted[i], "class of %u", i);
    label_set_free(&classes);
    label_set_parse(&classes, "ant,dog");
    CHECK(dataset_set_classes(dataset, &classes) == -1, "cat is no class");
    label_set_free(&classes);
    dataset_close(dataset);
}

/* Numbers count in the stream's list, and the model may order the same names otherwise. */
static void test_order_of_names(void)
{
    static const struct line lines[] = {{{1}, NULL, 0, NULL}, {{2}, NULL, 1, NULL}};
    static const char *const names[] = {"pos", "neg"};
    struct label_set classes;
    write_stream(lines, 2, 100, names, 2);
    struct dataset *dataset = load();
    label_set_parse(&classes, "neg,pos");
    CHECK(dataset_set_classes(dataset, &classes) == 0, "classes");
    CHECK(dataset_class(dataset, 0) == 1 && dataset_class(dataset, 1) == 0, "by name");
    label_set_free(&classes);
    dataset_close(dataset);
}

static void check_refused(const char *what, const struct line *line)
{
    write_stream(line, 1, 200, NULL, 0);
    struct dataset *dataset = load();
    CHECK(!dataset, "%s is taken", what);
    dataset_close(dataset);
}

static void test_refusals(void)
{
    check_refused("an id of 100", &(struct line){{1, 100}, NULL, 0, NULL});
    check_refused("nine tokens", &(struct line){{1, 1, 1, 1, 1, 1, 1, 1, 1}, NULL, 0, NULL});
    check_refused("no tokens", &(struct line){{0}, NULL, 0, NULL});
    check_refused("type 2", &(struct line){{1, 1}, NULL, 0, "\0\2"});
    write_stream(NULL, 0, 100, NULL, 0);
    CHECK(!load(), "an empty stream is taken");

    static const struct line mixed[] = {{{1}, "a", 0, NULL}, {{1}, NULL, 1, NULL}};
    static const struct line missing[] = {{{1}, "a", 0, NULL}, {{1}, NULL, -1, NULL}};
    const struct line *lines[] = {mixed, missing};
    for (int i = 0; i < 2; i++) {
        struct label_set classes;
        uint32_t numbered;
        write_stream(lines[i], 2, 100, NULL, 0);
        struct dataset *dataset = load();
        CHECK(dataset && dataset_suggest_classes(dataset, false, &classes, &numbered) == -1,
              i ? "a missing label is taken" : "names and numbers are taken");
        dataset_close(dataset);
    }
}

static void test_batches(void)
{
    static const struct line lines[] = {{{1, 1, 1}, NULL, 0, NULL},
                                        {{1, 1, 1, 1}, NULL, 0, NULL},
                                        {{1}, NULL, 0, NULL},
                                        {{1, 1, 1, 1, 1, 1, 1, 1}, NULL, 0, NULL},
                                        {{1}, NULL, 4, NULL}};
    static const uint32_t order[] = {3, 0, 1, 2, 4};
    struct batches batches;
    uint32_t first;
    uint64_t tokens;
    write_stream(lines, 5, 100, NULL, 0);
    struct dataset *dataset = load();
    batches_init(&batches, dataset, order, 2, 0);
    CHECK(batches_next(&batches, &first, &tokens) == 2 && first == 0 && tokens == 11, "by number");
    CHECK(batches_next(&batches, &first, &tokens) == 2 && first == 2 && tokens == 5, "the next");
    CHECK(batches_next(&batches, &first, &tokens) == 1 && first == 4, "the rest");
    CHECK(batches_next(&batches, &first, &tokens) == 0, "the end");
    batches_init(&batches, dataset, NULL, 10, 7);
    CHECK(batches_next(&batches, &first, &tokens) == 2 && tokens == 7, "by tokens");
    CHECK(batches_next(&batches, &first, &tokens) == 1 && tokens == 1, "before a long one");
    CHECK(batches_next(&batches, &first, &tokens) == 1 && tokens == 8, "a long one alone");
    struct label_set classes;
    uint32_t numbered;
    CHECK(dataset_suggest_classes(dataset, false, &classes, &numbered) == 0 && classes.count == 0 &&
              numbered == 5,
          "labels 0 to 4");
    label_set_free(&classes);
    dataset_close(dataset);
}

int main(void)
{
    diag_init("test_data_dataset");
    close(mkstemp(path));
    test_names(100);
    test_names(70000);
    test_order_of_names();
    test_refusals();
    test_batches();
    unlink(path);
    return check_report();
}
