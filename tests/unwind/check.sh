#!/usr/bin/env bash
# check.sh LIBGANTRY.A - frames of code in memory as C++, backtrace(), GDB and perf see them.
#
# Tools that are not there, or that the system refuses, are skipped. Ends with "N passed, N failed,
# N skipped".
set -u
export LC_ALL=C
library=$(realpath "${1:?usage: check.sh LIBGANTRY.A}")
cd "$(dirname "$0")" || exit 1
passed=0 failed=0 skipped=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export JITDUMPDIR=$tmp

fail() { failed=$((failed + 1)); printf 'fail: %s\n' "$1"; [ -z "${2-}" ] || tail -n 20 "$2"; }
skip() { skipped=$((skipped + 1)); printf 'skip: %s\n' "$1"; }
holds() # WHAT PATTERN FILE
{
    if grep -Eq -- "$2" "$3"; then
        passed=$((passed + 1))
    else
        fail "$1" "$3"
    fi
}
finish()
{
    printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
    [ $failed = 0 ]
    exit
}

if ! command -v "${CXX:-c++}" >/dev/null 2>&1; then
    skip "there is no C++ compiler"
    finish
fi
# -rdynamic, so that backtrace_symbols() knows main.
if ! "${CXX:-c++}" -std=c++17 -g -O1 -rdynamic -I../../include unwind.cc "$library" -pthread \
    -o "$tmp/unwind" > "$tmp/log" 2>&1; then
    fail "building unwind.cc" "$tmp/log"
    finish
fi

"$tmp/unwind" > "$tmp/log" 2>&1
holds "exceptions and backtraces" '^10 passed, 0 failed$' "$tmp/log"

# Four functions and what calls them, each with its bytes: records of whole size up to the end.
python3 - "$tmp"/jit-*.dump > "$tmp/log" 2>&1 <<'EOF'
import struct, sys
data = open(sys.argv[1], "rb").read()
magic, version, size, machine = struct.unpack_from("<4I", data)
assert (magic, version, size) == (0x4A695444, 1, 40), "header"
at, names, closed = size, [], False
while at < len(data):
    kind, total, when = struct.unpack_from("<IIQ", data, at)
    assert when and total >= 16 and not closed
    if kind == 0:
        address, same, code, index = struct.unpack_from("<4Q", data, at + 24)
        end = data.index(b"\0", at + 56)
        assert address == same and index == len(names) and end + 1 + code == at + total
        names.append(data[at + 56:end].decode())
    closed = kind == 3
    at += total
assert at == len(data) and closed
print(" ".join(n for n in names if n in ("%inner", "%outer")))
EOF
holds "the records of the dump" '^%inner %outer %inner %outer$' "$tmp/log"

if command -v gdb >/dev/null 2>&1; then
    gdb -batch -nx -ex 'set startup-with-shell off' -ex 'break stops_here' -ex run -ex bt -ex continue \
        -ex bt --args "$tmp/unwind" wait > "$tmp/log" 2>&1
    if grep -q 'Could not trace\|ptrace: Operation not permitted' "$tmp/log"; then
        skip "gdb may not trace here"
    else
        tr '\n' ' ' < "$tmp/log" > "$tmp/line"
        frames='#1 +0x[0-9a-f]+ in inner \(\) #2 +0x[0-9a-f]+ in outer \(\) #3 .* in call_outer'
        holds "gdb's backtrace at both levels" "$frames.*$frames" "$tmp/line"
    fi
else
    skip "gdb is not there"
fi
finish
