# The tokeniser against tokenizers and transformers. ARCHIVE=aclImdb_v1.tar.gz adds all IMDB reviews.

setup() {
    fixtures=tests/fixtures/text
    PATH=${BUILD:-$PWD/build}:$PATH
}

@test "the Unicode tables are the reference's" {
    run "$PYTHON" common/text/generate-tables.py --check common/text/unicode_tables.h
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "every Unicode scalar and random strings, four vocabularies: no difference" {
    run "$PYTHON" tests/parity/tokenizer.py --strings "${STRINGS:-50000}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the same with --offsets: no difference" {
    run "$PYTHON" tests/parity/tokenizer.py --what offsets --strings "${STRINGS:-50000}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the same decoded: no difference" {
    run "$PYTHON" tests/parity/tokenizer.py --what decode --strings "${STRINGS:-50000}"
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "what we write loads in transformers alike, and what transformers writes loads here" {
    run "$PYTHON" tests/parity/tokenizer-files.py "$BUILD" ${PARITY_MODEL:+"$PARITY_MODEL"}
    echo "$output"
    [ "$status" -eq 0 ]
}

@test "the token ids of all 100,000 IMDB reviews" {
    [ -n "${ARCHIVE:-}" ] || skip "ARCHIVE is not set"
    for split in train test unsup; do
        imdb-fetch -q -s "$split" -a "$ARCHIVE" | wp-tokenize -q -j 2 -f json -m "$fixtures/bert-base-uncased" |
            "$PYTHON" tests/parity/imdb-token-checksums.py stream "$split"
    done > "$BATS_TEST_TMPDIR/ours.tsv"
    run "$PYTHON" tests/parity/imdb-token-checksums.py compare "$fixtures/imdb-tokens.tsv" "$BATS_TEST_TMPDIR/ours.tsv"
    echo "$output"
    [ "$status" -eq 0 ]
}
