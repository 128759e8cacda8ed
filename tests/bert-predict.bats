load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

@test "manners" {
    has_manners bert-predict
}

@test "one prediction for each record, in input order, with ids, gold and text" {
    succeeds bert-predict -q -m "$MODEL" -f json "$WORK/train.mp"
    printf '%s\n' "$output" > predictions
    rec-dump "$WORK/train.mp" > tokens
    [ "$(json '[r["id"] for r in rows]' < predictions)" = "$(json '[r["id"] for r in rows]' < tokens)" ]
    [ "$(json '[["negative", "positive"][r["gold"]] for r in rows]' < predictions)" = "$(json '[r["label"] for r in rows]' < tokens)" ]
    [ "$(json 'all(r["name"] == ["negative", "positive"][r["label"]] for r in rows)' < predictions)" = True ]
    [ "$(json 'all(r["score"] == max(r["probs"]) == r["probs"][r["label"]] for r in rows)' < predictions)" = True ]
    [ "$(json 'all(abs(sum(r["probs"]) - 1) < 1e-6 for r in rows)' < predictions)" = True ]
    succeeds bert-predict -q -m "$MODEL" -f json "$WORK/texts.mp"
    [ "$(json '[(r["text"], "gold" in r) for r in rows]' <<< "$output")" = "[('I loved this movie!', False), ('The worst plot.', False)]" ]
}

@test "text for people: text and label, or id and label" {
    succeeds bert-predict -q -m "$MODEL" -f text "$WORK/texts.mp"
    [ "${lines[0]}" = "Text: I loved this movie!" ]
    [[ "${lines[1]}" =~ ^Sentiment:\ (Positive|Negative)\ \(Confidence:\ 0\.[0-9]{3}\)$ ]]
    [ "${lines[2]}" = "Text: The worst plot." ]
    succeeds bert-predict -q -m "$MODEL" -f text "$WORK/test.mp"
    [ "${#lines[@]}" -eq 5 ]
    [[ "${lines[0]}" =~ ^2$'\t'(negative|positive)$'\t'0\.[0-9]{3}$ ]]
}

@test "text for people: control characters are shown, not sent to the terminal" {
    printf 'A \033[31mgreat\033[0m film\n' | rec-load -q | wp-tokenize -q -k -m "$MODEL" > escape.mp
    succeeds bert-predict -q -m "$MODEL" -f text escape.mp
    [ "${lines[0]}" = 'Text: A \x1b[31mgreat\x1b[0m film' ]
}

@test "a missing shard is an error to whoever reads the rest" {
    rec-split -qn 4 -o shard "$WORK/train.mp" > names
    rm shard-3-of-4.mp
    cat shard-*.mp > missing.mp
    for command in "bert-predict -q -m $MODEL -f json" "bert-eval -q -m $MODEL" "bert-train -q -m $MODEL -o out"; do
        run --separate-stderr sh -c "$command missing.mp > stdout"
        [ "$status" -eq 1 ]
        [[ "$stderr" == *": missing.mp: of the 4 parts of set "*", part 3 is missing" ]] || { echo "$stderr"; false; }
    done
    ! ls out/model.safetensors
}

@test "tsv has named columns" {
    succeeds bert-predict -q -m "$MODEL" -f tsv "$WORK/texts.mp"
    [ "${lines[0]}" = "id	label	name	score	probs	gold	text	spans	x" ]
    [ "$(cut -f 7 <<< "${lines[1]}")" = "I loved this movie!" ]
}

@test "segments stay segments, their history and parts are kept, and the labels are the model's" {
    cat "$WORK/train.mp" "$WORK/texts.mp" | bert-predict -q -m "$MODEL" > predictions.mp
    succeeds rec-dump predictions.mp
    [ "${#lines[@]}" -eq 10 ]
    rec-check predictions.mp > check 2>&1
    grep -q wp-tokenize check && grep -q bert-predict check && grep -q positive check && grep -q good-tiny check
    rec-split -q -n 2 "$WORK/train.mp"
    for part in part-*.mp; do
        bert-predict -q -m "$MODEL" "$part"
    done > parts.mp
    [ "$(rec-dump parts.mp)" = "$(bert-predict -q -m "$MODEL" "$WORK/train.mp" | rec-dump)" ]
    bert-predict -q -m "$MODEL" part-1-of-2.mp > half.mp 2>/dev/null || bert-predict -q -m "$MODEL" "$(printf '%s\n' part-*.mp | head -n 1)" > half.mp
    run rec-check half.mp
    [ "$status" -eq 1 ]
}

@test "live in a pipe: a prediction comes before the next text is sent" {
    mkfifo texts predictions
    bash -o pipefail -c 'rec-load -q < texts | wp-tokenize -q -k -m "$1" | bert-predict -q -m "$1" -f json > predictions' - "$MODEL" 3>&- &
    pid=$!
    exec 5> texts 6< predictions
    for text in 'I loved this movie!' 'The worst plot.' 'Fine'; do
        echo "$text" >&5
        read -r -t 20 line <&6
        [ "$(json 'rows[0]["text"]' <<< "$line")" = "$text" ]
    done
    exec 5>&-
    wait "$pid"
    exec 6<&-
}

@test "a stream without records is a whole stream" {
    head -n 1 "$WORK/reviews.tsv" | tokens - > none.mp
    bert-predict -q -m "$MODEL" none.mp > predictions.mp
    succeeds rec-dump predictions.mp
    [ -z "$output" ]
}

@test "a reader that goes away" {
    for _ in $(seq 200); do cat "$WORK/train.mp"; done > many.mp
    run closed_pipe_status bert-predict -q -m "$MODEL" -f json many.mp
    [ "$status" -eq 141 ]
    [ ! -s "$BATS_TEST_TMPDIR/pipe-stderr" ]
}

@test "bad input" {
    fails_with "bert-predict: standard input: *" bert-predict -q -m "$MODEL" -f json < /dev/null
    rec-load -q --from tsv "$WORK/reviews.tsv" > text.mp
    fails_with "bert-predict: text.mp: needs a tokens stream, this is a text stream" bert-predict -q -m "$MODEL" -f json text.mp
    printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a film > vocab.txt
    wp-tokenize -q --vocab vocab.txt text.mp > other.mp 2>/dev/null
    fails_with "bert-predict: other.mp: the tokens were made by tokenizer *, but */good-tiny has tokenizer *" \
        bert-predict -q -m "$MODEL" -f json other.mp
    fails_with "bert-predict: nowhere: neither a folder nor a model in *" bert-predict -q -m nowhere -f json "$WORK/test.mp"
    fails_with "bert-predict: */bad-missing-tensor*" bert-predict -q -m "$MODELS/bad-missing-tensor" -f json "$WORK/test.mp"
    fails_with "bert-predict: */good-legacy*" bert-predict -q -m "$MODELS/good-legacy" -f json "$WORK/test.mp"
    run --separate-stderr bert-predict
    [ "$status" -eq 2 ]
}

@test "a stream that is cut leaves no output file, and no whole stream" {
    head -c 400 "$WORK/train.mp" > cut.mp
    fails_with "bert-predict: cut.mp: *" bert-predict -q -m "$MODEL" -o predictions.mp cut.mp
    [ ! -e predictions.mp ]
    [ -z "$(find . -name '.predictions*')" ]
    run --separate-stderr sh -c "bert-predict -q -m '$MODEL' < cut.mp | rec-check"
    [ "$status" -eq 1 ]
}

@test "a full disk" {
    for form in msgpack text json; do
        run --separate-stderr sh -c "bert-predict -q -m '$MODEL' -f $form '$WORK/train.mp' > /dev/full"
        [ "$status" -eq 1 ]
        [[ "$stderr" == "bert-predict: standard output: "*"No space left on device" ]]
        [ "${#stderr_lines[@]}" -eq 1 ]
    done
}
