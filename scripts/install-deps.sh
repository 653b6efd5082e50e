#!/usr/bin/env bash
# install-deps.sh - installs what `make test` needs beyond a C17 compiler and make.
#
# On Debian (and what descends from it): the distribution's own packages, only those that are
# missing, with one `apt-get update` before. Elsewhere: says what is needed and fails when some of
# it is missing. Building and running Gantry itself needs none of this.
set -eu

# What to look for, as "package:probe"; a probe is a command, or a header with a slash before it,
# or a file with its path.
needs='
gcc:gcc
g++:g++
gdb:gdb
clang-19:clang-19
libcriterion-dev:/criterion/criterion.h
libcapstone-dev:/capstone/capstone.h
libunicorn-dev:/unicorn/unicorn.h
llvm-19:llvm-mc-19
gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc
g++-aarch64-linux-gnu:aarch64-linux-gnu-g++
libc6-dev-arm64-cross:/usr/aarch64-linux-gnu/lib/libc.a
qemu-user-static:qemu-aarch64-static
valgrind:valgrind
xz-utils:xz
wabt:wast2json
python3-minimal:python3
python3-z3:/usr/lib/python3/dist-packages/z3/__init__.py
'

have()
{
    case $1 in
    */lib/*) [ -e "$1" ] ;;
    /*) echo "#include <${1#/}>" | ${CC:-cc} -E -xc - >/dev/null 2>&1 ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing_packages()
{
    for need in $needs; do
        have "${need#*:}" || echo "${need%%:*}"
    done
}

missing=$(missing_packages | tr '\n' ' ')
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-deps: this is no Debian; please install what its packages of these names hold:"
    echo "    $missing"
    exit 1
fi

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "install-deps: neither root nor sudo here; please run as root:"
        echo "    apt-get install --no-install-recommends $missing"
        exit 1
    fi
    as_root="sudo -n"
fi

echo "install-deps: the tests need $missing"
echo "install-deps: apt-get update, then apt-get install --no-install-recommends of these"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -q update </dev/null
# Package by package where all at once fails: one that this release lacks must not stop the others.
# shellcheck disable=SC2086
$as_root apt-get -q -y install --no-install-recommends $missing </dev/null ||
    for package in $missing; do
        $as_root apt-get -q -y install --no-install-recommends "$package" </dev/null ||
            echo "install-deps: $package cannot be installed"
    done

missing=$(missing_packages | tr '\n' ' ')
[ -z "$missing" ] || echo "install-deps: still missing, the tests that need them fail: $missing"
