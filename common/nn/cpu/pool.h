/*
 * A pool of threads that run the numbered units of one job at a time.
 *
 * Units are handed out in ascending order to whichever thread is free, so a job's units must not
 * depend on each other nor on the thread that runs them; then the results are the same for any
 * number of threads.
 */
#ifndef NN_CPU_POOL_H
#define NN_CPU_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool;

/* thread: 0 .. threads - 1, for scratch memory. */
typedef void pool_function(void *context, size_t unit, unsigned thread);

/* Starts threads - 1 workers (threads at least 1); the caller of pool_run is the last one. NULL
 * after a message. */
struct pool *pool_open(unsigned threads);
void pool_close(struct pool *pool);

/* Seconds that jobs took, and that their threads worked, added up. */
struct pool_time {
    double taken, worked;
};

/* Runs units 0 .. units - 1 and returns when all are done; adds to time. */
void pool_run(struct pool *pool, struct pool_time *time, pool_function *function, void *context,
              size_t units);

#endif
