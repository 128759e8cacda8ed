# Logits, losses and gradient norms against transformers; several minutes each.

parity() {
    run "$PYTHON" "tests/parity/$@"
    echo "$output"
    [ "$status" -eq 0 ]
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

@test "so do those of 40 steps with another optimiser, loss, schedule, and parts frozen" {
    for variant in sgd smoothing cosine accumulation adam frozen weighted layerwise; do
        parity loss-curve.py --warmup 10 --steps 40 --length 64 --variant $variant
    done
}

@test "losses of 20 classes, several labels and numbers differ by at most 1e-3 of themselves in 100 steps" {
    parity tasks.py
}

@test "bf16 is at most twice as far from float64 as PyTorch's, in every gradient" {
    parity engine-errors.py --dtype bf16
}

@test "int8 is at most twice as far from float64 as PyTorch's, in the logits" {
    parity engine-errors.py --dtype int8
}

@test "16x1, 8x2 and 4x4 with dropout are the same run" {
    parity accumulation.py
}

@test "the fields of TrainingArguments are those that bertpipe-trainer(7) lists" {
    parity arguments.py
}
