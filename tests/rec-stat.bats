load streams

setup_file() {
    make_streams
    python3 "$STREAM_FIXTURES/generate-windows.py" "$STREAMS"
    python3 "$STREAM_FIXTURES/generate-joins.py" "$STREAMS"
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
}

# picks EXPRESSION: the value of a Python expression of the JSON d on standard input.
picks() {
    python3 -c "import json, sys; d = json.load(sys.stdin); print(json.dumps($1, separators=(',', ':')))"
}

@test "manners" {
    has_manners rec-stat
}

@test "texts: labels, characters" {
    # lengths in characters: 4, 3, 1, 0, 10; sorted 0 1 3 4 10
    printf 'text\tlabel\ngrün\tb\nabc\ta\n\xf0\x9f\x8e\xac\tb\n\tb\n0123456789\t\n' | rec-load -F tsv -o t.mp
    succeeds rec-stat t.mp
    [ "$output" = 'records    5, 1 without a label
label      a         1   25.0 %
           b         3   75.0 %
characters 18
           mean 3.6  median 3  p90 7.6  p99 9.76  max 10' ]
    succeeds rec-stat -L 3 t.mp
    [ "${lines[5]}" = "over 3     2 records (40.0 %) by 8 characters (44.4 %)" ]
    rec-stat -f text < t.mp | cmp - <(rec-stat t.mp)
}

@test "labels in the order of the header's list, names of ids, absent ones too" {
    printf 'text\tlabel\na\tz\nb\ty\n' | rec-load -F tsv --labels z,y,x | rec-stat -o out
    [ "$(sed -n 2,4p out)" = 'label      z         1   50.0 %
           y         1   50.0 %
           x         0    0.0 %' ]
    # more than twenty: the most frequent
    python3 -c '
print("text\tlabel")
for i in range(30):
    print("t\tl%02d\n" % i * (i % 7 + 1), end="")' | rec-load -F tsv -o many.mp
    rec-stat many.mp > out
    [ "$(sed -n 2p out)" = "label      l06         7    6.1 %" ]
    [ "$(grep -c ' %$' out)" -eq 20 ] && grep -q '^           and 10 more$' out
    [ "$(rec-stat -f json many.mp | picks '[len(d["label"]), d["label"]["l05"], sum(d["label"].values())]')" = '[30,6,115]' ]
    # a name cannot steer a terminal
    printf 'text\tlabel\na\tx\x1b[31m\n' | rec-load -F tsv | rec-stat | grep -qF 'x\x1b[31m'
}

@test "several labels, and numbers" {
    printf '{"text":"a","label":["x","y"]}\n{"text":"b","label":["x"]}\n{"text":"c","label":[]}\n' | rec-load -F jsonl -o t.mp
    succeeds rec-stat t.mp
    [ "${lines[1]}" = "label      x         2   66.7 %" ] && [ "${lines[2]}" = "           y         1   33.3 %" ]
    printf '{"text":"a","label":1.5}\n{"text":"b","label":2.5}\n{"text":"c","label":5}\n{"text":"c","label":-1.0}\n' |
        rec-load -F jsonl --problem regression -o t.mp
    # mean 2, mean of squares less its square: (2.25 + 6.25 + 25 + 1) / 4 - 4 = 4.625
    succeeds rec-stat t.mp
    [ "${lines[1]}" = "label      mean 2  deviation 2.15058  from -1 to 5" ]
    [ "$(rec-stat -f json t.mp | picks 'd["label"]')" = '{"mean":2.0,"deviation":2.15058131676066,"min":-1.0,"max":5.0}' ]
}

@test "tokens: windows are one record, special tokens count, [UNK] among the others" {
    # a: 3 windows of 6 that begin every 4: 8 + 6 + 2 special; b: 2 + 2; c: 4 + 6 + 2; d: 6 + 2
    # tokens that are not special: 18 + 2 + 12 + 6
    succeeds rec-stat "$STREAMS/windows.mp"
    [ "$output" = 'records    4 with 5 windows
label      negative         2   50.0 %
           positive         2   50.0 %
tokens     40
           mean 10.0  median 10  p90 14.8  p99 15.88  max 16
over 8     2 records (50.0 %) by 12 tokens (30.0 %)
cut        0 records lost 0 tokens (0.0 %)
[UNK]      1 tokens (2.632 %) in 1 records (25.0 %)' ]
    fails_with "rec-stat: *bad-windows-gap.mp: record 2: window 3 of 3 does not come after*" rec-stat "$STREAMS/bad-windows-gap.mp"
}

@test "what was cut counts, so a cut stream tells of any limit" {
    printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' w > vocab.txt
    python3 -c '
import random
random.seed(2)
for i in range(500): print("w " * int(random.expovariate(0.01)))' > lines
    python3 - > want <<'EOF'
import json
n = sorted(len(line.split()) + 2 for line in open("lines"))
at = lambda q: (lambda p: n[int(p)] + (p - int(p)) * (n[min(int(p) + 1, len(n) - 1)] - n[int(p)]))(q * (len(n) - 1))
print(json.dumps([500, sum(n), sum(n) / 500, at(.5), at(.9), at(.99), n[-1], 64, sum(x > 64 for x in n), sum(x > 64 for x in n) / 500,
                  sum(max(0, x - 64) for x in n), sum(max(0, x - 64) for x in n) / sum(n)]))
EOF
    for length in 16 64 512; do
        rec-load lines | wp-tokenize -q --vocab vocab.txt -L $length -o t.mp
        rec-stat -L 64 -f json t.mp |
            picks '[d["records"], *d["length"].values(), *d["over"].values()]' > got
        python3 -c '
import json
want, got = json.load(open("want")), json.load(open("got"))
assert all(abs(a - b) <= 1e-9 * abs(a) for a, b in zip(want, got)) and len(want) == len(got), (want, got)'
    done
    rec-load lines | wp-tokenize -q --vocab vocab.txt -L 64 -o t.mp
    [ "$(rec-stat -f json t.mp | picks '[d["over"]["limit"], d["cut"]["tokens"] == d["over"]["excess"] > 0, d["cut"]["records"] == d["over"]["records"]]')" = '[64,true,true]' ]
}

@test "predictions: predicted and gold, scores" {
    succeeds rec-stat "$STREAMS/second.mp"
    [ "$output" = 'records    2, 1 without a gold label
predicted  pos         1   50.0 %
           neg         1   50.0 %
gold       pos         1  100.0 %
           neg         0    0.0 %
score      mean 0.5625  median 0.5625  p10 0.5125  min 0.5000' ]
    rec-join "$STREAMS/first.mp" "$STREAMS/texts.mp" | rec-stat -f json | picks 'd["length"]' > out
    [ "$(cat out)" = '{"total":7,"mean":3.5,"median":3.5,"p90":3.9,"p99":3.99,"max":4.0}' ]
}

@test "histogram" {
    python3 -c '
for n in [0] * 5 + [4] * 2 + [5] * 10 + [14, 15, 19]: print("c" * n)' | rec-load -o t.mp
    succeeds rec-stat --histogram --bins 4 t.mp
    [ "$(tail -n 5 <<< "$output")" = '
           0-4         7 ###################################
           5-9        10 ##################################################
         10-14         1 #####
         15-19         2 ##########' ]
    [ "$(rec-stat -f json --histogram --bins 4 t.mp | picks 'd["histogram"]')" = '{"0":7,"5":10,"10":1,"15":2}' ]
    # bins of one; the last takes the few that are far beyond
    python3 -c '
for n in [1] * 500 + [2] * 499 + [5000]: print("c" * n)' | rec-load -o t.mp
    succeeds rec-stat --histogram t.mp
    [ "$(tail -n 4 <<< "$output")" = '
             0         0
             1       500 ##################################################
    2 and more       500 ##################################################' ]
    succeeds rec-stat --histogram "$STREAMS/good-empty.mp"
    [ "$output" = "records    0" ]
    [ "$(rec-stat -f json t.mp | picks '"histogram" in d')" = false ]
}

@test "metrics stream and TSV" {
    rec-stat -f msgpack --histogram "$STREAMS/windows.mp" > out.mp
    succeeds rec-check out.mp
    [[ "$output" == *"type        metrics"* ]]
    [ "$(rec-dump out.mp | picks '[d["split"]] + [d["values"][k] for k in ("records", "label/positive", "length/median", "histogram/12")]')" = '["data",4.0,2.0,10.0,1.0]' ]
    [ "$(rec-stat -f tsv "$STREAMS/windows.mp" | cut -f 1-3)" = 'step	epoch	split
0	0	data' ]
}

@test "several files are one report, parts must be complete" {
    succeeds rec-stat "$STREAMS"/good-part-{1,2,3}.mp
    [ "${lines[0]}" = "records    8" ]
    fails_with "rec-stat: *: of the 3 parts of set s1, parts 1, 3 are missing" rec-stat -o out "$STREAMS/good-part-2.mp"
    succeeds rec-stat --partial "$STREAMS/good-part-2.mp"
}

@test "failures" {
    for name in bad-hash bad-no-end bad-zero bad-mixed-labels bad-mixed-types; do
        fails_with "rec-stat: *$name.mp: *" rec-stat -o out "$STREAMS/$name.mp"
        fails_with "rec-stat: *$name.mp: *" rec-stat -f msgpack -o out "$STREAMS/$name.mp"
    done
    fails_with "rec-stat: *metrics.mp: metrics have neither lengths nor labels" rec-stat -o out "$STREAMS/good-full-metrics.mp"
    fails_with "rec-stat: none/out: cannot create*" rec-stat -o none/out "$STREAMS/good-text.mp"
    [ ! -e out ]
    run --separate-stderr rec-stat --bins 0 "$STREAMS/good-text.mp"
    [ "$status" -eq 2 ]
}
