#include "report/gnuplot.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/temporary.h"

extern char **environ;

struct child {
    struct temporary script, messages;
    int out[2]; /* pipe: its standard output */
    pid_t pid;
};

static int report_absence(void)
{
    return diag_error("gnuplot is not installed (Debian's package is gnuplot-nox)");
}

static int start(struct child *child)
{
    static char name[] = "gnuplot", no_rc[] = "-d";
    char *arguments[] = {name, no_rc, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    posix_spawn_file_actions_init(&actions);
    int error = posix_spawn_file_actions_adddup2(&actions, child->script.fd, STDIN_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, child->out[1], STDOUT_FILENO);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, child->messages.fd, STDERR_FILENO);
    if (!error)
        error = posix_spawn_file_actions_addclose(&actions, child->out[0]);
    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    if (!error)
        error = posix_spawnp(&child->pid, name, &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error == ENOENT)
        return report_absence();
    return error ? diag_errno(error, "gnuplot: cannot start") : 0;
}

static int read_all(int fd, struct buffer *out)
{
    for (;;) {
        buffer_reserve(out, 1 << 16);
        ssize_t count = read(fd, out->data + out->size, 1 << 16);
        if (count == 0)
            return 0;
        if (count > 0)
            out->size += (size_t)count;
        else if (errno != EINTR)
            return diag_errno(errno, "gnuplot: cannot read its output");
    }
}

/* gnuplot prints the command, a caret beneath, and then the reason: the last line that has text. */
static int report_refusal(const struct temporary *messages)
{
    char text[4096];
    ssize_t size = pread(messages->fd, text, sizeof text - 1, 0);
    while (size > 0 && (text[size - 1] == '\n' || text[size - 1] == ' '))
        size--;
    if (size <= 0)
        return diag_error("gnuplot: failed without a message");
    text[size] = '\0';
    const char *line = memrchr(text, '\n', (size_t)size);
    line = line ? line + 1 : text;
    return diag_error("gnuplot: %s", line + strspn(line, " \t"));
}

static int run(struct child *child, struct buffer *out)
{
    int status = 0, result = start(child);
    pid_t waited;
    close(child->out[1]);
    if (result == 0) {
        result = read_all(child->out[0], out);
        while ((waited = waitpid(child->pid, &status, 0)) < 0 && errno == EINTR)
            continue;
        if (waited < 0 && result == 0)
            result = diag_errno(errno, "gnuplot: cannot learn how it ended");
    }
    close(child->out[0]);
    if (result)
        return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) /* posix_spawn may tell it so, too */
        return report_absence();
    return report_refusal(&child->messages);
}

int gnuplot_run(struct buffer *script, struct buffer *out)
{
    struct child child;
    int result = -1;
    if (temporary_open(&child.script))
        return -1;
    if (temporary_open(&child.messages)) {
        temporary_close(&child.script);
        return -1;
    }
    if (temporary_append(&child.script, script->data, script->size) == 0) {
        if (lseek(child.script.fd, 0, SEEK_SET) < 0 || pipe(child.out))
            diag_errno(errno, "gnuplot: cannot start");
        else
            result = run(&child, out);
    }
    temporary_close(&child.script);
    temporary_close(&child.messages);
    return result;
}
