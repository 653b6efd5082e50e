#!/usr/bin/env bash
# check-docs.sh OUT - the pages of docs/ hold: instructions.md is what opdoc in OUT writes, and each C
# program in the others compiles without a warning and prints what its comments say it prints.
# Ends with "N passed, N failed, N skipped".
set -u
out=$1
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

verdict()
{
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "fail: $2"
    fi
}

"$out/opdoc" | cmp -s - docs/instructions.md
verdict $? "docs/instructions.md is not what \`make docs\` writes"

for page in docs/embedding.md docs/adding.md; do
    rm -f "$work"/*
    awk -v to="$work/" '/^```c$/ { file = to (++n) ".c"; next } /^```/ { file = "" } file { print > file }' "$page"
    for program in "$work"/*.c; do
        [ -f "$program" ] || continue
        name="$page, program $(basename "$program" .c)"
        # shellcheck disable=SC2086
        $cc -std=c17 -Iinclude -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror ${CFLAGS-} \
            -o "$work/program" "$program" "$out/libgantry.a" -pthread 2> "$work/errors"
        status=$?
        [ $status = 0 ] || cat "$work/errors"
        verdict $status "$name does not compile"
        sed -nE 's|.*/\* prints (.*) \*/.*|\1|p' "$program" > "$work/wanted"
        "$work/program" > "$work/got" 2>&1
        diff "$work/wanted" "$work/got"
        verdict $? "$name does not print what it says"
    done
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
