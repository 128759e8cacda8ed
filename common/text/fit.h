/*
 * Fitting a text's tokens into a model's length: cut them, keep head and tail, or make windows.
 */
#ifndef TEXT_FIT_H
#define TEXT_FIT_H

#include <stdbool.h>
#include <stddef.h>

#include "text/tokeniser.h"

enum fit_long {
    FIT_CUT,       /* the first tokens; of a pair the longer text loses first */
    FIT_HEAD_TAIL, /* the first and the last tokens of each text */
    FIT_WINDOW, /* consecutive windows; of a pair, each with the first text and some of the second
                 */
    FIT_FAIL,
};

struct fit {
    enum fit_long on_long;
    size_t max_length; /* special tokens included; at least TOKENISER_MIN_LENGTH */
    size_t head;       /* of max_length less 2: tokens of the head */
    size_t stride; /* tokens that a window shares with the one before it; below max_length less 2 */
};

/* 128 of 510, as in Sun et al. 2019, "How to Fine-Tune BERT for Text Classification?". */
size_t fit_default_head(size_t max_length);

/* How many of first and second tokens to keep so that both have at most `room`, as transformers'
 * `longest_first` does. */
void fit_share_room(size_t *first, size_t *second, size_t room);

/* How many sequences come of an encoding without a limit (tokeniser_encode with max_length 0): 1,
 * but for windows. */
size_t fit_count(const struct fit *fit, const struct encoding *whole, bool paired);

/*
 * Sequence k, from 0, of those; not for FIT_FAIL unless it fits. Windows are those of tokenizers'
 * overflow: the next begins `stride` tokens before this one's end, until one reaches the text's
 * end. out->cut: tokens of the text that no sequence has, with the first one. *begin gets the
 * number of the sequence's first token in the text that is windowed.
 */
void fit_take(const struct fit *fit, const struct encoding *whole, bool paired, size_t k,
              struct encoding *out, size_t *begin);

#endif
