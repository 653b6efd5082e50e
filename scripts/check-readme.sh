#!/usr/bin/env bash
# check-readme.sh PROGRAM - PROGRAM, made from the C block of README.md, prints what the block says.
set -eu
wanted=$(sed -nE 's|.*/\* prints (.*) \*/.*|\1|p' README.md)
got=$("$1")
if [ -z "$wanted" ] || [ "$got" != "$wanted" ]; then
    echo "README.md says '$wanted', its program prints '$got'"
    exit 1
fi
