/* Lines, and rows with columns: TSV and CSV. */
#include <csv.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "stream/load_internal.h"

void load_row_clear(struct load_row *row)
{
    row->bytes.size = row->count = 0;
}

void load_row_end_cell(struct load_row *row)
{
    if (row->count < LOAD_MAX_COLUMNS) {
        mem_grow(&row->ends, &row->capacity, row->count + 1, sizeof *row->ends);
        row->ends[row->count] = row->bytes.size;
    }
    row->count++;
}

struct rec_span load_row_cell(const struct load_row *row, size_t i)
{
    size_t begin = i > 0 ? row->ends[i - 1] : 0;
    const char *bytes = row->bytes.data != NULL ? row->bytes.data : "";

    return (struct rec_span){bytes + begin, row->ends[i] - begin};
}

int load_lines(struct loader *loader)
{
    const char *line;
    size_t size;
    int found;

    while ((found = load_next_line(loader, &line, &size)) > 0) {
        struct stream_record record = {.type = STREAM_TEXT};

        record.text.text = (struct rec_span){line, size};
        if (load_emit(loader, &record) != 0)
            return -1;
    }
    return found;
}

static bool is_named(const struct load_field *field, const char *column)
{
    return field->name != NULL && strcmp(field->name, column) == 0;
}

static enum load_role role_of(const struct load_options *options, const char *column)
{
    static const struct {
        const char *name;
        enum load_role role;
    } fixed[] = {{"words", ROLE_WORDS}, {"tags", ROLE_TAGS}, {"x", ROLE_X}};

    if (is_named(&options->text, column))
        return ROLE_TEXT;
    if (is_named(&options->label, column))
        return ROLE_LABEL;
    if (is_named(&options->id, column))
        return ROLE_ID;
    if (is_named(&options->pair, column))
        return ROLE_PAIR;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0] && !options->no_header; i++)
        if (strcmp(fixed[i].name, column) == 0)
            return fixed[i].role;
    return ROLE_OTHER;
}

static int require_column(struct loader *loader, const struct load_field *field,
                          enum load_role role)
{
    struct buffer names = {0};

    if (role != ROLE_TEXT && !field->given)
        return 0;
    for (size_t i = 0; i < loader->column_count; i++)
        if (loader->roles[i] == role)
            return 0;
    for (size_t i = 0; i < loader->column_count; i++)
        buffer_format(&names, "%s%s", i > 0 ? ", " : "", loader->columns[i]);
    load_fail(loader, "no column '%s' among %s", field->name, buffer_string(&names));
    buffer_free(&names);
    return -1;
}

/* Names a column after the row's cell, or by number; names: those of the columns before it. */
static int set_column(struct loader *loader, size_t i, struct string_index *names)
{
    const struct load_options *options = loader->options;
    struct rec_span cell = load_row_cell(&loader->row, i);
    bool new;

    if (!options->no_header && memchr(cell.data, '\0', cell.size) != NULL)
        return load_fail(loader, "the name of column %zu has a NUL in it", i + 1);
    loader->columns[i] =
        options->no_header ? mem_format("%zu", i + 1) : mem_strndup(cell.data, cell.size);
    loader->roles[i] = role_of(options, loader->columns[i]);
    string_index_add(names, loader->columns[i], strlen(loader->columns[i]), &new);
    return new ? 0 : load_fail(loader, "two columns are called '%s'", loader->columns[i]);
}

static int set_columns(struct loader *loader)
{
    const struct load_options *options = loader->options;
    struct string_index names = {0};
    size_t count = loader->row.count;
    int status = 0;

    if (count > LOAD_MAX_COLUMNS)
        return load_fail(loader, "%zu columns, more than %zu", count, LOAD_MAX_COLUMNS);
    loader->column_count = count;
    loader->columns = mem_calloc(count, sizeof *loader->columns);
    loader->roles = mem_calloc(count, sizeof *loader->roles);
    for (size_t i = 0; i < count && status == 0; i++)
        status = set_column(loader, i, &names);
    string_index_free(&names);
    if (status != 0)
        return -1;
    if (require_column(loader, &options->text, ROLE_TEXT) != 0 ||
        require_column(loader, &options->label, ROLE_LABEL) != 0 ||
        require_column(loader, &options->id, ROLE_ID) != 0)
        return -1;
    return require_column(loader, &options->pair, ROLE_PAIR);
}

/* A cell that rec-dump wrote as JSON; NULL after a message. */
static json_t *parse_cell(struct loader *loader, size_t column, struct rec_span cell)
{
    struct json_fault fault;
    json_t *json = json_parse(cell.data, cell.size, LOAD_JSON_FLAGS, &fault);

    if (json == NULL)
        load_fail(loader, "column '%s' is no JSON: %s", loader->columns[column], fault.reason);
    return json;
}

static int set_words(struct loader *loader, size_t column, struct rec_span cell,
                     struct rec_text *text)
{
    loader->words_json = parse_cell(loader, column, cell);
    return loader->words_json != NULL ? load_words_from_json(loader, loader->words_json, text) : -1;
}

static int set_tags(struct loader *loader, size_t column, struct rec_span cell,
                    struct rec_text *text)
{
    loader->tags_json = parse_cell(loader, column, cell);
    return loader->tags_json != NULL ? load_tags_from_json(loader, loader->tags_json, text) : -1;
}

static int set_cell(struct loader *loader, size_t column, struct rec_text *text)
{
    struct rec_span cell = load_row_cell(&loader->row, column);

    switch (loader->roles[column]) {
    case ROLE_ID:
        text->id = cell;
        return 0;
    case ROLE_TEXT:
        text->text = cell;
        return 0;
    case ROLE_PAIR:
        if (cell.size > 0 || loader->options->pair.given)
            text->pair = cell;
        return 0;
    case ROLE_LABEL:
        return load_label_from_text(loader, cell, &text->label);
    case ROLE_WORDS:
        return cell.size > 0 ? set_words(loader, column, cell, text) : 0;
    case ROLE_TAGS:
        return cell.size > 0 ? set_tags(loader, column, cell, text) : 0;
    case ROLE_X:
    case ROLE_OTHER:
        break;
    }
    return 0;
}

/* The column `x`, which holds a JSON object or nothing; its keys are no columns' names. */
static int parse_x(struct loader *loader, size_t column, json_t **object)
{
    struct rec_span cell = load_row_cell(&loader->row, column);

    if (cell.size == 0)
        return 0;
    *object = parse_cell(loader, column, cell);
    if (*object == NULL)
        return -1;
    if (!json_is_object(*object))
        return load_fail(loader, "column 'x' is no JSON object");
    for (size_t i = 0; i < loader->column_count; i++)
        if (loader->roles[i] == ROLE_OTHER && json_object_get(*object, loader->columns[i]) != NULL)
            return load_fail(loader, "'%s' is a column and a key of column 'x'",
                             loader->columns[i]);
    return load_check_depth(loader, *object);
}

static void pack_x(struct loader *loader, const json_t *object, size_t pairs)
{
    const char *key;
    json_t *value;

    loader->x.size = 0;
    load_pack_map_head(&loader->x, pairs);
    for (size_t i = 0; i < loader->column_count; i++) {
        if (loader->roles[i] != ROLE_OTHER)
            continue;
        load_pack_string(&loader->x, rec_span_of(loader->columns[i]));
        load_pack_string(&loader->x, load_row_cell(&loader->row, i));
    }
    json_object_foreach((json_t *)object, key, value)
    {
        load_pack_string(&loader->x, rec_span_of(key));
        load_pack_json(&loader->x, value);
    }
}

/* The other columns as strings, together with the members of a column `x`. */
static int build_x(struct loader *loader, struct rec_text *text)
{
    json_t *object = NULL;
    size_t pairs = 0;
    int status = 0;

    for (size_t i = 0; i < loader->column_count && status == 0; i++) {
        pairs += loader->roles[i] == ROLE_OTHER;
        if (loader->roles[i] == ROLE_X)
            status = parse_x(loader, i, &object);
    }
    pairs += json_object_size(object);
    if (status == 0 && (pairs > 0 || object != NULL)) {
        pack_x(loader, object, pairs);
        text->x = (struct rec_span){loader->x.data, loader->x.size};
    }
    json_decref(object);
    return status;
}

static int emit_row(struct loader *loader)
{
    struct stream_record record = {.type = STREAM_TEXT};
    int status = 0;

    if (loader->row.count != loader->column_count)
        return load_fail(loader, "%zu columns, where the first line has %zu", loader->row.count,
                         loader->column_count);
    for (size_t i = 0; i < loader->column_count && status == 0; i++)
        status = set_cell(loader, i, &record.text);
    if (status == 0)
        status = build_x(loader, &record.text);
    if (status == 0)
        status = load_emit(loader, &record);
    json_decref(loader->words_json);
    json_decref(loader->tags_json);
    json_decref(loader->label_json);
    loader->words_json = loader->tags_json = loader->label_json = NULL;
    return status;
}

/* Columns that were asked for are none of a file without a line. */
static int require_header(struct loader *loader)
{
    const struct load_options *options = loader->options;
    const struct load_field *const fields[] = {&options->text, &options->label, &options->id,
                                               &options->pair};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0] && !options->no_header; i++)
        if (fields[i]->given)
            return diag_error("%s: no column '%s': it has no header line", loader->lines.input.name,
                              fields[i]->name);
    return 0;
}

int load_accept_row(struct loader *loader, bool first)
{
    if (first) {
        if (set_columns(loader) != 0)
            return -1;
        if (!loader->options->no_header)
            return 0;
    }
    return emit_row(loader);
}

/* Undoes \t \n \r \\; other backslashes stand for themselves. */
static void split_tsv(struct load_row *row, const char *line, size_t size)
{
    load_row_clear(row);
    for (size_t i = 0; i < size; i++) {
        const char *plain = NULL;

        if (line[i] == '\t') {
            load_row_end_cell(row);
            continue;
        }
        if (line[i] == '\\' && i + 1 < size) {
            static const char codes[] = "tnr\\", meanings[] = "\t\n\r\\";
            const char *code = memchr(codes, line[i + 1], sizeof codes - 1);

            plain = code != NULL ? &meanings[code - codes] : NULL;
        }
        if (plain != NULL)
            i++;
        buffer_append_char(&row->bytes, plain != NULL ? *plain : line[i]);
    }
    load_row_end_cell(row);
}

int load_tsv(struct loader *loader)
{
    bool first = true;
    const char *line;
    size_t size;
    int found;

    while ((found = load_next_line(loader, &line, &size)) > 0) {
        if (size == 0)
            continue;
        split_tsv(&loader->row, line, size);
        if (load_accept_row(loader, first) != 0)
            return -1;
        first = false;
    }
    return found == 0 && first ? require_header(loader) : found;
}

/* libcsv calls back for each cell and row. */
struct csv_state {
    struct loader *loader;
    bool first, failed;
};

static void on_csv_cell(void *data, size_t size, void *context)
{
    struct csv_state *state = context;

    buffer_append(&state->loader->row.bytes, data, size);
    load_row_end_cell(&state->loader->row);
}

static void on_csv_row(int terminator, void *context)
{
    struct csv_state *state = context;

    (void)terminator;
    if (!state->failed && load_accept_row(state->loader, state->first) != 0)
        state->failed = true;
    state->first = false;
    load_row_clear(&state->loader->row);
}

/* libcsv would strip spaces around cells; RFC 4180 says that they are part of them. */
static int is_no_space(unsigned char byte)
{
    (void)byte;
    return 0;
}

static int feed_csv(struct csv_parser *parser, struct csv_state *state, const char *data,
                    size_t size)
{
    size_t parsed;

    /* libcsv gives a cell that does not fit so much more: that it at least doubles. */
    csv_set_blk_size(parser, parser->entry_size > size ? parser->entry_size : size);
    parsed = csv_parse(parser, data, size, on_csv_cell, on_csv_row, state);
    if (!state->failed && parsed != size)
        return load_fail(state->loader, "no CSV: %s", csv_strerror(csv_error(parser)));
    return state->failed ? -1 : 0;
}

static bool between_rows(const struct csv_parser *parser, const struct csv_state *state)
{
    return state->loader->row.count == 0 && parser->entry_pos == 0;
}

/* A line and its break. A return within it ends a line, too, unless it is part of a cell. */
static int feed_csv_line(struct csv_parser *parser, struct csv_state *state, const char *line,
                         size_t size)
{
    const char *end = line + size, *at;

    while ((at = memchr(line, '\r', (size_t)(end - line))) != NULL && ++at < end) {
        if (feed_csv(parser, state, line, (size_t)(at - line)) != 0)
            return -1;
        if (between_rows(parser, state))
            state->loader->lines.number++;
        line = at;
    }
    if (feed_csv(parser, state, line, (size_t)(end - line)) != 0)
        return -1;
    return feed_csv(parser, state, "\n", 1);
}

static int feed_csv_lines(struct csv_parser *parser, struct csv_state *state)
{
    struct loader *loader = state->loader;
    size_t max_record = loader->lines.max_line, since_row = 0;
    const char *line;
    size_t size;
    int found;

    while ((found = load_next_line(loader, &line, &size)) > 0) {
        if (feed_csv_line(parser, state, line, size) != 0)
            return -1;
        /* A quote that nobody closes must not swallow the whole file. */
        since_row = between_rows(parser, state) ? 0 : since_row + size;
        if (since_row > max_record)
            return load_fail(loader, "a row is longer than %zu bytes: is a quote missing?",
                             max_record);
    }
    return found;
}

int load_csv(struct loader *loader)
{
    struct csv_state state = {.loader = loader, .first = true};
    struct csv_parser parser;
    int status;

    if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0)
        return diag_error("cannot start reading CSV");
    csv_set_space_func(&parser, is_no_space);
    load_row_clear(&loader->row);
    loader->lines.keep_return = true; /* a quoted cell may hold one */
    status = feed_csv_lines(&parser, &state);
    if (status == 0 && csv_fini(&parser, on_csv_cell, on_csv_row, &state) != 0)
        status = load_fail(loader, "ends within a quoted cell");
    if (state.failed)
        status = -1;
    csv_free(&parser);
    return status == 0 && state.first ? require_header(loader) : status;
}
