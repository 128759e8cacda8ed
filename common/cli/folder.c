#include "cli/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"

DIR *folder_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;

    if (directory == NULL && fd >= 0)
        close(fd);
    return directory;
}

int folder_next(DIR *directory, const char *folder, const struct dirent **entry)
{
    errno = 0;
    *entry = readdir(directory);
    if (*entry == NULL && errno != 0)
        return diag_errno(errno, "%s: cannot list it", folder);
    return *entry != NULL;
}

int folder_sync(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int status = 0;

    if (fd < 0) /* one that may be written to and not be read */
        return errno == EACCES ? 0 : diag_errno(errno, "%s: cannot open", folder);
    if (fsync(fd) != 0 && errno != EINVAL) /* EINVAL: a file system that has no such thing */
        status = diag_errno(errno, "%s: cannot sync", folder);
    close(fd);
    return status;
}

char *folder_of(const char *path)
{
    size_t end = strlen(path);

    while (end > 1 && path[end - 1] == '/')
        end--;
    while (end > 0 && path[end - 1] != '/')
        end--;
    return end > 0 ? mem_strndup(path, end) : mem_strdup(".");
}

int folder_sync_parent(const char *path)
{
    char *folder = folder_of(path);
    int status = folder_sync(folder);

    free(folder);
    return status;
}
