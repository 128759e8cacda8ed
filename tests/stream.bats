load streams

setup_file() {
    make_streams
}

# NAME MESSAGE: what is said of each file that is refused, after the source's name.
refused() {
    sed 's/ *| */ /; s/ *|.*//' "$STREAM_FIXTURES/refused.txt"
}

@test "good streams are whole" {
    for file in "$STREAMS"/good-*; do
        succeeds rec-check --partial "$file"
        [[ "$output" == *"type "*"records "* ]]
    done
}

@test "refused.txt has every file that is bad or unsupported, and what is in the tree is what generate.py writes" {
    run --separate-stderr diff <(refused | cut -d ' ' -f 1) <(cd "$STREAMS" && ls bad-* unsupported-* | sed 's/\.mp$//' | LC_ALL=C sort)
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    for file in "$STREAM_FIXTURES"/*.mp; do
        cmp "$file" "$STREAMS/${file##*/}"
    done
}

@test "rec-check names what is wrong, and where; rec-cat what does not fit together" {
    while read -r name message; do
        program=rec-check
        [[ "$name" != bad-mixed-* ]] || program=rec-cat
        run --separate-stderr "$program" -q "$STREAMS/$name.mp"
        [ "$status" -eq 1 ] && [ -z "$output" ] && [ "$stderr" = "$program: $STREAMS/$name.mp: $message" ] ||
            { echo "$name: $status: $stderr"; false; }
    done < <(refused)
}

@test "rec-dump, rec-cat and rec-split refuse the same from a pipe" {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
    while read -r name message; do
        for command in "rec-dump" "rec-cat -o out.mp" "rec-split -n 2"; do
            run --separate-stderr sh -c "$command < $STREAMS/$name.mp > /dev/null"
            # rec-cat joins parts in order, and says of a gap what it waits for.
            if [ "$name $command" = "bad-parts-missing rec-cat -o out.mp" ]; then
                message="part 3 of 3 comes where part 2 is due"
            fi
            [ "$status" -eq 1 ] && [ "$stderr" = "${command%% *}: standard input: $message" ] ||
                { echo "$name: $command: $status: $stderr"; false; }
        done
        [ -z "$(ls -A)" ] || { echo "$name: left behind: $(ls -A)"; false; }
    done < <(refused | grep -v -e bad-parts -e bad-mixed)
    run sh -c "rec-cat < $STREAMS/bad-parts-missing.mp | rec-check -q"
    [ "$status" -eq 1 ]
}

@test "every program finds cuts and flips of streams of every type, and does nothing with what no check vouches for" {
    run python3 "$BATS_TEST_DIRNAME/damage/run.py" 12
    [ "$status" -eq 0 ] && [[ "$output" == *" pairs of program and type, "*", 0 failures" ]] || { echo "$output"; false; }
}

@test "the one cut that cannot be seen: between segments that are not numbered" {
    cat "$STREAMS/good-text.mp" "$STREAMS/good-checks.mp" > "$BATS_TEST_TMPDIR/two.mp"
    size=$(wc -c < "$STREAMS/good-text.mp")
    head -c "$size" "$BATS_TEST_TMPDIR/two.mp" | rec-check -q
    for at in $((size - 1)) $((size + 1)); do
        run sh -c "head -c $at $BATS_TEST_TMPDIR/two.mp | rec-check -q"
        [ "$status" -eq 1 ]
    done
    cat "$STREAMS"/good-part-[12].mp > "$BATS_TEST_TMPDIR/parts.mp"
    fails_with "rec-check: *: of the 3 parts of set s1, part 3 is missing" rec-check -q "$BATS_TEST_TMPDIR/parts.mp"
}

@test "producers with bugs: 100 mutants of every type of record, their hash put right" {
    for name in good-full-text good-full-tokens good-full-predictions good-full-metrics good-unknown; do
        run python3 "$STREAM_FIXTURES/mutants.py" "$STREAMS/$name.mp" 100 -- rec-dump
        [ "$status" -eq 0 ] && [ "$output" = "100 mutants, 0 failures" ] || { echo "$name: $output"; false; }
    done
}

@test "a declared size costs no memory" {
    needs_plain_build
    for name in bad-bomb-bin bad-bomb-array bad-bomb-map; do
        run sh -c "ulimit -v 60000; rec-check -q $STREAMS/$name.mp"
        [ "$status" -eq 1 ] && [[ "$output" == *"larger than the limit"* ]] || { echo "$output"; false; }
    done
}

@test "--max-record is the limit of a record" {
    succeeds rec-check "$STREAMS/good-large.mp"
    succeeds rec-check --max-record 3000016 "$STREAMS/good-large.mp"
    fails_with "*: record 1: byte 109: larger than the limit (--max-record)" rec-check --max-record 3000015 "$STREAMS/good-large.mp"
}

@test "several files, one of them cut" {
    fails_with "rec-check: *bad-cut.mp: ends after record 3*" rec-check -q "$STREAMS/good-text.mp" "$STREAMS/bad-cut.mp"
    fails_with "rec-check: *none.mp: cannot open: No such file or directory" rec-check -q "$STREAMS/good-text.mp" "$STREAMS/none.mp"
    fails_with "rec-check: $STREAMS: is a folder" rec-check "$STREAMS"
}

@test "a record that waits for nothing is passed on at once" {
    mkfifo "$BATS_TEST_TMPDIR/in"
    rec-load < "$BATS_TEST_TMPDIR/in" | rec-cat | rec-dump > "$BATS_TEST_TMPDIR/out" 3>&- &
    exec 4> "$BATS_TEST_TMPDIR/in"
    echo first >&4
    for _ in $(seq 100); do
        [ -s "$BATS_TEST_TMPDIR/out" ] && break
        sleep 0.05
    done
    [ "$(cat "$BATS_TEST_TMPDIR/out")" = '{"id":"1","text":"first"}' ]
    echo second >&4
    exec 4>&-
    wait
    [ "$(tail -n 1 "$BATS_TEST_TMPDIR/out")" = '{"id":"2","text":"second"}' ]
}

@test "a producer that is killed leaves a stream without end, and no output file" {
    cd "$BATS_TEST_TMPDIR"
    mkfifo in
    rec-load -o out.mp < in 3>&- &
    pid=$!
    exec 4> in
    echo line >&4
    for _ in $(seq 100); do
        ls .out.mp.* >/dev/null 2>&1 && break
        sleep 0.05
    done
    ls .out.mp.*
    kill -TERM "$pid"
    status=0
    wait "$pid" || status=$?
    exec 4>&-
    [ "$status" -eq 143 ]
    [ "$(ls -A)" = in ]
}

@test "msgpack is never written to a terminal" {
    command -v script >/dev/null || skip "no script(1)"
    run script -qec "echo hello | rec-load" /dev/null
    [[ "$output" == "1 hello"* ]]
    run script -qec "echo hello | rec-load -f msgpack" /dev/null
    [ "$status" -eq 1 ]
    [[ "$output" == *"rec-load: standard output: msgpack is not for terminals: redirect it, or use -f text"* ]]
}

@test "text of strangers cannot steer the terminal" {
    succeeds rec-dump -f text "$STREAMS/good-escape.mp"
    [ "$output" = '1 a\x1b[31m\x9b\tb\\n' ]
}

# The literal block of the manual that contains the words, without mdoc's escapes.
literal() {
    awk -v words="$1" '
        /^\.Bd -literal/ { inside = 1; block = ""; next }
        /^\.Ed/ && inside { inside = 0; if (index(block, words)) { printf "%s", block; exit } }
        inside { block = block $0 "\n" }' "$BATS_TEST_DIRNAME/../man/bertpipe-stream.5" | sed 's/\\e/\\/g'
}

@test "the manual's smallest stream" {
    literal "93 a8 62" | cut -c 1-40 | python3 -c 'import sys; sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' > "$BATS_TEST_TMPDIR/s.mp"
    [ "$(wc -c < "$BATS_TEST_TMPDIR/s.mp")" -eq 69 ]
    succeeds rec-dump "$BATS_TEST_TMPDIR/s.mp"
    [ "$output" = '{"id":"1","text":"hi"}' ]
}

@test "the manual's filter in Python" {
    for python in python3 /usr/bin/python3; do
        "$python" -c 'import msgpack, xxhash' 2>/dev/null && break
        python=
    done
    [ -n "$python" ] || skip "no Python with msgpack and xxhash"
    cd "$BATS_TEST_TMPDIR"
    literal "#!/usr/bin/env python3" > longer-than.py
    printf 'one\none two\none two three\n\na b c d\n' | rec-load > in.mp
    "$python" longer-than.py 3 < in.mp > out.mp
    succeeds rec-dump out.mp
    [ "$output" = '{"id":"3","text":"one two three"}
{"id":"5","text":"a b c d"}' ]
    rec-check out.mp | grep -qx '              longer-than 1 words=3'
    for name in good-checks good-two-segments good-empty good-large good-full-text; do
        "$python" longer-than.py 0 < "$STREAMS/$name.mp" > same.mp
        cmp <(rec-dump same.mp) <(rec-dump "$STREAMS/$name.mp")
    done
    "$python" longer-than.py 5 < "$STREAMS/good-checks.mp" | rec-check -q
    for name in bad-zero bad-no-end bad-cut bad-hash bad-check-hash bad-count; do
        run --separate-stderr "$python" longer-than.py 0 < "$STREAMS/$name.mp"
        [ "$status" -eq 1 ] && [ "${#stderr_lines[@]}" -eq 1 ] || { echo "$name: $status $stderr"; false; }
    done
}

@test "the manual's lines for file(1)" {
    command -v file >/dev/null || skip "no file(1)"
    literal "bertpipe record stream" > "$BATS_TEST_TMPDIR/magic"
    run file -b -m "$BATS_TEST_TMPDIR/magic" "$STREAMS/good-text.mp"
    [ "$output" = "bertpipe record stream version 1" ]
    run file -b -m "$BATS_TEST_TMPDIR/magic" "$STREAMS/bad-plain.mp"
    [[ "$output" != *bertpipe* ]]
}

# The commands of a page's EXAMPLES, without mdoc's escapes.
examples() {
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$BATS_TEST_DIRNAME/../man/$1" | sed 's/\\(dq/"/g; s/\\e/\\/g'
}

@test "the examples of the manual pages work" {
    cd "$BATS_TEST_TMPDIR"
    printf 'review,sentiment\n"good, really",positive\nbad,negative\nfine,positive\n' > reviews.csv
    printf '1\thello\n0\tbye\n' > labelled.tsv
    printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' , good really bad fine > vocab.txt
    printf '{"id":"2","text":"good, really","note":"dull"}\n{"id":"3","text":"bad","note":"short"}\n{"id":"4","text":"fine"}\n' |
        rec-load -F jsonl -o notes.mp
    printf '{"id":"2","text":"good, really","label":"negative"}\n{"id":"3","text":"bad","label":"negative"}\n{"id":"4","text":"fine","label":"positive"}\n' |
        rec-load -F jsonl -o relabelled.mp
    cp "$STREAMS/good-full-metrics.mp" metrics.mp
    for page in rec-load rec-dump rec-check rec-cat rec-split rec-head rec-shuffle rec-join rec-stat; do
        examples "$page.1" > commands
        [ -s commands ]
        while read -r command; do
            run --separate-stderr bash -e -o pipefail -c "$command"
            [ "$status" -eq 0 ] && [ -z "$stderr" ] || { echo "$page: $command: $status: $stderr"; false; }
        done < commands
    done
    [ "$(rec-dump reviews.mp | head -n 1)" = '{"id":"2","text":"good, really","label":1}' ]
    [ "$(rec-dump labelled.mp | head -n 1)" = '{"id":"1","text":"hello","label":1}' ]
    cmp reviews.mp again.mp
    [ "$(rec-dump lower.mp | tail -n 1)" = '{"id":"4","text":"fine","label":1}' ]
    [ "$(rec-dump train.mp | wc -l) $(rec-dump test.mp | wc -l)" = "2 1" ]
    [ "$(rec-dump few.mp | wc -l) $(rec-dump others.mp | wc -l) $(rec-dump sample.mp | wc -l)" = "3 0 2" ]
    cmp <(sort <(rec-dump shuffled.mp)) <(rec-dump reviews.mp)
    [ "$(rec-dump noted.mp | tail -n 2)" = '{"id":"3","text":"bad","label":0,"x":{"note":"short"}}
{"id":"4","text":"fine","label":1}' ]
    cmp <(wp-tokenize -q --vocab vocab.txt < reviews.mp | rec-dump) <(rec-dump tokens.mp)
}
