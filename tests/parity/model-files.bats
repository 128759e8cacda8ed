# Model folders both ways between transformers and common/model.

@test "what we write loads in transformers, and what transformers writes loads here" {
    run "$PYTHON" tests/parity/model-files.py "$BUILD" ${PARITY_MODEL:+"$PARITY_MODEL"}
    echo "$output"
    [ "$status" -eq 0 ]
}
