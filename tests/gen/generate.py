#!/usr/bin/env python3
"""generate.py - writes every generated file of tests/filetests/run.

    python3 tests/gen/generate.py           writes them
    python3 tests/gen/generate.py --check   fails when the files in the tree are not what it writes
"""
import os
import sys
import tempfile

import clifgen
import gen_call
import gen_float
import gen_flow
import gen_fold
import gen_garbage
import gen_int
import gen_mem
import gen_program
import gen_size
import gen_wide

GENERATORS = (gen_int, gen_float, gen_garbage, gen_mem, gen_flow, gen_call, gen_fold,
              gen_program, gen_size, gen_wide)


def write_all():
    return sum(g.generate() for g in GENERATORS)


def check():
    tree = clifgen.RUN_DIR
    stale = []
    with tempfile.TemporaryDirectory() as fresh:
        clifgen.RUN_DIR = fresh
        write_all()
        for name in sorted(os.listdir(fresh)):
            with open(os.path.join(fresh, name)) as a:
                want = a.read()
            try:
                with open(os.path.join(tree, name)) as b:
                    have = b.read()
            except OSError:
                have = None
            if have != want:
                stale.append(name)
    for name in stale:
        print("not what its generator writes: tests/filetests/run/" + name)
    return not stale


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    if sys.argv[1:] == ["--check"]:
        sys.exit(0 if check() else 1)
    print("%d run lines" % write_all())
