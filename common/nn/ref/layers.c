#include "nn/ref/layers.h"

#include <math.h>

#include "nn/dropout.h"

/* Four partial sums, for a single one waits for each addition. */
static double dot(const double *a, const double *b, size_t n)
{
    double sum[4] = {0.0};
    size_t i = 0;

    for (; i + 4 <= n; i += 4) {
        for (size_t k = 0; k < 4; k++)
            sum[k] += a[i + k] * b[i + k];
    }
    for (; i < n; i++)
        sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* y += factor * x */
static void add_scaled(double *y, const double *x, double factor, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

static void drop_row(double *values, const struct ref_mask *mask, uint32_t row, size_t width)
{
    if (mask->probability == 0.0)
        return;
    for (size_t c = 0; c < width; c++)
        values[c] *= dropout_factor(mask->seed, mask->ordinal, mask->site, row, (uint32_t)c,
                                    mask->probability);
}

void ref_dropout(double *values, const struct ref_mask *mask, uint32_t first_row, size_t rows,
                 size_t width)
{
    for (size_t r = 0; r < rows; r++)
        drop_row(values + r * width, mask, first_row + (uint32_t)r, width);
}

void ref_embeddings(double *out, const double *words, const double *positions, const double *types,
                    const uint32_t *ids, const uint32_t *position_ids, const uint32_t *type_ids,
                    size_t length, size_t width)
{
    for (size_t t = 0; t < length; t++) {
        double *row = out + t * width;
        for (size_t c = 0; c < width; c++)
            row[c] = words[ids[t] * width + c] + positions[position_ids[t] * width + c];
        if (types)
            add_scaled(row, types + type_ids[t] * width, 1.0, width);
    }
}

void ref_embeddings_backward(double *d_words, double *d_positions, double *d_types,
                             const double *d_out, const uint32_t *ids, const uint32_t *position_ids,
                             const uint32_t *type_ids, int64_t pad, size_t length, size_t width)
{
    for (size_t t = 0; t < length; t++) {
        const double *row = d_out + t * width;
        if (ids[t] != pad)
            add_scaled(d_words + ids[t] * width, row, 1.0, width);
        add_scaled(d_positions + position_ids[t] * width, row, 1.0, width);
        if (d_types)
            add_scaled(d_types + type_ids[t] * width, row, 1.0, width);
    }
}

/* The mean of a row, and 1 / sqrt(variance + epsilon). */
static void moments(const double *row, double epsilon, size_t width, double *mean, double *scale)
{
    double sum = 0.0, squares = 0.0;

    for (size_t c = 0; c < width; c++)
        sum += row[c];
    *mean = sum / (double)width;
    for (size_t c = 0; c < width; c++)
        squares += (row[c] - *mean) * (row[c] - *mean);
    *scale = 1.0 / sqrt(squares / (double)width + epsilon);
}

void ref_layer_norm(double *out, const double *in, const double *weight, const double *bias,
                    double epsilon, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        double mean, scale;
        moments(in + r * width, epsilon, width, &mean, &scale);
        for (size_t c = 0; c < width; c++)
            out[r * width + c] = (in[r * width + c] - mean) * scale * weight[c] + bias[c];
    }
}

void ref_layer_norm_backward(double *d_in, double *d_weight, double *d_bias, const double *d_out,
                             const double *in, const double *weight, double epsilon, size_t rows,
                             size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const double *x = in + r * width, *dy = d_out + r * width;
        double mean, scale;
        double sum = 0.0, product = 0.0; /* of d_normal, and of d_normal * normal */

        moments(x, epsilon, width, &mean, &scale);
        for (size_t c = 0; c < width; c++) {
            double normal = (x[c] - mean) * scale;
            d_weight[c] += dy[c] * normal;
            d_bias[c] += dy[c];
            sum += dy[c] * weight[c];
            product += dy[c] * weight[c] * normal;
        }
        sum /= (double)width;
        product /= (double)width;
        for (size_t c = 0; c < width; c++) {
            double normal = (x[c] - mean) * scale;
            d_in[r * width + c] += (dy[c] * weight[c] - sum - normal * product) * scale;
        }
    }
}

void ref_dense(double *out, const double *in, const double *weight, const double *bias, size_t rows,
               size_t outputs, size_t inputs)
{
    for (size_t o = 0; o < outputs; o++) {
        for (size_t r = 0; r < rows; r++)
            out[r * outputs + o] = dot(in + r * inputs, weight + o * inputs, inputs) + bias[o];
    }
}

void ref_dense_backward(double *d_in, double *d_weight, double *d_bias, const double *d_out,
                        const double *in, const double *weight, size_t rows, size_t outputs,
                        size_t inputs)
{
    for (size_t o = 0; o < outputs; o++) {
        for (size_t r = 0; r < rows; r++) {
            double d = d_out[r * outputs + o];
            add_scaled(d_weight + o * inputs, in + r * inputs, d, inputs);
            d_bias[o] += d;
        }
    }
    for (size_t r = 0; r < rows; r++) {
        for (size_t o = 0; o < outputs; o++)
            add_scaled(d_in + r * inputs, weight + o * inputs, d_out[r * outputs + o], inputs);
    }
}

static void softmax(double *row, size_t n)
{
    double most = row[0], sum = 0.0;

    for (size_t j = 1; j < n; j++)
        most = fmax(most, row[j]);
    for (size_t j = 0; j < n; j++) {
        row[j] = exp(row[j] - most);
        sum += row[j];
    }
    for (size_t j = 0; j < n; j++)
        row[j] /= sum;
}

static struct ref_mask mask_of_head(const struct ref_mask *mask, size_t head)
{
    struct ref_mask own = *mask;
    own.site += (uint32_t)head;
    return own;
}

void ref_attention(double *out, double *probabilities, const double *query, const double *key,
                   const double *value, const struct ref_mask *mask, size_t length, size_t heads,
                   size_t width)
{
    size_t size = width / heads;
    double scale = 1.0 / sqrt((double)size);

    for (size_t h = 0; h < heads; h++) {
        const struct ref_mask own = mask_of_head(mask, h);
        for (size_t i = 0; i < length; i++) {
            double *p = probabilities + (h * length + i) * length;
            double *o = out + i * width + h * size;

            for (size_t j = 0; j < length; j++)
                p[j] = scale * dot(query + i * width + h * size, key + j * width + h * size, size);
            softmax(p, length);
            for (size_t c = 0; c < size; c++)
                o[c] = 0.0;
            for (size_t j = 0; j < length; j++) {
                double dropped = p[j];
                if (own.probability > 0.0)
                    dropped *= dropout_factor(own.seed, own.ordinal, own.site, (uint32_t)i,
                                              (uint32_t)j, own.probability);
                add_scaled(o, value + j * width + h * size, dropped, size);
            }
        }
    }
}

void ref_attention_backward(double *d_query, double *d_key, double *d_value, double *row,
                            const double *d_out, const double *probabilities, const double *query,
                            const double *key, const double *value, const struct ref_mask *mask,
                            size_t length, size_t heads, size_t width)
{
    size_t size = width / heads;
    double scale = 1.0 / sqrt((double)size);
    double *factor = row, *d_p = row + length; /* of one query's row of probabilities: [length] */

    for (size_t h = 0; h < heads; h++) {
        const struct ref_mask own = mask_of_head(mask, h);
        for (size_t i = 0; i < length; i++) {
            size_t at = i * width + h * size;
            const double *p = probabilities + (h * length + i) * length;
            double sum = 0.0; /* of p d_p: the softmax's normaliser pulls all of a row */

            for (size_t j = 0; j < length; j++)
                factor[j] = 1.0;
            drop_row(factor, &own, (uint32_t)i, length);
            for (size_t j = 0; j < length; j++) {
                size_t other = j * width + h * size;
                add_scaled(d_value + other, d_out + at, p[j] * factor[j], size);
                d_p[j] = factor[j] * dot(d_out + at, value + other, size);
                sum += p[j] * d_p[j];
            }
            for (size_t j = 0; j < length; j++) {
                size_t other = j * width + h * size;
                double d_score = p[j] * (d_p[j] - sum) * scale;
                add_scaled(d_query + at, key + other, d_score, size);
                add_scaled(d_key + other, query + at, d_score, size);
            }
        }
    }
}

#define SQRT_HALF        0.70710678118654752440 /* 1 / sqrt(2) */
#define INVERSE_SQRT_2PI 0.39894228040143267794 /* 1 / sqrt(2 pi) */
#define SQRT_2_OVER_PI   0.79788456080286535588 /* sqrt(2 / pi) */
#define GELU_CUBIC       0.044715

void ref_activation(double *out, const double *in, enum activation kind, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double x = in[i];
        switch (kind) {
        case ACTIVATION_GELU:
            out[i] = 0.5 * x * (1.0 + erf(x * SQRT_HALF));
            break;
        case ACTIVATION_GELU_TANH:
            out[i] = 0.5 * x * (1.0 + tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x)));
            break;
        case ACTIVATION_RELU:
            out[i] = fmax(x, 0.0);
            break;
        }
    }
}

static double activation_slope(double x, enum activation kind)
{
    double t;

    switch (kind) {
    case ACTIVATION_GELU:
        return 0.5 * (1.0 + erf(x * SQRT_HALF)) + x * exp(-0.5 * x * x) * INVERSE_SQRT_2PI;
    case ACTIVATION_GELU_TANH:
        t = tanh(SQRT_2_OVER_PI * (x + GELU_CUBIC * x * x * x));
        return 0.5 * (1.0 + t) +
               0.5 * x * (1.0 - t * t) * SQRT_2_OVER_PI * (1.0 + 3.0 * GELU_CUBIC * x * x);
    case ACTIVATION_RELU:
        break;
    }
    return x > 0.0 ? 1.0 : 0.0;
}

void ref_activation_backward(double *d_in, const double *d_out, const double *in,
                             enum activation kind, size_t count)
{
    for (size_t i = 0; i < count; i++)
        d_in[i] += d_out[i] * activation_slope(in[i], kind);
}

void ref_tanh(double *out, const double *in, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = tanh(in[i]);
}

void ref_tanh_backward(double *d_in, const double *d_out, const double *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        d_in[i] += d_out[i] * (1.0 - out[i] * out[i]);
}

double ref_cross_entropy(double *d_logits, const double *logits, const struct loss_form *form,
                         uint32_t target, double scale, size_t labels)
{
    double most = logits[0], sum = 0.0, loss = 0.0;

    for (size_t j = 1; j < labels; j++)
        most = fmax(most, logits[j]);
    for (size_t j = 0; j < labels; j++)
        sum += exp(logits[j] - most);
    for (size_t j = 0; j < labels; j++)
        d_logits[j] = 0.0;
    /* One term a class c: its share of the target times -log p_c. */
    for (size_t c = 0; c < labels; c++) {
        double share = form->label_smoothing / (double)labels;
        if (c == target)
            share += 1.0 - form->label_smoothing;
        if (form->class_weights)
            share *= form->class_weights[c];
        if (share == 0.0)
            continue;
        loss += share * (most + log(sum) - logits[c]);
        for (size_t j = 0; j < labels; j++)
            d_logits[j] += share * (exp(logits[j] - most) / sum - (j == c ? 1.0 : 0.0)) * scale;
    }
    return loss;
}

double ref_sigmoid_cross_entropy(double *d_logits, const double *logits, const float *targets,
                                 double scale, size_t labels)
{
    double sum = 0.0;

    for (size_t j = 0; j < labels; j++) {
        double x = logits[j], y = targets[j];
        sum += fmax(x, 0.0) + log1p(exp(-fabs(x))) - x * y; /* log(1 + exp(x)) - x y */
        d_logits[j] = (1.0 / (1.0 + exp(-x)) - y) * scale / (double)labels;
    }
    return sum / (double)labels;
}

double ref_squared_error(double *d_logits, const double *logits, const float *targets, double scale,
                         size_t labels)
{
    double sum = 0.0;

    for (size_t j = 0; j < labels; j++) {
        double difference = logits[j] - targets[j];
        sum += difference * difference;
        d_logits[j] = 2.0 * difference * scale / (double)labels;
    }
    return sum / (double)labels;
}
