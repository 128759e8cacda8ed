/*
 * Tokens records to text records: a pair's tokens become text and pair, and the windows of a text
 * that text again.
 */
#ifndef ENCODE_DETOKENISE_H
#define ENCODE_DETOKENISE_H

#include "stream/record.h"
#include "text/text_decoder.h"

struct detokeniser;

/* keep_special: special tokens are part of the texts. The tokeniser is borrowed. NULL with a
 * message. */
struct detokeniser *detokeniser_new(const struct tokeniser *tokeniser, bool keep_special);
/* May be NULL. */
void detokeniser_free(struct detokeniser *detokeniser);

/*
 * Takes a tokens record; windows come in order. 1 when *text is the text record of it and the
 * windows before it, which points into both until the next call; 0 when more windows follow; -1
 * with a message, `place: ...`.
 */
int detokeniser_add(struct detokeniser *detokeniser, const struct stream_record *tokens,
                    const char *place, struct stream_record *text);

#endif
