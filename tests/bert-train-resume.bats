# bert-train: checkpoints, runs that are killed, stopped and resumed, and which model is the result.

load streams
load bert

setup_file() {
    make_tokens
    cd "$WORK" || exit 1
    for i in $(seq 40); do
        printf 'negative\ta bad film , %s\npositive\ta great movie and the best plot of %s\n' "$(seq -s ' ' $((i % 13)))" "$i"
    done | (printf 'label\ttext\n' && cat) | tokens - >many.mp
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    train=(bert-train -q -f json -m "$MODEL" -b 4 -w 20 -l 0.001)
}

# What a run's end depends on: weights, optimiser, step.
digest() {
    tr -d '\n' <"$1/bertpipe.json" | json 'rows[0]["run"]["training_digest"], rows[0]["run"]["steps"], rows[0]["run"].get("best_step")'
}

checkpoints() {
    (cd "$1" && printf '%s\n' checkpoint-* | sort -t - -k 2n | tr '\n' ' ')
}

# Starts the run in the background and kills it with this signal after a while.
killed_after() {
    local signal=$1 seconds=$2
    shift 2
    "$@" >/dev/null 2>>messages 3>&- &
    sleep "$seconds"
    kill -s "$signal" $! 2>/dev/null || true
    wait $! 2>/dev/null
}

@test "killed twenty times and resumed, the run ends as one that was left alone" {
    RANDOM=1
    kills=0
    round=0
    # saves often; one micro-batch a step and two; in epochs and by length; the best model and the last
    for options in "-a 2 --save-steps 7 --eval-strategy steps --eval-steps 7 --save-total-limit 2 --group-by-length" \
        "--save-steps 3 --save-total-limit 1 --no-load-best-model-at-end --lr-scheduler-type cosine --optim sgd"; do
        round=$((round + 1))
        # shellcheck disable=SC2206
        run=("${train[@]}" --dropout 0.1 --max-steps 400 --save-strategy steps -e "$WORK/test.mp" $options)
        succeeds "${run[@]}" -o whole "$WORK/many.mp"
        while [ $kills -lt $((round * 10)) ]; do
            status=0
            killed_after KILL "0.$((RANDOM % 35 + 10))" "${run[@]}" -o out --resume-from-checkpoint last "$WORK/many.mp" || status=$?
            [ $status -eq 137 ] || [ $status -eq 0 ] || { echo "status $status"; cat messages; false; }
            if [ $status -eq 137 ]; then
                kills=$((kills + 1))
            else
                rm -rf out # it had ended already: once more
            fi
        done
        run --separate-stderr "${run[@]}" -o out --resume-from-checkpoint last "$WORK/many.mp"
        [ "$status" -eq 0 ] || { echo "$stderr"; false; }
        [ "$(digest out)" = "$(digest whole)" ]
        cmp out/model.safetensors whole/model.safetensors
        [ "$(checkpoints out)" = "$(checkpoints whole)" ]
        rm -rf out whole
    done
    [ $kills -eq 20 ]
}

@test "any number of threads gives the same weights and optimiser" {
    for threads in 1 2 4; do
        succeeds "${train[@]}" --dropout 0.1 --max-steps 60 --save-strategy no -j $threads -o out-$threads "$WORK/many.mp"
    done
    [ "$(digest out-1)" = "$(digest out-2)" ]
    [ "$(digest out-1)" = "$(digest out-4)" ]
    cmp out-1/model.safetensors out-4/model.safetensors
}

@test "metrics of a resumed run are those of a whole one" {
    run=("${train[@]}" --max-steps 40 --logging-steps 4 --save-strategy steps --save-steps 10 -e "$WORK/test.mp" --eval-strategy steps --eval-steps 10)
    succeeds "${run[@]}" -o whole "$WORK/many.mp"
    printf '%s\n' "$output" | json '[(r["step"], r["split"], {k: v for k, v in sorted(r["values"].items()) if "runtime" not in k and "second" not in k}) for r in rows]' >whole-metrics
    cp -a whole out
    rm -r out/checkpoint-20 out/checkpoint-30 out/checkpoint-40 out/bertpipe.json
    succeeds "${run[@]}" -o out --resume-from-checkpoint last "$WORK/many.mp"
    printf '%s\n' "$output" | json '[(r["step"], r["split"], {k: v for k, v in sorted(r["values"].items()) if "runtime" not in k and "second" not in k}) for r in rows]' >resumed-metrics
    diff whole-metrics resumed-metrics
    [ "$(digest out)" = "$(digest whole)" ]
}

@test "SIGTERM and SIGINT write a checkpoint and end by the signal; the run can be resumed" {
    run=("${train[@]}" --max-steps 3000 --save-strategy no "$WORK/many.mp")
    succeeds "${run[@]}" -o whole
    for signal in TERM INT; do
        rm -rf out messages
        # bash gives background commands a SIGINT that is ignored
        python3 - $signal "${run[@]}" -o out <<'END'
import os, signal, subprocess, sys, time
number = getattr(signal, "SIG" + sys.argv[1])
signal.signal(signal.SIGINT, signal.default_int_handler)
process = subprocess.Popen(sys.argv[2:], stdout=open("metrics", "w"), stderr=open("messages", "w"))
while process.poll() is None and os.path.getsize("metrics") == 0: # until it trains
    time.sleep(0.01)
time.sleep(0.1)
process.send_signal(number)
assert process.wait() == -number, process.returncode
END
        step=$(cd out && echo checkpoint-*)
        step=${step#checkpoint-}
        [ "$(cat messages)" = "" ] # -q
        [ ! -e out/bertpipe.json ]
        succeeds "${run[@]}" -o out --resume-from-checkpoint "out/checkpoint-$step"
        [ "$(digest out)" = "$(digest whole)" ]
    done
}

@test "SIGUSR1 writes a checkpoint and the run goes on" {
    run=("${train[@]}" --max-steps 4000 --save-strategy no "$WORK/many.mp")
    "${run[@]}" -o out >metrics 2>messages 3>&- &
    until [ -s metrics ] || ! kill -0 $!; do # until it trains
        sleep 0.01
    done
    kill -USR1 $!
    wait $!
    step=$(cd out && echo checkpoint-*)
    [ "${step#checkpoint-}" -lt 4000 ]
    [ -s "out/$step/optimizer.safetensors" ]
    succeeds "${run[@]}" -o whole
    [ "$(digest out)" = "$(digest whole)" ]
    succeeds "${run[@]}" -o other --resume-from-checkpoint "out/$step"
    [ "$(digest other)" = "$(digest whole)" ]
}

@test "SIGUSR1 before the first step: a checkpoint after it, and the run goes on" {
    mkfifo data
    run=("${train[@]}" --max-steps 30 --save-strategy no -o out)
    "${run[@]}" data >/dev/null 2>messages 3>&- &
    exec 5>data # the model has been read, the data has not
    kill -USR1 $!
    cat "$WORK/many.mp" >&5
    exec 5>&-
    wait $!
    [ ! -s messages ]
    [ "$(checkpoints out)" = "checkpoint-1 " ]
    succeeds "${train[@]}" --max-steps 30 --save-strategy no -o whole "$WORK/many.mp"
    [ "$(digest out)" = "$(digest whole)" ]
}

@test "--save-total-limit keeps the newest and the best" {
    # the rate makes the loss go up again, so that the best comes early
    run=("${train[@]}" -l 0.03 -w 0 --dropout 0 --max-steps 40 --save-strategy steps --save-steps 4 --eval-strategy steps --eval-steps 4 -e "$WORK/test.mp" "$WORK/many.mp")
    succeeds "${run[@]}" -o all
    best=$(printf '%s\n' "$output" | json 'min((r["values"]["loss"], r["step"]) for r in rows if r["split"] == "eval")[1]')
    [ "$best" -lt 36 ]
    [ "$(cd all && ls -d checkpoint-* | wc -l)" -eq 10 ]
    for limit in 1 2; do
        succeeds "${run[@]}" --save-total-limit $limit -o "out-$limit"
        [ "$(checkpoints "out-$limit")" = "checkpoint-$best checkpoint-40 " ]
        cmp "out-$limit/model.safetensors" "all/checkpoint-$best/model.safetensors"
    done
    succeeds "${run[@]}" --save-total-limit 3 -o out-3
    [ "$(cd out-3 && ls -d checkpoint-* | wc -l)" -eq 3 ]
    [ -d "out-3/checkpoint-$best" ] && [ -d out-3/checkpoint-40 ] && [ -d out-3/checkpoint-36 ]
}

@test "a run that goes on after its last save still removes what --save-total-limit leaves no room for" {
    run=("${train[@]}" -w 2 --max-steps 12 --save-strategy steps --save-steps 4 --no-load-best-model-at-end -o out "$WORK/many.mp")
    succeeds "${run[@]}"
    [ "$(checkpoints out)" = "checkpoint-4 checkpoint-8 checkpoint-12 " ]
    succeeds "${run[@]}" --save-total-limit 1 --resume-from-checkpoint last
    [ "$(checkpoints out)" = "checkpoint-12 " ]
}

@test "the best model by another metric, either way" {
    run=("${train[@]}" -l 0.03 -w 0 --max-steps 40 --save-strategy steps --save-steps 4 --eval-strategy steps --eval-steps 4 -e "$WORK/test.mp" "$WORK/many.mp")
    for options in "accuracy:max:" "eval_f1:max:" "loss:min:" "accuracy:min:--greater-is-better false" "roc_auc:max:--greater-is-better true"; do
        IFS=: read -r metric which more <<<"$options"
        rm -rf out
        # shellcheck disable=SC2086
        succeeds "${run[@]}" --metric-for-best-model "$metric" $more -o out
        value=$(printf '%s\n' "$output" | json "$which(r['values']['${metric#eval_}'] for r in rows if r['split'] == 'eval')")
        first=$(printf '%s\n' "$output" | json "[r['step'] for r in rows if r['split'] == 'eval' and r['values']['${metric#eval_}'] == $value][0]")
        [ "$(tr -d '\n' <out/bertpipe.json | json 'rows[0]["run"]["best_step"]')" = "$first" ] || { echo "$options"; false; }
        cmp out/model.safetensors "out/checkpoint-$first/model.safetensors"
    done
    fails_with "bert-train: *accurracy*" "${run[@]}" --metric-for-best-model accurracy -o other
}

@test "--early-stopping-patience ends the run after as many evaluations that are no better" {
    run=("${train[@]}" -l 0.03 -w 0 --dropout 0 --max-steps 40 --save-strategy steps --save-steps 4 --eval-strategy steps --eval-steps 4 -e "$WORK/test.mp" "$WORK/many.mp")
    succeeds "${run[@]}" -o all
    # by hand: the first evaluation after which two in a row are no better than the best before
    stop=$(printf '%s\n' "$output" | json '(lambda losses: next(4 * (i + 1) for i in range(len(losses)) if i >= 2 and min(losses[i - 1 : i + 1]) >= min(losses[: i - 1])))([r["values"]["loss"] for r in rows if r["split"] == "eval"])')
    [ "$stop" -lt 40 ]
    run --separate-stderr "${run[@]}" --early-stopping-patience 2 -o out
    [ "$status" -eq 0 ]
    [ "$(printf '%s\n' "$output" | json '[r["step"] for r in rows if r["split"] == "eval"][-1]')" = "$stop" ]
    [ "$(checkpoints out | tr ' ' '\n' | grep -c .)" -eq $((stop / 4)) ]
}

@test "a checkpoint that is not whole is passed over, and said" {
    run=("${train[@]}" --max-steps 30 --save-strategy steps --save-steps 10 "$WORK/many.mp")
    succeeds "${run[@]}" -o whole
    for file in model.safetensors optimizer.safetensors trainer_state.json bertpipe.json; do
        rm -rf out
        cp -a whole out
        rm -r out/bertpipe.json out/checkpoint-30
        truncate -s -3 "out/checkpoint-20/$file"
        run --separate-stderr "${run[@]}" -o out --resume-from-checkpoint last
        [ "$status" -eq 0 ] || { echo "$stderr"; false; }
        # one line says which and why
        [ "$(printf '%s\n' "$stderr" | grep -c passed)" -eq 1 ]
        [[ "${stderr_lines[0]}" == "bert-train: warning: out/checkpoint-20/$file: "*": this checkpoint is passed over" ]] || { echo "$file: $stderr"; false; }
        [ "$(digest out)" = "$(digest whole)" ]
    done
    rm -rf out
    mkdir out
    run --separate-stderr "${run[@]}" -o out --resume-from-checkpoint last
    [ "$status" -eq 0 ]
    [ "$(digest out)" = "$(digest whole)" ]
}

@test "--save-only-model: a third of the size, and cannot be resumed" {
    succeeds "${train[@]}" -w 2 --max-steps 10 --save-strategy steps --save-steps 10 --save-only-model -o out "$WORK/many.mp"
    [ ! -e out/checkpoint-10/optimizer.safetensors ]
    fails_with "bert-train: out/checkpoint-10*" "${train[@]}" -w 2 --max-steps 20 -o other --resume-from-checkpoint out/checkpoint-10 "$WORK/many.mp"
}

@test "too little memory ends the run with a line that says what to change, before the first step" {
    needs_plain_build
    bert-init -q --layers 2 --hidden 512 --heads 8 --vocab "$MODEL/vocab.txt" -o big
    for device in cpu ref; do
        run --separate-stderr bash -c 'ulimit -v 150000; exec "$@"' - bert-train -q -f json -m big -w 0 --max-steps 2 --device $device -o out "$WORK/many.mp"
        [ "$status" -eq 1 ]
        [ "${#stderr_lines[@]}" -eq 1 ] || { echo "$device: $stderr"; false; }
        [ $device = ref ] || [[ "$stderr" =~ ^bert-train:\ memory:\ the\ model\ alone\ takes\ [0-9.]+\ MB\ to\ train,\ of\ [0-9.]+\ MB$ ]] || { echo "$stderr"; false; }
        [ ! -e out/model.safetensors ]
    done
    run --separate-stderr bash -c 'ulimit -v 150000; exec "$@"' - bert-predict -q -f json -m big --batch-tokens 1000000 -b 1000000 "$WORK/many.mp"
    [ "$status" -eq 1 ]
    [[ "$stderr" == "bert-predict: memory: cannot have the "*" MiB that this takes: smaller batches and shorter texts take less" ]]
}
