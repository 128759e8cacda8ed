#include "train/output_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/signals.h"

#define CHECKPOINT "checkpoint-"

/* What a run writes besides its model, and what does not tell whose folder it is. */
static bool is_summary(const char *name)
{
    static const char *const names[] = {"runs", "trainer_state.json", "train_results.json",
                                        "eval_results.json", "all_results.json"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* 0 when the folder is empty or an earlier run's; an interrupted run leaves only checkpoints and
 * event files. */
static int inspect(const char *folder)
{
    bool ours = false, others = false;
    const struct dirent *entry;
    DIR *directory = opendir(folder);
    if (!directory)
        return diag_errno(errno, "%s", folder);
    while ((entry = readdir(directory))) {
        const char *name = entry->d_name;
        if (strcmp(name, "bertpipe.json") == 0 ||
            strncmp(name, CHECKPOINT, strlen(CHECKPOINT)) == 0)
            ours = true;
        else if (name[0] != '.' && !is_summary(name))
            others = true;
    }
    closedir(directory);
    if (others && !ours)
        return diag_error("%s: the folder holds other files: choose another, or give --force",
                          folder);
    if (ours)
        diag_note("%s: replacing the output of an earlier run", folder);
    return 0;
}

static int try_writing(const char *folder)
{
    char *path = mem_format("%s/.write-test.XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);
    int reason = errno;
    if (fd >= 0) {
        close(fd);
        unlink(path);
    }
    free(path);
    return fd >= 0 ? 0 : diag_errno(reason, "%s: cannot make files in this folder", folder);
}

int output_folder_prepare(const char *folder, bool force)
{
    if (mkdir(folder, 0777) == 0) {
        signals_remove_later(folder); /* as long as it is empty */
        return try_writing(folder);
    }
    if (errno != EEXIST)
        return diag_errno(errno, "%s: cannot make this folder", folder);
    struct stat status;
    if (stat(folder, &status))
        return diag_errno(errno, "%s", folder);
    if (!S_ISDIR(status.st_mode))
        return diag_error("%s: exists and is not a folder", folder);
    if (!force && inspect(folder))
        return -1;
    return try_writing(folder);
}
