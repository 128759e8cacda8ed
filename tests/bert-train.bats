load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    train=(bert-train -m "$MODEL" -o out --device ref -w 1 -b 4)
}

# A short run with -q and JSON metrics into the file m.
trains() {
    succeeds "${train[@]}" -q -f json "$@"
    printf '%s\n' "$output" > m
}

# As fails_with, and nothing of a model is left behind.
fails_without_output() {
    fails_with "$@"
    [ ! -e out/config.json ] && [ ! -e out/model.safetensors ] && [ ! -e out/bertpipe.json ]
}

@test "manners" {
    has_manners bert-train
}

@test "options that contradict each other are usage errors" {
    for options in "-o out" "-m $MODEL" "-m $MODEL -o out --load-best-model-at-end" "-m $MODEL -o out --eval-strategy epoch" \
        "-m $MODEL -o out --eval -" "-m $MODEL -o out --eval - -" "-m $MODEL -o out --eval $WORK/test.mp --load-best-model-at-end --save-strategy no" \
        "-m $MODEL -o out --num-train-epochs -1" "-m $MODEL -o out -b 0" "-m $MODEL -o out --dropout 1" "-m $MODEL -o out --seed x"; do
        # shellcheck disable=SC2086
        run --separate-stderr bert-train $options < "$WORK/train.mp"
        [ "$status" -eq 2 ] || { echo "$options: $status"; false; }
        [ -z "$output" ]
        [ "${#stderr_lines[@]}" -eq 2 ] || { echo "$options: $stderr"; false; }
        [ ! -e out ]
    done
}

@test "the folders and files of a run" {
    trains --eval "$WORK/test.mp" -n 2 -b 4 --logging-steps 1 "$WORK/train.mp"
    for folder in out out/checkpoint-2 out/checkpoint-4; do
        for file in config.json model.safetensors tokenizer.json tokenizer_config.json vocab.txt bertpipe.json; do
            [ -s "$folder/$file" ] || { echo "no $folder/$file"; false; }
        done
    done
    [ -s out/checkpoint-4/optimizer.safetensors ] && [ -s out/checkpoint-4/trainer_state.json ]
    [ ! -e out/optimizer.safetensors ]
    [ "$(find out -name '.*' ! -name .)" = "" ]
    bert-predict -q -m out -o predictions.mp "$WORK/test.mp"
}

@test "metrics: names, steps and epochs as the Trainer's" {
    trains --eval "$WORK/test.mp" -n 2 -b 4 --logging-steps 1 "$WORK/train.mp"
    [ "$(json '[(r["split"], r["step"], r["epoch"]) for r in rows]' < m)" = \
        "[('train', 1, 0.5), ('train', 2, 1.0), ('eval', 2, 1.0), ('train', 3, 1.5), ('train', 4, 2.0), ('eval', 4, 2.0), ('train', 4, 2.0)]" ]
    [ "$(json 'list(rows[0]["values"])' < m)" = "['loss', 'grad_norm', 'learning_rate']" ]
    run json '(lambda names: (names[:2], names[-3:], {"precision", "recall", "f1", "f1_macro", "roc_auc"} <= set(names)))(list(rows[2]["values"]))' < m
    [ "$output" = "(['loss', 'accuracy'], ['runtime', 'samples_per_second', 'steps_per_second'], True)" ]
    [ "$(json 'list(rows[6]["values"])' < m)" = \
        "['train_runtime', 'train_samples_per_second', 'train_steps_per_second', 'train_tokens_per_second', 'total_flos', 'train_loss']" ]
    # the rate is the one the step used: 0, then 5e-5 down to 0 over the three steps after the warmup
    [ "$(json 'all(math.isclose(r["values"]["learning_rate"], x, rel_tol=1e-12, abs_tol=0)
        for r, x in zip([r for r in rows if "loss" in r["values"] and r["split"] == "train"], [0, 5e-5, 5e-5 * 2 / 3, 5e-5 / 3]))' < m)" = True ]
    [ "$(json 'math.isclose(rows[6]["values"]["train_loss"], sum(rows[i]["values"]["loss"] for i in (0, 1, 3, 4)) / 4, rel_tol=1e-12)' < m)" = True ]
}

@test "the loss logged is the mean since the last log" {
    trains -n 2 -b 4 --logging-steps 1 --save-strategy no "$WORK/train.mp"
    each=$(json '(rows[0]["values"]["loss"] + rows[1]["values"]["loss"] + rows[2]["values"]["loss"]) / 3' < m)
    rm -r out
    trains -n 2 -b 4 --logging-steps 3 --save-strategy no "$WORK/train.mp"
    [ "$(json "math.isclose(rows[0]['values']['loss'], $each, rel_tol=1e-12)" < m)" = True ]
}

@test "gradient accumulation: 4x1, 2x2 and 1x4 are the same, also where an epoch's last step is smaller" {
    head -n 7 "$WORK/reviews.tsv" | tokens - > six.mp
    for batch in 4 2 1; do
        rm -rf out
        trains -n 2 -b $batch -a $((4 / batch)) --logging-steps 1 --save-strategy no six.mp
        json '[[r["values"][k] for k in ("loss", "grad_norm")] for r in rows[:-1]]' < m > "steps-$batch"
    done
    [ "$(json 'len(rows[0])' < steps-4)" = 4 ]
    for batch in 2 1; do
        [ "$(cat steps-4 steps-$batch | json 'all(math.isclose(x, y, rel_tol=1e-5) for a, b in zip(*rows) for x, y in zip(a, b))')" = True ]
    done
}

@test "the best model is the one with the lowest eval_loss" {
    # a rate that makes the loss go up again
    trains --eval "$WORK/test.mp" -n 4 -b 2 -l 0.03 --dropout 0 "$WORK/train.mp"
    best=$(json 'min((r["values"]["loss"], r["step"]) for r in rows if r["split"] == "eval")[1]' < m)
    [ "$best" != 16 ]
    cmp out/model.safetensors "out/checkpoint-$best/model.safetensors"
    [ "$(json 'rows[0]["best_global_step"]' < <(tr -d '\n' < out/checkpoint-16/trainer_state.json))" = "$best" ]
    [ "$(json 'rows[0]["run"]["best_step"]' < <(tr -d '\n' < out/bertpipe.json))" = "$best" ]
    rm -r out
    trains --eval "$WORK/test.mp" -n 4 -b 2 -l 0.03 --dropout 0 --no-load-best-model-at-end "$WORK/train.mp"
    cmp out/model.safetensors out/checkpoint-16/model.safetensors
}

@test "evaluation and checkpoints by steps, and where max-steps cuts an epoch" {
    trains --eval "$WORK/test.mp" --max-steps 5 -b 2 --eval-strategy steps --eval-steps 2 --save-strategy steps --save-steps 2 \
        --no-load-best-model-at-end --logging-steps 100 "$WORK/train.mp"
    [ "$(json '[r["step"] for r in rows if r["split"] == "eval"]' < m)" = "[2, 4, 5]" ]
    [ "$(cd out && echo checkpoint-*)" = "checkpoint-2 checkpoint-4 checkpoint-5" ]
    [ "$(json 'rows[-1]["epoch"]' < m)" = 1.25 ]
}

@test "trainer_state.json holds what the Trainer's does" {
    trains --eval "$WORK/test.mp" -n 1 -b 4 --logging-steps 1 "$WORK/train.mp"
    run json 'sorted(rows[0])' < <(tr -d '\n' < out/checkpoint-2/trainer_state.json)
    [ "$output" = "['best_global_step', 'best_metric', 'best_model_checkpoint', 'epoch', 'eval_steps', 'global_step', 'is_hyper_param_search', 'is_local_process_zero', 'is_world_process_zero', 'log_history', 'logging_steps', 'max_steps', 'num_input_tokens_seen', 'num_train_epochs', 'save_steps', 'stateful_callbacks', 'total_flos', 'train_batch_size', 'trial_name', 'trial_params']" ]
    run json 'sorted(rows[0]["log_history"][-2])' < <(tr -d '\n' < out/checkpoint-2/trainer_state.json)
    [ "$output" = "['epoch', 'grad_norm', 'learning_rate', 'loss', 'step']" ]
    # what the Trainer has of every evaluation, and scores beside
    run json '{"epoch", "eval_accuracy", "eval_f1", "eval_loss", "eval_runtime", "eval_samples_per_second", "eval_steps_per_second", "step"} - set(rows[0]["log_history"][-1])' \
        < <(tr -d '\n' < out/checkpoint-2/trainer_state.json)
    [ "$output" = "set()" ]
}

@test "old and new spellings, short and long" {
    for options in "--evaluation_strategy no" "--eval-strategy=no" "--num_train_epochs 1 --per_device_train_batch_size=2"; do
        rm -rf out
        # shellcheck disable=SC2086
        trains --eval "$WORK/test.mp" -n 1 --save-strategy no $options "$WORK/train.mp"
    done
}

@test "one line says what is switched off, and a warmup that is too long warns" {
    run --separate-stderr "${train[@]}" -n 1 -b 8 -w 9 --save-strategy no -f json "$WORK/train.mp"
    [ "$status" -eq 0 ]
    [ "${stderr_lines[0]}" = "bert-train: no --eval FILE: no evaluation, and the last model is the result" ]
    [[ "$stderr" == *"bert-train: warning: the warmup of 9 steps is not shorter than the run of 1: "* ]]
    run --separate-stderr "${train[@]}" -n 1 -b 8 --save-strategy no --force --eval "$WORK/test.mp" "$WORK/train.mp"
    [ "$status" -eq 0 ] && [ "${stderr_lines[0]}" = "bert-train: no checkpoints: the last model is the result, not the best" ]
}

@test "lines of progress" {
    run --separate-stderr "${train[@]}" -n 1 -b 4 --logging-steps 1 --save-strategy no --eval "$WORK/test.mp" "$WORK/train.mp"
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"bert-train: step 1/2 loss "*" grad_norm "*" learning_rate 0 epoch 0.50"* ]]
    [[ "$stderr" == *"bert-train: epoch 1.00: eval loss "*" accuracy "* ]]
}

@test "labels: names are sorted, --labels orders them, numbers take the model's names" {
    trains -n 1 --save-strategy no "$WORK/train.mp"
    [ "$(json 'rows[0]["id2label"]' < <(tr -d '\n' < out/config.json))" = "{'0': 'negative', '1': 'positive'}" ]
    rm -r out
    trains -n 1 --save-strategy no --labels positive,neutral,negative "$WORK/train.mp"
    [ "$(json 'rows[0]["id2label"]' < <(tr -d '\n' < out/config.json))" = "{'0': 'positive', '1': 'neutral', '2': 'negative'}" ]
    rm -r out
    sed 's/negative/0/; s/positive/1/' "$WORK/reviews.tsv" | tokens - > numbers.mp
    trains -n 1 --save-strategy no numbers.mp
    [ "$(json 'rows[0]["id2label"]' < <(tr -d '\n' < out/config.json))" = "{'0': 'negative', '1': 'positive'}" ]
    rm -r out
    sed 's/negative/2/; s/positive/1/' "$WORK/reviews.tsv" | tokens - > numbers.mp
    trains -n 1 --save-strategy no numbers.mp
    [ "$(json 'rows[0]["id2label"]' < <(tr -d '\n' < out/config.json))" = "{'0': 'LABEL_0', '1': 'LABEL_1', '2': 'LABEL_2'}" ]
}

@test "the trained model's configuration says which dropout it had" {
    trains -n 1 --save-strategy no --dropout 0.25 --attention-probs-dropout-prob 0.5 "$WORK/train.mp"
    [ "$(json '[rows[0][k] for k in ("hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout")]' \
        < <(tr -d '\n' < out/config.json))" = "[0.25, 0.5, 0.25]" ]
}

@test "the same seed gives the same bytes, another seed others" {
    trains -n 1 -s 7 --save-strategy no "$WORK/train.mp"
    mv out one
    trains -n 1 -s 7 --save-strategy no "$WORK/train.mp"
    cmp one/model.safetensors out/model.safetensors
    rm -r out
    trains -n 1 -s 8 --save-strategy no "$WORK/train.mp"
    run cmp one/model.safetensors out/model.safetensors
    [ "$status" -eq 1 ]
}

@test "metrics are a stream, and stdin is read when there is no FILE" {
    "${train[@]}" -q -n 1 --save-strategy no < "$WORK/train.mp" > metrics.mp
    run --separate-stderr rec-check metrics.mp
    [ "$status" -eq 0 ]
    [[ "$output$stderr" == *metrics* ]]
}

@test "the output folder: an earlier run's is taken, another's is refused" {
    trains -n 1 --save-strategy no "$WORK/train.mp"
    run --separate-stderr "${train[@]}" -f json -n 1 --save-strategy no "$WORK/train.mp"
    [ "$status" -eq 0 ]
    [[ "$stderr" == *"bert-train: out: replacing the output of an earlier run"* ]]
    mkdir other
    echo precious > other/notes
    fails_with "bert-train: other: the folder holds other files: *" bert-train -q -m "$MODEL" -o other "$WORK/train.mp"
    [ "$(ls other)" = notes ]
    succeeds bert-train -q -m "$MODEL" -o other --force --device ref -w 1 -b 4 -n 1 --save-strategy no -f json "$WORK/train.mp"
    [ -e other/notes ] && [ -e other/config.json ]
    # The Trainer's folder, and names that begin like a checkpoint's.
    mkdir -p trainer/checkpoint-500
    echo precious | tee trainer/config.json trainer/model.safetensors trainer/checkpoint-500/model.safetensors > trainer/checkpoint-notes.txt
    fails_with "bert-train: trainer: the folder holds other files: *" bert-train -q -m "$MODEL" -o trainer "$WORK/train.mp"
    [ "$(cat trainer/model.safetensors)" = precious ]
    ln -s "$PWD/other" out/checkpoint-4
    fails_with "bert-train: out/checkpoint-4: not a folder, and a checkpoint may go there" bert-train -q -m "$MODEL" -o out --force "$WORK/train.mp"
    rm out/checkpoint-4
    for file in bertpipe.json config.json tokenizer.json trainer_state.json all_results.json; do
        rm "out/$file"
        mkdir "out/$file"
        fails_with "bert-train: out/$file: a folder, and a file of the run goes there" bert-train -q -m "$MODEL" -o out --force "$WORK/train.mp"
        rmdir "out/$file"
    done
}

@test "an output that cannot be written is found before training" {
    fails_with "bert-train: /dev/null/out: cannot make this folder: *" bert-train -q -m "$MODEL" -o /dev/null/out "$WORK/train.mp"
    touch file
    fails_with "bert-train: file: exists and is not a folder" bert-train -q -m "$MODEL" -o file "$WORK/train.mp"
    mkdir locked
    read_only locked true 2> /dev/null || skip "no folder can be made read-only for root here"
    fails_with "bert-train: locked: cannot make files in this folder: *" read_only locked bert-train -q -m "$MODEL" -o locked "$WORK/train.mp"
}

@test "a model that cannot be loaded" {
    fails_with "bert-train: nowhere: neither a folder nor a model in *" bert-train -q -m nowhere -o out "$WORK/train.mp"
    [ ! -e out ]
    fails_with "bert-train: */bad-missing-tensor*" bert-train -q -m "$MODELS/bad-missing-tensor" -o out "$WORK/train.mp"
    fails_with "bert-train: */bad-wrong-shape*" bert-train -q -m "$MODELS/bad-wrong-shape" -o out "$WORK/train.mp"
}

@test "tokens of another tokenizer are refused, naming both" {
    printf '%s\n' '[PAD]' '[UNK]' '[CLS]' '[SEP]' '[MASK]' a film > vocab.txt
    rec-load -q --from tsv "$WORK/reviews.tsv" | wp-tokenize -q --vocab vocab.txt > other.mp 2>/dev/null
    fails_without_output "bert-train: other.mp: the tokens were made by tokenizer * (wordpiece), but */good-tiny has tokenizer *" \
        "${train[@]}" -q other.mp
    fails_without_output "bert-train: other.mp: the tokens were made by *" "${train[@]}" -q --eval other.mp "$WORK/train.mp"
}

@test "streams that are empty, cut, of another type or unlabelled" {
    fails_without_output "bert-train: standard input: *" "${train[@]}" -q < /dev/null
    head -c 300 "$WORK/train.mp" > cut.mp
    fails_without_output "bert-train: cut.mp: *" "${train[@]}" -q cut.mp
    rec-load -q --from tsv "$WORK/reviews.tsv" > text.mp
    fails_without_output "bert-train: text.mp: needs a tokens stream, this is a text stream" "${train[@]}" -q text.mp
    head -n 1 "$WORK/reviews.tsv" | tokens - > none.mp
    fails_without_output "bert-train: none.mp: no records" "${train[@]}" -q none.mp
    fails_without_output "bert-train: */texts.mp: record 1: no label" "${train[@]}" -q "$WORK/texts.mp"
    head -n 2 "$WORK/reviews.tsv" | tokens - > single.mp
    fails_without_output "bert-train: the training data has one class only ('negative'), *" "${train[@]}" -q single.mp
}

@test "labels, lengths and ids out of range name the record" {
    printf 'label\ttext\n0\ta film\n2000000000\ta film\n' | rec-load -q -F tsv | wp-tokenize -q -m "$MODEL" > large.mp
    fails_without_output "bert-train: the largest label is 2000000000, and a model has at most 1048576 classes" \
        "${train[@]}" -q large.mp
    fails_without_output "bert-train: */train.mp: record 1: label 'negative' is not one of the 2 classes" \
        "${train[@]}" -q --labels good,positive "$WORK/train.mp"
    sed 's/negative/bad/' "$WORK/reviews.tsv" | tokens - > other.mp
    fails_without_output "bert-train: other.mp: record 1: label 'bad' is not one of the 2 classes" \
        "${train[@]}" -q --eval other.mp "$WORK/train.mp"
    yes film | head -n 100 | tr '\n' ' ' | sed 's/^/0\t/' > long.tsv
    rec-load -q --from tsv --no-header long.tsv > long.mp 2>/dev/null || printf 'label\ttext\n%s\n' "$(cat long.tsv)" | rec-load -q --from tsv > long.mp
    wp-tokenize -q --vocab "$MODEL/vocab.txt" long.mp > long-tokens.mp
    fails_without_output "bert-train: long-tokens.mp: *" "${train[@]}" -q long-tokens.mp
}

@test "a loss that is not finite ends the run with advice" {
    fails_without_output "bert-train: step *: the * is not finite: lower --learning-rate*" \
        "${train[@]}" -q -f json --device cpu -w 0 -l 1e6 -n 20 -b 2 --weight-decay 1e6 --save-strategy no "$WORK/train.mp"
}

# not_a_number FOLDER [TENSOR ELEMENT]: the model with a NaN there, else in classifier.weight
not_a_number() {
    cp -r "$MODEL" "$1"
    python3 - "$1/model.safetensors" "${2:-classifier.weight}" "${3:-0}" <<'END'
import json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
(size,) = struct.unpack("<Q", data[:8])
at = 8 + size + json.loads(data[8 : 8 + size])[sys.argv[2]]["data_offsets"][0] + 4 * int(sys.argv[3])
data[at : at + 4] = struct.pack("<f", float("nan"))
open(sys.argv[1], "wb").write(data)
END
}

@test "a model that computes no numbers: no program takes its output for an answer" {
    not_a_number nan
    fails_without_output "bert-predict: */texts.mp: record 1: the model's output is not finite" bert-predict -q -m nan -f json "$WORK/texts.mp"
    fails_without_output "bert-eval: */test.mp: record 1: the model's output is not finite" bert-eval -q -m nan "$WORK/test.mp"
    run --separate-stderr bash -c 'bert-train -q -m nan -o early -w 0 -e "$1" --eval-on-start "$2" > metrics' bash "$WORK/test.mp" "$WORK/train.mp"
    [ "$status" -eq 1 ]
    [ "$stderr" = "bert-train: evaluation: record 1: the model's output is not finite" ]
}

@test "what a run that diverged has saved does not become its result when it is resumed" {
    # weights of queries and keys near 10 become 1e13 in one step, by the rate times the decay: their scores are beyond float32
    cp -r "$MODEL" large
    python3 - large/model.safetensors <<'END'
import array, json, struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
(size,) = struct.unpack("<Q", data[:8])
for name, entry in json.loads(data[8 : 8 + size]).items():
    if name.endswith(("query.weight", "key.weight")):
        first, end = (8 + size + at for at in entry["data_offsets"])
        data[first:end] = array.array("f", [1e3 * x for x in array.array("f", bytes(data[first:end]))]).tobytes()
open(sys.argv[1], "wb").write(data)
END
    run=(bert-train -q -f json -m large -o out -w 0 -l 1e6 --weight-decay 1e6 -b 8 --max-steps 1 --save-strategy steps --save-steps 1 --resume-from-checkpoint last "$WORK/train.mp")
    for attempt in first second; do
        run --separate-stderr "${run[@]}"
        [ "$status" -eq 1 ] || { echo "$attempt: $status"; false; }
        one_line "bert-train: step 1: the output of the model after it is not finite: lower --learning-rate, *"
        [ -d out/checkpoint-1 ] && [ ! -e out/model.safetensors ] && [ ! -e out/bertpipe.json ]
    done
}

@test "weights that are not finite are not saved, though no text has needed them" {
    # a gradient of 0 divided by an epsilon of 0: the words that no record has become NaN
    fails_without_output "bert-train: the weights after step 1 are not finite: lower --learning-rate, *" \
        bash -c '"$@" > metrics' - bert-train -q -m "$MODEL" -o out -w 0 -l 1e-6 -b 8 --max-steps 1 --adam-epsilon 0 --weight-decay 0 \
        --lr-scheduler-type constant --save-strategy steps --save-steps 1 "$WORK/train.mp"
    [ -z "$(find out -mindepth 1)" ]
}

@test "a record whose output is not finite is named by its file and place in it" {
    hidden=$(json 'rows[0]["hidden_size"]' < <(tr -d '\n' < "$MODEL/config.json"))
    row=$(($(grep -nx wonderful "$MODEL/vocab.txt" | cut -d : -f 1) - 1)) # in record 6 of train.mp alone
    not_a_number nan bert.embeddings.word_embeddings.weight $((row * hidden))
    succeeds bert-predict -q -m nan -f json "$WORK/test.mp"
    for batch in 1 512; do
        fails_with "bert-predict: */train.mp: record 6: the model's output is not finite" \
            bert-predict -q -m nan -o predictions.mp -b $batch "$WORK/test.mp" "$WORK/train.mp"
        fails_with "bert-eval: */train.mp: record 6: the model's output is not finite" \
            bert-eval -q -m nan -o scores -b $batch "$WORK/test.mp" "$WORK/train.mp"
        [ ! -e predictions.mp ] && [ ! -e scores ]
    done
}

# Starts bert-train and stops it when it has written out/checkpoint-$1 and is not done.
stopped_at() {
    local step=$1
    shift
    "$@" > metrics 2> line 3>&- &
    until [ -d "out/checkpoint-$step" ]; do sleep 0.01; done
    kill -STOP $!
    [ ! -e out/bertpipe.json ]
}

@test "a run writes the tokenizer that it began with, whatever becomes of the model's folder" {
    cp -r "$MODEL" parent
    run=(bert-train -q -m parent -b 1 --max-steps 3000 --save-strategy steps --save-steps 500 -w 0 "$WORK/train.mp")
    succeeds bash -c '"$@" -o whole > metrics' - "${run[@]}"
    stopped_at 500 "${run[@]}" -o out
    sed -i 's/"film"/"mlif"/' parent/tokenizer.json
    echo '{"cls_token": "[SEP]"}' | tee parent/tokenizer_config.json > parent/special_tokens_map.json
    kill -CONT $!
    wait $!
    [ ! -s line ]
    for step in . checkpoint-500 checkpoint-3000; do
        for file in vocab.txt tokenizer.json tokenizer_config.json special_tokens_map.json model.safetensors bertpipe.json; do
            [ $file = bertpipe.json ] && [ $step != . ] || cmp "out/$step/$file" "whole/$step/$file"
        done
    done
    rm -rf out parent
    cp -r "$MODEL" parent
    stopped_at 500 "${run[@]}" -o out
    rm -r parent
    kill -CONT $!
    wait $!
    [ ! -s line ]
    cmp out/bertpipe.json whole/bertpipe.json
    cmp out/tokenizer.json whole/tokenizer.json
}

@test "a best checkpoint that no record vouches for is not the result" {
    # Nothing is learned: the first evaluation is the best.
    stopped_at 8 bert-train -q -m "$MODEL" -o out -b 1 -n 300 -w 0 -l 0 --save-total-limit 2 -e "$WORK/test.mp" "$WORK/train.mp"
    rm out/checkpoint-8/bertpipe.json
    cp "$MODEL/model.safetensors" out/checkpoint-8
    kill -CONT $!
    status=0
    wait $! || status=$?
    [ $status -eq 1 ]
    [ "$(cat line)" = "bert-train: out/checkpoint-8: this checkpoint is the best, which was to be the result, and its bertpipe.json is gone" ]
    [ ! -e out/model.safetensors ] && [ ! -e out/bertpipe.json ]
}

@test "a best checkpoint that is taken away is not replaced by another model" {
    # Nothing is learned: the first evaluation is the best.
    bert-train -q -m "$MODEL" -o out -b 1 -n 300 -w 0 -l 0 --save-total-limit 2 -e "$WORK/test.mp" "$WORK/train.mp" > metrics 2> line &
    until compgen -G 'out/checkpoint-??*' > /dev/null; do sleep 0.01; done
    rm -rf out/checkpoint-8
    ! wait $!
    [ "$(cat line)" = "bert-train: out/checkpoint-8: this checkpoint is the best, which was to be the result, and it is gone" ]
    [ ! -e out/model.safetensors ]
}

@test "a full disk" {
    run --separate-stderr sh -c '"$@" > /dev/full' - "${train[@]}" -q -n 1 -f json --logging-steps 1 "$WORK/train.mp"
    [ "$status" -eq 1 ]
    [ "$stderr" = "bert-train: standard output: cannot write: No space left on device" ]
    [ ! -e out/bertpipe.json ]
}

@test "the examples of the manual pages work" {
    ln -s "$MODEL" bert-base-uncased
    ln -s "$MODEL" other-bert
    cp "$WORK/train.mp" "$WORK/test.mp" .
    for page in bert-train bert-eval bert-predict; do
        sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$BATS_TEST_DIRNAME/../man/$page.1" > commands
        [ -s commands ]
        while read -r command; do
            run --separate-stderr bash -e -o pipefail -c "$command"
            [ "$status" -eq 0 ] || { echo "$page: $command: $status: $stderr"; false; }
        done < commands
    done
    [ -s imdb-bert/bertpipe.json ] && [ -s metrics.mp ]
}
