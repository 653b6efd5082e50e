#!/usr/bin/env bash
# check.sh GANTRY [STATIC-CC...] - objects of both machines: read by other tools, linked, run.
#
# Tools that are not there are skipped. Ends with "N passed, N failed, N skipped".
set -u
export LC_ALL=C
gantry=$(realpath "${1:?usage: check.sh GANTRY}")
cd "$(dirname "$0")" || exit 1
root=$(realpath ../..)
passed=0 failed=0 skipped=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

# expect WHAT COMMAND... - the command has to succeed and say nothing on stderr.
expect()
{
    local what=$1
    shift
    if "$@" > "$tmp/out" 2> "$tmp/err" </dev/null && [ ! -s "$tmp/err" ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'fail: %s\n' "$what"
        tail -n 5 "$tmp/out" "$tmp/err"
    fi
}

have() { command -v "$1" >/dev/null 2>&1; }
skip() { skipped=$((skipped + 1)); printf 'skip: %s\n' "$1"; }

# The command prints nothing on standard error, and what it prints holds all that is asked for.
says()
{
    local pattern=$1
    shift
    "$@" > "$tmp/said" || return 1
    grep -Eq -- "$pattern" "$tmp/said" || { cat "$tmp/said"; return 1; }
}
says_not()
{
    local pattern=$1
    shift
    "$@" > "$tmp/said" || return 1
    ! grep -E -- "$pattern" "$tmp/said"
}

# read_object NAME FILE MACHINE - by tools of others.
read_object()
{
    local wrong

    expect "readelf $1" says_not 'Warning|Error|<unknown>' readelf -aW --debug-dump=frames,decodedline "$2"
    if have llvm-objdump-19; then
        # Constants stand behind the code of a function; only AArch64's mapping symbols tell.
        wrong='error:'
        [ "$3" = aarch64 ] && wrong='error:|<unknown>'
        expect "objdump $1" says_not "$wrong" llvm-objdump-19 -dr "$2"
        expect "dwarfdump $1" llvm-dwarfdump-19 --verify --eh-frame "$2"
    else
        skip "llvm-objdump-19 and llvm-dwarfdump-19 are not there"
    fi
}

for machine in x86_64 aarch64; do
    for level in 0 1; do
        for file in linked.clif "$root"/examples/clif/*.clif; do
            name=$(basename "$file" .clif)-$machine-O$level
            expect "compile $name" "$gantry" compile --target $machine -O$level "$file" -o "$tmp/$name.o"
            expect "compile $name again" "$gantry" compile --target $machine -O$level "$file" -o "$tmp/again.o"
            expect "the same bytes of $name" cmp "$tmp/$name.o" "$tmp/again.o"
            read_object "$name" "$tmp/$name.o" $machine
        done
    done
done

# run MACHINE RUNNER CC CXX - links linked.o in each way and runs it.
link_and_run()
{
    local machine=$1 runner=$2 cc=$3 cxx=$4 level o flags

    if ! have "$cc" || { [ -n "$runner" ] && ! have "${runner%% *}"; }; then
        skip "linking for $machine: no $cc"
        return
    fi
    for level in 0 1; do
        o=$tmp/linked-$machine-O$level.o
        for flags in "-fPIE -pie" "-no-pie" "-static" "-fPIE -static-pie" "-fPIE -pie -Wl,-z,relro,-z,now"; do
            # shellcheck disable=SC2086
            expect "link $machine O$level $flags" "$cc" -O1 -g -std=gnu17 -I"$root/include" -fexceptions \
                $flags -Wl,--fatal-warnings linked.c "$o" -lm -o "$tmp/linked"
            expect "run $machine O$level $flags" says '^[0-9]+ passed, 0 failed' $runner "$tmp/linked"
        done
        expect "link $machine O$level -shared" "$cc" -shared -Wl,-z,text,--fatal-warnings "$o" -lm -o "$tmp/liblinked.so"
        have "$cxx" || { skip "exceptions on $machine: no $cxx"; continue; }
        expect "link $machine O$level C++" "$cxx" -O1 throw.cc "$o" -o "$tmp/throw"
        expect "throw $machine O$level" says '^caught$' $runner "$tmp/throw"
    done
}

case $(uname -m) in
x86_64)
    link_and_run x86_64 '' "${CC:-cc}" "${CXX:-c++}"
    link_and_run aarch64 'qemu-aarch64-static -L /usr/aarch64-linux-gnu' aarch64-linux-gnu-gcc \
        aarch64-linux-gnu-g++
    ;;
aarch64) link_and_run aarch64 '' "${CC:-cc}" "${CXX:-c++}" ;;
esac

if have gdb && [ "$(uname -m)" = x86_64 ]; then
    "${CC:-cc}" -O1 -g -std=gnu17 -I"$root/include" linked.c "$tmp/linked-x86_64-O1.o" -lm -o "$tmp/linked"
    expect "gdb's backtrace" says '^#1 +0x[0-9a-f]+ in outer \(\) at linked.clif:3[45]' \
        gdb -batch -nx -ex 'set startup-with-shell off' -ex 'break callee' -ex run -ex bt "$tmp/linked"
else
    skip "gdb is not there"
fi

printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
[ $failed = 0 ]
