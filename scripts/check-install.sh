#!/usr/bin/env bash
# check-install.sh - installs into a fresh folder, then builds and runs README's program from there
# alone, with the flags of gantry.pc, against the shared library and against the archive.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
${MAKE:-make} -s BUILD="${BUILD:-build}" CC="${CC:-gcc}" PREFIX="$work/usr" install
awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' README.md > "$work/readme.c"

pc=$work/usr/lib/pkgconfig/gantry.pc
if command -v pkg-config >/dev/null 2>&1; then
    flags=$(PKG_CONFIG_PATH=${pc%/*} pkg-config --cflags --libs gantry)
else
    flags="-I$(sed -n 's/^includedir=//p' "$pc") -L$(sed -n 's/^libdir=//p' "$pc") -lgantry"
fi
# shellcheck disable=SC2086
${CC:-gcc} -std=c17 -o "$work/shared" "$work/readme.c" $flags
LD_LIBRARY_PATH=$work/usr/lib scripts/check-readme.sh "$work/shared"
${CC:-gcc} -std=c17 -I"$work/usr/include" -o "$work/static" "$work/readme.c" \
    "$work/usr/lib/libgantry.a" -pthread
scripts/check-readme.sh "$work/static"
"$work/usr/bin/gantry" --version >/dev/null
${MAKE:-make} -s BUILD="${BUILD:-build}" CC="${CC:-gcc}" PREFIX="$work/usr" uninstall
left=$(find "$work/usr" -type f -o -type l)
if [ -n "$left" ]; then
    echo "uninstall leaves $left"
    exit 1
fi
