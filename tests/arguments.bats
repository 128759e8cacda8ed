# bertpipe-trainer(7): the table of TrainingArguments is whole and true.

load streams
load bert

setup_file() {
    make_tokens
}

setup() {
    page=$BATS_TEST_DIRNAME/../man/bertpipe-trainer.7
    # One line a row: field, kind, text.
    rows=$(awk '
        /^\.Ss TrainingArguments/ { table = 1 }
        table && /^\.El/ { exit }
        table && /^\.It Li/ { if (row) print row; row = $0; next }
        table && row { row = row " " $0 }
        END { if (row) print row }' "$page" | sed 's/^\.It Li //; s/ Ta /\t/g; s/\t */\t/g')
    fields=$(grep -v '^#' "$BATS_TEST_DIRNAME/fixtures/train/training-arguments.txt")
    help=$(bert-train --help)
}

has_option() {
    grep -qE "(^| )--$1( |\$)" <<<"$help"
}

@test "every field of TrainingArguments has one row, and there are no others" {
    diff <(cut -f 1 <<<"$rows") <(echo "$fields")
    [ "$(wc -l <<<"$rows")" -eq 114 ]
}

@test "a field that is the same is an option of bert-train" {
    same=$(awk -F '\t' '$2 == "same" { print $1 }' <<<"$rows")
    [ "$(wc -l <<<"$same")" -ge 30 ]
    for field in $same; do
        has_option "${field//_/-}" || { echo "no option --${field//_/-}"; false; }
        grep -qE "^$field	same	\.Fl -${field//_/-}( |$)" <<<"$rows" || { echo "$field: another option in its row"; false; }
    done
}

@test "a renamed field names options that exist" {
    while IFS=$'\t' read -r field _ text; do
        options=$(grep -oE '\.Fl -[a-z0-9-]+' <<<"$text" | sed 's/\.Fl -//')
        [ -n "$options" ] || { echo "$field names no option"; false; }
        for option in $options; do
            has_option "$option" || { echo "$field: no option --$option"; false; }
        done
        # the field's own name is taken too, or answered with the option's
        run bert-train "--$field" 1
        [[ $output == *"unknown option"* ]] || continue
        grep -q -- "': here it is .*--${options%%$'\n'*}" <<<"$output" || { echo "$field: $output"; false; }
    done < <(awk -F '\t' '$2 == "renamed"' <<<"$rows")
}

@test "a field that is not applicable has a reason, of its own or another row's" {
    while IFS=$'\t' read -r field kind text; do
        [ "$kind" = "not applicable" ] || continue
        [ -n "$text" ] || { echo "$field has no reason"; false; }
        if [[ $text =~ ^as\ ([a-z0-9_]+)$ ]]; then
            grep -qE "^${BASH_REMATCH[1]}	" <<<"$rows"
        fi
        ! has_option "${field//_/-}" || { echo "$field is an option"; false; }
    done <<<"$rows"
    [ -z "$(cut -f 2 <<<"$rows" | grep -vxE 'same|renamed|not applicable')" ]
}

@test "older spellings are understood" {
    for option in --evaluation-strategy=no --warmup-ratio=0.1 --group-by-length --logging-dir=x --overwrite-output-dir; do
        run bert-train "$option" --no-such-option
        [ "$status" -eq 2 ]
        [[ $output == *"unknown option '--no-such-option'"* ]]
    done
}

@test "a configuration file: TrainingArguments' names, the command line decides" {
    echo '{"learning_rate": 3e-5, "num_train_epochs": 2, "load_best_model_at_end": false, "seed": 7, "run_name": "x"}' > "$BATS_TEST_TMPDIR/c.json"
    run bert-train --config "$BATS_TEST_TMPDIR/c.json" -m x -o y
    [ "$status" -eq 2 ]
    [[ $output == *"c.json: run_name: no such option"* ]]
    echo '{"learning_rate": "high"}' > "$BATS_TEST_TMPDIR/c.json"
    run bert-train --config "$BATS_TEST_TMPDIR/c.json" -m x -o y
    [ "$status" -eq 2 ]
    [[ $output == *"learning_rate: 'high' is no number"* ]]
    run bert-train --config /nonexistent.json
    [ "$status" -eq 1 ]
    [[ $output == *"/nonexistent.json: cannot open"* ]]
}

@test "a configuration file with what no option takes" {
    cd "$BATS_TEST_TMPDIR"
    while IFS='|' read -r json message; do
        echo "$json" > c.json
        run --separate-stderr bert-train --config c.json -m x -o y
        [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "bert-train: c.json: $message" ] || { echo "$json: $status: $stderr"; false; }
    done <<'END'
{"learning_rate": {}}|learning_rate: the value is of a kind that no option takes
{"learning_rate": [1]}|learning_rate: the value is of a kind that no option takes
{"eval": ["a", {}]}|eval: the value is of a kind that no option takes
{"load_best_model_at_end": "perhaps"}|load_best_model_at_end: 'perhaps' is neither true nor false
{"config": "other.json"}|config: no such option
{"seed": 1.5}|seed: '1.5' is no whole number
END
    # a list for an option that may be given more than once; null is not given
    echo '{"eval": ["first.mp", "second.mp"], "seed": null, "no_such": 1}' > c.json
    run --separate-stderr bert-train --config c.json -m x -o y
    [ "${stderr_lines[0]}" = "bert-train: c.json: no_such: no such option" ]
}

@test "a spelling that is nearly an option is answered with it" {
    for pair in --lerning_rate:--learning-rate --eval-stratgy:--eval-strategy --warmup-step=3:--warmup-steps; do
        run --separate-stderr bert-train "${pair%:*}" 1
        [ "$status" -eq 2 ]
        [[ "${stderr_lines[0]}" == "bert-train: unknown option '"*"', perhaps ${pair#*:}" ]] || { echo "$stderr"; false; }
    done
    # what TrainingArguments and transformers' examples call otherwise, with what stands for it
    for pair in "--bf16=--dtype bf16" "--model_name_or_path=-m MODEL" "--max_seq_length=-L of wp-tokenize"; do
        run --separate-stderr bert-train "${pair%%=*}" 1
        [ "$status" -eq 2 ] && [ "${stderr_lines[0]}" = "bert-train: unknown option '${pair%%=*}': here it is ${pair#*=}" ]
    done
    cd "$BATS_TEST_TMPDIR"
    echo '{"use_cpu": true}' >arguments.json
    run --separate-stderr bert-train --config arguments.json
    [ "${stderr_lines[0]}" = "bert-train: arguments.json: use_cpu: no such option: here it is --device cpu, the default" ]
    run --separate-stderr bert-train --fsdp 1
    [ "${stderr_lines[0]}" = "bert-train: unknown option '--fsdp'" ]
}

@test "max_steps of -1 is none, on the command line and in a file of arguments" {
    cd "$BATS_TEST_TMPDIR"
    echo '{"max_steps": -1, "num_train_epochs": 2}' >arguments.json
    for options in "--max_steps -1 -n 2" "--max-steps=-1 --num_train_epochs 2" "--config arguments.json"; do
        # shellcheck disable=SC2086
        bert-train -q -m "$MODEL" --dry-run -w 1 -b 2 $options "$WORK/train.mp" >dry
        grep -q '^steps: 8, 4 an epoch' dry || { cat dry; false; }
    done
}

@test "a dry run: what the run would take, nothing written" {
    cd "$BATS_TEST_TMPDIR"
    run --separate-stderr bert-train -m "$MODEL" -o out --dry-run -b 4 -n 3 -w 1 -e "$WORK/test.mp" "$WORK/train.mp"
    [ "$status" -eq 0 ]
    [ ! -e out ]
    printf '%s\n' "$output" > dry
    rec-dump "$WORK/train.mp" > train.json
    # By hand: parameters as shapes in the file, FLOPs as 2 per weight of a matrix and token.
    python3 - "$MODEL" > expected <<'END'
import json, struct, sys
folder = sys.argv[1]
config = json.load(open(folder + "/config.json"))
with open(folder + "/model.safetensors", "rb") as file:
    header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
lengths = [len(json.loads(line)["ids"]) for line in open("train.json")]
H, I, L = (config[key] for key in ("hidden_size", "intermediate_size", "num_hidden_layers"))
V, P, T = (config[key] for key in ("vocab_size", "max_position_embeddings", "type_vocab_size"))
layer = 4 * (H * H + H) + 2 * H * I + I + H + 4 * H
parameters = (V + P + T) * H + 2 * H + L * layer + H * H + H + 2 * H + 2
matrices = L * (4 * H * H + 2 * H * I)
forward = sum(2 * n * matrices + L * 4 * n * n * H + 2 * (H * H + 2 * H) for n in lengths)
steps = -(-len(lengths) // 4)
print(f"parameters: {parameters}, {parameters} of them trained")
print(f"training data: {len(lengths)} records, {sum(lengths)} tokens, the longest of {max(lengths)}")
print(f"steps: {3 * steps}, {steps} an epoch, the first 1 of warmup")
print(f"checkpoint: {12 * parameters / 1e6:.1f} MB each")
print(f"FLOPs: {3 * forward / len(lengths) * 4:.3g} a step, {9 * forward:.3g} in all")
END
    while read -r line; do
        grep -qxF "$line" dry || { echo "no line: $line"; cat dry; false; }
    done < expected
    grep -qE '^memory: [0-9.]+ MB$' dry
    grep -qE '^largest batch: [0-9]+ tokens$' dry
}
