#include "cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"

#define MAX_PATHS 10240 /* rec-split has as many parts */

/*
 * A signal handler reads this table while the program changes it, so it has a fixed place and its
 * entries are atomic. A path is never freed while it is in the table.
 */
static _Atomic(char *) paths[MAX_PATHS];
static atomic_size_t path_count; /* one past the highest slot in use */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile bool installed;
static pid_t owner; /* a forked child must not remove its parent's files */

/* A file, or an empty folder. */
static void remove_named(const char *path)
{
    if (unlink(path) != 0)
        rmdir(path);
}

/* Takes the path out of the table and removes what it names: the path, or NULL. */
static char *remove_path(size_t slot)
{
    char *path = atomic_exchange(&paths[slot], NULL);

    if (path != NULL)
        remove_named(path);
    return path;
}

void signals_hold(sigset_t *before)
{
    sigset_t all;

    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, before);
}

void signals_release(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

/* What a handler cannot release stays where leak checkers reach it. */
static char *volatile removed[MAX_PATHS];

/* Async-signal-safe. */
void signals_cleanup(void)
{
    if (!installed || getpid() != owner)
        return;
    for (size_t i = atomic_load(&path_count); i-- > 0;)
        removed[i] = remove_path(i);
}

static void clean_up_at_exit(void)
{
    signals_hold(NULL);
    for (size_t i = atomic_load(&path_count); getpid() == owner && i-- > 0;)
        free(remove_path(i));
}

static volatile sig_atomic_t stop_signal, save_asked;

static void on_stop(int number)
{
    if (stop_signal != 0)
        signals_die(number);
    stop_signal = number;
}

static void on_save(int number)
{
    (void)number;
    save_asked = 1;
}

/* Unless the signal is ignored: nohup and background jobs of old shells do so, and keep it. */
static void install_handler(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;

    sigfillset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(number, &action, NULL);
}

void signals_catch_stop(void)
{
    install_handler(SIGINT, on_stop);
    install_handler(SIGTERM, on_stop);
}

void signals_catch_save(void)
{
    install_handler(SIGUSR1, on_save);
}

int signals_stop(void)
{
    return stop_signal;
}

bool signals_save(void)
{
    bool asked = save_asked != 0;

    save_asked = 0;
    return asked;
}

void signals_ignore_file_limit(void)
{
    signal(SIGXFSZ, SIG_IGN);
}

/* A second signal waits: it would end the program before all is removed. */
_Noreturn void signals_die(int number)
{
    static atomic_flag dying = ATOMIC_FLAG_INIT;
    sigset_t set;

    signals_hold(NULL);
    while (atomic_flag_test_and_set(&dying)) /* another thread ends the program */
        pause();
    signals_cleanup();
    signal(number, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    _exit(128 + number);
}

/* Unless the program has asked for it. */
static bool ends_program(int number)
{
    switch (number) {
    case SIGCHLD:
    case SIGCONT:
    case SIGURG:
    case SIGWINCH:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
    case SIGSTOP:
    case SIGKILL: /* which nobody can catch */
        return false;
    default:
        return true;
    }
}

static void install(void)
{
    struct sigaction action = {.sa_handler = signals_die}, before;

    sigfillset(&action.sa_mask);
    /* nohup and background jobs of old shells ignore some signals: leave that as it is. */
    for (int number = 1; number <= SIGRTMAX; number++)
        if (ends_program(number) && sigaction(number, NULL, &before) == 0 &&
            before.sa_handler == SIG_DFL)
            sigaction(number, &action, NULL);
    owner = getpid();
    atexit(clean_up_at_exit);
    installed = true;
}

void signals_remove_later(const char *path)
{
    char *copy = strdup(path);
    size_t slot = 0;

    if (copy == NULL) { /* what is there already would stay */
        remove_named(path);
        mem_exhausted("for the name of a temporary file");
    }
    pthread_mutex_lock(&lock);
    if (!installed)
        install();
    /* After the highest in use, so that the last registered is removed first. */
    for (size_t i = 0; i < MAX_PATHS; i++)
        if (atomic_load(&paths[i]) != NULL)
            slot = i + 1;
    if (slot == MAX_PATHS) {
        diag_error("%s: too many temporary files", path);
        exit(1);
    }
    atomic_store(&paths[slot], copy);
    atomic_store(&path_count, slot + 1);
    pthread_mutex_unlock(&lock);
}

void signals_keep(const char *path)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < atomic_load(&path_count); i++) {
        char *entry = atomic_load(&paths[i]);

        if (entry != NULL && strcmp(entry, path) == 0) {
            atomic_store(&paths[i], NULL);
            free(entry);
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}
