#include "cli/paths.h"

#include <errno.h>
#include <unistd.h>

#include "cli/diag.h"

bool path_missing(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

int folder_next(DIR *directory, const char *folder, const struct dirent **entry)
{
    errno = 0;
    *entry = readdir(directory);
    if (*entry == NULL && errno != 0)
        return diag_errno(errno, "%s: cannot list it", folder);
    return *entry != NULL;
}
