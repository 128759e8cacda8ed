/*
 * gemm-peak [THREADS [float32|bf16|auto|int8]]: what the matrix products of common/nn/cpu reach on
 * this processor.
 *
 * One line per shape, tab-separated: rows, columns, depth, GFLOP/s of one thread, GFLOP/s of all
 * threads together (default: as many as the process may run on). The right operand is packed
 * beforehand, as weights are. The best of several runs counts: other load on the machine only ever
 * slows one down.
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/clock.h"
#include "cli/memory.h"
#include "cli/options.h"
#include "nn/cpu/kernels.h"
#include "train/engine_options.h"

#define RUNS        12
#define RUN_SECONDS 0.05

struct shape {
    size_t rows, columns, depth;
};

/* A block of rows through MiniLM's and BERT-base's layers, and a tile of a weight's gradient. */
static const struct shape shapes[] = {
    {96, 384, 384},  {96, 1536, 384}, {96, 384, 1536}, {96, 768, 768},
    {96, 3072, 768}, {96, 768, 3072}, {384, 192, 384},
};

struct worker {
    const struct products *products;
    struct shape shape;
    pthread_barrier_t *barrier;
    double best; /* seconds of one product */
};

static float *filled(size_t count)
{
    float *values = mem_realloc_array(NULL, count, sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(i % 13) * 0.125f - 0.75f;
    return values;
}

static double seconds_of(const struct worker *worker, float *c, struct left left,
                         const void *panels, size_t times)
{
    const struct shape *s = &worker->shape;
    double started = clock_monotonic();
    for (size_t i = 0; i < times; i++)
        worker->products->multiply(c, s->columns, left, panels, NULL, false, s->rows, s->columns,
                                   s->depth);
    return (clock_monotonic() - started) / (double)times;
}

static void *work(void *context)
{
    struct worker *worker = context;
    const struct products *p = worker->products;
    const struct shape *s = &worker->shape;
    float *a = filled(s->rows * s->depth), *b = filled(s->columns * s->depth);
    float *c = filled(s->rows * s->columns);
    void *packed = mem_alloc_lines(p->panels_bytes(s->depth, s->columns));
    void *room = mem_alloc_lines(p->left_bytes(s->rows, s->depth));
    struct left left = p->left(room, a, s->depth, 1, s->rows, s->depth);
    p->pack_panels(packed, b, 1, s->depth, s->depth, s->columns);
    double once = seconds_of(worker, c, left, packed, 4);
    size_t times = (size_t)(RUN_SECONDS / once) + 1;
    worker->best = once;
    for (int run = 0; run < RUNS; run++) {
        pthread_barrier_wait(worker->barrier);
        double seconds = seconds_of(worker, c, left, packed, times);
        worker->best = seconds < worker->best ? seconds : worker->best;
    }
    free(a);
    free(b);
    free(packed);
    free(room);
    free(c);
    return NULL;
}

/* GFLOP/s of that many threads together, each with matrices of its own. */
static double measure(const struct products *products, struct shape shape, unsigned threads)
{
    pthread_barrier_t barrier;
    pthread_t *ids = mem_calloc(threads, sizeof *ids);
    struct worker *workers = mem_calloc(threads, sizeof *workers);
    double total = 0;
    pthread_barrier_init(&barrier, NULL, threads);
    for (unsigned i = 0; i < threads; i++) {
        workers[i] = (struct worker){products, shape, &barrier, 0};
        if (pthread_create(&ids[i], NULL, work, &workers[i]))
            exit(1);
    }
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        total += 2e-9 * (double)(shape.rows * shape.columns * shape.depth) / workers[i].best;
    }
    pthread_barrier_destroy(&barrier);
    free(ids);
    free(workers);
    return total;
}

int main(int argc, char **argv)
{
    cpu_set_t set;
    uint64_t threads = 1;
    const struct kernels *kernels = kernels_select();
    int dtype = ENGINE_FLOAT32;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        threads = (uint64_t)CPU_COUNT(&set);
    while (argc == 3 && engine_dtype_names[dtype] && strcmp(argv[2], engine_dtype_names[dtype]))
        dtype++;
    if (argc > 3 || !engine_dtype_names[dtype] ||
        (argc >= 2 && (parse_unsigned(argv[1], &threads) || threads < 1 || threads > 1024))) {
        fprintf(stderr, "usage: gemm-peak [THREADS [float32|bf16|auto|int8]]\n");
        return 2;
    }
    const struct products *products =
        kernels ? products_select(kernels, (enum engine_dtype)dtype) : NULL;
    if (!products)
        return 1;
    printf("%s, %s kernels\n", products->name, kernels->name);
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        printf("%zu\t%zu\t%zu\t%.1f\t%.1f\n", shapes[i].rows, shapes[i].columns, shapes[i].depth,
               measure(products, shapes[i], 1), measure(products, shapes[i], (unsigned)threads));
    return 0;
}
