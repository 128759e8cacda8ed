# What a crash, a kill or another program leaves: parts of `make crash`, and outputs in awkward places.

load streams
load bert

setup_file() {
    make_tokens
    # the first Python that has Debian's python3-xxhash
    for PYTHON in python3 /usr/bin/python3; do
        "$PYTHON" -c 'import xxhash' 2>/dev/null && break
    done
    export PYTHON
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    tool=$(dirname "$(command -v bert-train)")
    train=(bert-train -q -f json -m "$MODEL" -b 4 -w 2 --max-steps 6)
}

@test "kills: checkpoints are old or new, a run that goes on ends as one that was left alone; outputs are old or new" {
    run --separate-stderr "$PYTHON" "$BATS_TEST_DIRNAME/crash/kills.py" "$tool" --kills 40
    [ "$status" -eq 0 ] || { echo "$output $stderr"; false; }
    [[ "${lines[0]}" =~ ^"killed: bert-train 40 times, "[0-9]+" of them while it saved; "[0-9]+" runs ended: 0 bad"$ ]] || { echo "$output"; false; }
    [ "${lines[1]}" = "killed: programs with -o 8 times: 0 bad" ]
}

@test "replay: no state that a crash may leave is bad" {
    run --separate-stderr "$PYTHON" "$BATS_TEST_DIRNAME/crash/replay.py" "$tool" --share 0.03
    [ "$status" -eq 0 ] || { echo "$output $stderr"; false; }
    [ "${#lines[@]}" -eq 10 ]
    [[ "${lines[9]}" =~ ^"replayed: "[0-9]{4,}" states, 0 bad"$ ]] || { echo "$output"; false; }
}

@test "replay: without fsync, bad states are found" {
    for scenario in tokens models replaced; do
        run --separate-stderr "$PYTHON" "$BATS_TEST_DIRNAME/crash/replay.py" "$tool" --share 0.03 --forget-fsync "$scenario"
        [ "$status" -eq 1 ]
        [[ "${lines[-1]}" =~ ^"replayed: "[0-9]+" states, "[1-9][0-9]*" bad"$ ]] || { echo "$output"; false; }
    done
}

@test "soak: pipes whose programs are stopped and killed give the whole answer or fail" {
    run --separate-stderr "$PYTHON" "$BATS_TEST_DIRNAME/crash/soak.py" "$tool" --seconds 8
    [ "$status" -eq 0 ] || { echo "$output $stderr"; false; }
    [[ "$output" =~ ^"soaked: "[0-9]+" pipes, "[1-9][0-9]*" stalls, "[1-9][0-9]*" programs killed; "[1-9][0-9]*" whole answers: 0 bad " ]] || { echo "$output"; false; }
}

@test "soak: a program that takes a cut stream for a whole one is found" {
    mkdir programs
    ln -s "$tool"/*-* programs/
    rm programs/rec-cat
    printf '%s\n' '#!/bin/sh' 'exec cat > out' > programs/rec-cat
    chmod +x programs/rec-cat
    run --separate-stderr "$PYTHON" "$BATS_TEST_DIRNAME/crash/soak.py" programs --seconds 5 rec-cat
    [ "$status" -eq 1 ]
    [[ "$output" == *": the last stage succeeded with another answer"* ]] || { echo "$output"; false; }
    [[ "${lines[-1]}" =~ ^"soaked: "[0-9]+" pipes, ".*": "[1-9][0-9]*" bad " ]] || { echo "$output"; false; }
}

@test "an output's permissions: the umask's, or those of the file that was there" {
    umask 027
    rec-load -q -o new.mp "$WORK/reviews.tsv"
    [ "$(stat -c %a new.mp)" = 640 ]
    chmod 604 new.mp
    rec-load -q -o new.mp "$WORK/reviews.tsv"
    [ "$(stat -c %a new.mp)" = 604 ]
}

@test "an output through a symbolic link, to a file or to none yet, is written where the link points" {
    mkdir -p data
    ln -s data/file.mp link.mp
    for _ in none one; do
        succeeds rec-load -q -o link.mp "$WORK/reviews.tsv"
        [ -L link.mp ] && [ -f data/file.mp ] && [ ! -L data/file.mp ]
        rec-check -q link.mp
    done
    [ "$(ls -A data)" = file.mp ]
    ln -s loop.mp loop.mp
    fails_with "rec-load: loop.mp: cannot create: Too many levels of symbolic links" rec-load -q -o loop.mp "$WORK/reviews.tsv"
    ln -s nowhere/file.mp lost.mp
    fails_with "rec-load: nowhere/file.mp: cannot create: No such file or directory" rec-load -q -o lost.mp "$WORK/reviews.tsv"
}

@test "an output without a name, in no folder, in a folder that may not be written to, and as a folder" {
    fails_with "rec-load: '': cannot create: No such file or directory" rec-load -q -o '' "$WORK/reviews.tsv"
    fails_with "rec-load: no/out.mp: cannot create: No such file or directory" rec-load -q -o no/out.mp "$WORK/reviews.tsv"
    fails_with "rec-load: .: cannot open for writing: Is a directory" rec-load -q -o . "$WORK/reviews.tsv"
    # /proc is one where even root may not
    fails_with "rec-load: /proc/out.mp: cannot create: No such file or directory" rec-load -q -o /proc/out.mp "$WORK/reviews.tsv"
}

@test "a folder that vanishes while the output is written" {
    mkdir gone
    mkfifo text
    rec-load -q -o gone/out.mp <text 2>message &
    exec 5>text
    echo a film >&5
    until [ -n "$(ls -A gone)" ]; do sleep 0.01; done
    rm -r gone
    exec 5>&-
    status=0
    wait $! || status=$?
    [ "$status" -eq 1 ]
    [ "$(cat message)" = "rec-load: gone/out.mp: cannot rename the finished file into place: No such file or directory" ]
}

@test "two programs that write one file: the last one's, whole" {
    mkfifo first second
    rec-load -q -o out.mp <first &
    one=$!
    rec-load -q -o out.mp <second &
    two=$!
    exec 5>first 6>second
    seq 3 >&5
    seq 5 >&6
    exec 5>&-
    wait $one
    [ "$(rec-dump out.mp | wc -l)" -eq 3 ]
    exec 6>&-
    wait $two
    [ "$(rec-dump out.mp | wc -l)" -eq 5 ]
    [ "$(ls -A | grep -c out.mp)" -eq 1 ]
}

@test "signals leave nothing behind" {
    mkfifo text
    for signal in HUP INT QUIT TERM; do
        # what runs in the background may have been given signals that are ignored
        python3 - $signal rec-load -q -o out.mp <<'END'
import os, signal, subprocess, sys, time
number = getattr(signal, "SIG" + sys.argv[1])
signal.signal(number, signal.SIG_DFL)
process = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
while not any(name.startswith(".out.mp.") for name in os.listdir()):
    time.sleep(0.01)
process.send_signal(number)
assert process.wait() == -number, process.returncode
END
        [ "$(ls -A)" = text ] || { echo "$signal: $(ls -A)"; false; }
    done
}

@test "a second signal while the first cleans up leaves nothing behind" {
    mkdir out
    for second in TERM HUP; do
        run --separate-stderr python3 - $second strace -D -qq -o trace -e trace=getpid -e inject=getpid:delay_enter=200000 \
            rec-load -q -o out/out.mp <<'END'
import os, signal, subprocess, sys, time
process = subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE)
while not os.listdir("out"):
    time.sleep(0.001)
time.sleep(0.4)
process.terminate()
time.sleep(0.1) # the first thing that cleaning up does is getpid
process.send_signal(getattr(signal, "SIG" + sys.argv[1]))
assert process.wait() == -signal.SIGTERM, process.returncode
END
        [ "$status" -eq 0 ] && [ -z "$stderr" ] || { echo "$stderr"; false; }
        [ -z "$(ls -A out)" ] || { echo "$second: $(ls -A out)"; false; }
    done
}

@test "a second SIGTERM in the middle of a save leaves no part of a checkpoint" {
    python3 - "${train[@]}" --max-steps 100000 --save-strategy steps --save-steps 1 --save-total-limit 1 -o out "$WORK/train.mp" <<'END'
import os, subprocess, sys, time
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
while not (os.path.isdir("out") and any(name.endswith(".partial") for name in os.listdir("out"))):
    time.sleep(0.0005)
process.terminate()
time.sleep(0.001)
process.terminate()
assert process.wait() == -15, process.returncode
END
    [ -z "$(find out -name '.*')" ] || { ls -A out; false; }
}

@test "a signal while an old checkpoint is removed leaves no part of it" {
    python3 - strace -D -qq -o trace -P out/.checkpoint-2.partial/config.json -e trace=unlink -e inject=unlink:signal=HUP \
        "${train[@]}" --save-strategy steps --save-steps 2 --save-total-limit 1 -o out "$WORK/train.mp" <<'END'
import signal, subprocess, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
process = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)
assert process.returncode == -signal.SIGHUP, process.returncode
END
    [ "$(ls -A out)" = checkpoint-4 ] || { ls -A out; false; }
}

@test "two runs that write into one folder: the second is refused" {
    mkfifo data
    "${train[@]}" -o out <data >/dev/null 2>message &
    exec 5>data
    cat "$WORK/train.mp" >&5
    until [ -d out ]; do sleep 0.01; done
    fails_with "bert-train: out: another program is writing into this folder" "${train[@]}" -o out "$WORK/train.mp"
    exec 5>&-
    wait $!
    [ -s out/bertpipe.json ]
}

@test "what a killed run left in its folder is removed, and a checkpoint that it had moved aside is put back" {
    succeeds "${train[@]}" --save-strategy steps --save-steps 6 -o out "$WORK/train.mp"
    digest=$(grep training_digest out/bertpipe.json)
    mv out/checkpoint-6 out/.checkpoint-6.old
    mkdir out/.checkpoint-4.partial out/.model.partial
    touch out/.checkpoint-4.partial/.config.json.a1B2c3 out/.model.partial/vocab.txt out/.trainer_state.json.a1B2c3 out/.mine
    rm out/bertpipe.json
    run --separate-stderr "${train[@]}" --save-strategy steps --save-steps 6 -o out --resume-from-checkpoint last "$WORK/train.mp"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(grep training_digest out/bertpipe.json)" = "$digest" ]
    [ "$(cd out && echo .[!.]*)" = .mine ]
    [ -d out/checkpoint-6 ]
}

@test "a model's file that becomes shorter while it is read is one line" {
    cp -r "$MODEL" model
    # stopped when the file has been mapped
    strace -D -f -qqq -o trace -P "$PWD/model/model.safetensors" -e trace=mmap -e inject=mmap:signal=STOP:when=1 \
        env ASAN_OPTIONS=detect_leaks=0 bert-predict -q -o out.mp -m model "$WORK/test.mp" 2>message &
    until grep -qs 'stopped by SIGSTOP' trace; do sleep 0.01; done
    truncate -s 16384 model/model.safetensors
    kill -CONT $!
    status=0
    wait $! || status=$?
    [ "$status" -eq 1 ] || { echo "$status: $(cat message)"; false; }
    [ "$(cat message)" = "bert-predict: model/model.safetensors: has become shorter while it was read" ]
    [ -z "$(find . -name '*out.mp*')" ]
}
