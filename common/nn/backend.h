/*
 * What a backend (nn/ref, nn/cpu, nn/cuda) provides: engine.c checks batches and plans against the
 * model, then calls through this table. Contracts are those of engine.h.
 */
#ifndef NN_BACKEND_H
#define NN_BACKEND_H

#include "nn/engine.h"

struct backend {
    const char *name;
    void *(*open)(const struct model *model, const struct engine_plan *plan, void *weights_from);
    void (*close)(void *self);
    uint64_t (*memory)(const void *self);
    /* engine_plan_memory, or NULL: an engine is small enough to be opened for it. */
    int (*plan_memory)(const struct model *model, const struct engine_plan *plan, uint64_t *bytes);
    const char *(*describe)(const void *self);
    enum engine_dtype (*dtype)(const void *self);          /* NULL: float32 */
    void (*profile)(const void *self, struct buffer *out); /* or NULL */
    int (*forward)(void *self, const struct batch *batch, float *logits);
    int (*accumulate)(void *self, const struct batch *batch, double divisor,
                      struct engine_stats *stats);
    int (*apply)(void *self, uint64_t step, double lr, double max_norm, double *norm);
    int (*export_tensor)(const void *self, enum engine_tensor kind, size_t index, float *values);
    int (*import_tensor)(void *self, enum engine_tensor kind, size_t index, const float *values);
};

extern const struct backend backend_ref;
extern const struct backend backend_cpu;

#endif
