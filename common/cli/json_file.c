#include "cli/json_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/output.h"

/* Below this a whole number in a double is exact. */
static const double EXACT_REAL = 9007199254740992.0;

/* The value with whole reals made integers again; takes the reference and gives one. */
static json_t *restore_integers(json_t *value)
{
    const char *key;
    size_t i, length;
    json_t *member;
    void *next;
    if (json_is_real(value) && fabs(json_real_value(value)) < EXACT_REAL &&
        floor(json_real_value(value)) == json_real_value(value)) {
        member = json_integer((json_int_t)json_real_value(value));
        json_decref(value);
        return member;
    }
    json_object_keylen_foreach_safe(value, next, key, length, member)
        json_object_setn_new(value, key, length, restore_integers(json_incref(member)));
    json_array_foreach(value, i, member)
        json_array_set_new(value, i, restore_integers(json_incref(member)));
    return value;
}

/*
 * transformers writes its "no limit" as an integer of 31 digits, which jansson refuses: then
 * numbers are read as reals, and those that are integers are made so again.
 */
static json_t *load(FILE *file, size_t flags, json_error_t *error)
{
    json_t *json = json_loadf(file, flags, error);
    if (json != NULL || json_error_code(error) != json_error_numeric_overflow)
        return json;
    rewind(file);
    json = json_loadf(file, flags | JSON_DECODE_INT_AS_REAL, error);
    return json != NULL ? restore_integers(json) : NULL;
}

json_t *json_file_read(const char *path, size_t flags)
{
    json_error_t error;
    json_t *json;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        diag_errno(errno, "%s: cannot open", path);
        return NULL;
    }
    json = load(file, flags | JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    if (json == NULL) {
        diag_error("%s: line %d: %s", path, error.line, error.text);
    } else if (!json_is_object(json)) {
        diag_error("%s: not a JSON object", path);
        json_decref(json);
        json = NULL;
    }
    return json;
}

int json_file_read_optional(const char *path, size_t flags, json_t **json)
{
    *json = NULL;
    if (access(path, F_OK) != 0 && errno == ENOENT)
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
