bats_require_minimum_version 1.5.0

setup_file() {
    fixtures=$BATS_TEST_DIRNAME/fixtures/imdb
    export ARCHIVES=$BATS_FILE_TMPDIR/archives SAMPLE=$BATS_TEST_DIRNAME/../pipelines/demo/imdb-sample.tar.gz
    mkdir "$ARCHIVES"
    python3 "$fixtures/generate-archives.py" "$ARCHIVES"
    python3 "$fixtures/server.py" "$ARCHIVES" "$BATS_FILE_TMPDIR/port" "$BATS_FILE_TMPDIR/log" >/dev/null 2>&1 3>&- &
    echo $! > "$BATS_FILE_TMPDIR/pid"
    for _ in $(seq 100); do
        [ -e "$BATS_FILE_TMPDIR/port" ] && break
        sleep 0.05
    done
    SERVER=http://127.0.0.1:$(cat "$BATS_FILE_TMPDIR/port")
    MD5=$(md5sum < "$ARCHIVES/good-tiny.tar.gz" | cut -d ' ' -f 1)
    export SERVER MD5
}

teardown_file() {
    kill "$(cat "$BATS_FILE_TMPDIR/pid")"
}

setup() {
    PATH=${BUILD:-$BATS_TEST_DIRNAME/../build}:$PATH
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
    tiny=$ARCHIVES/good-tiny.tar.gz
    log=$BATS_FILE_TMPDIR/log
    : > "$log"
}

# The ids of a JSON stream on standard input, on one line.
ids() {
    python3 -c 'import json, sys; print(*[json.loads(line)["id"] for line in sys.stdin])'
}

# Fails with exit status 1, nothing on stdout, and one line on stderr that matches the pattern.
fails_with() {
    local pattern=$1
    shift
    run --separate-stderr "$@"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 1 ]
    # shellcheck disable=SC2053
    [[ "$stderr" == $pattern ]] || { echo "$stderr"; false; }
}

@test "train: negative then positive, by number" {
    run --separate-stderr imdb-fetch -q -a "$tiny" -s train -f json
    [ "$status" -eq 0 ]
    [ "$(ids <<< "$output")" = "train/neg/1_2.txt train/neg/3_1.txt train/neg/20_4.txt train/pos/0_9.txt train/pos/2_10.txt train/pos/10_7.txt" ]
}

@test "all: train, test, unsup" {
    run --separate-stderr imdb-fetch -q -a "$tiny" -s all -f json
    [ "$status" -eq 0 ]
    [ "$(ids <<< "$output")" = "train/neg/1_2.txt train/neg/3_1.txt train/neg/20_4.txt train/pos/0_9.txt train/pos/2_10.txt train/pos/10_7.txt test/neg/0_2.txt test/neg/7_3.txt test/pos/0_10.txt test/pos/5_8.txt train/unsup/0_0.txt train/unsup/1_0.txt" ]
}

@test "records: text byte for byte, label, rating" {
    imdb-fetch -q -a "$tiny" -s all -f json 2>/dev/null > "$BATS_TEST_TMPDIR/out"
    python3 - "$BATS_TEST_TMPDIR/out" "$BATS_TEST_DIRNAME/fixtures/imdb" << 'PYTHON'
import importlib.util, json, sys
spec = importlib.util.spec_from_file_location("g", sys.argv[2] + "/generate-archives.py")
generator = importlib.util.module_from_spec(spec)
sys.dont_write_bytecode = True
spec.loader.exec_module(generator)
records = [json.loads(line) for line in open(sys.argv[1])]
assert {r["id"]: r["text"] for r in records} == generator.REVIEWS
for record in records:
    rating = int(record["id"].split("_")[1].split(".")[0])
    if "unsup" in record["id"]:
        assert "label" not in record and "x" not in record, record
    else:
        assert record["label"] == (1 if "/pos/" in record["id"] else 0), record
        assert record["x"] == {"rating": rating}, record
PYTHON
}

@test "the stream has the labels and what it was made from" {
    imdb-fetch -q -a "$tiny" -s test 2>/dev/null > "$BATS_TEST_TMPDIR/test.mp"
    run --separate-stderr rec-check "$BATS_TEST_TMPDIR/test.mp"
    [ "$status" -eq 0 ]
    [[ "$output" == *negative*positive* ]]
    [[ "$output" == *"$MD5"* ]]
}

@test "counts by split and label" {
    run --separate-stderr imdb-fetch -a "$tiny" -s all --md5 "$MD5"
    [ "$status" -eq 0 ]
    [ "${stderr_lines[0]}" = "imdb-fetch: train: 3 negative, 3 positive" ]
    [ "${stderr_lines[1]}" = "imdb-fetch: test: 2 negative, 2 positive" ]
    [ "${stderr_lines[2]}" = "imdb-fetch: unsup: 2 unlabelled" ]
    [ "${#stderr_lines[@]}" -eq 3 ]
}

@test "--stats prints a table and the first record of each split" {
    run --separate-stderr imdb-fetch --stats -a "$tiny" -s all --md5 "$MD5"
    [ "$status" -eq 0 ]
    [ "${lines[1]}" = "train              3           3           0" ]
    [ "${lines[3]}" = "unsup              0           0           2" ]
    [[ "$output" == *train/neg/1_2.txt*test/neg/0_2.txt*train/unsup/0_0.txt* ]]
    [[ "$output" == *Dull.* ]]
    imdb-fetch -q --stats -a "$tiny" -s all --md5 "$MD5" -o "$BATS_TEST_TMPDIR/stats"
    [ "$output" = "$(cat "$BATS_TEST_TMPDIR/stats")" ]
}

@test "--stats makes no stream" {
    run --separate-stderr imdb-fetch --stats -a "$tiny" -f msgpack
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"--stats prints text only"* ]]
}

@test "plain, xz-compressed and unlabelled-free archives read alike" {
    expected=$(imdb-fetch -q -a "$tiny" -s train -f json 2>/dev/null)
    for name in good-plain.tar good-xz.tar.xz good-labelled.tar.gz; do
        [ "$(imdb-fetch -q -a "$ARCHIVES/$name" -s train -f json 2>/dev/null)" = "$expected" ]
    done
    run --separate-stderr imdb-fetch -q -a "$ARCHIVES/good-labelled.tar.gz" -s all -f json
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 10 ]
}

@test "-n draws the reviews with the smallest SHA-256 of SEED:ID" {
    for seed in 42 7; do
        expected=$(python3 - "$SAMPLE" $seed << 'PYTHON'
import hashlib, sys, tarfile
names = [m.name[8:] for m in tarfile.open(sys.argv[1]) if "/test/" in m.name]
key = lambda name: hashlib.sha256(f"{sys.argv[2]}:{name}".encode()).digest()
for label, wanted in (("neg", 6), ("pos", 5)):
    drawn = sorted((n for n in names if f"/{label}/" in n), key=key)[:wanted]
    print(*sorted(drawn, key=lambda n: int(n.split("/")[2].split("_")[0])), end=" ")
PYTHON
        )
        run --separate-stderr imdb-fetch -q -a "$SAMPLE" -s test -n 11 --seed $seed -f json
        [ "$status" -eq 0 ]
        [ "$(ids <<< "$output") " = "$expected" ]
    done
}

@test "-n more than there are" {
    fails_with "imdb-fetch: a sample of 8 needs 4 reviews of train/neg/, not 3" imdb-fetch -a "$tiny" --md5 "$MD5" -n 8
}

@test "the bundled sample: 2,000 and 1,000 reviews, balanced" {
    run --separate-stderr imdb-fetch -a "$SAMPLE" -s all
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"train: 1000 negative, 1000 positive"*"test: 500 negative, 500 positive"* ]]
}

@test "another checksum warns, and --verify refuses" {
    run --separate-stderr imdb-fetch -a "$tiny" -f tsv
    [ "$status" -eq 0 ]
    [ "${stderr_lines[0]}" = "imdb-fetch: warning: $tiny: MD5 is $MD5, not the published archive's 7c2ac02c03563afcf9b574c7e56c153a" ]
    fails_with "imdb-fetch: $tiny: MD5 is $MD5, expected 7c2ac02c03563afcf9b574c7e56c153a" imdb-fetch -a "$tiny" --verify
    run --separate-stderr imdb-fetch -q -a "$tiny" --verify --md5 "${MD5^^}" -f tsv
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
}

@test "damaged archives" {
    fails_with "imdb-fetch: *bad-cut.tar.gz: damaged archive: truncated gzip input" imdb-fetch -a "$ARCHIVES/bad-cut.tar.gz"
    fails_with "imdb-fetch: *bad-cut.tar: damaged archive: *" imdb-fetch -a "$ARCHIVES/bad-cut.tar"
    fails_with "imdb-fetch: *bad-cut.tar: damaged archive: Truncated tar archive*" imdb-fetch -a "$ARCHIVES/bad-cut.tar" -s unsup
    fails_with "imdb-fetch: *bad-cut-block.tar: damaged archive: Truncated tar archive" imdb-fetch -a "$ARCHIVES/bad-cut-block.tar"
    fails_with "imdb-fetch: *bad-trailing.tar: damaged archive: it ends before the end of the tar" imdb-fetch -a "$ARCHIVES/bad-trailing.tar"
    fails_with "imdb-fetch: *bad-no-name.tar: damaged archive: Pathname can't be converted *" imdb-fetch -a "$ARCHIVES/bad-no-name.tar"
    fails_with "imdb-fetch: *bad-cut-between.tar: damaged archive: it ends before the end of the tar" imdb-fetch -a "$ARCHIVES/bad-cut-between.tar"
    fails_with "imdb-fetch: *bad-text.txt: not a tar archive" imdb-fetch -a "$ARCHIVES/bad-text.txt"
    fails_with "imdb-fetch: *bad-empty: not a tar archive" imdb-fetch -a "$ARCHIVES/bad-empty"
    fails_with "imdb-fetch: /nonexistent: *" imdb-fetch -a /nonexistent
}

@test "archives of something else" {
    fails_with "imdb-fetch: *: not the IMDB archive: no files like aclImdb/train/neg/0_3.txt" imdb-fetch -a "$ARCHIVES/bad-other.tar.gz"
    fails_with "imdb-fetch: *: no reviews in aclImdb/train/pos/" imdb-fetch -a "$ARCHIVES/bad-no-positive.tar.gz"
    fails_with "imdb-fetch: *: no reviews in aclImdb/train/unsup/" imdb-fetch -a "$ARCHIVES/good-labelled.tar.gz" -s unsup
    fails_with "imdb-fetch: *: aclImdb/test/neg/seven.txt: not named NUMBER_RATING.txt" imdb-fetch -a "$ARCHIVES/bad-name.tar.gz"
    fails_with "imdb-fetch: *: aclImdb/test/neg/$(printf '%0200d' 0)_1.txt: not named NUMBER_RATING.txt" imdb-fetch -a "$ARCHIVES/bad-long-name.tar.gz"
    fails_with "imdb-fetch: *: aclImdb/test/neg/9_1.text: not named NUMBER_RATING.txt" imdb-fetch -a "$ARCHIVES/bad-suffix.tar.gz"
    fails_with "imdb-fetch: *: aclImdb/test/neg/9.1_txt: not named NUMBER_RATING.txt" imdb-fetch -a "$ARCHIVES/bad-order.tar.gz"
    fails_with "imdb-fetch: *: aclImdb/test/neg/4294967296_1.txt: not named NUMBER_RATING.txt" imdb-fetch -a "$ARCHIVES/bad-number.tar.gz"
    fails_with "imdb-fetch: *: not the IMDB archive: no files like aclImdb/test/neg/0_3.txt" imdb-fetch -a "$ARCHIVES/bad-other.tar.gz" -s test
    fails_with "imdb-fetch: *: aclImdb/test/neg/9_11.txt: not named NUMBER_RATING.txt" imdb-fetch -a "$ARCHIVES/bad-rating.tar.gz"
    fails_with "imdb-fetch: *: aclImdb/test/neg/7_3.txt is there twice" imdb-fetch -a "$ARCHIVES/bad-twice.tar.gz" -s test
    fails_with "imdb-fetch: *: aclImdb/test/neg/9_1.txt: not UTF-8" imdb-fetch -a "$ARCHIVES/bad-utf8.tar.gz" -s test -o "$BATS_TEST_TMPDIR/out"
    [ ! -e "$BATS_TEST_TMPDIR/out" ]
    fails_with "imdb-fetch: *: aclImdb/test/neg/9_1.txt: a review of 1048577 bytes, more than 1048576" imdb-fetch -a "$ARCHIVES/bad-large.tar.gz" -s test
}

@test "an archive that unpacks to more than reviews have is refused" {
    python3 - "$BATS_TEST_TMPDIR/bomb.tar.gz" <<'PYTHON'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w:gz", compresslevel=1) as archive:
    for i in range(257):
        info = tarfile.TarInfo(f"aclImdb/test/neg/{i}_1.txt")
        info.size = 1 << 20
        archive.addfile(info, io.BytesIO(b"x" * info.size))
PYTHON
    fails_with "imdb-fetch: *bomb.tar.gz: reviews of more than 268435456 bytes: refused" imdb-fetch -a "$BATS_TEST_TMPDIR/bomb.tar.gz" -s test
}

@test "downloads once, into the cache" {
    run --separate-stderr imdb-fetch --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
    [ "${stderr_lines[0]}" = "imdb-fetch: $SERVER/ok/good-tiny.tar.gz: downloading" ]
    cmp "$tiny" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz"
    first=$output
    run --separate-stderr imdb-fetch --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$output" = "$first" ]
    [ "$(wc -l < "$log")" -eq 1 ]
    [ ! -e "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz.part" ]
}

@test "without XDG_CACHE_HOME the cache is in ~/.cache" {
    HOME=$BATS_TEST_TMPDIR/home XDG_CACHE_HOME='' imdb-fetch -q --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5" -f tsv > /dev/null
    cmp "$tiny" "$BATS_TEST_TMPDIR/home/.cache/bertpipe/$MD5-good-tiny.tar.gz"
}

@test "without XDG_CACHE_HOME and HOME there is no cache" {
    fails_with "imdb-fetch: no cache folder: neither XDG_CACHE_HOME nor HOME is set" env -u XDG_CACHE_HOME -u HOME imdb-fetch --url "$SERVER/ok/good-tiny.tar.gz"
    fails_with "imdb-fetch: no cache folder: neither XDG_CACHE_HOME nor HOME is set" env XDG_CACHE_HOME=here HOME= imdb-fetch --url "$SERVER/ok/good-tiny.tar.gz"
}

@test "broken connections are taken up where they broke" {
    run --separate-stderr imdb-fetch -q --url "$SERVER/cut/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
    [ -z "$stderr" ]
    cmp "$tiny" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz"
    size=$(wc -c < "$tiny")
    [ "$(sed -n 2p "$log")" = "GET /cut/good-tiny.tar.gz bytes=$((size / 2))-" ]
}

@test "an earlier run's part is continued" {
    mkdir -p "$XDG_CACHE_HOME/bertpipe"
    head -c 300 "$tiny" > "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz.part"
    run --separate-stderr imdb-fetch --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
    [[ "${stderr_lines[0]}" == *": continuing at byte 300" ]]
    [ "$(cat "$log")" = "GET /ok/good-tiny.tar.gz bytes=300-" ]
    cmp "$tiny" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz"
}

@test "a whole part needs no more than a look" {
    mkdir -p "$XDG_CACHE_HOME/bertpipe"
    cp "$tiny" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz.part"
    run --separate-stderr imdb-fetch --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
    cmp "$tiny" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz"
}

@test "a server without ranges sends the whole again" {
    run --separate-stderr imdb-fetch -q --url "$SERVER/cutnorange/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
    cmp "$tiny" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz"
    [ "$(wc -l < "$log")" -eq 3 ]
}

@test "a busy server is asked again" {
    run --separate-stderr imdb-fetch -q --url "$SERVER/busy/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
    [ "$(wc -l < "$log")" -eq 2 ]
}

@test "wrong bytes never reach the cache" {
    zeros=$(head -c "$(wc -c < "$tiny")" /dev/zero | md5sum | cut -d ' ' -f 1)
    run --separate-stderr imdb-fetch -q --url "$SERVER/garbage/good-tiny.tar.gz" --md5 "$MD5"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "imdb-fetch: $SERVER/garbage/good-tiny.tar.gz: the download's MD5 is $zeros, expected $MD5 ($(wc -c < "$tiny") bytes)" ]
    [ ! -e "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz" ]
    # and the next run begins anew
    run --separate-stderr imdb-fetch -q --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5" -f tsv
    [ "$status" -eq 0 ]
}

@test "a file that is not there, and no server" {
    fails_with "imdb-fetch: $SERVER/ok/none.tar.gz: *404*" imdb-fetch -q --url "$SERVER/ok/none.tar.gz" --md5 "$MD5"
    [ "$(wc -l < "$log")" -eq 1 ]
    fails_with "imdb-fetch: http://127.0.0.1:1/x: *" imdb-fetch -q --url http://127.0.0.1:1/x --md5 "$MD5"
    fails_with "imdb-fetch: file:///etc/passwd: *" imdb-fetch -q --url file:///etc/passwd --md5 "$MD5"
}

@test "a damaged file in the cache is named" {
    mkdir -p "$XDG_CACHE_HOME/bertpipe"
    cp "$ARCHIVES/good-plain.tar" "$XDG_CACHE_HOME/bertpipe/aclImdb_v1.tar.gz"
    fails_with "imdb-fetch: $XDG_CACHE_HOME/bertpipe/aclImdb_v1.tar.gz: MD5 is *; remove the file to download it again" imdb-fetch -q
    [ ! -s "$log" ]
}

@test "a file of the cache that cannot be looked for is not downloaded again" {
    mkdir -p "$XDG_CACHE_HOME/bertpipe"
    ln -s "$MD5-good-tiny.tar.gz" "$XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz"
    fails_with "imdb-fetch: $XDG_CACHE_HOME/bertpipe/$MD5-good-tiny.tar.gz: Too many levels of symbolic links" \
        imdb-fetch -q --url "$SERVER/ok/good-tiny.tar.gz" --md5 "$MD5"
    [ ! -s "$log" ]
}

@test "two downloads at once take turns" {
    imdb-fetch -q --url "$SERVER/cut/good-tiny.tar.gz" --md5 "$MD5" -f tsv > "$BATS_TEST_TMPDIR/one" &
    imdb-fetch -q --url "$SERVER/cut/good-tiny.tar.gz" --md5 "$MD5" -f tsv > "$BATS_TEST_TMPDIR/two"
    wait $!
    cmp "$BATS_TEST_TMPDIR/one" "$BATS_TEST_TMPDIR/two"
    [ -s "$BATS_TEST_TMPDIR/one" ]
    [ "$(grep -c -- ' -$' "$log")" -eq 1 ]
}

@test "an unwritable output" {
    fails_with "imdb-fetch: */nonexistent/out*" imdb-fetch -q -a "$tiny" --md5 "$MD5" -o /nonexistent/out
    run --separate-stderr bash -c "imdb-fetch -q -a '$tiny' --md5 $MD5 -f json > /dev/full"
    [ "$status" -eq 1 ]
    [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "wrong options" {
    run --separate-stderr imdb-fetch -s validation
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    run --separate-stderr imdb-fetch --md5 12 -a "$tiny"
    [ "$status" -eq 2 ]
    [[ "$stderr" == *"--md5: '12' is not 32 hexadecimal digits"* ]]
    run --separate-stderr imdb-fetch -a "$tiny" --url http://127.0.0.1/
    [ "$status" -eq 2 ]
    run --separate-stderr imdb-fetch -n 0 -a "$tiny"
    [ "$status" -eq 2 ]
    run --separate-stderr imdb-fetch operand
    [ "$status" -eq 2 ]
}

@test "--help and --version" {
    run --separate-stderr imdb-fetch --help
    [ "$status" -eq 0 ]
    [[ "$output" == *--archive* ]]
    [ -z "$stderr" ]
    run --separate-stderr imdb-fetch --version
    [ "$status" -eq 0 ]
    [[ "$output" == *imdb-fetch* ]]
}

@test "the examples of the manual page run" {
    cd "$BATS_TEST_DIRNAME/.."
    run --separate-stderr imdb-fetch -s all --stats -a pipelines/demo/imdb-sample.tar.gz
    [ "$status" -eq 0 ]
    run --separate-stderr imdb-fetch -s test -n 20 -f json -a pipelines/demo/imdb-sample.tar.gz
    [ "$status" -eq 0 ]
    [ "${#lines[@]}" -eq 20 ]
}
