#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/signals.h"

static const char *output_name(const struct output *output)
{
    return output->path != NULL ? output->path : "standard output";
}

/* ".NAME.XXXXXX" beside path, since rename works only within one file system. */
static char *temporary_template(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL ? slash + 1 : path;

    return mem_format("%.*s.%s.XXXXXX", (int)(base - path), path, base);
}

static mode_t default_mode(void)
{
    mode_t mask = umask(0);

    umask(mask);
    return 0666 & ~mask;
}

static int open_temporary(struct output *output)
{
    output->temporary = temporary_template(output->path);
    output->fd = mkostemp(output->temporary, O_CLOEXEC);
    if (output->fd < 0) {
        int error_number = errno;

        free(output->temporary);
        output->temporary = NULL;
        return diag_errno(error_number, "%s: cannot create", output->path);
    }
    signals_remove_later(output->temporary);
    if (fchmod(output->fd, default_mode()) != 0) {
        diag_errno(errno, "%s: cannot set permissions", output->path);
        output_abandon(output);
        return -1;
    }
    return 0;
}

int output_open(struct output *output, const char *path)
{
    struct stat status;
    char *resolved;

    *output = (struct output){.fd = STDOUT_FILENO};
    if (path == NULL || strcmp(path, "-") == 0)
        return 0;
    resolved = realpath(path, NULL); /* a rename must not replace a symbolic link */
    output->path = mem_strdup(resolved != NULL ? resolved : path);
    free(resolved);
    if (stat(output->path, &status) != 0 || S_ISREG(status.st_mode)) {
        if (open_temporary(output) == 0)
            return 0;
    } else {
        /* Devices and named pipes are written to, never replaced. */
        output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
        if (output->fd >= 0)
            return 0;
        diag_errno(errno, "%s: cannot open for writing", output->path);
    }
    free(output->path);
    *output = (struct output){.fd = -1};
    return -1;
}

static void release(struct output *output)
{
    free(output->path);
    free(output->temporary);
    *output = (struct output){.fd = -1};
}

int output_commit(struct output *output)
{
    int fd = output->fd;

    if (output->path == NULL) {
        release(output);
        return 0;
    }
    if (output->temporary != NULL && fsync(fd) != 0) {
        diag_errno(errno, "%s: cannot write", output->path);
        output_abandon(output);
        return -1;
    }
    output->fd = -1;
    if (close(fd) != 0) {
        diag_errno(errno, "%s: cannot write", output->path);
        output_abandon(output);
        return -1;
    }
    if (output->temporary != NULL && rename(output->temporary, output->path) != 0) {
        diag_errno(errno, "%s: cannot rename the finished file into place", output->path);
        output_abandon(output);
        return -1;
    }
    if (output->temporary != NULL)
        signals_keep(output->temporary);
    release(output);
    return 0;
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

bool output_is_terminal(const struct output *output)
{
    return isatty(output->fd) == 1;
}

/* The caller may have started us with SIGPIPE ignored; the reader's going away still ends us
 * silently. */
static _Noreturn void die_of_broken_pipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signals_cleanup();
    signal(SIGPIPE, SIG_DFL);
    raise(SIGPIPE);
    _exit(128 + SIGPIPE);
}

int output_write(struct output *output, const void *data, size_t size)
{
    const char *bytes = data;

    while (size > 0) {
        ssize_t count = write(output->fd, bytes, size);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0 && errno == EPIPE)
            die_of_broken_pipe();
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
        die_of_broken_pipe();
    if (fclose(stdout) != 0)
        failed = true;
    if (failed) {
        diag_errno(errno, "standard output: cannot write");
        return status != 0 ? status : 1;
    }
    return status;
}
