load streams

setup_file() {
    make_streams
    python3 "$STREAM_FIXTURES/generate-windows.py" "$STREAMS"
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
}

ids() {
    rec-dump "$@" | sed 's/{"id":"\([^"]*\)".*/\1/' | tr '\n' ' '
}

@test "manners" {
    has_manners rec-head
}

@test "the first records, from files and standard input, over segments" {
    for n in 0 1 7 59 60; do
        rec-head -n $n "$STREAMS/good-checks.mp" > out.mp
        cmp <(rec-dump out.mp) <(rec-dump "$STREAMS/good-checks.mp" | head -n $n) || { echo $n; false; }
    done
    rec-head < "$STREAMS/good-checks.mp" > out.mp
    [ "$(ids out.mp)" = "r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 " ]
    [ "$(rec-head -n 4 "$STREAMS/good-two-segments.mp" | ids)" = "r1 r2 r3 r4 " ]
    [ "$(rec-head -n 9 "$STREAMS/good-two-segments.mp" "$STREAMS/good-text.mp" | rec-check | grep -c segment)" -eq 1 ]
}

@test "--skip" {
    [ "$(rec-head -n 3 --skip 2 "$STREAMS/good-checks.mp" | ids)" = "r3 r4 r5 " ]
    [ "$(rec-head -n 3 --skip 58 "$STREAMS/good-checks.mp" | ids)" = "r59 r60 " ]
    [ "$(rec-head -n 18446744073709551615 --skip 59 "$STREAMS/good-checks.mp" | ids)" = "r60 " ]
    [ -z "$(rec-head -n 3 --skip 60 "$STREAMS/good-checks.mp" | ids)" ]
}

@test "fewer records than asked for, and none" {
    succeeds rec-head -n 9 -o out.mp "$STREAMS/good-text.mp"
    [ "$(ids out.mp)" = "r1 r2 r3 " ]
    succeeds rec-head -o out.mp "$STREAMS/good-empty.mp"
    succeeds rec-check -q out.mp
}

@test "windows of a text count as one record and stay together" {
    # windows.mp: a (3 windows), b (none), c (2 windows), d (1 window of 1)
    [ "$(rec-head -n 1 "$STREAMS/windows.mp" | ids)" = "a a a " ]
    [ "$(rec-head -n 3 "$STREAMS/windows.mp" | ids)" = "a a a b c c " ]
    [ "$(rec-head -n 2 --skip 1 "$STREAMS/windows.mp" | ids)" = "b c c " ]
    fails_with "rec-head: *bad-windows-first.mp: record 1: window 2 of 3 does not come after the window before it" \
        rec-head -o out "$STREAMS/bad-windows-first.mp"
    fails_with "rec-head: *bad-windows-gap.mp: record 2: window 3 of 3 does not come after the window before it" \
        rec-head -o out "$STREAMS/bad-windows-gap.mp"
    fails_with "rec-head: *bad-windows-other.mp: record 2: window 2 of 2 does not come after the window before it" \
        rec-head -o out "$STREAMS/bad-windows-other.mp"
    fails_with "rec-head: *bad-windows-short.mp: record 3: of the 3 windows of 'a' only 2 are there" \
        rec-head -o out "$STREAMS/bad-windows-short.mp"
    fails_with "rec-head: *bad-windows-end.mp: record 2: of the 3 windows of 'a' only 2 are there" \
        rec-head -o out "$STREAMS/bad-windows-end.mp"
}

@test "history and parts: the head of a part is no part" {
    rec-head -n 2 --skip 1 "$STREAMS/good-part-2.mp" > out.mp
    succeeds rec-check out.mp
    [[ "$output" == *"by-hand 1 n=3"*"rec-head "*" records=2 skip=1"* ]]
    [[ "$output" != *"part "* ]]
    [ "$(rec-head -n 9 "$STREAMS/good-part-2.mp" | ids)" = "r4 r5 r6 " ]
}

@test "text forms" {
    rec-head -n 2 -f json "$STREAMS/good-checks.mp" | cmp - <(rec-dump "$STREAMS/good-checks.mp" | head -n 2)
    rec-head -n 2 -f tsv "$STREAMS/good-checks.mp" | cmp - <(rec-dump -f tsv "$STREAMS/good-checks.mp" | head -n 3)
    rec-head -n 2 -f text "$STREAMS/good-full-predictions.mp" | cmp - <(rec-dump -f text "$STREAMS/good-full-predictions.mp")
}

@test "it ends at once, and the producer by SIGPIPE, in silence" {
    mkfifo pipe
    yes "a line" | rec-load 2> producer-stderr > pipe 3>&- &
    producer=$!
    timeout 20 rec-head -n 5 pipe > out.mp
    status=0
    wait $producer || status=$?
    [ "$(rec-dump out.mp | wc -l)" -eq 5 ]
    [ "$status" -eq 141 ] && [ ! -s producer-stderr ]
    # a producer that is alive but says no more does not hold it up
    mkfifo slow
    { rec-load < <(printf 'a\nb\n'; sleep 20); } > slow 3>&- &
    timeout 10 rec-head -n 2 slow > out.mp
    kill $!
    [ "$(rec-dump out.mp | wc -l)" -eq 2 ]
}

@test "a stream that is damaged before the last record wanted" {
    fails_with "rec-head: *bad-no-end.mp: ends after record 3 without 'end'*" rec-head -o out "$STREAMS/bad-no-end.mp"
    fails_with "rec-head: *bad-zero.mp: empty*" rec-head -o out "$STREAMS/bad-zero.mp"
    fails_with "rec-head: *: segments disagree on the labels" rec-head -o out "$STREAMS/bad-mixed-labels.mp"
    fails_with "rec-head: none.mp: cannot open: No such file or directory" rec-head -o out none.mp
    [ ! -e out ]
    # its second check is good, the third is not
    [ "$(rec-head -n 14 "$STREAMS/bad-check-hash.mp" | rec-dump | wc -l)" -eq 14 ]
    fails_with "rec-head: *bad-check-hash.mp: byte *" rec-head -o out -n 15 "$STREAMS/bad-check-hash.mp"
}

@test "usage" {
    for options in "-n x" "-n -1" "--skip"; do
        run --separate-stderr rec-head $options
        [ "$status" -eq 2 ] && [ -z "$output" ] || { echo "$options"; false; }
    done
}
