#include "train/output_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/memory.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "model/checkpoint.h"
#include "model/manifest.h"

#define CHECKPOINT "checkpoint-"
#define RUNS       "runs"

/* What a run writes besides its model, and what does not tell whose folder it is. */
static const char *const summaries[] = {
    RUNS, "trainer_state.json", "train_results.json", "eval_results.json", "all_results.json",
    NULL};

static bool is_summary(const char *name)
{
    for (size_t i = 0; summaries[i]; i++)
        if (strcmp(name, summaries[i]) == 0)
            return true;
    return false;
}

static bool is_left_over(const char *name)
{
    for (size_t i = 0; summaries[i]; i++)
        if (output_is_temporary(name, summaries[i]))
            return true;
    return false;
}

/* checkpoint-STEP */
static bool is_checkpoint_name(const char *name)
{
    size_t length = strlen(CHECKPOINT);
    return strncmp(name, CHECKPOINT, length) == 0 && name[length] != '\0' &&
           strspn(name + length, "0123456789") == strlen(name + length);
}

/* Other programs' checkpoints have no such record. */
static bool has_record(DIR *directory, const char *name)
{
    char *path = mem_format("%s/bertpipe.json", name);
    bool has = faccessat(dirfd(directory), path, F_OK, 0) == 0;
    free(path);
    return has;
}

/* Whether a run gives a file this name. */
static bool is_file(const char *name)
{
    for (size_t i = 0; manifest_names[i]; i++)
        if (strcmp(name, manifest_names[i]) == 0)
            return true;
    return is_summary(name) && strcmp(name, RUNS) != 0;
}

/* Whether what has a name that a run gives is what the run makes by it. */
static int check_entry(DIR *directory, const char *folder, const char *name)
{
    bool checkpoint = is_checkpoint_name(name), file = is_file(name);
    struct stat status;
    if ((!checkpoint && !file) ||
        fstatat(dirfd(directory), name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return 0;
    if (checkpoint && !S_ISDIR(status.st_mode))
        return diag_error("%s/%s: not a folder, and a checkpoint may go there", folder, name);
    if (file && S_ISDIR(status.st_mode))
        return diag_error("%s/%s: a folder, and a file of the run goes there", folder, name);
    return 0;
}

/* 0 when the folder is empty or an earlier run's (force: or another's); an interrupted run leaves
 * only checkpoints and event files. */
static int inspect(const char *folder, bool force)
{
    bool ours = false, others = false;
    const struct dirent *entry;
    DIR *directory = opendir(folder);
    if (!directory)
        return diag_errno(errno, "%s", folder);
    int found;
    while ((found = folder_next(directory, folder, &entry)) > 0) {
        const char *name = entry->d_name;
        if (check_entry(directory, folder, name) != 0) {
            found = -1;
            break;
        }
        if (strcmp(name, "bertpipe.json") == 0 ||
            (is_checkpoint_name(name) && has_record(directory, name)))
            ours = true;
        else if (name[0] != '.' && !is_summary(name))
            others = true;
    }
    closedir(directory);
    if (found < 0)
        return -1;
    if (force)
        return 0;
    if (others && !ours)
        return diag_error("%s: the folder holds other files: choose another, or give --force",
                          folder);
    if (ours)
        diag_note("%s: replacing the output of an earlier run", folder);
    return 0;
}

static int clean(const char *folder)
{
    const struct dirent *entry;
    DIR *directory = opendir(folder);
    int result = 0, found;
    if (!directory)
        return diag_errno(errno, "%s", folder);
    while ((found = folder_next(directory, folder, &entry)) > 0)
        if (is_left_over(entry->d_name) && unlinkat(dirfd(directory), entry->d_name, 0))
            result = diag_errno(errno, "%s/%s: cannot remove", folder, entry->d_name);
    closedir(directory);
    return result || found < 0 ? -1 : checkpoint_clean(folder);
}

int output_folder_claim(int *lock, const char *folder)
{
    if (*lock >= 0)
        return 0;
    *lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (*lock < 0)
        return 0;
    if (flock(*lock, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return diag_error("%s: another program is writing into this folder", folder);
    return clean(folder);
}

static int make(const char *folder)
{
    struct stat status;
    if (mkdir(folder, 0777) == 0) {
        signals_remove_later(folder); /* as long as it is empty */
        return folder_sync_parent(folder);
    }
    if (errno != EEXIST)
        return diag_errno(errno, "%s: cannot make this folder", folder);
    if (stat(folder, &status))
        return diag_errno(errno, "%s", folder);
    return S_ISDIR(status.st_mode) ? 0 : diag_error("%s: exists and is not a folder", folder);
}

int output_folder_prepare(int *lock, const char *folder, bool force)
{
    if (make(folder) || inspect(folder, force))
        return -1;
    if (access(folder, W_OK | X_OK))
        return diag_errno(errno, "%s: cannot make files in this folder", folder);
    return output_folder_claim(lock, folder);
}
