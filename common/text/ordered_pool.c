#include "text/ordered_pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "cli/diag.h"
#include "cli/memory.h"

struct pool_slot {
    void *job;
    bool done;
};

struct pool_thread {
    struct ordered_pool *pool;
    void *state;
    pthread_t id;
};

/* A ring of slots. Counters only grow: slot i % slot_count holds the job number i. */
struct ordered_pool {
    ordered_work work;
    struct pool_thread *threads;
    unsigned thread_count; /* 0: jobs are done within submit */
    struct pool_slot *slots;
    size_t slot_count;
    size_t taken, started, submitted; /* taken <= started <= submitted */
    bool closing;
    pthread_mutex_t lock;
    pthread_cond_t new_job, job_done;
};

static void *run_thread(void *argument)
{
    struct pool_thread *thread = argument;
    struct ordered_pool *pool = thread->pool;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (pool->started == pool->submitted && !pool->closing)
            pthread_cond_wait(&pool->new_job, &pool->lock);
        if (pool->closing)
            break;
        struct pool_slot *slot = &pool->slots[pool->started++ % pool->slot_count];
        pthread_mutex_unlock(&pool->lock);
        pool->work(slot->job, thread->state);
        pthread_mutex_lock(&pool->lock);
        slot->done = true;
        pthread_cond_signal(&pool->job_done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct ordered_pool *ordered_pool_new(unsigned threads, ordered_work work, void *states,
                                      size_t state_size)
{
    struct ordered_pool *pool = mem_calloc(1, sizeof(*pool));
    pool->work = work;
    pool->slot_count = 2 * (size_t)threads;
    pool->slots = mem_calloc(pool->slot_count, sizeof(*pool->slots));
    pool->threads = mem_calloc(threads, sizeof(*pool->threads));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->new_job, NULL);
    pthread_cond_init(&pool->job_done, NULL);
    pool->threads[0].state = states;
    for (unsigned i = 0; i < threads && threads > 1; i++) {
        pool->threads[i] =
            (struct pool_thread){.pool = pool, .state = (char *)states + i * state_size};
        int error = pthread_create(&pool->threads[i].id, NULL, run_thread, &pool->threads[i]);
        if (error != 0) {
            diag_errno(error, "cannot start thread %u of %u", i + 1, threads);
            ordered_pool_free(pool);
            return NULL;
        }
        pool->thread_count++;
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
    for (unsigned i = 0; i < pool->thread_count; i++)
        pthread_join(pool->threads[i].id, NULL);
    pthread_cond_destroy(&pool->new_job);
    pthread_cond_destroy(&pool->job_done);
    pthread_mutex_destroy(&pool->lock);
    free(pool->slots);
    free(pool->threads);
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
    if (pool->thread_count == 0)
        pool->work(job, pool->threads[0].state);
    pthread_mutex_lock(&pool->lock);
    *slot = (struct pool_slot){.job = job, .done = pool->thread_count == 0};
    pool->submitted++;
    if (pool->thread_count > 0)
        pthread_cond_signal(&pool->new_job);
    else
        pool->started++;
    pthread_mutex_unlock(&pool->lock);
}

void *ordered_pool_take(struct ordered_pool *pool)
{
    struct pool_slot *slot = &pool->slots[pool->taken % pool->slot_count];
    if (pool->taken == pool->submitted)
        return NULL;
    pthread_mutex_lock(&pool->lock);
    while (!slot->done)
        pthread_cond_wait(&pool->job_done, &pool->lock);
    pool->taken++;
    pthread_mutex_unlock(&pool->lock);
    return slot->job;
}
