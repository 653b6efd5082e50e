#!/bin/sh
# bench/NAME, a link to this script, builds what bench/NAME.c needs and runs it from where we are.
root=$(cd "$(dirname "$0")/.." && pwd)
make -s -C "$root" bench-build >&2 || exit 2
out=$(make -s -C "$root" print-out)
case $out in
/*) ;;
*) out=$root/$out ;;
esac
export BENCH_ROOT="$root" # where the default files are
exec "$out/bench/$(basename "$0")" "$@"
