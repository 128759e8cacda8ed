/* What this processor, and the system on it, can run. */
#ifndef NN_CPU_PROCESSOR_H
#define NN_CPU_PROCESSOR_H

#include <stdbool.h>

/* The feature sets that -march=x86-64-v3 and -v4 let the compiler use. */
bool processor_runs_avx2(void);
bool processor_runs_avx512(void);
/* VDPBF16PS on registers of 512 bits. */
bool processor_runs_avx512bf16(void);
/* VPDPBUSD and VPDPWSSD on registers of 512 bits, and on those of 256 in its encoding without
 * AVX-512. */
bool processor_runs_avx512vnni(void);
bool processor_runs_avxvnni(void);
/* TDPBF16PS. Asks the system for the use of the tile registers, which then holds for all threads of
 * the process. */
bool processor_runs_amx(void);

#endif
