load streams

setup_file() {
    make_streams
}

@test "manners" {
    has_manners rec-check
}

@test "the report" {
    cd "$STREAMS"
    succeeds rec-check good-part-1.mp good-part-3.mp good-part-2.mp
    [ "${#lines[@]}" -eq 24 ]
    [ "$(head -n 8 <<< "$output")" = 'good-part-1.mp: segment 1
  type        text
  problem     single
  labels      2: negative positive
  part        1 of 3 of set s1
  history     by-hand 1 n=3
  records     3, 144 bytes
  labelled    3' ]
}

@test "tokens: counts, and what was cut" {
    cd "$STREAMS"
    succeeds rec-check good-full-tokens.mp
    [[ "$output" == *"
  tokenizer   wordpiece, 30522 tokens, at most 512 a record, d1
"* ]]
    [[ "$output" == *"
  labelled    1
  tokens      3, 3.0 a record, at most 3
  cut         1 records lost 7 tokens" ]]
}

@test "--quiet says nothing about a whole stream" {
    succeeds rec-check -q "$STREAMS/good-text.mp"
    [ -z "$output" ]
}

@test "-o appears only when all is well" {
    cd "$BATS_TEST_TMPDIR"
    succeeds rec-check -o report "$STREAMS/good-text.mp"
    [ "$(wc -l < report)" -eq 7 ]
    rm report
    fails_with "*: the hash of the end differs*" rec-check -o report "$STREAMS/good-text.mp" "$STREAMS/bad-hash.mp"
    [ ! -e report ]
}
