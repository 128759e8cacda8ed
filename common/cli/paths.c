#include "cli/paths.h"

#include <errno.h>
#include <unistd.h>

bool path_missing(const char *path)
{
    return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}
