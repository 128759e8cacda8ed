#include "nn/loss.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>

#include "cli/diag.h"

/* The largest of n >= 1 numbers: subtracted before exp, so that nothing overflows. */
static double largest(const float *values, uint32_t n)
{
    double most = values[0];

    for (uint32_t i = 1; i < n; i++)
        most = fmax(most, values[i]);
    return most;
}

/* The share of class c in the target: 1 of `target` alone, in the plain form. */
static double target_share(const struct loss_form *form, uint32_t labels, uint32_t target,
                           uint32_t c)
{
    double share = form->label_smoothing / labels + (c == target) * (1 - form->label_smoothing);

    return form->class_weights ? share * form->class_weights[c] : share;
}

/* sum_c share_c (log(sum(exp(logits))) - logits[c]); gradient: sum(share) softmax - share. */
static double cross_entropy(const float *logits, const struct loss_form *form, uint32_t labels,
                            uint32_t target, double scale, float *gradient)
{
    double most = largest(logits, labels);
    double sum = 0.0, shares = 0.0, loss = 0.0;

    for (uint32_t j = 0; j < labels; j++)
        sum += exp(logits[j] - most);
    for (uint32_t j = 0; j < labels; j++) {
        double share = target_share(form, labels, target, j);
        shares += share;
        if (share != 0.0)
            loss += share * (log(sum) - (logits[j] - most));
    }
    for (uint32_t j = 0; gradient && j < labels; j++)
        gradient[j] =
            (float)((shares * exp(logits[j] - most) / sum - target_share(form, labels, target, j)) *
                    scale);
    return loss;
}

/* mean_j log(1 + exp(x)) - x y, in the form that does not overflow; gradient: sigmoid - y. */
static double sigmoid_cross_entropy(const float *logits, const float *targets, uint32_t labels,
                                    double scale, float *gradient)
{
    double sum = 0.0;

    for (uint32_t j = 0; j < labels; j++) {
        double x = logits[j], y = targets[j];
        sum += fmax(x, 0.0) - x * y + log1p(exp(-fabs(x)));
        if (gradient)
            gradient[j] = (float)((1.0 / (1.0 + exp(-x)) - y) / labels * scale);
    }
    return sum / labels;
}

static double squared_error(const float *logits, const float *targets, uint32_t labels,
                            double scale, float *gradient)
{
    double sum = 0.0;

    for (uint32_t j = 0; j < labels; j++) {
        double difference = (double)logits[j] - targets[j];
        sum += difference * difference;
        if (gradient)
            gradient[j] = (float)(2.0 * difference / labels * scale);
    }
    return sum / labels;
}

double loss_divisor(const struct batch *batch, const struct loss_form *form)
{
    double sum = 0.0;

    if (batch->target != TARGET_CLASS)
        return batch->rows;
    for (uint32_t r = 0; r < batch->rows; r++)
        if (batch->classes[r] != TARGET_IGNORED)
            sum += form->class_weights ? form->class_weights[batch->classes[r]] : 1.0;
    return sum;
}

int loss_rows(const struct batch *batch, const struct loss_form *form, uint32_t labels,
              const float *logits, double divisor, float *gradient, double *loss_sum,
              uint64_t *counted)
{
    static const struct loss_form plain;
    double scale = 1.0 / divisor;

    if (batch->target == TARGET_NONE)
        return diag_error("batch: it has no targets to compute a loss from");
    for (uint32_t r = 0; r < batch->rows; r++) {
        const float *row = logits + (size_t)r * labels;
        const float *values = batch->values ? batch->values + (size_t)r * labels : NULL;
        float *row_gradient = gradient ? gradient + (size_t)r * labels : NULL;

        if (batch->target == TARGET_CLASS) {
            int32_t class = batch->classes[r];
            if (class == TARGET_IGNORED) {
                for (uint32_t j = 0; row_gradient && j < labels; j++)
                    row_gradient[j] = 0.0f;
                continue;
            }
            if (class < 0 || (uint32_t) class >= labels)
                return diag_error("batch: row %" PRIu32 ": class %" PRId32
                                  " is not in 0 .. %" PRIu32,
                                  r, class, labels - 1);
            *loss_sum += cross_entropy(row, form ? form : &plain, labels, (uint32_t) class, scale,
                                       row_gradient);
        } else if (batch->target == TARGET_MULTI) {
            *loss_sum += sigmoid_cross_entropy(row, values, labels, scale, row_gradient);
        } else {
            *loss_sum += squared_error(row, values, labels, scale, row_gradient);
        }
        ++*counted;
    }
    return 0;
}

void softmax_row(const float *logits, uint32_t labels, float *probabilities)
{
    double most = largest(logits, labels);
    double sum = 0.0;

    for (uint32_t j = 0; j < labels; j++)
        sum += exp(logits[j] - most);
    for (uint32_t j = 0; j < labels; j++)
        probabilities[j] = (float)(exp(logits[j] - most) / sum);
}

void sigmoid_row(const float *logits, uint32_t labels, float *probabilities)
{
    for (uint32_t j = 0; j < labels; j++)
        probabilities[j] = (float)(1 / (1 + exp(-(double)logits[j])));
}
