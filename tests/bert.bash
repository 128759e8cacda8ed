# What the tests of bert-train, bert-eval and bert-predict share: `load bert`, after `load streams`.

MODELS=$BATS_TEST_DIRNAME/fixtures/model
MODEL=$MODELS/good-tiny

# Makes $WORK with reviews.tsv, train.mp, test.mp (labels by name) and texts.mp (unlabelled, texts kept); for setup_file.
make_tokens() {
    export WORK=$BATS_FILE_TMPDIR/tokens
    mkdir "$WORK"
    printf '%s\n' 'label	text' \
        'negative	a terrible , boring film' \
        'positive	a great film' \
        'negative	the worst acting , and the plot is bad' \
        'positive	brilliant story and i loved it : the best movie !' \
        'negative	i hated it' \
        'positive	absolutely wonderful' \
        'negative	a poor waste of time , with awful actors and a plot that is not good' \
        'positive	enjoy this movie ! it is fantastic' >"$WORK/reviews.tsv"
    tokens "$WORK/reviews.tsv" >"$WORK/train.mp"
    head -n 6 "$WORK/reviews.tsv" | tokens - >"$WORK/test.mp"
    printf '%s\n' 'I loved this movie!' 'The worst plot.' | rec-load -q | wp-tokenize -q -k -m "$MODEL" >"$WORK/texts.mp"
}

# A labelled TSV file as tokens of $MODEL.
tokens() {
    rec-load -q --from tsv "$1" | wp-tokenize -q -m "$MODEL"
}

# The JSON documents on standard input through a Python expression over `rows`, printed.
json() {
    python3 -c '
import json, math, sys
rows = [json.loads(line) for line in sys.stdin if line.strip()]
print(eval(sys.argv[1]))' "$1"
}
