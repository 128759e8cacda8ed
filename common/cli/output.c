#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/folder.h"
#include "cli/memory.h"
#include "cli/signals.h"

#define LINKS_MAX       40 /* as the kernel follows */
#define RANDOM_LETTERS  6
#define TEMPORARY_TRIES 100

static const char *output_name(const struct output *output)
{
    return output->path != NULL ? output->path : "standard output";
}

static void release(struct output *output)
{
    free(output->path);
    free(output->temporary);
    *output = (struct output){.fd = -1};
}

/* What path names in the end: a rename must replace the file, never a symbolic link to it, which
 * may name a file that does not exist yet. */
static char *follow_links(const char *path)
{
    char *name = mem_strdup(path), target[PATH_MAX];

    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t size = readlink(name, target, sizeof target - 1);
        const char *slash = strrchr(name, '/');
        char *next;

        if (size < 0)
            break;
        target[size] = '\0';
        if (slash != NULL && target[0] != '/')
            next = mem_format("%.*s/%s", (int)(slash - name), name, target);
        else
            next = mem_strdup(target);
        free(name);
        name = next;
    }
    return name;
}

/* ".NAME.XXXXXX" beside path, since rename works only within one file system; as much of NAME as
 * leaves room for the rest. */
static char *temporary_name(const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;
    unsigned char random[RANDOM_LETTERS];
    char end[RANDOM_LETTERS + 1] = "";

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return NULL;
    for (size_t i = 0; i < sizeof random; i++)
        end[i] = letters[random[i] % (sizeof letters - 1)];
    return mem_format("%.*s.%.*s.%s", (int)(base - path), path, NAME_MAX - RANDOM_LETTERS - 2, base,
                      end);
}

/* Signals wait until the file is among those that they remove. */
static int create_temporary(struct output *output, mode_t mode)
{
    sigset_t all, mask;
    int error_number = EEXIST;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &mask);
    for (int i = 0; i < TEMPORARY_TRIES && error_number == EEXIST; i++) {
        output->temporary = temporary_name(output->path);
        if (output->temporary != NULL)
            output->fd = open(output->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        error_number = errno;
        if (output->fd >= 0) {
            signals_remove_later(output->temporary);
            break;
        }
        free(output->temporary);
        output->temporary = NULL;
    }
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return output->fd >= 0 ? 0 : diag_errno(error_number, "%s: cannot create", output->path);
}

/* before: the file that is there already, whose permissions the new one has; or NULL. */
static int open_temporary(struct output *output, const struct stat *before)
{
    if (create_temporary(output, before != NULL ? before->st_mode & 0777 : 0666) != 0)
        return -1;
    if (before != NULL && fchmod(output->fd, before->st_mode & 0777) != 0) {
        diag_errno(errno, "%s: cannot set permissions", output->path);
        output_abandon(output);
        return -1;
    }
    return 0;
}

/* Devices and named pipes are written to, never replaced. */
static int open_special(struct output *output)
{
    output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
    return output->fd >= 0 ? 0 : diag_errno(errno, "%s: cannot open for writing", output->path);
}

int output_open(struct output *output, const char *path)
{
    struct stat before;
    int error_number, status;

    *output = (struct output){.fd = STDOUT_FILENO};
    if (path == NULL || strcmp(path, "-") == 0)
        return 0;
    error_number = stat(path, &before) != 0 ? errno : 0;
    output->fd = -1;
    if (path[0] == '\0' || (error_number != 0 && error_number != ENOENT))
        return diag_errno(error_number, "%s: cannot create", path[0] != '\0' ? path : "''");
    if (error_number == 0 && !S_ISREG(before.st_mode)) {
        output->path = mem_strdup(path);
        status = open_special(output);
    } else {
        output->path = follow_links(path);
        status = open_temporary(output, error_number == 0 ? &before : NULL);
    }
    if (status != 0)
        release(output);
    return status;
}

/* Closes the file that is whole, and puts it in its place, where a crash cannot undo it. */
static int put_in_place(struct output *output)
{
    bool renames = output->temporary != NULL;
    bool failed = renames && fsync(output->fd) != 0;
    int fd = output->fd;

    output->fd = -1;
    if (failed) {
        diag_errno(errno, "%s: cannot write", output->path);
        close(fd);
        return -1;
    }
    if (close(fd) != 0)
        return diag_errno(errno, "%s: cannot write", output->path);
    if (renames && rename(output->temporary, output->path) != 0)
        return diag_errno(errno, "%s: cannot rename the finished file into place", output->path);
    if (!renames)
        return 0;
    signals_keep(output->temporary);
    free(output->temporary);
    output->temporary = NULL;
    return folder_sync_parent(output->path);
}

int output_commit(struct output *output)
{
    int status = output->path != NULL ? put_in_place(output) : 0;

    output_abandon(output); /* what a failure left */
    return status;
}

void output_abandon(struct output *output)
{
    if (output->path != NULL && output->fd >= 0)
        close(output->fd);
    if (output->temporary != NULL) {
        unlink(output->temporary);
        signals_keep(output->temporary);
    }
    release(output);
}

bool output_is_temporary(const char *entry, const char *name)
{
    size_t length = strlen(name);

    return entry[0] == '.' && strncmp(entry + 1, name, length) == 0 && entry[1 + length] == '.' &&
           strlen(entry + length + 2) == RANDOM_LETTERS;
}

bool output_is_terminal(const struct output *output)
{
    return isatty(output->fd) == 1;
}

int output_write(struct output *output, const void *data, size_t size)
{
    const char *bytes = data;

    while (size > 0) {
        ssize_t count = write(output->fd, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EPIPE)
            signals_die(SIGPIPE);
        if (count < 0)
            return diag_errno(errno, "%s: cannot write", output_name(output));
        bytes += count;
        size -= (size_t)count;
    }
    return 0;
}

int output_finish_stdout(int status)
{
    bool failed = ferror(stdout) != 0;

    if (fflush(stdout) != 0)
        failed = true;
    if (failed && errno == EPIPE)
        signals_die(SIGPIPE);
    if (fclose(stdout) != 0)
        failed = true;
    if (failed) {
        diag_errno(errno, "standard output: cannot write");
        return status != 0 ? status : 1;
    }
    return status;
}
