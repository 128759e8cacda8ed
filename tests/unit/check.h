/*
 * What every unit test uses: checks that count, say what failed and where, and the closing line
 * that tests/run reads. Include it in one .c file a program.
 */
#ifndef TESTS_UNIT_CHECK_H
#define TESTS_UNIT_CHECK_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static unsigned check_passed, check_failed;

/* Counts one check; a failure prints its place and the message. */
__attribute__((format(printf, 4, 5))) static inline bool
check_that(const char *file, int line, bool passed, const char *format, ...)
{
    va_list arguments;

    if (passed) {
        check_passed++;
        return true;
    }
    check_failed++;
    printf("FAILED: %s:%d: ", file, line);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    return false;
}

/* CHECK(condition, format, ...): the message says what was expected of what. */
#define CHECK(condition, ...) check_that(__FILE__, __LINE__, (condition), __VA_ARGS__)

/* |got - want| <= absolute + relative * |want|; a NaN fails. */
static inline bool check_is_close(double got, double want, double absolute, double relative)
{
    return fabs(got - want) <= absolute + relative * fabs(want);
}

#define CHECK_CLOSE(name, got, want, absolute, relative)                                           \
    CHECK(check_is_close((got), (want), (absolute), (relative)), "%s: %.9g, expected %.9g",        \
          (name), (double)(got), (double)(want))

/* The last statement of main: `return check_report();` */
static inline int check_report(void)
{
    printf("%u passed, %u failed\n", check_passed, check_failed);
    return check_failed != 0 || check_passed == 0;
}

#endif
