/*
 * Option rows of every tool that opens an engine, so that they are spelled and explained alike.
 *
 *     static struct engine_options engine;
 *     static const struct option_row rows[] = { ..., ENGINE_OPTION_DEVICE(engine), ... };
 */
#ifndef TRAIN_ENGINE_OPTIONS_H
#define TRAIN_ENGINE_OPTIONS_H

#include <stdint.h>

#include "cli/options.h"
#include "nn/engine.h"

struct engine_options {
    int device, dtype; /* enum engine_device, enum engine_dtype */
    uint64_t threads;
    bool profile;
};

/* NULL-terminated names in the order of the enums. */
extern const char *const engine_device_names[];
extern const char *const engine_dtype_names[];
extern const char *const engine_training_dtype_names[]; /* of them those that train */

/* clang-format off */
#define ENGINE_OPTION_DEVICE(options)                                                              \
    {0, "device", .kind = OPTION_CHOICE, .target = &(options).device, .argument = "DEVICE",        \
     .choices = engine_device_names, .help = "ref: slow, in double precision"}
#define ENGINE_OPTION_DTYPE(options, names)                                                        \
    {0, "dtype", .kind = OPTION_CHOICE, .target = &(options).dtype, .argument = "TYPE",            \
     .choices = names, .help = "of matrix products; auto: bf16 where it is faster"}
#define ENGINE_OPTION_PROFILE(options)                                                             \
    {0, "profile", .kind = OPTION_FLAG, .target = &(options).profile,                              \
     .help = "say at the end where the engine's time went"}
#define ENGINE_OPTION_THREADS(options)                                                             \
    {'j', "threads", .kind = OPTION_UNSIGNED, .target = &(options).threads, .argument = "N",       \
     .maximum = 4096, .help = "0: as many as the process may run on"}
/* clang-format on */

/* Copies them into a plan. */
void engine_options_apply(const struct engine_options *options, struct engine_plan *plan);
/* Before the engine is closed: what --profile asks for, on standard error. */
void engine_options_profile(const struct engine_options *options, const struct engine *engine);

#endif
