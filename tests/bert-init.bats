bats_require_minimum_version 1.5.0
load streams

MODELS=$BATS_TEST_DIRNAME/fixtures/model
VOCAB=$MODELS/good-tiny/vocab.txt

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A wrong command line: exit status 2, nothing on stdout, a line that matches the pattern and a hint.
usage_error_with() {
    local pattern=$1
    shift
    run --separate-stderr "$@"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    # shellcheck disable=SC2053
    [[ "${stderr_lines[0]}" == $pattern ]] || { echo "$stderr"; false; }
}

tiny() {
    bert-init -q --vocab "$VOCAB" --layers 2 --hidden 32 --heads 2 --positions 64 --labels no,yes "$@"
}

# Runs Python with `tensors(FOLDER)`: name → (shape, values), and `config(FOLDER)`.
with_tensors() {
    python3 -c '
import array, json, math, struct, sys
def tensors(folder):
    data = open(folder + "/model.safetensors", "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    found = {}
    for name, item in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            start, end = (8 + length + offset for offset in item["data_offsets"])
            found[name] = item["shape"], array.array("f", data[start:end])
    return found
def config(folder):
    return json.load(open(folder + "/config.json"))
exec(sys.stdin.read())'
}

@test "a folder with config.json, weights and the tokenizer's four files" {
    run --separate-stderr bert-init -o new --vocab "$VOCAB" --layers 2 --hidden 32 --heads 2 --intermediate 64 --positions 64 --labels no,yes
    [ "$status" -eq 0 ]
    [ -z "$output" ]
    # embeddings (141 + 64 + 2) x 32 and a normalisation, two layers of 8,544, pooler and classifier: by hand
    [ "$stderr" = "bert-init: new: $((207 * 32 + 64 + 2 * (4 * (32 * 32 + 32) + 2 * 64 + 32 * 64 + 64 + 64 * 32 + 32) + 32 * 32 + 32 + 2 * 32 + 2)) parameters, seed 42" ]
    [ "$(ls new | tr '\n' ' ')" = "bertpipe.json config.json model.safetensors special_tokens_map.json tokenizer.json tokenizer_config.json vocab.txt " ]
    cmp "$VOCAB" new/vocab.txt
    with_tensors <<'PYTHON'
it = config("new")
assert it["model_type"] == "bert" and it["architectures"] == ["BertForSequenceClassification"]
assert [it[key] for key in ("vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
        "max_position_embeddings", "type_vocab_size", "pad_token_id", "layer_norm_eps")] == [141, 32, 2, 2, 64, 64, 2, 0, 1e-12]
assert it["id2label"] == {"0": "no", "1": "yes"} and it["label2id"] == {"no": 0, "yes": 1}
PYTHON
}

@test "weights are N(0, 0.02), biases and [PAD] 0, normalisations 1 and 0" {
    tiny -o new
    with_tensors <<'PYTHON'
total, squares, fourths, count = 0, 0, 0, 0
for name, (shape, values) in tensors("new").items():
    if name.endswith("LayerNorm.weight"):
        assert set(values) == {1}, name
    elif name.endswith("bias"):
        assert set(values) == {0}, name
    else:
        if name == "bert.embeddings.word_embeddings.weight":
            assert shape == [141, 32] and set(values[:32]) == {0} and 0 not in values[32:]
            values = values[32:]
        count += len(values)
        total += sum(values)
        squares += sum(v * v for v in values)
        fourths += sum(v ** 4 for v in values)
        assert max(map(abs, values)) < 0.02 * 6, name
mean, variance = total / count, squares / count
assert abs(mean) < 5 * 0.02 / math.sqrt(count), mean
assert abs(variance / 0.0004 - 1) < 5 * math.sqrt(2 / count), variance
assert abs(fourths / count / variance**2 - 3) < 5 * math.sqrt(24 / count), "kurtosis"
PYTHON
}

@test "the seed decides, and nothing else" {
    tiny -o one
    tiny -o two --seed 42
    tiny -o three --seed 43
    cmp one/model.safetensors two/model.safetensors
    run ! cmp -s one/model.safetensors three/model.safetensors
    bert-init -q -o deeper --vocab "$VOCAB" --layers 3 --hidden 32 --heads 2 --positions 64 --labels a,b,c
    with_tensors <<'PYTHON'
one, deeper = tensors("one"), tensors("deeper")
assert len(deeper) == len(one) + 16
for name, item in one.items():
    assert name.startswith("classifier") or deeper[name] == item, name
assert deeper["classifier.weight"][0] == [3, 32]
PYTHON
}

@test "--config: its shape, labels and constants, unless an option says otherwise" {
    bert-init -q -o odd --config "$MODELS/good-odd/config.json"
    bert-init -q -o changed --config "$MODELS/good-odd/config.json" --layers 1 --hidden 24 --heads 4 --labels only
    with_tensors <<PYTHON
given = json.load(open("$MODELS/good-odd/config.json"))
odd, changed = config("odd"), config("changed")
for key, value in given.items():
    assert odd[key] == value or key in ("transformers_version", "dtype", "torch_dtype"), (key, value, odd[key])
assert [changed[k] for k in ("num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size")] == [1, 24, 4, 52]
assert changed["id2label"] == {"0": "only"}
shape = tensors("changed")["bert.encoder.layer.0.intermediate.dense.weight"][0]
assert shape == [52, 24], shape
PYTHON
    [ "$(ls odd | tr '\n' ' ')" = "bertpipe.json config.json model.safetensors " ]
    sed 's/"initializer_range": 0.02/"initializer_range": 0.5/' "$MODELS/good-odd/config.json" >wide.json
    bert-init -q -o wide --config wide.json
    with_tensors <<'PYTHON'
values = tensors("wide")["bert.pooler.dense.weight"][1]
assert 0.4 < math.sqrt(sum(v * v for v in values) / len(values)) < 0.6
PYTHON
}

@test "a tokenizer.json, with another vocabulary size in the config" {
    sed 's/"vocab_size": 141/"vocab_size": 144/' "$MODELS/good-tiny/config.json" >config.json
    bert-init -q -o new --config config.json --vocab "$MODELS/good-tiny/tokenizer.json"
    with_tensors <<'PYTHON'
assert tensors("new")["bert.embeddings.word_embeddings.weight"][0] == [144, 32]
PYTHON
    sed 's/"vocab_size": 141/"vocab_size": 140/' "$MODELS/good-tiny/config.json" >config.json
    fails_with "bert-init: config.json: 'vocab_size' is 140, but $VOCAB has 141 tokens" bert-init -o small --config config.json --vocab "$VOCAB"
    [ ! -e small ]
}

@test "defaults: a head for every 64, four times the width" {
    bert-init -q -o new --vocab "$VOCAB" --layers 1 --hidden 128
    with_tensors <<'PYTHON'
it = config("new")
assert [it[k] for k in ("num_attention_heads", "intermediate_size", "max_position_embeddings")] == [2, 512, 512]
assert it["id2label"] == {"0": "LABEL_0", "1": "LABEL_1"}
PYTHON
}

@test "a new model is tokenised for, trained and asked" {
    tiny -o new
    printf 'label\ttext\nno\ta bad film\nyes\ta good film\n' | rec-load -q -F tsv | wp-tokenize -q -m new -o train.mp
    bert-train -q -m new -o trained --max-steps 3 <train.mp >metrics.mp
    run --separate-stderr bash -c "wp-tokenize -q -m trained <(echo 'a good film' | rec-load -q) | bert-predict -q -m trained -f json"
    [ "$status" -eq 0 ]
    [[ "$output" == *'"name":'* ]]
}

@test "shapes that cannot be" {
    fails_with "bert-init: the new model: 'hidden_size' 32 is not a multiple of 'num_attention_heads' 3" tiny -o new --heads 3
    fails_with "bert-init: --labels*" tiny -o new --labels no,no
    fails_with "bert-init: none.txt: cannot open: No such file or directory" bert-init -o new --vocab none.txt
    fails_with "bert-init: none.json: cannot open: No such file or directory" bert-init -o new --config none.json
    fails_with "bert-init: */config.json: model type 'gpt2' is not supported*" bert-init -o new --config "$MODELS/unsupported-model-type/config.json"
    [ ! -e new ]
}

@test "a folder with files in it is left alone; an empty one is taken" {
    mkdir empty full
    touch full/notes
    # what a killed one has left is as good as empty
    mkdir empty/.model.partial
    touch empty/.model.partial/config.json
    tiny -o empty
    [ "$(ls -A empty | grep -c '^\.')" -eq 0 ]
    fails_with "bert-init: full: the folder is not empty" tiny -o full
    [ "$(ls full)" = notes ]
    fails_with "bert-init: full/notes: not a folder" tiny -o full/notes
    fails_with "bert-init: none/new: cannot make the folder: No such file or directory" tiny -o none/new
}

@test "wrong options" {
    usage_error_with "bert-init: -o FOLDER is missing" bert-init --vocab "$VOCAB"
    usage_error_with "bert-init: give --vocab FILE or --config FILE: *" bert-init -o new
    usage_error_with "bert-init: *" bert-init -o new --vocab "$VOCAB" --layers x
    usage_error_with "bert-init: *" bert-init -o new --vocab "$VOCAB" operand
}

@test "manners" {
    has_manners bert-init
}

@test "the examples of the manual page run" {
    mkdir bert-base-uncased
    cp "$MODELS/good-tiny"/* bert-base-uncased
    # shellcheck disable=SC2046
    while read -r line; do
        bash -c "$line" || { echo "$line"; false; }
    done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$BATS_TEST_DIRNAME/../man/bert-init.1")
    [ -e small/model.safetensors ]
    [ -e scratch/model.safetensors ]
}
