/* Which kernels and products this processor gets. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/diag.h"
#include "cli/memory.h"
#include "nn/cpu/kernels.h"
#include "nn/cpu/processor.h"

extern const struct kernels kernels_avx512, kernels_avx2, kernels_portable;
extern const struct products products_amx, products_avx512bf16, products_emulated;
extern const struct products products_bfp_avx512vnni, products_bfp_avxvnni, products_bfp_avx2;
extern const struct products products_int8_avx512vnni, products_int8_avxvnni;

/* The value of a variable that names a choice, or NULL. */
static const char *wanted_name(const char *variable)
{
    const char *wanted = getenv(variable);
    return wanted && *wanted ? wanted : NULL;
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
        {&kernels_avx512, processor_runs_avx512},
        {&kernels_avx2, processor_runs_avx2},
#endif
        {&kernels_portable, runs_always},
    };
    const char *wanted = wanted_name("BERTPIPE_KERNELS");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        bool named = wanted && strcmp(wanted, tables[i].kernels->name) == 0;
        if (wanted && !named)
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

/* ---- probes ---- */

/* A product of whole numbers that bf16 and int8 hold as they are, so that every sum is exact: each
 * row and column has the ends of int8's range. */
struct probe {
    size_t rows, columns, depth;
    float *left, *right, *result;
    void *room, *panels;
};

static void probe_open(struct probe *p, const struct products *products, size_t rows,
                       size_t columns, size_t depth)
{
    *p = (struct probe){.rows = rows, .columns = columns, .depth = depth};
    p->left = mem_realloc_array(NULL, rows * depth, sizeof(float));
    p->right = mem_realloc_array(NULL, columns * depth, sizeof(float));
    p->result = mem_calloc(rows * columns, sizeof(float));
    p->room = mem_alloc_lines(products->left_bytes(rows, depth));
    p->panels = mem_alloc_lines(products->panels_bytes(depth, columns));
    for (size_t i = 0; i < rows * depth; i++)
        p->left[i] = i % depth == 0 ? -128 : i % depth == 1 ? 127 : (float)(i * 7 % 256) - 128;
    for (size_t i = 0; i < columns * depth; i++)
        p->right[i] = i % depth == 2 ? 127 : (float)(i * 5 % 255) - 127;
    products->pack_panels(p->panels, p->right, 1, depth, depth, columns);
}

static void probe_close(struct probe *p)
{
    free(p->left);
    free(p->right);
    free(p->result);
    free(p->room);
    free(p->panels);
}

static void probe_multiply(struct probe *p, const struct products *products)
{
    struct left left = products->left(p->room, p->left, p->depth, 1, p->rows, p->depth);
    products->multiply(p->result, p->columns, left, p->panels, NULL, false, p->rows, p->columns,
                       p->depth);
}

/* Whether they compute what they should, at edges and at every row's position. */
static bool computes_right(const struct products *products)
{
    struct probe p;
    bool right = true;
    probe_open(&p, products, 37, 45, 262);
    probe_multiply(&p, products);
    for (size_t m = 0; m < p.rows; m++)
        for (size_t n = 0; n < p.columns; n++) {
            float sum = 0;
            for (size_t k = 0; k < p.depth; k++)
                sum += p.left[m * p.depth + k] * p.right[n * p.depth + k];
            right = right && p.result[m * p.columns + n] == sum;
        }
    probe_close(&p);
    if (!right)
        diag_verbose("%s: does not compute as it should here, and is left out", products->name);
    return right;
}

/* Seconds that the products of a block of rows take, the least of some. */
static double seconds_of(const struct products *products)
{
    struct probe p;
    double least = 1;
    probe_open(&p, products, 96, 256, 384);
    for (int run = 0; run < 8; run++) {
        double started = clock_monotonic();
        probe_multiply(&p, products);
        double seconds = clock_monotonic() - started;
        least = seconds < least ? seconds : least;
    }
    probe_close(&p);
    return least;
}

/* ---- products ---- */

static bool faster_than_float32(const struct products *products, const struct kernels *kernels)
{
    return seconds_of(products) < seconds_of(kernels->float32);
}

/* One way to compute a dtype. */
struct way {
    const char *name;
    const struct products *products;
    bool (*runs)(void);
    const struct kernels *kernels; /* that use as much of the processor; NULL: only by its name */
    bool timed;
};

static const struct products *named_products(const char *variable, const char *wanted,
                                             const struct way *ways, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(wanted, ways[i].name) != 0)
            continue;
        if (ways[i].runs())
            return ways[i].products;
        diag_error("%s: this processor cannot run '%s'", variable, wanted);
        return NULL;
    }
    diag_error("%s: no products are called '%s'", variable, wanted);
    return NULL;
}

/* The one that the variable names, or the first that goes with the kernels, that the processor runs
 * and that is right; or what is left. NULL after a message. */
static const struct products *select_way(const char *variable, const struct kernels *kernels,
                                         const struct way *ways, size_t count,
                                         const struct products *otherwise)
{
    const char *wanted = wanted_name(variable);
    if (wanted)
        return named_products(variable, wanted, ways, count);
    for (size_t i = 0; i < count; i++)
        if (ways[i].kernels == kernels && ways[i].runs() && computes_right(ways[i].products) &&
            (!ways[i].timed || faster_than_float32(ways[i].products, kernels)))
            return ways[i].products;
    return otherwise;
}

/* A choice by time could come out otherwise when a run is resumed, and with it other bits: only
 * VDPBF16PS is timed, which Intel's processors run at half of float32's speed and AMD's at twice.
 * The others are faster than float32, or (VPMADDWD on the first processors with AVX2) as fast. */
static const struct products *select_bf16(const struct kernels *kernels,
                                          const struct products *otherwise)
{
    const struct way ways[] = {
#ifdef __x86_64__
        {"amx", &products_amx, processor_runs_amx, &kernels_avx512, false},
        {"avx512bf16", &products_avx512bf16, processor_runs_avx512bf16, &kernels_avx512, true},
        {"avx512vnni", &products_bfp_avx512vnni, processor_runs_avx512vnni, &kernels_avx512, false},
        {"avxvnni", &products_bfp_avxvnni, processor_runs_avxvnni, &kernels_avx2, false},
        {"avx2", &products_bfp_avx2, processor_runs_avx2, &kernels_avx2, false},
#endif
        {"emulated", &products_emulated, runs_always, NULL, false},
        {"rounded", kernels->rounded, runs_always, NULL, false},
    };
    return select_way("BERTPIPE_BF16", kernels, ways, sizeof ways / sizeof *ways, otherwise);
}

static const struct products *select_int8(const struct kernels *kernels)
{
    const struct way ways[] = {
#ifdef __x86_64__
        {"avx512vnni", &products_int8_avx512vnni, processor_runs_avx512vnni, &kernels_avx512,
         false},
        {"avxvnni", &products_int8_avxvnni, processor_runs_avxvnni, &kernels_avx512, false},
        {"avxvnni", &products_int8_avxvnni, processor_runs_avxvnni, &kernels_avx2, false},
#endif
        {"rounded", kernels->quantised, runs_always, NULL, false},
    };
    return select_way("BERTPIPE_INT8", kernels, ways, sizeof ways / sizeof *ways,
                      kernels->quantised);
}

const struct products *products_select(const struct kernels *kernels, enum engine_dtype dtype)
{
    switch (dtype) {
    case ENGINE_BF16:
        return select_bf16(kernels, kernels->rounded);
    case ENGINE_AUTO:
        return select_bf16(kernels, kernels->float32);
    case ENGINE_INT8:
        return select_int8(kernels);
    case ENGINE_FLOAT32:
        break;
    }
    return kernels->float32;
}
