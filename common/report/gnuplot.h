/*
 * gnuplot as a child process: a script in, a picture out. No shell is involved, and no start-up
 * files of the user's.
 */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include "cli/buffer.h"

/* Appends what the script writes to its standard output. 0, or -1 with a message, which holds
 * gnuplot's own when it refused the script. */
int gnuplot_run(struct buffer *script, struct buffer *out);

#endif
