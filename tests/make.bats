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
