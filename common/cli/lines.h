/*
 * Lines of a text file of any length, one at a time.
 */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/input.h"

struct line_reader {
    struct input input;
    char *buffer;
    size_t capacity, start, end;
    size_t max_line;
    uint64_t number; /* of the line last returned, from 1 */
    bool at_end;
    bool keep_return; /* leaves the \r of \r\n in the line; to be set after opening */
};

/* max_line 0: 16 MiB. A longer line is an error. */
int line_reader_open(struct line_reader *reader, const char *path, size_t max_line);
void line_reader_close(struct line_reader *reader);

/*
 * 1 with the line, without its \n or \r\n, closed with a NUL (but it may contain others: use
 * length), valid until the next call; 0 at the end; -1 with a message. A last line without \n
 * counts as a line.
 */
int line_reader_next(struct line_reader *reader, char **line, size_t *length);

#endif
