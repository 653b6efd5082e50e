#!/usr/bin/env python3
"""differ.py RUN_EXPORTS COUNT [SEED] - random modules at every level against each other and Node.

The modules come from binaryen's `wasm-opt -ttf`; without it, or without Node, nothing is compared
and the tests are skipped. A module whose stack is exhausted anywhere is left out from there on, for
engines have stacks of different size. Those that differ are kept. Ends with
"N passed, N failed, N skipped".
"""
import os
import random
import shutil
import subprocess
import sys
import tempfile

BATCH = 25
FEATURES = ['--enable-' + f for f in ('bulk-memory', 'sign-ext', 'nontrapping-float-to-int',
                                      'mutable-globals', 'multivalue')]
WAYS = [['-O0'], ['-O1'], ['-O2'], ['-O3'], ['-O1', '--explicit-bounds']]


def make(folder, seed):
    data = random.Random(seed)
    raw, path = os.path.join(folder, 'raw'), os.path.join(folder, '%d.wasm' % seed)
    with open(raw, 'wb') as f:
        f.write(data.randbytes(data.choice((200, 1000, 4000, 12000))))
    subprocess.run(['wasm-opt', raw, '-ttf', *FEATURES, '--denan', '-o', path],
                   stderr=subprocess.DEVNULL, check=False)
    return path if os.path.exists(path) else None


def outputs(command, paths):
    """What a command says of each module; of one that takes it down, nothing."""
    said = {}
    todo = list(paths)
    while todo:
        try:
            r = subprocess.run([*command, *todo], capture_output=True, text=True, timeout=30,
                               check=False)
            text, died = r.stdout, r.returncode != 0 and 'status %d\n' % r.returncode
        except subprocess.TimeoutExpired as e:
            text, died = (e.stdout or b'').decode(), 'timeout\n'
        parts = text.split('== ')[1:]
        for part in parts:
            path, _, rest = part.partition('\n')
            said[path] = rest
        if not died:
            break
        last = parts[-1].partition('\n')[0] if parts else todo[0]
        said[last] = said.get(last, '') + died
        todo = todo[todo.index(last) + 1:]
    return said


def cut(text):
    lines = text.split('\n')
    for k, line in enumerate(lines):
        if line.endswith(' exhausted'):
            return lines[:k]
    return lines


def same(a, b):
    a, b = cut(a), cut(b)
    n = min(len(a), len(b))
    return a[:n] == b[:n]


def main():
    tool, count = sys.argv[1], int(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else 1
    passed = failed = 0
    if not shutil.which('wasm-opt') or not shutil.which('node'):
        print('0 passed, 0 failed, %d skipped' % count)
        return 0
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'run_exports.js')
    folder = tempfile.mkdtemp(prefix='differ')
    for start in range(seed, seed + count, BATCH):
        paths = [p for p in (make(folder, k) for k in range(start, min(start + BATCH, seed + count)))
                 if p]
        theirs = outputs(['node', script], paths)
        ours = [(way, outputs([tool, *way], paths)) for way in WAYS]
        for path in paths:
            bad = [way for way, said in ours if not same(said.get(path, ''), theirs.get(path, ''))]
            if bad:
                failed += 1
                print('fail: %s at %s' % (path, ', '.join(' '.join(w) for w in bad)), flush=True)
            else:
                passed += 1
                os.unlink(path)
    print('%d passed, %d failed, %d skipped' % (passed, failed, count - passed - failed))
    if not failed:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
