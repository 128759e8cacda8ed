/*
 * Output files that appear only when they are whole, and a standard output that is checked.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/*
 * An output under construction. With a path, bytes go to a temporary file beside it, which
 * output_commit fsyncs and renames, after which it fsyncs the folder; output_abandon, and any exit
 * or fatal signal before the commit, removes it. With path NULL or "-", fd is standard output.
 *
 * A symbolic link stays and the file that it names is written, whether there is one yet or not. A
 * file that is there already is replaced by one with the same permissions, which belongs to whoever
 * runs the program; a new one has what the umask leaves of 0666. Devices and named pipes are
 * written to as they are, and so is what /dev/stdout, /dev/stderr and /dev/fd/N stand for.
 */
struct output {
    int fd;
    char *path;      /* final name, or NULL for standard output; owned */
    char *temporary; /* owned */
};

int output_open(struct output *output, const char *path);
int output_commit(struct output *output);
void output_abandon(struct output *output);
/* Fsyncs and closes the whole file, which keeps its temporary name until it is committed or
 * abandoned. 0, or -1 with a message. */
int output_finish(struct output *output);
/* Commits several, which must go to different places (see place_find_same), all or none: where one
 * cannot be put in place, those before it give way to what was there, or a warning says under which
 * name that is, and the others are abandoned. Signals wait. 0, or -1 with a message. */
int output_commit_all(struct output *outputs, size_t count);
/* Whether an entry of a folder is the temporary file of an output of that name, as a killed program
 * leaves it behind. */
bool output_is_temporary(const char *entry, const char *name);
bool output_is_terminal(const struct output *output);

/* Writes all bytes, through EINTR and short writes. 0, or -1 with a message naming the place. EPIPE
 * ends the process as SIGPIPE would. */
int output_write(struct output *output, const void *data, size_t size);

/* Flushes and closes stdout; to be called last: `return output_finish_stdout(status)`. Gives the
 * exit status: 1 when the close fails. */
int output_finish_stdout(int status);

#endif
