# The manual: every page's examples run somewhere, those of bertpipe(7) and of the pages without another test here; and the
# options in the pages are those of the programs.

load streams
load bert

PAGES=$BATS_TEST_DIRNAME/../man

# The commands of a page's EXAMPLES, each block a file in the folder commands/.
commands() {
    rm -rf commands
    mkdir commands
    sed -n '/^\.Sh EXAMPLES/,/^\.Sh/p' "$PAGES/$1" | awk '
        /^\.Bd/ { inside = 1; file = sprintf("commands/%02d", ++count); next }
        /^\.Ed/ { inside = 0; close(file); next }
        /^\.Dl / { sub(/^\.Dl /, ""); file = sprintf("commands/%02d", ++count); line = $0; gsub(/\\\(dq/, "\"", line); gsub(/\\e/, "\\", line); print line > file; close(file); next }
        inside { gsub(/\\e/, "\\"); gsub(/\\&/, ""); print > file }'
    [ -n "$(ls commands)" ]
}

# Runs them one after the other in a folder with the models and files that they speak of.
run_examples() {
    commands "$1"
    for file in commands/*; do
        run --separate-stderr timeout 60 bash -e -o pipefail "$file"
        [ "$status" -eq 0 ] || { cat "$file"; echo "status $status: $stderr"; return 1; }
    done
}

setup() {
    cd "$BATS_TEST_TMPDIR"
    root=$BATS_TEST_DIRNAME/..
    export BUILD=${BUILD:-$root/build} HF_HOME=$BATS_TEST_TMPDIR/hf
    unset HF_HUB_CACHE MAKEFLAGS MFLAGS MAKELEVEL
    bert-init -q -o bert-base-uncased --vocab "$MODEL/vocab.txt" --layers 2 --hidden 32 --heads 2 --positions 512
    ln -s "$root/pipelines" "$root/tests" .
    # a cached google-bert/bert-base-uncased, bert-classify as it is installed, and IMDB out of twelve reviews
    snapshot=hf/hub/models--google-bert--bert-base-uncased
    mkdir -p $snapshot/refs $snapshot/snapshots bin
    printf 0123456789012345678901234567890123456789 >$snapshot/refs/main
    cp -r bert-base-uncased $snapshot/snapshots/0123456789012345678901234567890123456789
    python3 "$root/tests/fixtures/imdb/generate-archives.py" .
    ln -s "$root/pipelines/classify" bin/bert-classify
    printf '#!/bin/sh\n"%s/imdb-fetch" -a "%s/good-tiny.tar.gz" "$@" 2>/dev/null\n' "$BUILD" "$PWD" >bin/imdb-fetch
    printf '#!/bin/sh\n[ "$1" = google-bert/bert-base-uncased ]\n' >bin/bert-fetch
    printf '#!/bin/sh\ncat "$4"\n' >bin/tail
    chmod +x bin/*
    PATH=$PWD/bin:$PATH
}

@test "bertpipe(7): its pipelines" {
    command -v jq >/dev/null || skip "jq is not installed"
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    printf 'a great film\nthe worst plot\n' >reviews.log
    (echo text,label && for i in $(seq 20); do printf 'a bad film %s,negative\n"good, really %s",positive\n' "$i" "$i"; done) >complaints.csv
    run_examples bertpipe.7
    [ "$(ls commands | wc -l)" -ge 12 ]
    [ -s imdb-bert/bertpipe.json ] && [ -s overnight/bertpipe.json ] && [ -s report.html ] && [ -s sure.mp ]
    [ "$(rec-dump held-out.mp | json 'sorted(r["label"] for r in rows)')" = "['negative', 'negative', 'positive', 'positive']" ]
    cmp <(rec-dump whole.mp) <(rec-dump train.mp)
    [ "$(wc -l <build/sweep/ranking.tsv)" -eq 7 ]
}

@test "wp-tokenize(1), imdb-fetch(1), bert-classify(1), bert-report(1), rec-join(1)" {
    command -v jq >/dev/null || skip "jq is not installed"
    command -v gnuplot >/dev/null || skip "gnuplot is not installed"
    make_tokens_here
    for page in wp-tokenize imdb-fetch bert-classify bert-report rec-join; do
        run_examples $page.1 || { echo "$page"; false; }
    done
}

make_tokens_here() {
    imdb-fetch -s train -q -o text.mp
    imdb-fetch -s test -q -o test.text
    wp-tokenize -q -m bert-base-uncased -o train.mp text.mp
    wp-tokenize -q -m bert-base-uncased -o test.mp test.text
    bert-train -q -m bert-base-uncased -o imdb-bert -n 2 -w 1 --logging-steps 1 -e test.mp train.mp >metrics.mp
    cp metrics.mp other-metrics.mp
    wp-tokenize -q -k -m imdb-bert test.text | bert-predict -q -m imdb-bert -o predictions.mp
    cp test.text reviews.mp
    rec-dump reviews.mp | jq -c '{id, text, note: "dull"}' | rec-load -q -F jsonl -o notes.mp
    rec-dump reviews.mp | jq -c '{id, text, label: "negative"}' | rec-load -q -F jsonl -o relabelled.mp
    rec-dump reviews.mp | jq -r .text >reviews.txt
}

@test "every option of every program is in its page, and every page is of a program" {
    for program in "$BUILD"/{bert,imdb,rec,wp}-*; do
        name=${program##*/}
        "$program" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE -- '-[a-zA-Z],|--[a-z0-9-]+' | tr -d , | sort -u >options
        grep -oE 'Fl -?[a-zA-Z0-9][a-z0-9-]*' "$PAGES/$name.1" | sed 's/Fl /-/' | sort -u >documented
        [ -z "$(comm -23 options documented)" ] || { echo "$name: not in its page: $(comm -23 options documented)"; false; }
    done
    for page in "$PAGES"/*.1; do
        name=$(basename "$page" .1)
        [ -x "$BUILD/$name" ] || [ "$name" = bert-classify ] || { echo "$name: no such program"; false; }
        grep -q "Xr $name 1" "$PAGES/bertpipe.7" || { echo "$name is not in bertpipe(7)"; false; }
        grep -q "\`$name\`" "$BATS_TEST_DIRNAME/../README.md" || { echo "$name is not in README.md"; false; }
    done
}
