bats_require_minimum_version 1.5.0
load streams
load hub

setup_file() {
    start_hub
}

teardown_file() {
    stop_hub
}

setup() {
    PATH=${BUILD:-$BATS_TEST_DIRNAME/../build}:$PATH
    use_hub
    model=$HUB_ROOT/models/acme/tiny/main
    weights=$(sha256sum <"$model/model.safetensors" | cut -d ' ' -f 1)
    size=$(stat -c %s "$model/model.safetensors")
}

# The commit that the hub has for acme/tiny at a revision.
commit_of() {
    python3 -c 'import json, sys, urllib.request; print(json.load(urllib.request.urlopen(sys.argv[1]))["sha"])' "$HUB/api/models/acme/tiny/revision/$1"
}

# A wrong command line: exit status 2, nothing on stdout, a line that matches the pattern and a hint.
usage_error_with() {
    local pattern=$1
    shift
    run --separate-stderr "$@"
    [ "$status" -eq 2 ]
    [ -z "$output" ]
    [ "${#stderr_lines[@]}" -eq 2 ]
    # shellcheck disable=SC2053
    [[ "${stderr_lines[0]}" == $pattern ]] || { echo "$stderr"; false; }
}

# Whether a folder holds what the model on the hub does, but for what nobody reads.
same_model() {
    diff -r --exclude=README.md "$model" "$1"
}

# ---- the hub ----

@test "a model of the hub: its folder is printed, and is the hub's" {
    commit=$(commit_of main)
    run --separate-stderr bert-fetch acme/tiny
    [ "$status" -eq 0 ]
    [ "$output" = "$TINY/snapshots/$commit" ]
    same_model "$output"
    [ "${stderr_lines[-1]}" = "bert-fetch: acme/tiny: 5 files, 5 of them new, at commit $commit" ]
}

@test "the cache has huggingface_hub's layout" {
    commit=$(commit_of main)
    umask 027
    bert-fetch -q acme/tiny
    [ "$(cat "$TINY/refs/main")" = "$commit" ]
    [ "$(stat -c %s "$TINY/refs/main")" -eq 40 ]
    [ "$(readlink "$TINY/snapshots/$commit/model.safetensors")" = "../../blobs/$weights" ]
    [ "$(readlink "$TINY/snapshots/$commit/config.json")" = "../../blobs/$(git hash-object "$model/config.json")" ]
    [ "$(stat -c %a "$TINY/blobs/$weights")" = 640 ]
    [ -e "$HF_HOME/hub/.locks/models--acme--tiny/$weights.lock" ]
    [ "$(head -n 1 "$HF_HOME/hub/CACHEDIR.TAG")" = "Signature: 8a477f597d28d172789f06886806bc55" ]
    [ "$(find "$TINY" -type f | wc -l)" -eq 6 ] # five blobs and a ref: nothing is left over
    [ "$(find "$TINY" -type l | wc -l)" -eq 5 ]
}

@test "a second run asks for the commit and no more" {
    bert-fetch -q acme/tiny
    : >"$HUB_ROOT/log"
    run --separate-stderr bert-fetch acme/tiny
    [ "$status" -eq 0 ]
    [ "$(cat "$HUB_ROOT/log")" = "hub GET /api/models/acme/tiny/revision/main - -" ]
    [[ "$stderr" == *": 5 files, 0 of them new, "* ]]
}

@test "--revision and @: branches, tags and commits" {
    commit=$(commit_of v1)
    run --separate-stderr bert-fetch -q acme/tiny --revision v1
    [ "$status" -eq 0 ]
    [ "$output" = "$TINY/snapshots/$commit" ]
    [ "$(cat "$TINY/refs/v1")" = "$commit" ]
    [ ! -e "$TINY/refs/main" ]
    grep -q good "$output/config.json"
    [ "$(bert-fetch -q acme/tiny@v1)" = "$output" ]
    : >"$HUB_ROOT/log"
    [ "$(bert-fetch -q "acme/tiny@$commit")" = "$output" ] # a commit that is there never changes
    [ ! -s "$HUB_ROOT/log" ]
    commit=$(commit_of main)
    run --separate-stderr bert-fetch -q acme/tiny --revision "$commit"
    [ "$output" = "$TINY/snapshots/$commit" ]
    [ "$(ls "$TINY/refs")" = v1 ]
}

@test "files that two revisions share are downloaded once" {
    bert-fetch -q acme/tiny
    bert-fetch -q acme/tiny@v1
    [ "$(requests "storage GET" | wc -l)" -eq 1 ]
    [ "$(find "$TINY/blobs" -type f | wc -l)" -eq 6 ]
}

@test "what the hub has new is fetched" {
    cp -r "$HUB_ROOT/models/acme/tiny" "$HUB_ROOT/models/acme/moving"
    first=$(bert-fetch -q acme/moving)
    sed -i 's/positive/better/' "$HUB_ROOT/models/acme/moving/main/config.json"
    second=$(bert-fetch -q acme/moving)
    rm -r "$HUB_ROOT/models/acme/moving"
    [ "$first" != "$second" ]
    grep -q positive "$first/config.json"
    grep -q better "$second/config.json"
    [ "$(cat "$HF_HOME/hub/models--acme--moving/refs/main")" = "${second##*/}" ]
}

@test "sharded weights" {
    run --separate-stderr bert-fetch -q acme/sharded
    [ "$status" -eq 0 ]
    diff -r "$HUB_ROOT/models/acme/sharded/main" "$output"
}

@test "a model that was renamed on the hub" {
    run --separate-stderr bert-fetch -q acme/old-tiny
    [ "$status" -eq 0 ]
    same_model "$output"
    [[ "$output" == "$HF_HOME/hub/models--acme--old-tiny/snapshots/"* ]]
}

@test "HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME, HOME: where the cache is" {
    [[ "$(HF_HUB_CACHE=$BATS_TEST_TMPDIR/a bert-fetch -q acme/tiny)" == "$BATS_TEST_TMPDIR/a/models--acme--tiny/"* ]]
    [[ "$(HF_HUB_CACHE='~/b' HOME=$BATS_TEST_TMPDIR bert-fetch -q acme/tiny)" == "$BATS_TEST_TMPDIR/b/models--acme--tiny/"* ]]
    unset HF_HOME
    [[ "$(bert-fetch -q acme/tiny)" == "$XDG_CACHE_HOME/huggingface/hub/models--acme--tiny/"* ]]
    unset XDG_CACHE_HOME
    [[ "$(HOME=$BATS_TEST_TMPDIR/home bert-fetch -q acme/tiny)" == "$BATS_TEST_TMPDIR/home/.cache/huggingface/hub/models--acme--tiny/"* ]]
}

# ---- tokens ----

@test "the token goes to the hub and not to the storage it redirects to" {
    behave '{"token": "hf_sesame"}'
    HF_TOKEN=hf_sesame run --separate-stderr bert-fetch -v acme/tiny
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(requests "^storage GET .* -$" | wc -l)" -eq 1 ]
    run ! requests "^storage .*sesame"
    run ! requests "^hub .* -$"
    [ "$(requests "^hub .*Bearer hf_sesame$" | wc -l)" -ge 6 ]
    [[ "$stderr" != *sesame* ]]
    [[ "$stderr" != *signature* ]]
    run ! grep -rq sesame "$HF_HOME"
}

@test "other sizes than the hub says; a description without end" {
    size=$(stat -c %s "$model/model.safetensors")
    behave '{"surplus": 1000}'
    fails_with "bert-fetch: acme/tiny: model.safetensors: the server sends more than $size bytes" bert-fetch -q acme/tiny
    # of a file without a hash only its size tells
    behave '{"etag": "abc-1", "surplus": -5}'
    fails_with "bert-fetch: acme/tiny: model.safetensors: the download has $((size - 5)) bytes, expected $size" bert-fetch -q acme/tiny
    behave '{"etag": "abc-1"}'
    run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(readlink "$output/model.safetensors")" = ../../blobs/abc-1 ]
    behave '{"listing": 33554432}'
    fails_with "bert-fetch: the server's answer has more than 33554432 bytes" bert-fetch -q acme/tiny
}

@test "a hub that does not answer as one" {
    commit=$(commit_of main)
    behave '{"hub": {"X-Repo-Commit": null}}'
    fails_with "bert-fetch: acme/tiny: config.json: $HUB does not answer as a hub does: no X-Repo-Commit" bert-fetch -q acme/tiny
    behave "{\"hub\": {\"X-Repo-Commit\": \"$(printf '%040d' 7)\"}}"
    fails_with "bert-fetch: acme/tiny: config.json: of commit $(printf '%040d' 7), not $commit" bert-fetch -q acme/tiny
    behave '{"hub": {"X-Linked-Etag": "../x"}}'
    fails_with "bert-fetch: acme/tiny: config.json: the hub gives no usable ETag" bert-fetch -q acme/tiny
    behave '{"hub": {"X-Linked-Size": "many"}}'
    fails_with "bert-fetch: acme/tiny: config.json: the hub gives no usable size" bert-fetch -q acme/tiny
    [ ! -e "$TINY/snapshots/$commit/config.json" ]
}

@test "a repository without a configuration; a model without a tokenizer" {
    mkdir -p "$HUB_ROOT/models/acme/empty/main" "$HUB_ROOT/models/acme/bare/main"
    echo hello >"$HUB_ROOT/models/acme/empty/main/README.md"
    cp "$model/config.json" "$model/model.safetensors" "$HUB_ROOT/models/acme/bare/main"
    fails_with "bert-fetch: acme/empty: has no config.json, so it is no model" bert-fetch -q acme/empty
    run --separate-stderr bert-fetch -q acme/bare
    [ "$status" -eq 0 ]
    [ "$stderr" = "bert-fetch: warning: acme/bare: has no tokenizer.json and no vocab.txt" ]
    diff -r "$HUB_ROOT/models/acme/bare/main" "$output"
}

@test "redirects that lead nowhere, or on and on" {
    behave '{"fail": [{"match": "hub GET", "status": 302}]}'
    fails_with "bert-fetch: acme/tiny: $HUB: a redirect to nowhere" bert-fetch -q acme/tiny
    behave '{"fail": [{"match": "GET /moved/", "status": 302, "headers": {"Location": "/moved/m.zip"}}]}'
    fails_with "bert-fetch: $HUB/moved/m.zip: too many redirects" bert-fetch -q "$HUB/moved/m.zip"
    [ "$(requests "hub GET /moved/" | wc -l)" -eq 11 ]
    behave '{"fail": [{"match": "GET /moved/", "status": 302, "headers": {"Location": "file:///etc/passwd"}}]}'
    fails_with "bert-fetch: $HUB/moved/m.zip: *" bert-fetch -q "$HUB/moved/m.zip"
}

@test "a redirect from https to http is not followed" {
    export SSL_CERT_FILE=$HUB_CERTIFICATE HF_ENDPOINT=$HUB_SECURE HF_TOKEN=hf_sesame
    fails_with "bert-fetch: $HUB_SECURE/moved/m.zip: a redirect from https to something else" bert-fetch -q "$HUB_SECURE/moved/m.zip"
    [ "$(cat "$HUB_ROOT/log")" = "secure GET /moved/m.zip - Bearer hf_sesame" ]
    fails_with "bert-fetch: acme/old-tiny: model.safetensors: a redirect from https to something else" bert-fetch -q acme/old-tiny
    requests "^secure GET /acme/.*/config.json - Bearer hf_sesame$"
    run ! requests "^storage "
    run ! requests "^hub "
    [ -z "$(find "$HF_HOME" -name main)" ]
}

@test "a server for which nobody vouches is asked nothing" {
    HF_ENDPOINT=$HUB_SECURE fails_with "bert-fetch: acme/tiny: $HUB_SECURE: SSL certificate problem: self-signed certificate" bert-fetch -q acme/tiny
    HF_ENDPOINT=$HUB_SECURE SSL_CERT_FILE=/none fails_with "bert-fetch: acme/tiny: $HUB_SECURE: error setting certificate *: /none*" bert-fetch -q acme/tiny
    [ ! -s "$HUB_ROOT/log" ]
}

@test "a token in a file: HF_TOKEN_PATH, HF_HOME/token; HF_TOKEN comes first" {
    behave '{"token": "hf_sesame"}'
    mkdir -p "$HF_HOME"
    printf ' hf_sesame\n' >"$BATS_TEST_TMPDIR/token"
    HF_TOKEN_PATH=$BATS_TEST_TMPDIR/token HF_HUB_CACHE=$BATS_TEST_TMPDIR/a run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    echo hf_sesame >"$HF_HOME/token"
    HF_HUB_CACHE=$BATS_TEST_TMPDIR/b run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    HF_TOKEN=hf_other HF_HUB_CACHE=$BATS_TEST_TMPDIR/c fails_with "bert-fetch: acme/tiny: $HUB does not accept the token (HTTP 401)" bert-fetch -q acme/tiny
    HF_HUB_DISABLE_IMPLICIT_TOKEN=1 HF_HUB_CACHE=$BATS_TEST_TMPDIR/d fails_with "*needs HF_TOKEN" bert-fetch -q acme/tiny
    HF_TOKEN='hf se same' fails_with "bert-fetch: HF_TOKEN: not a token: it has white space in it" bert-fetch -q acme/tiny
    HF_TOKEN=$'hf_\001' fails_with "bert-fetch: HF_TOKEN: not a token: *" bert-fetch -q acme/tiny
}

# ---- what goes wrong ----

@test "401: private, or not there" {
    fails_with "bert-fetch: acme/none: private or not on $HUB (HTTP 401): a private model needs HF_TOKEN" bert-fetch -q acme/none
    [ "$(wc -l <"$HUB_ROOT/log")" -eq 1 ]
    [ ! -e "$HF_HOME/hub" ]
}

@test "403: a gated model" {
    behave '{"fail": [{"match": "HEAD", "status": 403, "headers": {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to model acme/tiny is restricted"}}]}'
    fails_with "bert-fetch: acme/tiny: access refused (HTTP 403: Access to model acme/tiny is restricted): ask for it on $HUB/acme/tiny, and set HF_TOKEN" bert-fetch -q acme/tiny
}

@test "404: no such model, no such revision" {
    HF_TOKEN=hf_x fails_with "bert-fetch: acme/none: not on $HUB (HTTP 404)" bert-fetch -q acme/none
    fails_with "bert-fetch: acme/tiny: has no revision 'v9' (HTTP 404)" bert-fetch -q acme/tiny@v9
}

@test "429: waits as long as Retry-After says" {
    behave '{"fail": [{"match": "/api/", "status": 429, "headers": {"Retry-After": "2"}, "times": 1}]}'
    start=$(date +%s%N)
    run --separate-stderr bert-fetch acme/tiny
    [ "$status" -eq 0 ]
    [ $((($(date +%s%N) - start) / 1000000)) -ge 2000 ]
    [ "${stderr_lines[0]}" = "bert-fetch: acme/tiny: The requested URL returned error: 429; asking again in 2 s, as the server says" ]
    same_model "$output"
}

@test "429: a server that asks for an hour is left alone" {
    behave '{"fail": [{"match": "/api/", "status": 429, "headers": {"Retry-After": "3600"}}]}'
    fails_with "bert-fetch: acme/tiny: $HUB: The requested URL returned error: 429, and asks to wait for 3600 s" bert-fetch -q acme/tiny
    [ "$(wc -l <"$HUB_ROOT/log")" -eq 1 ]
}

@test "500 and 503 are asked again, everywhere" {
    behave '{"fail": [{"match": "/api/", "status": 500, "times": 1}, {"match": "hub HEAD /acme/tiny/resolve/", "status": 503, "times": 1},
                      {"match": "storage GET", "status": 500, "headers": {"Retry-After": "1"}, "times": 1}]}'
    run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(requests "storage GET" | wc -l)" -eq 2 ]
}

@test "500 for good: five attempts, then one line" {
    behave '{"fail": [{"match": "/api/", "status": 500, "headers": {"Retry-After": "1"}}]}'
    fails_with "bert-fetch: acme/tiny: $HUB: The requested URL returned error: 500, and asks to wait for 1 s" bert-fetch -q acme/tiny
    [ "$(wc -l <"$HUB_ROOT/log")" -eq 5 ]
}

@test "the storage's refusal is one line without its URL" {
    behave '{"fail": [{"match": "storage GET", "status": 403}]}'
    fails_with "bert-fetch: acme/tiny: model.safetensors: The requested URL returned error: 403" bert-fetch -q acme/tiny
    [ ! -e "$TINY/refs/main" ]
}

@test "a wrong hash: nothing is kept, and the next run begins anew" {
    behave '{"wrong": "model.safetensors"}'
    fails_with "bert-fetch: acme/tiny: model.safetensors: the download's SHA-256 is *, expected $weights ($size bytes)" bert-fetch -q acme/tiny
    [ ! -e "$TINY/blobs/$weights" ]
    [ ! -e "$TINY/refs/main" ]
    [ ! -s "$TINY/blobs/$weights.bertpipe.incomplete" ]
    rm "$HUB_ROOT/behaviour.json"
    run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    same_model "$output"
}

@test "a wrong hash of a small file" {
    behave '{"wrong": "vocab.txt"}'
    hash=$(git hash-object "$model/vocab.txt")
    fails_with "bert-fetch: acme/tiny: vocab.txt: the download's git hash is *, expected $hash (574 bytes)" bert-fetch -q acme/tiny
    [ ! -e "$TINY/blobs/$hash" ]
}

@test "a download cut at ten random bytes is taken up there, in one run" {
    RANDOM=${SEED:-$$}
    echo "SEED=${SEED:-$$}"
    for _ in $(seq 10); do
        cut=$((1 + (RANDOM * 32768 + RANDOM) % (size - 1)))
        echo "cut at $cut"
        rm -rf "$HF_HOME"
        : >"$HUB_ROOT/log"
        behave "{\"cut\": $cut}"
        run --separate-stderr bert-fetch -q acme/tiny
        [ "$status" -eq 0 ]
        [ -z "$stderr" ]
        same_model "$output"
        [ "$(requests "^storage" | cut -d ' ' -f 4 | tr '\n' ' ')" = "- bytes=$cut- " ]
    done
}

@test "and in the next run, when the first came to an end there" {
    RANDOM=${SEED:-$$}
    echo "SEED=${SEED:-$$}"
    for _ in $(seq 10); do
        cut=$((1 + (RANDOM * 32768 + RANDOM) % (size - 1)))
        echo "cut at $cut"
        rm -rf "$HF_HOME"
        behave "{\"cut\": $cut, \"fail\": [{\"match\": \" bytes=\", \"status\": 403}]}"
        run --separate-stderr bert-fetch -q acme/tiny
        [ "$status" -eq 1 ]
        [ "$(stat -c %s "$TINY/blobs/$weights.bertpipe.incomplete")" -eq "$cut" ]
        [ ! -e "$TINY/refs/main" ]
        rm "$HUB_ROOT/behaviour.json"
        : >"$HUB_ROOT/log"
        run --separate-stderr bert-fetch acme/tiny
        [ "$status" -eq 0 ]
        same_model "$output"
        [ "${stderr_lines[0]}" = "bert-fetch: acme/tiny: model.safetensors: continuing at byte $cut" ]
        [ "$(requests "^storage" | cut -d ' ' -f 4)" = "bytes=$cut-" ]
    done
}

@test "killed in the middle of a download: the next run goes on" {
    behave '{"slow": 5}'
    bert-fetch -q acme/tiny &
    for _ in $(seq 100); do
        [ -s "$TINY/blobs/$weights.bertpipe.incomplete" ] && break
        sleep 0.05
    done
    kill -KILL $!
    rm "$HUB_ROOT/behaviour.json"
    got=$(stat -c %s "$TINY/blobs/$weights.bertpipe.incomplete")
    [ "$got" -gt 0 ]
    run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(requests "^storage" | tail -n 1 | cut -d ' ' -f 4)" = "bytes=$got-" ]
}

@test "two at once take turns: every file is downloaded once" {
    behave '{"slow": 1}'
    bert-fetch acme/tiny >"$BATS_TEST_TMPDIR/one" 2>"$BATS_TEST_TMPDIR/one.err" &
    first=$!
    run --separate-stderr bert-fetch acme/tiny
    wait $first
    [ "$status" -eq 0 ]
    [ "$output" = "$(cat "$BATS_TEST_TMPDIR/one")" ]
    same_model "$output"
    [ "$(requests "^storage GET" | wc -l)" -eq 1 ]
    [ "$(find "$TINY" -name '*.incomplete' -o -name '*.tmp' | wc -l)" -eq 0 ]
    printf '%s\n' "$stderr" | cat - "$BATS_TEST_TMPDIR/one.err" | grep -q "model.safetensors: another process is downloading it; waiting"
}

@test "no home, no cache; slashes behind HF_ENDPOINT; a file where the token's file should be" {
    fails_with "bert-fetch: no cache folder: none of HF_HOME, XDG_CACHE_HOME and HOME is set" env -u HF_HOME -u XDG_CACHE_HOME -u HOME bert-fetch -q acme/tiny
    fails_with "bert-fetch: no cache folder: neither XDG_CACHE_HOME nor HOME is set" env -u XDG_CACHE_HOME -u HOME bert-fetch -q "$HUB_STORAGE/files/m.zip"
    HF_TOKEN=hf_sésame fails_with "bert-fetch: HF_TOKEN: not a token: it has other than ASCII characters" bert-fetch -q acme/tiny
    HF_TOKEN_PATH=$BATS_TEST_TMPDIR fails_with "bert-fetch: $BATS_TEST_TMPDIR: is a folder" bert-fetch -q acme/tiny
    HF_ENDPOINT=$HUB// run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(requests "GET //" | wc -l)" -eq 0 ]
}

@test "offline: what is cached, or one line" {
    export HF_HUB_OFFLINE=1
    fails_with "bert-fetch: acme/tiny: not in $HF_HOME/hub, and HF_HUB_OFFLINE forbids a download" bert-fetch -q acme/tiny
    folder=$(HF_HUB_OFFLINE=0 bert-fetch -q acme/tiny)
    : >"$HUB_ROOT/log"
    run --separate-stderr bert-fetch acme/tiny
    [ "$status" -eq 0 ]
    [ "$output" = "$folder" ]
    HF_HUB_OFFLINE='' TRANSFORMERS_OFFLINE=yes run --separate-stderr bert-fetch acme/tiny
    [ "$output" = "$folder" ]
    rm "$folder/model.safetensors"
    fails_with "bert-fetch: acme/tiny: the copy in $HF_HOME/hub lacks model.safetensors, and HF_HUB_OFFLINE forbids a download" bert-fetch -q acme/tiny
    fails_with "bert-fetch: $HUB_STORAGE/files/x.zip: not in the cache, and HF_HUB_OFFLINE forbids a download" bert-fetch -q "$HUB_STORAGE/files/x.zip"
    [ ! -s "$HUB_ROOT/log" ]
}

@test "a file of the cache that cannot be looked for is not taken for one that is missing" {
    folder=$(bert-fetch -q acme/tiny)
    commit=${folder##*/}
    copy=$BATS_TEST_TMPDIR/copy
    cp -rL "$folder" "$copy"
    reason="Too many levels of symbolic links"
    ln -sfn model.safetensors "$folder/model.safetensors"
    ln -sfn model.safetensors "$copy/model.safetensors"
    fails_with "bert-fetch: $folder/model.safetensors: $reason" bert-fetch -q acme/tiny
    fails_with "bert-fetch: $folder/model.safetensors: $reason" bert-fetch -q "acme/tiny@$commit"
    HF_HUB_OFFLINE=1 fails_with "bert-fetch: $folder/model.safetensors: $reason" bert-fetch -q acme/tiny
    HF_ENDPOINT=http://127.0.0.1:1 fails_with "bert-fetch: $folder/model.safetensors: $reason" bert-fetch -q acme/tiny
    fails_with "bert-fetch: $copy/model.safetensors: $reason" bert-fetch "$copy"
    [ "$(readlink "$folder/model.safetensors")" = model.safetensors ]
    rm "$folder/model.safetensors"
    ln -sfn CACHEDIR.TAG "$HF_HOME/hub/CACHEDIR.TAG"
    fails_with "bert-fetch: $HF_HOME/hub/CACHEDIR.TAG: $reason" bert-fetch -q acme/tiny
}

@test "a hub that is down: the cached copy, with a warning" {
    folder=$(bert-fetch -q acme/tiny)
    HF_ENDPOINT=http://127.0.0.1:1 run --separate-stderr bert-fetch -q acme/tiny
    [ "$status" -eq 0 ]
    [ "$output" = "$folder" ]
    [[ "$stderr" == "bert-fetch: warning: acme/tiny: "*"; the cached copy may not be the newest" ]]
    HF_ENDPOINT=http://127.0.0.1:1 fails_with "bert-fetch: acme/sharded: http://127.0.0.1:1: *" bert-fetch -q acme/sharded
    HF_ENDPOINT=ftp://user:secret@127.0.0.1 fails_with "bert-fetch: HF_ENDPOINT does not begin with https:// or http://" bert-fetch -q acme/tiny
}

@test "a server that is no hub" {
    HF_ENDPOINT=$HUB_STORAGE fails_with "bert-fetch: acme/tiny: not on $HUB_STORAGE (HTTP 404)" bert-fetch -q acme/tiny
    mkdir -p "$HUB_ROOT/api/models/acme/tiny/revision"
    echo '{"sha": "../../x", "siblings": []}' >"$HUB_ROOT/api/models/acme/tiny/revision/main"
    HF_ENDPOINT=$HUB_STORAGE fails_with "bert-fetch: acme/tiny: $HUB_STORAGE does not answer as a hub does: no commit and files" bert-fetch -q acme/tiny
    rm -r "$HUB_ROOT/api"
}

@test "a file that cannot be what it is called is not downloaded" {
    mkdir -p "$HUB_ROOT/models/acme/large"
    cp -r "$model" "$HUB_ROOT/models/acme/large/main"
    truncate -s 67108865 "$HUB_ROOT/models/acme/large/main/config.json"
    fails_with "bert-fetch: acme/large: config.json: more than 67108864 bytes: refused" bert-fetch -q acme/large
    rm -r "$HUB_ROOT/models/acme/large"
}

@test "a model that cannot be used is told before its weights are downloaded" {
    fails_with "bert-fetch: $HF_HOME/hub/models--solo/snapshots/*/config.json: *'gpt2'*" bert-fetch -q solo
    run ! requests storage
    fails_with "bert-fetch: acme/pickle: has no model.safetensors, only pytorch_model.bin, which is not read here" bert-fetch -q acme/pickle
}

@test "names that are none" {
    for name in /nonexistent a/b/c a--b ..x a/.b x.git 'a b' acme/tiny@ acme/tiny@../x acme/tiny@/x acme/tiny@a..b; do
        fails_with "bert-fetch: $name: neither a folder, an archive, a URL nor a model's name (ORG/NAME)" bert-fetch -q "$name"
    done
    [ ! -s "$HUB_ROOT/log" ]
}

# ---- folders and archives ----

# Archives of the model in $BATS_TEST_TMPDIR/work: pack FILE NAME..., made in that folder.
pack() {
    local file=$1
    shift
    (cd "$BATS_TEST_TMPDIR/work" && case $file in
        *.tar) tar -cf "$file" "$@" ;;
        *.tar.gz) tar -czf "$file" "$@" ;;
        *.zip | *.whl) python3 -m zipfile -c "$file" "$@" ;;
        esac)
}

model_tree() {
    mkdir -p "$BATS_TEST_TMPDIR/work/package/model/1_Pooling" "$BATS_TEST_TMPDIR/work/package/résumé"
    cp "$model"/* "$BATS_TEST_TMPDIR/work/package/model"
    echo '{}' >"$BATS_TEST_TMPDIR/work/package/model/1_Pooling/config.json"
    echo 'print()' >"$BATS_TEST_TMPDIR/work/package/__init__.py"
    echo x >"$BATS_TEST_TMPDIR/work/package/résumé/ł.txt"
}

@test "a local folder is its own answer" {
    run --separate-stderr bert-fetch "$model"
    [ "$status" -eq 0 ]
    [ "$output" = "$model" ]
    [ -z "$stderr" ]
    fails_with "bert-fetch: $HUB_ROOT: no model's folder: it has no config.json" bert-fetch "$HUB_ROOT"
}

@test "a zip, a wheel, a tar, a compressed tar: the folder within" {
    model_tree
    for name in m.zip m.whl m.tar m.tar.gz; do
        pack "$BATS_TEST_TMPDIR/$name" package
        run --separate-stderr bert-fetch -q "$BATS_TEST_TMPDIR/$name"
        echo "$name: $stderr"
        [ "$status" -eq 0 ]
        [[ "$output" == "$XDG_CACHE_HOME/bertpipe/models/$name-"* ]]
        same_model "$output"
        [ -z "$stderr" ]
    done
    run --separate-stderr bert-fetch "$BATS_TEST_TMPDIR/m.zip" --sha256 "$(sha256sum <"$BATS_TEST_TMPDIR/m.zip" | cut -c 1-64 | tr a-f A-F)"
    [ "$status" -eq 0 ]
    [ "$(find "$XDG_CACHE_HOME/bertpipe/models" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 4 ]
    # one that has lost a file is unpacked again
    rm "$output/config.json"
    run --separate-stderr bert-fetch -q "$BATS_TEST_TMPDIR/m.zip"
    [ "$status" -eq 0 ] && [ -z "$stderr" ]
    same_model "$output"
    [ "$(find "$XDG_CACHE_HOME/bertpipe/models" -mindepth 1 -maxdepth 1 -type d | wc -l)" -eq 4 ]
    cp "$BATS_TEST_TMPDIR/m.zip" "$BATS_TEST_TMPDIR/n"
    fails_with "bert-fetch: $BATS_TEST_TMPDIR/n: its SHA-256 is *, expected $weights" bert-fetch "$BATS_TEST_TMPDIR/n" --sha256 "$weights"
}

@test "a model above another in an archive; weights in several files" {
    mkdir -p "$BATS_TEST_TMPDIR/work/m/inner"
    cp "$HUB_ROOT/models/acme/sharded/main"/* "$BATS_TEST_TMPDIR/work/m"
    cp "$model"/* "$BATS_TEST_TMPDIR/work/m/inner"
    touch "$BATS_TEST_TMPDIR/work/m/..x"
    (cd "$BATS_TEST_TMPDIR/work" && tar -cf "$BATS_TEST_TMPDIR/two.tar" --hard-dereference m/inner m)
    run --separate-stderr bert-fetch -q "$BATS_TEST_TMPDIR/two.tar"
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    diff -r "$HUB_ROOT/models/acme/sharded/main" "$output"
}

@test "a model at the root of an archive" {
    mkdir "$BATS_TEST_TMPDIR/work"
    (cd "$model" && tar -cf "$BATS_TEST_TMPDIR/root.tar" .)
    run --separate-stderr bert-fetch "$BATS_TEST_TMPDIR/root.tar"
    [ "$status" -eq 0 ]
    same_model "$output"
}

@test "archives that would write elsewhere, or are not what they seem, are refused whole" {
    python3 - "$model" "$BATS_TEST_TMPDIR" <<'PYTHON'
import io, pathlib, stat, sys, tarfile, zipfile
model, out = map(pathlib.Path, sys.argv[1:])
files = [(path.name, path.read_bytes()) for path in sorted(model.iterdir())]

def tar(name, *extra, first=False):
    with tarfile.open(out / name, "w") as archive:
        def add(info, data=b""):
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        if first:
            for info in extra: add(info)
        for path, data in files: add(tarfile.TarInfo(f"m/{path}"), data)
        if not first:
            for info in extra: add(info)

def entry(path, kind=tarfile.REGTYPE, target=""):
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info

tar("symlink.tar", entry("m/x", tarfile.SYMTYPE, "/etc/passwd"))
tar("hardlink.tar", entry("m/x", tarfile.LNKTYPE, "m/config.json"))
tar("device.tar", entry("m/x", tarfile.CHRTYPE))
tar("fifo.tar", entry("m/x", tarfile.FIFOTYPE))
tar("absolute.tar", entry("/tmp/vocab.txt"))
tar("up.tar", entry("m/../../vocab.txt"))
tar("up-end.tar", entry("m/..", tarfile.DIRTYPE))
tar("backslash.tar", entry("m\\x"))
tar("twice.tar", entry("m/vocab.txt"))
tar("linked-folder.tar", entry("m", tarfile.SYMTYPE, "/tmp"), first=True)
with zipfile.ZipFile(out / "up.zip", "w") as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    archive.writestr("../vocab.txt", "x")
with zipfile.ZipFile(out / "symlink.zip", "w") as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    info = zipfile.ZipInfo("m/added_tokens.json")
    info.external_attr, info.create_system = (stat.S_IFLNK | 0o777) << 16, 3
    archive.writestr(info, "/etc/passwd")
with zipfile.ZipFile(out / "backslash.zip", "w") as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    archive.writestr("..\\vocab.txt", "x")
with zipfile.ZipFile(out / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    archive.writestr("m/bomb.safetensors", bytes(100 << 20))
with tarfile.open(out / "bomb.tar.gz", "w:gz") as archive:
    for path, data in files:
        info = tarfile.TarInfo(f"m/{path}")
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    info = tarfile.TarInfo("m/bomb")
    info.size = 100 << 20
    archive.addfile(info, io.BytesIO(bytes(100 << 20)))
with zipfile.ZipFile(out / "many.zip", "w") as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    for i in range(20001): archive.writestr(f"m/x/{i}", "")
with zipfile.ZipFile(out / "shards.zip", "w") as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    for i in range(257): archive.writestr(f"m/{i}.safetensors", "")
with zipfile.ZipFile(out / "two.zip", "w") as archive:
    for path, data in files:
        archive.writestr(f"a/{path}", data)
        archive.writestr(f"b/{path}", data)
with zipfile.ZipFile(out / "none.zip", "w") as archive:
    archive.writestr("m/config.json", "{}")
data = (out / "up-end.tar").read_bytes()
(out / "cut.tar").write_bytes(data[:2048])
data = (out / "none.zip").read_bytes()
(out / "cut.zip").write_bytes(data[: len(data) // 2])
data = (out / "twice.tar").read_bytes()
(out / "no-end.tar").write_bytes(data[: len(data.rstrip(b"\0")) + 511 & -512])
with zipfile.ZipFile(out / "flipped.zip", "w") as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
data = bytearray((out / "flipped.zip").read_bytes())
data[data.index(b'"hidden_size"') + 1] ^= 1
(out / "flipped.zip").write_bytes(data)
with zipfile.ZipFile(out / "unsaid.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for path, data in files: archive.writestr(f"m/{path}", data)
    archive.writestr("m/added_tokens.json", bytes(100 << 20))
data = bytearray((out / "unsaid.zip").read_bytes())
at = data.index(b"m/added_tokens.json")  # the size that each of its two headers states
for place in (at - 30 + 22, data.index(b"m/added_tokens.json", at + 1) - 46 + 24):
    data[place : place + 4] = (1000).to_bytes(4, "little")
(out / "unsaid.zip").write_bytes(data)
(out / "text.txt").write_text("hello\n")
(out / "empty").write_text("")
PYTHON
    at=$BATS_TEST_TMPDIR
    for name in symlink.tar hardlink.tar device.tar fifo.tar linked-folder.tar symlink.zip; do
        fails_with "bert-fetch: $at/$name: 'm*' is a link or a device: refused" bert-fetch -q "$at/$name"
    done
    for name in absolute.tar up.tar up-end.tar backslash.tar up.zip backslash.zip; do
        fails_with "bert-fetch: $at/$name: '*' leads out of the archive: refused" bert-fetch -q "$at/$name"
    done
    for name in bomb.zip bomb.tar.gz unsaid.zip; do
        fails_with "bert-fetch: $at/$name: unpacks to more than * bytes, 200 times its size: refused" bert-fetch -q "$at/$name"
    done
    fails_with "bert-fetch: $at/many.zip: more than 20000 files: refused" bert-fetch -q "$at/many.zip"
    fails_with "bert-fetch: $at/twice.tar: m/vocab.txt is there twice" bert-fetch -q "$at/twice.tar"
    fails_with "bert-fetch: $at/shards.zip: a model of more than 256 files: refused" bert-fetch -q "$at/shards.zip"
    fails_with "bert-fetch: $at/two.zip: holds more than one model: a/ and b/" bert-fetch -q "$at/two.zip"
    fails_with "bert-fetch: $at/none.zip: holds no folder with config.json and model.safetensors" bert-fetch -q "$at/none.zip"
    fails_with "bert-fetch: $at/cut.tar: damaged archive: *" bert-fetch -q "$at/cut.tar"
    fails_with "bert-fetch: $at/no-end.tar: damaged archive: it ends before the end of the tar" bert-fetch -q "$at/no-end.tar"
    fails_with "bert-fetch: $at/flipped.zip: damaged archive: ZIP bad CRC: *" bert-fetch -q "$at/flipped.zip"
    fails_with "bert-fetch: $at/cut.zip: not a zip or tar archive" bert-fetch -q "$at/cut.zip"
    fails_with "bert-fetch: $at/text.txt: not a zip or tar archive" bert-fetch -q "$at/text.txt"
    fails_with "bert-fetch: $at/empty: not a zip or tar archive" bert-fetch -q "$at/empty"
    [ "$(find "$XDG_CACHE_HOME" -type f ! -name '*.lock' | wc -l)" -eq 0 ]
    [ "$(find "$XDG_CACHE_HOME" -type d | wc -l)" -eq 3 ]
}

@test "an archive at a URL: downloaded once, through a redirect, without the token" {
    model_tree
    pack "$HUB_ROOT/files/m.zip" package
    HF_TOKEN=hf_sesame run --separate-stderr bert-fetch "$HUB/moved/m.zip"
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(cat "$HUB_ROOT/log")" = "hub GET /moved/m.zip - Bearer hf_sesame
storage GET /files/m.zip - -" ]
    [ "$(find "$XDG_CACHE_HOME" -name '*.archive*' | wc -l)" -eq 0 ]
    folder=$output
    : >"$HUB_ROOT/log"
    run --separate-stderr bert-fetch "$HUB/moved/m.zip"
    [ "$output" = "$folder" ]
    [ ! -s "$HUB_ROOT/log" ]
    # another server than the hub gets no token
    HF_TOKEN=hf_sesame run --separate-stderr bert-fetch "$HUB_STORAGE/files/m.zip?key=secret"
    [ "$status" -eq 0 ]
    [ "$(cut -d ' ' -f 5 "$HUB_ROOT/log")" = - ]
    [[ "$stderr" != *secret* ]]
    [[ "$output" != *secret* ]]
}

@test "an archive at a URL that is cut, changes, or is another" {
    model_tree
    pack "$HUB_ROOT/files/n.zip" package
    sum=$(sha256sum <"$HUB_ROOT/files/n.zip" | cut -d ' ' -f 1)
    behave '{"cut": 5000}'
    run --separate-stderr bert-fetch -q "$HUB_STORAGE/files/n.zip"
    [ "$status" -eq 0 ]
    same_model "$output"
    [ "$(requests "^storage" | cut -d ' ' -f 4 | tr '\n' ' ')" = "- bytes=5000- " ]
    # without an ETag nobody knows whether the rest is of the same file: it begins anew, and ends
    behave '{"cut": 5000, "tags": false, "headers": {"Retry-After": "1"}}'
    : >"$HUB_ROOT/log"
    rm -r "$XDG_CACHE_HOME"
    run --separate-stderr bert-fetch -q "$HUB_STORAGE/files/n.zip"
    [ "$status" -eq 1 ]
    run ! requests bytes=
    rm "$HUB_ROOT/behaviour.json"
    run --separate-stderr bert-fetch -q --sha256 "$sum" "$HUB_STORAGE/files/n.zip"
    [ "$status" -eq 0 ]
    same_model "$output"
    fails_with "bert-fetch: $HUB_STORAGE/files/n.zip: the download's SHA-256 is $sum, expected $weights (*)" bert-fetch -q --sha256 "$weights" "$HUB_STORAGE/files/n.zip"
    fails_with "bert-fetch: $HUB_STORAGE/files/none.zip: The requested URL returned error: 404" bert-fetch -q "$HUB_STORAGE/files/none.zip"
}

@test "two at once unpack once" {
    model_tree
    pack "$HUB_ROOT/files/o.zip" package
    behave '{"slow": 1}'
    bert-fetch -q "$HUB_STORAGE/files/o.zip" >"$BATS_TEST_TMPDIR/one" &
    run --separate-stderr bert-fetch -q "$HUB_STORAGE/files/o.zip"
    wait $!
    [ "$status" -eq 0 ]
    [ "$output" = "$(cat "$BATS_TEST_TMPDIR/one")" ]
    [ "$(requests "storage GET" | wc -l)" -eq 1 ]
}

# ---- -m of the other programs ----

@test "-m takes a cached model by its name; a folder of that name comes first" {
    folder=$(bert-fetch -q acme/tiny)
    echo "a great film" | rec-load -q -o "$BATS_TEST_TMPDIR/text.mp"
    by_name=$(wp-tokenize -q -m acme/tiny "$BATS_TEST_TMPDIR/text.mp" | bert-predict -q -m acme/tiny -f json)
    by_folder=$(wp-tokenize -q -m "$folder" "$BATS_TEST_TMPDIR/text.mp" | bert-predict -q -m "$folder" -f json)
    [ -n "$by_name" ]
    [ "$by_name" = "$by_folder" ]
    : >"$HUB_ROOT/log"
    bert-fetch -q acme/tiny@v1 >"$BATS_TEST_TMPDIR/v1"
    wp-tokenize -q -m acme/tiny@v1 "$BATS_TEST_TMPDIR/text.mp" | bert-predict -q -m acme/tiny@v1 -f json | grep -q good
    cd "$BATS_TEST_TMPDIR"
    mkdir -p acme
    cp -rL "$(cat v1)" acme/tiny
    wp-tokenize -q -m acme/tiny text.mp | bert-predict -q -m acme/tiny -f json | grep -q good
}

@test "-m with a name that is not cached says what to do, in every program" {
    for program in wp-tokenize bert-train bert-eval bert-predict; do
        output_option=()
        [ $program = bert-train ] && output_option=(-o "$BATS_TEST_TMPDIR/out")
        fails_with "$program: acme/tiny: neither a folder nor a model in $HF_HOME/hub: \`bert-fetch acme/tiny\` downloads it" $program -q -m acme/tiny "${output_option[@]}" </dev/null
        touch "$BATS_TEST_TMPDIR/m.zip"
        fails_with "$program: $BATS_TEST_TMPDIR/m.zip: a file, not a folder: \`bert-fetch $BATS_TEST_TMPDIR/m.zip\` unpacks an archive" $program -q -m "$BATS_TEST_TMPDIR/m.zip" "${output_option[@]}" </dev/null
    done
    [ ! -s "$HUB_ROOT/log" ]
}

# ---- options ----

@test "wrong options" {
    usage_error_with "bert-fetch: *" bert-fetch
    usage_error_with "bert-fetch: *" bert-fetch a b
    usage_error_with "bert-fetch: --revision is for models of a hub" bert-fetch -r v1 "$model"
    usage_error_with "bert-fetch: --sha256: '12' is not 64 hexadecimal digits" bert-fetch --sha256 12 x
    usage_error_with "bert-fetch: --sha256 is for archives" bert-fetch --sha256 "$weights" acme/tiny
}

@test "manners" {
    has_manners bert-fetch
}

@test "a full disk" {
    run --separate-stderr bash -c "bert-fetch -q '$model' >/dev/full"
    [ "$status" -eq 1 ]
    [ "$stderr" = "bert-fetch: standard output: cannot write: No space left on device" ]
}

@test "the examples of the manual page run" {
    mkdir -p "$HUB_ROOT/models/google-bert"
    cp -r "$HUB_ROOT/models/acme/tiny" "$HUB_ROOT/models/google-bert/bert-base-uncased"
    model_tree
    pack "$BATS_TEST_TMPDIR/minilm.whl" package
    cd "$BATS_TEST_TMPDIR"
    printf 'label\ttext\nnegative\ta bad film\npositive\ta good film\n' | rec-load -q -F tsv -o train.text
    while read -r line; do
        bash -c "${line//\\(dq/\"}" >output 2>messages || { echo "$line"; cat messages; false; }
    done < <(sed -n '/^\.Sh EXAMPLES/,/^\.Sh SEE/s/^\.Dl //p' "$BATS_TEST_DIRNAME/../man/bert-fetch.1")
    [ -e out/model.safetensors ]
    [ -s train.mp ]
}
