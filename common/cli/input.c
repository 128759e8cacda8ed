#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"

/* Larger pipes mean fewer turns between the processes at both ends. Failure does not matter. */
static void enlarge_pipe(int fd)
{
#ifdef F_SETPIPE_SZ
    fcntl(fd, F_SETPIPE_SZ, 1 << 20);
#else
    (void)fd;
#endif
}

int input_open(struct input *input, const char *path)
{
    struct stat status;

    *input = (struct input){.fd = STDIN_FILENO};
    if (path != NULL && strcmp(path, "-") != 0) {
        input->fd = open(path, O_RDONLY | O_CLOEXEC);
        if (input->fd < 0)
            return diag_errno(errno, "%s: cannot open", path);
    }
    if (fstat(input->fd, &status) == 0) {
        if (S_ISDIR(status.st_mode)) {
            if (input->fd != STDIN_FILENO)
                close(input->fd);
            return diag_error("%s: is a folder", path ? path : "standard input");
        }
        if (S_ISFIFO(status.st_mode))
            enlarge_pipe(input->fd);
    }
    input->name = mem_strdup(input->fd == STDIN_FILENO ? "standard input" : path);
    return 0;
}

void input_close(struct input *input)
{
    if (input->name != NULL && input->fd != STDIN_FILENO)
        close(input->fd);
    free(input->name);
    *input = (struct input){.fd = -1};
}

bool input_would_block(const struct input *input)
{
    struct pollfd poll_fd = {.fd = input->fd, .events = POLLIN};

    return poll(&poll_fd, 1, 0) == 0;
}

ssize_t input_read(struct input *input, void *buffer, size_t size)
{
    ssize_t count;

    if (input->on_wait != NULL && input_would_block(input) &&
        input->on_wait(input->on_wait_context) != 0)
        return -1;
    do
        count = read(input->fd, buffer, size);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return diag_errno(errno, "%s: cannot read", input->name);
    return count;
}

ssize_t read_at(int fd, uint64_t offset, void *buffer, size_t size)
{
    char *bytes = buffer;
    size_t done = 0;

    while (done < size) {
        ssize_t count = pread(fd, bytes + done, size - done, (off_t)(offset + done));

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

ssize_t input_read_at(const struct input *input, uint64_t offset, void *buffer, size_t size)
{
    ssize_t count = read_at(input->fd, offset, buffer, size);

    return count >= 0 ? count : diag_errno(errno, "%s: cannot read", input->name);
}
