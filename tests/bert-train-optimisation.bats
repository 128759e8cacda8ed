# bert-train: optimisers, rates by layer, frozen layers and the forms of the loss. Their numbers are checked in
# tests/unit/test_nn_reference.c and tests/parity/loss-curve.py; here, what the options do to a whole run.

load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    train=(bert-train -q -f json -m "$MODEL" -b 2 -n 1 -w 0 -l 0.01 --save-strategy no --logging-steps 1)
}

# The tensors of two models that differ, by a Python expression's view of their names.
changed() {
    python3 - "$1" "$2" <<'END'
import json, re, struct, sys

def tensors(path):
    data = open(path + "/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {n: data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]] for n, t in header.items()}

a, b = tensors(sys.argv[1]), tensors(sys.argv[2])
assert a.keys() == b.keys()
parts = set()
for name in a:
    if a[name] != b[name]:
        layer = re.search(r"layer\.(\d+)\.", name)
        parts.add("layer " + layer[1] if layer else re.search("embeddings|pooler|classifier", name)[0])
print(", ".join(sorted(parts)))
END
}

trains() {
    succeeds "${train[@]}" "$@" -o out "$WORK/train.mp"
    printf '%s\n' "$output" >m
}

@test "--freeze: what is frozen keeps its bits, the rest does not" {
    layers=$(json 'rows[0]["num_hidden_layers"]' < <(tr -d '\n' <"$MODEL/config.json"))
    [ "$layers" = 2 ]
    trains
    [ "$(changed "$MODEL" out)" = "classifier, embeddings, layer 0, layer 1, pooler" ]
    while IFS=: read -r what expected; do
        rm -r out
        trains --freeze "$what"
        [ "$(changed "$MODEL" out)" = "$expected" ] || { echo "$what: $(changed "$MODEL" out)"; false; }
    done <<'END'
embeddings:classifier, layer 0, layer 1, pooler
0:classifier, layer 0, layer 1, pooler
1:classifier, layer 1, pooler
2:classifier, pooler
base:classifier
END
}

@test "a frozen tensor has no share in the gradient's norm" {
    trains
    all=$(json 'rows[0]["values"]["grad_norm"]' <m)
    rm -r out
    trains --freeze base
    [ "$(json "0 < rows[0]['values']['grad_norm'] < $all" <m)" = True ]
}

@test "freezing takes less memory, and a dry run counts what is trained" {
    "${train[@]}" --dry-run "$WORK/train.mp" >all
    "${train[@]}" --dry-run --freeze base "$WORK/train.mp" >head
    "${train[@]}" --dry-run --optim sgd "$WORK/train.mp" >sgd
    number() { sed -n "s/^$2: \([0-9.]*\).*/\1/p" "$1"; }
    wide=$(json 'rows[0]["hidden_size"]' < <(tr -d '\n' <"$MODEL/config.json"))
    grep -qx "parameters: $(number all parameters), $(number all parameters) of them trained" all
    grep -qx "parameters: $(number all parameters), $((2 * wide + 2)) of them trained" head
    for other in head sgd; do
        python3 -c 'import sys; assert float(sys.argv[1]) < float(sys.argv[2])' "$(number $other memory)" "$(number all memory)"
    done
}

@test "SGD: the first step is the gradient's, clipped to the norm, times the rate" {
    # weights move by rate * clip / norm * gradient: their distance is rate * clip
    trains --optim sgd -l 0.5 --weight-decay 0 --max-grad-norm 0.125 --max-steps 1
    python3 - "$MODEL" out <<'END'
import json, math, struct, sys
import array

def tensors(path):
    data = open(path + "/model.safetensors", "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    return {n: array.array("f", data[8 + size + t["data_offsets"][0]:8 + size + t["data_offsets"][1]]) for n, t in header.items()}

a, b = tensors(sys.argv[1]), tensors(sys.argv[2])
distance = math.sqrt(sum((x - y) ** 2 for n in a for x, y in zip(a[n], b[n])))
assert math.isclose(distance, 0.5 * 0.125, rel_tol=1e-4), distance
END
}

@test "--layerwise-lr-decay 0 trains the head alone; 1 is no decay" {
    trains --layerwise-lr-decay 0
    [ "$(changed "$MODEL" out)" = "classifier, pooler" ]
    rm -r out
    trains --layerwise-lr-decay 1
    mv out one
    trains
    [ "$(changed one out)" = "" ]
}

@test "class weights: as many as labels; those of a balanced data set are 1; the loss is their mean" {
    trains
    [ "$(json 'len(rows)' <m)" = 5 ]
    cp m plain
    for weights in 1,1 3,3 balanced; do
        rm -r out
        trains --class-weights $weights
        [ "$(cat plain m | json 'all(math.isclose(a["values"]["loss"], b["values"]["loss"], rel_tol=1e-5) for a, b in zip(rows[:4], rows[5:9]))')" = True ]
    done
    # three negative records and one positive: 4 / (2 * 3) and 4 / (2 * 1)
    printf '%s\n' 'label	text' 'negative	bad' 'negative	worse plot' 'negative	a terrible film' 'positive	great' | tokens - >odd.mp
    for weights in balanced 0.66666667,2; do
        rm -rf out
        succeeds "${train[@]}" -b 4 --class-weights $weights -o out odd.mp
        printf '%s\n' "$output" >"m-$weights"
    done
    [ "$(cat m-balanced m-0.66666667,2 | json 'math.isclose(rows[0]["values"]["loss"], rows[2]["values"]["loss"], rel_tol=1e-6)')" = True ]
}

@test "label smoothing is in the loss of training and of evaluation" {
    # of a model whose logits are all alike, every target gives log 2
    trains --eval "$WORK/test.mp" --label-smoothing-factor 1 --no-load-best-model-at-end --eval-on-start
    smooth=$(json 'rows[0]["values"]["loss"]' <m)
    rm -r out
    trains --eval "$WORK/test.mp" --no-load-best-model-at-end --eval-on-start
    [ "$(json "rows[0]['split'] == 'eval' and rows[0]['values']['loss'] != $smooth and $smooth >= math.log(2)" <m)" = True ]
}

@test "what cannot be is refused before the first step, and leaves nothing behind" {
    for options in "--freeze x" "--freeze -1" "--freeze encoder" "--optim lion" "--label-smoothing-factor 1.5" "--layerwise-lr-decay 2"; do
        # shellcheck disable=SC2086
        run --separate-stderr "${train[@]}" $options -o out "$WORK/train.mp"
        [ "$status" -eq 2 ] && [ -z "$output" ] || { echo "$options: $status"; false; }
    done
    fails_with "bert-train: --freeze 3: the model has 2 layers" "${train[@]}" --freeze 3 -o out "$WORK/train.mp"
    fails_with "bert-train: --class-weights: 3 weights for 2 labels" "${train[@]}" --class-weights 1,2,3 -o out "$WORK/train.mp"
    fails_with "bert-train: --class-weights: 'heavy' is not balanced, nor numbers *" "${train[@]}" --class-weights heavy -o out "$WORK/train.mp"
    fails_with "bert-train: --class-weights: '1,-1' is not balanced, *" "${train[@]}" --class-weights 1,-1 -o out "$WORK/train.mp"
    fails_with "bert-train: --class-weights: all are 0" "${train[@]}" --class-weights 0,0 -o out "$WORK/train.mp"
    [ ! -e out/model.safetensors ] && [ ! -e out/config.json ]
}
