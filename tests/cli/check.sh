#!/usr/bin/env bash
# check.sh GANTRY - holds what the command prints, and its exit status, against the files *.txt here.
#
# A line `$ ARGS` is a call of the command in this folder; what it has to print follows (both streams),
# then `exit N`. Behind `$ x86_64:` it is for such a host only, behind `emulator:` for a build that
# has one. BLESS=1 rewrites the files; read that diff.
# Ends with "N passed, N failed, N skipped".
set -u
export LC_ALL=C
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0 # faults are signals here too
gantry=$(realpath "${1:?usage: check.sh GANTRY}")
cd "$(dirname "$0")" || exit 1
passed=0 failed=0 skipped=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
# The command may run under an emulator itself, so it is asked what its host is.
host=x86_64 other=aarch64
"$gantry" compile -S main.clif 2>&1 | grep -q x30 && host=aarch64 other=x86_64
emulates=true
"$gantry" test --target $other runs.clif 2>&1 | grep -q 'no emulator' && emulates=false

for file in *.txt; do
    : > "$tmp/new"
    while IFS= read -r line; do
        args=${line#\$ }
        if [ "${args#x86_64: }" != "$args" ]; then
            [ $host = x86_64 ] || { skipped=$((skipped + 1)); continue; }
            args=${args#x86_64: }
        fi
        if [ "${args#emulator: }" != "$args" ]; then
            $emulates || { skipped=$((skipped + 1)); continue; }
            args=${args#emulator: }
        fi
        eval "\"\$gantry\" $args" > "$tmp/out" 2>&1
        status=$?
        # Where code faults depends on how it was built.
        { printf '%s\n' "$line"; sed -E 's/at 0x[0-9a-f]+ of the code/at N of the code/' "$tmp/out"; printf 'exit %d\n' $status; } > "$tmp/case"
        cat "$tmp/case" >> "$tmp/new"
        awk -v call="$line" '/^\$ /{ on = $0 == call } on' "$file" > "$tmp/want"
        if cmp -s "$tmp/want" "$tmp/case"; then
            passed=$((passed + 1))
        elif [ -z "${BLESS:-}" ]; then
            failed=$((failed + 1))
            echo "$file: $line"
            diff "$tmp/want" "$tmp/case"
        fi
    done < <(grep '^\$ ' "$file")
    [ -z "${BLESS:-}" ] || cp "$tmp/new" "$file"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
