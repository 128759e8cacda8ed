load streams

setup_file() {
    make_streams
    python3 "$STREAM_FIXTURES/generate-windows.py" "$STREAMS"
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work" "$BATS_TEST_TMPDIR/tmp"
    cd "$BATS_TEST_TMPDIR/work"
    export TMPDIR=$BATS_TEST_TMPDIR/tmp
}

ids() {
    rec-dump "$@" | sed 's/{"id":"\([^"]*\)".*/\1/' | tr '\n' ' '
}

@test "manners" {
    has_manners rec-shuffle
}

@test "the order is that of Philox keys, which are as random as they should be" {
    python3 "$STREAM_FIXTURES/philox.py" uniform 4 4800
    seq 0 40 | rec-load > numbers.mp
    for seed in 0 1 42 4294967296 18446744073709551615; do
        want=$(python3 "$STREAM_FIXTURES/philox.py" order $seed 41)
        got=$(rec-shuffle --seed $seed numbers.mp | rec-dump -f tsv | tail -n +2 | cut -f 2 | tr '\n' ' ')
        [ "$got" = "$want " ] || { echo "$seed: $got, not $want"; false; }
    done
    rec-shuffle numbers.mp | cmp - <(rec-shuffle --seed 42 < numbers.mp)
}

@test "the same records, none lost, none twice, with their bytes" {
    rec-shuffle "$STREAMS/good-checks.mp" "$STREAMS/good-two-segments.mp" > out.mp
    succeeds rec-check out.mp
    [ "$(grep -c segment <<< "$output")" -eq 1 ]
    cmp <(rec-dump out.mp | sort) <(rec-dump "$STREAMS/good-checks.mp" "$STREAMS/good-two-segments.mp" | sort)
    ! cmp -s <(rec-dump out.mp) <(rec-dump "$STREAMS/good-checks.mp" "$STREAMS/good-two-segments.mp")
    rec-shuffle "$STREAMS/good-unknown.mp" > out.mp
    grep -q future out.mp
    cmp <(rec-shuffle "$STREAMS/good-full-tokens.mp" 2>&1) <(echo "rec-shuffle: $STREAMS/good-full-tokens.mp: record 1: window 2 of 3 does not come after the window before it")
}

@test "the result does not depend on the memory" {
    python3 -c '
import random
random.seed(1)
for i in range(3000): print("x" * int(2 ** random.uniform(0, 13)))' > lines
    rec-load -o lines.mp lines
    rec-shuffle -v -o want.mp lines.mp 2> log
    [ "$(cat log)" = "rec-shuffle: 3000 records, 0 times the memory was full" ]
    for memory in 1 20K 100K 1M; do
        rec-shuffle -v --memory $memory -o got.mp lines.mp 2> log
        [[ "$(cat log)" =~ ^rec-shuffle:\ 3000\ records,\ [1-9] ]] || { cat log; false; }
        cmp want.mp got.mp
    done
    [ -z "$(ls -A "$TMPDIR")" ]
}

@test "memory stays within its bound" {
    needs_plain_build
    command -v /usr/bin/time > /dev/null || skip "no time(1)"
    python3 -c 'for i in range(40000): print("%d " % i * 200)' | rec-load -o lines.mp
    [ "$(stat -c %s lines.mp)" -gt 40000000 ]
    /usr/bin/time -f %M rec-shuffle -q --memory 4M -o out.mp lines.mp 2> kilobytes
    [ "$(cat kilobytes)" -lt 16384 ] || { cat kilobytes; false; }
}

@test "windows of a text stay together, in order" {
    for memory in 1 256M; do
        rec-shuffle --memory $memory "$STREAMS/windows-many.mp" > out.mp
        rec-dump out.mp | python3 -c '
import json, sys
records = [json.loads(line) for line in sys.stdin]
seen, i = [], 0
while i < len(records):
    n = records[i]["window"][1]
    assert [(r["id"], r["window"][0]) for r in records[i:i + n]] == [(records[i]["id"], k + 1) for k in range(n)]
    seen.append(records[i]["id"])
    i += n
assert sorted(seen) == sorted(f"t{i}" for i in range(30)) and seen != sorted(seen, key=lambda s: int(s[1:]))
print(*seen)' > order
        [ "$(cat order)" = "$(python3 "$STREAM_FIXTURES/philox.py" order 42 30 | sed 's/[0-9]*/t&/g')" ]
    done
    fails_with "rec-shuffle: *bad-windows-end.mp: record 2: of the 3 windows of 'a' only 2 are there" \
        rec-shuffle -o out "$STREAMS/bad-windows-end.mp"
}

@test "history and parts" {
    rec-shuffle --seed 7 "$STREAMS"/good-part-{1,2,3}.mp > out.mp
    succeeds rec-check out.mp
    [[ "$output" == *"rec-shuffle "*" seed=7"* ]] && [[ "$output" != *"part "* ]]
    fails_with "rec-shuffle: *: of the 3 parts of set s1, part 3 is missing" rec-shuffle -o out "$STREAMS"/good-part-{1,2}.mp
    [ "$(rec-shuffle --partial "$STREAMS"/good-part-{1,2}.mp | rec-dump | wc -l)" -eq 6 ]
}

@test "no records, and text forms" {
    rec-shuffle "$STREAMS/good-empty.mp" | rec-check -q
    rec-shuffle -f json "$STREAMS/good-checks.mp" | cmp - <(rec-shuffle "$STREAMS/good-checks.mp" | rec-dump)
    rec-shuffle -f tsv --memory 1 "$STREAMS/windows-many.mp" | cmp - <(rec-shuffle "$STREAMS/windows-many.mp" | rec-dump -f tsv)
}

@test "failures" {
    for name in bad-hash bad-no-end bad-zero bad-mixed-labels; do
        fails_with "rec-shuffle: *$name.mp: *" rec-shuffle -o out "$STREAMS/$name.mp"
    done
    ! plain_build || # valgrind needs such a folder itself
        TMPDIR=none/such fails_with "rec-shuffle: none/such: cannot create a temporary file: No such file or directory" \
            rec-shuffle --memory 1 -o out "$STREAMS/good-checks.mp"
    [ ! -e out ]
    for memory in "" x 1.5G -1 99999999999G 1KB; do
        run --separate-stderr rec-shuffle --memory "$memory" "$STREAMS/good-text.mp"
        [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "rec-shuffle: --memory: '$memory' is no size such as 64M or 2G" ]
    done
}
