# Completion of options and arguments in bash and zsh, by the scripts that --completion prints.

load streams

setup() {
    cd "$BATS_TEST_TMPDIR"
    export HF_HOME=$BATS_TEST_TMPDIR/hf HF_HUB_CACHE=
    unset HF_HUB_CACHE
    mkdir -p hf/hub/models--acme--tiny hf/hub/models--bert-base model-folder
    touch train.mp test.mp
}

# completes WORD...: what bash offers for the last word, sorted, in one line.
completes() {
    bash -c '
        source <("$1" --completion bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        function=$(complete -p "$1" | sed "s/.*-F \([^ ]*\).*/\1/")
        $function
        printf "%s\n" "${COMPREPLY[@]}" | sort | tr "\n" " "' bash "$@"
}

@test "bash: options by their beginning" {
    [ "$(completes bert-train --eval-)" = "--eval-delay --eval-on-start --eval-steps --eval-strategy " ]
    [ "$(completes wp-tokenize --on)" = "--on-long " ]
    [[ "$(completes bert-train --no-load)" == "--no-load-best-model-at-end " ]]
    [[ "$(completes rec-cat --)" == *"--help "*"--version "* ]]
}

@test "bash: choices, also after an equals sign" {
    [ "$(completes bert-train --eval-strategy '')" = "epoch no steps " ]
    [ "$(completes bert-train --eval-strategy e)" = "epoch " ]
    [ "$(completes bert-train --eval-strategy = '')" = "epoch no steps " ]
    [ "$(completes bert-train --eval-strategy =)" = "epoch no steps " ]
    [ "$(completes wp-tokenize --on-long h)" = "head-tail " ]
}

@test "bash: models are folders and cached names, other values are not guessed" {
    [ "$(completes bert-predict -m '')" = "acme/tiny bert-base hf model-folder " ]
    [ "$(completes bert-predict --model acme/)" = "acme/tiny " ]
    [ "$(completes bert-predict train -b '')" = " " ]
    [ "$(completes bert-predict t)" = "test.mp train.mp " ]
    [ "$(completes bert-train --eval t)" = "test.mp train.mp " ]
    mkdir 'hf/hub/models--a--$(touch made)' 'hf/hub/models--a--`touch made`'
    [ "$(completes bert-predict -m a/)" = 'a/$(touch made) a/`touch made` ' ]
    [ ! -e made ]
}

@test "bash: every program's script is one that bash and every option is offered" {
    for program in "${BUILD:-$BATS_TEST_DIRNAME/../build}"/{bert,rec,imdb,wp}-*; do
        name=${program##*/}
        "$program" --completion bash >script
        bash -n script
        "$program" --help | grep -oE '^ +(-., )?--[a-z0-9-]+' | grep -oE -- '--[a-z0-9-]+' | sort >options
        completes "$name" -- | tr ' ' '\n' | sort >offered
        [ -s options ]
        [ -z "$(comm -23 options offered)" ] || { echo "$name: $(comm -23 options offered)"; false; }
    done
}

@test "zsh: every program's script loads, and offers options, choices and models" {
    command -v zsh >/dev/null || skip "zsh is not installed"
    mkdir functions
    for program in "${BUILD:-$BATS_TEST_DIRNAME/../build}"/{bert,rec,imdb,wp}-*; do
        name=${program##*/}
        "$program" --completion zsh >"functions/_$name"
        [ "$(head -n 1 "functions/_$name")" = "#compdef $name" ]
        zsh -n "functions/_$name"
    done
    # a terminal of zsh's own, as its completion works nowhere else
    cat >offer.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "PS1=; fpath=($PWD/functions \$fpath); autoload -Uz compinit; compinit -u -D; stty cols 200; LISTMAX=0; echo re''ady"
zpty -r -m shell line '*ready*'
zpty -w -n shell "$1"$'\t\t'
sleep 1
zpty -r -t shell line
while zpty -r -t shell more; do line+=$more; done
print -r -- "$line"
END
    zsh offer.zsh "bert-train --eval-strategy " >offered
    grep -q "epoch.*steps" offered || { cat -v offered; false; }
    zsh offer.zsh "wp-tokenize --on-lo" >offered
    grep -q -- "--on-long" offered || { cat -v offered; false; }
    zsh offer.zsh "bert-predict -m acm" >offered
    grep -q "acme/tiny" offered || { cat -v offered; false; }
}

@test "a shell that is not known" {
    run --separate-stderr rec-cat --completion fish
    [ "$status" -eq 2 ]
    [[ "${stderr_lines[0]}" == "rec-cat: --completion: 'fish' is none of bash, zsh" ]]
}
