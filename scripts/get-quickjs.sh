#!/usr/bin/env bash
# get-quickjs.sh FOLDER - fetches QuickJS-ng's C sources (crate rquickjs-sys, by cargo) and builds
# FOLDER/qjs.wasm, a WASI command, and FOLDER/qjs, the same engine compiled natively. Does nothing
# when both are there. FOLDER lies in the build folder: nothing of theirs is committed.
#
# Needs cargo, clang-19, lld-19, wasi-libc and libclang-rt-19-dev-wasm32; exits with 77 without.
set -eu

folder=$1
version=0.14.0
[ ! -e "$folder/qjs.wasm" ] || [ ! -e "$folder/qjs" ] || exit 0
for need in cargo clang-19 wasm-ld-19; do
    if ! command -v "$need" >/dev/null 2>&1; then
        echo "get-quickjs: $need is not here"
        exit 77
    fi
done

mkdir -p "$folder/fetch/src"
cat > "$folder/fetch/Cargo.toml" <<TOML
[package]
name = "fetch"
version = "0.0.0"
edition = "2021"
[dependencies]
rquickjs-sys = "=$version"
[workspace]
TOML
echo 'fn main() {}' > "$folder/fetch/src/main.rs"
(cd "$folder/fetch" && cargo vendor -q vendor >/dev/null)
source=$folder/fetch/vendor/rquickjs-sys/quickjs

common="-O2 -DNDEBUG -D_GNU_SOURCE -DCONFIG_VERSION=\"fetched\" -Wno-everything -I$source"
for f in quickjs libregexp libunicode dtoa quickjs-libc qjs gen/repl gen/standalone; do
    common="$common $source/$f.c"
done
# shellcheck disable=SC2086
clang-19 --target=wasm32-wasi -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_SIGNAL $common \
    -o "$folder/qjs.wasm" -lm -lwasi-emulated-process-clocks -lwasi-emulated-signal \
    -Wl,-z,stack-size=1048576 -Wl,--stack-first
# shellcheck disable=SC2086
clang-19 $common -o "$folder/qjs" -lm -lpthread -ldl
