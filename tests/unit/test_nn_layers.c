/*
 * Every layer's gradient in nn/ref against finite differences: the loss is a random linear function
 * of the layer's output, and each element of each input is moved.
 */
#include <stdint.h>
#include <stdlib.h>

#include "cli/memory.h"
#include "nn/dropout.h"
#include "nn/ref/layers.h"

#include "check.h"
#include "nn_models.h"

#define STEP     1e-3
#define RELATIVE 1e-7
#define ABSOLUTE 1e-9
#define MOST     4096
#define ARRAYS   4

struct array {
    const char *name;
    size_t count;
    double values[MOST], gradient[MOST];
};

/* One layer under test. x[0..] are its inputs and parameters in the order of the gradient's
 * outputs. */
struct layer {
    const char *name;
    void (*forward)(struct layer *layer);
    void (*backward)(struct layer *layer);
    size_t rows, width, outputs, heads;
    enum activation activation;
    struct ref_mask mask;
    size_t out_count;
    struct array x[ARRAYS];
    double out[MOST], d_out[MOST], kept[MOST], row[MOST];
};

static struct layer layer;
static const uint32_t ids[] = {3, 1, 3, 0}, position_ids[] = {0, 1, 2, 0},
                      type_ids[] = {1, 0, 1, 1};

static double uniform(uint64_t *state)
{
    return (double)(test_random(state) >> 11) / 9007199254740992.0 * 2.0 - 1.0;
}

/* The loss: out . d_out. */
static double loss(void)
{
    double sum = 0.0;

    layer.forward(&layer);
    for (size_t i = 0; i < layer.out_count; i++)
        sum += layer.out[i] * layer.d_out[i];
    return sum;
}

/* Four points: the error is of fourth order in the step. */
static double difference(double *x)
{
    static const double weights[] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};
    static const double steps[] = {-2, -1, 1, 2};
    const double at = *x;
    double sum = 0.0;

    for (int i = 0; i < 4; i++) {
        *x = at + steps[i] * STEP;
        sum += weights[i] * loss();
    }
    *x = at;
    return sum / STEP;
}

static void check_layer(void)
{
    uint64_t state = 7;

    for (size_t a = 0; a < ARRAYS; a++) {
        for (size_t i = 0; i < layer.x[a].count; i++) {
            layer.x[a].values[i] = 2.0 * uniform(&state);
            layer.x[a].gradient[i] = 0.0;
        }
    }
    for (size_t i = 0; i < layer.out_count; i++)
        layer.d_out[i] = uniform(&state);
    layer.forward(&layer);
    layer.backward(&layer);
    for (size_t a = 0; a < ARRAYS && layer.x[a].count > 0; a++) {
        struct array *x = &layer.x[a];
        size_t wrong = 0, worst = 0;
        double worst_difference = 0.0;

        for (size_t i = 0; i < x->count; i++) {
            double expected = difference(&x->values[i]);
            if (!check_is_close(x->gradient[i], expected, ABSOLUTE, RELATIVE)) {
                wrong++;
                worst = i;
                worst_difference = expected;
            }
        }
        CHECK(wrong == 0,
              "%s: gradient by %s: %zu of %zu differ; element %zu is %.12g, expected %.12g",
              layer.name, x->name, wrong, x->count, worst, x->gradient[worst], worst_difference);
    }
}

static void start(const char *name, size_t rows, size_t width)
{
    memset(&layer, 0, sizeof layer);
    layer.name = name;
    layer.rows = rows;
    layer.width = width;
}

static void input(size_t index, const char *name, size_t count)
{
    layer.x[index].name = name;
    layer.x[index].count = count;
}

static void dropout_forward(struct layer *l)
{
    memcpy(l->out, l->x[0].values, l->out_count * sizeof *l->out);
    ref_dropout(l->out, &l->mask, 5, l->rows, l->width);
}

static void dropout_backward(struct layer *l)
{
    memcpy(l->x[0].gradient, l->d_out, l->out_count * sizeof *l->d_out);
    ref_dropout(l->x[0].gradient, &l->mask, 5, l->rows, l->width);
}

static void test_dropout(void)
{
    size_t dropped = 0;

    start("dropout", 4, 70);
    layer.mask = (struct ref_mask){42, 9, dropout_site(1, DROPOUT_OUTPUT, 0), 0.3};
    layer.forward = dropout_forward;
    layer.backward = dropout_backward;
    layer.out_count = 4 * 70;
    input(0, "input", 4 * 70);
    check_layer();
    for (size_t i = 0; i < layer.out_count; i++)
        dropped += layer.out[i] == 0.0;
    CHECK(dropped > 50 && dropped < 120, "dropout: %zu of 280 elements dropped", dropped);
}

static void embeddings_forward(struct layer *l)
{
    ref_embeddings(l->out, l->x[0].values, l->x[1].values, l->x[2].count ? l->x[2].values : NULL,
                   ids, position_ids, type_ids, l->rows, l->width);
}

static void embeddings_backward(struct layer *l)
{
    ref_embeddings_backward(l->x[0].gradient, l->x[1].gradient,
                            l->x[2].count ? l->x[2].gradient : NULL, l->d_out, ids, position_ids,
                            type_ids, -1, l->rows, l->width);
}

static void test_embeddings(bool types)
{
    start(types ? "embeddings" : "embeddings without types", 4, 9);
    layer.forward = embeddings_forward;
    layer.backward = embeddings_backward;
    layer.out_count = 4 * 9;
    input(0, "words", 5 * 9);
    input(1, "positions", 4 * 9);
    if (types)
        input(2, "types", 2 * 9);
    check_layer();
}

static void layer_norm_forward(struct layer *l)
{
    ref_layer_norm(l->out, l->x[0].values, l->x[1].values, l->x[2].values, 1e-12, l->rows,
                   l->width);
}

static void layer_norm_backward(struct layer *l)
{
    ref_layer_norm_backward(l->x[0].gradient, l->x[1].gradient, l->x[2].gradient, l->d_out,
                            l->x[0].values, l->x[1].values, 1e-12, l->rows, l->width);
}

static void test_layer_norm(size_t rows, size_t width)
{
    start("layer norm", rows, width);
    layer.forward = layer_norm_forward;
    layer.backward = layer_norm_backward;
    layer.out_count = rows * width;
    input(0, "input", rows * width);
    input(1, "weight", width);
    input(2, "bias", width);
    check_layer();
}

static void dense_forward(struct layer *l)
{
    ref_dense(l->out, l->x[0].values, l->x[1].values, l->x[2].values, l->rows, l->outputs,
              l->width);
}

static void dense_backward(struct layer *l)
{
    ref_dense_backward(l->x[0].gradient, l->x[1].gradient, l->x[2].gradient, l->d_out,
                       l->x[0].values, l->x[1].values, l->rows, l->outputs, l->width);
}

static void test_dense(size_t rows, size_t outputs, size_t inputs)
{
    start("dense", rows, inputs);
    layer.outputs = outputs;
    layer.forward = dense_forward;
    layer.backward = dense_backward;
    layer.out_count = rows * outputs;
    input(0, "input", rows * inputs);
    input(1, "weight", outputs * inputs);
    input(2, "bias", outputs);
    check_layer();
}

static void attention_forward(struct layer *l)
{
    ref_attention(l->out, l->kept, l->x[0].values, l->x[1].values, l->x[2].values, &l->mask,
                  l->rows, l->heads, l->width);
}

static void attention_backward(struct layer *l)
{
    ref_attention_backward(l->x[0].gradient, l->x[1].gradient, l->x[2].gradient, l->row, l->d_out,
                           l->kept, l->x[0].values, l->x[1].values, l->x[2].values, &l->mask,
                           l->rows, l->heads, l->width);
}

static void test_attention(size_t length, size_t heads, size_t width, double probability)
{
    start(probability > 0.0 ? "attention with dropout" : "attention", length, width);
    layer.heads = heads;
    layer.mask = (struct ref_mask){42, 9, dropout_site(1, DROPOUT_ATTENTION, 0), probability};
    layer.forward = attention_forward;
    layer.backward = attention_backward;
    layer.out_count = length * width;
    input(0, "query", length * width);
    input(1, "key", length * width);
    input(2, "value", length * width);
    check_layer();
}

static void activation_forward(struct layer *l)
{
    ref_activation(l->out, l->x[0].values, l->activation, l->out_count);
}

static void activation_backward(struct layer *l)
{
    ref_activation_backward(l->x[0].gradient, l->d_out, l->x[0].values, l->activation,
                            l->out_count);
}

static void test_activation(const char *name, enum activation activation)
{
    start(name, 1, 100);
    layer.activation = activation;
    layer.forward = activation_forward;
    layer.backward = activation_backward;
    layer.out_count = 100;
    input(0, "input", 100);
    check_layer();
}

static void tanh_forward(struct layer *l)
{
    ref_tanh(l->out, l->x[0].values, l->out_count);
}

static void tanh_backward(struct layer *l)
{
    ref_tanh_backward(l->x[0].gradient, l->d_out, l->out, l->out_count);
}

static void test_tanh(void)
{
    start("tanh", 1, 50);
    layer.forward = tanh_forward;
    layer.backward = tanh_backward;
    layer.out_count = 50;
    input(0, "input", 50);
    check_layer();
}

/* Losses write their gradient in the forward call; the linear function is one number. */
static const float targets[] = {0.0f, 1.0f, 0.25f, 1.0f, 0.0f};

static void cross_entropy_forward(struct layer *l)
{
    static const float weights[] = {0.5f, 2.0f, 0.0f, 1.0f, 1.5f};
    static const struct loss_form form = {0.3, weights};

    l->out[0] = ref_cross_entropy(l->row, l->x[0].values, &form, (uint32_t)l->width - 1,
                                  l->d_out[0], l->width);
}

static void sigmoid_forward(struct layer *l)
{
    l->out[0] = ref_sigmoid_cross_entropy(l->row, l->x[0].values, targets, l->d_out[0], l->width);
}

static void squared_forward(struct layer *l)
{
    l->out[0] = ref_squared_error(l->row, l->x[0].values, targets, l->d_out[0], l->width);
}

static void loss_backward(struct layer *l)
{
    memcpy(l->x[0].gradient, l->row, l->width * sizeof *l->row);
}

static void test_loss(const char *name, void (*forward)(struct layer *), size_t labels)
{
    start(name, 1, labels);
    layer.forward = forward;
    layer.backward = loss_backward;
    layer.out_count = 1;
    input(0, "logits", labels);
    check_layer();
}

int main(void)
{
    test_dropout();
    test_embeddings(true);
    test_embeddings(false);
    test_layer_norm(1, 5);
    test_layer_norm(7, 36);
    test_dense(1, 1, 1);
    test_dense(5, 7, 13);
    test_dense(3, 36, 20);
    for (int dropout = 0; dropout < 2; dropout++) {
        test_attention(1, 1, 4, 0.2 * dropout);
        test_attention(2, 3, 36, 0.2 * dropout);
        test_attention(17, 3, 15, 0.2 * dropout);
    }
    test_activation("gelu", ACTIVATION_GELU);
    test_activation("gelu_tanh", ACTIVATION_GELU_TANH);
    test_activation("relu", ACTIVATION_RELU);
    test_tanh();
    for (size_t labels = 1; labels <= 5; labels++) {
        test_loss("cross entropy", cross_entropy_forward, labels);
        test_loss("sigmoid cross entropy", sigmoid_forward, labels);
        test_loss("squared error", squared_forward, labels);
    }
    return check_report();
}
