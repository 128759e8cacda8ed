# Calls of the programs that fail: a sample of what `make fault` tries.

bats_require_minimum_version 1.5.0

@test "no call that fails loses anything: a few of each kind, of every program" {
    build=${BUILD:-$BATS_TEST_DIRNAME/../build}
    run --separate-stderr "$BATS_TEST_DIRNAME/fault/run" "$build" --quick
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; false; }
    [[ "${lines[-1]}" =~ ^\ +all\ +([0-9]+)\ +[0-9]+\ +[0-9]+\ +0\ +0\ +0\ +0$ ]]
    [ "${BASH_REMATCH[1]}" -gt 500 ]
}

@test "imdb-fetch: a read of the archive that fails behind its last file, and all that follow" {
    build=$(realpath "${BUILD:-$BATS_TEST_DIRNAME/../build}")
    python3 "$BATS_TEST_DIRNAME/fixtures/imdb/generate-archives.py" "$BATS_TEST_TMPDIR"
    cd "$BATS_TEST_TMPDIR"
    for how in fail rest; do
        for read in 1 2 3; do
            LD_PRELOAD=$build/fault.so FAULT_PROGRAM=$build/imdb-fetch FAULT_KIND=read FAULT_HOW=$how FAULT_AT=$read \
                ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 \
                run --separate-stderr "$build/imdb-fetch" -a good-tiny.tar.gz
            echo "$how $read: $status $stderr"
            [ "$status" -eq 1 ]
            [ -z "$output" ]
            [ "$stderr" = "imdb-fetch: good-tiny.tar.gz: cannot read: Input/output error" ]
        done
    done
}

@test "no file can be opened any more: one line, and nothing is left of what was begun" {
    run --separate-stderr "$BATS_TEST_DIRNAME/fault/run" "${BUILD:-$BATS_TEST_DIRNAME/../build}" --kind open --how rest --sample 8
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; false; }
    [[ "${lines[-1]}" =~ ^\ +all\ +([0-9]+)\ +[0-9]+\ +[0-9]+\ +0\ +0\ +0\ +0$ ]]
    [ "${BASH_REMATCH[1]}" -gt 200 ]
}

@test "bert-init: each file that cannot be looked for ends the save" {
    run --separate-stderr "$BATS_TEST_DIRNAME/fault/run" "${BUILD:-$BATS_TEST_DIRNAME/../build}" --kind stat --case 'bert-init*'
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; false; }
    [[ "${lines[-1]}" =~ ^\ +all\ +([0-9]+)\ +[0-9]+\ +[0-9]+\ +0\ +0\ +0\ +0$ ]]
    [ "${BASH_REMATCH[1]}" -gt 40 ]
}

@test "calls of downloads and archives that fail, a few of each kind but memory's own" {
    run --separate-stderr "$BATS_TEST_DIRNAME/fault/run" "${BUILD:-$BATS_TEST_DIRNAME/../build}" --kind '[!a]*' --how fail --sample 6 --case '*-fetch-[adu]*'
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; false; }
    [[ "${lines[-1]}" =~ ^\ +all\ +([0-9]+)\ +[0-9]+\ +[0-9]+\ +0\ +0\ +0\ +0$ ]]
    [ "${BASH_REMATCH[1]}" -gt 150 ]
}

@test "bert-train: each rename that fails, or is the last that does not, leaves the model that was to be replaced, or the new one" {
    run --separate-stderr "$BATS_TEST_DIRNAME/fault/run" "${BUILD:-$BATS_TEST_DIRNAME/../build}" --kind rename --case bert-train-over
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; false; }
    [[ "${lines[-1]}" =~ ^\ +all\ +([0-9]+)\ +[0-9]+\ +[0-9]+\ +0\ +0\ +0\ +0$ ]]
    [ "${BASH_REMATCH[1]}" -gt 40 ]
}
