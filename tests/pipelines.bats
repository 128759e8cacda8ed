# pipelines/imdb.mk as a whole, on a tiny model and twelve reviews.
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/.."
    export BUILD=${BUILD:-$PWD/build}
    work=$BATS_TEST_TMPDIR/work
    python3 tests/fixtures/imdb/generate-archives.py "$BATS_TEST_TMPDIR"
}

# pipeline ARCHIVE [SETTING]... in an environment without the settings of a make that runs these tests
pipeline() {
    local archive=$1
    shift
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/imdb.mk BUILD="$BUILD" MODEL=tests/fixtures/model/good-tiny ARCHIVE="$BATS_TEST_TMPDIR/$archive" WORK="$work" LENGTH=16 EPOCHS=1 WARMUP=1 "$@"
}

@test "from the archive to the predictions" {
    run --separate-stderr pipeline good-tiny.tar.gz
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [[ "$output" == *accuracy* ]]
    [ "$(grep -c '^Text: ' <<< "$output")" -eq 3 ]
    [ "$(grep -cE '^Sentiment: (Positive|Negative) \(Confidence: [01]\.[0-9]{3}\)$' <<< "$output")" -eq 3 ]
    [ -s "$work/metrics.mp" ]
    [ -s "$work/model/model.safetensors" ]
}

@test "no stage runs twice" {
    pipeline good-tiny.tar.gz > "$BATS_TEST_TMPDIR/first" 2>&1
    find "$work" -type f -exec md5sum {} + | sort > "$BATS_TEST_TMPDIR/before"
    run --separate-stderr pipeline good-tiny.tar.gz
    [ "$status" -eq 0 ]
    [[ "$output" != *bert-train* ]]
    [[ "$output" != *imdb-fetch* ]]
    [[ "$output" == *Sentiment:* ]]
    find "$work" -type f -exec md5sum {} + | sort | cmp - "$BATS_TEST_TMPDIR/before"
}

@test "a stage that fails leaves no file, and the next run takes it up" {
    run --separate-stderr pipeline bad-no-positive.tar.gz
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"no reviews in aclImdb/train/pos/"* ]]
    [ -z "$(find "$work" -type f)" ]
    run --separate-stderr pipeline good-tiny.tar.gz
    [ "$status" -eq 0 ]
}

@test "training that fails leaves no model" {
    run --separate-stderr pipeline good-tiny.tar.gz TRAIN_FLAGS=--no-such-option
    [ "$status" -eq 2 ]
    [ ! -e "$work/model/bertpipe.json" ]
    [ ! -e "$work/metrics.mp" ]
}

@test "without a model" {
    run --separate-stderr env -u MAKEFLAGS -u MFLAGS make -f pipelines/imdb.mk
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"give MODEL=FOLDER, a Hugging Face model folder, or the name of a cached one"* ]]
}

@test "dtypes: one run for each type, on the same tokens, and their losses in one picture" {
    run --separate-stderr env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/dtypes.mk BUILD="$BUILD" \
        MODEL=tests/fixtures/model/good-tiny ARCHIVE="$BATS_TEST_TMPDIR/good-tiny.tar.gz" WORK="$work" LENGTH=16 EPOCHS=1 WARMUP=1 TRAIN_FLAGS="--logging-steps 1"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(grep -c '^bert-train' <<<"$output")" -eq 2 ]
    [ "$(grep -c '^imdb-fetch' <<<"$output")" -eq 2 ]
    [ "$(head -c 4 "$work/pictures/loss.png" | tail -c 3)" = PNG ]
    grep -qE "^int8: accuracy +[0-9.]+" <<<"$output"
    for type in float32 bf16; do
        grep -qE "^$type: accuracy +[0-9.]+" <<<"$output"
        grep -q "$type" "$work/page.html"
    done
}

@test "a cache folder with a space in its name: nothing is removed" {
    mkdir "$BATS_TEST_TMPDIR/home"
    touch "$BATS_TEST_TMPDIR/home/file"
    run --separate-stderr env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u XDG_CACHE_HOME HOME="$BATS_TEST_TMPDIR/home a" make -f pipelines/demo.mk PYTHON=false
    [ "$status" -eq 2 ] && [ -z "$output" ]
    [[ "$stderr" == *"the cache folder '$BATS_TEST_TMPDIR/home a/.cache/bertpipe' has a space in it, which make cannot have in a name: "* ]]
    [ -e "$BATS_TEST_TMPDIR/home/file" ]
    [ ! -e "$BATS_TEST_TMPDIR/home a" ]
}

@test "a cached model by its name" {
    export HF_HUB_CACHE=$BATS_TEST_TMPDIR/hub
    commit=0123456789012345678901234567890123456789
    mkdir -p "$HF_HUB_CACHE/models--acme--tiny/refs" "$HF_HUB_CACHE/models--acme--tiny/snapshots"
    printf $commit >"$HF_HUB_CACHE/models--acme--tiny/refs/main"
    cp -r tests/fixtures/model/good-tiny "$HF_HUB_CACHE/models--acme--tiny/snapshots/$commit"
    run --separate-stderr pipeline good-tiny.tar.gz MODEL=acme/tiny
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(grep -c '^Text: ' <<<"$output")" -eq 3 ]
    run --separate-stderr pipeline good-tiny.tar.gz MODEL=acme/none WORK="$BATS_TEST_TMPDIR/none"
    [ "$status" -eq 2 ] && [[ "$stderr" == *"wp-tokenize: "*acme/none* ]]
    [ -z "$(find "$BATS_TEST_TMPDIR/none" -type f)" ]
    run --separate-stderr sweep MODEL=acme/tiny LEARNING_RATES=1e-3 BATCH_SIZES=4 EPOCHS=1 WORK="$BATS_TEST_TMPDIR/sweep"
    [ "$status" -eq 0 ] && [ "$(wc -l <"$BATS_TEST_TMPDIR/sweep/ranking.tsv")" -eq 2 ]
}

@test "the bundled sample is the one that the demo expects" {
    md5=$(sed -n 's/^MD5 *= *//p' pipelines/demo.mk)
    [ "$(md5sum < pipelines/demo/imdb-sample.tar.gz)" = "$md5  -" ]
}

# ---- pipelines/classify ----

@test "classify: lines in, label, probability and text out, in order" {
    cd "$BATS_TEST_DIRNAME/.."
    model=tests/fixtures/model/good-tiny
    printf '%s\n' 'a great film' '' 'the worst	plot' >"$BATS_TEST_TMPDIR/lines"
    run --separate-stderr pipelines/classify -m $model "$BATS_TEST_TMPDIR/lines"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ -z "$stderr" ]
    [ "${#lines[@]}" -eq 3 ]
    [[ "${lines[0]}" =~ ^(negative|positive)$'\t'0\.[0-9]+$'\t''a great film'$ ]]
    [[ "${lines[1]}" == *'	' ]]
    [[ "${lines[2]}" == *'	the worst\tplot' ]]
    # the same as the programs one by one
    label=$("$BUILD/rec-load" -q "$BATS_TEST_TMPDIR/lines" | "$BUILD/wp-tokenize" -q -m $model | "$BUILD/bert-predict" -q -m $model -f tsv | sed -n 2p | cut -f 3)
    [ "${lines[0]%%	*}" = "$label" ]
    [ "$(BERTPIPE_MODEL=$model pipelines/classify <"$BATS_TEST_TMPDIR/lines")" = "$output" ]
}

@test "classify: an answer comes before the next line" {
    cd "$BATS_TEST_DIRNAME/.."
    mkfifo "$BATS_TEST_TMPDIR/in"
    pipelines/classify -m tests/fixtures/model/good-tiny <"$BATS_TEST_TMPDIR/in" >"$BATS_TEST_TMPDIR/out" 3>&- &
    exec 4>"$BATS_TEST_TMPDIR/in"
    echo 'a great film' >&4
    for _ in $(seq 100); do
        [ -s "$BATS_TEST_TMPDIR/out" ] && break
        sleep 0.1
    done
    [ "$(wc -l <"$BATS_TEST_TMPDIR/out")" -eq 1 ]
    exec 4>&-
    wait
}

@test "classify: an installed one runs the programs beside it, whatever BUILD says" {
    mkdir -p "$BATS_TEST_TMPDIR/bin" "$BATS_TEST_TMPDIR/build"
    cp pipelines/classify "$BATS_TEST_TMPDIR/bin/bert-classify"
    ln -s "$BUILD"/{rec-load,wp-tokenize,bert-predict} "$BATS_TEST_TMPDIR/bin"
    printf '%s\n' '#!/bin/sh' 'echo other' >"$BATS_TEST_TMPDIR/build/bert-predict"
    chmod +x "$BATS_TEST_TMPDIR/build/bert-predict"
    for folder in "$BATS_TEST_TMPDIR/build" ''; do
        run --separate-stderr env BUILD="$folder" "$BATS_TEST_TMPDIR/bin/bert-classify" --version
        [ "$status" -eq 0 ] && [[ "$output" == "bert-classify (bertpipe) "* ]] && [ -z "$stderr" ]
    done
}

@test "classify: several labels, and none" {
    multi=$BATS_TEST_TMPDIR/multi
    printf '%s\n' '{"text":"a great film","label":["x"]}' '{"text":"the plot","label":["y"]}' | "$BUILD/rec-load" -q -F jsonl |
        "$BUILD/wp-tokenize" -q -m tests/fixtures/model/good-tiny >"$multi.mp"
    "$BUILD/bert-train" -q -w 0 -n 1 --save-strategy no -m tests/fixtures/model/good-tiny -o "$multi" "$multi.mp" >/dev/null
    rm "$multi/bertpipe.json" # it has the digests of what is changed here
    # the probabilities are all high or all low by the classifier's bias alone
    for bias in 9 -9; do
        python3 - "$multi/model.safetensors" $bias <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
(size,) = struct.unpack("<Q", data[:8])
first, last = json.loads(data[8 : 8 + size])["classifier.bias"]["data_offsets"]
data[8 + size + first : 8 + size + last] = struct.pack("<f", float(sys.argv[2])) * ((last - first) // 4)
open(sys.argv[1], "wb").write(data)
END
        run --separate-stderr sh -c 'echo "a great film" | pipelines/classify -m "$1"' - "$multi"
        [ "$status" -eq 0 ] && [ -z "$stderr" ]
        [ "$bias" = -9 ] || [ "$output" = 'x,y		a great film' ]
    done
    [ "$output" = '		a great film' ]
}

@test "classify: wrong options, a missing model, help" {
    cd "$BATS_TEST_DIRNAME/.."
    run --separate-stderr pipelines/classify --wrong
    [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "classify: unknown option '--wrong'" ]
    run --separate-stderr pipelines/classify -m
    [ "$status" -eq 2 ]
    run --separate-stderr sh -c 'echo a | pipelines/classify -m nowhere'
    [ "$status" -ne 0 ] && [ -z "$output" ] && [ -n "$stderr" ]
    run --separate-stderr sh -c 'echo a | pipelines/classify -m tests/fixtures/model/good-tiny > /dev/full'
    [ "$status" -eq 1 ] && [[ "$stderr" == *"No space left on device"* ]]
    run --separate-stderr pipelines/classify --help
    [ "$status" -eq 0 ] && [[ "$output" == "Usage: classify "* ]]
    run --separate-stderr pipelines/classify --version
    [ "$status" -eq 0 ] && [[ "$output" == "classify (bertpipe) "* ]]
}

# ---- pipelines/sweep.mk ----

# sweep [SETTING]... on the reviews of the tiny archive
sweep() {
    env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/sweep.mk BUILD="$BUILD" MODEL=tests/fixtures/model/good-tiny \
        ARCHIVE="$BATS_TEST_TMPDIR/good-tiny.tar.gz" WORK="$work" LENGTH=16 TRAIN_FLAGS='-q -w 1' "$@"
}

grid=(LEARNING_RATES='1e-4 1e-2' BATCH_SIZES='2 4' EPOCHS=2)

@test "sweep: every combination once, tokenised once, ranked by its score" {
    run --separate-stderr sweep "${grid[@]}"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(grep -c '^bert-train' <<<"$output")" -eq 4 ]
    [ "$(grep -c wp-tokenize <<<"$output")" -eq 2 ]
    [ "$(wc -l <"$work/ranking.tsv")" -eq 5 ]
    # each run has the settings of its name, and the score of its evaluation
    python3 - "$work" <<'END'
import csv, json, pathlib, sys
work = pathlib.Path(sys.argv[1])
rows = list(csv.DictReader(open(work / "ranking.tsv"), delimiter="\t"))
assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
assert rows == sorted(rows, key=lambda row: (-float(row["accuracy"]), float(row["loss"])))
assert {(row["learning_rate"], row["batch_size"]) for row in rows} == {("1e-4", "2"), ("1e-4", "4"), ("1e-2", "2"), ("1e-2", "4")}
for row in rows:
    arguments = json.load(open(work / row["run"] / "bertpipe.json"))["run"]["arguments"]
    assert arguments["learning_rate"] == float(row["learning_rate"]), arguments
    assert arguments["per_device_train_batch_size"] == int(row["batch_size"])
    assert (arguments["num_train_epochs"], arguments["hidden_dropout_prob"], arguments["seed"]) == (2, 0.1, 42)
    scores = {line[1]: line[2] for line in csv.reader(open(work / row["run"] / "evaluation.tsv"), delimiter="\t")}
    assert (scores["accuracy"], scores["loss"]) == (row["accuracy"], row["loss"])
END
    # nothing runs twice; another grid trains what is new, and ranks what it asks for
    run --separate-stderr sweep "${grid[@]}"
    [[ "$output" != *bert-train* ]]
    [[ "$output" == *"learning_rate"* ]]
    run --separate-stderr sweep LEARNING_RATES='1e-2 5e-3' BATCH_SIZES=4 EPOCHS=2 METRIC=loss
    [ "$(grep -c '^bert-train' <<<"$output")" -eq 1 ]
    [ "$(wc -l <"$work/ranking.tsv")" -eq 3 ]
    [ "$(cut -f 2 "$work/ranking.tsv" | sed 1d)" = "$(cut -f 2 "$work/ranking.tsv" | sed 1d | sort -g)" ]
}

@test "sweep: killed, it goes on and ends the same" {
    sweep "${grid[@]}" >/dev/null 2>&1
    cp "$work/ranking.tsv" "$BATS_TEST_TMPDIR/whole"
    rm -r "$work"
    for delay in 0.3 0.6 0.9; do
        setsid --fork sh -c 'echo $$ >"$0"; exec "$@"' "$BATS_TEST_TMPDIR/pid" env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -f pipelines/sweep.mk \
            BUILD="$BUILD" MODEL=tests/fixtures/model/good-tiny ARCHIVE="$BATS_TEST_TMPDIR/good-tiny.tar.gz" WORK="$work" LENGTH=16 \
            TRAIN_FLAGS='-q -w 1' "${grid[@]}" >/dev/null 2>&1 3>&-
        sleep $delay
        kill -KILL -- "-$(cat "$BATS_TEST_TMPDIR/pid")" 2>/dev/null || true
    done
    sweep "${grid[@]}" >/dev/null 2>&1
    diff "$work/ranking.tsv" "$BATS_TEST_TMPDIR/whole"
}

@test "sweep: another model, other data or flags begin each run anew, and nothing else does" {
    one=(LEARNING_RATES=1e-3 BATCH_SIZES=4 EPOCHS=1)
    run_folder=$work/lr-1e-3_batch-4_epochs-1_dropout-0.1_seed-42
    sweep "${one[@]}" >/dev/null 2>&1
    cp "$run_folder/model.safetensors" "$BATS_TEST_TMPDIR/first"
    "$BUILD/bert-init" -q --seed 5 --config tests/fixtures/model/good-tiny/config.json --vocab tests/fixtures/model/good-tiny/vocab.txt -o "$BATS_TEST_TMPDIR/other"
    run --separate-stderr sweep "${one[@]}" MODEL="$BATS_TEST_TMPDIR/other"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(grep -c '^bert-train' <<<"$output")" -eq 1 ]
    # what bert-train makes of that model alone
    "$BUILD/bert-train" -q -w 1 -m "$BATS_TEST_TMPDIR/other" -o "$BATS_TEST_TMPDIR/alone" --learning-rate 1e-3 --per-device-train-batch-size 4 \
        --num-train-epochs 1 --dropout 0.1 --seed 42 --eval "$work/test.mp" "$work/train.mp" >/dev/null
    cmp "$run_folder/model.safetensors" "$BATS_TEST_TMPDIR/alone/model.safetensors"
    ! cmp -s "$run_folder/model.safetensors" "$BATS_TEST_TMPDIR/first"
    for change in "TRAIN_FLAGS=-q -w 0" LENGTH=12 ""; do
        [ -n "$change" ] || touch "$work/train.mp"
        run --separate-stderr sweep "${one[@]}" MODEL="$BATS_TEST_TMPDIR/other" ${change:+"$change"}
        [ "$status" -eq 0 ] && [ "$(grep -c '^bert-train' <<<"$output")" -eq 1 ] || { echo "$change: $output $stderr"; false; }
        run --separate-stderr sweep "${one[@]}" MODEL="$BATS_TEST_TMPDIR/other" ${change:+"$change"}
        [ "$status" -eq 0 ] && [[ "$output" != *bert-train* && "$output" != *wp-tokenize* ]] || { echo "again, $change: $output"; false; }
    done
}

@test "sweep: a sample of the grid, the same for the same draw, and pictures" {
    combinations() { sweep LEARNING_RATES='1e-4 2e-4 3e-4 4e-4' BATCH_SIZES='2 4' EPOCHS='1 2' -n "$@" | grep -o 'lr-[^/ ]*/evaluation.tsv' | sort -u; }
    [ "$(combinations | wc -l)" -eq 16 ]
    [ "$(combinations SAMPLE=5 | wc -l)" -eq 5 ]
    [ "$(combinations SAMPLE=5)" = "$(combinations SAMPLE=5)" ]
    [ "$(combinations SAMPLE=5)" != "$(combinations SAMPLE=5 DRAW=2)" ]
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    sweep LEARNING_RATES='1e-4 1e-3' BATCH_SIZES=4 EPOCHS=1 picture >/dev/null 2>&1
    grep -q '<svg' "$work/ranking.svg"
    [ "$(head -c 4 "$work/ranking.png" | tail -c 3)" = PNG ]
    grep -q '<svg' "$work/curves.html"
}

@test "sweep: a score that there is not" {
    run --separate-stderr sweep LEARNING_RATES=1e-3 BATCH_SIZES=4 EPOCHS=1 METRIC=bleu
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"sweep: no score bleu"* ]]
    [ ! -e "$work/ranking.tsv" ]
}
