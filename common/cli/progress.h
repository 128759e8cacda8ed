/*
 * One line of progress, rewritten in place with rate and time left, on a terminal only.
 *
 * `bert-train: 120/4689 steps  2.6 %  3.1/s  24:33 left  loss 0.4321`
 * When standard error is no terminal, or the level is DIAG_QUIET, nothing is printed.
 * Messages of diag.h clear the line first and it is drawn again at the next update.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *unit; /* plural, by reference: "records", "steps", "bytes" */
    uint64_t total;   /* 0: not known, then no percentage and no time left */
    uint64_t
        first; /* where counting began: a resumed run does not count earlier work in its rate */
    double started, drawn;
    bool enabled;
};

void progress_init(struct progress *progress, const char *unit, uint64_t first, uint64_t total);
/* Draws at most five times a second. note is appended, or NULL. Cheap enough to call for every
 * record. */
void progress_update(struct progress *progress, uint64_t done, const char *note);
/* Removes the line. */
void progress_finish(struct progress *progress);

#endif
