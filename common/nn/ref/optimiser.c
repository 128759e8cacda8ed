#include "nn/ref/optimiser.h"

#include <math.h>

double ref_clip_factor(double norm, double max_norm)
{
    return max_norm > 0.0 ? fmin(1.0, max_norm / (norm + 1e-6)) : 1.0;
}

void ref_adamw_step(double *weight, double *first, double *second, const double *gradient,
                    const struct ref_adamw *adamw, double decay, size_t count)
{
    double correction1 = 1.0 - pow(adamw->beta1, (double)adamw->step);
    double correction2 = sqrt(1.0 - pow(adamw->beta2, (double)adamw->step));

    for (size_t i = 0; i < count; i++) {
        double g = adamw->clip * gradient[i];

        weight[i] *= 1.0 - adamw->lr * decay;
        first[i] = adamw->beta1 * first[i] + (1.0 - adamw->beta1) * g;
        second[i] = adamw->beta2 * second[i] + (1.0 - adamw->beta2) * g * g;
        weight[i] -=
            adamw->lr / correction1 * first[i] / (sqrt(second[i]) / correction2 + adamw->epsilon);
    }
}

void ref_sgd_step(double *weight, const double *gradient, double lr, double clip, double decay,
                  size_t count)
{
    for (size_t i = 0; i < count; i++)
        weight[i] -= lr * (clip * gradient[i] + decay * weight[i]);
}
