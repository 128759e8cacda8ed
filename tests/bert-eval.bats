load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# Accuracy, loss, confusion and scores worked out in Python from the probabilities of bert-predict.
expected() {
    bert-predict -q -m "$MODEL" -f json "$1" | python3 -c '
import json, math, sys
rows = [json.loads(line) for line in sys.stdin]
confusion = [[sum(r["gold"] == g and r["label"] == p for r in rows) for p in (0, 1)] for g in (0, 1)]
print(json.dumps({
    "accuracy": sum(r["gold"] == r["label"] for r in rows) / len(rows),
    "loss": -sum(math.log(r["probs"][r["gold"]]) for r in rows) / len(rows),
    "confusion": confusion,
    "recall": confusion[1][1] / sum(confusion[1]),
}))'
}

@test "manners" {
    has_manners bert-eval
}

@test "the report's figures are those of the predictions" {
    expected "$WORK/train.mp" > expected.json
    succeeds bert-eval -q -m "$MODEL" -f json "$WORK/train.mp"
    tr -d '\n' <<< "$output" | cat - <(echo) expected.json > both
    [ "$(json 'rows[0]["confusion"] == rows[1]["confusion"] and sum(map(sum, rows[0]["confusion"])) == 8' < both)" = True ]
    [ "$(json 'math.isclose(rows[0]["accuracy"], rows[1]["accuracy"], rel_tol=1e-12)' < both)" = True ]
    [ "$(json 'math.isclose(rows[0]["loss"], rows[1]["loss"], rel_tol=1e-5)' < both)" = True ]
    [ "$(json 'math.isclose(rows[0]["classes"]["positive"]["recall"], rows[1]["recall"], rel_tol=1e-12)' < both)" = True ]
    [ "$(json 'rows[0]["labels"], rows[0]["records"]' < both)" = "(['negative', 'positive'], 8)" ]
    [ "$(json 'rows[0]["classes"]["negative"]["support"]' < both)" = 4 ]
}

@test "text for people, also into a pipe" {
    succeeds bert-eval -q -m "$MODEL" "$WORK/train.mp"
    [[ "${lines[0]}" == "accuracy  0."* ]]
    [[ "${lines[1]}" == "loss      "* ]]
    [[ "$output" == *"          precision  recall      f1  support"* ]]
    [[ "$output" == *"confusion matrix (rows: label, columns: prediction)"* ]]
}

@test "msgpack is a metrics stream with the same figures" {
    bert-eval -q -m "$MODEL" -f msgpack -o report.mp "$WORK/train.mp"
    bert-eval -q -m "$MODEL" -f json "$WORK/train.mp" | tr -d '\n' > report.json
    echo >> report.json
    rec-dump report.mp >> report.json
    [ "$(json 'rows[1]["split"], rows[1]["values"]["accuracy"] == rows[0]["accuracy"], rows[1]["values"]["records"]' < report.json)" = \
        "('eval', True, 8.0)" ]
    [ "$(json 'math.isclose(rows[1]["values"]["loss"], rows[0]["loss"], rel_tol=1e-12)' < report.json)" = True ]
}

@test "neither the batches nor the device change the counts" {
    succeeds bert-eval -q -m "$MODEL" -f json "$WORK/train.mp"
    tr -d '\n' <<< "$output" > all
    for options in "-b 1" "-b 3" "--batch-tokens 20" "--device ref"; do
        # shellcheck disable=SC2086
        succeeds bert-eval -q -m "$MODEL" -f json $options "$WORK/train.mp"
        tr -d '\n' <<< "$output" | cat all <(echo) - > both
        [ "$(json 'rows[0]["confusion"] == rows[1]["confusion"] and math.isclose(rows[0]["loss"], rows[1]["loss"], rel_tol=1e-5)' < both)" = True ]
    done
}

@test "labels map by name, whatever the stream's order; segments merge" {
    bert-eval -q -m "$MODEL" -f json "$WORK/train.mp" | tr -d '\n' > names
    sed 's/negative/0/; s/positive/1/' "$WORK/reviews.tsv" | rec-load -q --from tsv | wp-tokenize -q -m "$MODEL" > numbers.mp
    bert-eval -q -m "$MODEL" -f json numbers.mp | tr -d '\n' | cat names <(echo) - > both
    [ "$(json 'rows[0]["confusion"] == rows[1]["confusion"]' < both)" = True ]
    succeeds bert-eval -q -m "$MODEL" -f json "$WORK/train.mp" "$WORK/train.mp"
    [ "$(tr -d '\n' <<< "$output" | json 'rows[0]["records"]')" = 16 ]
}

@test "bad input" {
    fails_with "bert-eval: */texts.mp: record 1: no label" bert-eval -q -m "$MODEL" "$WORK/texts.mp"
    fails_with "bert-eval: standard input: *" bert-eval -q -m "$MODEL" < /dev/null
    head -n 1 "$WORK/reviews.tsv" | tokens - > none.mp
    fails_with "bert-eval: none.mp: no records" bert-eval -q -m "$MODEL" none.mp
    head -c 400 "$WORK/train.mp" > cut.mp
    fails_with "bert-eval: cut.mp: *" bert-eval -q -m "$MODEL" cut.mp
    sed 's/negative/awful/' "$WORK/reviews.tsv" | tokens - > other.mp
    fails_with "bert-eval: other.mp: record 1: label 'awful' is not one of the 2 classes" bert-eval -q -m "$MODEL" other.mp
    sed 's/negative/2/; s/positive/1/' "$WORK/reviews.tsv" | tokens - > range.mp
    fails_with "bert-eval: range.mp: record 1: label 2 is not in 0..1" bert-eval -q -m "$MODEL" range.mp
    fails_with "bert-eval: */good-legacy*" bert-eval -q -m "$MODELS/good-legacy" "$WORK/train.mp"
    run --separate-stderr bert-eval
    [ "$status" -eq 2 ]
}

@test "outputs that cannot be written" {
    run --separate-stderr sh -c "bert-eval -q -m '$MODEL' '$WORK/train.mp' > /dev/full"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "bert-eval: standard output: "*"No space left on device" ]]
    fails_with "bert-eval: nowhere/report: *" bert-eval -q -m "$MODEL" -o nowhere/report "$WORK/train.mp"
    head -c 400 "$WORK/train.mp" > cut.mp
    fails_with "bert-eval: cut.mp: *" bert-eval -q -m "$MODEL" -o report cut.mp
    [ ! -e report ]
}
