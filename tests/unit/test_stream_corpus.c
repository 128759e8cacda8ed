/* common/stream: the files of tests/fixtures/stream, and what is said of those that are refused. */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/buffer.h"
#include "cli/diag.h"
#include "stream/merge.h"

#define FOLDER "tests/fixtures/stream/"

/* What refused.txt says of the file: "NAME | MESSAGE | DESCRIPTION". NULL: nothing. */
static const char *message_of(const char *path)
{
    static char line[512];
    size_t length = strlen(path) - strlen(FOLDER) - strlen(".mp");
    FILE *table = fopen(FOLDER "refused.txt", "r");
    const char *message = NULL;

    while (table != NULL && message == NULL && fgets(line, sizeof line, table) != NULL) {
        char *end = strchr(line, '|') != NULL ? strchr(strchr(line, '|') + 1, '|') : NULL;

        if (end == NULL || strncmp(line, path + strlen(FOLDER), length) != 0 || line[length] != ' ')
            continue;
        while (end[-1] == ' ')
            end--;
        *end = '\0';
        message = strchr(line, '|') + 2;
    }
    if (table != NULL)
        fclose(table);
    return message;
}

/* Reads all of it as a program does that merges segments; the lines that come of it go to held. */
static int read_all(char *path, enum stream_parts_rule rule, struct diag_held *held)
{
    const struct stream_record *record;
    struct stream_merge *merge;
    int found = -1;

    diag_hold(held);
    merge = stream_merge_open_any(&path, 1, 0);
    if (merge != NULL) {
        stream_reader_require_parts(stream_merge_reader(merge), rule);
        do
            found = stream_merge_next(merge, &record);
        while (found > 0);
    }
    stream_merge_close(merge);
    diag_hold(NULL);
    return found;
}

static void test_good(char *path)
{
    struct diag_held held = {.size = 0};

    CHECK(read_all(path, PARTS_ANY, &held) == 0 && held.size == 0, "%s: %s", path,
          held.size > 0 ? held.lines : "refused");
}

static void test_refused(char *path)
{
    struct diag_held held = {.size = 0};
    struct buffer line = {0};
    const char *message = message_of(path);

    CHECK(message != NULL, "%s is not in refused.txt", path);
    buffer_format(&line, "test_stream_corpus: %s: %s\n", path, message != NULL ? message : "");
    CHECK(read_all(path, PARTS_COMPLETE, &held) == -1, "%s is accepted", path);
    CHECK(held.size > 0 && strcmp(held.lines, buffer_string(&line)) == 0, "%s: %s", path,
          held.size > 0 ? held.lines : "no message");
    buffer_free(&line);
}

int main(void)
{
    glob_t files;

    diag_init("test_stream_corpus");
    if (!CHECK(glob(FOLDER "*.mp", 0, NULL, &files) == 0, FOLDER " has no files"))
        return check_report();
    for (size_t i = 0; i < files.gl_pathc; i++)
        if (strncmp(files.gl_pathv[i], FOLDER "good-", strlen(FOLDER "good-")) == 0)
            test_good(files.gl_pathv[i]);
        else
            test_refused(files.gl_pathv[i]);
    globfree(&files);
    return check_report();
}
