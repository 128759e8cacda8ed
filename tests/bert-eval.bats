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

# predictions FILE HEADER < LINES: a predictions stream with that header (JSON, added to the least one) of those records (JSON lines).
predictions() {
    PYTHONPATH=$STREAM_FIXTURES python3 -c '
import json, pathlib, sys
from msgstream import segment
header = {"type": "predictions", "problem": "single", "labels": ["no", "yes"], "history": []} | json.loads(sys.argv[2])
records = [json.loads(line) for line in sys.stdin]
pathlib.Path(sys.argv[1]).write_bytes(segment(header, [{"id": str(i)} | record for i, record in enumerate(records)]))' "$1" "${2:-{\}}"
}

# Four records, of which three are right.
four() {
    printf '%s\n' '{"label": 1, "gold": 1, "probs": [0.125, 0.875]}' '{"label": 1, "gold": 0, "probs": [0.375, 0.625]}' \
        '{"label": 0, "gold": "no", "probs": [0.625, 0.375]}' '{"gold": 0, "probs": [0.75, 0.25]}'
}

# The JSON report of these arguments as one line.
report() {
    bert-eval -q -f json "$@" | tr -d '\n'
    echo
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
    [[ "${lines[0]}" == "loss                     "* ]]
    [[ "${lines[1]}" == "accuracy                 0."* ]]
    [[ "$output" == *"          precision    recall        f1   support   roc_auc  average_precision"* ]]
    [[ "$output" == *"confusion matrix (rows: label, columns: prediction)"* ]]
    [[ "$output" == *"speed                  "*" records/s, "* ]]
}

@test "predictions are evaluated as the model is" {
    bert-predict -q -m "$MODEL" -o predictions.mp "$WORK/train.mp"
    { report -m "$MODEL" "$WORK/train.mp"; report predictions.mp; } > both
    [ "$(json 'sorted(k for k in rows[0] if k not in rows[1])' < both)" = "['runtime', 'samples_per_second', 'tokens', 'tokens_per_second']" ]
    [ "$(json 'sorted(k for k in rows[1] if rows[1][k] != rows[0][k])' < both)" = "['loss']" ]
    [ "$(json 'math.isclose(rows[0]["loss"], rows[1]["loss"], rel_tol=1e-5)' < both)" = True ]
}

# The figures are worked out by hand. AUC: the one true record is above all others. Both bins' gaps: 0.0 to 0.5 is empty.
@test "a report of four predictions, by hand" {
    four | predictions four.mp
    succeeds bert-eval --bins 2 four.mp
    diff <(printf '%s\n' "$output") - << 'END'
loss                     0.4680
accuracy                 0.7500
balanced_accuracy        0.8333
precision                0.5000
recall                   1.0000
f1                       0.6667
matthews_correlation     0.5774
cohen_kappa              0.5000
roc_auc                  1.0000
average_precision        1.0000
brier                    0.1523
calibration_error        0.0312
records                       4
precision, recall and f1 are those of yes

          precision    recall        f1   support   roc_auc  average_precision
no           1.0000    0.6667    0.8000         3    1.0000             1.0000
yes          0.5000    1.0000    0.6667         1    1.0000             1.0000
macro        0.7500    0.8333    0.7333         4
weighted     0.8750    0.7500    0.7667         4

confusion matrix (rows: label, columns: prediction)
                no       yes
no               2         1
yes              0         1

calibration
confidence         records  mean confidence  share right
0.5000 to 1.0000         4           0.7188       0.7500
END
}

@test "predictions without probabilities" {
    printf '%s\n' '{"label": 1, "gold": 1}' '{"label": "yes", "gold": 0}' | predictions bare.mp
    [ "$(report bare.mp | json 'rows[0]["accuracy"], "loss" in rows[0], "roc_auc" in rows[0], "calibration" in rows[0]')" = \
        "(0.5, False, False, False)" ]
}

@test "labels without names are counted by the probabilities" {
    printf '%s\n' '{"gold": 2, "probs": [0.25, 0.25, 0.5]}' | predictions unnamed.mp '{"labels": []}'
    fails_with "bert-eval: unnamed.mp: record 1: *" bert-eval unnamed.mp
    PYTHONPATH=$STREAM_FIXTURES python3 -c '
from msgstream import segment
open("unnamed.mp", "wb").write(segment({"type": "predictions", "history": []}, [{"id": "a", "gold": 2, "probs": [0.25, 0.25, 0.5]}]))'
    [ "$(report unnamed.mp | json 'rows[0]["labels"], rows[0]["accuracy"]')" = "(['LABEL_0', 'LABEL_1', 'LABEL_2'], 1.0)" ]
}

@test "several labels, by hand" {
    printf '%s\n' '{"label": [0, 2], "gold": [0], "probs": [0.75, 0.25, 0.75]}' '{"gold": ["b"], "probs": [0.25, 0.75, 0.25]}' \
        '{"label": [], "gold": [], "probs": [0.25, 0.25, 0.25]}' | predictions sets.mp '{"problem": "multi", "labels": ["a", "b", "c"]}'
    report sets.mp > report
    [ "$(json 'rows[0]["problem"], round(rows[0]["accuracy"] * 3, 9), round(rows[0]["hamming_loss"] * 9, 9), rows[0]["recall"]' < report)" = \
        "('multi', 2.0, 1.0, 1.0)" ]
    [ "$(json 'rows[0]["f1"], round(rows[0]["f1_samples"] * 9, 9), rows[0]["classes"]["c"]["roc_auc"]' < report)" = "(0.8, 5.0, None)" ]
    succeeds bert-eval sets.mp
    [[ "$output" == *$'\n'"samples "* ]]
}

@test "numbers, by hand" {
    printf '%s\n' '{"label": 1.5, "gold": 1}' '{"label": 2, "gold": 2.0}' '{"label": 3.5, "gold": 4}' |
        predictions numbers.mp '{"problem": "regression", "labels": ["stars"]}'
    report numbers.mp > report
    [ "$(json 'round(rows[0]["mse"] * 6, 9), round(rows[0]["mae"] * 3, 9), round(rows[0]["spearman"], 9)' < report)" = "(1.0, 1.0, 1.0)" ]
    # The truth's squared deviations from its mean 7/3 are 14/3.
    [ "$(json 'math.isclose(rows[0]["r2"], 1 - 0.5 / (14 / 3))' < report)" = True ]
    succeeds bert-eval numbers.mp
    [[ "$output" != *"confusion"* ]] && [[ "$output" != *"calibration"* ]]
}

@test "many classes: the most frequent mistakes instead of a wide matrix" {
    for pair in 0:1 0:1 0:1 2:3 2:3 19:0 4:4; do
        echo "{\"gold\": ${pair%:*}, \"label\": ${pair#*:}}"
    done | predictions many.mp "{\"labels\": $(python3 -c 'import json; print(json.dumps([f"c{i}" for i in range(20)]))')}"
    succeeds bert-eval many.mp
    diff <(printf '%s\n' "$output" | sed -n '/^most/,$p') - << 'END'
most frequent mistakes
label     prediction   records
c0        c1                 3
c2        c3                 2
c19       c0                 1
END
    [[ "$output" != *"confusion matrix"* ]]
    [ "$(report many.mp | json 'rows[0]["confusion"][0][1], len(rows[0]["confusion"])')" = "(3, 20)" ]
}

@test "every form has every value" {
    four | predictions four.mp
    report --bootstrap 50 four.mp > all
    bert-eval -q -f tsv --bootstrap 50 -o report.tsv four.mp
    bert-eval -q -f msgpack --bootstrap 50 -o report.mp four.mp
    rec-dump report.mp >> all
    [ "$(json '[row["split"] for row in rows[1:]]' < all)" = "['eval', 'eval/class/no', 'eval/class/yes', 'eval/calibration']" ]
    [ "$(json 'all(math.isclose(rows[1]["values"][k], v) for k, v in rows[0].items() if isinstance(v, float))' < all)" = True ]
    [ "$(json '[math.isclose(rows[1]["values"]["f1_low"], v) for v in rows[0]["bootstrap"]["intervals"]["f1"]]' < all)" = "[True, False]" ]
    [ "$(json 'rows[2]["values"]["predicted/yes"], math.isclose(rows[2]["values"]["recall"], rows[0]["classes"]["no"]["recall"])' < all)" = "(1.0, True)" ]
    [ "$(json 'rows[4]["values"]["count/10"], rows[0]["calibration"][9]["count"]' < all)" = "(2.0, 2)" ]
    [ "$(json '[(row["split"], n, f"{v:.15g}" if v is not None else "") for row in rows[1:] for n, v in row["values"].items() if n[-4:] != "_low" and n[-5:] != "_high"] == [tuple(line.rstrip("\n").split("\t")[:3]) for line in open("report.tsv")][1:]' < all)" = True ]
}

@test "intervals depend on the seed alone, and hold what they say" {
    for i in $(seq 100); do
        echo "{\"label\": $((i % 4 > 0)), \"gold\": 1}"
    done | predictions many.mp
    report --bootstrap 2000 many.mp > a
    report --bootstrap 2000 many.mp | cmp - a
    report --bootstrap 2000 --seed 7 many.mp > b
    ! cmp -s a b
    # Three of four are right: the binomial distribution of 100 draws has its 2.5 and 97.5 % at 66 and 83, 10 and 90 % at 69 and 80.
    for file in a b; do
        [ "$(json '[abs(v - w) <= 0.011 for v, w in zip(rows[0]["bootstrap"]["intervals"]["accuracy"], (0.66, 0.83))]' < "$file")" = "[True, True]" ]
    done
    [ "$(report --bootstrap 2000 --confidence 0.8 many.mp |
        json '[abs(v - w) <= 0.011 for v, w in zip(rows[0]["bootstrap"]["intervals"]["accuracy"], (0.69, 0.80))]')" = "[True, True]" ]
    succeeds bert-eval --bootstrap 10 many.mp
    [[ "$output" == *"95 % intervals of 10 resamples, seed 42"* ]]
}

# Of seven records one is right on this side alone and five on the other: p = 2 (1 + 6) / 2^6.
@test "two sides compared" {
    for label in 1 0 0 0 0 0 1; do echo "{\"label\": $label, \"gold\": 1}"; done | predictions this.mp
    for label in 0 1 1 1 1 1 1; do echo "{\"label\": $label, \"gold\": 1}"; done | predictions other.mp
    report --compare other.mp this.mp > report
    [ "$(json 'rows[0]["comparison"]["mcnemar"]' < report)" = \
        "{'only_this_right': 1, 'only_other_right': 5, 'method': 'exact', 'statistic': 1.0, 'p_value': 0.21875}" ]
    [ "$(json 'round(rows[0]["comparison"]["differences"]["accuracy"] * 7, 9), round(rows[0]["comparison"]["other"]["accuracy"] * 7, 9)' < report)" = "(-4.0, 6.0)" ]
    succeeds bert-eval --bootstrap 10 --compare other.mp this.mp
    [[ "$output" == *"McNemar's test: this alone right 1, other alone right 5, exact, p 0.2188"* ]]
    bert-predict -q -m "$MODEL" -o same.mp "$WORK/train.mp"
    report -m "$MODEL" --bootstrap 10 --compare same.mp "$WORK/train.mp" > report
    [ "$(json 'rows[0]["comparison"]["mcnemar"]["p_value"], rows[0]["comparison"]["difference_intervals"]["f1"]' < report)" = "(1.0, [0.0, 0.0])" ]
}

@test "sides that cannot be compared" {
    four | predictions this.mp
    four | head -n 3 | predictions fewer.mp
    fails_with "bert-eval: this.mp: record 4: fewer.mp has 3 records only" bert-eval --compare fewer.mp this.mp
    fails_with "bert-eval: this.mp: it has more than 3 records" bert-eval --compare this.mp fewer.mp
    four | sed '1s/{/{"id": "x", /' | predictions ids.mp
    fails_with "bert-eval: ids.mp: record 1: its id is 'x', and that of this.mp: record 1 is '0': *" bert-eval --compare ids.mp this.mp
    four | sed '2s/"gold": 0/"gold": 1/' | predictions gold.mp
    fails_with "bert-eval: gold.mp: record 2: its gold label is another" bert-eval --compare gold.mp this.mp
    four | sed 's/"no"/0/' | predictions names.mp '{"labels": ["no", "maybe"]}'
    fails_with "bert-eval: names.mp: its label 1 is 'maybe', not 'yes'" bert-eval --compare names.mp this.mp
    four | sed '4s/{/{"label": 0, /; s/, "probs.*]//' | predictions bare.mp
    fails_with "bert-eval: bare.mp: it has no probabilities, and what it is compared with has some" bert-eval --compare bare.mp this.mp
    echo '{"label": 1, "gold": 1}' | predictions numbers.mp '{"problem": "regression"}'
    fails_with "bert-eval: none.mp: *No such file*" bert-eval --compare none.mp this.mp
    fails_with "bert-eval: */train.mp: tokens need a model to classify them: -m MODEL" bert-eval --compare "$WORK/train.mp" this.mp
}

@test "bad predictions" {
    bad() {
        predictions bad.mp "${3-}" <<< "$2"
        fails_with "bert-eval: bad.mp: $1" bert-eval bad.mp
    }
    bad "record 1: no gold label to compare the prediction with" '{"label": 1}'
    bad "record 1: *label 2 is outside the list of 2 labels" '{"label": 2, "gold": 1}'
    bad "record 1: label 'maybe' is not one of the 2 classes" '{"label": 1, "gold": "maybe"}'
    bad "record 1: neither a label nor probabilities are predicted" '{"gold": 1}'
    bad "record 1: 3 probabilities, and there are 2 labels" '{"gold": 1, "probs": [0, 0.5, 0.5]}'
    bad "record 1: probability 2 is 1.5, not in 0..1" '{"gold": 1, "probs": [0.5, 1.5]}'
    bad "record 1: byte 68: field 'probs' has a number that is not finite" '{"gold": 1, "probs": [NaN, 0.5]}'
    bad "record 2: it has no probabilities, and the records before it have some" $'{"gold": 1, "probs": [0.5, 0.5]}\n{"label": 1, "gold": 1}'
    bad "record 1: neither labels nor probabilities are predicted" '{"gold": [1]}' '{"problem": "multi"}'
    bad "record 1: no number is predicted" '{"gold": 1.5}' '{"problem": "regression", "labels": ["a"]}'
    bad "record 1: 2 numbers, and there should be 1" '{"gold": [1.5, 1], "label": 1}' '{"problem": "regression", "labels": ["a"]}'
    bad "record 1: a label is no number" '{"gold": "x", "label": 1}' '{"problem": "regression", "labels": ["a"]}'
    bad "record 1: a label is not finite" '{"gold": Infinity, "label": 1}' '{"problem": "regression", "labels": ["a"]}'
    bad "the problem is 'token', and only single, multi and regression can be evaluated" '{"gold": 1, "label": 1}' '{"problem": "token"}'
    predictions bad.mp < /dev/null
    fails_with "bert-eval: bad.mp: no records" bert-eval bad.mp
    fails_with "bert-eval: */train.mp: tokens need a model to classify them: -m MODEL" bert-eval "$WORK/train.mp"
}

@test "names cannot steer a terminal, nor break a table" {
    echo '{"label": 1, "gold": 1}' | predictions names.mp '{"labels": ["a\u001b[2J", "b\tc"]}'
    succeeds bert-eval names.mp
    [[ "$output" != *$'\e'* ]] && [[ "$output" == *'a\x1b[2J'* ]]
    [ "$(bert-eval -f tsv names.mp | awk -F '\t' '{ print NF }' | sort -u)" = 5 ]
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

@test "what int8 costs is told of the first texts: that of predictions in both types" {
    for dtype in float32 int8; do
        bert-predict -q -m "$MODEL" --dtype $dtype -f json -o $dtype.json "$WORK/train.mp"
    done
    for count in 3 256; do
        bert-eval -m "$MODEL" --dtype int8 --float32-texts $count "$WORK/train.mp" 2>&1 >report.txt | python3 -c '
import json, sys
count = min(int(sys.argv[1]), 8)
plain, small = ([json.loads(line) for line in open(path)][:count] for path in ("float32.json", "int8.json"))
apart = [abs(p - q) for a, b in zip(plain, small) for p, q in zip(a["probs"], b["probs"])]
right = [sum(row["gold"] == row["label"] for row in side) / count for side in (small, plain)]
others = sum(a["label"] != b["label"] for a, b in zip(plain, small))
told, mean = sys.stdin.readline(), sum(apart) / len(apart)
assert told.startswith(f"bert-eval: int8: probabilities of the first {count} texts are "), told
assert told.endswith(" from float32\u0027s on average\n") and abs(float(told.split()[9]) - mean) <= 0.06 * mean, (told, mean)
assert mean > 0 and sys.stdin.readline() == f"bert-eval: int8: other labels than in float32 for {others} of the " \
    f"first {count} texts; accuracy {right[0]:.4f}, in float32 {right[1]:.4f}\n"' $count
    done
    [ "$(bert-eval -m "$MODEL" --dtype int8 --float32-texts 0 "$WORK/train.mp" 2>&1 >report.txt)" = "" ]
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
    run --separate-stderr bert-eval --bins 0 "$WORK/train.mp"
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
