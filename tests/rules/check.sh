#!/usr/bin/env bash
# check.sh RULEC - what the rule compiler and the prover have to refuse.
#
# Ends with "N passed, N failed, N skipped".
set -u
export LC_ALL=C
rulec=$(realpath "${1:?usage: check.sh RULEC}")
cd "$(dirname "$0")" || exit 1
passed=0 failed=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

verdict() # NAME, after a command
{
    if [ $? = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); printf 'fail: %s\n' "$1"; fi
}

while IFS= read -r line; do
    printf '%s\n' "${line% | *}" > "$tmp/one.rules"
    ! "$rulec" "$tmp/one.rules" > "$tmp/out" 2> "$tmp/err" && grep -qF -- "one.rules:1: " "$tmp/err" &&
        grep -qF -- "${line##* | }" "$tmp/err"
    verdict "refused: $line"
done < refused.txt

printf 'twice: band(x, x) => x\ntwice: bor(x, x) => x\n' > "$tmp/one.rules"
"$rulec" "$tmp/one.rules" 2>&1 > /dev/null | grep -q 'twice is the name of a rule in line 1'
verdict "a name that is there twice"
printf 'first: iadd(x, y) => 0\nsecond: iadd(x, 1) => x\n' > "$tmp/one.rules"
"$rulec" "$tmp/one.rules" 2>&1 > /dev/null | grep -q 'second is never reached: first in line 1'
verdict "a rule that is never reached"

python3 ../../tools/prove/prove.py faulty.rules > "$tmp/out" 2>&1
while IFS=: read -r name _; do
    case $name in ''|\#*) continue ;; esac
    grep -E "faulty.rules:[0-9]+: $name: widths" "$tmp/out" | grep -qv 'no answer in time'
    verdict "the prover does not see what is wrong with $name"
done < faulty.rules

printf '%d passed, %d failed, 0 skipped\n' $passed $failed
[ $failed = 0 ]
