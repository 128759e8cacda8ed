/*
 * Unbuffered input from a file or standard input that tells before it waits.
 *
 * Filters are live: what they hold is finished and flushed before a read that would block, so that
 * a line typed at one end of a pipe comes out at the other at once.
 */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Called before a read that would block; -1 (after a message) makes that read fail. */
typedef int (*input_wait_hook)(void *context);

struct input {
    int fd;
    char *name;              /* the path, or "standard input", for messages; owned */
    input_wait_hook on_wait; /* or NULL */
    void *on_wait_context;
};

/* path NULL or "-" is standard input. 0, or -1 with a message. */
int input_open(struct input *input, const char *path);
void input_close(struct input *input);

/* Reads at most size bytes, through EINTR: the count, 0 at the end, -1 with a message. */
ssize_t input_read(struct input *input, void *buffer, size_t size);
/* Reads size bytes at an offset of a file, through EINTR: the count, less only at its end, or -1
 * with errno. */
ssize_t read_at(int fd, uint64_t offset, void *buffer, size_t size);
/* The same of an input; -1 with a message. */
ssize_t input_read_at(const struct input *input, uint64_t offset, void *buffer, size_t size);
/* Whether input_read would have to wait; false for files, at the end and on errors. */
bool input_would_block(const struct input *input);

#endif
