#!/usr/bin/env bash
# check.sh BUILD [decode] - runs what the generators here write and the scripts in spec/ through the
# decoder, then what can run through `gantry wasm --commands` at each level (`decode`: the former
# only). Ends with "N passed, N failed, N skipped".
set -u
export PYTHONDONTWRITEBYTECODE=1
here=$(dirname "$0")
build=$1
work=$build/wasm-modules
passed=0 failed=0 skipped=0

# count COMMAND... - runs it and adds its closing line to the sums.
count()
{
    local last p='' f='' s=''
    last=$("$@" | tee /dev/stderr | tail -n 1)
    read -r p _ f _ s _ <<<"$last"
    if [[ $last =~ ^[0-9]+\ passed,\ [0-9]+\ failed,\ [0-9]+\ skipped$ ]]; then
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    else
        failed=$((failed + 1))
        echo "fail: $* gave no result"
    fi
}

rm -rf "$work"
mkdir -p "$work"
for generator in "$here"/gen_*.py; do
    python3 "$generator" "$work" || failed=$((failed + 1))
done
count python3 "$here/run_wast.py" --decode-only "$build/tests/wasm-decode" -- \
    "$work/binary.json" "$work/rules.wast" "$work/deep.json" "$here"/spec/*.wast
if [ "${2-}" != decode ]; then
    for level in -O0 -O1 -O2 -O3; do
        count python3 "$here/run_wast.py" "$build/gantry" wasm --commands "$level" -- \
            "$here"/spec/*.wast "$work"/numeric_*.wast "$work/deep.json"
    done
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
