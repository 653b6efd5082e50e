#!/usr/bin/env bash
# check-symbols.sh LIB.a LIB.so [WASM.a WASM.so] - what the linker may see of the libraries, and
# nothing else.
#
#  archive  every global symbol begins with jit_, but for the two that GDB asks for by name
#  shared   exports exactly the functions that include/gantry declares JIT_API, and is in need of
#           no library but libc
#  wasm     every global symbol of the WebAssembly library begins with gw_, wasm_ or gantry_wasm_,
#           and it exports the latter two alone
#  names    no global symbol is one of GNU libjit's or GNU lightning's
#  headers  every public header compiles by itself, as C11 and as C++
#
# Prints each violation and ends with "N passed, N failed, N skipped".
set -u
export LC_ALL=C
archive=$1 shared=$2 wasm_archive=${3-} wasm_shared=${4-}
cc=${CC:-cc}
here=$(dirname "$0")
passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# verdict NAME FILE: an empty FILE is a pass, else it holds the violations.
verdict()
{
    if [ -s "$2" ]; then
        failed=$((failed + 1))
        sed "s|^|$1: |" "$2"
    else
        passed=$((passed + 1))
    fi
}

nm -g --defined-only "$archive" | awk 'NF == 3 { print $3 }' | sort -u > "$work/defined"
nm -D --defined-only "$shared" | awk 'NF == 3 { print $3 }' | sort -u > "$work/all-exported"
# GDB manual, "JIT Compilation Interface".
gdb='^__jit_debug_(descriptor|register_code)$'
grep -vE "$gdb" "$work/all-exported" > "$work/exported"

grep -v '^jit_' "$work/defined" | grep -vE "$gdb" > "$work/prefix"
verdict "global without jit_" "$work/prefix"

if [ -n "$wasm_archive" ]; then
    nm -g --defined-only "$wasm_archive" | awk 'NF == 3 { print $3 }' |
        grep -vE '^(gw|wasm|gantry_wasm)_' > "$work/wasm"
    verdict "global of the WebAssembly library" "$work/wasm"
    nm -D --defined-only "$wasm_shared" | awk 'NF == 3 { print $3 }' |
        grep -vE '^(wasm|gantry_wasm)_' > "$work/wasm"
    verdict "exported by the WebAssembly library" "$work/wasm"
fi

# Preprocessed, so that generated declarations count, too. A declaration's name is the first one
# with a parenthesis behind it.
for header in include/gantry/*.h; do
    echo "#include \"${header#include/}\""
done > "$work/all.c"
$cc -std=c11 -Iinclude -E -P "$work/all.c" | tr '\n' ' ' |
    sed 's/__attribute__((visibility("default")))/\nEXPORT /g' | grep '^EXPORT ' |
    sed -nE 's/^EXPORT +([^(;]*[^A-Za-z0-9_])(jit_[A-Za-z0-9_]+) *\(.*/\2/p' |
    sort -u > "$work/declared"

comm -13 "$work/declared" "$work/exported" > "$work/extra"
verdict "exported but not declared JIT_API" "$work/extra"
comm -23 "$work/declared" "$work/exported" > "$work/absent"
verdict "declared JIT_API but not there" "$work/absent"

comm -12 "$work/defined" <(grep -v '^#' "$here/foreign-symbols.txt" | sort -u) > "$work/foreign"
verdict "a name of GNU libjit or GNU lightning" "$work/foreign"

if command -v readelf >/dev/null 2>&1; then
    readelf -d "$shared" | sed -nE 's/.*\(NEEDED\).*\[(.*)\]/\1/p' |
        grep -vE '^(libc|ld-linux.*)\.' > "$work/needed"
    verdict "needs a library beside libc" "$work/needed"
else
    skipped=$((skipped + 1))
fi

: > "$work/c" > "$work/cxx"
for header in include/gantry/*.h; do
    flags="-Iinclude -Wall -Wextra -Wpedantic -Werror -fsyntax-only"
    echo "#include \"${header#include/}\"" |
        $cc -std=c11 $flags -xc - >> "$work/c" 2>&1
    echo "#include \"${header#include/}\"" |
        $cc -std=c++17 $flags -xc++ - >> "$work/cxx" 2>&1
done
verdict "as C11" "$work/c"
if echo 'int x;' | $cc -xc++ -fsyntax-only - 2>/dev/null; then
    verdict "as C++" "$work/cxx"
else
    skipped=$((skipped + 1))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
