load streams

setup_file() {
    make_streams
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
}

@test "manners" {
    has_manners rec-split
}

@test "parts of consecutive records, as equal as can be" {
    run --separate-stderr rec-split -n 4 -o s "$STREAMS/good-checks.mp" "$STREAMS/good-two-segments.mp"
    [ "$status" -eq 0 ]
    [ "$output" = 's-1-of-4.mp
s-2-of-4.mp
s-3-of-4.mp
s-4-of-4.mp' ]
    [ "$stderr" = "rec-split: 65 records in 4 parts" ]
    [ "$(for file in s-*; do rec-dump --partial "$file" | wc -l; done | tr '\n' ' ')" = "17 16 16 16 " ]
    cmp <(cat s-* | rec-dump) <(rec-dump "$STREAMS/good-checks.mp" "$STREAMS/good-two-segments.mp")
    [ "$(ls -A | wc -l)" -eq 4 ]
}

@test "rec-cat undoes rec-split" {
    rec-cat "$STREAMS/good-checks.mp" > whole.mp
    rec-split -qn 12 whole.mp > names
    [ "$(head -n 1 names)" = part-01-of-12.mp ]
    rec-cat $(sort -R --random-source=whole.mp names) | cmp - whole.mp
}

@test "the same input gives the same parts" {
    mkdir a b
    (cd a && rec-split -qn 3 "$STREAMS/good-checks.mp")
    (cd b && rec-split -qn 3 < "$STREAMS/good-checks.mp")
    diff -r a b
}

@test "more parts than records, and no records at all" {
    rec-split -qn 5 -o few "$STREAMS/good-text.mp" > /dev/null
    cmp <(cat few-* | rec-dump) <(rec-dump "$STREAMS/good-text.mp")
    rec-split -qn 2 -o none "$STREAMS/good-empty.mp" > /dev/null
    [ -z "$(cat none-* | rec-dump)" ]
}

@test "a missing and a repeated part make every consumer fail" {
    rec-split -qn 3 "$STREAMS/good-checks.mp" > /dev/null
    cat part-1* part-3* > missing.mp
    cat part-1* part-2* part-2* part-3* > twice.mp
    for command in rec-check rec-dump rec-cat "rec-split -n 2 -o x"; do
        for file in missing.mp twice.mp; do
            run --separate-stderr sh -c "$command < $file > /dev/null"
            [ "$status" -eq 1 ] && one_line "${command%% *}: standard input: *part*" || { echo "$command $file"; false; }
        done
    done
    ! ls x-* 2>/dev/null
}

@test "usage and failure: nothing is left behind" {
    run --separate-stderr rec-split "$STREAMS/good-text.mp"
    [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "rec-split: -n is missing: the number of parts" ]
    run --separate-stderr rec-split -n 0 "$STREAMS/good-text.mp"
    [ "$status" -eq 2 ]
    fails_with "rec-split: *bad-hash.mp: byte 253: the hash of the end differs*" rec-split -n 2 "$STREAMS/bad-hash.mp"
    fails_with "rec-split: none/x*: cannot create*" rec-split -n 2 -o none/x "$STREAMS/good-text.mp"
    mkdir part-2-of-3.mp
    fails_with "rec-split: *part-2-of-3.mp: *" rec-split -qn 3 "$STREAMS/good-text.mp"
    rmdir part-2-of-3.mp
    [ -z "$(ls -A)" ]
}

@test "cat of four shards tokenised in parallel is the unsharded result, record for record" {
    printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' review is grun {0..60} > vocab.txt
    cat "$STREAMS/good-checks.mp" "$STREAMS/good-text.mp" > all.mp
    wp-tokenize -q --vocab vocab.txt < all.mp > whole.mp
    rec-split -qn 4 all.mp | xargs -P 4 -I @ sh -c 'wp-tokenize -q --vocab vocab.txt < @ > @.tokens'
    rec-dump whole.mp > want
    cat part-*.tokens | rec-dump > got
    [ "$(wc -l < want)" -eq 63 ]
    cmp want got
    cat part-1*.tokens part-2*.tokens part-4*.tokens > missing.mp
    fails_with "rec-dump: missing.mp: of the 4 parts of set *, part 3 is missing" sh -c 'rec-dump -o out missing.mp'
}
