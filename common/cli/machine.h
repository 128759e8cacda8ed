/* What the machine, or the part of it that the process may use, has. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdint.h>

/* The least of: the machine's memory, its control group's limit, and what the process may still map
 * (RLIMIT_AS). Bytes; UINT64_MAX when nothing is known. */
uint64_t machine_memory(void);

/* Tells the processor, where it has a way, that this is a loop that waits for another thread. */
static inline void machine_relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

#endif
