/*
 * AdamW with decoupled weight decay, SGD, and clipping by the global norm, in double precision, as
 * PyTorch computes them.
 */
#ifndef NN_REF_OPTIMISER_H
#define NN_REF_OPTIMISER_H

#include <stddef.h>
#include <stdint.h>

struct ref_adamw {
    uint64_t step; /* from 1 */
    double lr, beta1, beta2, epsilon;
    double clip; /* factor on every gradient */
};

/* min(1, max_norm / (norm + 1e-6)), or 1 when max_norm <= 0. */
double ref_clip_factor(double norm, double max_norm);

/*
 * All arrays: [count]. With g = clip * gradient:
 *     w *= 1 - lr * decay;  m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2
 *     w -= lr / (1 - b1^step) * m / (sqrt(v) / sqrt(1 - b2^step) + epsilon)
 */
void ref_adamw_step(double *weight, double *first, double *second, const double *gradient,
                    const struct ref_adamw *adamw, double decay, size_t count);

/* w -= lr * (clip * gradient + decay * w): torch.optim.SGD without momentum. */
void ref_sgd_step(double *weight, const double *gradient, double lr, double clip, double decay,
                  size_t count);

#endif
