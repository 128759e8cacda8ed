#include "text/word_cache.h"

#include <stdlib.h>

#include "cli/memory.h"

struct word_cache {
    struct chunk_cache chunks; /* changed only while all users are kept out */
    struct long_cache longs;
    pthread_mutex_t lock; /* for what follows; taken before any user's, and not by who is inside */
    size_t chunks_stored, longs_stored;
    struct word_cache_user *users;
    size_t user_count;
};

/* Together the users store no more than half as much again as there is room for. */
static size_t share(const struct word_cache *cache, size_t room)
{
    return cache->user_count > 1 ? room / (2 * cache->user_count) + 1 : room;
}

static void look_again(struct word_cache_user *user)
{
    const struct word_cache *cache = user->cache;
    size_t chunks = user->chunks.stored, longs = user->longs.stored;
    user->chunks = cache->chunks;
    user->longs = cache->longs;
    user->chunks.stored = chunks;
    user->longs.stored = longs;
    user->chunk_room = share(cache, chunk_cache_room(&cache->chunks));
    user->long_room = share(cache, long_cache_room(&cache->longs));
}

static void add_user(struct word_cache *cache, struct word_cache_user *user)
{
    *user = (struct word_cache_user){.cache = cache, .next = cache->users};
    pthread_mutex_init(&user->inside, NULL);
    cache->users = user;
    cache->user_count++;
    look_again(user);
}

void word_cache_open(struct word_cache_user *user, size_t bytes, size_t ids)
{
    struct word_cache *cache = mem_calloc(1, sizeof(*cache));
    chunk_cache_init(&cache->chunks, bytes, ids);
    long_cache_init(&cache->longs, bytes / 4, ids);
    pthread_mutex_init(&cache->lock, NULL);
    add_user(cache, user);
}

void word_cache_join(struct word_cache_user *user, struct word_cache_user *other)
{
    struct word_cache *cache = other->cache;
    pthread_mutex_lock(&cache->lock);
    add_user(cache, user);
    pthread_mutex_unlock(&cache->lock);
}

void word_cache_close(struct word_cache_user *user)
{
    struct word_cache *cache = user->cache;
    pthread_mutex_lock(&cache->lock);
    struct word_cache_user **link = &cache->users;
    while (*link != user)
        link = &(*link)->next;
    *link = user->next;
    bool last = cache->users == NULL;
    pthread_mutex_unlock(&cache->lock);
    pthread_mutex_destroy(&user->inside);
    if (!last)
        return;
    chunk_cache_free(&cache->chunks);
    long_cache_free(&cache->longs);
    pthread_mutex_destroy(&cache->lock);
    free(cache);
}

/* user_count stays as it is while there is anything to share, so that both do the same. */
void word_cache_enter(struct word_cache_user *user)
{
    if (user->cache->user_count == 1)
        return;
    pthread_mutex_lock(&user->inside);
    if (user->chunks.count != user->cache->chunks.count ||
        user->longs.count != user->cache->longs.count)
        look_again(user);
}

void word_cache_leave(struct word_cache_user *user)
{
    if (user->cache->user_count > 1)
        pthread_mutex_unlock(&user->inside);
}

/* The memory first, for it takes longest to get, and others may go on meanwhile. */
static void grow(struct word_cache *cache, bool chunks, bool longs)
{
    if (chunks)
        chunk_cache_prepare(&cache->chunks);
    if (longs)
        long_cache_prepare(&cache->longs);
    for (struct word_cache_user *user = cache->users; user != NULL; user = user->next)
        pthread_mutex_lock(&user->inside);
    if (chunks) {
        chunk_cache_grow(&cache->chunks);
        cache->chunks_stored = 0;
    }
    if (longs) {
        long_cache_grow(&cache->longs);
        cache->longs_stored = 0;
    }
    for (struct word_cache_user *user = cache->users; user != NULL; user = user->next)
        pthread_mutex_unlock(&user->inside);
}

void word_cache_grow_now(struct word_cache_user *user)
{
    struct word_cache *cache = user->cache;
    word_cache_leave(user);
    pthread_mutex_lock(&cache->lock);
    cache->chunks_stored += user->chunks.stored;
    cache->longs_stored += user->longs.stored;
    user->chunks.stored = user->longs.stored = 0;
    bool chunks = cache->chunks_stored >= chunk_cache_room(&cache->chunks);
    bool longs = cache->longs_stored >= long_cache_room(&cache->longs);
    if (chunks || longs)
        grow(cache, chunks, longs);
    if (cache->user_count == 1)
        look_again(user);
    pthread_mutex_unlock(&cache->lock);
    word_cache_enter(user);
}
