# The engines behind the tools: nn/ref in double precision, nn/cpu with each of its kernels, any number of threads.

bats_require_minimum_version 1.5.0

setup_file() {
    PATH=${BUILD:-$BATS_TEST_DIRNAME/../build}:$PATH
    export MODEL=$BATS_TEST_DIRNAME/fixtures/model/good-tiny TOKENS=$BATS_FILE_TMPDIR/tokens.mp
    printf '%s\n' 'label	text' 'negative	a terrible , boring film' 'positive	a great film' \
        'negative	the worst acting , and the plot is bad' \
        'positive	brilliant story and i loved it : the best movie !' |
        rec-load -q --from tsv | wp-tokenize -q -m "$MODEL" -o "$TOKENS"
    train ref "$BATS_FILE_TMPDIR/ref"
}

setup() {
    PATH=${BUILD:-$BATS_TEST_DIRNAME/../build}:$PATH
}

# Twenty steps with dropout into the folder $2, the metrics beside it.
train() {
    local device=$1 out=$2
    shift 2
    bert-train -q -m "$MODEL" -o "$out" --device "$device" --max-steps 20 -b 2 -a 2 -w 5 -l 1e-3 \
        --logging-steps 1 --save-strategy no -f json "$@" "$TOKENS" >"$out.json"
}

# All numbers in the values (or probs) of two JSON streams agree to $3 (1e-5), relative and absolute.
agree() {
    python3 - "$1" "$2" "${3:-1e-5}" <<'END'
import json, sys
def rows(path):
    for line in open(path):
        record = json.loads(line)
        values = record.get("values", {"probs": record.get("probs", 0)})
        if "train_runtime" not in values:
            yield {k: v if isinstance(v, list) else [v] for k, v in values.items()}
a, b = list(rows(sys.argv[1])), list(rows(sys.argv[2]))
assert len(a) == len(b) > 0, (len(a), len(b))
for i, (x, y) in enumerate(zip(a, b)):
    assert x.keys() == y.keys(), (x, y)
    for key in x:
        for p, q in zip(x[key], y[key]):
            tolerance = float(sys.argv[3])
            assert abs(p - q) <= tolerance + tolerance * abs(q), f"record {i}: {key}: {p} and {q}"
END
}

# Trains and predicts on the CPU with the given kernels, unless the processor lacks them.
check_kernels() {
    export BERTPIPE_KERNELS=$1
    if ! bert-predict -q -m "$MODEL" -f json "$TOKENS" >"$BATS_TEST_TMPDIR/cpu.json" 2>"$BATS_TEST_TMPDIR/stderr"; then
        grep -q 'this processor cannot run' "$BATS_TEST_TMPDIR/stderr"
        skip "this processor cannot run $1 kernels"
    fi
    bert-predict -q -m "$MODEL" --device ref -f json "$TOKENS" >"$BATS_TEST_TMPDIR/ref.json"
    agree "$BATS_TEST_TMPDIR/cpu.json" "$BATS_TEST_TMPDIR/ref.json"
    train cpu "$BATS_TEST_TMPDIR/cpu"
    agree "$BATS_TEST_TMPDIR/cpu.json" "$BATS_FILE_TMPDIR/ref.json"
}

@test "bert-train and bert-predict agree on ref and cpu: portable kernels" {
    check_kernels portable
}

@test "bert-train and bert-predict agree on ref and cpu: avx2 kernels" {
    check_kernels avx2
}

@test "bert-train and bert-predict agree on ref and cpu: avx512 kernels" {
    check_kernels avx512
}

# predicts_near DTYPE TOLERANCE: near the oracle, but not float32's; $DTYPE.json. A processor that lacks the products skips the test.
predicts_near() {
    if ! bert-predict -q -m "$MODEL" --dtype "$1" -f json "$TOKENS" >"$BATS_TEST_TMPDIR/$1.json" 2>"$BATS_TEST_TMPDIR/stderr"; then
        grep -q 'this processor cannot run' "$BATS_TEST_TMPDIR/stderr"
        skip "this processor cannot run these products"
    fi
    bert-predict -q -m "$MODEL" --device ref -f json "$TOKENS" >"$BATS_TEST_TMPDIR/ref.json"
    bert-predict -q -m "$MODEL" -f json "$TOKENS" >"$BATS_TEST_TMPDIR/float32.json"
    agree "$BATS_TEST_TMPDIR/$1.json" "$BATS_TEST_TMPDIR/ref.json" "$2"
    run cmp "$BATS_TEST_TMPDIR/$1.json" "$BATS_TEST_TMPDIR/float32.json"
    [ "$status" -eq 1 ]
}

# Predicts and trains in bf16 with the given products.
check_bf16() {
    export BERTPIPE_BF16=$1
    predicts_near bf16 1e-2
    train cpu "$BATS_TEST_TMPDIR/cpu" --dtype bf16
    agree "$BATS_TEST_TMPDIR/cpu.json" "$BATS_FILE_TMPDIR/ref.json" 5e-2
    for threads in 1 5; do
        train cpu "$BATS_TEST_TMPDIR/$threads" --dtype bf16 -j "$threads"
    done
    cmp "$BATS_TEST_TMPDIR/1/model.safetensors" "$BATS_TEST_TMPDIR/5/model.safetensors"
}

@test "bf16 by rounded operands" {
    check_bf16 rounded
}

@test "bf16 by AMX's tiles, emulated" {
    check_bf16 emulated
}

@test "bf16 by AVX512-BF16" {
    check_bf16 avx512bf16
}

@test "bf16 by AMX" {
    check_bf16 amx
}

@test "bf16 by block floating point: VPDPWSSD, 512 bits" {
    check_bf16 avx512vnni
}

@test "bf16 by block floating point: VPDPWSSD, 256 bits" {
    check_bf16 avxvnni
}

@test "bf16 by block floating point: VPMADDWD" {
    check_bf16 avx2
}

# Predicts in int8 with the given products.
check_int8() {
    export BERTPIPE_INT8=$1
    predicts_near int8 2e-2
    bert-predict -q -m "$MODEL" --dtype int8 "$TOKENS" | rec-check 2>&1 | grep -q 'bert-predict.*dtype.*int8'
    for options in '-b 1 -j 1' '-b 2 -j 3' '--batch-tokens 30 -j 2'; do
        # shellcheck disable=SC2086
        bert-predict -q -m "$MODEL" --dtype int8 $options -f json "$TOKENS" >"$BATS_TEST_TMPDIR/other.json"
        cmp "$BATS_TEST_TMPDIR/int8.json" "$BATS_TEST_TMPDIR/other.json"
    done
}

@test "int8 by rounded operands" {
    check_int8 rounded
}

@test "int8 by VPDPBUSD, 256 bits" {
    check_int8 avxvnni
}

@test "int8 by VPDPBUSD, 512 bits" {
    check_int8 avx512vnni
}

@test "dtype auto says what it is: the bytes of that dtype" {
    for dtype in float32 bf16 auto; do
        bert-predict -v -m "$MODEL" --dtype "$dtype" -o "$BATS_TEST_TMPDIR/$dtype.mp" "$TOKENS" 2>"$BATS_TEST_TMPDIR/$dtype.txt"
    done
    grep -q ': cpu, float32, ' "$BATS_TEST_TMPDIR/float32.txt"
    grep -q ': cpu, bf16 by ' "$BATS_TEST_TMPDIR/bf16.txt"
    if grep -q ': cpu, bf16 by ' "$BATS_TEST_TMPDIR/auto.txt"; then
        cmp "$BATS_TEST_TMPDIR/auto.mp" "$BATS_TEST_TMPDIR/bf16.mp"
    else
        cmp "$BATS_TEST_TMPDIR/auto.mp" "$BATS_TEST_TMPDIR/float32.mp"
    fi
}

@test "a run of dtype auto is recorded, and resumed, as what it came to" {
    bert-train -v -m "$MODEL" -o "$BATS_TEST_TMPDIR/auto" --dtype auto --max-steps 2 -b 2 "$TOKENS" >/dev/null 2>"$BATS_TEST_TMPDIR/said"
    came_to=float32
    ! grep -q ': cpu, bf16 by ' "$BATS_TEST_TMPDIR/said" || came_to=bf16
    [ "$(jq -r .run.engine.dtype "$BATS_TEST_TMPDIR/auto/bertpipe.json")" = "$came_to" ]
}

@test "gradient checkpointing plans less memory and trains the same bytes" {
    planned() { sed -n 's/.* \([0-9.]*\) MB planned$/\1/p' "$1"; }
    bert-init -q --config "$MODEL/config.json" --vocab "$MODEL/vocab.txt" --layers 24 -o "$BATS_TEST_TMPDIR/deep"
    for flag in '' --gradient-checkpointing; do
        bert-train -v -m "$BATS_TEST_TMPDIR/deep" -o "$BATS_TEST_TMPDIR/trained$flag" --max-steps 2 -b 4 -l 1e-3 \
            --save-strategy no $flag "$TOKENS" >/dev/null 2>"$BATS_TEST_TMPDIR/said$flag"
    done
    cmp "$BATS_TEST_TMPDIR/trained/model.safetensors" "$BATS_TEST_TMPDIR/trained--gradient-checkpointing/model.safetensors"
    most=$(planned "$BATS_TEST_TMPDIR/said")
    less=$(planned "$BATS_TEST_TMPDIR/said--gradient-checkpointing")
    [ "$most" != "$less" ]
    [ "$(printf '%s\n' "$most" "$less" | sort -n | head -n 1)" = "$less" ]
}

@test "--profile: phases and layers whose shares are the whole" {
    train cpu "$BATS_TEST_TMPDIR/profiled" --save-strategy no
    run --separate-stderr bert-train -m "$MODEL" -o "$BATS_TEST_TMPDIR/profiled" --force --max-steps 4 --save-strategy no \
        --profile -f json "$TOKENS"
    [ "$status" -eq 0 ]
    grep -qE '^bert-train: phase +seconds +share +idle$' <<<"$stderr"
    grep -qE '^bert-train: attention, backward +[0-9.]+ +[0-9.]+ %' <<<"$stderr"
    grep -qE '^bert-train: layer 0 +[0-9.]+ +[0-9.]+ %$' <<<"$stderr"
    grep -qE "GFLOP/s of the model's products\$" <<<"$stderr"
    sed -n '/phase  /,/layer 0/p' <<<"$stderr" | awk '
        { for (i = 2; i <= NF; i++) if ($i == "%" && !seen[NR]++) sum += $(i - 1) }
        / layer 0 / { sum -= $(NF - 1) }
        END { exit !(sum > 99 && sum < 101) }'
    run --separate-stderr bert-predict -m "$MODEL" --device ref --profile -f json "$TOKENS"
    [ "$status" -eq 0 ]
    grep -qx 'bert-predict: device ref does not measure itself' <<<"$stderr"
}

@test "variables of other libraries neither help nor harm" {
    bert-predict -q -m "$MODEL" -o "$BATS_TEST_TMPDIR/plain.mp" "$TOKENS"
    for type in Haswell SkylakeX Zen Prescott Nonsense; do
        OPENBLAS_CORETYPE=$type OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 \
            bert-predict -q -m "$MODEL" -o "$BATS_TEST_TMPDIR/$type.mp" "$TOKENS"
        cmp "$BATS_TEST_TMPDIR/plain.mp" "$BATS_TEST_TMPDIR/$type.mp"
    done
}

@test "a trained model's bytes do not depend on the number of threads" {
    for threads in 1 2 5; do
        train cpu "$BATS_TEST_TMPDIR/$threads" -j "$threads"
    done
    cmp "$BATS_TEST_TMPDIR/1/model.safetensors" "$BATS_TEST_TMPDIR/2/model.safetensors"
    cmp "$BATS_TEST_TMPDIR/1/model.safetensors" "$BATS_TEST_TMPDIR/5/model.safetensors"
    run cmp "$BATS_TEST_TMPDIR/1/model.safetensors" "$MODEL/model.safetensors"
    [ "$status" -eq 1 ]
}

@test "bert-predict's bytes do not depend on batches and threads" {
    bert-predict -q -m "$MODEL" -b 1 -j 1 -o "$BATS_TEST_TMPDIR/one.mp" "$TOKENS"
    for options in '-b 2 -j 3' '-b 64 -j 2' '--batch-tokens 12 -j 1' '--max-batch-tokens 30 -j 2' '-b 1000000 --batch-tokens 1000000'; do
        # shellcheck disable=SC2086
        bert-predict -q -m "$MODEL" $options -o "$BATS_TEST_TMPDIR/other.mp" "$TOKENS"
        cmp "$BATS_TEST_TMPDIR/one.mp" "$BATS_TEST_TMPDIR/other.mp"
    done
}

@test "bert-predict plans memory by the tokens of a batch, of which each record has at least one" {
    planned() { bert-predict -v -m "$MODEL" -f json "$@" "$TOKENS" 2>&1 >/dev/null | sed -n 's/.* \([0-9.]*\) MB planned$/\1/p'; }
    small=$(planned -j 1 --batch-tokens 1000 -b 1000)
    [ "$(planned -j 1 --batch-tokens 1000 -b 1000000)" = "$small" ]
    [ "$(planned -j 1 --batch-tokens 1000 -b 1)" != "$small" ]
    [ "$(printf '%s\n' "$small" "$(planned -j 1 --batch-tokens 100000 -b 1000)" | sort -n | tail -n 1)" != "$small" ]
}

@test "what is not built is refused by name" {
    run --separate-stderr bert-predict -m "$MODEL" --device cuda "$TOKENS"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "bert-predict: engine: device cuda is not available in this build, only cpu and ref" ]
    run --separate-stderr bert-predict -m "$MODEL" --device ref --dtype bf16 "$TOKENS"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "bert-predict: engine: device ref computes in double precision, it has no dtype bf16" ]
    run --separate-stderr bert-predict -m "$MODEL" --device ref --dtype int8 "$TOKENS"
    [ "$status" -eq 1 ]
    [ "$stderr" = "bert-predict: engine: device ref computes in double precision, it has no dtype int8" ]
    run --separate-stderr bert-train -m "$MODEL" -o "$BATS_TEST_TMPDIR/int8" --dtype int8 "$TOKENS"
    [ "$status" -eq 2 ]
    [ "${stderr_lines[0]}" = "bert-train: --dtype: 'int8' is none of float32, bf16, auto" ]
    BERTPIPE_INT8=avx1024 run --separate-stderr bert-predict -m "$MODEL" --dtype int8 "$TOKENS"
    [ "$status" -eq 1 ]
    [ "$stderr" = "bert-predict: BERTPIPE_INT8: no products are called 'avx1024'" ]
    BERTPIPE_BF16=int4 run --separate-stderr bert-predict -m "$MODEL" --dtype bf16 "$TOKENS"
    [ "$status" -eq 1 ]
    [ -z "$output" ]
    [ "$stderr" = "bert-predict: BERTPIPE_BF16: no products are called 'int4'" ]
}
