# bert-train: batches that fit into memory, and what is said of those that do not.

load streams
load bert

setup_file() {
    make_tokens
    cd "$WORK" || exit 1
    for i in $(seq 0 31); do
        printf '%s\t' "$( ((i % 2)) && echo positive || echo negative)"
        for _ in $(seq 0 $((i % 9))); do printf 'a great film and the worst plot '; done
        echo
    done | (printf 'label\ttext\n' && cat) >long.tsv
    tokens long.tsv >long.mp
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    train=(bert-train -m "$MODEL" -f json -w 1 -j 1)
}

# What --dry-run says with these options, less the units.
dry_run() {
    local fact=$1
    shift
    "${train[@]}" -q --dry-run "$@" "$WORK/long.mp" | sed -n "s/^$fact: \([0-9.]*\).*/\1/p"
}

# A number of MB and a little as a SIZE.
size() {
    python3 -c 'import sys; print(f"{int((float(sys.argv[1]) + 0.06) * 1e6 / 1024)}K")' "$1"
}

@test "--auto-batch: the largest division of a step's batch that fits, whatever was asked for" {
    for batch in 32 16 8 4 2 1; do
        memory=$(dry_run memory -b $batch)
        for asked in "-b 32" "-b 4 -a 8"; do
            # shellcheck disable=SC2086
            run --separate-stderr "${train[@]}" --dry-run --auto-batch "$(size "$memory")" $asked "$WORK/long.mp"
            [ "$status" -eq 0 ]
            [[ "$stderr" == *"bert-train: a step's 32 records go in batches of $batch (-b $batch -a $((32 / batch))): $memory of "* ]] || { echo "$stderr"; false; }
            [[ "$output" == *"memory: $memory MB"* && "$output" == *"steps: 3, 1 an epoch"* ]]
        done
    done
    # a batch that no number below it divides
    run --separate-stderr "${train[@]}" --dry-run --auto-batch "$(size "$(dry_run memory -b 8)")" -b 7 "$WORK/long.mp"
    [[ "$stderr" == *"in batches of 7 "* ]]
    run --separate-stderr "${train[@]}" --dry-run --auto-batch "$(size "$(dry_run memory -b 4)")" -b 7 "$WORK/long.mp"
    [[ "$stderr" == *"in batches of 1 "* ]]
}

@test "--auto-batch: losses are those of the undivided batch, and the run is recorded as divided" {
    memory=$(size "$(dry_run memory -b 4)")
    "${train[@]}" -q -o whole -b 16 -n 2 --logging-steps 1 --save-strategy no "$WORK/long.mp" >whole.json
    "${train[@]}" -q -o divided -b 16 -n 2 --logging-steps 1 --save-strategy no --auto-batch "$memory" "$WORK/long.mp" >divided.json
    for run in whole divided; do
        json '[[r["values"][k] for k in ("loss", "grad_norm")] for r in rows[:-1]]' <$run.json >$run.steps
    done
    [ "$(cat whole.steps divided.steps | json 'len(rows[0]) == 4 and all(math.isclose(x, y, rel_tol=1e-5)
        for a, b in zip(*rows) for x, y in zip(a, b))')" = True ]
    succeeds bert-train --explain divided
    [[ "$output" == *"--per-device-train-batch-size 4 "*"--gradient-accumulation-steps 4 "* && "$output" != *auto-batch* ]] || { echo "$output"; false; }
    "${train[@]}" -q -o again -b 4 -a 4 -n 2 --logging-steps 1 --save-strategy no "$WORK/long.mp" >/dev/null
    cmp again/model.safetensors divided/model.safetensors
}

@test "--auto-batch: a resumed run keeps its batches where they fit" {
    small=$(size "$(dry_run memory -b 4)")
    run=("${train[@]}" -b 16 -n 2 --save-strategy steps --save-steps 1 "$WORK/long.mp")
    "${run[@]}" -q -o one --auto-batch "$small" >/dev/null
    cp -r one two
    rm -r two/checkpoint-4 two/bertpipe.json
    run --separate-stderr "${run[@]}" -o two --auto-batch 1G --resume-from-checkpoint two/checkpoint-2
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"in batches of 4 (-b 4 -a 4)"* ]]
    cmp one/model.safetensors two/model.safetensors
    rm -r two/checkpoint-4
    run --separate-stderr "${run[@]}" -o two --auto-batch "$(size "$(dry_run memory -b 2)")" --resume-from-checkpoint two/checkpoint-2
    [ "$status" -eq 1 ]
    [[ "$stderr" == *"--per-device-train-batch-size was 4 and is 2"* ]]
}

@test "one record that does not fit: of which length they would" {
    memory=$(size "$(dry_run memory -b 1)")
    bytes=$((${memory%K} * 1024 - 150000))
    fails_with "bert-train: memory: one record of 64 tokens takes * MB, of * MB: records of [0-9]* tokens would fit (wp-tokenize -L [0-9]*)" \
        "${train[@]}" -q -o out --auto-batch $((bytes / 1024))K "$WORK/long.mp"
    [ ! -e out/config.json ]
    length=${stderr##*-L }
    length=${length%)}
    [ "$length" -lt 64 ]
    rec-load -q --from tsv "$WORK/long.tsv" | wp-tokenize -q -L "$length" -m "$MODEL" >cut.mp
    rec-load -q --from tsv "$WORK/long.tsv" | wp-tokenize -q -L $((length + 1)) -m "$MODEL" >longer.mp
    succeeds "${train[@]}" -q -o out --auto-batch $((bytes / 1024))K cut.mp
    fails_with "bert-train: memory: one record of $((length + 1)) tokens takes *" "${train[@]}" -q -o other --auto-batch $((bytes / 1024))K longer.mp
}

@test "a model that does not fit, and sizes that are none" {
    fails_with "bert-train: memory: the model alone takes [0-9.]* MB to train, of 0.1 MB" "${train[@]}" -q -o out --auto-batch 100K "$WORK/long.mp"
    for size in 0 x 4Q -1G ''; do
        run --separate-stderr "${train[@]}" -q -o out --auto-batch "$size" "$WORK/long.mp"
        [ "$status" -eq 2 ]
        [[ "${stderr_lines[0]}" == "bert-train: --auto-batch: '$size' is no size: a number and K, M, G or T" ]]
    done
    run --separate-stderr "${train[@]}" -q -o out --auto-batch 1G --dataloader-drop-last "$WORK/long.mp"
    [ "$status" -eq 2 ]
    [[ "${stderr_lines[0]}" == "bert-train: --dataloader-drop-last drops by a size that --auto-batch chooses" ]]
}

@test "a batch that the machine has no memory for: what it takes, and which would fit" {
    needs_plain_build
    bert-init -q -o wide --config "$MODEL/config.json" --vocab "$MODEL/vocab.txt" --hidden 256 --heads 4 --intermediate 1024
    whole=$(bert-train -q -m wide -w 1 -j 1 --dry-run -b 32 "$WORK/long.mp" | sed -n 's/^memory: \([0-9]*\).*/\1/p')
    limited() { bash -c 'ulimit -v $1; shift; exec "$@"' - "$kilobytes" bert-train -q -m wide -f json -w 1 -j 1 -o out "$@" "$WORK/long.mp"; }
    # the program itself takes some too
    for more in $(seq 40 -3 -40); do
        kilobytes=$(((whole + more) * 1000))
        run --separate-stderr limited -w 0 -b 32 -n 1 --save-strategy no
        [ "$status" -eq 0 ] || break
        rm -r out
    done
    [ "$status" -eq 1 ]
    [ ! -e out/config.json ]
    pattern='^bert-train: memory: batches of 32 records, of up to 1[0-9]+ tokens, take [0-9.]+ MB, of [0-9.]+ MB: -b ([0-9]+) -a ([0-9]+) would fit, and --auto-batch finds it$'
    [[ "$stderr" =~ $pattern ]] || { echo "$stderr"; false; }
    [ $((BASH_REMATCH[1] * BASH_REMATCH[2])) -eq 32 ]
    succeeds limited -w 0 -b "${BASH_REMATCH[1]}" -a "${BASH_REMATCH[2]}" -n 1 --save-strategy no
}
