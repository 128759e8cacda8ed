#include "model/json_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/output.h"

json_t *model_json_read(const char *path)
{
    FILE *file = fopen(path, "re");
    json_error_t error;
    json_t *json;

    if (file == NULL) {
        diag_errno(errno, "%s: cannot open", path);
        return NULL;
    }
    json = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
    fclose(file);
    if (json == NULL)
        diag_error("%s: line %d: %s", path, error.line, error.text);
    return json;
}

int model_json_write(const char *path, const json_t *json, int digits)
{
    struct output output;
    char *text = json_dumps(json, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_ENCODE_ANY |
                                      JSON_REAL_PRECISION(digits));
    int status;

    if (text == NULL) /* a string that is not UTF-8 cannot be in a json_t */
        return diag_error("%s: cannot be written as JSON", path);
    if (output_open(&output, path) != 0) {
        free(text);
        return -1;
    }
    status = output_write(&output, text, strlen(text));
    if (status == 0)
        status = output_write(&output, "\n", 1);
    free(text);
    if (status != 0) {
        output_abandon(&output);
        return -1;
    }
    return output_commit(&output);
}
