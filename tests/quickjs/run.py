#!/usr/bin/env python3
"""run.py [--sample] GANTRY FOLDER - QuickJS as a WASI command against the same engine natively.

FOLDER holds qjs.wasm and qjs (scripts/get-quickjs.sh). Every program beside this file runs at every
level; what it prints has to be what the native engine prints. --sample: every level, each on a
quarter of the programs. Ends with "N passed, N failed, N skipped".
"""
import difflib
import glob
import os
import subprocess
import sys

LEVELS = ['-O0', '-O1', '-O2', '-O3']


def output(command, cwd):
    try:
        r = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120,
                           check=False)
    except subprocess.TimeoutExpired:
        return 'timeout\n'
    return r.stdout + (r.stderr + 'status %d\n' % r.returncode if r.returncode else '')


def main():
    args = sys.argv[1:]
    sample = args[0] == '--sample'
    gantry, folder = (os.path.abspath(a) for a in args[sample:])
    here = os.path.dirname(os.path.abspath(__file__))
    programs = sorted(os.path.basename(p) for p in glob.glob(os.path.join(here, '*.js')))
    if not os.path.exists(os.path.join(folder, 'qjs.wasm')):
        print('0 passed, 0 failed, %d skipped' % (len(programs) * len(LEVELS)))
        return 0
    passed = failed = 0
    for k, program in enumerate(programs):
        expected = output([os.path.join(folder, 'qjs'), '-m', program], here)
        for j, level in enumerate(LEVELS):
            if sample and (k + j) % 4:
                continue
            got = output([gantry, 'run', level, '--dir', '.', os.path.join(folder, 'qjs.wasm'), '-m',
                          program], here)
            if got == expected:
                passed += 1
                continue
            failed += 1
            print('fail: %s at %s' % (program, level))
            for line in list(difflib.unified_diff(expected.split('\n'), got.split('\n'), 'native',
                                                  level, lineterm='', n=0))[:12]:
                print('    ' + line)
    print('%d passed, %d failed, 0 skipped' % (passed, failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
