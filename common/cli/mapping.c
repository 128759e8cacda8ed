#include "cli/mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/diag.h"
#include "cli/memory.h"
#include "cli/signals.h"

/* The open mappings, which the handler looks through. */
static _Atomic(struct mapping *) mappings;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction before;
static bool installed;

static const struct mapping *find(const char *address)
{
    for (const struct mapping *m = atomic_load(&mappings); m != NULL; m = m->next)
        if (address >= (char *)m->data && address < (char *)m->data + m->size)
            return m;
    return NULL;
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    const struct mapping *mapping = find(info->si_addr);
    static atomic_flag reported = ATOMIC_FLAG_INIT;
    struct stat status;

    (void)context;
    if (mapping == NULL) { /* none of ours: the access is repeated as if this were not here */
        sigaction(number, &before, NULL);
        return;
    }
    while (atomic_flag_test_and_set(&reported)) /* another thread ends the program */
        pause();
    if (stat(mapping->path, &status) == 0 && (size_t)status.st_size >= mapping->size)
        diag_last_words(mapping->path, "cannot be read any more");
    else
        diag_last_words(mapping->path, "has become shorter while it was read");
    signals_cleanup();
    _exit(1);
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

    sigfillset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before);
    installed = true;
}

static void enlist(struct mapping *mapping)
{
    pthread_mutex_lock(&lock);
    if (!installed)
        install();
    mapping->next = atomic_load(&mappings);
    atomic_store(&mappings, mapping);
    pthread_mutex_unlock(&lock);
}

static void delist(const struct mapping *mapping)
{
    pthread_mutex_lock(&lock);
    if (atomic_load(&mappings) == mapping) {
        atomic_store(&mappings, mapping->next);
    } else {
        struct mapping *m = atomic_load(&mappings);

        while (m->next != mapping)
            m = m->next;
        m->next = mapping->next;
    }
    pthread_mutex_unlock(&lock);
}

struct mapping *mapping_open(const char *path, bool populate)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    void *data = NULL;
    struct mapping *mapping;

    if (fd < 0) {
        diag_errno(errno, "%s: cannot open", path);
        return NULL;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(fd);
        diag_error("%s: not a regular file", path);
        return NULL;
    }
    if (status.st_size > 0)
        data = mmap(NULL, (size_t)status.st_size, PROT_READ,
                    MAP_PRIVATE | (populate ? MAP_POPULATE : 0), fd, 0);
    close(fd);
    if (data == MAP_FAILED) {
        diag_errno(errno, "%s: cannot map", path);
        return NULL;
    }
    mapping = mem_alloc(sizeof *mapping);
    *mapping = (struct mapping){data, (size_t)status.st_size, mem_strdup(path), NULL};
    enlist(mapping);
    return mapping;
}

void mapping_close(struct mapping *mapping)
{
    if (mapping == NULL)
        return;
    delist(mapping);
    if (mapping->data != NULL)
        munmap(mapping->data, mapping->size);
    free(mapping->path);
    free(mapping);
}
