/* A segment's header as `rec-dump --header` writes it. */
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "stream/load_internal.h"

bool load_is_header(const json_t *object)
{
    return json_object_size(object) == 1 &&
           json_is_string(json_object_get(json_object_get(object, "bertpipe"), "type"));
}

static int bad(const struct loader *loader, const char *what)
{
    return load_fail(loader, "header: %s", what);
}

static int read_problem(struct loader *loader, const json_t *json, struct stream_header *header)
{
    const char *name = json_string_value(json);

    if (json == NULL)
        return 0;
    for (size_t i = 0; name != NULL && stream_problem_names[i] != NULL; i++)
        if (strcmp(stream_problem_names[i], name) == 0) {
            header->problem = (enum stream_problem)i;
            return 0;
        }
    return bad(loader, "'problem' is not known");
}

static int read_labels(struct loader *loader, const json_t *json, struct stream_header *header)
{
    const char **names;
    size_t count = json_array_size(json);
    int status = 0;

    if (json == NULL)
        return 0;
    names = mem_calloc(count, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = json_string_value(json_array_get(json, i));
        if (names[i] == NULL)
            status = -1;
    }
    if (status == 0 && json_is_array(json))
        stream_header_set_labels(header, names, count);
    else
        status = bad(loader, "'labels' is no list of strings");
    free(names);
    return status;
}

static int read_entry(struct loader *loader, const json_t *json, struct stream_header *header)
{
    const char *tool = json_string_value(json_object_get(json, "tool"));
    const char *version = json_string_value(json_object_get(json, "version"));
    const char *key;
    json_t *value;

    if (tool == NULL || version == NULL)
        return bad(loader, "'history' has an entry without tool or version");
    stream_history_append_version(header, tool, version);
    json_object_foreach(json_object_get(json, "options"), key, value)
    {
        if (!json_is_string(value))
            return bad(loader, "'history' has an option that is no string");
        stream_history_option(header, key, "%s", json_string_value(value));
    }
    return 0;
}

static int read_history(struct loader *loader, const json_t *json, struct stream_header *header)
{
    const json_t *entry;
    size_t i;

    if (json != NULL && !json_is_array(json))
        return bad(loader, "'history' is no list");
    json_array_foreach(json, i, entry)
    {
        if (read_entry(loader, entry, header) != 0)
            return -1;
    }
    return 0;
}

static int read_part(struct loader *loader, json_t *json, struct stream_header *header)
{
    json_int_t k = 0, n = 0;
    const char *set = NULL;

    if (json == NULL)
        return 0;
    if (json_unpack(json, "[I, I, s!]", &k, &n, &set) != 0 || k < 1 || k > n ||
        n > STREAM_MAX_PARTS)
        return bad(loader, "'part' is no [k, n, set id] with 1 <= k <= n");
    stream_header_set_part(header, (uint64_t)k, (uint64_t)n, set);
    return 0;
}

/* What the options say must not be said by the header again: labels would change their meaning. */
static int check_options(struct loader *loader, const struct stream_header *header)
{
    const struct load_options *options = loader->options;

    if (header->has_labels && options->labels != NULL)
        return bad(loader, "has labels, and so have the options (--labels)");
    if (header->problem != STREAM_PROBLEM_NONE && options->problem != STREAM_PROBLEM_NONE &&
        header->problem != options->problem)
        return load_fail(loader, "header: the problem is %s, but --problem %s",
                         stream_problem_name(header->problem),
                         stream_problem_name(options->problem));
    return 0;
}

static int read_header(struct loader *loader, const json_t *json, struct stream_header *header)
{
    const char *type = json_string_value(json_object_get(json, "type"));

    if (strcmp(type, stream_type_name(STREAM_TEXT)) != 0)
        return load_fail(loader, "header: of type %.40s, but only text can be loaded", type);
    if (read_problem(loader, json_object_get(json, "problem"), header) != 0 ||
        read_labels(loader, json_object_get(json, "labels"), header) != 0 ||
        read_history(loader, json_object_get(json, "history"), header) != 0 ||
        read_part(loader, json_object_get(json, "part"), header) != 0)
        return -1;
    return check_options(loader, header);
}

int load_begin_segment(struct loader *loader, const json_t *object)
{
    const struct load_options *options = loader->options;
    struct stream_header header;

    if (loader->begun && stream_writer_end(loader->writer) != 0)
        return -1;
    stream_header_init(&header, STREAM_TEXT);
    if (read_header(loader, json_object_get(object, "bertpipe"), &header) != 0) {
        stream_header_free(&header);
        return -1;
    }
    if (options->labels != NULL)
        stream_header_set_labels(&header, (const char *const *)options->labels,
                                 options->label_count);
    if (header.problem == STREAM_PROBLEM_NONE)
        header.problem = options->problem;
    stream_header_free(&loader->header);
    loader->header = header;
    loader->problem = header.problem;
    loader->begun = true;
    return stream_writer_begin(loader->writer, &loader->header);
}
