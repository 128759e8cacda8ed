# The demo's training against transformers'; several minutes.

@test "without dropout, 99 % of the demo's predictions are transformers'" {
    run "$PYTHON" tests/parity/demo-agreement.py
    echo "$output"
    [ "$status" -eq 0 ]
}
