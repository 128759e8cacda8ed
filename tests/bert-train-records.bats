# What a run leaves besides its model: event files, summaries, and the record of what made it.

load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    unset TENSORBOARD_LOGGING_DIR
    train=(bert-train -q -m "$MODEL" --device ref -w 1 -b 4 -n 2 --logging-steps 1 -f json)
}

# The events of the only event file below a folder, a JSON object a line.
events() {
    mapfile -t found < <(find "$1" -name 'events.out.tfevents.*')
    [ "${#found[@]}" -eq 1 ] || { echo "${#found[@]} event files" >&2; return 1; }
    python3 "$BATS_TEST_DIRNAME/events.py" "${found[0]}"
}

one_json() {
    tr -d '\n' < "$2" | json "$1"
}

# --- event files ---

@test "event files: tags and steps of the Trainer, values of the metrics stream" {
    succeeds "${train[@]}" -o out --eval "$WORK/test.mp" --report-to tensorboard "$WORK/train.mp"
    printf '%s\n' "$output" > m
    events out > events
    [[ "$(find out/runs -name 'events*')" =~ ^out/runs/[A-Z][a-z]{2}[0-9]{2}_[0-9-]{8}_[^/]+/events\.out\.tfevents\.[0-9]{10}\.[^/]+\.[0-9]+\.0$ ]]
    [ "$(head -n 1 events | json 'rows[0]["version"]')" = brain.Event:2 ]
    [ "$(json '[r["tag"] for r in rows if r.get("plugin") == "text" and r["type"] == 7 and json.loads(r["text"])]' < events)" = \
        "['args/text_summary', 'model_config/text_summary']" ]
    [ "$(json 'json.loads(rows[1]["text"])["per_device_train_batch_size"]' < events)" = 4 ]
    [ "$(json '[(r["tag"], r["step"]) for r in rows if "value" in r][:9]' < events)" = "[('train/loss', 1), ('train/grad_norm', 1), ('train/learning_rate', 1), ('train/epoch', 1), ('train/loss', 2), ('train/grad_norm', 2), ('train/learning_rate', 2), ('train/epoch', 2), ('eval/loss', 2)]" ]
    [ "$(json '{r["tag"] for r in rows if r["step"] == 4} >= {"eval/" + n for n in ("loss", "accuracy", "runtime", "samples_per_second", "steps_per_second")}' < events)" = True ]
    [ "$(json '[r["step"] for r in rows if r.get("tag") == "train/epoch"]' < events)" = "[1, 2, 2, 3, 4, 4, 4]" ]
    [ "$(json '{r["tag"] for r in rows[-7:]} >= {"train/train_runtime", "train/train_samples_per_second", "train/train_steps_per_second", "train/train_loss", "train/total_flos", "train/epoch"}' < events)" = True ]
    # each value of the stream is there as float32, in the same order and at the same time
    cat > compare.py <<'END'
import json, struct
stream = []
for line in open("m"):
    r = json.loads(line)
    values = [(r["split"] + "/" + k, v) for k, v in r["values"].items()] + [("train/epoch", r["epoch"])]
    stream += [(tag, r["step"], struct.unpack("<f", struct.pack("<f", v))[0], r["time"]) for tag, v in values]
rows = [json.loads(line) for line in open("events")]
assert stream == [(r["tag"], r["step"], r["value"], r["time"]) for r in rows if "value" in r]
END
    python3 compare.py
}

@test "event files: only when asked for, in OUT/runs or where --logging-dir or the environment says" {
    succeeds "${train[@]}" -o out --save-strategy no "$WORK/train.mp"
    [ ! -e out/runs ]
    succeeds "${train[@]}" -o out --save-strategy no --report-to none "$WORK/train.mp"
    [ ! -e out/runs ]
    succeeds "${train[@]}" -o out --save-strategy no --logging-dir new/folder "$WORK/train.mp"
    events new/folder > /dev/null
    HOME=$PWD TENSORBOARD_LOGGING_DIR='~/home/tb' succeeds "${train[@]}" -o out --save-strategy no --report-to tensorboard "$WORK/train.mp"
    events home/tb > /dev/null
    TENSORBOARD_LOGGING_DIR=elsewhere succeeds "${train[@]}" -o out --save-strategy no --logging-dir here "$WORK/train.mp"
    events here > /dev/null
    [ ! -e elsewhere ] && [ ! -e out/runs ]
}

@test "event files: a folder that cannot be made ends the run before its first step" {
    touch file
    fails_with "bert-train: file/below: cannot make this folder: Not a directory" "${train[@]}" -o out --logging-dir file/below "$WORK/train.mp"
    fails_with "bert-train: file: exists and is not a folder" "${train[@]}" -o out --logging-dir file "$WORK/train.mp"
    [ ! -e out/bertpipe.json ]
}

@test "event files: a run that is killed leaves one that reads to its last step" {
    bert-train -q -m "$MODEL" -o out -b 4 -w 1 --max-steps 4000000 --save-strategy no --logging-steps 1 --logging-dir tb "$WORK/train.mp" > m.mp &
    pid=$!
    for _ in $(seq 100); do
        sleep 0.1
        [ "$(find tb -type f -size +40k 2> /dev/null)" = "" ] || break
    done
    kill -KILL $pid
    wait $pid || true
    events tb > events
    [ "$(json '[r["step"] for r in rows if r.get("tag") == "train/loss"] == list(range(1, 1 + sum(r.get("tag") == "train/loss" for r in rows)))' < events)" = True ]
    [ "$(json 'len(rows) > 400' < events)" = True ]
}

@test "event files: a resumed run adds a file that begins after its checkpoint" {
    succeeds "${train[@]}" -o out --report-to tensorboard "$WORK/train.mp"
    first=$(find out/runs -name 'events*')
    rm -r out/checkpoint-4 out/bertpipe.json
    run --separate-stderr "${train[@]}" -o out --report-to tensorboard --resume-from-checkpoint last "$WORK/train.mp"
    [ "$status" -eq 0 ]
    [ "$(find out/runs -mindepth 1 -type d | wc -l)" -eq 1 ]
    second=$(find out/runs -name 'events*' ! -path "$first")
    python3 "$BATS_TEST_DIRNAME/events.py" "$second" > events
    # TensorBoard's SessionLog.START: events of the folder's other files from this step on are void
    [ "$(json '(rows[1]["session"], rows[1]["step"])' < events)" = "(1, 3)" ]
    [ "$(json '[r["step"] for r in rows if r.get("tag") == "train/loss"]' < events)" = "[3, 4]" ]
}

# --- summaries ---

@test "all_results.json and its parts hold what the Trainer's scripts save" {
    succeeds "${train[@]}" -o out -l 0.03 --dropout 0 --eval "$WORK/test.mp" "$WORK/train.mp"
    printf '%s\n' "$output" > m
    [ "$(one_json 'sorted(rows[0])' out/train_results.json)" = \
        "['epoch', 'total_flos', 'train_loss', 'train_runtime', 'train_samples', 'train_samples_per_second', 'train_steps_per_second', 'train_tokens_per_second']" ]
    [ "$(one_json 'set(rows[0]) >= {"epoch", "eval_accuracy", "eval_loss", "eval_runtime", "eval_samples", "eval_samples_per_second", "eval_steps_per_second"}' out/eval_results.json)" = True ]
    [ "$(one_json '(rows[0]["train_samples"], rows[0]["epoch"])' out/train_results.json)" = "(8, 2.0)" ]
    [ "$(one_json '(rows[0]["eval_samples"], rows[0]["epoch"])' out/eval_results.json)" = "(5, 2.0)" ]
    # of the best model, not of the last
    best=$(json 'min(r["values"]["loss"] for r in rows if r["split"] == "eval")' < m)
    [ "$(one_json 'rows[0]["eval_loss"]' out/eval_results.json)" = "$best" ]
    [ "$(python3 -c '
import json
parts = [json.load(open(f"out/{name}_results.json")) for name in ("train", "eval", "all")]
print({**parts[0], **parts[1]} == parts[2])')" = True ]
    [ "$(one_json '(rows[0]["global_step"], len(rows[0]["log_history"]), rows[0]["log_history"][-1]["total_flos"] == rows[0]["total_flos"] > 0)' out/trainer_state.json)" = "(4, 7, True)" ]
    # they are no part of the model, and another run replaces them
    [ "$(one_json '[name for name in rows[0]["files"] if "state" in name or "results" in name]' out/bertpipe.json)" = "[]" ]
    succeeds "${train[@]}" -o out --save-strategy no "$WORK/train.mp"
    [ ! -e out/eval_results.json ]
    [ "$(one_json '[key for key in rows[0] if key.startswith("eval")]' out/all_results.json)" = "[]" ]
    succeeds bert-predict -q -m out -o p.mp "$WORK/test.mp"
}

@test "total_flos: six for each parameter outside the embeddings and token" {
    succeeds "${train[@]}" -o out --save-strategy no "$WORK/train.mp"
    cat > count.py <<'END'
import json, struct
with open("out/model.safetensors", "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
count = 0
for name, row in header.items():
    if name != "__metadata__" and not name.endswith("_embeddings.weight"):
        size = 1
        for n in row["shape"]:
            size *= n
        count += size
state = json.load(open("out/trainer_state.json"))
assert state["total_flos"] == 6 * count * state["num_input_tokens_seen"] > 0, (state["total_flos"], count)
END
    python3 count.py
}

@test "a folder with nothing but events and summaries of a run that was killed is taken" {
    mkdir -p out/runs/x
    echo '{}' > out/all_results.json
    succeeds "${train[@]}" -o out --save-strategy no "$WORK/train.mp"
}

# --- the record ---

@test "two runs of the same give the same bytes: other folders, threads, logs and names of files" {
    cp "$WORK/train.mp" other.mp
    succeeds "${train[@]}" -o one --device cpu -j 1 --eval "$WORK/test.mp" "$WORK/train.mp"
    sleep 1.1
    succeeds "${train[@]}" -o two --device cpu -j 2 --eval "$WORK/test.mp" --logging-dir tb < other.mp
    for file in config.json model.safetensors tokenizer.json tokenizer_config.json vocab.txt; do
        cmp "one/$file" "two/$file"
    done
    [ "$(one_json 'rows[0]["digest"]' one/bertpipe.json)" = "$(one_json 'rows[0]["digest"]' two/bertpipe.json)" ]
    diff <(sed '/"report_to"/d' one/bertpipe.json) <(sed '/"report_to"/d' two/bertpipe.json)
    succeeds "${train[@]}" -o three --device cpu --eval "$WORK/test.mp" "$WORK/train.mp"
    diff -r -x 'checkpoint-*' -x '*_results.json' -x trainer_state.json one three
}

@test "the record of the data: its contents in their order, however they came" {
    run_of() { one_json 'rows[0]["run"]["train"]' "$1/bertpipe.json"; }
    succeeds "${train[@]}" -o one --save-strategy no "$WORK/train.mp"
    { head -n 4 "$WORK/reviews.tsv" | tokens -; (head -n 1 "$WORK/reviews.tsv"; tail -n 5 "$WORK/reviews.tsv") | tokens -; } > two.mp
    succeeds "${train[@]}" -o two --save-strategy no two.mp
    [ "$(run_of one)" = "$(run_of two)" ]
    (head -n 1 "$WORK/reviews.tsv"; tail -n 8 "$WORK/reviews.tsv" | tac) | tokens - > three.mp
    succeeds "${train[@]}" -o three --save-strategy no three.mp
    [ "$(run_of one)" != "$(run_of three)" ]
    sed 's/fantastic/great/' "$WORK/reviews.tsv" | tokens - > four.mp
    succeeds "${train[@]}" -o four --save-strategy no four.mp
    [ "$(run_of one)" != "$(run_of four)" ]
}

@test "metadata of model.safetensors: strings, the Trainer's format, the same in a checkpoint" {
    succeeds "${train[@]}" -o out -s 7 --eval "$WORK/test.mp" "$WORK/train.mp"
    cat > metadata.py <<'END'
import json, struct, sys
with open(sys.argv[1], "rb") as file:
    print(json.dumps(json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]))
END
    python3 metadata.py out/model.safetensors > metadata
    [ "$(json 'all(isinstance(v, str) for v in rows[0].values())' < metadata)" = True ]
    [ "$(json '(rows[0]["format"], rows[0]["bertpipe.seed"], rows[0]["bertpipe.tool"])' < metadata)" = "('pt', '7', 'bert-train')" ]
    [ "$(json 'json.loads(rows[0]["bertpipe.parent"])["name"]' < metadata)" = good-tiny ]
    [ "$(json '[k in json.loads(rows[0]["bertpipe.arguments"]) for k in ("learning_rate", "logging_steps", "logging_dir", "save_total_limit")]' < metadata)" = "[True, False, False, False]" ]
    [ "$(json 'len(json.loads(rows[0]["bertpipe.train"])["xxh64"])' < metadata)" = 16 ]
    python3 metadata.py out/checkpoint-4/model.safetensors | cmp - metadata
}

@test "a parent without bertpipe.json has a digest too, and the one that bertpipe.json would have" {
    succeeds "${train[@]}" -o one --save-strategy no "$WORK/train.mp"
    recorded=$(one_json 'rows[0]["digest"]' one/bertpipe.json)
    bert-train -q -m one -o two -n 1 -w 0 --save-strategy no "$WORK/train.mp" > /dev/null
    rm one/bertpipe.json
    bert-train -q -m one/ -o three -n 1 -w 0 --save-strategy no "$WORK/train.mp" > /dev/null
    [ "$(one_json 'rows[0]["run"]["parent"]' two/bertpipe.json)" = "{'digest': '$recorded', 'name': 'one'}" ]
    [ "$(one_json 'rows[0]["run"]["parent"]' three/bertpipe.json)" = "{'digest': '$recorded', 'name': 'one'}" ]
    cmp two/model.safetensors three/model.safetensors
    mkdir -p hub/models--some-org--a-model/snapshots
    mv one hub/models--some-org--a-model/snapshots/0123
    bert-train -q -m hub/models--some-org--a-model/snapshots/0123 -o four -n 1 -w 0 --save-strategy no "$WORK/train.mp" > /dev/null
    [ "$(one_json 'rows[0]["run"]["parent"]["name"]' four/bertpipe.json)" = some-org/a-model ]
}

# --- --explain ---

@test "--explain prints the command that made the model, and the command makes it again" {
    cp "$WORK/train.mp" "$WORK/test.mp" .
    mv test.mp eval.mp
    ln -s "$MODEL" parent
    mkdir made
    succeeds bert-train -q -m parent -o made/model --labels negative,positive --eval eval.mp -n 1 -b 2 -l 3e-4 -w 0.25 --dropout 0.2 \
        --device ref --no-load-best-model-at-end --metric-for-best-model accuracy -s 9 -f json train.mp
    succeeds bert-train --explain made/model
    [ "$(grep -vc '^#' <<< "$output")" -eq 1 ]
    command=$(grep -v '^#' <<< "$output")
    [ "$command" = "bert-train -m parent -o model --eval eval.mp --labels negative,positive --num-train-epochs 1 --per-device-train-batch-size 2 --seed 9 --learning-rate 0.0003 --warmup-steps 0.25 --dropout 0.2 --hidden-dropout-prob 0.2 --attention-probs-dropout-prob 0.2 --classifier-dropout 0.2 --no-load-best-model-at-end --metric-for-best-model accuracy --device ref train.mp" ] ||
        { echo "$command"; false; }
    [[ "$output" == *"# parent: parent, digest "* && "$output" == *"# train.mp: 8 records, "*" tokens, xxh64 "* && "$output" == *"# steps: 4"* ]]
    best=$(tr -d '\n' < made/model/bertpipe.json | json '(rows[0]["run"]["best_step"], rows[0]["run"]["best_metric"])')
    [[ "$output" == *"# best step: ${best:1:1}, eval accuracy $(sed 's/.*, \(.*\))/\1/' <<< "$best")"* ]] || { echo "$output"; false; }
    eval "$command -q" > /dev/null
    cmp model/model.safetensors made/model/model.safetensors
    cmp model/bertpipe.json made/model/bertpipe.json
}

@test "--explain: from the weights alone; without a record; a record that would steer the shell" {
    succeeds "${train[@]}" -o out --save-strategy no -l 1e-4 "$WORK/train.mp"
    mkdir alone
    cp out/model.safetensors out/config.json alone
    [ "$(bert-train --explain alone | grep -v '^#' | sed 's/-o alone/-o out/')" = "$(bert-train --explain out/ | grep -v '^#' | sed 's/ --logging-steps 1//')" ]
    fails_with "bert-train: */good-base: no record of what made this model" bert-train --explain "$MODELS/good-base"
    HF_HUB_CACHE=$PWD/cache fails_with "bert-train: nowhere: neither a folder nor a model in */cache: *" bert-train --explain nowhere
    mkdir evil
    cp out/model.safetensors out/config.json evil
    python3 -c '
import json
made = json.load(open("out/bertpipe.json"))
evil = "x\ntouch owned\n#; touch owned; $(touch owned) `touch owned` '"'"'"
made["run"]["parent"] = {"name": evil, "digest": evil}
made["run"]["tool"] = made["run"]["version"] = made["run"]["tokenizer"] = made["run"]["labels"] = evil
made["run"]["engine"] = {"device": evil, "dtype": evil}
made["run"]["arguments"].update(freeze=evil, optim=evil)
made["run"]["train"]["xxh64"] = evil
json.dump(made, open("evil/bertpipe.json", "w"))'
    succeeds bert-train --explain evil
    { echo 'bert-train() { :; }'; printf '%s\n' "$output"; } > script
    bash script
    [ ! -e owned ]
}
