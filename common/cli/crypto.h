/* libcrypto, whose first use fails badly without memory: it gets that of memory.h. */
#ifndef CLI_CRYPTO_H
#define CLI_CRYPTO_H

/* To be called before libcrypto is used, or libcurl, which uses it. More than once is once. */
void crypto_init(void);

#endif
