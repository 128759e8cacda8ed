# bert-train: a run of many steps, plain, under a sanitizer and under valgrind.

load streams
load bert

setup_file() {
    make_tokens
}

@test "2,000 steps with checkpoints and evaluations: memory stays as it is" {
    cd "$BATS_TEST_TMPDIR"
    bert-init -q -o small --config "$MODEL/config.json" --vocab "$MODEL/vocab.txt" --layers 1 --hidden 16 --intermediate 32 --heads 2
    # Of a sanitizer's and valgrind's memory the freed blocks that they hold back are not the program's. The history of the
    # run that checkpoints keep grows with what is logged, by 4 KB an evaluation.
    ASAN_OPTIONS=${ASAN_OPTIONS-}:quarantine_size_mb=0 VALGRIND_OPTS="${VALGRIND_OPTS-} --freelist-vol=0" run --separate-stderr python3 -c '
import json, pathlib, re, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE)
for line in process.stdout:
    record = json.loads(line)
    if record["split"] == "train" and record["step"] in (400, 1800):
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        print(re.search(r"VmRSS:\s*(\d+) kB", status)[1])
sys.exit(process.wait())' bert-train -q -m small -o out -f json -b 2 -w 1 -j 2 --max-steps 2000 --logging-steps 200 \
        --save-strategy steps --save-steps 100 --save-total-limit 2 --eval "$WORK/test.mp" --eval-strategy steps --eval-steps 200 "$WORK/train.mp"
    [ "$status" -eq 0 ] && [ "${#lines[@]}" -eq 2 ] || { echo "$stderr"; false; }
    # a sanitizer's allocator spreads its blocks out, by 1 MB here
    [ $((lines[1] - lines[0])) -lt "$(plain_build && echo 256 || echo 2048)" ] || { echo "$output"; false; }
    echo "# ${lines[0]} kB after 400 steps, ${lines[1]} kB after 1800" >&3
}
