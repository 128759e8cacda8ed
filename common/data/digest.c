#include "data/digest.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "cli/diag.h"
#include "cli/input.h"
#include "cli/memory.h"

struct md5 {
    EVP_MD_CTX *context;
};

/* libcrypto fails here only when memory ends, or where a policy forbids MD5: then nothing can be
 * verified. */
static void require(int success)
{
    if (!success) {
        diag_error("libcrypto: cannot compute MD5");
        exit(1);
    }
}

struct md5 *md5_new(void)
{
    struct md5 *md5 = mem_alloc(sizeof(*md5));
    md5->context = EVP_MD_CTX_new();
    require(md5->context && EVP_DigestInit_ex(md5->context, EVP_md5(), NULL));
    return md5;
}

void md5_add(struct md5 *md5, const void *data, size_t size)
{
    require(EVP_DigestUpdate(md5->context, data, size));
}

void md5_finish(struct md5 *md5, char *hex)
{
    if (!md5)
        return;
    if (hex) {
        unsigned char bytes[EVP_MAX_MD_SIZE];
        require(EVP_DigestFinal_ex(md5->context, bytes, NULL));
        for (size_t i = 0; i < (MD5_HEX - 1) / 2; i++)
            snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    EVP_MD_CTX_free(md5->context);
    free(md5);
}

int md5_file(const char *path, char hex[MD5_HEX])
{
    struct input input;
    if (input_open(&input, path) < 0)
        return -1;
    size_t size = (size_t)1 << 16;
    char *buffer = mem_alloc(size);
    struct md5 *md5 = md5_new();
    ssize_t got;
    while ((got = input_read(&input, buffer, size)) > 0)
        md5_add(md5, buffer, (size_t)got);
    md5_finish(md5, hex);
    free(buffer);
    input_close(&input);
    return got < 0 ? -1 : 0;
}
