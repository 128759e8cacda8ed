# Calls of the programs that fail: a sample of what `make fault` tries.

bats_require_minimum_version 1.5.0

@test "no call that fails loses anything: a few of each kind, of every program" {
    build=${BUILD:-$BATS_TEST_DIRNAME/../build}
    run --separate-stderr "$BATS_TEST_DIRNAME/fault/run" "$build" --quick
    [ "$status" -eq 0 ] || { echo "$output"; echo "$stderr"; false; }
    [[ "${lines[-1]}" =~ ^\ +all\ +([0-9]+)\ +[0-9]+\ +[0-9]+\ +0\ +0\ +0\ +0$ ]]
    [ "${BASH_REMATCH[1]}" -gt 500 ]
}
