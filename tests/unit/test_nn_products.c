/*
 * Every table of products that this processor runs, against sums in double precision of operands
 * rounded as the table rounds them: shapes with edges, both layouts of each operand (those of int8
 * have one), bias and accumulation; and that a row's bits depend neither on its position nor on the
 * rows beside it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/memory.h"
#include "nn/cpu/kernels.h"

#include "check.h"

/* Of the sum of the terms' magnitudes: what sums in float32 of this many terms may be off by. */
#define FLOAT32_ROUNDING 6e-8

/* Deterministic numbers in [-1, 1) of 24 bits, which bf16 must round. */
static float number(uint64_t i)
{
    uint64_t x = (i + 1) * 0x9E3779B97F4A7C15u;
    x ^= x >> 29;
    x *= 0xBF58476D1CE4E5B9u;
    return (float)((double)(x >> 40) / (1 << 23) - 1);
}

/* The nearest number with 8 significant bits, ties to even, by arithmetic alone. */
static double to_bf16(double x)
{
    if (x == 0)
        return 0;
    int exponent;
    double scaled = ldexp(frexp(x, &exponent), 8);
    return ldexp(nearbyint(scaled), exponent - 8);
}

/* Rounds count numbers that lie `stride` apart; slack: by how much each may be off. */
typedef void rounding(double *to, double *slack, const float *from, size_t stride, size_t count);

static void as_float32(double *to, double *slack, const float *from, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = from[i * stride];
        slack[i] = 0;
    }
}

static void as_bf16(double *to, double *slack, const float *from, size_t stride, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = to_bf16(from[i * stride]);
        slack[i] = 0;
    }
}

/* Chunks of 96 numbers whose largest has 12 bits before the point. */
static void as_chunks(double *to, double *slack, const float *from, size_t stride, size_t count)
{
    for (size_t first = 0; first < count; first += 96) {
        size_t end = first + 96 < count ? first + 96 : count;
        double most = 0, unit = 0;
        int exponent;
        for (size_t i = first; i < end; i++)
            most = fmax(most, fabsf(from[i * stride]));
        if (frexp(most, &exponent) > 0)
            unit = ldexp(1, exponent - 12);
        for (size_t i = first; i < end; i++) {
            to[i] = unit > 0 ? nearbyint(from[i * stride] / unit) * unit : 0;
            slack[i] = 0;
        }
    }
}

/* Steps of `scale` around `zero`, of which there are low .. high. What lies within a float's
 * rounding of the middle between two of them may go to either. */
static void to_steps(double *to, double *slack, const float *from, size_t stride, size_t count,
                     double scale, double zero, double low, double high)
{
    for (size_t i = 0; i < count; i++) {
        double steps = scale > 0 ? from[i * stride] / scale : 0;
        double whole = fmin(fmax(nearbyint(steps) + zero, low), high) - zero;
        to[i] = whole * scale;
        slack[i] = fabs(fabs(steps - nearbyint(steps)) - 0.5) < 1e-4 ? scale : 0;
    }
}

static void range_of(const float *from, size_t stride, size_t count, double *least, double *most)
{
    *least = *most = 0;
    for (size_t i = 0; i < count; i++) {
        *least = fmin(*least, from[i * stride]);
        *most = fmax(*most, from[i * stride]);
    }
}

/* ONNX's DynamicQuantizeLinear, of a row. */
static void as_activations(double *to, double *slack, const float *from, size_t stride,
                           size_t count)
{
    double least, most;
    range_of(from, stride, count, &least, &most);
    double scale = (most - least) / 255;
    to_steps(to, slack, from, stride, count, scale, scale > 0 ? nearbyint(-least / scale) : 0, 0,
             255);
}

/* ONNX Runtime's symmetric weights, of a column. */
static void as_weights(double *to, double *slack, const float *from, size_t stride, size_t count)
{
    double least, most;
    range_of(from, stride, count, &least, &most);
    to_steps(to, slack, from, stride, count, fmax(most, -least) / 127, 0, -127, 127);
}

/* A table, and how it rounds rows of the left operand and columns of the right one. */
struct table {
    const struct products *products;
    rounding *left, *right;
};

static bool is_int8(const struct table *table)
{
    return table->left == as_activations;
}

struct operand {
    float *data;
    size_t row, column; /* strides */
};

/* rows x columns numbers, stored by rows or by columns, with a gap behind each. */
static struct operand operand_new(size_t rows, size_t columns, bool by_rows, uint64_t seed)
{
    size_t gap = 3, outer = by_rows ? rows : columns, inner = by_rows ? columns : rows;
    struct operand o = {mem_calloc((outer + 1) * (inner + gap), sizeof(float)), 1, 1};
    for (size_t i = 0; i < outer; i++)
        for (size_t j = 0; j < inner; j++)
            o.data[i * (inner + gap) + j] = number(seed + i * inner + j);
    *(by_rows ? &o.row : &o.column) = inner + gap;
    return o;
}

struct shape {
    size_t rows, columns, depth;
};

enum beginning { FROM_ZERO, FROM_BIAS, FROM_C, BEGINNINGS };

struct test_case {
    const struct table *table;
    struct shape shape;
    bool left_by_rows, right_by_rows;
    enum beginning beginning;
    bool kept; /* operands that come a few rows at a time, multiplied in parts */
};

static void check_result(const struct test_case *t, const struct operand *left,
                         const struct operand *right, const float *c, const float *bias,
                         const float *before)
{
    const struct shape *s = &t->shape;
    const char *name = t->table->products->name;
    double *a = mem_calloc(s->rows * s->depth, sizeof *a),
           *b = mem_calloc(s->columns * s->depth, sizeof *b);
    double *a_slack = mem_calloc(s->rows * s->depth, sizeof *a),
           *b_slack = mem_calloc(s->columns * s->depth, sizeof *b);
    size_t wrong = 0;
    for (size_t m = 0; m < s->rows; m++)
        t->table->left(a + m * s->depth, a_slack + m * s->depth, left->data + m * left->row,
                       left->column, s->depth);
    for (size_t n = 0; n < s->columns; n++)
        t->table->right(b + n * s->depth, b_slack + n * s->depth, right->data + n * right->column,
                        right->row, s->depth);
    for (size_t m = 0; m < s->rows; m++)
        for (size_t n = 0; n < s->columns; n++) {
            size_t at = m * (s->columns + 1) + n;
            double sum = t->beginning == FROM_C      ? before[at]
                         : t->beginning == FROM_BIAS ? bias[n]
                                                     : 0;
            double magnitude = fabs(sum), slack = 0;
            for (size_t k = 0; k < s->depth; k++) {
                size_t i = m * s->depth + k, j = n * s->depth + k;
                sum += a[i] * b[j];
                magnitude += fabs(a[i] * b[j]);
                slack += a_slack[i] * (fabs(b[j]) + b_slack[j]) + fabs(a[i]) * b_slack[j];
            }
            wrong +=
                !(fabs(c[at] - sum) <= FLOAT32_ROUNDING * magnitude * sqrt(s->depth + 8) + slack);
        }
    CHECK(wrong == 0, "%s: %zu x %zu x %zu, left by %s, right by %s%s, beginning %d: %zu are wrong",
          name, s->rows, s->columns, s->depth, t->left_by_rows ? "rows" : "columns",
          t->right_by_rows ? "rows" : "columns", t->kept ? ", kept" : "", t->beginning, wrong);
    for (size_t m = 0; m < s->rows; m++)
        CHECK(c[m * (s->columns + 1) + s->columns] == 77, "%s: row %zu is written beyond its end",
              name, m);
    free(a);
    free(b);
    free(a_slack);
    free(b_slack);
}

static void multiply_whole(const struct test_case *t, float *c, const struct operand *left,
                           const struct operand *right, const float *bias, void *room, void *panels)
{
    const struct products *p = t->table->products;
    const struct shape *s = &t->shape;
    p->pack_panels(panels, right->data, right->row, right->column, s->depth, s->columns);
    p->multiply(c, s->columns + 1,
                p->left(room, left->data, left->row, left->column, s->rows, s->depth), panels,
                t->beginning == FROM_BIAS ? bias : NULL, t->beginning == FROM_C, s->rows,
                s->columns, s->depth);
}

/* Both operands by rows of the depth, KEPT_ROWS at a time and the last first; then c in parts
 * of KEPT_COLUMNS rows and a panel's columns. */
static void multiply_kept(const struct test_case *t, float *c, const struct operand *left,
                          const struct operand *right, const float *bias, void *room, void *panels)
{
    const struct products *p = t->table->products;
    const struct shape *s = &t->shape;
    const size_t high = KEPT_COLUMNS, wide = p->panel_columns, step = KEPT_ROWS;
    for (size_t k = (s->depth - 1) / step * step + step; k > 0;) {
        size_t deep = s->depth - (k -= step) < step ? s->depth - k : step;
        p->keep_left(room, left->data + k * left->column, left->column, k, deep, s->depth, s->rows);
        p->keep_panels(panels, right->data + k * right->row, right->row, k, deep, s->depth,
                       s->columns);
    }
    for (size_t m = 0; m < s->rows; m += high)
        for (size_t n = 0; n < s->columns; n += wide)
            p->multiply(c + m * (s->columns + 1) + n, s->columns + 1,
                        p->kept_left(room, m, s->depth),
                        (const char *)panels + p->panels_bytes(s->depth, n),
                        t->beginning == FROM_BIAS ? bias + n : NULL, t->beginning == FROM_C,
                        s->rows - m < high ? s->rows - m : high,
                        s->columns - n < wide ? s->columns - n : wide, s->depth);
}

static void check_case(const struct test_case *t)
{
    const struct products *p = t->table->products;
    const struct shape *s = &t->shape;
    struct operand left = operand_new(s->rows, s->depth, t->left_by_rows, 1);
    struct operand right = operand_new(s->depth, s->columns, t->right_by_rows, 1000003);
    size_t stride = s->columns + 1, count = s->rows * stride;
    float *c = mem_calloc(count, sizeof *c), *before = mem_calloc(count, sizeof *before);
    float *bias = mem_calloc(s->columns, sizeof *bias);
    void *panels = mem_alloc_lines(p->panels_bytes(s->depth, s->columns));
    void *room = mem_alloc_lines(p->left_bytes(s->rows, s->depth));
    memset(room, 0xff, p->left_bytes(s->rows, s->depth)); /* NaNs, where nothing is written */

    for (size_t i = 0; i < count; i++)
        before[i] = c[i] = i % stride == s->columns ? 77 : number(i + 5000);
    for (size_t n = 0; n < s->columns; n++)
        bias[n] = number(n + 9000);
    memset(panels, 0xff, p->panels_bytes(s->depth, s->columns));
    (t->kept ? multiply_kept : multiply_whole)(t, c, &left, &right, bias, room, panels);
    check_result(t, &left, &right, c, bias, before);
    free(left.data);
    free(right.data);
    free(c);
    free(before);
    free(bias);
    free(panels);
    free(room);
}

static void test_shapes(const struct table *table)
{
    static const struct shape shapes[] = {
        {1, 1, 1},    {1, 2, 384},  {2, 33, 31},   {7, 31, 33},   {8, 32, 32},   {12, 64, 2},
        {13, 65, 70}, {16, 16, 16}, {17, 100, 48}, {31, 7, 400},  {32, 32, 384}, {11, 511, 32},
        {48, 32, 51}, {96, 40, 96}, {37, 31, 770}, {511, 9, 24},  {24, 512, 32}, {31, 33, 385},
        {5, 3, 1537}, {64, 5, 1},   {100, 21, 17}, {50, 12, 511}, {97, 48, 95},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int layout = 0; layout < 4; layout++)
            for (int beginning = layout == 2 ? FROM_ZERO : FROM_C; beginning < BEGINNINGS;
                 beginning++) {
                struct test_case t = {
                    table, shapes[i], layout % 2 == 0, layout / 2 == 0, (enum beginning)beginning,
                    false};
                if (is_int8(table) && layout != 2)
                    continue;
                check_case(&t);
                t.kept = !t.left_by_rows && t.right_by_rows;
                if (t.kept)
                    check_case(&t);
            }
}

/* One row at every position among others, and alone. */
static void test_positions(const struct products *p)
{
    enum { ROWS = 50, COLUMNS = 45, DEPTH = 420 };
    struct operand left = operand_new(ROWS, DEPTH, true, 3);
    struct operand right = operand_new(DEPTH, COLUMNS, false, 77);
    float alone[COLUMNS], all[ROWS * COLUMNS], row[DEPTH];
    void *panels = mem_alloc_lines(p->panels_bytes(DEPTH, COLUMNS));
    void *room = mem_alloc_lines(p->left_bytes(ROWS, DEPTH));
    memcpy(row, left.data, sizeof row);
    p->pack_panels(panels, right.data, right.row, right.column, DEPTH, COLUMNS);
    p->multiply(alone, COLUMNS, p->left(room, row, DEPTH, 1, 1, DEPTH), panels, NULL, false, 1,
                COLUMNS, DEPTH);
    for (size_t m = 0; m < ROWS; m++) {
        memcpy(left.data + m * left.row, row, sizeof row);
        p->multiply(all, COLUMNS, p->left(room, left.data, left.row, 1, ROWS, DEPTH), panels, NULL,
                    false, ROWS, COLUMNS, DEPTH);
        CHECK(memcmp(all + m * COLUMNS, alone, sizeof alone) == 0,
              "%s: row %zu has other bits than alone", p->name, m);
        for (size_t k = 0; k < DEPTH; k++)
            left.data[m * left.row + k] = number(m * DEPTH + k);
    }
    free(left.data);
    free(right.data);
    free(panels);
    free(room);
}

/* What rounding to bf16 does to numbers between two of them, to NaN and infinity. */
static void test_rounding(const struct products *p)
{
    static const float cases[][2] = {
        {1.00390625f, 1.0f},                             /* a tie: to even */
        {1.01171875f, 1.015625f},                        /* a tie: to even, upwards */
        {1.003906369f, 1.0078125f},                      /* just above the tie */
        {-3.14159265f, -3.140625f}, {3.4e38f, INFINITY}, /* beyond the largest */
        {INFINITY, INFINITY},       {65504.0f, 65536.0f},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int side = 0; side < 2; side++) {
            const float x = cases[i][0], one = 1;
            float c = 0;
            void *panels = mem_alloc_lines(p->panels_bytes(1, 1));
            void *room = mem_alloc_lines(p->left_bytes(1, 1));
            p->pack_panels(panels, side ? &x : &one, 1, 1, 1, 1);
            p->multiply(&c, 1, p->left(room, side ? &one : &x, 1, 1, 1, 1), panels, NULL, false, 1,
                        1, 1);
            CHECK(c == cases[i][1] || (isinf(cases[i][1]) && isnan(c)),
                  "%s: %.9g becomes %.9g, expected %.9g", p->name, x, c, cases[i][1]);
            free(panels);
            free(room);
        }
}

/* The product of a row and a column, plus a bias. */
static float one_product(const struct products *p, const float *row, const float *column,
                         size_t depth, float bias)
{
    float c = 0;
    void *panels = mem_alloc_lines(p->panels_bytes(depth, 1));
    void *room = mem_alloc_lines(p->left_bytes(1, depth));
    p->pack_panels(panels, column, 1, depth, depth, 1);
    p->multiply(&c, 1, p->left(room, row, depth, 1, 1, depth), panels, &bias, false, 1, 1, depth);
    free(panels);
    free(room);
    return c;
}

/* The ends of the range are exact, as is zero; computed by hand. */
static void test_quantisation(const struct products *p)
{
    static const struct {
        const char *what;
        float row[5], column[5], expected;
    } cases[] = {
        {"whole numbers over the range", {-128, 127, 3, 0, -1}, {127, -127, 1, 64, -2}, -32380},
        {"a range of one sign has zero at its end",
         {255, 51, 0, 1, 2},
         {127, 0, 5, -127, 1},
         32260},
        {"negative numbers alone", {-255, -51, 0, -1, -2}, {127, 0, 5, -127, 1}, -32260},
        {"numbers between the steps", {255, 0.4f, 0.6f, -0.0f, 100.5f}, {0, 127, 127, 127, 0}, 127},
        {"zeros in a row", {0, 0, 0, 0, -0.0f}, {1, 2, 3, 4, 5}, 0},
        {"zeros in a column", {1, 2, 3, 4, 5}, {0, 0, 0, 0, 0}, 0},
        {"numbers too small to count", {1e-39f, -1e-39f, 0, 0, 0}, {1e38f, 0, 0, 0, 0}, 0},
        {"numbers whose range is none", {2e38f, -2e38f, 0, 0, 0}, {0, 0, 1, 0, 0}, 0},
        {"large numbers that meet zeros", {1e30f, 0, 0, 0, 0}, {0, 1e30f, 0, 0, 0}, 0},
        {"not a number", {1, NAN, 2, 3, 4}, {1, 1, 1, 1, 1}, NAN},
        {"not a number in a weight", {1, 2, 3, 4, 5}, {1, 0, 0, 0, NAN}, NAN},
        {"infinity", {1, 0, -INFINITY, 3, 4}, {1, 1, 0, 1, 1}, NAN},
        {"infinity in a weight", {1, 0, 2, 3, 4}, {1, INFINITY, 0, 1, 1}, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float c = one_product(p, cases[i].row, cases[i].column, 5, 0.5f);
        bool right = isnan(cases[i].expected)
                         ? isnan(c)
                         : fabsf(c - cases[i].expected - 0.5f) <= 1e-6f * fabsf(c);
        CHECK(right, "%s: %s: %.9g, expected %.9g", p->name, cases[i].what, c,
              cases[i].expected + 0.5f);
    }
}

/* The ends of chunks, by hand: rounding, and numbers that have none. */
static void test_chunks(const struct products *p)
{
    static const struct {
        const char *what;
        float row[3], column[3], expected;
    } cases[] = {
        {"twelve bits, and a tie to even", {4095, 0.5f, 0}, {1, 1, 1}, 4095},
        {"a tie to even, upwards", {4095, 1.5f, -2.5f}, {1, 1, 1}, 4095},
        {"the largest number may round up", {4095.75f, 0, 0}, {1, 1, 1}, 4096},
        {"a power of two has a bit more", {4096, 1, 3}, {1, 1, 0}, 4096},
        {"small numbers", {0x1p-100f, 0x1p-102f, 0}, {0x1p100f, 0x1p100f, 0}, 1.25f},
        {"too small to count", {0x1p-116f, 0, 0}, {0x1p116f, 0, 0}, 0},
        {"large numbers", {0x1.8p127f, 0, 0}, {0x1p-100f, 0, 0}, 0x1.8p27f},
        {"large numbers that meet zeros", {1e30f, 0, 0}, {0, 1e30f, 0}, 0},
        {"not a number", {0, NAN, 0}, {0, 0, 1}, NAN},
        {"not a number in the column", {0, 1, 0}, {0, 0, -NAN}, NAN},
        {"infinity", {0, -INFINITY, 0}, {0, 0, 1}, NAN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float c = one_product(p, cases[i].row, cases[i].column, 3, 0);
        CHECK(c == cases[i].expected || (isnan(c) && isnan(cases[i].expected)),
              "%s: %s: %.9g, expected %.9g", p->name, cases[i].what, c, cases[i].expected);
    }
}

static void test_table(const struct products *products, rounding *left, rounding *right)
{
    const struct table table = {products, left, right};
    test_shapes(&table);
    test_positions(products);
    if (left == as_bf16)
        test_rounding(products);
    if (is_int8(&table))
        test_quantisation(products);
    if (left == as_chunks)
        test_chunks(products);
}

/* The products of a dtype that a variable names, where the processor runs them. */
static void test_named(const struct kernels *k, enum engine_dtype dtype, const char *variable,
                       const char *name, rounding *left, rounding *right)
{
    setenv(variable, name, 1);
    const struct products *p = products_select(k, dtype);
    if (p)
        test_table(p, left, right);
    else
        printf("# %s products are left out: this processor does not run them\n", name);
}

int main(void)
{
    static const char *const kernels[] = {"portable", "avx2", "avx512"};
    static const char *const bf16[] = {"emulated", "avx512bf16", "amx"};
    static const char *const bfp[] = {"avx2", "avxvnni", "avx512vnni"};
    static const char *const int8[] = {"avxvnni", "avx512vnni"};
    const struct kernels *k = NULL;

    for (size_t i = 0; i < sizeof kernels / sizeof *kernels; i++) {
        setenv("BERTPIPE_KERNELS", kernels[i], 1);
        if (!(k = kernels_select())) {
            printf("# %s kernels are left out: this processor does not run them\n", kernels[i]);
            continue;
        }
        test_table(k->float32, as_float32, as_float32);
        test_table(k->rounded, as_bf16, as_bf16);
        test_table(k->quantised, as_activations, as_weights);
    }
    unsetenv("BERTPIPE_KERNELS");
    k = kernels_select();
    for (size_t i = 0; i < sizeof bf16 / sizeof *bf16; i++)
        test_named(k, ENGINE_BF16, "BERTPIPE_BF16", bf16[i], as_bf16, as_bf16);
    for (size_t i = 0; i < sizeof bfp / sizeof *bfp; i++)
        test_named(k, ENGINE_BF16, "BERTPIPE_BF16", bfp[i], as_chunks, as_chunks);
    for (size_t i = 0; i < sizeof int8 / sizeof *int8; i++)
        test_named(k, ENGINE_INT8, "BERTPIPE_INT8", int8[i], as_activations, as_weights);
    return check_report();
}
