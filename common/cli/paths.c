#include "cli/paths.h"

#include <errno.h>
#include <unistd.h>

#include "cli/diag.h"

static bool is_absence(int error_number)
{
    return error_number == ENOENT || error_number == ENOTDIR;
}

bool path_missing(const char *path)
{
    return access(path, F_OK) != 0 && is_absence(errno);
}

int path_there(const char *path, int mode)
{
    if (access(path, mode) == 0)
        return 1;
    return is_absence(errno) ? 0 : diag_errno(errno, "%s", path);
}
