/* rec-join: the records of two streams side by side, matched by id. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/string_index.h"
#include "cli/utf8.h"
#include "stream/groups.h"
#include "stream/join.h"
#include "stream/merge.h"
#include "stream/options.h"
#include "stream/table.h"

static struct {
    bool by_position, ignore_ids, left, inner;
    const char *prefix;
    struct stream_io io;
} options = {.prefix = "b_"};

/* clang-format off */
static const struct option_row rows[] = {
    {0, "left", .kind = OPTION_FLAG, .target = &options.left,
     .help = "keep records of A that B lacks as they are, leave out those of B that A lacks"},
    {0, "inner", .kind = OPTION_FLAG, .target = &options.inner,
     .help = "leave out records that the other side lacks, on both sides"},
    {0, "by-position", .kind = OPTION_FLAG, .target = &options.by_position,
     .help = "the first record with the first, and so on; ids may repeat, but must agree"},
    {0, "ignore-ids", .kind = OPTION_FLAG, .target = &options.ignore_ids,
     .help = "with --by-position: ids may differ, A's are kept"},
    {'p', "prefix", .kind = OPTION_STRING, .target = &options.prefix, .argument = "NAME",
     .help = "what names of B in x begin with"},
    STREAM_OPTION_OUTPUT(options.io),
    STREAM_OPTION_FORM(options.io),
    STREAM_OPTION_MAX_RECORD(options.io),
    {0},
};
/* clang-format on */

static const struct option_program program = {
    .name = "rec-join",
    .summary = "Adds to each record of A what the record of B with the same id says.",
    .usage = "[OPTION]... A B",
    .example = "rec-join predictions.mp reviews.mp > predictions-with-texts.mp",
    .rows = rows,
    .operands_min = 2,
    .operands_max = 2,
};

struct join {
    struct stream_merge *a, *b;
    struct stream_groups a_groups, b_groups;
    struct stream_table *table;   /* B; NULL with --by-position */
    struct string_index lone_ids; /* of A without a partner */
    struct stream_joiner joiner;
    struct stream_writer *writer;
    uint64_t joined, lone_a, lone_b;
};

static const char *name_of_b(struct join *join)
{
    return stream_reader_source(stream_merge_reader(join->b));
}

static const char *place_in_a(struct join *join)
{
    return stream_reader_place(stream_merge_reader(join->a));
}

static int shown(struct rec_span id)
{
    return (int)(id.size < 200 ? id.size : 200);
}

/* The partner by id: 1, 0 when there is none, -1. */
static int find_by_id(struct join *join, struct rec_span id, const struct stream_record **b)
{
    int found = stream_table_use(join->table, id, b);
    bool is_new = found == 1;

    if (found < 0)
        return -1;
    if (found == 0)
        string_index_add(&join->lone_ids, id.data, id.size, &is_new);
    if (!is_new)
        return diag_error(
            "%s: id '%.*s' occurs for the second time (--by-position pairs records by "
            "their places)",
            place_in_a(join), shown(id), id.data);
    if (found == 0 && !options.left && !options.inner)
        return diag_error("%s: id '%.*s' is not in %s (--left, --inner)", place_in_a(join),
                          shown(id), id.data, name_of_b(join));
    return found;
}

/* The next group's first record: 1, 0 at the end, -1. */
static int next_of_b(struct join *join, const struct stream_record **b)
{
    struct stream_reader *reader = stream_merge_reader(join->b);
    int found, begins = 0;

    while (begins == 0) {
        found = stream_merge_next(join->b, b);
        if (found <= 0)
            return found == 0 ? stream_groups_end(&join->b_groups, reader) : -1;
        begins = stream_groups_add(&join->b_groups, reader);
    }
    return begins;
}

static int find_by_position(struct join *join, struct rec_span id, const struct stream_record **b)
{
    struct rec_span other;
    int found = next_of_b(join, b);

    if (found < 0)
        return -1;
    if (found == 0 && !options.left && !options.inner)
        return diag_error("%s: %s has only %" PRIu64 " records (--left, --inner)", place_in_a(join),
                          name_of_b(join), join->b_groups.count);
    if (found == 0 || options.ignore_ids)
        return found;
    other = stream_record_id(*b);
    if (other.size == id.size && memcmp(other.data, id.data, id.size) == 0)
        return 1;
    return diag_error("%s: its id is '%.*s', but in %s it is '%.*s' (--ignore-ids)",
                      place_in_a(join), shown(id), id.data, name_of_b(join), shown(other),
                      other.data);
}

static int write_record(struct join *join, const struct stream_record *a,
                        const struct stream_record *b, bool begins)
{
    struct stream_record joined = *a;

    if (b == NULL) {
        join->lone_a += begins;
        return options.left ? stream_writer_record(join->writer, a) : 0;
    }
    join->joined += begins;
    if (stream_joiner_join(&join->joiner, a, b, place_in_a(join), &joined) != 0)
        return -1;
    return stream_writer_record(join->writer, &joined);
}

/* What is left of B when A has ended. */
static int finish_b(struct join *join)
{
    const struct stream_record *record;
    struct rec_span id = {0};
    int found = 0;

    if (join->table != NULL)
        join->lone_b = stream_table_unused(join->table, &id);
    else
        while ((found = next_of_b(join, &record)) > 0)
            if (join->lone_b++ == 0 && !options.left && !options.inner)
                return diag_error("%s: no partner for this and what follows: A has %" PRIu64
                                  " records (--left, --inner)",
                                  stream_reader_place(stream_merge_reader(join->b)),
                                  join->a_groups.count);
    if (found < 0)
        return -1;
    if (join->lone_b > 0 && !options.left && !options.inner)
        return diag_error("%s: %" PRIu64 " records have no partner, the first is '%.*s' (--left, "
                          "--inner)",
                          name_of_b(join), join->lone_b, shown(id), id.data);
    return 0;
}

/* All windows of a text have the partner of the first. */
static int join_records(struct join *join)
{
    struct stream_reader *reader = stream_merge_reader(join->a);
    const struct stream_record *a, *b = NULL;
    int found;

    while ((found = stream_merge_next(join->a, &a)) > 0) {
        int begins = stream_groups_add(&join->a_groups, reader), has = 1;
        struct rec_span id = stream_record_id(a);

        if (begins > 0)
            has = join->table != NULL ? find_by_id(join, id, &b) : find_by_position(join, id, &b);
        if (begins < 0 || has < 0)
            return -1;
        if (has == 0)
            b = NULL;
        if (write_record(join, a, b, begins > 0) != 0)
            return -1;
    }
    if (found < 0 || stream_groups_end(&join->a_groups, reader) != 0)
        return -1;
    return finish_b(join);
}

static int begin(struct join *join)
{
    const struct stream_header *a = stream_merge_header(join->a), *b = stream_merge_header(join->b);

    if (a->type == STREAM_METRICS || b->type == STREAM_METRICS)
        return diag_error("%s: records of metrics have no ids",
                          stream_reader_source(
                              stream_merge_reader(a->type == STREAM_METRICS ? join->a : join->b)));
    stream_joiner_init(&join->joiner, a, b, options.prefix);
    stream_history_append(&join->joiner.header, program.name);
    stream_history_option(&join->joiner.header, "with", "%s", stream_type_name(b->type));
    stream_history_option(&join->joiner.header, "by", options.by_position ? "position" : "id");
    stream_history_option(&join->joiner.header, "keep",
                          options.left    ? "left"
                          : options.inner ? "inner"
                                          : "all");
    stream_history_option(&join->joiner.header, "prefix", "%s", options.prefix);
    return stream_writer_begin(join->writer, &join->joiner.header);
}

static int run(struct join *join)
{
    int status = begin(join);

    if (status == 0 && !options.by_position) {
        join->table = stream_table_read(join->b);
        status = join->table != NULL ? 0 : -1;
    }
    if (status == 0)
        status = join_records(join);
    if (status == 0)
        status = stream_writer_end(join->writer);
    if (status == 0 && (join->lone_a > 0 || join->lone_b > 0))
        diag_note("%" PRIu64 " records joined, without a partner: %" PRIu64 " of A, %" PRIu64
                  " of B",
                  join->joined, join->lone_a, join->lone_b);
    else if (status == 0)
        diag_verbose("%" PRIu64 " records joined", join->joined);
    return status;
}

static void check_options(char *const *paths)
{
    if (utf8_valid_prefix(options.prefix, strlen(options.prefix)) != strlen(options.prefix))
        options_usage_error("--prefix: not UTF-8");
    if (options.left && options.inner)
        options_usage_error("--left and --inner exclude each other");
    if (options.ignore_ids && !options.by_position)
        options_usage_error("--ignore-ids is for --by-position");
    if (strcmp(paths[0], "-") == 0 && strcmp(paths[1], "-") == 0)
        options_usage_error("only one of A and B can be standard input");
}

int main(int argc, char **argv)
{
    struct option_operands files = options_parse(&program, argc, argv);
    struct join join = {0};
    int status = -1;

    check_options(files.items);
    join.a = stream_merge_open_any(&files.items[0], 1, options.io.max_record);
    if (join.a != NULL)
        join.b = stream_merge_open_any(&files.items[1], 1, options.io.max_record);
    if (join.b != NULL)
        join.writer = stream_writer_open(options.io.output, (enum stream_form)options.io.form);
    if (join.writer != NULL) {
        stream_writer_limit(join.writer, options.io.max_record);
        stream_reader_on_wait(stream_merge_reader(join.a), stream_writer_flush_hook, join.writer);
        stream_reader_on_wait(stream_merge_reader(join.b), stream_writer_flush_hook, join.writer);
        status = run(&join);
        if (stream_writer_close(join.writer, status == 0) != 0)
            status = -1;
    }
    stream_joiner_free(&join.joiner);
    stream_table_free(join.table);
    string_index_free(&join.lone_ids);
    stream_groups_free(&join.a_groups);
    stream_groups_free(&join.b_groups);
    stream_merge_close(join.a);
    stream_merge_close(join.b);
    free(files.items);
    return output_finish_stdout(status == 0 ? 0 : 1);
}
