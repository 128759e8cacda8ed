load streams

setup() {
    fixtures=$BATS_TEST_DIRNAME/fixtures/text
    bert=$fixtures/bert-base-uncased
    tiny=$BATS_TEST_DIRNAME/fixtures/model/good-tiny
    sample=$BATS_TEST_DIRNAME/../pipelines/demo/imdb-sample.tar.gz
    cd "$BATS_TEST_TMPDIR" || return 1
}

# A field of each JSON record on standard input, compact, one a line.
field() {
    python3 -c 'import json, sys
for line in sys.stdin:
    record = json.loads(line)
    if "id" in record:
        print(json.dumps(record.get(sys.argv[1]), separators=(",", ":"), ensure_ascii=False))' "$1"
}

words() {
    printf '%s\n' "$@" | rec-load -q
}

@test "the ids of the three texts of the tutorial" {
    # From transformers: BertTokenizer.from_pretrained("bert-base-uncased")(text)["input_ids"]
    words "This movie was absolutely fantastic!" "It was [SEP] not [sep]." > text.mp
    run --separate-stderr wp-tokenize -m "$bert" -f json text.mp
    [ "$status" -eq 0 ]
    [ "$(field ids <<< "$output")" = "[101,2023,3185,2001,7078,10392,999,102]
[101,2009,2001,102,2025,1031,19802,1033,1012,102]" ]
    [ "$stderr" = "wp-tokenize: 2 records, 14 tokens" ]
}

@test "id, label, x are kept, text only with -k" {
    printf '%s\n' '{"id": "a", "text": "good", "label": "pos", "stars": 5}' | rec-load -q -F jsonl > text.mp
    wp-tokenize -q -m "$bert" -f json text.mp > out.json
    [ "$(field id < out.json)" = '"a"' ]
    [ "$(field label < out.json)" = '"pos"' ]
    [ "$(field x < out.json)" = '{"stars":5}' ]
    [ "$(field text < out.json)" = null ]
    [ "$(field cut < out.json)" = null ]
    [ "$(field types < out.json)" = null ]
    [ "$(wp-tokenize -q -k -m "$bert" -f json text.mp | field text)" = '"good"' ]
}

@test "a pair: types, and both are cut, the longer first" {
    # From tokenizers: enable_truncation(8), encode("one two three four five", "six seven")
    printf '%s\n' '{"text": "one two three four five", "pair": "six seven"}' | rec-load -q -F jsonl > text.mp
    wp-tokenize -q -L 8 -m "$bert" -f json text.mp > out.json
    [ "$(field ids < out.json)" = "[101,2028,2048,2093,102,2416,2698,102]" ]
    [ "$(field types < out.json)" = "[0,0,0,0,0,1,1,1]" ]
    [ "$(field cut < out.json)" = 2 ]
}

@test "--offsets: bytes of the raw text, of a pair's second text in that, in windows too" {
    # From tokenizers, with characters counted as bytes: encode(text), and for the pair
    # enable_truncation(8, stride=1, strategy="only_second")
    words "Café  déjà-vu: unaffable 日本" > text.mp
    wp-tokenize -q --offsets -m "$bert" -f json text.mp > out.json
    [ "$(field offsets < out.json)" = "[[0,0],[0,5],[7,10],[10,13],[13,14],[14,16],[16,17],[18,21],[21,24],[24,27],[28,31],[31,34],[0,0]]" ]
    [ "$(wp-tokenize -q -m "$bert" -f json text.mp | field offsets)" = null ]
    printf '%s\n' '{"text": "naïve é", "pair": "one two three four"}' | rec-load -q -F jsonl > pair.mp
    wp-tokenize -q --offsets -L 8 --on-long window --stride 1 -m "$bert" -f json pair.mp > out.json
    [ "$(field offsets < out.json)" = "[[0,0],[0,6],[7,9],[0,0],[0,3],[4,7],[8,13],[0,0]]
[[0,0],[0,6],[7,9],[0,0],[8,13],[14,18],[0,0]]" ]
}

@test "what is cut is counted and reported" {
    words "a b c d e f" "a b" "a b c d" > text.mp
    run --separate-stderr wp-tokenize -L 5 -m "$bert" -f json text.mp
    [ "$status" -eq 0 ]
    [ "$(field cut <<< "$output")" = "3
null
1" ]
    [ "$(field ids <<< "$output" | head -n 1)" = "[101,1037,1038,1039,102]" ]
    [ "$stderr" = "wp-tokenize: 3 records, 12 tokens, of which 4 (33.3 %) were cut from 2 records (66.7 %)" ]
}

@test "the header names the tokenizer, its digest and this step" {
    words "a" > text.mp
    wp-tokenize -q -L 128 -m "$bert" -o tokens.mp text.mp
    run --separate-stderr rec-check tokens.mp
    [ "$status" -eq 0 ]
    [[ "$output" == *tokens* ]]
    [[ "$output" == *wp-tokenize* ]]
    [[ "$output" == *"max_length"*128* ]]
    [[ "$output" == *30522* ]]
    [[ "$output" == *3b5fa31cc6bf* ]] # SHA-256 of the canonical form, see below
}

@test "the digest is that of the documented canonical form" {
    words "a" > text.mp
    wp-tokenize -q -m "$bert" -o tokens.mp text.mp
    python3 - "$bert/vocab.txt" tokens.mp << 'PYTHON'
import hashlib, struct, sys
number = lambda n: struct.pack("<I", n)
string = lambda b: number(len(b)) + b
tokens = open(sys.argv[1], "rb").read().split(b"\n")[:-1]
form = string(b"bertpipe-tokenizer-1") + string(b"wordpiece") + number(1) * 4 + string(b"##") + number(100)
form += b"".join(map(number, (101, 102, 100, 0, 103))) + number(len(tokens)) + b"".join(map(string, tokens))
special = [(0, b"[PAD]"), (100, b"[UNK]"), (101, b"[CLS]"), (102, b"[SEP]"), (103, b"[MASK]")]
form += number(5) + b"".join(number(i) + string(t) + number(0) for i, t in special)
assert hashlib.sha256(form).hexdigest().encode() in open(sys.argv[2], "rb").read()
PYTHON
}

@test "--vocab: vocab.txt and tokenizer.json, also with Windows line ends" {
    words "The movie was unable." > text.mp
    small=$fixtures/good-small
    expected=$(wp-tokenize -q -m "$small" -f json text.mp)
    [ "$(wp-tokenize -q --vocab "$small/tokenizer.json" -f json text.mp)" = "$expected" ]
    [ "$(wp-tokenize -q --vocab "$small-text/vocab.txt" -f json text.mp)" = "$expected" ]
    sed 's/$/\r/' "$small-text/vocab.txt" > windows.txt
    [ "$(wp-tokenize -q --vocab windows.txt -f json text.mp)" = "$expected" ]
    wp-tokenize -q -m "$small" text.mp > one.mp
    wp-tokenize -q --vocab windows.txt text.mp > two.mp
    cmp one.mp two.mp
}

@test "truncation and padding saved in tokenizer.json are ignored" {
    words "the movie was good the movie was good the movie was good" "a" > text.mp
    [ "$(wp-tokenize -q -m "$fixtures/good-saved-truncation" -f json text.mp)" = "$(wp-tokenize -q -m "$fixtures/good-small" -f json text.mp)" ]
}

@test "any number of threads gives the same bytes" {
    imdb-fetch -q -s train -a "$sample" -o text.mp 2>/dev/null
    wp-tokenize -q -j 1 -m "$bert" text.mp > one.mp
    [ "$(stat -c %s one.mp)" -gt 100000 ]
    for threads in 2 3 8; do
        wp-tokenize -q -j "$threads" -m "$bert" < text.mp | cmp - one.mp
    done
}

@test "segment to segment, parts kept: shards tokenised apart are the whole" {
    words one two three four five six seven > text.mp
    rec-split -q -n 3 text.mp
    for part in part*; do
        wp-tokenize -q -j 2 -m "$bert" -o "tokens-$part" "$part"
    done
    wp-tokenize -q -m "$bert" text.mp | rec-dump | sort > whole.json
    cat tokens-part* | rec-dump | sort > joined.json
    cmp whole.json joined.json
    cat part* | wp-tokenize -q -m "$bert" > joined.mp
    cat tokens-part* | cmp - joined.mp
    run --separate-stderr rec-check tokens-part*1*
    [ "$status" -ne 0 ]
}

@test "a missing or repeated shard is an error, a shard alone is not" {
    words one two three four five six seven | rec-split -q -n 3 > names
    wp-tokenize -q -m "$bert" part-2-of-3.mp > alone.mp
    cat part-1-of-3.mp part-3-of-3.mp > missing.mp
    run --separate-stderr sh -c 'wp-tokenize -q -m "$1" missing.mp > out' sh "$bert"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "wp-tokenize: missing.mp: of the 3 parts of set "*", part 2 is missing" ]]
    cat part-1-of-3.mp part-1-of-3.mp > repeated.mp
    run --separate-stderr sh -c 'wp-tokenize -q -m "$1" repeated.mp > out' sh "$bert"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "wp-tokenize: repeated.mp: part 1 of 3 of set "*" occurs twice" ]]
}

@test "live in a pipe: a record comes out before the next one goes in" {
    mkfifo in out
    for threads in 1 2; do
        rec-load -q < in | wp-tokenize -q -j "$threads" -m "$bert" -f json > out &
        exec 7> in 8< out
        for word in good bad ugly; do
            echo "$word" >&7
            while IFS= read -r -t 20 line <&8; do
                [[ "$line" == *'"ids"'* ]] && break
            done
            [[ "$line" == *'"ids"'* ]]
        done
        exec 7>&- 8<&-
        wait
    done
}

@test "-v: the vocabulary and the kernel" {
    words "a" > text.mp
    run --separate-stderr wp-tokenize -v -j 2 -m "$bert" -o tokens.mp text.mp
    [ "$status" -eq 0 ]
    [[ "${stderr_lines[0]}" == "wp-tokenize: 30522 tokens; kernel "@(avx512|avx2|portable)"; threads 2" ]]
}

@test "no records: header and end" {
    rec-load -q < /dev/null > text.mp
    run --separate-stderr wp-tokenize -m "$bert" -o tokens.mp text.mp
    [ "$status" -eq 0 ]
    [ "$stderr" = "wp-tokenize: 0 records, 0 tokens" ]
    rec-check -q tokens.mp
}

@test "a million empty records keep memory small" {
    needs_plain_build
    yes '{"text": ""}' | head -n 1000000 | rec-load -q -F jsonl -o text.mp
    run --separate-stderr bash -c 'ulimit -v 400000; wp-tokenize -j 2 -m "$1" text.mp > tokens.mp' - "$bert"
    [ "$status" -eq 0 ]
    [ "$stderr" = "wp-tokenize: 1000000 records, 0 tokens" ]
}

@test "little text with much beside it: memory is 64 MiB and 4 times the largest record times threads" {
    needs_plain_build
    python3 -c 'import json
for _ in range(150):
    print(json.dumps({"text": "good", "much": "x" * (1 << 20)}))' | rec-load -q -F jsonl -o text.mp
    run python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' wp-tokenize -q -j 2 -m "$bert" text.mp
    [ "$status" -eq 0 ]
    [ "$output" -le $(((64 + 4 * 2) << 10)) ] || { echo "$output"; false; }
}

@test "input that is made to hurt: memory is 64 MiB and 4 times the largest record times threads" {
    program=$(command -v wp-tokenize)
    needs_plain_build
    run env BUILD="${program%/*}" python3 "$BATS_TEST_DIRNAME/bench/adversarial.py" --memory --threads 2
    [ "$status" -eq 0 ] || { echo "$output"; false; }
    [ "${#lines[@]}" -eq 13 ]
}

@test "-L: the model's positions bound it" {
    words "the movie was good" > text.mp
    fails_with "wp-tokenize: $tiny: has 64 positions, so records cannot have 65 tokens" wp-tokenize -L 65 -m "$tiny" text.mp
    wp-tokenize -q -L 64 -m "$tiny" -o tokens.mp text.mp
    python3 -c 'print("movie " * 100)' | rec-load -q > long.mp
    [ "$(wp-tokenize -q -m "$tiny" -f json long.mp | field ids | tr , '\n' | wc -l)" -eq 64 ]
}

@test "much unknown: a warning" {
    words "ꙮꙮ ꙮ the" > text.mp
    run --separate-stderr wp-tokenize -q -m "$bert" -o tokens.mp text.mp
    [ "$status" -eq 0 ]
    [ "$stderr" = "wp-tokenize: warning: 66.7 % of the tokens are unknown words: does the vocabulary fit the text?" ]
}

@test "refused: each bad and unsupported folder with one line that names its file, and no output" {
    words "a" > text.mp
    count=0
    for folder in "$fixtures"/bad-* "$fixtures"/unsupported-*; do
        rm -f out.mp
        fails_with "wp-tokenize: $folder*: *" wp-tokenize -m "$folder" -o out.mp text.mp
        [ ! -e out.mp ]
        count=$((count + 1))
    done
    [ "$count" -ge 25 ]
}

@test "refused: messages" {
    words "a" > text.mp
    fails_with "wp-tokenize: $fixtures/bad-duplicate/vocab.txt: line 12: duplicate token '##s'" wp-tokenize -m "$fixtures/bad-duplicate" text.mp
    fails_with "wp-tokenize: $fixtures/unsupported-bpe/tokenizer.json: model 'BPE' is not supported, only WordPiece is" wp-tokenize -m "$fixtures/unsupported-bpe" text.mp
    fails_with "wp-tokenize: $fixtures/unsupported-normaliser/tokenizer.json: normalizer 'Sequence' is not supported*" wp-tokenize -m "$fixtures/unsupported-normaliser" text.mp
    fails_with "wp-tokenize: nowhere: neither a folder nor a model in *" wp-tokenize -m nowhere text.mp
    fails_with "wp-tokenize: none.txt: *No such file*" wp-tokenize --vocab none.txt text.mp
}

@test "tokens or a cut stream as input: exit 1, no output file" {
    words one two > text.mp
    wp-tokenize -q -m "$bert" -o tokens.mp text.mp
    fails_with "wp-tokenize: tokens.mp: *" wp-tokenize -m "$bert" -o again.mp tokens.mp
    [ ! -e again.mp ]
    head -c -1 text.mp > cut.mp
    fails_with "wp-tokenize: cut.mp: *" wp-tokenize -m "$bert" -o again.mp cut.mp
    [ ! -e again.mp ]
    fails_with "wp-tokenize: *" wp-tokenize -m "$bert" -o again.mp /dev/null
}

@test "usage: exit 2" {
    for arguments in "" "-m a --vocab b" "-m a -L 2" "-m a -j 0" "-m a --nonsense"; do
        # shellcheck disable=SC2086
        run --separate-stderr wp-tokenize $arguments < /dev/null
        [ "$status" -eq 2 ]
        [ -z "$output" ]
        [[ "$stderr" == "wp-tokenize: "* ]]
    done
    run --separate-stderr wp-tokenize --help
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    [[ "$output" == "Usage: wp-tokenize"* ]]
}

@test "a vocabulary file of any name" {
    words "the movie" > text.mp
    cp "$fixtures/good-small-text/vocab.txt" v
    [ "$(wp-tokenize -q --vocab v -f json text.mp)" = "$(wp-tokenize -q -m "$fixtures/good-small" -f json text.mp)" ]
}

@test "a model's configuration that cannot be read, or has fewer tokens than its tokenizer" {
    words "a" > text.mp
    mkdir model
    cp "$bert/vocab.txt" model
    echo '{"model_type": "bert"' > model/config.json
    fails_with "wp-tokenize: model/config.json: *" wp-tokenize -m model text.mp
    sed 's/"vocab_size": [0-9]*/"vocab_size": 30521/' "$tiny/config.json" > model/config.json
    run --separate-stderr wp-tokenize -q -m model -o tokens.mp text.mp
    [ "$status" -eq 0 ]
    [ "$stderr" = "wp-tokenize: warning: model: its tokenizer has 30522 tokens, its model only 30521" ]
}

@test "words that are split already, and text that is not UTF-8: exit 1" {
    streams=$BATS_TEST_DIRNAME/fixtures/stream
    fails_with "wp-tokenize: */good-full-text.mp: record 1: words that are split already are not supported" \
        wp-tokenize -m "$bert" -o tokens.mp "$streams/good-full-text.mp"
    fails_with "wp-tokenize: */bad-record-utf8.mp: record 2: *UTF-8" wp-tokenize -m "$bert" -o tokens.mp "$streams/bad-record-utf8.mp"
    [ ! -e tokens.mp ]
}

@test "more threads than there is memory for: exit 1" {
    needs_plain_build
    words "a" > text.mp
    run --separate-stderr bash -c 'ulimit -v 4000000; wp-tokenize -j 1024 -m "$1" text.mp > tokens.mp' - "$bert"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "wp-tokenize: cannot start thread "*" of 1024: Resource temporarily unavailable" ]] || { echo "$stderr"; false; }
}

@test "no space left: exit 1" {
    [ -e /dev/full ] || skip
    words one two > text.mp
    run --separate-stderr bash -c 'wp-tokenize -q -m "$1" text.mp > /dev/full' - "$bert"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "wp-tokenize: "*"No space left"* ]]
}
