#include "train/engine_options.h"

const char *const engine_device_names[] = {"cpu", "ref", "cuda", NULL};
const char *const engine_dtype_names[] = {"float32", "bf16", "auto", NULL};

void engine_options_apply(const struct engine_options *options, struct engine_plan *plan)
{
    plan->device = (enum engine_device)options->device;
    plan->dtype = (enum engine_dtype)options->dtype;
    plan->threads = (unsigned)options->threads;
}
