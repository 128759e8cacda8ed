# A hub on this machine, for tests: `load hub`, start_hub in setup_file, stop_hub in teardown_file, use_hub in setup.

# Makes $HUB_ROOT with acme/tiny (main and v1), acme/sharded, acme/pickle, and starts the server over it.
start_hub() {
    local fixtures=$BATS_TEST_DIRNAME/fixtures
    [ -d "$fixtures" ] || fixtures=$BATS_TEST_DIRNAME/../fixtures
    export HUB_ROOT=$BATS_FILE_TMPDIR/hub HUB HUB_STORAGE HUB_SECURE HUB_CERTIFICATE
    mkdir -p "$HUB_ROOT/models/acme/tiny" "$HUB_ROOT/models/acme/sharded" "$HUB_ROOT/models/acme/pickle" "$HUB_ROOT/models/solo" "$HUB_ROOT/files"
    cp -r "$fixtures/model/good-tiny" "$HUB_ROOT/models/acme/tiny/main"
    echo "# a model" >"$HUB_ROOT/models/acme/tiny/main/README.md"
    cp -r "$fixtures/model/good-tiny" "$HUB_ROOT/models/acme/tiny/v1"
    sed 's/positive/good/' "$fixtures/model/good-tiny/config.json" >"$HUB_ROOT/models/acme/tiny/v1/config.json"
    cp -r "$fixtures/model/good-sharded" "$HUB_ROOT/models/acme/sharded/main"
    cp -r "$fixtures/model/good-tiny" "$HUB_ROOT/models/acme/pickle/main"
    mv "$HUB_ROOT/models/acme/pickle/main/model.safetensors" "$HUB_ROOT/models/acme/pickle/main/pytorch_model.bin"
    cp -r "$fixtures/model/unsupported-model-type" "$HUB_ROOT/models/solo/main"
    : >"$HUB_ROOT/log"
    HUB_CERTIFICATE=$HUB_ROOT/certificate.pem
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hub -addext subjectAltName=IP:127.0.0.1 \
        -keyout "$HUB_CERTIFICATE" 2>/dev/null >>"$HUB_CERTIFICATE"
    python3 "$fixtures/hub/server.py" "$HUB_ROOT" >"$BATS_FILE_TMPDIR/hub.out" 2>&1 3>&- &
    echo $! >"$BATS_FILE_TMPDIR/hub.pid"
    for _ in $(seq 200); do
        [ -e "$HUB_ROOT/hub" ] && break
        sleep 0.05
    done
    HUB=$(cat "$HUB_ROOT/hub")
    HUB_STORAGE=$(cat "$HUB_ROOT/storage")
    HUB_SECURE=$(cat "$HUB_ROOT/secure")
}

stop_hub() {
    kill "$(cat "$BATS_FILE_TMPDIR/hub.pid")"
}

# An empty cache, no token, the hub behaving well and its log empty.
use_hub() {
    unset HF_TOKEN HUGGING_FACE_HUB_TOKEN HF_TOKEN_PATH HF_HUB_CACHE HUGGINGFACE_HUB_CACHE HF_HUB_OFFLINE TRANSFORMERS_OFFLINE
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY all_proxy SSL_CERT_FILE
    export HF_HOME=$BATS_TEST_TMPDIR/hf XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache HF_ENDPOINT=$HUB
    TINY=$HF_HOME/hub/models--acme--tiny
    rm -f "$HUB_ROOT/behaviour.json"
    : >"$HUB_ROOT/log"
}

# behave JSON: see server.py.
behave() {
    printf '%s\n' "$1" >"$HUB_ROOT/behaviour.json.part"
    mv "$HUB_ROOT/behaviour.json.part" "$HUB_ROOT/behaviour.json"
}

# Lines of the hub's log that match a pattern: requests hub GET.
requests() {
    grep -- "$1" "$HUB_ROOT/log"
}
