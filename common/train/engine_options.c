#include "train/engine_options.h"

#include <string.h>

#include "cli/diag.h"

const char *const engine_device_names[] = {"cpu", "ref", "cuda", NULL};
const char *const engine_dtype_names[] = {"float32", "bf16", "auto", "int8", NULL};
const char *const engine_training_dtype_names[] = {"float32", "bf16", "auto", NULL};

void engine_options_apply(const struct engine_options *options, struct engine_plan *plan)
{
    plan->device = (enum engine_device)options->device;
    plan->dtype = (enum engine_dtype)options->dtype;
    plan->threads = (unsigned)options->threads;
}

void engine_options_profile(const struct engine_options *options, const struct engine *engine)
{
    struct buffer text = {0};
    if (!options->profile || !engine)
        return;
    engine_profile(engine, &text);
    const char *line = buffer_string(&text);
    for (const char *end; (end = strchr(line, '\n')); line = end + 1)
        diag_note("%.*s", (int)(end - line), line);
    buffer_free(&text);
}
