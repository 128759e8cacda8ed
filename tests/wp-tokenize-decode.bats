# wp-tokenize --decode: tokens streams back to text. That the texts are tokenizers' is tested in tests/unit/test_text_tokeniser.c.

bats_require_minimum_version 1.5.0

setup() {
    PATH=${BUILD:-$BATS_TEST_DIRNAME/../build}:$PATH
    fixtures=$BATS_TEST_DIRNAME/fixtures/text
    bert=$fixtures/bert-base-uncased
    cd "$BATS_TEST_TMPDIR" || return 1
}

@test "the text without special tokens, or with them; id, label and x stay" {
    # From tokenizers: decode(encode(text).ids, skip_special_tokens=...)
    printf '%s\n' '{"id": "a", "text": "It was UNBELIEVABLE, wasn'"'"'t it?", "label": "pos", "stars": 5}' | rec-load -q -F jsonl > text.mp
    wp-tokenize -q -m "$bert" text.mp > tokens.mp
    run --separate-stderr wp-tokenize --decode -m "$bert" -f json tokens.mp
    [ "$status" -eq 0 ]
    [ "$output" = '{"id":"a","text":"it was unbelievable, wasn '"'"' t it?","label":"pos","x":{"stars":5}}' ]
    [ "$stderr" = "wp-tokenize: 1 records, 11 tokens" ]
    wp-tokenize -q --decode --keep-special -m "$bert" -f json tokens.mp > special.json
    [[ "$(cat special.json)" == *'"text":"[CLS] it was unbelievable, wasn '"'"' t it? [SEP]"'* ]]
}

@test "what it writes is a text stream with the labels and the history, and is tokenised to the same" {
    printf '%s\n' '{"text": "good film", "label": "pos"}' '{"text": "bad film", "label": "neg"}' | rec-load -q -F jsonl > text.mp
    wp-tokenize -q -m "$bert" text.mp > tokens.mp
    wp-tokenize -q --decode -m "$bert" tokens.mp > again.mp
    run --separate-stderr rec-check again.mp
    [ "$status" -eq 0 ]
    [[ "$output" == *text* && "$output" == *decode* ]]
    [[ "$output" != *30522* ]]
    cmp <(rec-dump tokens.mp) <(wp-tokenize -q -m "$bert" again.mp | rec-dump)
}

@test "a pair becomes text and pair again" {
    printf '%s\n' '{"text": "who jumps?", "pair": "the fox"}' '{"text": "", "pair": ""}' | rec-load -q -F jsonl > text.mp
    wp-tokenize -q -m "$bert" text.mp | wp-tokenize -q --decode -m "$bert" -f json > out.json
    [ "$(cat out.json)" = '{"id":"1","text":"who jumps?","pair":"the fox"}
{"id":"2","text":"","pair":""}' ]
}

@test "windows become their text again, a pair's too, whatever they share" {
    words="one two three four five six seven eight nine ten eleven twelve"
    printf '%s\n' "{\"id\": \"w\", \"text\": \"$words\"}" "{\"id\": \"p\", \"text\": \"which number\", \"pair\": \"$words\"}" |
        rec-load -q -F jsonl > text.mp
    for stride in 0 1 2; do
        wp-tokenize -q -L 8 --on-long window --stride "$stride" -m "$bert" text.mp > windows.mp
        [ "$(rec-dump windows.mp | wc -l)" -gt 4 ]
        wp-tokenize -q --decode -m "$bert" -f json windows.mp > out.json
        [ "$(cat out.json)" = "{\"id\":\"w\",\"text\":\"$words\"}
{\"id\":\"p\",\"text\":\"which number\",\"pair\":\"$words\"}" ]
    done
    [ "$(wp-tokenize -q --decode --keep-special -m "$bert" -f json windows.mp | head -n 1)" = "{\"id\":\"w\",\"text\":\"[CLS] $words [SEP]\"}" ]
}

@test "another model's tokens, a text stream, another decoder, options for encoding: refused" {
    echo "the movie" | rec-load -q > text.mp
    wp-tokenize -q -m "$bert" text.mp > tokens.mp
    run --separate-stderr wp-tokenize --decode -m "$fixtures/good-small" -f json tokens.mp
    [ "$status" -eq 1 ]
    [[ "$stderr" == "wp-tokenize: tokens.mp: the tokens were made by tokenizer "*": tokenise again with that model" ]]
    run --separate-stderr wp-tokenize --decode -m "$bert" -f json text.mp
    [ "$status" -eq 1 ]
    [ "$stderr" = "wp-tokenize: text.mp: needs a tokens stream, this is a text stream" ]
    run --separate-stderr wp-tokenize --decode -m "$fixtures/good-other-decoder" -f json tokens.mp
    [ "$status" -eq 1 ]
    [ "$stderr" = "wp-tokenize: decoder 'BPEDecoder' is not supported, only WordPiece is" ]
    run --separate-stderr wp-tokenize --decode -k -m "$bert" tokens.mp
    [ "$status" -eq 2 ]
    run --separate-stderr wp-tokenize --keep-special -m "$bert" text.mp
    [ "$status" -eq 2 ]
}

@test "live in a pipe: a text comes out before the next tokens go in" {
    mkfifo in out
    rec-load -q < in | wp-tokenize -q -m "$bert" | wp-tokenize -q --decode -m "$bert" -f json > out &
    exec 7> in 8< out
    for word in good bad ugly; do
        echo "$word" >&7
        IFS= read -r -t 20 line <&8
        [[ "$line" == *"\"text\":\"$word\""* ]]
    done
    exec 7>&- 8<&-
    wait
}
