#!/usr/bin/env bash
# check.sh GANTRY - holds the command's `verify` and `print` against the file tests.
#
#  verifier, malformed   each `; error: TEXT` line is reported, with TEXT in the message, and no other
#  native                what its run lines say, in machine code at -O0, -O1 and -O2
#  parser, run, examples  no error at all; what `print` prints, it prints again unchanged
#
# Ends with "N passed, N failed, N skipped".
set -u
export LC_ALL=C
gantry=${1:?usage: check.sh GANTRY}
here=$(dirname "$0")
passed=0 failed=0 skipped=0
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT

ok() { passed=$((passed + 1)); }
bad()
{
    failed=$((failed + 1))
    printf '%s\n' "$1"
}

# faults FILE - compares reported with expected lines; awk prints what differs and "= N" agreements.
faults()
{
    awk -v file="$1" '
        NR == FNR {                             # the output of verify: FILE:LINE: error: TEXT
            if (index($0, file ":") != 1) next
            rest = substr($0, length(file) + 2)
            line = rest + 0
            at = index(rest, ": error: ")
            if (!at) next
            text[line] = text[line] "\n" substr(rest, at + 9)
            next
        }
        /^; error anywhere:/ { anywhere = 1 }
        (at = index($0, "; error:")) {
            want = substr($0, at + 8)
            sub(/^ +/, "", want)
            expected[FNR] = 1
            if (!(FNR in text))
                print file ":" FNR ": no error reported: " $0
            else if (want != "" && !index(text[FNR], want))
                print file ":" FNR ": `" want "` is not in:" text[FNR]
            else
                good++
        }
        END {
            for (line in text)
                if (anywhere)
                    good = 1
                else if (!(line in expected))
                    print file ":" line ": an error that is not expected:" text[line]
            if (anywhere && !good)
                print file ":1: no error reported"
            print "= " good + 0
        }' "$2" "$1"
}

while IFS= read -r f; do
    "$gantry" verify "$f" > "$tmp/out" 2> "$tmp/err"
    status=$?
    [ $status = 2 ] || bad "$f: exit status $status of verify instead of 2"
    faults "$f" "$tmp/out" > "$tmp/diff"
    while IFS= read -r line; do
        case $line in
        "= "*) passed=$((passed + ${line#= })) ;;
        "$f"*) bad "$line" ;;
        *) printf '%s\n' "$line" ;; # more lines of a message
        esac
    done < "$tmp/diff"
done < <(find "$here/verifier" "$here/malformed" -name '*.clif' | sort)

while IFS= read -r f; do
    if ! "$gantry" verify "$f" > "$tmp/out" 2>&1; then
        bad "$f: refused: $(head -n 1 "$tmp/out")"
    else
        ok
    fi
done < <(find "$here/parser" "$here/run" "$here/../../examples/clif" -name '*.clif' | sort)

while IFS= read -r f; do
    if ! "$gantry" print "$f" > "$tmp/once.clif" 2> "$tmp/err"; then
        bad "$f: not printed: $(cat "$tmp/once.clif" "$tmp/err" | grep -m 1 error)"
    elif ! "$gantry" print "$tmp/once.clif" > "$tmp/twice.clif" 2> "$tmp/err"; then
        bad "$f: its print is not read: $(cat "$tmp/twice.clif" "$tmp/err" | grep -m 1 error)"
    elif ! cmp -s "$tmp/once.clif" "$tmp/twice.clif"; then
        bad "$f: printed differently the second time"
        diff "$tmp/once.clif" "$tmp/twice.clif" | head -n 5
    elif [ "$(grep -c '^ *function[ %]' "$f")" != "$(grep -c '^function' "$tmp/once.clif")" ]; then
        bad "$f: functions got lost"
    else
        ok
    fi
done < <(find "$here/parser" "$here/run" "$here/../../examples/clif" -name '*.clif' | sort)

for level in -O0 -O1 -O2; do
    "$gantry" test $level "$here"/native/*.clif > "$tmp/out" 2>&1
    grep -E ': (fail|error): ' "$tmp/out"
    read -r p _ f _ s _ < <(tail -n 1 "$tmp/out")
    case $p$f$s in
    *[!0-9]* | '') bad "native: $(tail -n 1 "$tmp/out")" ;;
    *) passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)) ;;
    esac
done

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
