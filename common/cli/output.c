#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "cli/options.h"
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

/* The descriptor that a path stands for, whose link leads to a file that may have another place or
 * none, or -1. */
static int descriptor_of(const char *path)
{
    static const char *const folders[] = {"/dev/fd/", "/proc/self/fd/"};

    if (strcmp(path, "/dev/stdout") == 0)
        return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0)
        return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        size_t length = strlen(folders[i]);
        uint64_t number;

        if (strncmp(path, folders[i], length) == 0 && parse_unsigned(path + length, &number) == 0 &&
            number <= INT_MAX)
            return (int)number;
    }
    return -1;
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

        if (size < 0 || descriptor_of(name) >= 0)
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

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* ".NAME.XXXXXX" beside path, since rename works only within one file system; as much of NAME as
 * leaves room for the rest. */
static char *temporary_name(const char *path)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    const char *base = file_name(path);
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
    sigset_t mask;
    int error_number = EEXIST;

    signals_hold(&mask);
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
    signals_release(&mask);
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

/* Written to where it stands, as its other users do. */
static int open_descriptor(struct output *output)
{
    output->fd = fcntl(descriptor_of(output->path), F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
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
    output->path = follow_links(path);
    if (descriptor_of(output->path) >= 0)
        status = open_descriptor(output);
    else if (error_number == 0 && !S_ISREG(before.st_mode))
        status = open_special(output);
    else
        status = open_temporary(output, error_number == 0 ? &before : NULL);
    if (status != 0)
        release(output);
    return status;
}

int output_finish(struct output *output)
{
    bool failed = output->temporary != NULL && output->fd >= 0 && fsync(output->fd) != 0;
    int error_number = errno, fd = output->fd;

    if (output->path == NULL || fd < 0)
        return 0;
    output->fd = -1;
    if (close(fd) != 0 && !failed) {
        failed = true;
        error_number = errno;
    }
    return failed ? diag_errno(error_number, "%s: cannot write", output->path) : 0;
}

static int put_in_place(struct output *output)
{
    if (rename(output->temporary, output->path) != 0)
        return diag_errno(errno, "%s: cannot rename the finished file into place", output->path);
    signals_keep(output->temporary);
    free(output->temporary);
    output->temporary = NULL;
    return 0;
}

int output_commit(struct output *output)
{
    int status = output_finish(output);

    if (status == 0 && output->temporary != NULL) {
        status = put_in_place(output);
        if (status == 0)
            status = folder_sync_parent(output->path); /* a crash cannot undo it */
    }
    output_abandon(output); /* what a failure left */
    return status;
}

/* Another name for the file that is at path, or NULL: there is none, or it can have no other. */
static char *set_aside(const char *path)
{
    char *name = temporary_name(path);

    if (name != NULL && link(path, name) != 0) {
        free(name);
        name = NULL;
    }
    return name;
}

/* aside: the name of what was there before, or NULL; new: nothing was. */
static void take_back(const char *path, const char *aside, bool new)
{
    if (aside != NULL && rename(aside, path) != 0)
        diag_warn("%s: the file that was there is %s", path, aside);
    else if (new)
        unlink(path);
}

struct replaced {
    char *aside; /* owned */
    bool new;
};

static void forget_aside(const char *aside)
{
    if (aside != NULL && unlink(aside) != 0)
        diag_warn("%s: cannot remove what was there before", aside);
}

static int put_all_in_place(struct output *outputs, size_t count)
{
    struct replaced *before = mem_calloc(count, sizeof *before);
    size_t done = 0;

    for (; done < count; done++) {
        struct output *output = &outputs[done];

        if (output->temporary == NULL)
            continue;
        before[done].new = access(output->path, F_OK) != 0 && errno == ENOENT;
        before[done].aside = before[done].new ? NULL : set_aside(output->path);
        if (put_in_place(output) != 0)
            break;
    }
    if (done < count)
        forget_aside(before[done].aside);
    for (size_t i = done; i-- > 0;)
        if (done < count && outputs[i].path != NULL)
            take_back(outputs[i].path, before[i].aside, before[i].new);
        else
            forget_aside(before[i].aside);
    for (size_t i = 0; i < count; i++)
        free(before[i].aside);
    free(before);
    return done < count ? -1 : 0;
}

int output_commit_all(struct output *outputs, size_t count)
{
    sigset_t all, mask;
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        status = output_finish(&outputs[i]);
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &mask);
    if (status == 0)
        status = put_all_in_place(outputs, count);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    for (size_t i = 0; i < count; i++) {
        if (status == 0 && outputs[i].path != NULL)
            status = folder_sync_parent(outputs[i].path);
        output_abandon(&outputs[i]);
    }
    return status;
}

static bool is_standard_output(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

static bool is_same_file(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

static int stat_folder(const char *path, struct stat *folder)
{
    char *name = mem_format("%.*s.", (int)(file_name(path) - path), path);
    int status = stat(name, folder);

    free(name);
    return status;
}

/* Whether two paths are one name in one folder. */
static bool is_same_entry(const char *one, const char *other)
{
    struct stat first, second;

    return strcmp(file_name(one), file_name(other)) == 0 && stat_folder(one, &first) == 0 &&
           stat_folder(other, &second) == 0 && is_same_file(&first, &second);
}

bool output_is_same(const char *one, const char *other)
{
    struct stat file, standard;
    bool same;

    if (is_standard_output(one) && is_standard_output(other))
        return true;
    if (is_standard_output(one) || is_standard_output(other))
        return fstat(STDOUT_FILENO, &standard) == 0 && S_ISREG(standard.st_mode) &&
               stat(is_standard_output(one) ? other : one, &file) == 0 &&
               is_same_file(&file, &standard);
    char *first = follow_links(one), *second = follow_links(other);
    same = strcmp(first, second) == 0 || is_same_entry(first, second);
    free(first);
    free(second);
    return same;
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
