/*
 * What stretches of text became, for the states of one or several threads: chunk_cache.h and
 * long_cache.h.
 *
 * Threads find and add entries at the same time. Only while the tables grow must all of them be
 * out: each is inside between word_cache_enter and word_cache_leave, which for one alone do
 * nothing.
 */
#ifndef TEXT_WORD_CACHE_H
#define TEXT_WORD_CACHE_H

#include <pthread.h>

#include "text/chunk_cache.h"
#include "text/long_cache.h"

struct word_cache;

struct word_cache_user {
    /* The tables as they are while the user is inside; `stored` is its own. */
    struct chunk_cache chunks;
    struct long_cache longs;
    size_t chunk_room, long_room; /* what it may store before it asks whether they should grow */
    struct word_cache *cache;
    struct word_cache_user *next;
    pthread_mutex_t inside;
};

/* A cache of its own, which may grow to so many bytes and a quarter; ids: one more than the largest
 * that may come. */
void word_cache_open(struct word_cache_user *user, size_t bytes, size_t ids);
/* The cache of another user, none of which has been inside yet. */
void word_cache_join(struct word_cache_user *user, struct word_cache_user *other);
/* The last user's close frees the cache. */
void word_cache_close(struct word_cache_user *user);

void word_cache_enter(struct word_cache_user *user);
void word_cache_leave(struct word_cache_user *user);

/* Grows the tables if enough has been stored; called inside. Lines found before are no longer
 * theirs. */
void word_cache_grow_now(struct word_cache_user *user);
static inline void word_cache_grow(struct word_cache_user *user)
{
    if (user->chunks.stored >= user->chunk_room || user->longs.stored >= user->long_room)
        word_cache_grow_now(user);
}

#endif
