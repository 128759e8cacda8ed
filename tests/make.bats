# The Makefile's targets that no other test uses.
bats_require_minimum_version 1.5.0

setup() {
    cd "$BATS_TEST_DIRNAME/.."
    build=$(realpath --relative-to=. "${BUILD:-build}")
    # Under `make check` keep its settings (CC=clang, CFLAGS=...) and drop its flags and job server.
    case ${MAKEFLAGS-} in
    *" -- "*) export MAKEFLAGS="-- ${MAKEFLAGS#* -- }" ;;
    *) unset MAKEFLAGS ;;
    esac
    unset MFLAGS MAKELEVEL BUILD
}

@test "help lists every target" {
    run --separate-stderr make help
    [ "$status" -eq 0 ]
    for target in all deps demo check parity bench asan tsan valgrind coverage lint install uninstall clean help; do
        [[ "$output" == *"make $target "* ]]
    done
}

@test "install and uninstall" {
    run --separate-stderr make BUILD="$build" install DESTDIR="$BATS_TEST_TMPDIR/a root" PREFIX=/opt/x MANDIR=/opt/x/man
    [ "$status" -eq 0 ]
    root="$BATS_TEST_TMPDIR/a root/opt/x"
    for tool in tools/*.c; do
        name=$(basename "$tool" .c)
        "$root/bin/$name" --version
        [ -f "$root/man/man1/$name.1" ]
    done
    [ -f "$root/man/man7/bertpipe.7" ]
    run --separate-stderr make BUILD="$build" uninstall DESTDIR="$BATS_TEST_TMPDIR/a root" PREFIX=/opt/x MANDIR=/opt/x/man
    [ "$status" -eq 0 ]
    [ -z "$(find "$root" -type f)" ]
}

@test "an installed pipeline runs the programs installed with it" {
    root=$BATS_TEST_TMPDIR/root
    make -s BUILD="$build" install DESTDIR="$root" PREFIX=/usr
    mv "$root/usr/bin/rec-load" "$root/usr/bin/rec-load-itself"
    printf '#!/bin/sh\necho installed >&2\nexec "$0-itself" "$@"\n' >"$root/usr/bin/rec-load"
    chmod +x "$root/usr/bin/rec-load"
    python3 tests/fixtures/imdb/generate-archives.py "$BATS_TEST_TMPDIR"
    model=$PWD/tests/fixtures/model/good-tiny
    cd "$BATS_TEST_TMPDIR"
    run --separate-stderr env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -f root/usr/share/bertpipe/imdb.mk MODEL="$model" ARCHIVE=good-tiny.tar.gz WORK=imdb LENGTH=16 EPOCHS=1 WARMUP=1
    [ "$status" -eq 0 ] || { echo "$stderr"; false; }
    [ "$(grep -cE '^(Sentiment|Text): ' imdb/predictions.txt)" -eq 6 ]
    [[ $stderr == *installed* ]]
}

@test "kernels are vectorised whatever a distribution's flags say, and not where a developer asks for less" {
    for flags in "-g -O2:-O3" "-O3 -g:-O3" "-O1 -g:-O1" "-O0:-O0"; do
        make -n V=1 BUILD="$BATS_TEST_TMPDIR/b" CFLAGS="${flags%:*}" "$BATS_TEST_TMPDIR/b/obj/common/nn/cpu/kernels-portable.o" >"$BATS_TEST_TMPDIR/commands"
        [ "$(grep -e ' -o .*kernels-portable.o' "$BATS_TEST_TMPDIR/commands" | grep -o -e '-O[0-3]' | tail -n 1)" = "${flags#*:}" ] || { cat "$BATS_TEST_TMPDIR/commands"; false; }
    done
}

@test "nothing is built twice" {
    run --separate-stderr make BUILD="$build" all
    [ "$status" -eq 0 ]
    [[ "$output" != *CC* ]]
    [[ "$output" != *LD* ]]
}

@test "deps does nothing where everything is installed" {
    command -v dpkg-query > /dev/null || skip "not Debian"
    run --separate-stderr make deps
    [ "$status" -eq 0 ]
    [ "$output" = "deps: everything is installed" ]
}
