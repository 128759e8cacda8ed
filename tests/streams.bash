# What the tests of record streams share: `load streams`.

bats_require_minimum_version 1.5.0
PATH=${BUILD:-$BATS_TEST_DIRNAME/../build}:$PATH
STREAM_FIXTURES=$BATS_TEST_DIRNAME/fixtures/stream
export PYTHONDONTWRITEBYTECODE=1

# Writes the fixtures into $STREAMS; for setup_file.
make_streams() {
    export STREAMS=$BATS_FILE_TMPDIR/streams
    mkdir "$STREAMS"
    python3 "$STREAM_FIXTURES/generate.py" "$STREAMS"
}

# The command fails with exit status 1 and one line on stderr that matches the pattern; stdout stays empty.
fails_with() {
    local pattern=$1
    shift
    run --separate-stderr "$@"
    [ "$status" -eq 1 ] || { echo "exit status $status"; return 1; }
    [ -z "$output" ] || { echo "stdout: $output"; return 1; }
    one_line "$pattern"
}

one_line() {
    [ "${#stderr_lines[@]}" -eq 1 ] || { echo "stderr: $stderr"; return 1; }
    # shellcheck disable=SC2053
    [[ "$stderr" == $1 ]] || { echo "stderr: $stderr"; return 1; }
}

# The command succeeds and says nothing on stderr.
succeeds() {
    run --separate-stderr "$@"
    [ "$status" -eq 0 ] || { echo "exit status $status: $stderr"; return 1; }
    [ -z "$stderr" ] || { echo "stderr: $stderr"; return 1; }
}

# Whether the programs take their own memory alone: sanitizers and valgrind take more.
plain_build() {
    ! grep -qaE '__[at]san_init|^exec .*valgrind' "$(command -v rec-cat)"
}

# For tests that bound memory or address space.
needs_plain_build() {
    plain_build || skip "sanitizers and valgrind take more memory"
}

# Manners that every tool has: help and version, unknown options, closed and full output.
has_manners() {
    local tool=$1
    run --separate-stderr "$tool" --help
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [[ "$output" == "Usage: $tool "* ]] && [[ "$output" == *Example:* ]]
    run --separate-stderr "$tool" --version
    [ "$status" -eq 0 ] && [ -z "$stderr" ] && [[ "$output" == "$tool (bertpipe) "* ]]
    run --separate-stderr "$tool" --no-such-option
    [ "$status" -eq 2 ] && [ -z "$output" ] && [ "${#stderr_lines[@]}" -eq 2 ]
    [ "${stderr_lines[0]}" = "$tool: unknown option '--no-such-option'" ]
    [ "${stderr_lines[1]}" = "$tool: try '$tool --help'" ]
    run --separate-stderr sh -c "$tool --help > /dev/full"
    [ "$status" -eq 1 ] && [ "$stderr" = "$tool: standard output: cannot write: No space left on device" ]
}

# Exit status of a command whose reader goes away at once: as SIGPIPE ends it, in silence.
closed_pipe_status() {
    bash -c 'set -o pipefail; "$@" 2> "$BATS_TEST_TMPDIR/pipe-stderr" | sleep 0; exit "${PIPESTATUS[0]}"' - "$@"
}

# read_only FOLDER COMMAND...: the command, with the folder read-only for it.
read_only() {
    local folder=$1
    shift
    if [ "$(id -u)" -ne 0 ]; then
        chmod a-w "$folder"
        "$@"
        set -- "$?"
        chmod u+w "$folder"
        return "$1"
    fi
    # Permissions do not bind root: a mount does.
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"' "$folder" "$@"
}
