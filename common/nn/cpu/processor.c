#include "nn/cpu/processor.h"

#ifdef __x86_64__

#include <cpuid.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXTENDED_FEATURES 7 /* the leaf of CPUID */
#define ECX_AVX512_VNNI   (1u << 11)
#define SUBLEAF_NEWER     1
#define EAX_AVX_VNNI      (1u << 4)
#define EAX_AVX512_BF16   (1u << 5)
#define EDX_AMX_BF16      (1u << 22)
#define EDX_AMX_TILE      (1u << 24)

#define XCR0_TILES      ((uint64_t)3 << 17) /* the system saves tiles and their configuration */
#define REQUEST_FEATURE 0x1023              /* ARCH_REQ_XCOMP_PERM of asm/prctl.h */
#define TILE_DATA       18                  /* the feature's number */

bool processor_runs_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}

bool processor_runs_avx512(void)
{
    return processor_runs_avx2() && __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512cd") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

static bool has_newer(unsigned bit)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(EXTENDED_FEATURES, SUBLEAF_NEWER, &a, &b, &c, &d) && (a & bit) != 0;
}

bool processor_runs_avx512bf16(void)
{
    return processor_runs_avx512() && has_newer(EAX_AVX512_BF16);
}

bool processor_runs_avx512vnni(void)
{
    unsigned a, b, c, d;
    return processor_runs_avx512() && __get_cpuid_count(EXTENDED_FEATURES, 0, &a, &b, &c, &d) &&
           (c & ECX_AVX512_VNNI) != 0;
}

bool processor_runs_avxvnni(void)
{
    return processor_runs_avx2() && has_newer(EAX_AVX_VNNI);
}

static uint64_t xcr0(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

bool processor_runs_amx(void)
{
    unsigned a, b, c, d;
    if (!processor_runs_avx512() || !__get_cpuid_count(EXTENDED_FEATURES, 0, &a, &b, &c, &d))
        return false;
    if ((d & EDX_AMX_BF16) == 0 || (d & EDX_AMX_TILE) == 0 || (xcr0() & XCR0_TILES) != XCR0_TILES)
        return false;
    return syscall(SYS_arch_prctl, REQUEST_FEATURE, TILE_DATA) == 0;
}

#else

bool processor_runs_avx2(void)
{
    return false;
}

bool processor_runs_avx512(void)
{
    return false;
}

bool processor_runs_avx512bf16(void)
{
    return false;
}

bool processor_runs_avx512vnni(void)
{
    return false;
}

bool processor_runs_avxvnni(void)
{
    return false;
}

bool processor_runs_amx(void)
{
    return false;
}

#endif
