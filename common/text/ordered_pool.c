#include "text/ordered_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"

struct pool_slot {
    void *job;
    bool done;
};

struct pool_worker {
    struct ordered_pool *pool;
    void *state;
    pthread_t id;
};

/* Enough for the others to go on with while the caller works on one. */
#define JOBS_PER_THREAD 4

/* A ring of slots. Counters only grow: slot i % slot_count holds the job number i. */
struct ordered_pool {
    ordered_work work;
    void *state; /* of the caller's thread */
    struct pool_worker *workers;
    unsigned worker_count, idle; /* idle: those that wait for a job */
    struct pool_slot *slots;
    size_t slot_count;
    size_t taken, started, submitted; /* taken <= started <= submitted */
    bool closing;
    pthread_mutex_t lock;
    pthread_cond_t new_job, job_done;
};

/* Does the next job that nobody has started; called, and returns, with the lock held. */
static void do_next(struct ordered_pool *pool, void *state)
{
    struct pool_slot *slot = &pool->slots[pool->started++ % pool->slot_count];
    pthread_mutex_unlock(&pool->lock);
    pool->work(slot->job, state);
    pthread_mutex_lock(&pool->lock);
    slot->done = true;
}

static void *run_worker(void *argument)
{
    const struct pool_worker *worker = argument;
    struct ordered_pool *pool = worker->pool;
    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        if (pool->started < pool->submitted) {
            do_next(pool, worker->state);
            pthread_cond_signal(&pool->job_done);
            continue;
        }
        pool->idle++;
        pthread_cond_wait(&pool->new_job, &pool->lock);
        pool->idle--;
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct ordered_pool *ordered_pool_new(unsigned threads, ordered_work work, void *const *states)
{
    struct ordered_pool *pool = mem_calloc(1, sizeof(*pool));
    pool->work = work;
    pool->state = states[0];
    pool->slot_count = JOBS_PER_THREAD * (size_t)threads;
    pool->slots = mem_calloc(pool->slot_count, sizeof(*pool->slots));
    pool->workers = mem_calloc(threads, sizeof(*pool->workers));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->new_job, NULL);
    pthread_cond_init(&pool->job_done, NULL);
    for (unsigned i = 1; i < threads; i++) {
        struct pool_worker *worker = &pool->workers[pool->worker_count];
        *worker = (struct pool_worker){.pool = pool, .state = states[i]};
        int error = pthread_create(&worker->id, NULL, run_worker, worker);
        if (error != 0) {
            diag_errno(error, "cannot start thread %u of %u", i + 1, threads);
            ordered_pool_free(pool);
            return NULL;
        }
        pool->worker_count++;
    }
    return pool;
}

void ordered_pool_free(struct ordered_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->new_job);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->worker_count; i++)
        pthread_join(pool->workers[i].id, NULL);
    pthread_cond_destroy(&pool->new_job);
    pthread_cond_destroy(&pool->job_done);
    pthread_mutex_destroy(&pool->lock);
    free(pool->slots);
    free(pool->workers);
    free(pool);
}

/* taken and submitted are changed by the caller's thread only, so it may read them without the
 * lock. */
bool ordered_pool_full(const struct ordered_pool *pool)
{
    return pool->submitted - pool->taken == pool->slot_count;
}

void ordered_pool_submit(struct ordered_pool *pool, void *job)
{
    struct pool_slot *slot = &pool->slots[pool->submitted % pool->slot_count];
    pthread_mutex_lock(&pool->lock);
    *slot = (struct pool_slot){.job = job};
    pool->submitted++;
    if (pool->idle > 0)
        pthread_cond_signal(&pool->new_job);
    pthread_mutex_unlock(&pool->lock);
}

void *ordered_pool_take(struct ordered_pool *pool)
{
    struct pool_slot *slot = &pool->slots[pool->taken % pool->slot_count];
    if (pool->taken == pool->submitted)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    while (!slot->done) {
        if (pool->started < pool->submitted)
            do_next(pool, pool->state);
        else
            pthread_cond_wait(&pool->job_done, &pool->lock);
    }
    pool->taken++;
    pthread_mutex_unlock(&pool->lock);
    return slot->job;
}
