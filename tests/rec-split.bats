load streams

setup_file() {
    make_streams
    python3 "$STREAM_FIXTURES/generate-windows.py" "$STREAMS"
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
    usage() {
        run --separate-stderr rec-split "${@:2}" "$STREAMS/good-text.mp"
        [ "$status" -eq 2 ] && [ -z "$output" ] && [ "${stderr_lines[0]}" = "rec-split: $1" ] || { echo "$stderr"; false; }
    }
    usage "-n and --ratio exclude each other" -n 2 -r 1:1 -o a -o b
    usage "-n takes one -o" -n 2 -o a -o b
    usage "--stratify, --seed and --in-order are for --ratio" -n 2 --stratify
    usage "--stratify, --seed and --in-order are for --ratio" -n 2 --seed 1
    usage "--ratio has 3 shares, but -o names 2 files" -r 1:1:1 -o a -o b
    usage "-o: 'a' and 'a' are the same file" -r 1:1 -o a -o a
    usage "-o: 'a' and './a' are the same file" -r 1:1 -o a -o ./a
    ln -s a link
    usage "-o: 'link' and 'a' are the same file" -r 1:1 -o link -o a
    rm link
    ln -s part-1-of-2.mp part-2-of-2.mp
    usage "-o: 'part-1-of-2.mp' and 'part-2-of-2.mp' are the same file" -n 2
    rm part-2-of-2.mp
    run bash -c "rec-split -r 1:1 -o - -o /dev/fd/1 '$STREAMS/good-text.mp' 2> line | cat"
    [ -z "$output" ] && [ "$(head -n 1 line)" = "rec-split: -o: '-' and '/dev/fd/1' are the same file" ]
    rm line
    usage "--seed and --in-order exclude each other" -r 1:1 -o a -o b --seed 1 --in-order
    usage "--ratio: '0.8,0.1' adds up to less than 1" -r 0.8,0.1 -o a -o b
    for ratio in "" 1: :1 1:0 1:-1 1:x nan:1 1::1; do
        usage "--ratio: '$ratio' is no list of positive numbers such as 9:1 or 0.8,0.1,0.1" -r "$ratio" -o a -o b
    done
    usage "--ratio: '$(printf '1:%.0s' {1..100})1' has more than 100 parts" -r "$(printf '1:%.0s' {1..100})1" -o a -o b
    run --separate-stderr rec-split -n 0 "$STREAMS/good-text.mp"
    [ "$status" -eq 2 ]
    fails_with "rec-split: *bad-hash.mp: byte 253: the hash of the end differs*" rec-split -n 2 "$STREAMS/bad-hash.mp"
    fails_with "rec-split: none/x*: cannot create*" rec-split -n 2 -o none/x "$STREAMS/good-text.mp"
    mkdir part-2-of-3.mp
    fails_with "rec-split: *part-2-of-3.mp: *" rec-split -qn 3 "$STREAMS/good-text.mp"
    rmdir part-2-of-3.mp
    mkdir b
    fails_with "rec-split: *b: *" rec-split -q -r 1:1 -o a -o b "$STREAMS/good-text.mp"
    rmdir b
    fails_with "rec-split: *bad-hash.mp: byte 253: the hash of the end differs*" rec-split -r 1:1 -o a -o b "$STREAMS/bad-hash.mp"
    fails_with "rec-split: *good-full-metrics.mp: record 1: --stratify needs labels that are classes" \
        rec-split -r 1:1 --stratify -o a -o b "$STREAMS/good-full-metrics.mp"
    [ -z "$(ls -A)" ]
}

@test "all or none: a file that was there is there when another cannot be written or put in place" {
    cp "$STREAMS/good-text.mp" data.mp
    echo old > old.mp
    mkfifo pipe
    fails_with "rec-split: /dev/full: cannot write: No space left on device" rec-split -q -r 1:1:1 -o old.mp -o data.mp -o /dev/full data.mp
    [ "$(cat old.mp)" = old ] && cmp data.mp "$STREAMS/good-text.mp"
    cat pipe > /dev/null &
    fails_with "rec-split: /dev/full: *" rec-split -q -r 1:1 -o pipe -o /dev/full data.mp
    [ -p pipe ]
    rm pipe
    echo old > b-1-of-3.mp
    # the second rename of a new file
    run --separate-stderr strace -D -qq -o trace -e trace=rename -e inject=rename:error=EACCES:when=3 env ASAN_OPTIONS=detect_leaks=0 rec-split -q -n 3 -o b data.mp
    [ "$status" -eq 1 ] && [ "$stderr" = "rec-split: b-2-of-3.mp: cannot rename the finished file into place: Permission denied" ] || { echo "$stderr"; cat trace; false; }
    rm trace
    [ "$(cat b-1-of-3.mp)" = old ] && [ "$(ls -A | tr '\n' ' ')" = "b-1-of-3.mp data.mp old.mp " ]
}

@test "where a file cannot have two names, what is replaced comes back all the same" {
    for name in a b; do echo old > $name; done
    # the second rename of a new file
    run --separate-stderr strace -D -qq -o trace -e trace=link,rename -e inject=link:error=EPERM -e inject=rename:error=EIO:when=5 \
        env ASAN_OPTIONS=detect_leaks=0 rec-split -q -r 1:1 -o a -o b "$STREAMS/good-text.mp"
    [ "$status" -eq 1 ] && [ "$stderr" = "rec-split: b: cannot rename the finished file into place: Input/output error" ] || { echo "$stderr"; cat trace; false; }
    rm trace
    [ "$(cat a b)" = $'old\nold' ] && [ "$(ls -A | tr '\n' ' ')" = "a b " ]
}

@test "the stream waits beside a file, never beside a device or a descriptor" {
    rec-split -q -r 1:1 --in-order -o /dev/fd/1 -o b.mp "$STREAMS/good-text.mp" > a.mp
    rec-dump a.mp b.mp | cmp - <(rec-dump "$STREAMS/good-text.mp")
    strace -D -qq -o trace -e trace=openat env ASAN_OPTIONS=detect_leaks=0 rec-split -q -r 1:1 -o /dev/null -o b.mp "$STREAMS/good-text.mp"
    [[ "$(grep -o '"[^"]*spool[^"]*"' trace | head -n 1)" == '".b.mp.spool.'* ]]
}

@test "a signal while parts are written leaves none" {
    rec-load -q <(seq 3000) -o seq.mp
    for delay in 0.01 0.02 0.04 0.08; do
        rec-split -q -n 3000 -o part seq.mp > /dev/null &
        sleep "$delay"
        kill -TERM $! 2>/dev/null
        wait $! || [ $? -eq 143 ]
        count=$(find . -name 'part-*' | wc -l)
        [ "$count" -eq 0 ] || [ "$count" -eq 3000 ] || { echo "$count parts"; false; }
        [ -z "$(find . -name '.*.mp.*')" ]
        find . -name 'part-*' -delete
    done
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

# The ids of a file's records.
ids() {
    rec-dump "$1" | sed 's/{"id":"\([^"]*\)".*/\1/'
}

@test "windows of a text stay in one part" {
    # a (3 windows), b (none), c (2 windows), d (1 window of 1)
    rec-split -qn 3 "$STREAMS/windows.mp" > names
    [ "$(for name in $(cat names); do rec-dump --partial $name | sed 's/{"id":"\([^"]*\)".*/\1/' | tr -d '\n'; echo; done)" = "aaab
cc
d" ]
    rec-cat part-* | rec-dump | cmp - <(rec-dump "$STREAMS/windows.mp")
    run --separate-stderr rec-split -r 1:1:1 -o x -o y -o z "$STREAMS/windows-many.mp"
    [ "$status" -eq 0 ] && [ "$stderr" = "rec-split: x: 10, y: 10, z: 10 records" ]
    for name in x y z; do
        [ "$(ids $name | uniq | wc -l)" -eq 10 ]
        rec-check -q $name
    done
    cmp <(cat x y z | rec-dump | sort) <(rec-dump "$STREAMS/windows-many.mp" | sort)
    fails_with "rec-split: *bad-windows-gap.mp: record 2: window 3 of 3 does not come after*" rec-split -n 2 -o w "$STREAMS/bad-windows-gap.mp"
}

@test "by ratio: sizes, order, nothing lost, the same again" {
    seq 1000 | rec-load -o all.mp
    run --separate-stderr rec-split -r 0.8,0.1,0.1 -o a.mp -o b.mp -o c.mp all.mp
    [ "$status" -eq 0 ] && [ -z "$output" ] && [ "$stderr" = "rec-split: a.mp: 800, b.mp: 100, c.mp: 100 records" ]
    for name in a b c; do
        ids $name.mp > $name
        sort -nc $name
    done
    sort -n a b c | cmp - <(seq 1000)
    rec-split -q -r 80:10:10 -o d.mp -o e.mp -o f.mp --seed 42 < all.mp
    cmp <(rec-dump a.mp) <(rec-dump d.mp) && cmp <(rec-dump c.mp) <(rec-dump f.mp)
    rec-split -q -r 8:1:1 -o d.mp -o e.mp -o f.mp --seed 43 all.mp
    ! cmp -s <(ids b.mp) <(ids e.mp)
    # no share takes more from one end: of 100 random ones of 1000, the mean is 500 +- 29
    awk '{ sum += $1 } END { exit !(sum / NR > 385 && sum / NR < 615) }' b
    # an odd number: largest remainders of 7.2, 1.4 and 1.4 of ten, ties to the first
    seq 10 | rec-load | rec-split -q -r 72:14:14 -o a.mp -o b.mp -o c.mp
    [ "$(ids a.mp | wc -l) $(ids b.mp | wc -l) $(ids c.mp | wc -l)" = "7 2 1" ]
    seq 3 | rec-load | rec-split -q -r 0.3:0.7 -o - -o b.mp | rec-dump | wc -l | grep -qx 1
}

@test "by ratio: in order, no records, history without a part" {
    rec-split -q -r 1:2 --in-order -o a.mp -o b.mp "$STREAMS"/good-part-{1,2,3}.mp
    [ "$(ids a.mp | tr '\n' ' ')" = "r1 r2 r3 " ]
    succeeds rec-check b.mp
    [[ "$output" == *"rec-split "*" ratio=1:2 share=2 stratify=false in-order=true"* ]] && [[ "$output" != *"part "* ]]
    rec-split -q -r 1:2 --stratify -o a.mp -o b.mp "$STREAMS/good-empty.mp"
    cat a.mp b.mp | rec-check -q
    succeeds rec-check a.mp
    [[ "$output" == *"ratio=1:2 share=1 stratify=true seed=42"* ]]
}

@test "--stratify: each part has its share of each label within one, and of all within one" {
    python3 -c '
import json, random
random.seed(3)
names = [f"l{i}" for i in range(40)]
for i in range(2000):
    # one label in half of the records, rare ones, ids, lists and none
    label = "l0" if random.random() < 0.5 else random.choice(names + [7, ["a", "b"], None])
    print(json.dumps({"id": str(i), "text": "t", "label": label}))' | rec-load -F jsonl --problem multi -o all.mp
    for ratio in 8:1:1 1:1:1:1:1:1:1 95:5; do
        outputs=$(for i in $(seq $(tr : '\n' <<< $ratio | wc -l)); do echo "-o part$i.mp"; done)
        rec-split -q -r $ratio --stratify $outputs all.mp
        for file in part*.mp; do rec-dump $file > ${file%.mp}.json; done
        python3 - $ratio <<'EOF'
import collections, json, sys
weights = [float(w) for w in sys.argv[1].split(":")]
shares = [w / sum(weights) for w in weights]
parts = [[json.loads(line) for line in open(f"part{i + 1}.json")] for i in range(len(shares))]
label = lambda r: json.dumps(r.get("label"))
whole = collections.Counter(label(r) for part in parts for r in part)
assert sum(whole.values()) == 2000 and len({r["id"] for part in parts for r in part}) == 2000
for share, part in zip(shares, parts):
    assert abs(len(part) - 2000 * share) < 1, (share, len(part))
    counts = collections.Counter(map(label, part))
    for name, n in whole.items():
        assert abs(counts[name] - n * share) <= 1, (share, name, n, counts[name])
EOF
        rm part*
    done
}
