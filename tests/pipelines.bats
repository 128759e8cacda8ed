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
    [[ "$stderr" == *"give MODEL=FOLDER, a Hugging Face model folder"* ]]
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

@test "classify: wrong options, a missing model, help" {
    cd "$BATS_TEST_DIRNAME/.."
    run --separate-stderr pipelines/classify --wrong
    [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "classify: unknown option '--wrong'" ]
    run --separate-stderr pipelines/classify -m
    [ "$status" -eq 2 ]
    run --separate-stderr sh -c 'echo a | pipelines/classify -m nowhere'
    [ "$status" -ne 0 ] && [ -z "$output" ] && [ -n "$stderr" ]
    run --separate-stderr pipelines/classify --help
    [ "$status" -eq 0 ] && [[ "$output" == "Usage: classify "* ]]
    run --separate-stderr pipelines/classify --version
    [ "$status" -eq 0 ] && [[ "$output" == "classify (bertpipe) "* ]]
}
