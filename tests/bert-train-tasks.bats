# Problems other than two classes: many classes, several labels a record, numbers. Curves beside the Trainer's are in
# tests/parity/tasks.py.

load streams
load bert

setup_file() {
    make_tokens
    cd "$WORK" || exit 1
    printf '%s\n' '{"text": "a good film", "label": ["joy", "love"]}' '{"text": "a bad film", "label": []}' \
        '{"text": "the plot", "label": ["fear"]}' '{"text": "i love it", "label": ["love"]}' >sets.jsonl
    printf '%s\n' '{"text": "a good film", "label": 4.5}' '{"text": "a bad film", "label": 1.5}' \
        '{"text": "the plot", "label": 3}' '{"text": "i love it", "label": 5}' >numbers.jsonl
    for name in sets numbers; do
        from_json <$name.jsonl >$name.mp
    done
}

from_json() {
    rec-load -q -F jsonl "$@" | wp-tokenize -q -k -m "$MODEL"
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    train=(bert-train -q -f json -m "$MODEL" -o out -b 2 -w 0 -l 0.003 --save-strategy no)
}

config() {
    json "$1" < <(tr -d '\n' <out/config.json)
}

@test "several labels: the model's problem, its labels, and predictions" {
    succeeds "${train[@]}" -n 30 "$WORK/sets.mp"
    [ "$(config 'rows[0]["problem_type"], rows[0]["id2label"]')" = "('multi_label_classification', {'0': 'fear', '1': 'joy', '2': 'love'})" ]
    bert-predict -q -m out -f json "$WORK/sets.mp" >predictions
    [ "$(json '[r["gold"] for r in rows]' <predictions)" = "[[1, 2], [], [0], [2]]" ]
    [ "$(json 'all(len(r["probs"]) == 3 and r["label"] == [i for i, p in enumerate(r["probs"]) if p >= 0.5] for r in rows)' <predictions)" = True ]
    [ "$(json 'all(r["name"] == ",".join(["fear", "joy", "love"][i] for i in r["label"]) and "score" not in r for r in rows)' <predictions)" = True ]
    bert-predict -q -m out --threshold 0 -f json "$WORK/sets.mp" | json '[r["label"] for r in rows]' >all
    [ "$(cat all)" = "[[0, 1, 2], [0, 1, 2], [0, 1, 2], [0, 1, 2]]" ]
    bert-predict -q -m out --threshold 1 -f text "$WORK/sets.mp" >none
    [ "$(sed -n 2p none)" = "Labels: none" ]
    # the sigmoid of each, not a softmax of all
    [ "$(json 'any(abs(sum(r["probs"]) - 1) > 0.05 for r in rows)' <predictions)" = True ]
}

@test "numbers: the model's problem, and predictions" {
    succeeds "${train[@]}" -n 30 "$WORK/numbers.mp"
    [ "$(config 'rows[0]["problem_type"], rows[0]["id2label"]')" = "('regression', {'0': 'LABEL_0'})" ]
    bert-predict -q -m out -f json "$WORK/numbers.mp" >predictions
    [ "$(json '[r["gold"] for r in rows], {type(r["label"]).__name__ for r in rows}, any("probs" in r or "name" in r for r in rows)' <predictions)" = \
        "([4.5, 1.5, 3.0, 5.0], {'float'}, False)" ]
    run bert-predict -q -m out -f text "$WORK/numbers.mp"
    [[ "${lines[1]}" =~ ^Value:\ [0-9.-]+$ ]]
}

@test "the loss of numbers is their mean squared error, that of labels the mean binary cross-entropy" {
    for name in sets numbers; do
        rm -rf out
        succeeds "${train[@]}" -n 3 --eval "$WORK/$name.mp" --no-load-best-model-at-end "$WORK/$name.mp"
        printf '%s\n' "$output" | json '[r["values"]["loss"] for r in rows if r["split"] == "eval"][-1]' >loss
        bert-predict -q -m out -f json "$WORK/$name.mp" >predictions
        if [ $name = numbers ]; then
            json 'sum((r["label"] - r["gold"]) ** 2 for r in rows) / 4' <predictions >wanted
        else
            json 'sum(-math.log(p if i in r["gold"] else 1 - p) for r in rows for i, p in enumerate(r["probs"])) / 12' <predictions >wanted
        fi
        python3 -c 'import math, sys; a, b = map(float, sys.argv[1:]); assert math.isclose(a, b, rel_tol=1e-5), (a, b)' "$(cat loss)" "$(cat wanted)"
        bert-predict -q -m out "$WORK/$name.mp" | bert-eval -q -f json >of-predictions
        bert-eval -q -m out -f json "$WORK/$name.mp" >of-model
        [ "$(cat of-predictions of-model | tr -d '\n' | sed 's/}{/}\n{/' | json "[math.isclose(r['loss'], $(cat wanted), rel_tol=1e-5) for r in rows]")" = "[True, True]" ]
    done
}

@test "labels as ids or as numbers from 0 to 1 are the same as their names" {
    sed -e 's/"fear"/0/; s/"joy"/1/; s/"love"/2/' "$WORK/sets.jsonl" | from_json --problem multi >ids.mp
    sed -e 's/\["joy", "love"\]/[0.0, 1, 1.0]/; s/\[\]/[0, 0, 0.0]/; s/\["fear"\]/[1.0, 0, 0]/; s/\["love"\]/[0.0, 0, 1]/' "$WORK/sets.jsonl" | from_json --problem multi >shares.mp
    for file in "$WORK/sets.mp" ids.mp shares.mp; do
        rm -rf out
        succeeds "${train[@]}" -n 2 --logging-steps 1 --problem-type multi_label_classification --labels fear,joy,love "$file"
        printf '%s\n' "$output" | json '[r["values"]["loss"] for r in rows if "loss" in r["values"]]' >>losses
    done
    [ "$(sort -u losses | wc -l)" -eq 1 ]
}

@test "several numbers a record" {
    sed -e 's/"label": \(.*\)}/"label": [\1, 0.5]}/' "$WORK/numbers.jsonl" | from_json --problem regression >pairs.mp
    succeeds "${train[@]}" -n 2 --labels stars,length pairs.mp
    [ "$(config 'rows[0]["id2label"]')" = "{'0': 'stars', '1': 'length'}" ]
    [ "$(bert-predict -q -m out -f json pairs.mp | json '{len(r["label"]) for r in rows}')" = "{2}" ]
    bert-eval -q -m out pairs.mp | grep -q '^stars '
}

@test "a class is a number when the problem is a regression" {
    sed 's/negative	/1	/; s/positive	/5	/' "$WORK/reviews.tsv" | tokens - >stars.mp
    succeeds "${train[@]}" -n 1 --problem-type regression stars.mp
    [ "$(config 'rows[0]["problem_type"]')" = regression ]
}

@test "a thousand classes" {
    for i in $(seq 0 999); do
        printf 'c%d\tfilm %d\n' "$i" "$i"
    done | (printf 'label\ttext\n' && cat) | tokens - >classes.mp
    succeeds "${train[@]}" -n 1 -b 64 --eval classes.mp --no-load-best-model-at-end classes.mp
    [ "$(config 'len(rows[0]["id2label"]), rows[0]["label2id"]["c999"]')" = "(1000, 999)" ]
    [ "$(bert-predict -q -m out -f json classes.mp | json 'len(rows), len(rows[0]["probs"]), [r["gold"] for r in rows[:3]]')" = "(1000, 1000, [0, 1, 112])" ]
}

@test "what the labels cannot be is refused before the first step, naming a record" {
    refused() {
        local pattern=$1
        shift
        fails_with "bert-train: $pattern" "${train[@]}" "$@"
        [ ! -e out/config.json ]
    }
    refused "*sets.mp: record 1: the label is not a class" --problem-type single_label_classification "$WORK/sets.mp"
    refused "*numbers.mp: record 1: the label is not a class" --problem-type single_label_classification "$WORK/numbers.mp"
    refused "*sets.mp: record 1: 2 numbers, and there should be 1" --problem-type regression --labels a "$WORK/sets.mp"
    refused "*train.mp: record 1: the label is no number" --problem-type regression "$WORK/train.mp"
    refused "*texts.mp: record 1: no label" "$WORK/texts.mp"
    refused "*texts.mp: record 1: no label" --problem-type multi_label_classification "$WORK/texts.mp"
    refused "*sets.mp: record 3: label 'fear' is not one of the 2 classes" --labels joy,love "$WORK/sets.mp"
    refused "*sets.mp: record 1: label 'joy' is not one of the 1 classes" --eval "$WORK/sets.mp" --labels fear "$WORK/sets.mp"
    echo '{"text": "a", "label": ["joy", 0.5]}' | from_json >mixed.mp 2>/dev/null && refused "mixed.mp: record 1: the labels are names and real numbers, mixed" mixed.mp
    echo '{"text": "a", "label": [0.5, 2.0]}' | from_json --problem multi >beyond.mp
    refused "a label's value is 2, and how far a label holds is from 0 to 1" beyond.mp
    echo '{"text": "a", "label": [0, 1, 0]}' | from_json --problem multi >zeros.mp
    refused "zeros.mp: record 1: the list of labels has 0 twice: it names the classes that hold; with a number for each class, these are 1.0 and 0.0" zeros.mp
    echo '{"text": "a", "label": ["joy", "love", "joy"]}' | from_json >twice.mp
    refused "twice.mp: record 1: the list of labels has 'joy' twice" twice.mp
    refused "--class-weights is for problems with one label a record" --class-weights 1,1,1 "$WORK/sets.mp"
    refused "--label-smoothing-factor is for problems with one label a record" --label-smoothing-factor 0.1 "$WORK/numbers.mp"
    refused "*numbers.mp: segments disagree on the problem: multi, then regression" --problem-type regression "$WORK/sets.mp" "$WORK/numbers.mp"
}

@test "a trained model's problem holds for data that does not say" {
    succeeds "${train[@]}" -n 1 "$WORK/numbers.mp"
    python3 - "$STREAM_FIXTURES" "$(json 'rows[0]["bertpipe"]["tokenizer"]["digest"]' < <(rec-dump --header "$WORK/numbers.mp"))" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
from msgstream import segment
header = {"type": "tokens", "history": [], "ids_type": "u16", "tokenizer": {
    "digest": sys.argv[2], "kind": "wordpiece", "vocab_size": 200, "max_length": 32, "cls": 2, "sep": 3, "pad": 0, "unk": 1, "mask": 4}}
records = [{"id": str(i), "ids": bytes([2, 0, 10, 0, 3, 0]), "label": i} for i in range(3)]
open("bare.mp", "wb").write(segment(header, records))
END
    run --separate-stderr bert-train -q -f json -m out -o second -n 1 -w 0 --save-strategy no bare.mp
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(json 'rows[0]["problem_type"]' < <(tr -d '\n' <second/config.json))" = regression ]
    # a model without a problem takes them for classes
    succeeds "${train[@]}" --force -n 1 bare.mp
    [ "$(config 'rows[0]["problem_type"], len(rows[0]["id2label"])')" = "('single_label_classification', 3)" ]
}
