#include "cli/json_file.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/output.h"
#include "cli/paths.h"

int json_file_read_optional(const char *path, size_t flags, json_t **json)
{
    *json = NULL;
    if (path_missing(path))
        return 0;
    *json = json_file_read(path, flags);
    return *json != NULL ? 0 : -1;
}

int json_file_write(const char *path, const json_t *json, size_t flags)
{
    struct output output;
    int status;
    char *text = json_dumps(json, flags | JSON_INDENT(2));
    if (text == NULL)
        return diag_error("%s: cannot be written as JSON", path);
    status = output_open(&output, path);
    if (status == 0) {
        status = output_write(&output, text, strlen(text));
        if (status == 0)
            status = output_write(&output, "\n", 1);
        if (status == 0)
            status = output_commit(&output);
        else
            output_abandon(&output);
    }
    free(text);
    return status;
}

const char *json_member_string(const json_t *object, const char *key)
{
    const json_t *member = json_object_get(object, key);
    if (!json_is_string(member) || strlen(json_string_value(member)) != json_string_length(member))
        return NULL;
    return json_string_value(member);
}

bool json_member_bool(const json_t *object, const char *key, bool otherwise, bool *wrong)
{
    const json_t *member = json_object_get(object, key);
    if (member == NULL || json_is_null(member))
        return otherwise;
    if (!json_is_boolean(member))
        *wrong = true;
    return json_is_true(member);
}
