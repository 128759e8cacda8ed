/* Which kernel table this processor gets. */
#include "nn/cpu/kernels.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/diag.h"

extern const struct kernels kernels_avx512, kernels_avx2, kernels_portable;

/* The feature sets are those that -march=x86-64-v4 and -v3 let the compiler use. */
static bool runs_avx2(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

static bool runs_avx512(void)
{
#ifdef __x86_64__
    return runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return false;
#endif
}

static bool runs_always(void)
{
    return true;
}

const struct kernels *kernels_select(void)
{
    static const struct {
        const struct kernels *kernels;
        bool (*runs)(void);
    } tables[] = {
#ifdef __x86_64__
        {&kernels_avx512, runs_avx512},
        {&kernels_avx2, runs_avx2},
#endif
        {&kernels_portable, runs_always},
    };
    (void)runs_avx2;
    (void)runs_avx512;
    const char *wanted = getenv("BERTPIPE_KERNELS");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        bool named = wanted && *wanted && strcmp(wanted, tables[i].kernels->name) == 0;
        if (wanted && *wanted && !named)
            continue;
        if (tables[i].runs())
            return tables[i].kernels;
        if (named) {
            diag_error("BERTPIPE_KERNELS: this processor cannot run '%s'", wanted);
            return NULL;
        }
    }
    diag_error("BERTPIPE_KERNELS: no kernels are called '%s'", wanted);
    return NULL;
}
