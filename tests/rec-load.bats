load streams

setup_file() {
    make_streams
}

# rec-load of standard input, as JSON lines.
loads() {
    run --separate-stderr sh -c 'rec-load "$@" | rec-dump' - "$@"
    [ "$status" -eq 0 ] || { echo "$stderr"; return 1; }
    [ -z "$stderr" ] || { echo "$stderr"; return 1; }
}

setup() {
    mkdir "$BATS_TEST_TMPDIR/work"
    cd "$BATS_TEST_TMPDIR/work"
}

@test "manners" {
    has_manners rec-load
}

@test "lines" {
    loads < <(printf 'one\n\ntwo \303\244\r\nlast')
    [ "$output" = '{"id":"1","text":"one"}
{"id":"2","text":""}
{"id":"3","text":"two ä"}
{"id":"4","text":"last"}' ]
}

@test "no input is an empty stream" {
    loads < /dev/null
    [ -z "$output" ]
    for format in tsv csv jsonl; do
        loads --from "$format" < /dev/null
        [ -z "$output" ]
    done
}

@test "ids name the file when there are several" {
    echo a > one; echo b > two
    loads one two
    [ "$output" = '{"id":"one:1","text":"a"}
{"id":"two:1","text":"b"}' ]
    echo c > one-more
    loads "$PWD/one" two ./one-more
    [ "$output" = '{"id":"one:1","text":"a"}
{"id":"two:1","text":"b"}
{"id":"one-more:1","text":"c"}' ]
}

@test "files with one name are numbered, and no id holds a folder's name" {
    mkdir private
    echo a > one; echo b > two; echo c > private/one
    loads "$PWD/private/one" "$PWD/two" one - < one
    [ "$output" = '{"id":"one:1:1","text":"c"}
{"id":"two:1","text":"b"}
{"id":"one:2:1","text":"a"}
{"id":"standard input:1","text":"a"}' ]
    loads "$PWD/private/one" private/one
    [ "$output" = '{"id":"one:1:1","text":"c"}
{"id":"one:2:1","text":"c"}' ]
}

@test "TSV: columns, escapes and x" {
    loads --from tsv < <(printf 'text\tlabel\tid\tpair\tstars\na\\tb\\\\c\\n\tgood\tr1\tp\t5\n\nq\\q\t7\tr2\t\t\n')
    [ "$output" = '{"id":"r1","text":"a\tb\\c\n","pair":"p","label":"good","x":{"stars":"5"}}
{"id":"r2","text":"q\\q","label":7,"x":{"stars":""}}' ]
}

@test "TSV without a header line" {
    loads --from tsv --no-header --text-field 2 --label-field 1 < <(printf '1\thello\n0\tbye\n')
    [ "$output" = '{"id":"1","text":"hello","label":1}
{"id":"2","text":"bye","label":0}' ]
}

@test "CSV: quotes, doubled quotes, line breaks, spaces, CRLF, byte order mark" {
    loads --from csv --text-field review --label-field sentiment < <(printf '\357\273\277review,sentiment\r\n"a ""b"", c",pos\r\n"two\nlines", neg \r\n')
    [ "$output" = '{"id":"2","text":"a \"b\", c","label":"pos"}
{"id":"4","text":"two\nlines","label":" neg "}' ]
}

@test "CSV whose lines end with returns: each has its number" {
    loads --from csv < <(printf 'text,label\rhi,a\r\r"two\rreturns",b\rho,c')
    [ "$output" = '{"id":"2","text":"hi","label":"a"}
{"id":"4","text":"two\rreturns","label":"b"}
{"id":"5","text":"ho","label":"c"}' ]
    loads --from csv < <(printf 'text,label\rhi,a\r\nho,b\r\r\nhe,c\n')
    [ "$output" = '{"id":"2","text":"hi","label":"a"}
{"id":"3","text":"ho","label":"b"}
{"id":"5","text":"he","label":"c"}' ]
    printf 'text,label\rhi,a\rho\r' > in
    fails_with "rec-load: in: line 3: 1 columns, where the first line has 2" rec-load --from csv -o out in
    [ ! -e out ]
}

@test "a column that is asked for is none of a file without a header line" {
    : > in
    printf '\n\n' > blank
    for format in csv tsv; do
        fails_with "rec-load: in: no column 'nope': it has no header line" rec-load -F $format -l nope -o out in
        fails_with "rec-load: blank: no column 'review': it has no header line" rec-load -F $format -t review -l nope -o out blank
        [ ! -e out ]
        loads -F $format --no-header -t 1 < in
        [ -z "$output" ]
    done
    loads -F jsonl -l nope < in
    [ -z "$output" ]
}

@test "CSV as Python's csv module writes it" {
    python3 - > good.csv <<'PYTHON'
import csv, sys
rows = csv.writer(sys.stdout)
rows.writerow(["text", "n"])
for text in ["plain", 'q"uo"te', "co,mma", "li\nne", "\r", " spaces ", "", "tab\t", "'", '"', "é"]:
    rows.writerow([text, len(text)])
PYTHON
    rec-load --from csv good.csv | rec-dump > out
    python3 - <<'PYTHON'
import csv, json
want = [row["text"] for row in csv.DictReader(open("good.csv", newline=""))]
got = [json.loads(line)["text"] for line in open("out")]
assert len(want) == 11 and got == want, (got, want)
PYTHON
}

@test "JSON lines" {
    loads --from jsonl < <(printf '%s\n' '{"text":"a","label":[0,"x",1.5],"id":7,"more":{"k":[1,null,true]},"words":["a"],"tags":["O"]}' ''  '{"text":"b\u0000","label":null,"x":{"y":0.1}}')
    [ "$output" = '{"id":"7","text":"a","words":["a"],"tags":["O"],"label":[0,"x",1.5],"x":{"more":{"k":[1,null,true]}}}
{"id":"3","text":"b\u0000","x":{"y":0.1}}' ]
}

@test "--labels turns names into ids, even names that look like numbers" {
    loads --from tsv --labels 1,neg,pos < <(printf 'text\tlabel\na\tneg\nb\t1\nc\tpos\n')
    [ "$output" = '{"id":"2","text":"a","label":1}
{"id":"3","text":"b","label":0}
{"id":"4","text":"c","label":2}' ]
    printf 'text\tlabel\na\tneg\n' | rec-load --from tsv --labels neg,pos | rec-check > report
    grep -qx '  labels      2: neg pos' report
    printf 'text\tlabel\na\tbad\n' > in
    fails_with "rec-load: in: line 2: label 'bad' is not among --labels" rec-load -o out --from tsv --labels neg,pos in
}

@test "the problem: from the first record, or as told" {
    problem() { rec-load "$@" | rec-check | sed -n 's/^  problem *//p'; }
    [ "$(printf 'text\tlabel\na\tx\n' | problem --from tsv)" = single ]
    [ "$(printf 'text\tlabel\na\t0.5\n' | problem --from tsv)" = regression ]
    [ "$(printf '{"text":"a","label":[1]}' | problem --from jsonl)" = multi ]
    [ "$(printf '{"text":"a","words":["a"],"tags":["O"]}' | problem --from jsonl)" = token ]
    [ "$(printf 'a' | problem)" = "" ]
    loads --from tsv < <(printf 'text\tlabel\na\t0.5\nb\t3\n')
    [ "$output" = '{"id":"2","text":"a","label":0.5}
{"id":"3","text":"b","label":3.0}' ]
    printf 'text\tlabel\na\t0.5\nb\tx\n' > in
    fails_with "rec-load: in: line 3: label 'x' is no number" rec-load -F tsv -o out in
    loads --from tsv --problem regression --labels neg,pos < <(printf 'text\tlabel\na\tpos\n')
    [ "$output" = '{"id":"2","text":"a","label":1.0}' ]
    loads --from tsv --problem regression < <(printf 'text\tlabel\na\t3\n')
    [ "$output" = '{"id":"2","text":"a","label":3.0}' ]
    loads --from tsv --problem multi < <(printf 'text\tlabel\na\tx,2\nb\t\n')
    [ "$output" = '{"id":"2","text":"a","label":["x",2]}
{"id":"3","text":"b","label":[]}' ]
}

@test "invalid UTF-8 names the line, or is replaced as Python replaces it" {
    printf 'fine\nno \377 good\n' > in
    fails_with "rec-load: in: line 2: invalid UTF-8 at byte 4 (0xff)" rec-load -f json -o out in
    [ ! -e out ]
    printf 'a\341\200\342\360\221\222b\355\240\200\n' > in
    loads --invalid replace in
    [ "$output" = "$(python3 -c 'import json; print("{\"id\":\"1\",\"text\":%s}" % json.dumps(open("in", "rb").read().rstrip(b"\n").decode(errors="replace"), ensure_ascii=False))')" ]
}

@test "a file whose name is no UTF-8: its ids are" {
    echo a > one; echo b > $'\xff.txt'
    loads one $'\xff.txt'
    [ "$output" = '{"id":"one:1","text":"a"}
{"id":"�.txt:1","text":"b"}' ]
    rec-load one $'\xff.txt' | rec-check -q
}

@test "bad input: one line that names it" {
    printf 'a\tb\n1\t2\n' > in
    fails_with "rec-load: in: line 1: no column 'text' among a, b" rec-load --from tsv -o out in
    fails_with "rec-load: in: line 1: no column 'y' among a, b" rec-load --from tsv -o out --text-field a --label-field y in
    printf 'text\tb\n1\t2\n1\n' > in
    fails_with "rec-load: in: line 3: 1 columns, where the first line has 2" rec-load --from tsv -o out in
    printf 'text\ttext\n' > in
    fails_with "rec-load: in: line 1: two columns are called 'text'" rec-load --from tsv -o out in
    printf 'text,b\n"open,2\nmore\n' > in
    fails_with "rec-load: in: line 3: ends within a quoted cell" rec-load --from csv -o out in
    printf 'text,b\na"b,2\n' > in
    fails_with "rec-load: in: line 2: no CSV: *" rec-load --from csv -o out in
    echo '{"text":1}' > in
    fails_with "rec-load: in: line 1: 'text' is no string" rec-load --from jsonl -o out in
    echo '{"other":"a"}' > in
    fails_with "rec-load: in: line 1: no key 'text'" rec-load --from jsonl -o out in
    echo '[1]' > in
    fails_with "rec-load: in: line 1: no JSON object" rec-load --from jsonl -o out in
    echo '{"text"' > in
    fails_with "rec-load: in: line 1: no JSON: *" rec-load --from jsonl -o out in
    echo '{"text":"a","text":"b"}' > in
    fails_with "rec-load: in: line 1: no JSON: *" rec-load --from jsonl -o out in
    python3 -c 'print("{\"text\":\"a\",\"k\":" + "[" * 20 + "]" * 20 + "}")' > in
    fails_with "rec-load: in: line 1: nested deeper than 16 levels" rec-load --from jsonl -o out in
    echo '{"text":"a","k":1,"x":{"k":2}}' > in
    fails_with "rec-load: in: line 1: key 'k' is there twice: in 'x' and beside it" rec-load --from jsonl -o out in
    echo '{"text":"a","x":{"k":2},"k":1}' > in
    fails_with "rec-load: in: line 1: key 'k' is there twice: in 'x' and beside it" rec-load --from jsonl -o out in
    printf 'text\tk\tx\na\tb\t{"k":2}\n' > in
    fails_with "rec-load: in: line 2: 'k' is a column and a key of column 'x'" rec-load --from tsv -o out in
    printf 'text\tx\na\t{"k":1,"k":2}\n' > in
    fails_with "rec-load: in: line 2: column 'x' is no JSON: key 'k' is there twice" rec-load --from tsv -o out in
    printf 'text\tx\na\t[]\n' > in
    fails_with "rec-load: in: line 2: column 'x' is no JSON object" rec-load --from tsv -o out in
    echo '{"text":"a","k":9223372036854775808}' > in
    fails_with "rec-load: in: line 1: no JSON: an integer beyond the range of 64 bits" rec-load --from jsonl -o out in
    printf 'text\tb\0c\n' > in
    fails_with "rec-load: in: line 1: the name of column 2 has a NUL in it" rec-load --from tsv -o out in
    printf 'none\n"a"b\n' > in
    fails_with "rec-load: in: line 1: no column 'text' among none" rec-load --from csv -o out in
    printf 'text\tlabel\na\tx\nb\t0.5\n' > in
    fails_with "rec-load: in: line 3: label 0.5 is no class*" rec-load --from tsv -o out in
    printf 'text\n"aaa\nbbb\nccc\nddd\n' > in
    fails_with "rec-load: in: line 5: a row is longer than 10 bytes: is a quote missing?" rec-load --from csv --max-record 10 -o out in
    fails_with "rec-load: none: cannot open: No such file or directory" rec-load -o out none
    fails_with "rec-load: /proc/self/mem: cannot read: Input/output error" rec-load -o out /proc/self/mem
    fails_with "rec-load: standard input: is a folder" rec-load -o out < .
    head -c 3000 /dev/zero | tr '\0' x > in
    fails_with "rec-load: in: line 1: longer than 1000 bytes" rec-load --max-record 1000 -o out in
    [ ! -e out ]
}

# refuses REASON INPUT OPTION...: the input's last line is refused for that reason.
refuses() {
    printf "$2" > in
    fails_with "rec-load: in: line $(wc -l < in): $1" rec-load -o out "${@:3}" in
}

@test "labels, words and tags that are none" {
    refuses 'label 5 is outside the 2 of --labels' 'text\tlabel\na\t5\n' -F tsv --labels a,b
    refuses 'label -1 is outside the 2 of --labels' 'text\tlabel\na\t-1\n' -F tsv --labels a,b
    refuses "label 'c' is not among --labels" 'text\tlabel\na\ta,c\n' -F tsv --labels a,b --problem multi
    refuses "label 'x' is no number" 'text\tlabel\na\tx\n' -F tsv --problem regression
    refuses 'a label is neither number nor string' '{"text":"a","label":{}}\n' -F jsonl
    refuses 'a label is neither number nor string' '{"text":"a","label":[1,true]}\n' -F jsonl
    refuses "'words' is no list of strings" '{"text":"a","words":"a"}\n' -F jsonl
    refuses "'words' is no list of strings" '{"text":"a","words":["a",1]}\n' -F jsonl
    refuses "'tags' is no list" '{"text":"a","tags":{}}\n' -F jsonl
    refuses 'a label is neither number nor string' '{"text":"a","tags":[null]}\n' -F jsonl
    refuses "column 'words' is no JSON: *" 'text\twords\na\t[\n' -F tsv
    refuses "'tags' is no list" 'text\ttags\na\t5\n' -F tsv
    refuses "'id' is no string" '{"text":"a","id":1.5}\n' -F jsonl
    refuses "'pair' is no string" '{"text":"a","pair":[]}\n' -F jsonl
    refuses "no key 'y'" '{"text":"a"}\n' -F jsonl -l y
    refuses "no key 'y'" '{"text":"a"}\n' -F jsonl --id-field y
    refuses "no key 'y'" '{"text":"a","y":null}\n' -F jsonl --pair-field y
    [ ! -e out ]
}

@test "JSON of every kind comes back from x" {
    line='{"id":"1","text":"a","x":{"k":[false,true,null,"s",{"a":[],"b":{}},-1,2.5,0.1]}}'
    loads -F jsonl < <(printf ' \t\r\n\n%s\n' "$line")
    [ "$output" = "$line" ]
    line='{"id":"1","text":"a","label":["x",2]}'
    loads -F tsv --problem multi < <(printf 'id\ttext\tlabel\n1\ta\t["x",2]\n')
    [ "$output" = "$line" ]
    loads -F tsv --problem multi < <(printf 'id\ttext\tlabel\n1\ta\t[x,2\n')
    [ "$output" = '{"id":"1","text":"a","label":["[x",2]}' ]
}

@test "a header that readers would refuse is not written" {
    python3 -c 'import json; print(json.dumps({"bertpipe": {"type": "text", "history": [{"tool": "t", "version": "1", "options": {str(i): "v" for i in range(32768)}}]}}))' > in
    fails_with "rec-load: output header: 'history' has more than 65536 strings" rec-load -F jsonl -o out in
    echo a > in
    fails_with "rec-load: output header: * bytes, more than the 50 that readers take (--max-record)" rec-load --max-record 50 -o out in
    [ ! -e out ]
}

@test "few bytes that would need much memory are refused" {
    { printf text; printf '\t%s' {1..65535}; echo; } > in
    rec-load --from tsv in | rec-check -q
    { printf text; printf '\t%s' {1..65536}; echo; } > in
    fails_with "rec-load: in: line 1: 65537 columns, more than 65536" rec-load --from tsv -o out in
    { printf 'text\tlabel\na\t'; head -c 1048576 /dev/zero | tr '\0' ,; echo; } > in
    fails_with "rec-load: in: line 2: a list has more than 1048576 items" rec-load --from tsv --problem multi -o out in
    python3 -c 'print("{\"text\":\"a\",\"tags\":[" + "0," * (1 << 20) + "0]}")' > in
    fails_with "rec-load: in: line 1: no JSON: its values need more than 32 MiB of memory" rec-load --from jsonl -o out in
    python3 -c 'print("{\"text\":\"a\",\"words\":[" + "\"\"," * (1 << 20) + "\"\"]}")' > in
    fails_with "rec-load: in: line 1: no JSON: its values need more than 32 MiB of memory" rec-load --from jsonl -o out in
    { printf '{"text":"a","k":['; yes '[],' | head -n 300000 | tr -d '\n'; echo '[]]}'; } > in
    fails_with "rec-load: in: line 1: no JSON: its values need more than 32 MiB of memory" rec-load --from jsonl -o out in
    [ ! -e out ]
}

@test "what is nested just deep enough is readable again" {
    python3 -c 'print("{\"text\":\"a\",\"k\":" + "[" * 14 + "]" * 14 + "}")' > in
    rec-load --from jsonl in | rec-check -q
    python3 -c 'print("{\"text\":\"a\",\"k\":" + "[" * 15 + "]" * 15 + "}")' > in
    fails_with "rec-load: in: line 1: nested deeper than 16 levels" rec-load --from jsonl -o out in
    printf 'text\tx\na\t{"k":%s}\n' "$(printf '[%.0s' {1..15})$(printf ']%.0s' {1..15})" > in
    fails_with "rec-load: in: line 2: nested deeper than 16 levels" rec-load --from tsv -o out in
}

@test "usage errors" {
    for options in "--no-header --from tsv" "--text-field a" "--from xml" "--max-record x"; do
        run --separate-stderr rec-load $options
        [ "$status" -eq 2 ] && [ -z "$output" ] && [ "${#stderr_lines[@]}" -eq 2 ] || { echo "$options: $stderr"; false; }
    done
    for list in a,,b a,b,a; do
        run --separate-stderr rec-load --labels $list
        [ "$status" -eq 2 ] && [ -z "$output" ] && one_line "rec-load: --labels: *" || { echo "$list: $stderr"; false; }
    done
}

@test "a header that rec-dump wrote is restored" {
    for name in good-text good-empty good-escape good-part-2; do
        rec-cat --partial -q "$STREAMS/$name.mp" > whole.mp
        [ "$name" != good-part-2 ] || cp "$STREAMS/$name.mp" whole.mp
        rec-dump --partial --header -o lines whole.mp
        rec-load -F jsonl lines -o again.mp
        cmp whole.mp again.mp || { echo "$name"; false; }
    done
    rec-dump --header -o lines "$STREAMS/good-two-segments.mp"
    rec-load -F jsonl -o again.mp lines
    [ "$(rec-check again.mp | grep -c segment)" -eq 2 ]
    rec-dump --header again.mp | cmp - lines
    # what stands before the first header is a segment of its own
    { echo '{"text":"a"}'; cat lines; } | rec-load -F jsonl -o again.mp
    [ "$(rec-check again.mp | grep -c segment)" -eq 3 ]
    printf '%s\n' '{"bertpipe":{"type":"text"}}' '{"text":"a","label":"b"}' | rec-load -F jsonl --labels a,b -f json > out
    [ "$(cat out)" = '{"id":"2","text":"a","label":1}' ]
    # a key of that name in a record of the user's is data
    echo '{"text":"a","bertpipe":{"type":"text"}}' | rec-load -F jsonl -f json > out
    [ "$(cat out)" = '{"id":"1","text":"a","x":{"bertpipe":{"type":"text"}}}' ]
}

@test "headers that cannot be restored" {
    refuses() {
        printf '%s\n' "$1" > in
        fails_with "rec-load: in: line 1: header: $2" rec-load -F jsonl -o out "${@:3}" in
    }
    refuses '{"bertpipe":{"type":"tokens"}}' "of type tokens, but only text can be loaded"
    refuses '{"bertpipe":{"type":"text","problem":"hard"}}' "'problem' is not known"
    refuses '{"bertpipe":{"type":"text","labels":[1]}}' "'labels' is no list of strings"
    refuses '{"bertpipe":{"type":"text","labels":"a"}}' "'labels' is no list of strings"
    refuses '{"bertpipe":{"type":"text","history":{}}}' "'history' is no list"
    refuses '{"bertpipe":{"type":"text","history":[{"tool":"a"}]}}' "'history' has an entry without tool or version"
    refuses '{"bertpipe":{"type":"text","history":[{"tool":"a","version":"1","options":{"n":1}}]}}' "'history' has an option that is no string"
    refuses '{"bertpipe":{"type":"text","part":[3,2,"s"]}}' "'part' is no \[k, n, set id\] with 1 <= k <= n"
    refuses '{"bertpipe":{"type":"text","part":[0,2,"s"]}}' "'part' is no \[k, n, set id\] with 1 <= k <= n"
    refuses '{"bertpipe":{"type":"text","part":[1,1000001,"s"]}}' "'part' is no \[k, n, set id\] with 1 <= k <= n"
    refuses '{"bertpipe":{"type":"text","history":[{"version":"1"}]}}' "'history' has an entry without tool or version"
    refuses '{"bertpipe":{"type":"text","labels":["a"]}}' "has labels, and so have the options (--labels)" --labels a
    refuses '{"bertpipe":{"type":"text","problem":"single"}}' "the problem is single, but --problem multi" --problem multi
    [ ! -e out ]
}

@test "a record that readers would refuse is not written" {
    # map, "id", "1", "text" and the head of a str32 take 1 + 3 + 2 + 5 + 5 bytes
    python3 -c 'print("m" * ((16 << 20) - 16))' | rec-load | rec-check -q
    python3 -c 'print("m" * ((16 << 20) - 15))' > in
    fails_with "rec-load: output record 1 ('1'): 16777217 bytes, more than the 16777216 that readers take (--max-record)" rec-load -o out in
    [ ! -e out ]
    rec-load --max-record 20000000 in | rec-check -q --max-record 20000000
}

@test "output: full disk, closed pipe, unwritable folder" {
    fails_with "rec-load: standard output: cannot write: No space left on device" sh -c 'echo a | rec-load > /dev/full'
    fails_with "rec-load: /dev/full: cannot write: No space left on device" sh -c 'echo a | rec-load -o /dev/full'
    fails_with "rec-load: none/out: cannot create: No such file or directory" rec-load -o none/out
    yes | head -n 300000 > many
    run closed_pipe_status rec-load many
    [ "$status" -eq 141 ] && [ ! -s "$BATS_TEST_TMPDIR/pipe-stderr" ]
}
