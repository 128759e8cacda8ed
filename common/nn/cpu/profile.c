/* Where the engine's time went: every job adds to its phase and layer. */
#include "nn/cpu/cpu.h"

static const char *const phase_names[PHASES] = {
    [PHASE_EMBEDDINGS] = "embeddings",
    [PHASE_ATTENTION] = "attention",
    [PHASE_ROWS] = "rows",
    [PHASE_HEAD] = "head",
    [PHASE_AGAIN] = "layers again",
    [PHASE_HEAD_BACKWARD] = "head, backward",
    [PHASE_ROWS_BACKWARD] = "rows, backward",
    [PHASE_ATTENTION_BACKWARD] = "attention, backward",
    [PHASE_GRADIENTS] = "inputs and weights, backward",
    [PHASE_EMBEDDINGS_BACKWARD] = "embeddings, backward",
    [PHASE_PACK] = "packing of weights",
    [PHASE_OPTIMISER] = "optimiser",
};

void cpu_profile_count(struct cpu_engine *e, double times)
{
    const struct cpu_weights *w = e->weights;
    const struct batch *b = e->batch;
    double H = w->hidden, I = w->intermediate, operations = 0;
    for (uint32_t s = 0; s < b->sequences; s++) {
        double length = b->cu_seqlens[s + 1] - b->cu_seqlens[s];
        double read = e->cu_rows[s + 1] - e->cu_rows[s];
        for (uint32_t l = 0; l < w->layers; l++) {
            double rows = l + 1 == w->layers ? read : length;
            operations += 2 * H * (2 * H * length + (2 * H + 2 * I) * rows) + 4 * H * rows * length;
        }
        operations += 2 * read * H * (H + w->labels);
    }
    e->profile.operations += times * operations;
}

static struct pool_time phase_sum(const struct cpu_profile *p, int phase)
{
    struct pool_time sum = {0};
    for (uint32_t l = 0; l < p->layers; l++) {
        sum.taken += p->time[(size_t)phase * p->layers + l].taken;
        sum.worked += p->time[(size_t)phase * p->layers + l].worked;
    }
    return sum;
}

/* Of the phases that belong to layers. */
static double layer_sum(const struct cpu_profile *p, uint32_t layer)
{
    static const enum cpu_phase phases[] = {
        PHASE_ATTENTION,          PHASE_ROWS,     PHASE_AGAIN, PHASE_ROWS_BACKWARD,
        PHASE_ATTENTION_BACKWARD, PHASE_GRADIENTS};
    double sum = 0;
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++)
        sum += p->time[(size_t)phases[i] * p->layers + layer].taken;
    return sum;
}

void cpu_profile_report(const struct cpu_engine *e, struct buffer *out)
{
    const struct cpu_profile *p = &e->profile;
    struct pool_time all = {0};
    for (int phase = 0; phase < PHASES; phase++) {
        struct pool_time sum = phase_sum(p, phase);
        all.taken += sum.taken;
        all.worked += sum.worked;
    }
    if (all.taken <= 0)
        return;
    double threads = e->plan.threads;
    buffer_format(out, "%-30s %9s %7s %7s\n", "phase", "seconds", "share", "idle");
    for (int phase = 0; phase < PHASES; phase++) {
        struct pool_time sum = phase_sum(p, phase);
        if (sum.taken > 0)
            buffer_format(out, "%-30s %9.3f %5.1f %% %5.1f %%\n", phase_names[phase], sum.taken,
                          100 * sum.taken / all.taken,
                          100 * (1 - sum.worked / (threads * sum.taken)));
    }
    for (uint32_t l = 0; l < p->layers; l++)
        buffer_format(out, "layer %-24u %9.3f %5.1f %%\n", l, layer_sum(p, l),
                      100 * layer_sum(p, l) / all.taken);
    buffer_format(out, "%-30s %9.3f %5.1f %% %5.1f %%\n", "all", all.taken, 100.0,
                  100 * (1 - all.worked / (threads * all.taken)));
    buffer_format(out, "%.1f GFLOP/s of the model's products\n", p->operations / all.taken / 1e9);
}
