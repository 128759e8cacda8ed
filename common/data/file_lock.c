#include "data/file_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"

int file_make_folders(const char *path)
{
    char *copy = mem_strdup(path);
    int status = 0;
    for (char *slash = strchr(copy + 1, '/'); slash && status == 0;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(copy, 0777) < 0 && errno != EEXIST)
            status = diag_errno(errno, "%s", copy);
        *slash = '/';
    }
    free(copy);
    return status;
}

static int wait_for(int fd, const char *path, const char *name)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    if (errno == EWOULDBLOCK)
        diag_note("%s: another process is downloading it; waiting", name);
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR)
            return diag_errno(errno, "%s: cannot lock", path);
    return 0;
}

/* Whether the locked file is still the one of that name: else others lock another. */
static bool is_current(int fd, const char *path)
{
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

int file_lock_take(const char *path, const char *name)
{
    if (file_make_folders(path) < 0)
        return -1;
    for (;;) {
        int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0664);
        if (fd < 0)
            return diag_errno(errno, "%s", path);
        if (wait_for(fd, path, name) < 0) {
            close(fd);
            return -1;
        }
        if (is_current(fd, path))
            return fd;
        close(fd);
    }
}
