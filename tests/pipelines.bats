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
