# bert-train: checkpoints that a run does not go on from, and why.

load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    train=(bert-train -q -f json -m "$MODEL" -b 4 -w 0 -l 0.001)
}

# edit FOLDER STATEMENT: Python over `manifest`, bertpipe.json, and `state`, the loop's own in trainer_state.json, whose hash is put right.
edit() {
    python3 - "$1" "$2" "$STREAM_FIXTURES" <<'END'
import json, pathlib, sys
sys.path.append(sys.argv[3])
from msgstream import xxh64
folder = pathlib.Path(sys.argv[1])
manifest, trainer = (json.loads((folder / name).read_text()) for name in ("bertpipe.json", "trainer_state.json"))
state = trainer["stateful_callbacks"]["bertpipe"]["attributes"]
exec(sys.argv[2])
data = json.dumps(trainer).encode()
(folder / "trainer_state.json").write_bytes(data)
if "trainer_state.json" in manifest["files"]:
    manifest["files"]["trainer_state.json"] = {"size": len(data), "xxh64": f"{xxh64(data):016x}"}
(folder / "bertpipe.json").write_text(json.dumps(manifest))
END
}

@test "a checkpoint that was edited" {
    run=("${train[@]}" -w 0 --max-steps 4 --save-strategy steps --save-steps 2 "$WORK/train.mp")
    succeeds "${run[@]}" -o whole
    while IFS='|' read -r statement message; do
        rm -rf out
        cp -a whole/checkpoint-2 out
        edit out "$statement"
        fails_with "bert-train: $message" "${run[@]}" -o other --resume-from-checkpoint out
    done <<'END'
del manifest["run"]["arguments"]|out/bertpipe.json: no record of the run
manifest["run"]["arguments"] = []|out/bertpipe.json: no record of the run
manifest["run"] = None|out/bertpipe.json: no record of the run
del manifest["files"]["optimizer.safetensors"]|out/bertpipe.json: lists no optimizer.safetensors: not a checkpoint to go on from
del manifest["files"]["trainer_state.json"]|out/bertpipe.json: lists no trainer_state.json: not a checkpoint to go on from
state["step"] = 3|out/trainer_state.json: step 3 is not the optimizer's 2 or beyond the run's 4
state["samples"] = -1|out/trainer_state.json: 'samples' is missing or no value of its kind
del trainer["stateful_callbacks"]["bertpipe"]|out/trainer_state.json: not written by bert-train: there is no 'bertpipe' in its stateful_callbacks
END
    # two things that were not given, or are another's: each is named
    rm -rf out
    cp -a whole/checkpoint-2 out
    edit out 'del manifest["run"]["engine"]; manifest["run"]["arguments"]["seed"] = 7'
    fails_with "bert-train: out: cannot be resumed, for the run is another: --seed was 7 and is *; the engine was not given and is *" "${run[@]}" -o other --resume-from-checkpoint out
    # another version's goes on
    rm -rf out
    cp -a whole/checkpoint-2 out
    edit out 'manifest["run"]["version"] = "0.0.1"'
    run --separate-stderr "${run[@]}" -o other --resume-from-checkpoint out
    [ "$status" -eq 0 ]
    [[ "$stderr" == "bert-train: warning: out: written by bertpipe 0.0.1, this is "*": results may differ in their last bits" ]] || { echo "$stderr"; false; }
}

@test "the last checkpoint is the newest; of two of one moment, the later step's" {
    run=(bert-train -f json -m "$MODEL" -b 4 -w 0 --max-steps 4 --save-strategy steps --save-steps 1 "$WORK/train.mp")
    run --separate-stderr "${run[@]}" -o out --resume-from-checkpoint last
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"bert-train: out: no checkpoint to resume from: the run begins at its first step"* ]]
    rm out/bertpipe.json out/checkpoint-1/bertpipe.json
    touch -d 2001-01-01 out/checkpoint-1
    touch -d 2002-02-02T02:02:02.2 out/checkpoint-3/bertpipe.json out/checkpoint-4/bertpipe.json
    touch -d 2002-02-02T02:02:02.3 out/checkpoint-2/bertpipe.json
    cp -a out again
    run --separate-stderr "${run[@]}" -o again --resume-from-checkpoint last
    [[ "$stderr" == *"bert-train: again/checkpoint-2: going on after step 2 of 4"* ]] || { echo "$stderr"; false; }
    rm -r again out/checkpoint-2
    run --separate-stderr "${run[@]}" -o out --resume-from-checkpoint last
    [[ "$stderr" == *"bert-train: out/checkpoint-4: going on after step 4 of 4"* ]] || { echo "$stderr"; false; }
}

@test "no checkpoint is whole" {
    run=("${train[@]}" -w 0 --max-steps 4 --save-strategy steps --save-steps 2 "$WORK/train.mp")
    succeeds "${run[@]}" -o out
    rm -r out/bertpipe.json
    truncate -s -3 out/checkpoint-*/model.safetensors
    run --separate-stderr "${run[@]}" -o out --resume-from-checkpoint last
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 3 ]
    [ "${stderr_lines[2]}" = "bert-train: out: no checkpoint in it is whole" ]
}

@test "another run is not resumed" {
    run=("${train[@]}" -w 2 --max-steps 20 --save-strategy steps --save-steps 10)
    succeeds "${run[@]}" -o out "$WORK/train.mp"
    from=(--resume-from-checkpoint out/checkpoint-10)
    fails_with "bert-train: out/checkpoint-10: cannot be resumed, for the run is another: --learning-rate was * and is *" \
        "${run[@]}" -l 0.5 -o other "${from[@]}" "$WORK/train.mp"
    fails_with "bert-train: out/checkpoint-10: cannot be resumed, for the run is another: the training data was *" \
        "${run[@]}" -o other "${from[@]}" "$WORK/test.mp"
    fails_with "bert-train: out/checkpoint-10: cannot be resumed, for the run is another: --seed was * and is *" \
        "${run[@]}" -s 7 -o other "${from[@]}" "$WORK/train.mp"
    fails_with "bert-train: nowhere*" "${run[@]}" -o other --resume-from-checkpoint nowhere "$WORK/train.mp"
    [ ! -e other/model.safetensors ]
}

@test "a run is resumed with the model that it started from, by whatever name, or with none" {
    run=(bert-train -q -f json -b 4 -w 0 -l 0.001 --max-steps 20 --save-strategy steps --save-steps 10 "$WORK/train.mp")
    bert-init -q --layers 1 --hidden 8 --heads 2 --vocab "$MODEL/vocab.txt" -o another
    cp -r "$MODEL" copy
    succeeds "${run[@]}" -m "$MODEL" -o out
    was=$(tr -d '\n' < out/bertpipe.json | json 'rows[0]["run"]["parent"]["digest"]')
    is=$(tr -d '\n' < another/bertpipe.json | json 'rows[0]["digest"]')
    from=(-o other --resume-from-checkpoint out/checkpoint-10)
    fails_with "bert-train: out/checkpoint-10: cannot be resumed, for the run is another: it started from the model good-tiny, digest $was, and another has digest $is" \
        "${run[@]}" -m another "${from[@]}"
    fails_with "bert-train: nowhere: neither a folder nor a model in *" "${run[@]}" -m nowhere "${from[@]}"
    [ ! -e other ]
    for model in "-m copy" "-m $MODEL" ""; do
        # shellcheck disable=SC2086
        succeeds "${run[@]}" $model "${from[@]}"
        cmp other/model.safetensors out/model.safetensors
        cmp other/bertpipe.json out/bertpipe.json
        rm -r other
    done
    sed -i 's/film/mlif/' copy/vocab.txt
    fails_with "bert-train: out/checkpoint-10: cannot be resumed, for the run is another: *, and copy has digest *" "${run[@]}" -m copy "${from[@]}"
}
