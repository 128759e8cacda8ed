#include "cli/crypto.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#include "cli/memory.h"

static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size > 0 ? mem_alloc(size) : NULL;
}

static void *reallocate(void *pointer, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return mem_realloc_array(pointer, size, 1);
}

static void release(void *pointer, const char *file, int line)
{
    (void)file;
    (void)line;
    free(pointer);
}

/* Without a handler at exit, which waits for ever when memory ends while libcrypto begins. */
static void begin(void)
{
    (void)CRYPTO_set_mem_functions(allocate, reallocate, release);
    OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
}

void crypto_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, begin);
}
