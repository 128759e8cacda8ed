# What a run leaves behind against what the Trainer leaves; under a minute.

@test "event files, trainer_state.json and all_results.json of twelve steps; TensorBoard reads resumed and cut files" {
    OMP_NUM_THREADS=1 run "$PYTHON" tests/parity/event-files.py
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "bert-report's page in a browser asks for nothing" {
    command -v "${CHROMIUM:-chromium}" >/dev/null || skip "Chromium is not installed"
    build=${BUILD:-$BATS_TEST_DIRNAME/../../build}
    printf 'label\ttext\nnegative\ta bad film\npositive\ta great film\nnegative\tthe worst plot\n' |
        "$build/rec-load" -q -F tsv | "$build/wp-tokenize" -q -k -m tests/fixtures/model/good-tiny >"$BATS_TEST_TMPDIR/tokens.mp"
    "$build/bert-train" -q -m tests/fixtures/model/good-tiny -o "$BATS_TEST_TMPDIR/model" -n 8 -b 2 -w 2 --logging-steps 1 \
        -e "$BATS_TEST_TMPDIR/tokens.mp" "$BATS_TEST_TMPDIR/tokens.mp" >"$BATS_TEST_TMPDIR/metrics.mp"
    "$build/bert-predict" -q -m "$BATS_TEST_TMPDIR/model" "$BATS_TEST_TMPDIR/tokens.mp" >"$BATS_TEST_TMPDIR/predictions.mp"
    "$build/bert-report" -q -o "$BATS_TEST_TMPDIR/page.html" "$BATS_TEST_TMPDIR"/{metrics,predictions,tokens}.mp
    run "$PYTHON" tests/parity/report-page.py "$BATS_TEST_TMPDIR/page.html"
    echo "$output"
    [ "$status" -eq 0 ]
}
