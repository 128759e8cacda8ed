#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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
#include "cli/place.h"
#include "cli/signals.h"

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

/* A descriptor is written to where it stands, as its other users do. */
static int open_place(struct output *output, const struct place *place)
{
    if (place->kind == PLACE_FILE)
        return open_temporary(output, place->exists ? &place->file : NULL);
    if (place->kind == PLACE_DESCRIPTOR)
        output->fd = fcntl(place->descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    else
        output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
    return output->fd >= 0 ? 0 : diag_errno(errno, "%s: cannot open for writing", output->path);
}

int output_open(struct output *output, const char *path)
{
    struct place place;
    int status;

    *output = (struct output){.fd = STDOUT_FILENO};
    if (path == NULL || strcmp(path, "-") == 0)
        return 0;
    output->fd = -1;
    if (place_find(&place, path) != 0)
        return -1;
    output->path = mem_strdup(place.path);
    status = open_place(output, &place);
    place_free(&place);
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

/* A finished file on its way, with a name for what is at its place before. */
struct move {
    struct output *output;
    char *aside; /* owned */
    enum { NOTHING, LINKED, MOVED } before;
};

/* So that it can be put back; where it cannot have two names it loses the one it has. */
static int set_aside(struct move *move)
{
    const char *path = move->output->path;

    if (link(path, move->aside) == 0)
        move->before = LINKED;
    else if (errno != ENOENT && rename(path, move->aside) == 0)
        move->before = MOVED;
    else if (errno == ENOENT)
        move->before = NOTHING;
    else
        return diag_errno(errno, "%s: cannot be replaced", path);
    return 0;
}

static void forget_aside(const struct move *move)
{
    if (move->before != NOTHING && unlink(move->aside) != 0)
        diag_warn("%s: cannot remove what was there before", move->aside);
}

static void put_back(const struct move *move)
{
    if (move->before != NOTHING && rename(move->aside, move->output->path) != 0)
        diag_warn("%s: the file that was there is %s", move->output->path, move->aside);
}

static void take_back(const struct move *move)
{
    if (move->before != NOTHING)
        put_back(move);
    else if (unlink(move->output->path) != 0)
        diag_warn("%s: cannot be taken back: %s", move->output->path, strerror(errno));
}

static int move_in(struct move *move)
{
    if (set_aside(move) != 0)
        return -1;
    if (put_in_place(move->output) == 0)
        return 0;
    if (move->before == LINKED)
        forget_aside(move);
    else
        put_back(move);
    return -1;
}

static int move_all(struct move *moves, size_t count)
{
    size_t done = 0;

    while (done < count && move_in(&moves[done]) == 0)
        done++;
    if (done < count) {
        while (done-- > 0)
            take_back(&moves[done]);
        return -1;
    }
    for (size_t i = 0; i < count; i++)
        forget_aside(&moves[i]);
    return 0;
}

/* The moves of those that are files: how many. No memory is needed after this. */
static int plan_moves(struct move *moves, struct output *outputs, size_t count, size_t *planned)
{
    *planned = 0;
    for (size_t i = 0; i < count; i++) {
        if (outputs[i].temporary == NULL)
            continue;
        moves[*planned] = (struct move){&outputs[i], temporary_name(outputs[i].path), NOTHING};
        if (moves[(*planned)++].aside == NULL)
            return diag_errno(errno, "%s: cannot create", outputs[i].path);
    }
    return 0;
}

/* Of outputs in one folder after another each folder once. */
static int sync_folders(const struct move *moves, size_t count)
{
    char *synced = NULL;
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++) {
        char *folder = folder_of(moves[i].output->path);

        if (synced == NULL || strcmp(folder, synced) != 0)
            status = folder_sync(folder);
        free(synced);
        synced = folder;
    }
    free(synced);
    return status;
}

int output_commit_all(struct output *outputs, size_t count)
{
    struct move *moves = mem_calloc(count, sizeof *moves);
    sigset_t mask;
    size_t planned;
    int status = 0;

    for (size_t i = 0; i < count && status == 0; i++)
        status = output_finish(&outputs[i]);
    if (plan_moves(moves, outputs, count, &planned) != 0)
        status = -1;
    signals_hold(&mask);
    if (status == 0)
        status = move_all(moves, planned);
    signals_release(&mask);
    if (status == 0)
        status = sync_folders(moves, planned);
    for (size_t i = 0; i < planned; i++)
        free(moves[i].aside);
    free(moves);
    for (size_t i = 0; i < count; i++)
        output_abandon(&outputs[i]);
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
