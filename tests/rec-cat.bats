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

@test "recover: the records before a cut or a flip, as far as a check vouches for them" {
    cp "$STREAMS/good-every-text.mp" whole.mp
    rec-dump whole.mp >records
    # A check for each record, which ends 24 bytes after its name begins.
    ends=$(grep -obUa check whole.mp | cut -d : -f 1 | awk '{ print $1 + 24 }')
    [ "$(wc -w <<<"$ends")" -eq "$(wc -l <records)" ]
    size=$(stat -c %s whole.mp)
    for at in $(seq 1 9 $((size - 1))); do
        kept=$(awk -v at="$at" '$1 <= at { kept++ } END { print kept + 0 }' <<<"$ends")
        head -c "$at" whole.mp >cut.mp
        { head -c "$at" whole.mp && tail -c +$((at + 1)) whole.mp | head -c 1 | tr '\000-\377' '\001-\377\000' && tail -c +$((at + 2)) whole.mp; } >flipped.mp
        for damaged in cut.mp flipped.mp; do
            rm -f out.mp
            run --separate-stderr rec-cat --recover -o out.mp $damaged
            if [ "$kept" -eq 0 ]; then
                [ "$status" -eq 1 ] && [ "${#stderr_lines[@]}" -eq 1 ] && [ ! -e out.mp ] || { echo "$damaged at $at: $stderr"; false; }
                continue
            fi
            [ "$status" -eq 0 ] || { echo "$damaged at $at: $stderr"; false; }
            [[ "${stderr_lines[0]}" == "rec-cat: $damaged: "* ]]
            [ "${stderr_lines[1]}" = "rec-cat: warning: $damaged: $kept records come before that, and are kept" ]
            rec-check -q out.mp
            cmp <(rec-dump out.mp) <(head -n "$kept" records)
        done
    done
    succeeds rec-cat --recover -o out.mp whole.mp
    cmp <(rec-dump out.mp) records
    run --separate-stderr rec-cat --recover whole.mp cut.mp
    [ "$status" -eq 2 ]
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
