#!/usr/bin/env bash
# check-determinism.sh - the same input gives the same bytes, whoever compiled Gantry and whoever
# runs it: the commands built by gcc and by clang, in release and in debug builds, twice in a row
# and eight at once, must write equal code for every example and file test at every level.
# Ends with "N passed, N failed, N skipped", one for each comparison of a build with the first.
set -u
export LC_ALL=C
make=${MAKE:-make}
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
files=$(find examples/clif tests/filetests/run -name '*.clif' 2>/dev/null | sort)
examples=$(find examples/clif -name '*.clif' 2>/dev/null | sort)

# code TOOL OUTPUT FILE... - a check sum of the bytes of each file at each level.
code()
{
    local file level

    for file in "${@:3}"; do
        for level in -O0 -O1 -O2; do
            rm -f "$2.bin"
            timeout 60 "$1" compile "$level" -o "$2.bin" "$file" >/dev/null 2>&1
            echo "$file $level: $([ ! -f "$2.bin" ] || cksum < "$2.bin")"
        done
    done > "$2"
}

# compare WHAT OUTPUT - every line of it, with the first build's.
compare()
{
    if [ -s "$2" ] && ! grep -qvxFf "$work/first" "$2"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "fail: $1 gives other code than gcc's release build:"
        grep -vxFf "$work/first" "$2" | head -n 10
    fi
}

# tool SETTING... - builds the command and prints where it is.
tool()
{
    "$make" -s -j2 BUILD="$build" "$@" all >"$work/log" 2>&1 || cat "$work/log" >&2
    echo "$("$make" -s BUILD="$build" "$@" print-out)/gantry"
}

first=$(tool CC=gcc)
# shellcheck disable=SC2086 # lists of names without blanks
code "$first" "$work/first" $files
code "$first" "$work/again" $examples
compare "a second run" "$work/again"
code "$(tool CC=gcc DEBUG=1)" "$work/debug" $files
compare "the debug build" "$work/debug"
if command -v clang-19 >/dev/null 2>&1; then
    code "$(tool CC=clang-19)" "$work/clang" $files
    compare "clang's build" "$work/clang"
else
    skipped=$((skipped + 1))
fi
for n in 1 2 3 4 5 6 7 8; do
    code "$first" "$work/thread$n" $examples &
done
wait
for n in 1 2 3 4 5 6 7 8; do
    compare "process $n of eight at once" "$work/thread$n"
done
# That most files compile is for the file tests to show; that some did, we must know here.
if ! grep -q ': [0-9]' "$work/first"; then
    failed=$((failed + 1))
    echo "fail: no file gave any code"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
