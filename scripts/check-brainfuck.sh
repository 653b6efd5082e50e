#!/usr/bin/env bash
# check-brainfuck.sh PROGRAM - the example VM: a known number, echo, a tape that grows, every error.
# The VM itself fails when compiled code and its interpreter disagree.
set -u
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

# expect NAME STATUS OUTPUT ERROR SOURCE [INPUT] - OUTPUT is exact, ERROR a pattern.
expect()
{
    local status

    printf '%s' "$5" > "$work/p.b"
    printf '%s' "${6-}" | "$program" "$work/p.b" > "$work/out" 2> "$work/err"
    status=$?
    if [ "$status" = "$2" ] && [ "$(cat "$work/out")" = "$3" ] && grep -q -- "$4" "$work/err"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "fail: $1: status $status, output '$(head -c 200 "$work/out")', errors:"
        cat "$work/err"
    fi
}

expect "echoes its input" 0 "hello" "-O1" ',[.,]' hello
expect "wraps a cell" 0 a -O0 "$(printf -- '-%.0s' {1..159})."
expect "an empty program" 0 "" "-O1" ''
expect "a tape that grows" 0 "A" "-O1" \
    "$(printf '>%.0s' {1..1200})++++++++[->++++++++<]>+.$(printf '<%.0s' {1..1201})"
expect "left of the tape" 1 "" "p.b:1:3: left of the first cell" '><<+'
expect "a tape that is full" 1 "" "p.b:1:4: tape full" '+[[>]+]'
expect "a bracket never closed" 1 "" "p.b:2:2: this \[ is never closed" "$(printf '+\n [+[-]')"
expect "a bracket that closes nothing" 1 "" "p.b:1:6: this \] closes nothing" '+[-]+]'
expect "loops nested a thousand deep" 0 "" "-O1" \
    "+$(printf '[%.0s' {1..1000})-$(printf ']%.0s' {1..1000})"

if [ "$("$program" 2>/dev/null | head -c 12)" = 131820409343 ]; then
    passed=$((passed + 1))
else
    failed=$((failed + 1))
    echo "fail: the program built in does not print 2 to the 4000th"
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
