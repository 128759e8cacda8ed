# The hub's cache, shared with huggingface_hub; new models.

@test "a model fetched by either side is found by the other; a new model is transformers' too" {
    run "$PYTHON" tests/parity/hub-cache.py
    echo "$output"
    [ "$status" -eq 0 ]
}
