#include "train/match.h"

#include <string.h>

#include "cli/diag.h"

static int64_t id_or_none(uint32_t id)
{
    return id == TOKEN_NONE ? -1 : (int64_t)id;
}

struct stream_tokenizer match_description(const struct tokeniser *tokeniser, uint64_t max_length)
{
    const struct tokeniser_special *special = &tokeniser->special;
    return (struct stream_tokenizer){
        .digest = (char *)tokeniser->digest,
        .kind = (char *)tokeniser->kind,
        .vocab_size = tokeniser->vocabulary.size,
        .max_length = max_length,
        .cls = special->cls,
        .sep = special->sep,
        .pad = id_or_none(special->pad),
        .unk = special->unk,
        .mask = id_or_none(special->mask),
    };
}

struct dataset_limits match_limits(const struct model *model)
{
    return (struct dataset_limits){
        .vocab_size = model->config.vocab_size,
        .max_length = model_config_max_length(&model->config),
        .types = model->config.type_vocab_size,
    };
}

int match_tokenizer(const struct stream_header *header, const char *place, const char *name,
                    const struct tokeniser *tokeniser)
{
    const char *digest = header->tokenizer.digest;
    if (!digest) {
        diag_warn("%s: it does not say which tokenizer made these tokens", place);
        return 0;
    }
    if (strcmp(digest, tokeniser->digest) != 0)
        return diag_error("%s: the tokens were made by tokenizer %.16s (%s), but %s has "
                          "tokenizer %.16s: tokenise again with that model",
                          place, digest, header->tokenizer.kind, name, tokeniser->digest);
    return 0;
}

int match_header(const struct stream_header *header, const char *place, const struct model *model,
                 const struct tokeniser *tokeniser)
{
    if (stream_header_expect(header, STREAM_TOKENS, place))
        return -1;
    if (header->problem > STREAM_PROBLEM_REGRESSION)
        return diag_error("%s: the problem is '%s', and only single, multi and regression are "
                          "supported",
                          place, stream_problem_name(header->problem));
    return match_tokenizer(header, place, model->folder, tokeniser);
}

struct stream_merge *match_open(char *const *paths, int count, size_t max_record,
                                const struct model *model, const struct tokeniser *tokeniser)
{
    struct stream_merge *merge = stream_merge_open(paths, count, max_record, STREAM_TOKENS);
    if (!merge)
        return NULL;
    const char *place = stream_reader_source(stream_merge_reader(merge));
    if (match_header(stream_merge_header(merge), place, model, tokeniser)) {
        stream_merge_close(merge);
        return NULL;
    }
    return merge;
}
