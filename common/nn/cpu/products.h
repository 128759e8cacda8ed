/*
 * Matrix products c = left x right with sums in float32, for each type of operand. products.c and
 * products_*.c are compiled once for each instruction set and fill one table
 * each.
 *
 * Operands come as float32 and are packed into the layout that a table's loops read, in the type
 * that they multiply. Matrices are row-major; a stride counts floats.
 *
 * Each element of c is summed in one fixed order that depends on the depth alone: not on how many
 * rows are multiplied together, nor on the row's position, nor on the thread.
 */
#ifndef NN_CPU_PRODUCTS_H
#define NN_CPU_PRODUCTS_H

#include <stdbool.h>
#include <stddef.h>

#define KEPT_ROWS    96
#define KEPT_COLUMNS 96 /* whole tiles of a left operand, and whole panels */

/* A left operand as `left` gave it; strides in elements of the table's type. */
struct left {
    const void *data;
    size_t row, column, tile;
};

/* Those of int8 take left operands by rows and right ones by columns, and have none of the calls
 * that training needs: keep_left, keep_panels, kept_left; nor are they attention's, and strip_rows
 * may be 0. */
struct products {
    const char *name;
    unsigned
        panel_columns;   /* rows of c with room for whole panels spare a multiplication its edge */
    unsigned strip_rows; /* of a wide and shallow c to compute at a time, so that it stays in the
                            cache: whole tiles */

    /* Bytes that the packed right[depth, columns] takes. */
    size_t (*panels_bytes)(size_t depth, size_t columns);
    /* Packs right, whose element (k, n) is right[k * row + n * column]; one of the strides is 1. */
    void (*pack_panels)(void *panels, const float *right, size_t row, size_t column, size_t depth,
                        size_t columns);
    /* Bytes of room that `left` may take. */
    size_t (*left_bytes)(size_t rows, size_t depth);
    /* The left operand x[rows, depth], whose element (m, k) is x[m * row + k * column]; one of the
     * strides is 1. It is packed into room, or used in place; both must stay as they are until it
     * has been multiplied. */
    struct left (*left)(void *room, const float *x, size_t row, size_t column, size_t rows,
                        size_t depth);
    /* The operands x^T and x of products whose depth is the rows of an x[depth, columns] that comes
     * a few rows at a time: puts `rows` of them, the next at x + row, from number `first` on, a
     * multiple of KEPT_ROWS, in their places in what `left` and `pack_panels` make of the whole.
     * kept has left_bytes(columns, depth), or panels_bytes(depth, columns). */
    void (*keep_left)(void *kept, const float *x, size_t row, size_t first, size_t rows,
                      size_t depth, size_t columns);
    void (*keep_panels)(void *kept, const float *x, size_t row, size_t first, size_t rows,
                        size_t depth, size_t columns);
    /* The kept left operand from x's column on, a multiple of KEPT_COLUMNS. (Panels from there on
     * begin at panels_bytes(depth, column).) */
    struct left (*kept_left)(const void *kept, size_t column, size_t depth);
    /* c[rows, columns] = left x right, plus bias[columns] unless NULL, plus what c held when
     * accumulate is set (bias must then be NULL). */
    void (*multiply)(float *c, size_t c_stride, struct left left, const void *panels,
                     const float *bias, bool accumulate, size_t rows, size_t columns, size_t depth);
};

#endif
