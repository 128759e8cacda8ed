/*
 * The learning rate of each optimiser step, as transformers' get_scheduler gives it.
 */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

enum schedule_kind {
    SCHEDULE_LINEAR, /* up to the base rate over the warmup, then down to 0 at the last step */
};

struct schedule {
    enum schedule_kind kind;
    double learning_rate;   /* the highest */
    uint64_t warmup, total; /* steps */
};

/* --warmup-steps: whole from 1 on, below 1 that share of the run's steps, rounded up. */
uint64_t schedule_warmup_steps(double warmup, uint64_t total);
/* The rate of step 1, 2, ... Step 1 of a run with warmup has rate 0. */
double schedule_rate(const struct schedule *schedule, uint64_t step);

#endif
