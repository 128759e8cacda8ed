/*
 * usage: model-copy IN OUT SEED [LABEL]...
 * Loads the model folder IN, gives it the labels (or leaves its own), initialises what is missing
 * and saves it as OUT.
 */
#include <stdint.h>
#include <stdio.h>

#include "cli/diag.h"
#include "cli/options.h"
#include "model/model.h"

int main(int argc, char **argv)
{
    struct model model;
    uint64_t seed;

    diag_init("model-copy");
    if (argc < 4 || parse_unsigned(argv[3], &seed) != 0)
        return 2;
    if (model_load(&model, argv[1], 0) != 0)
        return 1;
    if (argc > 4 &&
        model_set_labels(&model, (const char *const *)argv + 4, (uint32_t)(argc - 4)) != 0)
        return 1;
    model_initialise(&model, seed);
    for (size_t i = 0; i < model.table.count; i++)
        if (model.missing[i])
            printf("%s\n", model.table.items[i].name);
    struct model_source source = {&model.config, &model.table, model_get_weights, &model};
    int status = model_save(&source, argv[2], NULL);

    model_free(&model);
    return status == 0 ? 0 : 1;
}
