#include "cli/lines.h"

#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"
#include "cli/memory.h"

#define DEFAULT_MAX_LINE ((size_t)16 << 20)
#define READ_SIZE        ((size_t)64 << 10)

int line_reader_open(struct line_reader *reader, const char *path, size_t max_line)
{
    *reader = (struct line_reader){.max_line = max_line > 0 ? max_line : DEFAULT_MAX_LINE};
    return input_open(&reader->input, path);
}

void line_reader_close(struct line_reader *reader)
{
    input_close(&reader->input);
    free(reader->buffer);
    *reader = (struct line_reader){0};
}

/* Reads more behind what is held: 1, 0 at the end of input, -1 with a message. */
static int fill(struct line_reader *reader)
{
    ssize_t count;

    memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
    reader->end -= reader->start;
    reader->start = 0;
    if (reader->end > reader->max_line)
        return diag_error("%s: line %llu: longer than %zu bytes", reader->input.name,
                          (unsigned long long)reader->number + 1, reader->max_line);
    mem_grow(&reader->buffer, &reader->capacity, reader->end + READ_SIZE + 1, 1);
    count = input_read(&reader->input, reader->buffer + reader->end,
                       reader->capacity - reader->end - 1);
    if (count < 0)
        return -1;
    reader->at_end = count == 0;
    reader->end += (size_t)count;
    return count > 0;
}

int line_reader_next(struct line_reader *reader, char **line, size_t *length)
{
    size_t searched = 0;
    char *newline = NULL;

    if (reader->buffer == NULL)
        mem_grow(&reader->buffer, &reader->capacity, READ_SIZE + 1, 1);
    for (;;) {
        newline = memchr(reader->buffer + reader->start + searched, '\n',
                         reader->end - reader->start - searched);
        if (newline != NULL || reader->at_end)
            break;
        searched = reader->end - reader->start;
        if (fill(reader) < 0)
            return -1;
    }
    if (newline == NULL && reader->start == reader->end)
        return 0;
    *line = reader->buffer + reader->start;
    *length = newline ? (size_t)(newline - *line) : reader->end - reader->start;
    reader->start += *length + (newline != NULL);
    if (newline != NULL && !reader->keep_return && *length > 0 && (*line)[*length - 1] == '\r')
        --*length;
    (*line)[*length] = '\0';
    reader->number++;
    return 1;
}
