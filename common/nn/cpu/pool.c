#include "nn/cpu/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/machine.h"
#include "cli/memory.h"

/* A thread that has nothing to do looks for it so long before it sleeps: jobs follow each other
 * closely, and waking takes longer than the smallest of them. */
#define PATIENCE 50e-6

struct pool {
    unsigned threads;
    unsigned started; /* workers that run */
    pthread_t *workers;
    pthread_mutex_t mutex;
    pthread_cond_t work, done;
    /* Changed with the mutex held. */
    atomic_ulong job; /* number of the current job */
    atomic_uint busy; /* workers that have not finished it */
    atomic_bool closing;
    double worked; /* seconds of workers that have finished it; read with the mutex held */
    pool_function *function;
    void *context;
    size_t units;
    atomic_size_t next; /* the next unit to hand out */
};

struct worker {
    struct pool *pool;
    unsigned thread;
};

/* The seconds it took. */
static double run_units(struct pool *pool, unsigned thread)
{
    double started = clock_monotonic();
    for (;;) {
        size_t unit = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (unit >= pool->units)
            return clock_monotonic() - started;
        pool->function(pool->context, unit, thread);
    }
}

/* Looks until there is another job than `seen`, or for as long as patience lasts. */
static void look_for_job(struct pool *pool, unsigned long seen)
{
    double end = clock_monotonic() + PATIENCE;
    while (atomic_load_explicit(&pool->job, memory_order_relaxed) == seen &&
           !atomic_load_explicit(&pool->closing, memory_order_relaxed) && clock_monotonic() < end)
        machine_relax();
}

static void look_for_end(struct pool *pool)
{
    double end = clock_monotonic() + PATIENCE;
    while (atomic_load_explicit(&pool->busy, memory_order_relaxed) > 0 && clock_monotonic() < end)
        machine_relax();
}

static void *worker_main(void *argument)
{
    struct worker worker = *(struct worker *)argument;
    struct pool *pool = worker.pool;
    free(argument);
    unsigned long seen = 0;
    for (;;) {
        look_for_job(pool, seen);
        pthread_mutex_lock(&pool->mutex);
        while (pool->job == seen && !pool->closing)
            pthread_cond_wait(&pool->work, &pool->mutex);
        if (pool->closing)
            break;
        seen = pool->job;
        pthread_mutex_unlock(&pool->mutex);
        double worked = run_units(pool, worker.thread);
        pthread_mutex_lock(&pool->mutex);
        pool->worked += worked;
        if (--pool->busy == 0)
            pthread_cond_signal(&pool->done);
        pthread_mutex_unlock(&pool->mutex);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

struct pool *pool_open(unsigned threads)
{
    struct pool *pool = mem_calloc(1, sizeof *pool);
    pool->threads = threads;
    pool->workers = mem_calloc(pool->threads, sizeof *pool->workers);
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work, NULL);
    pthread_cond_init(&pool->done, NULL);
    /* Signals are for the program's own thread, but for that of a mapped file's missing page. */
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGBUS);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = 0;
    for (unsigned t = 1; t < pool->threads && !error; t++) {
        struct worker *worker = mem_alloc(sizeof *worker);
        *worker = (struct worker){.pool = pool, .thread = t};
        error = pthread_create(&pool->workers[pool->started], NULL, worker_main, worker);
        if (error)
            free(worker);
        else
            pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) {
        diag_errno(error, "cannot start thread %u of %u", pool->started + 2, pool->threads);
        pool_close(pool);
        return NULL;
    }
    return pool;
}

void pool_close(struct pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->closing = true;
    pthread_cond_broadcast(&pool->work);
    pthread_mutex_unlock(&pool->mutex);
    for (unsigned t = 0; t < pool->started; t++)
        pthread_join(pool->workers[t], NULL);
    pthread_cond_destroy(&pool->done);
    pthread_cond_destroy(&pool->work);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

void pool_run(struct pool *pool, struct pool_time *time, pool_function *function, void *context,
              size_t units)
{
    bool alone = pool->started == 0 || units <= 1;
    double started = clock_monotonic(), worked;
    pthread_mutex_lock(&pool->mutex);
    pool->function = function;
    pool->context = context;
    pool->units = units;
    pool->worked = 0;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    if (!alone) {
        pool->job++;
        pool->busy = pool->started;
        pthread_cond_broadcast(&pool->work);
    }
    pthread_mutex_unlock(&pool->mutex);
    worked = run_units(pool, 0);
    if (!alone) {
        look_for_end(pool);
        pthread_mutex_lock(&pool->mutex);
        while (pool->busy > 0)
            pthread_cond_wait(&pool->done, &pool->mutex);
        worked += pool->worked;
        pthread_mutex_unlock(&pool->mutex);
    }
    time->worked += worked;
    time->taken += clock_monotonic() - started;
}
