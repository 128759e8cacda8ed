load streams

setup_file() {
    make_streams
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
}

@test "manners" {
    has_manners rec-cat
}

@test "segments and files become one segment with the same records" {
    rec-cat "$STREAMS/good-two-segments.mp" "$STREAMS/good-text.mp" > out.mp
    succeeds rec-check out.mp
    [ "$(grep -c segment <<< "$output")" -eq 1 ]
    cmp <(rec-dump out.mp) <(rec-dump "$STREAMS/good-two-segments.mp" "$STREAMS/good-text.mp")
}

@test "parts in any order of the operands, and in their own order on standard input" {
    rec-cat "$STREAMS"/good-part-{3,1,2}.mp > out.mp
    succeeds rec-dump out.mp
    [ "$(grep -o '"id":"[^"]*"' <<< "$output" | tr -d '\n')" = '"id":"r1""id":"r2""id":"r3""id":"r4""id":"r5""id":"r6""id":"r7""id":"r8"' ]
    cat "$STREAMS"/good-part-{1,2,3}.mp | rec-cat -f json > piped
    cmp piped <(rec-dump out.mp)
    run --separate-stderr sh -c "cat $STREAMS/good-part-2.mp $STREAMS/good-part-1.mp $STREAMS/good-part-3.mp | rec-cat -o o.mp"
    [ "$status" -eq 1 ] && [ "$stderr" = "rec-cat: standard input: part 2 of 3 comes where part 1 is due" ] && [ ! -e o.mp ]
}

@test "a missing, a repeated and a foreign part" {
    fails_with "rec-cat: *: of the 3 parts of set s1, part 3 is missing" rec-cat -o o.mp "$STREAMS"/good-part-{1,2}.mp
    fails_with "rec-cat: *: part 3 of 3 comes where part 2 is due" rec-cat -o o.mp "$STREAMS"/good-part-{1,3}.mp
    fails_with "rec-cat: *: part 2 of 3 of set s1 occurs twice" rec-cat -o o.mp "$STREAMS"/good-part-{1,2,2,3}.mp
    [ ! -e o.mp ]
    succeeds rec-cat --partial -o o.mp "$STREAMS"/good-part-{1,3}.mp
    [ "$(rec-dump o.mp | wc -l)" -eq 5 ]
}

@test "segments must agree" {
    fails_with "rec-cat: *bad-mixed-types.mp: a tokens segment follows a text segment" rec-cat -o o.mp "$STREAMS/bad-mixed-types.mp"
    fails_with "rec-cat: *bad-mixed-labels.mp: segments disagree on the labels" rec-cat -o o.mp "$STREAMS/bad-mixed-labels.mp"
    fails_with "rec-cat: *tokens-u32.mp: a tokens segment follows a text segment" rec-cat -o o.mp "$STREAMS/good-text.mp" "$STREAMS/good-tokens-u32.mp"
    [ ! -e o.mp ]
}

@test "fields that this version does not know are kept" {
    rec-cat "$STREAMS/good-unknown.mp" > out.mp
    grep -q future out.mp
}

@test "the output replaces a file only when it is whole, and goes through symbolic links" {
    echo old > target
    ln -s target out.mp
    fails_with "*" rec-cat -o out.mp "$STREAMS/bad-hash.mp"
    [ "$(cat target)" = old ]
    succeeds rec-cat -o out.mp "$STREAMS/good-text.mp"
    [ -L out.mp ]
    rec-check -q target
}
