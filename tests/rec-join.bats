load streams

setup_file() {
    make_streams
    python3 "$STREAM_FIXTURES/generate-windows.py" "$STREAMS"
    python3 "$STREAM_FIXTURES/generate-joins.py" "$STREAMS"
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
    ln -s "$STREAMS"/{texts,first,second,others,repeated,nested}.mp .
}

@test "manners" {
    has_manners rec-join
}

@test "predictions and their texts: text, gold and x, in the predictions' order" {
    succeeds rec-join -f json first.mp texts.mp
    [ "$output" = '{"id":"b","label":1,"name":"pos","score":0.75,"probs":[0.25,0.75],"gold":0,"text":"bad","x":{"rating":2}}
{"id":"a","label":1,"name":"pos","score":0.875,"probs":[0.125,0.875],"gold":1,"text":"good","x":{"rating":9}}' ]
    rec-join first.mp texts.mp > out.mp
    rec-dump out.mp | cmp - <(echo "$output")
    succeeds rec-check out.mp
    [[ "$output" == *"type        predictions"*"rec-join "*" with=text by=id keep=all prefix=b_"* ]]
}

@test "texts and their predictions" {
    succeeds rec-join -f json texts.mp first.mp
    [ "$output" = '{"id":"a","text":"good","label":1,"x":{"rating":9,"b_label":1,"b_name":"pos","b_score":0.875,"b_probs":[0.125,0.875]}}
{"id":"b","text":"bad","label":0,"x":{"rating":2,"b_label":1,"b_name":"pos","b_score":0.75,"b_probs":[0.25,0.75]}}' ]
}

@test "two runs, then a third with another prefix" {
    succeeds rec-join -f json first.mp second.mp
    [ "$output" = '{"id":"b","label":1,"name":"pos","score":0.75,"probs":[0.25,0.75],"x":{"b_label":0,"b_name":"pos","b_score":0.625,"b_probs":[0.625,0.375],"run":2}}
{"id":"a","label":1,"name":"pos","score":0.875,"probs":[0.125,0.875],"gold":1,"x":{"b_label":1,"b_name":"neg","b_score":0.5,"b_probs":[0.5,0.5],"run":3}}' ]
    rec-join first.mp second.mp > both.mp
    fails_with "rec-join: both.mp: record 1: x has an entry 'b_label' already (--prefix)" rec-join -o out both.mp second.mp
    succeeds rec-join -p c_ -f json both.mp second.mp
    [[ "${lines[0]}" == *'"x":{"b_label":0,"b_name":"pos","b_score":0.625,"b_probs":[0.625,0.375],"run":2,"c_label":0,"c_name":"pos","c_score":0.625,"c_probs":[0.625,0.375]}}' ]]
}

@test "what differs goes to x with the prefix, what is the same is left out" {
    succeeds rec-join -f json texts.mp others.mp
    [ "$output" = '{"id":"a","text":"good","pair":"p","label":1,"x":{"rating":9,"more":[1,{"k":null}]}}
{"id":"b","text":"bad","label":0,"x":{"rating":2,"b_text":"worse","b_label":"pos","b_rating":1}}' ]
    succeeds rec-join -f json nested.mp nested.mp
    cmp <(echo "$output") <(rec-dump nested.mp)
}

@test "labels: an id becomes that of the same name, or the name, where the lists differ" {
    # second.mp lists pos, neg; first.mp and texts-named.mp neg, pos
    ln -s "$STREAMS/texts-named.mp" .
    succeeds rec-join -f json second.mp texts-named.mp
    [ "$output" = '{"id":"a","label":1,"name":"neg","score":0.5,"probs":[0.5,0.5],"gold":0,"text":"good","x":{"run":3,"rating":9}}
{"id":"b","label":0,"name":"pos","score":0.625,"probs":[0.625,0.375],"gold":1,"text":"bad","x":{"run":2,"rating":2}}' ]
    sed_labels() { rec-dump --header "$1" | sed "$2" | rec-load -F jsonl; }
    sed_labels texts-named.mp 's/"neg","pos"/"awful","pos"/' > awful.mp
    succeeds rec-join -f json second.mp awful.mp
    [[ "${lines[0]}" == *'"gold":0,'* ]] && [[ "${lines[1]}" == *'"gold":"awful",'* ]]
    succeeds rec-join -f json first.mp texts-named.mp
    [[ "${lines[0]}" == *'"gold":0'* ]] && [[ "${lines[1]}" == *'"gold":1'* ]]
}

@test "labels and problem come from B when A has none" {
    printf 'good\nbad\n' | rec-load -o plain.mp
    printf '{"id":"2","text":"bad","label":0}\n{"id":"1","text":"good","label":1}\n' | rec-load -F jsonl --labels neg,pos -o labelled.mp
    rec-join -o out.mp plain.mp labelled.mp
    cmp <(rec-dump out.mp) <(printf '{"id":"1","text":"good","label":1}\n{"id":"2","text":"bad","label":0}\n')
    succeeds rec-check out.mp
    [[ "$output" == *"problem     single"*"labels      2: neg pos"* ]]
}

@test "every window gets its text's record" {
    printf '{"id":"%s","text":"text of %s"}\n' a a b b c c d d | rec-load -F jsonl -o t.mp
    succeeds rec-join -f json "$STREAMS/windows.mp" t.mp
    [ "$(grep -o '"text":"[^"]*"' <<< "$output" | tr -d '\n')" = \
        '"text":"text of a""text":"text of a""text":"text of a""text":"text of b""text":"text of c""text":"text of c""text":"text of d"' ]
    # tokens as B: the first window's label, no ids
    succeeds rec-join -f json t.mp "$STREAMS/windows.mp"
    [ "${lines[0]}" = '{"id":"a","text":"text of a","label":0}' ] && [ "${#lines[@]}" -eq 4 ]
}

@test "ids that occur twice" {
    fails_with "rec-join: repeated.mp: record 3: id 'a' occurs for the second time (--by-position pairs records by their places)" \
        rec-join -o out repeated.mp texts.mp
    fails_with "rec-join: repeated.mp: record 3: id 'a' occurs for the second time (--by-position pairs records by their places)" \
        rec-join -o out --inner texts.mp repeated.mp
    # also when it has no partner
    echo '{"id":"z","text":"t"}' | rec-load -F jsonl -o z.mp
    cat z.mp z.mp > zz.mp
    fails_with "rec-join: zz.mp: record 1: id 'z' occurs for the second time*" rec-join -o out --left zz.mp texts.mp
    [ ! -e out ]
}

@test "ids without a partner" {
    rec-head -n 1 texts.mp > a.mp
    fails_with "rec-join: first.mp: record 1: id 'b' is not in a.mp (--left, --inner)" rec-join -o out first.mp a.mp
    fails_with "rec-join: standard input: record 1: id 'b' is not in a.mp (--left, --inner)" sh -c 'rec-join -o out - a.mp < first.mp'
    fails_with "rec-join: first.mp: 1 records have no partner, the first is 'b' (--left, --inner)" rec-join -o out a.mp first.mp
    [ ! -e out ]
    run --separate-stderr rec-join --left -f json first.mp a.mp
    [ "$status" -eq 0 ] && [ "$stderr" = "rec-join: 1 records joined, without a partner: 1 of A, 0 of B" ]
    [ "$output" = '{"id":"b","label":1,"name":"pos","score":0.75,"probs":[0.25,0.75]}
{"id":"a","label":1,"name":"pos","score":0.875,"probs":[0.125,0.875],"gold":1,"text":"good","x":{"rating":9}}' ]
    run --separate-stderr rec-join --inner -f json first.mp a.mp
    [ "$status" -eq 0 ] && [ "$stderr" = "rec-join: 1 records joined, without a partner: 1 of A, 0 of B" ]
    [ "$output" = '{"id":"a","label":1,"name":"pos","score":0.875,"probs":[0.125,0.875],"gold":1,"text":"good","x":{"rating":9}}' ]
    for keep in --left --inner; do
        run --separate-stderr rec-join $keep -f json a.mp first.mp
        [ "$status" -eq 0 ] && [ "$stderr" = "rec-join: 1 records joined, without a partner: 0 of A, 1 of B" ] && [ "${#lines[@]}" -eq 1 ]
    done
}

@test "--by-position" {
    succeeds rec-join --by-position -f json repeated.mp repeated.mp
    cmp <(echo "$output") <(rec-dump repeated.mp)
    fails_with "rec-join: first.mp: record 1: its id is 'b', but in texts.mp it is 'a' (--ignore-ids)" rec-join -o out --by-position first.mp texts.mp
    succeeds rec-join --by-position --ignore-ids -f json first.mp texts.mp
    [ "$(sed 's/.*"id":"\(.\)".*"text":"\([a-z]*\)".*/\1 \2/' <<< "$output" | tr '\n' ' ')" = "b good a bad " ]
    fails_with "rec-join: repeated.mp: record 3: texts.mp has only 2 records (--left, --inner)" rec-join -o out --by-position repeated.mp texts.mp
    fails_with "rec-join: repeated.mp: record 3: no partner for this and what follows: A has 2 records (--left, --inner)" \
        rec-join -o out --by-position texts.mp repeated.mp
    run --separate-stderr rec-join --by-position --left -f json repeated.mp texts.mp
    [ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 3 ] && [ "$stderr" = "rec-join: 2 records joined, without a partner: 1 of A, 0 of B" ]
    run --separate-stderr rec-join --by-position --inner -f json repeated.mp texts.mp
    [ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 2 ]
    run --separate-stderr rec-join --by-position --inner -f json texts.mp repeated.mp
    [ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 2 ] && [ "$stderr" = "rec-join: 2 records joined, without a partner: 0 of A, 1 of B" ]
    # windows against whole texts
    printf '{"id":"%s","text":"text of %s"}\n' a a b b c c d d | rec-load -F jsonl -o t.mp
    cmp <(rec-join --by-position "$STREAMS/windows.mp" t.mp | rec-dump) <(rec-join "$STREAMS/windows.mp" t.mp | rec-dump)
    [ "$(rec-join --by-position t.mp "$STREAMS/windows.mp" | rec-dump | wc -l)" -eq 4 ]
}

@test "ten thousand records in another order" {
    seq 10000 | rec-load -o a.mp
    seq 10000 | sed 's/.*/{"id":"&","text":"&","twice":"&&"}/' | rec-load -F jsonl | rec-shuffle -o b.mp
    rec-join a.mp b.mp | rec-dump | cmp - <(seq 10000 | sed 's/.*/{"id":"&","text":"&","x":{"twice":"&&"}}/')
}

@test "failures and usage" {
    fails_with "rec-join: *bad-hash.mp: *" rec-join -o out texts.mp "$STREAMS/bad-hash.mp"
    fails_with "rec-join: *bad-no-end.mp: *" rec-join --left -o out "$STREAMS/bad-no-end.mp" texts.mp
    fails_with "rec-join: *metrics.mp: records of metrics have no ids" rec-join -o out "$STREAMS/good-full-metrics.mp" texts.mp
    fails_with "rec-join: *metrics.mp: records of metrics have no ids" rec-join -o out texts.mp "$STREAMS/good-full-metrics.mp"
    fails_with "rec-join: none.mp: cannot open*" rec-join -o out texts.mp none.mp
    [ ! -e out ]
    usage() {
        run --separate-stderr rec-join "${@:2}"
        [ "$status" -eq 2 ] && [ -z "$output" ] && [[ "${stderr_lines[0]}" == "rec-join: $1" ]] || { echo "$stderr"; false; }
    }
    usage "missing operand" texts.mp
    usage "--left and --inner exclude each other" --left --inner texts.mp first.mp
    usage "--prefix: not UTF-8" -p $'\xff' texts.mp first.mp
    usage "--ignore-ids is for --by-position" --ignore-ids texts.mp first.mp
    usage "only one of A and B can be standard input" - -
}
