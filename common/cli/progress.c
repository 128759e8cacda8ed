#include "cli/progress.h"

#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/clock.h"
#include "cli/diag.h"

#define REDRAW_SECONDS 0.2

void progress_init(struct progress *progress, const char *unit, uint64_t first, uint64_t total)
{
    *progress = (struct progress){
        .unit = unit,
        .total = total,
        .first = first,
        .started = clock_monotonic(),
        .enabled = isatty(STDERR_FILENO) && diag_get_level() >= DIAG_NORMAL,
    };
}

static size_t terminal_columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

/* "59 s", "24:33" or "3:24:33" */
static void format_duration(char *text, size_t size, double seconds)
{
    unsigned long whole = seconds < 1e9 ? (unsigned long)(seconds + 0.5) : 999999999UL;

    if (whole < 60)
        snprintf(text, size, "%lu s", whole);
    else if (whole < 3600)
        snprintf(text, size, "%lu:%02lu", whole / 60, whole % 60);
    else
        snprintf(text, size, "%lu:%02lu:%02lu", whole / 3600, whole / 60 % 60, whole % 60);
}

static void format_line(const struct progress *progress, uint64_t done, double now,
                        const char *note, char *line, size_t size)
{
    double elapsed = now - progress->started;
    double rate = elapsed > 0 ? (double)(done - progress->first) / elapsed : 0;
    char total[32] = "", left[64] = "", share[32] = "", duration[32];

    if (progress->total > 0) {
        snprintf(total, sizeof total, "/%llu", (unsigned long long)progress->total);
        snprintf(share, sizeof share, "  %.1f %%", 100.0 * (double)done / (double)progress->total);
        if (rate > 0 && done <= progress->total) {
            format_duration(duration, sizeof duration, (double)(progress->total - done) / rate);
            snprintf(left, sizeof left, "  %s left", duration);
        }
    }
    snprintf(line, size, "%s: %llu%s %s%s  %.*f/s%s%s%s", diag_program(), (unsigned long long)done,
             total, progress->unit, share, rate < 10 ? 1 : 0, rate, left, note ? "  " : "",
             note ? note : "");
}

void progress_update(struct progress *progress, uint64_t done, const char *note)
{
    char line[512];
    double now;
    size_t columns;

    if (!progress->enabled)
        return;
    now = clock_monotonic();
    if (now - progress->drawn < REDRAW_SECONDS)
        return;
    progress->drawn = now;
    format_line(progress, done, now, note, line, sizeof line);
    columns = terminal_columns();
    if (columns < sizeof line)
        line[columns - 1] = '\0';
    diag_status(line);
}

void progress_finish(struct progress *progress)
{
    if (progress->enabled)
        diag_status(NULL);
}
