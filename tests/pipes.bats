# What can happen at either end of a pipe and to the place a file is written to, to every program that reads or writes streams.

load streams
load bert

setup_file() {
    make_streams
    make_tokens
    cd "$WORK" || exit 1
    rec-load -q --from tsv reviews.tsv > texts.mp
    bert-predict -q -m "$MODEL" train.mp > predictions.mp
    yes 'the best film' | head -n 40000 | rec-load -q > many-texts.mp
    wp-tokenize -q -m "$MODEL" -o many-tokens.mp many-texts.mp
    yes 'abc' | head -n 400000 > many-lines
}

setup() {
    cd "$BATS_TEST_TMPDIR"
}

# A program a line that reads a stream on standard input and writes to standard output; first the name of its input.
filters() {
    cat <<TABLE
texts rec-check
texts rec-cat
texts rec-dump
texts rec-head
texts rec-shuffle
texts rec-stat
texts rec-join - $WORK/texts.mp
texts wp-tokenize -q -m $MODEL
train wp-tokenize -q --decode -m $MODEL
train bert-eval -q -m $MODEL
train bert-predict -q -m $MODEL
predictions bert-eval -q
TABLE
}

# The same for what needs a folder to write into.
writers() {
    filters | sed 's/$/ -o out/'
    cat <<TABLE
texts rec-split -q -n 2
texts rec-split -q -r 1:1 -o a -o b
train bert-train -q -w 0 -n 1 --save-strategy no --no-load-best-model-at-end -m $MODEL -o out
TABLE
}

# A stream or report without what differs from run to run, and without the checks that a writer adds before it waits.
normal() {
    if head -c 2 "$1" | cmp -s - <(printf '\x93\xa8'); then
        rec-dump --header "$1"
    else
        grep -v '^speed ' "$1"
    fi
}

@test "input that arrives byte by byte gives what it gives at once" {
    cat > slowly.py <<'PYTHON'
import os, sys
for byte in open(sys.argv[1], "rb").read():
    os.write(1, bytes([byte]))
PYTHON
    while read -r input command; do
        $command < "$WORK/$input.mp" > at-once
        python3 slowly.py "$WORK/$input.mp" | $command > slowly
        cmp <(normal at-once) <(normal slowly) || { echo "$command"; false; }
    done < <(filters)
    for name in at-once slowly; do
        feed=cat
        [ "$name" = at-once ] || feed="python3 slowly.py"
        $feed "$WORK/train.mp" | bert-train -q -w 0 -n 1 -m "$MODEL" -o "$name-model" -f json | json '[r["values"].get("train_loss") for r in rows]' > "$name"
    done
    cmp at-once slowly
    cmp at-once-model/model.safetensors slowly-model/model.safetensors
}

@test "signals that mean nothing to a program disturb no read and no write" {
    mkfifo in
    while read -r input command; do
        $command < "$WORK/$input.mp" > right
        $command < in > got 3>&- &
        pid=$!
        exec 4> in
        head -c 100 "$WORK/$input.mp" >&4
        for signal in WINCH CONT URG CHLD STOP CONT WINCH STOP CONT; do
            kill -s "$signal" "$pid"
            sleep 0.01
        done
        tail -c +101 "$WORK/$input.mp" >&4
        kill -s WINCH "$pid"
        exec 4>&-
        wait "$pid"
        cmp <(normal right) <(normal got) || { echo "$command"; false; }
    done < <(filters)
}

@test "a writer that stalls and dies: what was whole has come out, and the end is an error" {
    mkfifo in
    for command in "rec-cat" "rec-head" "wp-tokenize -q -m $MODEL"; do
        $command < in > got 2> message 3>&- &
        pid=$!
        { python3 -c '
import sys; sys.path.insert(0, sys.argv[1])
from msgstream import segment
data = segment({"type": "text", "history": []}, [{"id": i, "text": "a film"} for i in "12"], check_every=1)
sys.stdout.buffer.write(data[:data.rindex(b"\x82\xa2id") + 5])' "$STREAM_FIXTURES"; sleep 0.3; } > in
        status=0
        wait "$pid" || status=$?
        [ "$status" -eq 1 ] && [ "$(wc -l < message)" -eq 1 ]
        [[ "$(cat message)" == *": ends after record 1 without 'end': its producer failed or it was cut" ]]
        [ "$(PYTHONPATH=$STREAM_FIXTURES python3 -c '
from msgstream import checked
records, whole = checked(open("got", "rb").read())
print(len(records), whole)')" = "1 False" ] || { echo "$command"; false; }
    done
}

@test "a reader that goes away ends a program in silence, also where SIGPIPE is ignored" {
    for command in "rec-cat $WORK/many-texts.mp" "rec-dump $WORK/many-texts.mp" "rec-head -n 100000 $WORK/many-texts.mp" \
        "rec-shuffle $WORK/many-texts.mp" "rec-join --by-position $WORK/many-texts.mp $WORK/many-texts.mp" "rec-load $WORK/many-lines" \
        "wp-tokenize -q -k -m $MODEL $WORK/many-texts.mp" "wp-tokenize -q --decode -m $MODEL $WORK/many-tokens.mp"; do
        # shellcheck disable=SC2086
        run closed_pipe_status $command
        [ "$status" -eq 141 ] && [ ! -s pipe-stderr ] || { echo "$command: $status: $(cat pipe-stderr)"; false; }
        # shellcheck disable=SC2086
        run bash -c 'trap "" PIPE; set -o pipefail; "$@" 2> pipe-stderr | sleep 0; exit "${PIPESTATUS[0]}"' - $command
        [ "$status" -eq 141 ] && [ ! -s pipe-stderr ] || { echo "ignored: $command: $status: $(cat pipe-stderr)"; false; }
    done
}

@test "a reader of metrics that goes away: a run's folder holds whole checkpoints or nothing" {
    run bash -c 'set -o pipefail; bert-train -q -w 0 -n 400 --logging-steps 1 --save-strategy steps --save-steps 10 --save-total-limit 2 \
        --no-load-best-model-at-end -m "$1" -o out "$2" 2> stderr | head -c 20000 > /dev/null; exit "${PIPESTATUS[0]}"' - "$MODEL" "$WORK/train.mp"
    [ "$status" -eq 141 ] && [ ! -s stderr ]
    for folder in out/checkpoint-*; do
        [ ! -e "$folder" ] || bert-predict -q -m "$folder" -f json "$WORK/test.mp" | json 'len(rows)'
    done
    [ -z "$(find . -name '.*.??????' -o -name '*.partial')" ]
}

@test "a full disk: one line, and no file" {
    while read -r input command; do
        [[ "$command" != *split* && "$command" != bert-train* ]] || continue
        run --separate-stderr sh -c "${command% -o out} < $WORK/$input.mp > /dev/full"
        [ "$status" -eq 1 ] && one_line "${command%% *}: standard output: cannot write: No space left on device" || { echo "$command"; false; }
        run --separate-stderr sh -c "${command% -o out} -o /dev/full < $WORK/$input.mp"
        [ "$status" -eq 1 ] && one_line "${command%% *}: /dev/full: cannot write: No space left on device" || { echo "$command"; false; }
    done < <(writers)
    run --separate-stderr sh -c "bert-train -q -w 0 -n 1 -m $MODEL -o out $WORK/train.mp > /dev/full"
    [ "$status" -eq 1 ] && one_line "bert-train: standard output: cannot write: No space left on device"
}

@test "a file that may not grow: an error of write, one line, and nothing is left" {
    mkdir work
    cd work
    while read -r input command; do
        run bash -c "ulimit -f 0; $command < $WORK/$input.mp 2>&1 > /dev/null" # bats would keep stderr in a file
        [ "$status" -eq 1 ] && [ "${#lines[@]}" -eq 1 ] && [[ "$output" == "${command%% *}: "*": File too large" ]] || { echo "$command: $status: $output"; false; }
        [ -z "$(ls -A)" ] || { echo "$command: $(ls -A)"; false; }
    done < <(writers)
    run --separate-stderr bash -c "ulimit -f 20; TMPDIR=. rec-shuffle --memory 100K -o out $WORK/many-texts.mp"
    [ "$status" -eq 1 ] && one_line "rec-shuffle: .: cannot write a temporary file: File too large"
    [ -z "$(ls -A)" ]
}

@test "a small file system that fills up: one line, and nothing is left on it" {
    mkdir small
    if ! unshare -m mount -t tmpfs none small 2> /dev/null; then
        skip "no file system may be mounted here"
    fi
    for command in "rec-cat -o small/out $WORK/many-texts.mp" "rec-split -q -n 3 -o small/part $WORK/many-texts.mp" \
        "wp-tokenize -q -o small/out -m $MODEL $WORK/many-texts.mp" "rec-shuffle -o small/out $WORK/many-texts.mp" \
        "bert-train -q -w 0 -n 1 -m $MODEL -o small/model $WORK/train.mp"; do
        run --separate-stderr unshare -m sh -c "mount -t tmpfs -o size=64k none small && { $command > /dev/null; status=\$?; ls -A small; exit \$status; }"
        [ "$status" -eq 1 ] && [ -z "$output" ] || { echo "$command: $status: $output: $stderr"; false; }
        one_line "${command%% *}: *: No space left on device"
    done
}

@test "any signal that ends a program leaves nothing" {
    for signal in HUP INT QUIT TERM USR1 USR2 ALRM VTALRM PROF XCPU IO PWR STKFLT SYS TRAP ABRT RTMIN RTMAX; do
        mkfifo pipe
        rec-cat -q -o out.mp pipe &
        exec 5> pipe
        head -c 100 "$STREAMS/good-text.mp" >&5
        until ls .out.mp.* > /dev/null 2>&1; do sleep 0.01; done
        kill -s "$signal" $!
        kill -s TERM $! 2> /dev/null || true # for what is ignored: INT and QUIT in the background, HUP under nohup
        wait $! && false || [ $? -gt 128 ]
        exec 5>&-
        rm pipe
        [ -z "$(ls -A)" ] || { echo "$signal"; ls -A; false; }
    done
}

@test "CPU time that ends: the signal's status, and nothing is left" {
    mkdir work
    cd work
    run bash -c "ulimit -S -t 1; yes | rec-load -o out; exit \"\${PIPESTATUS[1]}\""
    [ "$status" -eq 152 ] # 128 + SIGXCPU
    [ -z "$(ls -A)" ]
}

@test "closed standard input, output and error: no file takes their place" {
    cp "$WORK"/{texts,train,predictions}.mp .
    while read -r input command; do
        command=${command/ - / $input.mp }
        [[ "$command" == *join* ]] || command="$command $input.mp"
        for closed in "<&-" "2>&-" "<&- 2>&-"; do
            bash -c "$command $closed" > got || { echo "$command $closed"; false; }
            cmp <(normal got) <($command > right; normal right) || { echo "$command $closed"; false; }
        done
        run bash -c "$command 2>&1 >&-"
        [ "$status" -eq 1 ] && [ "$output" = "${command%% *}: standard output: cannot write: Bad file descriptor" ] || { echo "$command: $output"; false; }
        run bash -c "$command <&- >&- 2>&-"
        [ "$status" -eq 1 ] || { echo "$command: $status"; false; }
        rm -f out
        bash -c "$command -o out <&- >&- 2>&-" || { echo "$command -o out"; false; }
        cmp <(normal out) <($command > right; normal right) || { echo "$command -o out"; false; }
        [[ "$command" == *join* ]] && continue
        fails_with "${command%% *}: standard input: cannot read: Bad file descriptor" bash -c "${command% *} <&-"
    done < <(filters)
    for name in texts train predictions; do
        cmp "$name.mp" "$WORK/$name.mp"
    done
    rec-load -q -o lines.mp <&- >&- 2>&- "$WORK/many-lines"
    rec-check -q lines.mp
    run bash -c 'rec-load "$1" 2>&1 >&-' - "$WORK/many-lines"
    [ "$status" -eq 1 ] && [ "$output" = "rec-load: standard output: cannot write: Bad file descriptor" ]
    bert-train -q -w 0 -n 1 -m "$MODEL" -o model train.mp > metrics.mp <&- 2>&-
    rec-check -q metrics.mp
}

@test "100,000 segments, of one record and of none, and 10,000 numbered parts" {
    PYTHONPATH=$STREAM_FIXTURES python3 -c '
from msgstream import segment
text = {"type": "text", "history": []}
open("ones.mp", "wb").write(segment(text, [{"id": "1", "text": "hi"}]) * 100000)
open("nones.mp", "wb").write(segment(text, []) * 100000)
open("parts.mp", "wb").write(b"".join(segment(dict(text, part=[k + 1, 10000, "s"]), []) for k in range(10000)))'
    for file in ones nones; do
        [ "$(rec-check "$file.mp" | grep -c ': segment ')" -eq 100000 ]
    done
    [ "$(rec-check parts.mp | grep -c ': segment ')" -eq 10000 ]
    [ "$(rec-dump ones.mp | wc -l) $(rec-dump nones.mp | wc -l)" = "100000 0" ]
    [ "$(rec-cat ones.mp | rec-check | grep '  records')" = "  records     100000, 1400000 bytes" ]
    [ "$(rec-cat parts.mp | rec-check | grep -c segment)" -eq 1 ]
    [ "$(wp-tokenize -q -m "$MODEL" ones.mp | rec-check | grep -c '  records     1, ')" -eq 100000 ]
    [ "$(wp-tokenize -q -m "$MODEL" nones.mp | rec-check | grep -c '  records     0, ')" -eq 100000 ]
    [ "$(rec-shuffle ones.mp | rec-dump | wc -l)" -eq 100000 ]
    rec-split -q -n 3 ones.mp
    [ "$(cat part-*-of-3.mp | rec-cat | rec-dump | wc -l)" -eq 100000 ]
}

@test "a record at the limit passes, and one that a program makes larger is not written" {
    # map, "id", "1", "text" and the head of a str32 take 1 + 3 + 2 + 5 + 5 bytes; tokens are longer by their ids.
    python3 -c 'print("m" * ((16 << 20) - 16))' | rec-load -q > limit.mp
    for command in rec-check rec-cat rec-head rec-shuffle "rec-join - limit.mp" "wp-tokenize -q -m $MODEL"; do
        $command < limit.mp > out 2> /dev/null || { echo "$command"; false; }
    done
    rec-split -q -n 1 limit.mp
    cmp <(rec-cat part-1-of-1.mp) <(rec-cat limit.mp)
    fails_with "wp-tokenize: output record 1 ('1'): 167772?? bytes, more than the 16777216 that readers take (--max-record)" \
        wp-tokenize -q -k -o tokens.mp -m "$MODEL" limit.mp
    [ ! -e tokens.mp ]
    wp-tokenize -q -k --max-record 20000000 -m "$MODEL" limit.mp | rec-check -q --max-record 20000000
    run sh -c "wp-tokenize -q -k --max-record 20000000 -m $MODEL limit.mp | rec-check -q"
    [ "$status" -eq 1 ] && [[ "$output" == *": larger than the limit (--max-record)" ]]
}

@test "a header that readers would refuse is not written" {
    run --separate-stderr rec-join -o out --prefix $'\xff' "$WORK/texts.mp" "$WORK/texts.mp"
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "rec-join: --prefix: not UTF-8" ]
    fails_with "rec-load: output header: 'labels' is no list of strings (UTF-8 without NUL)" rec-load -o out --labels $'a,\xff' "$WORK/many-lines"
    python3 -c 'print(",".join(f"label {i:015d}" for i in range(50000)))' > labels
    fails_with "rec-load: output header: * bytes, more than the 1000 that readers take (--max-record)" \
        sh -c "rec-load --max-record 1000 -o out --labels \"\$(head -c 2000 labels)\" /dev/null"
    [ ! -e out ]
}

@test "two programs that write one name at once: it is one's or the other's, whole" {
    rec-head -n 2 "$WORK/texts.mp" > two.mp
    right=$(sha256sum < "$WORK/texts.mp")
    other=$(sha256sum < two.mp)
    for _ in $(seq 30); do
        rec-cat -o out.mp "$WORK/texts.mp" &
        first=$!
        rec-cat -o out.mp two.mp &
        wait "$!"
        wait "$first"
        got=$(sha256sum < out.mp)
        [ "$got" = "$right" ] || [ "$got" = "$other" ]
    done
    [ "$(ls -A)" = "$(printf 'out.mp\ntwo.mp')" ]
}

@test "-o /dev/stdout, /dev/stderr and /dev/fd/N write to the descriptor, never in place of its file" {
    echo before > log
    rec-cat -q -o /dev/stdout "$STREAMS/good-text.mp" >> log
    [ "$(head -n 1 log)" = before ] && tail -c +8 log | cmp - "$STREAMS/good-text.mp"
    { rec-cat -q -o /dev/fd/7 "$STREAMS/good-text.mp" && rec-cat -q -o /proc/self/fd/7 "$STREAMS/good-text.mp"; } 7> two
    cat "$STREAMS/good-text.mp" "$STREAMS/good-text.mp" | cmp - two
    ln -s /dev/stderr link
    rec-cat -q -o link "$STREAMS/good-text.mp" 2> three
    cmp three "$STREAMS/good-text.mp"
    fails_with "rec-cat: /dev/fd/9: cannot open for writing: Bad file descriptor" rec-cat -q -o /dev/fd/9 "$STREAMS/good-text.mp"
    [ -L link ] && [ -z "$(find . -name '.*.??????')" ]
}

@test "a folder that is read-only" {
    mkdir locked
    read_only locked true 2> /dev/null || skip "no folder can be made read-only for root here"
    while read -r input command; do
        [[ "$command" == *" -o out" ]] || continue
        run --separate-stderr read_only locked sh -c "${command/% -o out/ -o locked/out} < $WORK/$input.mp"
        [ "$status" -eq 1 ] && [ -z "$output" ] && [ "${#stderr_lines[@]}" -eq 1 ] && [[ "$stderr" == "${command%% *}: locked/out: cannot "* ]] ||
            { echo "$command: $status: $stderr"; false; }
    done < <(writers)
    run --separate-stderr read_only locked rec-split -q -n 2 -o locked/part "$WORK/texts.mp"
    [ "$status" -eq 1 ] && one_line "rec-split: locked/part-1-of-2.mp: cannot create a temporary file beside it: *"
    [ -z "$(ls -A locked)" ]
}

@test "a folder that goes away while its file is written" {
    mkfifo in
    while read -r input command; do
        [[ "$command" == *" -o out" && "$command" != bert-train* ]] || continue
        mkdir folder
        ${command/% -o out/ -o folder/out} < in > /dev/null 2> message 3>&- &
        pid=$!
        exec 4> in
        head -c 100 "$WORK/$input.mp" >&4
        for _ in $(seq 20); do
            ls folder/.out.* > /dev/null 2>&1 && break
            sleep 0.01
        done
        # What reads its whole input first opens its output last, and finds no folder then.
        rm -r folder
        tail -c +101 "$WORK/$input.mp" >&4
        exec 4>&-
        status=0
        wait "$pid" || status=$?
        [ "$status" -eq 1 ] && [ "$(wc -l < message)" -eq 1 ] && [[ "$(cat message)" == "${command%% *}: "*"folder/out: cannot "*": No such file or directory" ]] ||
            { echo "$command: $status: $(cat message)"; false; }
        [ ! -e folder ]
    done < <(writers)
}

@test "names of files and folders, and texts, that are no UTF-8" {
    odd=$'caf\xe9'
    cp "$WORK/train.mp" "$odd.mp"
    cp -r "$MODEL" "$odd"
    succeeds rec-cat -o "$odd-copy.mp" "$odd.mp"
    cmp "$odd-copy.mp" <(rec-cat "$odd.mp")
    rec-split -q -n 2 -o "$odd" "$odd.mp" > names
    [ "$(head -n 1 names)" = "$odd-1-of-2.mp" ] && [ -s "$odd-2-of-2.mp" ]
    fails_with "rec-check: $odd-none.mp: cannot open: No such file or directory" rec-check "$odd-none.mp"
    bert-train -q -w 0 -n 1 -m "$odd" -o "$odd-trained" "$odd.mp" > metrics.mp
    rec-check -q metrics.mp
    [ "$(python3 -c 'import json, sys; print(ascii(json.load(open(sys.argv[1]))["run"]["parent"]["name"]))' "$odd-trained/bertpipe.json")" = "'caf\\ufffd'" ]
    bert-predict -q -m "$odd-trained" "$odd.mp" > predictions.mp
    [ "$(rec-dump --header predictions.mp | head -n 1 | json 'ascii(rows[0]["bertpipe"]["model"]["name"])')" = "'caf\\ufffd-trained'" ]
    fails_with "rec-load: standard input: line 2: invalid UTF-8 at byte 2 (0xff)" rec-load -o out <<< $'good\nb\xffd'
    [ ! -e out ]
    [ "$(rec-load --invalid replace <<< $'b\xffd' | rec-dump)" = $'{"id":"1","text":"b\xef\xbf\xbdd"}' ]
}

@test "dates before 1970" {
    cp "$WORK/train.mp" train.mp
    cp -r "$MODEL" model
    touch -d '1901-12-13 20:45:00 UTC' train.mp model model/*
    bert-train -q -w 0 -n 1 -m model -o trained train.mp > metrics.mp
    rec-check -q metrics.mp
    bert-predict -q -m model train.mp | rec-check -q
    PYTHONPATH=$STREAM_FIXTURES python3 -c '
import sys
from msgstream import segment
rows = [{"step": i + 1, "epoch": 0.5, "split": "train", "time": time, "values": {"loss": 1.0}}
        for i, time in enumerate([-2147483649.5, -1e300, float("-inf"), float("nan"), 1e300])]
sys.stdout.buffer.write(segment({"type": "metrics", "history": []}, rows))' > old.mp
    [ "$(rec-dump old.mp | json '[r["time"] for r in rows]')" = "[-2147483649.5, -1e+300, None, None, 1e+300]" ]
    rec-dump -f tsv old.mp | cut -f 4 | paste -sd ' ' | grep -q '^time -2147483649.5 -1e+300 '
    ! command -v gnuplot > /dev/null || bert-report -q -o page.html old.mp
}
