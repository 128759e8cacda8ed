/* What the machine, or the part of it that the process may use, has. */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include <stdint.h>

/* The least of: the machine's memory, its control group's limit, and what the process may still map
 * (RLIMIT_AS). Bytes; UINT64_MAX when nothing is known. */
uint64_t machine_memory(void);

#endif
