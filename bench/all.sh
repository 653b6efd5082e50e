#!/bin/sh
# Runs every benchmark with its default arguments; OUT is the folder of what `make bench` built.
set -u
status=0
for name in compile scale build parse run count; do
    echo "== $name"
    "$OUT/bench/$name" || status=1
    echo
done
exit $status
