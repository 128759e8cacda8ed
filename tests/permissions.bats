# Who may read what programs write, and what of a user's secrets is in it: nothing.

load streams
load bert
load hub

setup_file() {
    start_hub
}

teardown_file() {
    stop_hub
}

setup() {
    use_hub
    cd "$BATS_TEST_TMPDIR"
}

# Everything that programs write, into the folder `all` of the working folder; a model's name may be given.
write_all() {
    local model=${1:-$MODEL}
    mkdir all
    printf '%s\n' 'label	text' 'negative	a bad film' 'positive	a great film' 'negative	bad acting' 'positive	the best' | rec-load -q --from tsv -o all/texts.mp
    wp-tokenize -q -k -m "$model" -o all/tokens.mp all/texts.mp
    rec-split -q -n 2 -o all/part all/texts.mp > /dev/null
    rec-split -q -r 1:1 -o all/a.mp -o all/b.mp all/texts.mp
    for program in rec-cat rec-check rec-dump rec-head rec-shuffle rec-stat; do
        "$program" -o "all/$program" all/texts.mp
    done
    rec-join -o all/rec-join all/texts.mp all/texts.mp
    bert-train -q -w 0 -n 1 -b 2 --report-to tensorboard --save-strategy steps --save-steps 1 -e all/tokens.mp -m "$model" -o all/model all/tokens.mp > metrics.mp
    cat metrics.mp > all/metrics.mp
    bert-predict -q -m all/model -o all/predictions.mp all/tokens.mp
    bert-eval -q -o all/scores all/predictions.mp
    bert-init -q --vocab "$MODEL/vocab.txt" --hidden-size 8 --num-hidden-layers 1 --num-attention-heads 2 -o all/new
    if command -v gnuplot > /dev/null; then
        bert-report -q --svg all/charts -o all/page.html all/metrics.mp all/predictions.mp
    fi
}

@test "the umask holds for every file and folder" {
    for mask in 077 027 002 000; do
        rm -rf all
        (umask "$mask" && write_all && bert-fetch -q acme/tiny > /dev/null && mv "$HF_HOME" all/cache)
        files=$(printf '%o' $((0666 & ~0$mask)))
        folders=$(printf '%o' $((0777 & ~0$mask)))
        # The cache's locks are empty, and for all users of the cache, as huggingface_hub makes them.
        find all \( -type f ! -perm "$files" -o -type d ! -perm "$folders" \) ! -name '*.lock' > wrong
        [ ! -s wrong ] || { echo "$mask: $(xargs ls -ld < wrong)"; false; }
        [ "$(find all -type f | wc -l)" -ge 60 ]
        [ "$(find all -name '*.lock' -size +0 | wc -l)" -eq 0 ]
    done
}

@test "a file under construction is the user's alone to name, and none is in TMPDIR" {
    mkfifo in
    mkdir tmp
    names=
    for _ in 1 2; do
        TMPDIR=$PWD/tmp rec-load -q -o out.mp < in 3>&- &
        pid=$!
        exec 4> in
        for _ in $(seq 100); do
            ls .out.mp.* > /dev/null 2>&1 && break
            sleep 0.01
        done
        names="$names $(ls -d .out.mp.*)"
        exec 4>&-
        wait "$pid"
    done
    # shellcheck disable=SC2086
    set -- $names
    [[ "$1" == .out.mp.?????? && "$2" == .out.mp.?????? && "$1" != "$2" ]]
    yes 'some text' | head -n 20000 | rec-load -q > many.mp
    TMPDIR=$PWD/tmp rec-shuffle --memory 100K many.mp > in 3>&- &
    pid=$!
    exec 4< in
    sleep 0.3
    [ -n "$(find "/proc/$pid/fd" -lname "$PWD/tmp/bertpipe.*deleted*")" ]
    [ -z "$(ls -A tmp)" ]
    cat <&4 | rec-check -q
    exec 4<&-
    wait "$pid"
}

@test "a link that someone has put where a temporary file goes leads nowhere" {
    echo precious > victim
    printf 'label\ttext\nnegative\ta bad film\npositive\ta film\n' | rec-load -q --from tsv | wp-tokenize -q -m "$MODEL" -o tokens.mp
    mkdir model
    ln -s "$PWD/victim" model/.write-test
    bert-train -q -w 0 -n 1 -m "$MODEL" -o model tokens.mp > /dev/null
    [ "$(cat victim)" = precious ]
    mkdir precious
    echo precious | tee precious/config.json > precious/model.safetensors
    ln -s "$PWD/precious" model/.checkpoint-1.partial
    fails_with "bert-train: *model/.checkpoint-1.partial: cannot open: Not a directory" \
        sh -c "bert-train -q -w 0 -n 1 -m $MODEL -o model tokens.mp > /dev/null"
    tar -cf model.tar -C "$MODELS" good-tiny
    unpacked=$(bert-fetch -q model.tar)
    rm -r "$unpacked"
    ln -s "$PWD/precious" "$unpacked.part"
    [ "$(bert-fetch -q model.tar)" = "$unpacked" ]
    [ "$(cat precious/*)" = $'precious\nprecious' ]
    etag=$(sha256sum < "$HUB_ROOT/models/acme/tiny/main/model.safetensors" | cut -d ' ' -f 1)
    mkdir -p "$TINY/blobs"
    ln -s "$PWD/victim" "$TINY/blobs/$etag.bertpipe.incomplete"
    fails_with "bert-fetch: *.bertpipe.incomplete: Too many levels of symbolic links" bert-fetch -q acme/tiny
    [ "$(cat victim)" = precious ]
    rm "$TINY/blobs/$etag.bertpipe.incomplete"
    rm "$HF_HOME/hub/.locks/models--acme--tiny/$etag.lock"
    ln -s "$PWD/victim" "$HF_HOME/hub/.locks/models--acme--tiny/$etag.lock"
    chmod 600 victim
    fails_with "bert-fetch: *.lock: Too many levels of symbolic links" bert-fetch -q acme/tiny
    [ "$(cat victim) $(stat -c %a victim)" = "precious 600" ]
}

@test "the token reaches no other host and no other port" {
    behave '{"token": "hf_sesame"}'
    HF_TOKEN=hf_sesame bert-fetch -q acme/tiny > /dev/null
    [ "$(requests "^storage GET .* -$" | wc -l)" -ge 1 ]
    run ! requests "^storage .*sesame"
    # The hub under another name is another host, and the token stays behind.
    for status in 301 302 303 307 308; do
        : > "$HUB_ROOT/log"
        behave '{"fail": [{"match": "/api/models/acme/tiny/revision/main - Bearer hf_sesame", "status": '$status', "times": 1,
            "headers": {"Location": "'"${HUB/127.0.0.1/localhost}"'/api/models/acme/tiny/revision/main"}}]}'
        HF_TOKEN=hf_sesame bert-fetch -q acme/tiny > /dev/null
        [ "$(requests "/api/models/acme/tiny/revision/main" | cut -d ' ' -f 5-)" = $'Bearer hf_sesame\n-' ] || { cat "$HUB_ROOT/log"; false; }
    done
}

@test "the token is in no argument, no message and no file" {
    export HF_TOKEN=hf_$(date +%s%N) # unlike that of other tests at the same time
    behave '{"token": "'"$HF_TOKEN"'", "slow": 1}'
    bert-fetch -v acme/tiny > messages 2>&1 3>&- &
    for _ in $(seq 20); do
        cat /proc/[0-9]*/cmdline >> arguments 2> /dev/null || true
        sleep 0.05
    done
    wait "$!"
    tr '\0' ' ' < arguments | grep -q 'bert-fetch -v acme/tiny'
    write_all acme/tiny 2>> messages
    bert-train --explain all/model >> messages
    requests "Bearer $HF_TOKEN" > /dev/null
    echo "${HF_TOKEN#hf_}" > secret
    run ! grep -rqaFf secret arguments messages all "$HF_HOME"
    HF_TOKEN='hf_open sesame' run --separate-stderr bert-fetch -v acme/tiny
    [ "$status" -eq 1 ] && [[ "$output$stderr" != *sesame* ]]
}

@test "no stream holds a path, a user's or a machine's name" {
    mkdir private-folder
    cp -r "$MODEL" private-folder/named-model
    cd private-folder
    write_all "$PWD/named-model/"
    cd ..
    for file in private-folder/all/*.mp; do
        run ! grep -qa -e private-folder -e "$HOME/" -e "$(hostname)" "$file"
    done
    run ! grep -qa -e private-folder -e "$(hostname)" private-folder/all/model/bertpipe.json private-folder/all/model/config.json
    rec-dump --header private-folder/all/predictions.mp | head -n 1 > header
    [ "$(json 'rows[0]["bertpipe"]["model"]["name"]' < header)" = model ]
}

# The history of every stream in `all`, one entry a line, without its repetitions.
histories() {
    for file in all/*.mp; do
        case $file in *metrics* | *predictions* | *tokens* | *texts* | *part* | */a.mp | */b.mp) rec-dump --partial --header "$file" | head -n 1 ;; esac
    done | json '"\n".join(sorted({json.dumps(entry) for row in rows for entry in row["bertpipe"]["history"]}))'
}

@test "BERTPIPE_HISTORY: whole, the programs' names alone, or none" {
    write_all
    histories > full
    grep -q '"tool": "wp-tokenize".*"max_length": "64"' full
    grep -q '"tool": "bert-train".*"learning_rate": "5e-05"' full
    cp all/tokens.mp earlier.mp
    rm -r all
    BERTPIPE_HISTORY=programs write_all
    [ "$(histories | json '"\n".join(sorted({row["tool"] + str(row["options"]) for row in rows}))')" = \
        "$(printf '%s{}\n' bert-predict bert-train rec-load rec-split wp-tokenize)" ]
    rm -r all
    BERTPIPE_HISTORY=none write_all
    [ "$(histories)" = "" ]
    # What earlier programs have told goes, too.
    [ "$(rec-dump --header earlier.mp | head -n 1 | json 'len(rows[0]["bertpipe"]["history"])')" -eq 2 ]
    [ "$(BERTPIPE_HISTORY=none rec-cat earlier.mp | rec-dump --header | head -n 1 | json 'rows[0]["bertpipe"]["history"]')" = "[]" ]
    [ "$(BERTPIPE_HISTORY=none rec-dump --header earlier.mp | head -n 1 | json 'rows[0]["bertpipe"]["history"]')" = "[]" ]
    # The records are the same.
    cmp <(BERTPIPE_HISTORY=none rec-cat earlier.mp | rec-dump) <(rec-dump earlier.mp)
    BERTPIPE_HISTORY=some fails_with "rec-cat: BERTPIPE_HISTORY: 'some' is none of full, programs, none" rec-cat -o out earlier.mp
    [ ! -e out ]
}
