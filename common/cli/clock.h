/* Time in seconds. */
#ifndef CLI_CLOCK_H
#define CLI_CLOCK_H

/* Seconds since some fixed moment; never jumps: for durations and rates. */
double clock_monotonic(void);
/* Seconds since 1970-01-01 00:00 UTC: for time stamps. */
double clock_wall(void);

#endif
