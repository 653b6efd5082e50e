#!/usr/bin/env python3
"""gen_deep.py DIR - writes DIR/deep.json and its modules: valid ones that ask for much.

Deep, long and wide, in few bytes: they compile and run at every level."""
import sys

from gen_binary import (CODE, ELEM, END, EXPORT, FUNCTION, MEMORY, TABLE, TYPE, VOID, Suite, body,
                        function, leb, module, section, sized, sleb, vec)

DEPTH = 100000
EXPORTED = section(EXPORT, vec(b'\1f\0\0'))
RESULT = b'\x60\0\1\x7f'


def nested(opening, depth, inside=b''):
    return opening * depth + inside + END * depth


def deep_blocks(s):
    s.valid(function(nested(b'\x02\x40', DEPTH) + END, before=EXPORTED))
    s.returns('f', [])
    s.valid(function(nested(b'\x03\x40', DEPTH) + END, before=EXPORTED))
    s.returns('f', [])
    s.valid(function(nested(b'\x41\1\x04\x40', DEPTH // 10) + END, before=EXPORTED))
    s.returns('f', [])
    # out of the innermost through all of them
    s.valid(function(nested(b'\x02\x40', DEPTH, b'\x0c' + leb(DEPTH - 1)) + b'\x41\7' + END,
                     kind=RESULT, before=EXPORTED))
    s.returns('f', [7])
    # each with an operand that waits outside of it
    s.valid(function(b'\x41\1\x02\x7f' * 10000 + b'\x41\1' + b'\x0b\x6a' * 10000 + END,
                     kind=RESULT, before=EXPORTED))
    s.returns('f', [10001])


def long_code(s):
    s.valid(function(b'\x41\1' * 20000 + b'\x6a' * 19999 + END, kind=RESULT, before=EXPORTED))
    s.returns('f', [20000])
    s.valid(function(b'\x41\0' + b'\x41\1\x6a' * 100000 + END, kind=RESULT, before=EXPORTED))
    s.returns('f', [100000])
    # a branch table with as many labels, all of the same block but one
    labels = leb(100000) + b'\0' * 99999 + b'\1' + b'\0'
    s.valid(function(b'\x02\x40\x02\x40\x41' + sleb(99999) + b'\x0e' + labels
                     + b'\x0b\x41\1\x0f\x0b\x41\2' + END, kind=RESULT, before=EXPORTED))
    s.returns('f', [2])
    # dead code is read, too
    s.valid(function(b'\x41\5\x0f' + b'\x45\x6a\x1a' * 100000 + END, kind=RESULT, before=EXPORTED))
    s.returns('f', [5])


def many_locals(s):
    local = vec(leb(50000) + b'\x7f')
    s.valid(function(b'\x20' + leb(49999) + END, local, RESULT, EXPORTED))
    s.returns('f', [0])
    # all of them alive around a loop
    s.valid(function(b'\x41\3\x21' + leb(49999) + b'\x03\x40\x03\x40\x20\0\x0d\0\x0b\x0b\x20'
                     + leb(49999) + END, local, RESULT, EXPORTED))
    s.returns('f', [3])
    n = 200  # functions that declare as many and use one
    one = sized(local + b'\x20\0\x1a' + END)
    s.valid(module(section(TYPE, vec(VOID)), section(FUNCTION, leb(n) + b'\0' * n), EXPORTED,
                   section(CODE, leb(n) + one * n)))
    s.returns('f', [])


def many_things(s):
    n = 20000
    s.valid(module(section(TYPE, vec(RESULT)), section(FUNCTION, leb(n) + b'\0' * n),
                   section(TABLE, vec(b'\x70\0' + leb(n))), EXPORTED,
                   section(ELEM, vec(b'\0\x41\0\x0b' + vec(*[leb(k) for k in range(n)]))),
                   section(CODE, leb(n) + body(b'\x41\1\x41' + sleb(n - 1) + b'\x11\0\0\x6a' + END)
                           + b''.join(body(b'\x41' + sleb(k) + END) for k in range(1, n)))))
    s.returns('f', [n])
    # a type of a thousand parameters and results, through a block, a loop and a call
    wide = b'\x60' + vec(*[b'\x7f'] * 1000) * 2
    numbers = b''.join(b'\x41' + sleb(k) for k in range(1000))
    s.valid(module(section(TYPE, vec(wide, RESULT)), section(FUNCTION, b'\2\1\0'), EXPORTED,
                   section(CODE, vec(body(numbers + b'\x02\0\x03\0\x10\1\x0b\x0b'
                                          + b'\x6a' * 999 + END),
                                     body(b''.join(b'\x20' + leb(k) for k in range(1000)) + END)))))
    s.returns('f', [499500])
    s.valid(module(section(MEMORY, vec(b'\1\0' + leb(65536)))))
    s.valid(module(section(TABLE, leb(1000) + b'\x70\0\0' * 1000)))


if __name__ == '__main__':
    suite = Suite(sys.argv[1], 'deep')
    for part in (deep_blocks, long_code, many_locals, many_things):
        part(suite)
    suite.close()
