#include "cli/temporary.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/input.h"
#include "cli/memory.h"
#include "cli/signals.h"

/* A file without a name in the folder, or -1 with a message. */
static int make_file(const char *folder)
{
    char *path = mem_format("%s/bertpipe.XXXXXX", folder);
    sigset_t mask;
    int fd;

    signals_hold(&mask);
    fd = mkstemp(path);
    if (fd < 0) {
        diag_errno(errno, "%s: cannot create a temporary file", folder);
    } else if (unlink(path) != 0) {
        diag_errno(errno, "%s: cannot remove a temporary file", folder);
        close(fd);
        fd = -1;
    }
    signals_release(&mask);
    free(path);
    return fd;
}

int temporary_open(struct temporary *file)
{
    const char *folder = getenv("TMPDIR");

    if (folder == NULL || *folder == '\0')
        folder = "/tmp";
    *file = (struct temporary){.fd = make_file(folder)};
    if (file->fd < 0)
        return -1;
    file->folder = mem_strdup(folder);
    return 0;
}

int temporary_append(struct temporary *file, const void *data, size_t size)
{
    const char *bytes = data;

    while (size > 0) {
        ssize_t count = write(file->fd, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return diag_errno(errno, "%s: cannot write a temporary file", file->folder);
        bytes += count;
        size -= (size_t)count;
        file->size += (uint64_t)count;
    }
    return 0;
}

int temporary_read(const struct temporary *file, uint64_t offset, void *data, size_t size)
{
    ssize_t count = read_at(file->fd, offset, data, size);

    if (count < 0)
        return diag_errno(errno, "%s: cannot read a temporary file", file->folder);
    if ((size_t)count < size)
        return diag_error("%s: a temporary file has become shorter", file->folder);
    return 0;
}

void temporary_close(struct temporary *file)
{
    if (file->folder == NULL)
        return;
    close(file->fd);
    free(file->folder);
    *file = (struct temporary){0};
}
