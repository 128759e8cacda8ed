load streams

setup_file() {
    make_streams
}

@test "manners" {
    has_manners rec-dump
}

@test "JSON of every type of record, with every field" {
    succeeds rec-dump "$STREAMS/good-full-text.mp"
    [ "$output" = '{"id":"a","text":"eins zwei","pair":"drei","words":["eins","zwei"],"tags":["O",1],"label":["x",2,1.5],"x":{"b":[true,null,{"c":"d"}],"big":9.223372036854776e18}}' ]
    succeeds rec-dump "$STREAMS/good-full-tokens.mp"
    [ "$output" = '{"id":"t","ids":[101,7592,102],"types":[0,0,1],"offsets":[[0,0],[0,5],[0,0]],"words":[4294967295,0,4294967295],"label":"joy","labels":[-100,3,-100],"window":[2,3,510],"cut":7,"text":"hello","x":{}}' ]
    succeeds rec-dump "$STREAMS/good-tokens-u32.mp"
    [ "$output" = '{"id":"t","ids":[0,250001]}' ]
    succeeds rec-dump "$STREAMS/good-full-predictions.mp"
    [ "$output" = '{"id":"p","label":1,"name":"positive","score":0.75,"probs":[0.25,0.75],"gold":0,"text":"fine","spans":[[0,4,"PER",0.5]],"x":{"n":1}}' ]
    succeeds rec-dump "$STREAMS/good-full-metrics.mp"
    [ "$output" = '{"step":10,"epoch":0.5,"split":"train","time":1700000000.25,"values":{"loss":0.6931471805599453,"nan":null}}' ]
}

@test "TSV" {
    succeeds rec-dump -f tsv "$STREAMS/good-text.mp"
    [ "${lines[0]}" = "$(printf 'id\ttext\tpair\twords\ttags\tlabel\tx')" ]
    [ "${lines[1]}" = "$(printf 'r1\treview 1 is gr\303\274n\t\t\t\t1\t{"rating":1}')" ]
    [ "${#lines[@]}" -eq 4 ]
    succeeds rec-dump -f tsv "$STREAMS/good-escape.mp"
    [ "${lines[1]}" = "$(printf '1\ta\033[31m\302\233\\tb\\\\\\n\t\t\t\t\t')" ]
}

@test "text names labels" {
    succeeds rec-dump -f text "$STREAMS/good-text.mp"
    [ "${lines[0]}" = "r1 [positive] review 1 is grün" ]
    [ "${lines[1]}" = "r2 [negative] review 2 is grün" ]
    succeeds rec-dump -f text "$STREAMS/good-full-predictions.mp"
    [ "${lines[0]}" = "Text: fine" ]
    [ "${lines[1]}" = "Label: Positive (Confidence: 0.750)" ]
}

@test "--header shows each segment's header" {
    succeeds rec-dump --header "$STREAMS/good-part-2.mp" --partial
    [ "${lines[0]}" = '{"bertpipe":{"type":"text","problem":"single","labels":["negative","positive"],"history":[{"tool":"by-hand","version":"1","options":{"n":"3"}}],"part":[2,3,"s1"]}}' ]
    [ "${#lines[@]}" -eq 4 ]
    run rec-dump --header -f tsv "$STREAMS/good-text.mp"
    [ "$status" -eq 2 ]
}

@test "text streams survive rec-dump and rec-load" {
    cd "$BATS_TEST_TMPDIR"
    for name in good-text good-checks good-full-text good-two-segments good-escape good-depth; do
        for format in jsonl tsv; do
            # TSV has one spelling for the list of labels, so it needs to be told.
            options=
            [ "$name $format" != "good-full-text tsv" ] || options="--problem multi"
            rec-dump -f "${format%l}" "$STREAMS/$name.mp" > first
            rec-load --from "$format" $options first > again.mp
            rec-dump "$STREAMS/$name.mp" > want
            rec-dump again.mp > got
            cmp want got || { echo "$name $format"; diff want got; false; }
        done
    done
}

@test "numbers: computed ones as short as float32 allows, the user's own exact" {
    printf '{"text":"","label":0.1,"x":{"a":0.333251953125,"b":1e300,"c":16777217}}' | rec-load --from jsonl > "$BATS_TEST_TMPDIR/n.mp"
    succeeds rec-dump -f tsv "$BATS_TEST_TMPDIR/n.mp"
    [ "${lines[1]}" = "$(printf '1\t\t\t\t\t0.1\t{"a":0.333251953125,"b":1e300,"c":16777217}')" ]
}

@test "parts: one alone is no data set, unless --partial" {
    fails_with "rec-dump: *part-2.mp: of the 3 parts of set s1, parts 1, 3 are missing" sh -c "rec-dump -o $BATS_TEST_TMPDIR/o $STREAMS/good-part-2.mp"
    succeeds rec-dump --partial "$STREAMS/good-part-2.mp"
    [ "${#lines[@]}" -eq 3 ]
}
