# Scores of bert-eval against scikit-learn and scipy.

@test "the scores of 1,000 random cases differ by at most 1e-9" {
    run "$PYTHON" tests/parity/metrics.py 1000
    echo "$output"
    [ "$status" -eq 0 ]
}
