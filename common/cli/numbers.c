#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/options.h"

int parse_unsigned(const char *text, uint64_t *value)
{
    char *end;
    unsigned long long number;

    if (!isdigit((unsigned char)text[0]))
        return -1;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -1;
    *value = number;
    return 0;
}

int parse_signed(const char *text, int64_t *value)
{
    char *end;
    long long number;

    if (!isdigit((unsigned char)text[text[0] == '-']))
        return -1;
    errno = 0;
    number = strtoll(text, &end, 10);
    if (errno != 0 || *end != '\0')
        return -1;
    *value = number;
    return 0;
}

/* Digits with an optional fraction and exponent; strtod alone would also take "inf", "nan" and
 * "0x1p3". */
int parse_real(const char *text, double *value)
{
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    char *end;
    double number;

    if (!isdigit((unsigned char)digits[0]) &&
        !(digits[0] == '.' && isdigit((unsigned char)digits[1])))
        return -1;
    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X'))
        return -1;
    number = strtod(text, &end);
    if (*end != '\0' || !isfinite(number))
        return -1;
    *value = number;
    return 0;
}
