/*
 * Threads that work on jobs and give them back in the order in which they came.
 *
 * Only the thread that made the pool calls these functions. A job is any pointer; the pool holds it
 * from submit to take.
 */
#ifndef TEXT_ORDERED_POOL_H
#define TEXT_ORDERED_POOL_H

#include <stdbool.h>
#include <stddef.h>

/* Does a job. state is the thread's own. */
typedef void (*ordered_work)(void *job, void *state);

struct ordered_pool;

/*
 * A pool of `threads` >= 1, of which thread i has the state states[i]. The first thread is the
 * caller's, which works while it waits: one thread is nothing but the caller. NULL with a message
 * when a thread cannot be started.
 */
struct ordered_pool *ordered_pool_new(unsigned threads, ordered_work work, void *const *states);
/* Waits for jobs at work; those not taken are forgotten. pool may be NULL. */
void ordered_pool_free(struct ordered_pool *pool);

/* Whether a job must be taken before the next can be submitted: at most four times as many as
 * threads are held. */
bool ordered_pool_full(const struct ordered_pool *pool);
void ordered_pool_submit(struct ordered_pool *pool, void *job);
/* The oldest job that was submitted, when it is done, which the caller helps; NULL when none is
 * held. */
void *ordered_pool_take(struct ordered_pool *pool);

#endif
