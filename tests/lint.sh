#!/bin/sh
# usage: tests/lint.sh [CHECK]...
# Checks that need no compiler: includes functions tools forbidden manual format; by default all of them.
# Prints each offence as FILE:LINE: REASON; exit status 1 when there is one.
set -u
cd "$(dirname "$0")/.." || exit 2

sources() {
    find common tools tests -name '*.[ch]' -not -path 'tests/fixtures/*' | sort
}

# Who may include whom. A folder may always include itself.
includes() {
    # shellcheck disable=SC2046
    awk '
        BEGIN {
            allowed["cli"] = " "
            allowed["stream"] = allowed["text"] = allowed["model"] = allowed["metrics"] = " cli "
            allowed["data"] = allowed["log"] = " cli stream "
            allowed["nn"] = " cli model "
            allowed["hub"] = " cli data model "
            allowed["encode"] = " cli stream text "
            allowed["report"] = " cli stream data metrics train "
            allowed["train"] = " cli stream text encode model data nn log metrics hub "
        }
        /^#include "/ {
            split(FILENAME, from, "/")
            if (from[1] != "common")
                next
            folder = from[2]
            split($2, path, "\"")
            if (split(path[2], to, "/") < 2)
                reason = "a header without its folder: " path[2]
            else if (!(folder in allowed))
                reason = "common/" folder " is not in the map of who may include whom"
            else if (to[1] != folder && index(allowed[folder], " " to[1] " ") == 0)
                reason = folder " may not include " path[2]
            else
                next
            print FILENAME ":" FNR ": " reason
            bad = 1
        }
        END { exit bad }' $(sources)
}

# At most 60 lines a function, 100 in common/nn.
functions() {
    command -v ctags >/dev/null || { echo "lint: ctags is missing (make deps)"; return 1; }
    sources | ctags --languages=C --langmap=C:.c.h --c-kinds=f --_xformat='%F %n %e %N' -x -L - |
        awk '{
            limit = $1 ~ /^common\/nn\// ? 100 : 60
            if ($3 - $2 + 1 > limit) {
                print $1 ":" $2 ": " $4 " has " $3 - $2 + 1 " lines, more than " limit
                bad = 1
            }
        } END { exit bad }'
}

tools() {
    wc -l tools/*.c | awk '$2 != "total" && $1 > 400 { print $2 ":1: " $1 " lines, more than 400"; bad = 1 } END { exit bad }'
}

# Unchecked conversions and copies anywhere; messages anywhere but in common/cli; tools that include each other.
forbidden() {
    found=$(
        word='(^|[^A-Za-z0-9_])'
        grep -rnE --include='*.[ch]' "$word(atoi|atol|atoll|atof|sprintf|vsprintf|strcpy|strcat|gets|strtok|s?scanf|fscanf)[[:space:]]*\(" common tools
        grep -rnE --include='*.[ch]' "$word(perror[[:space:]]*\(|stderr$word)" common tools | grep -v '^common/cli/'
        grep -rnE --include='*.[ch]' '#include "(\.\.|tools)/' common tools
    )
    [ -z "$found" ] || { printf '%s\n' "$found" | sed 's/$/   <- forbidden/'; return 1; }
}

# Every tool has a manual page, and mandoc has nothing to say about any.
manual() {
    status=0
    for tool in tools/*.c; do
        [ -f "$tool" ] || continue
        name=${tool#tools/}
        name=${name%.c}
        [ -f "man/$name.1" ] || { echo "$tool:1: no man/$name.1"; status=1; }
    done
    find man -name '*.[157]' -exec mandoc -T lint -W warning {} + || status=1
    return $status
}

format() {
    status=0
    for file in $(sources | grep -v '_tables\.h$'); do
        clang-format --dry-run -Werror "$file" 2>/dev/null || { echo "$file:1: not as clang-format -i leaves it"; status=1; }
    done
    return $status
}

status=0
for check in ${*:-includes functions tools forbidden manual format}; do
    case $check in
    includes | functions | tools | forbidden | manual | format) "$check" || status=1 ;;
    *) echo "lint: no check named '$check'" >&2; exit 2 ;;
    esac
done
exit $status
