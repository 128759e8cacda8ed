/* What the library writes to standard error while a test looks at it. */
#ifndef TESTS_UNIT_MODEL_CAPTURE_H
#define TESTS_UNIT_MODEL_CAPTURE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIXTURES "tests/fixtures/model"

struct capture {
    FILE *file;
    int saved;
    char text[4096];
};

static inline void capture_begin(struct capture *capture)
{
    capture->file = tmpfile();
    fflush(stderr);
    capture->saved = dup(STDERR_FILENO);
    if (capture->file == NULL || capture->saved < 0 ||
        dup2(fileno(capture->file), STDERR_FILENO) < 0)
        abort();
}

/* What was written since capture_begin, in capture->text. */
static inline const char *capture_end(struct capture *capture)
{
    fflush(stderr);
    rewind(capture->file);
    capture->text[fread(capture->text, 1, sizeof capture->text - 1, capture->file)] = '\0';
    dup2(capture->saved, STDERR_FILENO);
    close(capture->saved);
    fclose(capture->file);
    return capture->text;
}

/* One line that begins with "test: " and holds the given words. */
static inline int capture_is_line(const char *text, const char *words)
{
    const char *end = strchr(text, '\n');

    return strncmp(text, "test: ", 6) == 0 && end != NULL && end[1] == '\0' &&
           strstr(text, words) != NULL;
}

/* The line "test: PLACEWORDS" and no other. */
static inline int capture_is_exactly(const char *text, const char *place, const char *words)
{
    char line[1000];

    snprintf(line, sizeof line, "test: %s%s\n", place, words);
    return strcmp(text, line) == 0;
}

/* An empty folder of the test's own, to be removed with remove_folder. */
static inline char *temporary_folder(void)
{
    const char *base = getenv("TMPDIR");
    char *name = malloc(512);

    snprintf(name, 512, "%s/bertpipe-test.XXXXXX", base != NULL ? base : "/tmp");
    if (mkdtemp(name) == NULL)
        abort();
    return name;
}

static inline void remove_folder(char *name)
{
    char command[600];

    snprintf(command, sizeof command, "rm -rf '%s'", name);
    if (system(command) != 0)
        printf("cannot remove %s\n", name);
    free(name);
}

/* A whole file, closed with a NUL; NULL when it cannot be read. */
static inline char *read_whole(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    char *data;
    long length;

    if (file == NULL)
        return NULL;
    fseek(file, 0, SEEK_END);
    length = ftell(file);
    rewind(file);
    data = malloc((size_t)length + 1);
    *size = fread(data, 1, (size_t)length, file);
    data[*size] = '\0';
    fclose(file);
    return data;
}

static inline void write_whole(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");

    if (file == NULL || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
}

/* FOLDER/NAME with that text. */
static inline void write_in(const char *folder, const char *name, const char *text)
{
    char path[700];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_whole(path, text, strlen(text));
}

#endif
