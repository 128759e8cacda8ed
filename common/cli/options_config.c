/* Options from a JSON file, and option values as text. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/json_file.h"
#include "cli/memory.h"
#include "cli/options_internal.h"

/* The fewest digits that read back as the same number. */
static char *real_text(double value)
{
    for (int digits = 6; digits < 17; digits++) {
        char *text = mem_format("%.*g", digits, value);
        double back;
        if (parse_real(text, &back) == 0 && back == value)
            return text;
        free(text);
    }
    return mem_format("%.17g", value);
}

static char *string_text(const char *value)
{
    return value != NULL ? mem_strdup(value) : NULL;
}

char *option_value_text(const struct option_row *row, const void *base)
{
    const void *target = (const char *)base + row->offset;
    double real;

    switch (row->kind) {
    case OPTION_FLAG:
        return mem_strdup(*(const bool *)target ? "true" : "false");
    case OPTION_UNSIGNED:
        return mem_format("%" PRIu64, *(const uint64_t *)target);
    case OPTION_REAL:
        memcpy(&real, target, sizeof real);
        return isnan(real) ? NULL : real_text(real);
    case OPTION_STRING:
        return string_text(*(const char *const *)target);
    case OPTION_CHOICE:
        return mem_strdup(row->choices[*(const int *)target]);
    case OPTION_LIST:
    case OPTION_SECTION:
    case OPTION_GROUP:
    case OPTION_CONFIG:
        break;
    }
    return NULL;
}

/* A scalar of the file as the command line would spell it; NULL when it is none. */
static char *scalar_text(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return mem_strdup(json_string_value(value));
    case JSON_INTEGER:
        return mem_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    case JSON_REAL:
        return real_text(json_real_value(value));
    case JSON_TRUE:
        return mem_strdup("true");
    case JSON_FALSE:
        return mem_strdup("false");
    default:
        return NULL;
    }
}

static void set_scalar(const struct option_row *row, const char *spelling, const json_t *value)
{
    /* Never released: targets point to it. */
    static char **volatile kept;
    static size_t kept_count;
    char *text = scalar_text(value);
    if (text == NULL)
        options_usage_error("%s: the value is of a kind that no option takes", spelling);
    kept = mem_realloc_array(kept, kept_count + 1, sizeof *kept);
    kept[kept_count++] = text;
    options_set(row, spelling, text);
}

void options_read_config(const char *path)
{
    json_t *json = json_file_read(path, 0), *value, *item;
    const char *name;
    size_t i;

    if (json == NULL)
        exit(1);
    json_object_foreach(json, name, value)
    {
        const struct option_row *row = options_find(name, strlen(name));
        char *spelling = mem_format("%s: %s", path, name);
        const char *here = options_foreign(name, strlen(name));
        if (row == NULL || row->kind == OPTION_CONFIG)
            options_usage_error("%s: no such option%s%s", spelling, here ? ": here it is " : "",
                                here ? here : "");
        if (row->kind == OPTION_LIST && json_is_array(value)) {
            json_array_foreach(value, i, item) set_scalar(row, spelling, item);
        } else if (!json_is_null(value)) {
            set_scalar(row, spelling, value);
        }
        free(spelling);
    }
    json_decref(json);
}
