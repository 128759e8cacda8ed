#include "cli/diag.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#define CLEAR "\r\033[K" /* the line that the cursor is in */

static const char *program_name = "bertpipe";
static enum diag_level level = DIAG_NORMAL;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool status_shown;
static _Thread_local struct diag_held *held;

void diag_init(const char *program)
{
    program_name = program;
}

const char *diag_program(void)
{
    return program_name;
}

void diag_set_level(enum diag_level new_level)
{
    level = new_level;
}

enum diag_level diag_get_level(void)
{
    return level;
}

/* Messages quote names and data of strangers: one message stays one line and no escape reaches the
 * terminal. */
static void blunt_control_characters(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
}

static void clear_status(void)
{
    if (status_shown)
        fputs(CLEAR, stderr);
    status_shown = false;
}

static void put_line(const char *line)
{
    pthread_mutex_lock(&lock);
    clear_status();
    fputs(line, stderr);
    pthread_mutex_unlock(&lock);
}

static void keep_line(struct diag_held *kept, const char *line)
{
    size_t size = strlen(line);

    if (size < sizeof kept->lines - kept->size) {
        memcpy(kept->lines + kept->size, line, size + 1);
        kept->size += size;
    }
}

/* No allocation here: this also reports that memory has ended. */
static void print_line(const char *prefix, const char *suffix, const char *format,
                       va_list arguments)
{
    char text[4096], line[4608];
    int saved_errno = errno;

    vsnprintf(text, sizeof text, format, arguments);
    blunt_control_characters(text);
    snprintf(line, sizeof line, "%s: %s%s%s%s\n", program_name, prefix, text, suffix ? ": " : "",
             suffix ? suffix : "");
    if (held != NULL)
        keep_line(held, line);
    else
        put_line(line);
    errno = saved_errno;
}

void diag_hold(struct diag_held *kept)
{
    held = kept;
}

void diag_print_held(struct diag_held *kept)
{
    if (kept->size > 0)
        put_line(kept->lines);
    kept->size = 0;
}

const char *diag_held_reason(struct diag_held *kept)
{
    size_t program = strlen(program_name) + strlen(": ");

    kept->lines[strcspn(kept->lines, "\n")] = '\0';
    return kept->lines + (kept->size > program ? program : 0);
}

void diag_last_words(const char *place, const char *reason)
{
    const char *const parts[] = {
        status_shown ? CLEAR : "", program_name, ": ", place, ": ", reason, "\n"};
    struct iovec line[sizeof parts / sizeof parts[0]];

    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        line[i] = (struct iovec){(char *)parts[i], strlen(parts[i])};
    (void)!writev(2, line, sizeof parts / sizeof parts[0]);
}

int diag_error(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line("", NULL, format, arguments);
    va_end(arguments);
    return -1;
}

int diag_errno(int error_number, const char *format, ...)
{
    va_list arguments;
    char reason[128];

    va_start(arguments, format);
    print_line("", strerror_r(error_number, reason, sizeof reason), format, arguments);
    va_end(arguments);
    return -1;
}

void diag_warn(const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    print_line("warning: ", NULL, format, arguments);
    va_end(arguments);
}

void diag_note(const char *format, ...)
{
    va_list arguments;

    if (level < DIAG_NORMAL)
        return;
    va_start(arguments, format);
    print_line("", NULL, format, arguments);
    va_end(arguments);
}

void diag_verbose(const char *format, ...)
{
    va_list arguments;

    if (level < DIAG_VERBOSE)
        return;
    va_start(arguments, format);
    print_line("", NULL, format, arguments);
    va_end(arguments);
}

void diag_status(const char *line)
{
    pthread_mutex_lock(&lock);
    clear_status();
    if (line != NULL) {
        fputs(line, stderr);
        status_shown = true;
    }
    pthread_mutex_unlock(&lock);
}
