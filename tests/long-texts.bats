# Texts longer than a model takes: wp-tokenize --on-long, and windows that bert-predict and bert-eval put together. That
# windows are those of Hugging Face's tokenizers is checked in tests/unit/test_text_tokeniser.c.

load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    printf 'label\ttext\nnegative\ta bad film , a terrible plot and awful actors : the worst movie\npositive\ta great film\n' >long.tsv
    rec-load -q -F tsv long.tsv >text.mp
}

lengths() {
    rec-dump "$1" | json '[len(r["ids"]) for r in rows]'
}

# The tokens stream with other records: a Python expression of the old ones.
rewritten() {
    rec-dump --header "$1" | PYTHONPATH=$STREAM_FIXTURES python3 -c '
import json, struct, sys
from msgstream import segment
header, *records = [json.loads(line) for line in sys.stdin]
for record in records:
    record["ids"] = struct.pack("<%dH" % len(record["ids"]), *record["ids"])
sys.stdout.buffer.write(segment(header["bertpipe"], eval(sys.argv[1])))' "$2"
}

@test "cut, head-tail, window and fail" {
    wp-tokenize -q -m "$MODEL" text.mp | rec-dump >whole
    wp-tokenize -q -m "$MODEL" -L 8 --on-long cut text.mp | rec-dump >cut
    wp-tokenize -q -m "$MODEL" -L 8 text.mp | rec-dump | cmp - cut
    wp-tokenize -q -m "$MODEL" -L 8 --on-long head-tail --head 2 text.mp | rec-dump >ends
    wp-tokenize -q -m "$MODEL" -L 8 --on-long window --stride 2 text.mp | rec-dump >windows
    [ "$(cat whole cut ends windows | json '(lambda w, c, e: (
        c["ids"] == w["ids"][:7] + w["ids"][-1:], e["ids"] == w["ids"][:3] + w["ids"][-5:], c["cut"] == e["cut"] == len(w["ids"]) - 8))(rows[0], rows[2], rows[4])')" = "(True, True, True)" ]
    # windows of 6 with 2 shared: each begins 4 after the one before, the last ends with the text
    [ "$(cat whole windows | json '(lambda own, found: (
        all(w["ids"][1:-1] == own[4 * k : 4 * k + 6] and w["window"] == [k + 1, len(found), 4 * k] for k, w in enumerate(found)),
        found[-1]["ids"][-2] == own[-1], len(found) == 1 + -(-(len(own) - 6) // 4), any("cut" in w for w in found),
        {w["id"] for w in found}, {w["label"] for w in found}))(rows[0]["ids"][1:-1], rows[2:-1])')" = "(True, True, True, False, {'2'}, {'negative'})" ]
    [ "$(json '"window" in rows[-1], rows[-1]["id"]' <windows)" = "(False, '3')" ]
    fails_with "wp-tokenize: text.mp: record 1: * tokens, and --on-long fail allows 8" wp-tokenize -q -m "$MODEL" -L 8 --on-long fail -f json text.mp
    wp-tokenize -q -m "$MODEL" --on-long fail text.mp | rec-dump | cmp - whole
}

@test "what became windows is reported, the text is kept with the first, and any number of threads gives the same" {
    run --separate-stderr wp-tokenize -m "$MODEL" -L 8 -k --on-long window -o one.mp text.mp
    [[ "${stderr_lines[0]}" == "wp-tokenize: 2 records, "*" tokens" ]]
    [[ "${stderr_lines[1]}" == "wp-tokenize: 1 records (50.0 %) became "*" windows" ]]
    [ "$(rec-dump one.mp | json '["text" in r for r in rows].count(True)')" = 2 ]
    for _ in $(seq 300); do cat text.mp; done >many.mp
    wp-tokenize -q -m "$MODEL" -L 8 --on-long window many.mp >a
    wp-tokenize -q -m "$MODEL" -L 8 --on-long window -j 3 many.mp >b
    cmp a b
    [ "$(rec-check a 2>/dev/null | grep -c on_long)" -ge 1 ] || rec-dump --header a | head -1 | grep -q '"on_long":"window"'
}

@test "bert-predict: one prediction a text, the mean of its windows' probabilities" {
    wp-tokenize -q -m "$MODEL" -L 8 -k --on-long window --stride 2 text.mp >windows.mp
    bert-predict -q -m "$MODEL" -f json windows.mp >predictions
    [ "$(json '[r["id"] for r in rows], ["text" in r for r in rows]' <predictions)" = "(['2', '3'], [True, True])" ]
    rewritten windows.mp '[{k: v for k, v in r.items() if k not in ("window", "label")} for r in records]' >single.mp
    bert-predict -q -m "$MODEL" -f json single.mp >each
    [ "$(cat predictions each | json '(lambda one, each: all(math.isclose(p, sum(w["probs"][i] for w in each) / len(each), rel_tol=1e-6)
        for i, p in enumerate(one["probs"])) and len(each) > 2)(rows[0], rows[2:-1])')" = True ]
    [ "$(cat predictions each | json 'rows[1]["probs"] == rows[-1]["probs"]')" = True ]
    # whatever the batches
    for size in 1 2 3; do
        bert-predict -q -m "$MODEL" -b $size -f json windows.mp | cmp - predictions
    done
}

@test "ids that repeat are not one text: windows go together by their numbers" {
    wp-tokenize -q -m "$MODEL" -L 8 --on-long window text.mp >windows.mp
    cat windows.mp windows.mp >twice.mp
    [ "$(bert-predict -q -m "$MODEL" -f json twice.mp | json '[r["id"] for r in rows]')" = "['2', '3', '2', '3']" ]
}

@test "bert-eval counts texts, not windows" {
    wp-tokenize -q -m "$MODEL" -L 8 --on-long window text.mp >windows.mp
    bert-eval -q -m "$MODEL" -f json windows.mp | tr -d '\n' >report
    [ "$(json 'rows[0]["records"]' <report)" = 2 ]
    bert-predict -q -m "$MODEL" windows.mp | bert-eval -q -f json | tr -d '\n' >of-predictions
    [ "$(cat report <(echo) of-predictions | json 'all(math.isclose(rows[0][k], rows[1][k], rel_tol=1e-5) for k in ("loss", "accuracy"))')" = True ]
}

@test "windows that are missing or out of order are errors" {
    wp-tokenize -q -m "$MODEL" -L 8 --on-long window text.mp >windows.mp
    rewritten windows.mp '[records[0], *records[2:]]' >missing.mp
    rewritten windows.mp 'records[:2]' >ended.mp
    for command in "bert-predict -q -f json -m $MODEL" "bert-eval -q -f json -m $MODEL"; do
        # shellcheck disable=SC2086
        fails_with "*missing.mp: record 2: window 3 of * does not come after the window before it" $command missing.mp
        # shellcheck disable=SC2086
        fails_with "*ended.mp*: of the * windows of '2' only 2 are there" $command ended.mp
    done
}

@test "pairs: the first text whole, windows of the second" {
    printf 'text\tpair\na film ?\ta bad film , a terrible plot and awful actors : the worst movie\n' | rec-load -q -F tsv >pair.mp
    wp-tokenize -q -m "$MODEL" pair.mp | rec-dump >whole
    wp-tokenize -q -m "$MODEL" -L 10 --on-long window --stride 1 pair.mp | rec-dump >windows
    [ "$(cat whole windows | json '(lambda w, found: (all(f["ids"][:5] == w["ids"][:5] and f["types"][:5] == [0] * 5 and f["types"][5:] == [1] * (len(f["ids"]) - 5)
        for f in found), len(found) > 2))(rows[0], rows[1:])')" = "(True, True)" ]
}

@test "windows that share nearly all their tokens keep memory small" {
    needs_plain_build
    python3 -c 'print("good film " * 20000)' | rec-load -q >one.mp
    run --separate-stderr bash -c 'ulimit -v 150000; wp-tokenize -q --vocab "$1/vocab.txt" -L 4096 --on-long window --stride 4093 -o windows.mp one.mp' - "$MODEL"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(rec-stat -q -f json windows.mp | tr -d '\n' | json 'rows[0]["records"]')" = 1 ]
}

@test "usage" {
    for options in "--head 3" "--stride 3" "--on-long half" "-L 8 --on-long window --stride 6" "-L 8 --on-long head-tail --head 7"; do
        # shellcheck disable=SC2086
        run --separate-stderr wp-tokenize -q -m "$MODEL" $options text.mp
        [ "$status" -eq 2 ] && [ -z "$output" ] || { echo "$options: $status $stderr"; false; }
    done
}
