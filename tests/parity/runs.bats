# What a run leaves behind against what the Trainer leaves; under a minute.

@test "event files, trainer_state.json and all_results.json of twelve steps; TensorBoard reads resumed and cut files" {
    OMP_NUM_THREADS=1 run "$PYTHON" tests/parity/event-files.py
    echo "$output"
    [ "$status" -eq 0 ]
}
