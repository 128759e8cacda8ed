# The checks of lint.sh that need nothing but what `make deps` installs.

setup() {
    lint=$BATS_TEST_DIRNAME/lint.sh
}

@test "no folder of common/ includes what the map forbids" {
    "$lint" includes
}

@test "functions are short" {
    "$lint" functions
}

@test "tools are short" {
    "$lint" tools
}

@test "no unchecked conversions, no messages outside common/cli" {
    "$lint" forbidden
}

@test "every tool has a manual page and mandoc accepts it" {
    "$lint" manual
}

# Each check is seen to fail on a tree of its own: offend FILE CHECK CONTENTS.
offend() {
    tree=$BATS_TEST_TMPDIR
    mkdir -p "$tree/tests" "$tree/tools" "$tree/man" "$tree/common/nn"
    cp "$lint" "$tree/tests/lint.sh"
    printf '%s\n' "$3" > "$tree/$1"
    run "$tree/tests/lint.sh" "$2"
    [ "$status" -eq 1 ]
}

@test "an include against the map is found" {
    offend common/nn/a.c includes '#include "stream/reader.h"'
    [ "$output" = "common/nn/a.c:1: nn may not include stream/reader.h" ]
}

@test "a long function is found" {
    body=$(yes '    g();' | head -n 70)
    offend tools/a.c functions "void f(void)
{
$body
}"
    [ "$output" = "tools/a.c:1: f has 73 lines, more than 60" ]
}

@test "a long tool is found" {
    offend tools/a.c tools "$(yes 'int x;' | head -n 401)"
    [ "$output" = "tools/a.c:1: 401 lines, more than 400" ]
}

@test "an unchecked conversion is found" {
    offend tools/a.c forbidden 'int n = atoi(s);'
    [[ "$output" == "tools/a.c:1:int n = atoi(s);"* ]]
}

@test "a message outside common/cli is found" {
    offend tools/a.c forbidden 'fprintf(stderr, "x");'
    [[ "$output" == "tools/a.c:1:fprintf"* ]]
}

@test "a tool without a page is found" {
    offend tools/a.c manual 'int x;'
    [[ "$output" == *"tools/a.c:1: no man/a.1"* ]]
}
