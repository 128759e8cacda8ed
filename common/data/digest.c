#include "data/digest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "cli/crypto.h"
#include "cli/diag.h"
#include "cli/input.h"
#include "cli/memory.h"

struct digest {
    EVP_MD_CTX *context;
    enum digest_kind kind;
};

const char *digest_name(enum digest_kind kind)
{
    static const char *const names[] = {"no hash", "MD5", "SHA-256", "git hash"};
    return names[kind];
}

/* libcrypto fails here only where a policy forbids the hash: then nothing can be verified. */
static void require(int success, enum digest_kind kind)
{
    if (!success) {
        diag_error("libcrypto: cannot compute the %s", digest_name(kind));
        exit(1);
    }
}

struct digest *digest_new(enum digest_kind kind)
{
    crypto_init();
    const EVP_MD *type = kind == DIGEST_MD5      ? EVP_md5()
                         : kind == DIGEST_SHA256 ? EVP_sha256()
                                                 : EVP_sha1();
    struct digest *digest = mem_alloc(sizeof(*digest));
    *digest = (struct digest){EVP_MD_CTX_new(), kind};
    require(digest->context && EVP_DigestInit_ex(digest->context, type, NULL), kind);
    return digest;
}

void digest_add(struct digest *digest, const void *data, size_t size)
{
    require(EVP_DigestUpdate(digest->context, data, size), digest->kind);
}

void digest_finish(struct digest *digest, char *hex)
{
    if (!digest)
        return;
    if (hex) {
        unsigned char bytes[EVP_MAX_MD_SIZE];
        unsigned size;
        require(EVP_DigestFinal_ex(digest->context, bytes, &size), digest->kind);
        for (unsigned i = 0; i < size; i++)
            snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    EVP_MD_CTX_free(digest->context);
    free(digest);
}

static int add_file(struct digest *digest, struct input *input)
{
    size_t size = (size_t)1 << 16;
    char *buffer = mem_alloc(size);
    ssize_t got;
    while ((got = input_read(input, buffer, size)) > 0)
        digest_add(digest, buffer, (size_t)got);
    free(buffer);
    return got < 0 ? -1 : 0;
}

/* The NUL after the size is hashed too. */
static int add_blob_header(struct digest *digest, const struct input *input)
{
    struct stat status;
    char text[32];
    if (fstat(input->fd, &status) < 0)
        return diag_errno(errno, "%s: cannot read", input->name);
    int length = snprintf(text, sizeof(text), "blob %" PRIdMAX, (intmax_t)status.st_size);
    digest_add(digest, text, (size_t)length + 1);
    return 0;
}

int digest_file(const char *path, enum digest_kind kind, char hex[DIGEST_HEX_MAX])
{
    struct input input;
    if (input_open(&input, path) < 0)
        return -1;
    struct digest *digest = digest_new(kind);
    int status = kind == DIGEST_GIT_BLOB ? add_blob_header(digest, &input) : 0;
    if (status == 0)
        status = add_file(digest, &input);
    digest_finish(digest, status == 0 ? hex : NULL);
    input_close(&input);
    return status;
}
