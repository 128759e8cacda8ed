/*
 * The learning rate of each optimiser step, as transformers' get_scheduler gives it.
 */
#ifndef TRAIN_SCHEDULE_H
#define TRAIN_SCHEDULE_H

#include <stdint.h>

/* All but the constant one rise from 0 to the highest rate over the warmup; then: */
enum schedule_kind {
    SCHEDULE_LINEAR,               /* down to 0, which would be reached after the last step */
    SCHEDULE_COSINE,               /* `cycles` waves between the highest rate and 0 */
    SCHEDULE_CONSTANT,             /* the highest rate from the first step on, without warmup */
    SCHEDULE_CONSTANT_WITH_WARMUP, /* the highest rate */
    SCHEDULE_POLYNOMIAL,           /* down to `end`, as the remaining share to the power `power` */
};

struct schedule {
    enum schedule_kind kind;
    double learning_rate;   /* the highest */
    uint64_t warmup, total; /* steps */
    double cycles;          /* cosine; 0.5 falls to 0 once */
    double end, power;      /* polynomial */
};

/* --warmup-steps: whole from 1 on, below 1 that share of the run's steps, rounded up. */
uint64_t schedule_warmup_steps(double warmup, uint64_t total);
/* The rate of step 1, 2, ... Step 1 of a run with warmup has rate 0. */
double schedule_rate(const struct schedule *schedule, uint64_t step);

#endif
