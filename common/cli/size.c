#include "cli/size.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "cli/options.h"

int parse_size(const char *text, size_t *size)
{
    static const char units[] = "KMGT";
    size_t length = strlen(text);
    const char *unit = length > 0 ? strchr(units, text[length - 1]) : NULL;
    unsigned shift = unit != NULL ? 10 * (unsigned)(unit - units + 1) : 0;
    char *digits = mem_strndup(text, length - (unit != NULL));
    uint64_t value;
    int status = parse_unsigned(digits, &value);

    free(digits);
    if (status != 0 || value > (uint64_t)SIZE_MAX >> shift)
        return -1;
    *size = (size_t)value << shift;
    return 0;
}
