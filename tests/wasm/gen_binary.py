#!/usr/bin/env python3
"""gen_binary.py DIR - writes DIR/binary.json and its modules: what only bytes can say.

Each form that the binary format (specification, 5) rules out, the forms just inside of it, sections
in every wrong order, and features that are refused by name."""
import json
import os
import sys

PREAMBLE = b'\0asm\1\0\0\0'
TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEM, CODE, DATA, COUNT = range(1, 13)
ORDER = (TYPE, IMPORT, FUNCTION, TABLE, MEMORY, GLOBAL, EXPORT, START, ELEM, COUNT, CODE, DATA)
END = b'\x0b'
VOID = b'\x60\0\0'
ZERO = b'\x41\0\x0b'  # i32.const 0, end


def leb(n, width=1):
    """Unsigned, in `width` bytes at least."""
    out = bytearray()
    while n >= 0x80 or width > 1:
        out.append(n & 0x7f | 0x80)
        n >>= 7
        width -= 1
    out.append(n)
    return bytes(out)


def sleb(n, width=1):
    out = bytearray()
    while width > 1 or not -0x40 <= n < 0x40:
        out.append(n & 0x7f | 0x80)
        n >>= 7
        width -= 1
    out.append(n & 0x7f)
    return bytes(out)


def vec(*items):
    return leb(len(items)) + b''.join(items)


def sized(data):
    return leb(len(data)) + data


def section(number, data):
    return bytes([number]) + sized(data)


def custom(name, data=b''):
    return section(0, sized(name) + data)


def module(*sections):
    return PREAMBLE + b''.join(sections)


def body(code, local=b'\0'):
    return sized(local + code)


def function(code, local=b'\0', kind=VOID, before=b'', after=b''):
    """A module with one function; `before` and `after` are sections around export to element."""
    return module(section(TYPE, vec(kind)), section(FUNCTION, vec(b'\0')), before,
                  section(CODE, vec(body(code, local))), after)


MEM = section(MEMORY, vec(b'\0\1'))
TAB = section(TABLE, vec(b'\x70\0\1'))

# One valid section of each kind, that go together.
WHOLE = {
    TYPE: vec(VOID), IMPORT: vec(b'\1m\1f\0\0'), FUNCTION: vec(b'\0'), TABLE: vec(b'\x70\0\1'),
    MEMORY: vec(b'\0\1'), GLOBAL: vec(b'\x7f\0' + ZERO), EXPORT: vec(b'\1e\0\1'), START: b'\0',
    ELEM: vec(b'\0' + ZERO + b'\1\0'), COUNT: b'\1', CODE: vec(body(END)),
    DATA: vec(b'\0' + ZERO + b'\1d')
}


class Suite:
    """Commands for run_wast.py and the modules they name, in files called after the suite."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, name
        self.items = []

    def add(self, kind, text, data):
        name = '%s.%d.wasm' % (self.name, len(self.items))
        with open(os.path.join(self.folder, name), 'wb') as file:
            file.write(data)
        self.items.append({'type': kind, 'line': len(self.items), 'filename': name, 'text': text,
                           'module_type': 'binary'})

    def valid(self, data):
        self.add('assert_valid', '', data)

    def malformed(self, text, data):
        self.add('assert_malformed', text, data)

    def invalid(self, text, data):
        self.add('assert_invalid', text, data)

    def unsupported(self, text, data):
        self.add('assert_unsupported', text, data)

    def returns(self, field, results):
        """What an export of the module just added gives, all i32."""
        self.items.append({
            'type': 'assert_return', 'line': len(self.items),
            'action': {'type': 'invoke', 'field': field, 'args': []},
            'expected': [{'type': 'i32', 'value': str(x)} for x in results]})

    def close(self):
        path = os.path.join(self.folder, self.name + '.json')
        with open(path, 'w', encoding='utf-8') as file:
            json.dump({'source_filename': self.name, 'commands': self.items}, file)


def preambles(s):
    s.valid(PREAMBLE)
    for n in range(4):
        s.malformed('unexpected end', PREAMBLE[:n])
        s.malformed('unexpected end', PREAMBLE[:4 + n])
    for bad in (b'asm\0', b'\0ASM', b'\1asm', b'msa\0', b'wasm', b'\0\0\0\0', b'\xef\xbb\xbf\0'):
        s.malformed('magic header not detected', bad + PREAMBLE[4:])
    for bad in (b'\0\0\0\0', b'\2\0\0\0', b'\x0d\0\0\0', b'\x0e\0\0\0', b'\0\1\0\0', b'\0\0\1\0',
                b'\0\0\0\1', b'\1\0\1\0', b'\x0d\0\1\0'):
        s.malformed('unknown binary version', PREAMBLE[:4] + bad)


def sections(s):
    whole = {k: section(k, WHOLE[k]) for k in ORDER}
    s.valid(module(*(whole[k] for k in ORDER)))
    for at, first in enumerate(ORDER):
        for second in ORDER[:at + 1]:  # the second one again, or too late
            rest = [whole[k] for k in ORDER if k != second or second == first]
            rest.insert(ORDER.index(first) + (1 if first == second else 0), whole[second])
            late = second == FUNCTION and ORDER.index(first) >= ORDER.index(CODE)
            s.malformed('' if late else 'unexpected content after last section', module(*rest))
    for number in (14, 15, 64, 127, 128, 129, 255):
        s.malformed('malformed section id', module(bytes([number]) + b'\0'))
        s.malformed('malformed section id', module(bytes([number]) + b'\1\0'))
        s.malformed('malformed section id', module(bytes([number]) + b'\0\1\0'))
    s.malformed('malformed section id', module(b'\x0d\0'))
    s.malformed('malformed section id', module(b'\x0d\1\0'))
    s.malformed('malformed section id', module(b'\x80\0\1\0'))
    s.malformed('unexpected end', module(b'\1'))
    for k in ORDER:
        rest = [whole[j] for j in ORDER]
        at = ORDER.index(k)
        rest[at] = section(k, WHOLE[k] + b'\0')
        s.malformed('section size mismatch', module(*rest))
        rest[at] = section(k, WHOLE[k][:-1])
        s.malformed('unexpected end' if k not in (CODE, DATA) else '', module(*rest))
        rest[at] = section(k, b'')
        s.malformed('unexpected end', module(*rest))
        s.malformed('length out of bounds', module(bytes([k]) + leb(len(WHOLE[k]) + 1) + WHOLE[k]))
        if k not in (START, COUNT):
            for n in (0xffffffff, 0x7fffffff, 1 << 20):
                s.malformed('' if k in (CODE, FUNCTION) else 'unexpected end',
                            module(section(k, leb(n) + WHOLE[k][1:])))
    for k in ORDER:
        if k not in (START, COUNT):
            s.valid(module(section(k, b'\0')))
    s.valid(module(section(COUNT, b'\0')))
    s.malformed('integer representation too long', module(b'\1' + leb(4, 6) + WHOLE[TYPE]))
    s.malformed('integer too large', module(b'\1\x84\x80\x80\x80\x10' + WHOLE[TYPE]))
    s.valid(module(b'\1' + leb(4, 5) + WHOLE[TYPE]))


def customs(s):
    everywhere = [custom(b'x', b'1234')]
    for k in ORDER:
        everywhere += [section(k, WHOLE[k]), custom(b'x'), custom(b'', b'y')]
    s.valid(module(*everywhere))
    s.malformed('unexpected end', module(b'\0\0'))
    s.malformed('unexpected end', module(b'\0'))
    s.malformed('length out of bounds', module(b'\0\1\1'))
    s.malformed('length out of bounds', module(section(0, b'\x05abcd')))
    s.malformed('length out of bounds', module(b'\0\x26\x10' + b'a custom section' + b'x'))
    s.malformed('length out of bounds', module(section(0, leb(0xffffffff) + b'abcd')))
    s.malformed('malformed UTF-8 encoding', module(custom(b'\xff')))
    # what stands in the section "name" is no reason to refuse a module
    for bad in (b'\xff', b'\0\5a', b'\1\4\1\0\1\xff', b'\1\2\1\0', b'\1\5\xff\xff\xff\xff\x0f',
                b'\1\3\1\x7f\0', b'\2\1\0\1\1\0', b'\1\1\0\0\2\1a'):
        s.valid(module(custom(b'name', bad)))
        s.valid(module(section(TYPE, WHOLE[TYPE]), custom(b'name', bad), custom(b'name', bad)))


UTF8_GOOD = (b'', b'a', b'\0', b'\x7f', b'\xc2\x80', b'\xdf\xbf', b'\xe0\xa0\x80', b'\xed\x9f\xbf',
             b'\xee\x80\x80', b'\xef\xbf\xbf', b'\xf0\x90\x80\x80', b'\xf4\x8f\xbf\xbf',
             b'\xef\xbb\xbfbom', b'a\xc3\xa9b')


def utf8_bad():
    for lead in list(range(0x80, 0xc2)) + list(range(0xf5, 0x100)):
        yield bytes([lead])
        yield bytes([lead]) + b'\x80\x80\x80'
    for lead in range(0xc2, 0xf5):
        more = 1 if lead < 0xe0 else 2 if lead < 0xf0 else 3
        for n in range(more):
            yield bytes([lead]) + b'\x90' * n      # too short
            yield bytes([lead]) + b'\x90' * n + b'a'
        for other in (b'\0', b'\x7f', b'\xc0', b'\xff'):  # not a continuation
            for n in range(more):
                yield bytes([lead]) + b'\x90' * n + other + b'\x90' * (more - 1 - n)
    for second in range(0x80, 0xa0):
        yield b'\xe0' + bytes([second]) + b'\x80'  # overlong
        yield b'\xed' + bytes([second + 0x20]) + b'\x80'  # surrogates
    for second in range(0x80, 0x90):
        yield b'\xf0' + bytes([second]) + b'\x80\x80'
    for second in range(0x90, 0xc0):
        yield b'\xf4' + bytes([second]) + b'\x80\x80'  # above U+10FFFF


def names(s):
    types = section(TYPE, vec(VOID))
    for good in UTF8_GOOD:
        s.valid(module(custom(good)))
        s.valid(module(types, section(IMPORT, vec(sized(good) + sized(good) + b'\0\0'))))
        s.valid(module(MEM, section(EXPORT, vec(sized(good) + b'\2\0'))))
    for bad in utf8_bad():
        s.malformed('malformed UTF-8 encoding', module(custom(bad)))
        s.malformed('malformed UTF-8 encoding',
                    module(types, section(IMPORT, vec(sized(bad) + b'\1n\0\0'))))
        s.malformed('malformed UTF-8 encoding',
                    module(types, section(IMPORT, vec(b'\1m' + sized(bad) + b'\0\0'))))
        s.malformed('malformed UTF-8 encoding',
                    module(MEM, section(EXPORT, vec(sized(bad) + b'\2\0'))))


def numbers(s):
    """LEB128: the shortest, the longest, one byte more, an unused bit that is not the sign."""
    for value in (0, 1, 0x7f, 0x80):
        for width in range(1, 6):
            s.valid(function(END, local=leb(1, width) + leb(value, width) + b'\x7f'))
    s.malformed('integer representation too long', function(END, local=leb(0, 6)))
    for top in range(0x10, 0x80, 0x10):
        s.malformed('integer too large',
                    function(END, local=b'\x80\x80\x80\x80' + bytes([top])))
    for op, bits, drop in ((b'\x41', 32, b'\x1a'), (b'\x42', 64, b'\x1a')):
        longest = (bits + 6) // 7
        unused = 7 * longest - bits
        for value in (0, -1, 1 << bits - 2, (1 << bits - 1) - 1, -(1 << bits - 1), 0x3f, 0x40,
                      -0x40, -0x41):
            for width in range(1, longest + 1):
                s.valid(function(op + sleb(value, width) + drop + END))
            long = sleb(value, longest)
            s.malformed('integer representation too long',
                        function(op + sleb(value, longest + 1) + drop + END))
            for bit in range(unused):
                s.malformed('integer too large',
                            function(op + long[:-1] + bytes([long[-1] ^ 1 << (6 - bit)]) + drop
                                     + END))
        s.malformed('unexpected end', function(op + b'\x80\x80'))
        s.malformed('unexpected end', function(op))
    s.malformed('unexpected end', function(b'\x43\0\0\0'))
    s.malformed('unexpected end', function(b'\x44\0\0\0\0\0\0\0'))
    # indices and other 32-bit numbers, each in five bytes and in six
    for make in (lambda w: function(b'\x02\x40\x0c' + leb(0, w) + b'\x0b\x0b'),
                 lambda w: function(b'\x10' + leb(0, w) + END),
                 lambda w: function(b'\x20' + leb(0, w) + b'\x1a\x0b', local=b'\1\1\x7f'),
                 lambda w: function(b'\x41\0\x28\2' + leb(0, w) + b'\x1a\x0b', before=MEM),
                 lambda w: function(b'\x41\0\x28' + leb(2, w) + b'\0\x1a\x0b', before=MEM),
                 lambda w: function(b'\x41\0\x0e' + leb(0, w) + b'\0\x0b'),
                 lambda w: function(b'\x41\0\x11\0' + leb(0, w) + END, before=TAB),
                 lambda w: function(b'\x41\0\x11' + leb(0, w) + b'\0\x0b', before=TAB),
                 lambda w: function(b'\xfc' + leb(13, w) + b'\0\x0b',
                                    before=section(ELEM, vec(b'\1\0\0'))),
                 lambda w: module(section(TYPE, leb(1, w) + VOID)),
                 lambda w: module(section(TYPE, b'\1\x60' + leb(0, w) + b'\0')),
                 lambda w: module(section(MEMORY, vec(b'\0' + leb(1, w)))),
                 lambda w: module(section(MEMORY, vec(b'\1' + leb(1, w) + leb(2, w)))),
                 lambda w: module(section(TABLE, vec(b'\x70\1' + leb(1, w) + leb(2, w)))),
                 lambda w: module(section(TYPE, vec(VOID)),
                                  section(IMPORT, vec(b'\1m\1f\0' + leb(0, w))),
                                  section(START, leb(0, w))),
                 lambda w: module(MEM, section(EXPORT, vec(leb(1, w) + b'e\2' + leb(0, w)))),
                 lambda w: module(MEM, section(DATA, leb(1, w) + leb(2, w) + leb(0, w) + ZERO
                                               + leb(1, w) + b'd')),
                 lambda w: module(TAB, section(ELEM, leb(1, w) + leb(2, w) + leb(0, w) + ZERO
                                               + b'\0' + leb(0, w))),
                 lambda w: module(section(COUNT, leb(0, w)))):
        for width in range(1, 6):
            s.valid(make(width))
        s.malformed('integer representation too long', make(6))
    # a block's type is a signed number of 33 bits
    for width in range(1, 6):
        s.valid(function(b'\x02' + sleb(0, width) + b'\x0b\x0b'))
    s.malformed('integer representation too long', function(b'\x02' + sleb(0, 6) + b'\x0b\x0b'))
    s.malformed('malformed block type', function(b'\x02' + sleb(-64, 2) + b'\x0b\x0b'))
    s.malformed('malformed block type', function(b'\x02' + sleb(-1, 2) + b'\x0b\x0b'))
    s.malformed('malformed block type', function(b'\x02' + sleb(-(1 << 32)) + b'\x0b\x0b'))
    s.malformed('integer too large', function(b'\x02\x80\x80\x80\x80\x20\x0b\x0b'))
    s.invalid('unknown type', function(b'\x02' + sleb(0xffffffff) + b'\x0b\x0b'))


def types(s):
    for byte in range(256):
        kinds = ('malformed', 'malformed value type')
        if byte in (0x7f, 0x7e, 0x7d, 0x7c, 0x70, 0x6f):
            kinds = ('valid', '')
        elif byte == 0x7b:
            kinds = ('unsupported', 'vectors')
        elif byte in (0x63, 0x64):
            kinds = ('unsupported', 'typed function references')
        elif 0x6a <= byte <= 0x6e or byte in (0x71, 0x72, 0x73):
            kinds = ('unsupported', 'garbage collection')
        elif byte in (0x69, 0x74):
            kinds = ('unsupported', 'exceptions')
        for data in (module(section(TYPE, vec(b'\x60\1' + bytes([byte]) + b'\0'))),
                     module(section(TYPE, vec(b'\x60\0\1' + bytes([byte])))),
                     function(END, local=b'\1\1' + bytes([byte]))):
            if kinds[0] == 'valid':
                s.valid(data)
            else:
                getattr(s, kinds[0])(kinds[1], data)
        if byte not in (0x60, 0x4e, 0x4f, 0x50, 0x5e, 0x5f):
            s.malformed('' if byte < 0x80 else 'integer representation too long',
                        module(section(TYPE, vec(bytes([byte]) + b'\0\0'))))
    for byte in (0x4e, 0x4f, 0x50, 0x5e, 0x5f):
        s.unsupported('garbage collection', module(section(TYPE, vec(bytes([byte]) + b'\x60\0\0'))))
    s.malformed('integer representation too long', module(section(TYPE, vec(b'\xe0\x7f\0\0'))))
    for byte in (0x7f, 0x7e, 0x7d, 0x7c, 0x40, 0x60, 0, 0xff):  # no reference types
        s.malformed('malformed reference type',
                    module(section(TABLE, vec(bytes([byte]) + b'\1\1'))))
        s.malformed('malformed reference type',
                    function(b'\xd0' + bytes([byte]) + b'\x1a\x0b'))


def limits(s):
    for byte in range(256):
        flag = bytes([byte])
        if byte <= 1:
            s.valid(module(section(MEMORY, vec(flag + b'\1\2'[:1 + byte]))))
            s.valid(module(section(TABLE, vec(b'\x70' + flag + b'\1\2'[:1 + byte]))))
            continue
        for data in (b'', b'\0', b'\0\0', b'\0\0\0\0'):
            if byte == 3:
                s.unsupported('threads', module(section(MEMORY, vec(flag + b'\0\0'))))
            elif 4 <= byte <= 7:
                s.unsupported('memory64', module(section(MEMORY, vec(flag + b'\0\0'))))
            else:
                s.malformed('', module(section(MEMORY, vec(flag + data))))
            if byte not in (4, 5):
                s.malformed('', module(section(TABLE, vec(b'\x70' + flag + data))))
    s.unsupported('memory64', module(section(TABLE, vec(b'\x70\4\0'))))
    s.unsupported('typed function references', module(section(TABLE, vec(b'\x40\0\x70\0\1\xd0\x70'
                                                                        b'\x0b'))))
    for flag, at_least in ((b'\0', b''), (b'\1', b'')):
        s.valid(module(section(MEMORY, vec(flag + leb(0x10000) + (leb(0x10000) * flag[0])))))
        s.invalid('memory size must be at most 65536 pages (4GiB)',
                  module(section(MEMORY, vec(flag + leb(0x10001) + (leb(0x10001) * flag[0])))))
        s.invalid('memory size must be at most 65536 pages (4GiB)',
                  module(section(MEMORY, vec(flag + leb(0xffffffff) + leb(0xffffffff) * flag[0]))))
        s.valid(module(section(TABLE, vec(b'\x70' + flag + leb(0xffffffff)
                                          + leb(0xffffffff) * flag[0]))))
    s.invalid('memory size must be at most 65536 pages (4GiB)',
              module(section(MEMORY, vec(b'\1\0' + leb(0x10001)))))
    s.invalid('size minimum must not be greater than maximum',
              module(section(MEMORY, vec(b'\1\2\1'))))
    s.invalid('size minimum must not be greater than maximum',
              module(section(TABLE, vec(b'\x6f\1\2\1'))))
    s.invalid('size minimum must not be greater than maximum',
              module(section(IMPORT, vec(b'\1m\1t\1\x70\1\2\1'))))
    s.invalid('multiple memories', module(section(MEMORY, vec(b'\0\1', b'\0\1'))))
    s.invalid('multiple memories', module(section(IMPORT, vec(b'\1m\1n\2\0\1')), MEM))
    s.invalid('multiple memories',
              module(section(IMPORT, vec(b'\1m\1n\2\0\1', b'\1m\1n\2\0\1'))))
    s.valid(module(section(TABLE, vec(b'\x70\0\1', b'\x6f\0\1'))))


def imports_and_exports(s):
    for kind in range(4, 256):
        k = bytes([kind])
        s.malformed('malformed import kind', module(section(IMPORT, vec(b'\1m\1n' + k))))
        s.malformed('malformed import kind', module(section(IMPORT, vec(b'\1m\1n' + k + b'\0'))))
        s.malformed('malformed import kind', module(section(IMPORT, vec(b'\0\0' + k + b'\0'))))
        if kind != 4:
            s.malformed('malformed import kind',
                        module(section(IMPORT, vec(b'\1m\1n' + k + b'\0\0'))))
        s.malformed('malformed export kind', module(MEM, section(EXPORT, vec(b'\1n' + k + b'\0'))))
    s.unsupported('exceptions', module(section(TYPE, vec(VOID)),
                                       section(IMPORT, vec(b'\1m\1n\4\0\0'))))
    s.unsupported('exceptions', module(section(TYPE, vec(VOID)), section(13, vec(b'\0\0'))))
    for byte in range(2, 256):
        s.malformed('malformed mutability',
                    module(section(IMPORT, vec(b'\1m\1g\3\x7f' + bytes([byte])))))
        s.malformed('malformed mutability',
                    module(section(GLOBAL, vec(b'\x7f' + bytes([byte]) + ZERO))))
    things = module(section(TYPE, vec(VOID)), section(IMPORT, vec(
        b'\1m\1f\0\0', b'\1m\1t\1\x70\0\0', b'\1m\1n\2\0\0', b'\1m\1g\3\x7f\0')))
    for kind, what in enumerate(('function', 'table', 'memory', 'global')):
        s.valid(things + section(EXPORT, vec(b'\1x' + bytes([kind]) + b'\0')))
        for bad in (1, 7, 0xffffffff):
            s.invalid('unknown %s %d' % (what, bad),
                      things + section(EXPORT, vec(b'\1x' + bytes([kind]) + leb(bad))))
        for other in range(4):
            s.invalid('duplicate export name', things + section(EXPORT, vec(
                b'\1x' + bytes([kind]) + b'\0', b'\1y\0\0', b'\1x' + bytes([other]) + b'\0')))
    s.invalid('unknown type 1', module(section(TYPE, vec(VOID)),
                                       section(IMPORT, vec(b'\1m\1f\0\1'))))
    s.invalid('unknown type 0', module(section(IMPORT, vec(b'\1m\1f\0\0'))))


def functions(s):
    t, f = section(TYPE, vec(VOID)), section(FUNCTION, vec(b'\0'))
    text = 'function and code section have inconsistent lengths'
    s.malformed(text, module(t, f))
    s.malformed(text, module(t, f, section(CODE, b'\0')))
    s.malformed(text, module(t, f, section(CODE, vec(body(END), body(END)))))
    s.malformed(text, module(t, section(CODE, vec(body(END)))))
    s.malformed(text, module(section(CODE, vec(body(END)))))
    s.malformed(text, module(t, section(FUNCTION, vec(b'\0', b'\0')),
                             section(CODE, vec(body(END)))))
    s.valid(module(t, section(CODE, b'\0')))
    s.valid(module(t, section(FUNCTION, b'\0')))
    s.invalid('unknown type 1', module(t, section(FUNCTION, vec(b'\1')),
                                       section(CODE, vec(body(END)))))
    s.invalid('unknown function 1', module(t, f, section(START, b'\1'),
                                           section(CODE, vec(body(END)))))
    for kind in (b'\x60\1\x7f\0', b'\x60\0\1\x7f'):
        s.invalid('start function', module(section(TYPE, vec(kind)),
                                           section(IMPORT, vec(b'\1m\1f\0\0')),
                                           section(START, b'\0')))
    # sizes of bodies
    s.malformed('unexpected end', function(b''))
    s.malformed('unexpected end', function(b'\1'))
    s.malformed('unexpected end', function(b'\2\x40\x0b'))
    s.malformed('unexpected end', module(t, f, section(CODE, vec(b'\0'))))
    s.malformed('section size mismatch', function(END + b'\1'))
    s.malformed('section size mismatch', function(END + END))
    s.malformed('length out of bounds', module(t, f, section(CODE, b'\1\3\0\x0b')))
    s.malformed('section size mismatch', module(t, f, section(CODE, b'\1\2\0\x0b\0')))
    # locals
    s.valid(function(END, local=vec(b'\0\x7f', leb(49999) + b'\x7e', b'\1\x70')))
    s.unsupported('too many locals', function(END, local=vec(leb(50001) + b'\x7e')))
    s.unsupported('too many locals', function(END, local=vec(leb(100000) + b'\x7e')))
    s.unsupported('too many locals', function(END, local=vec(leb(0xffffffff) + b'\x7e')))
    s.unsupported('too many locals', function(END, local=vec(leb(50000) + b'\x7e'),
                                              kind=b'\x60\1\x7f\0'))
    s.malformed('too many locals', function(END, local=vec(leb(0xffffffff) + b'\x7f', b'\1\x7e')))
    s.malformed('too many locals', function(END, local=vec(b'\1\x7f', leb(0xffffffff) + b'\x7e')))
    s.malformed('too many locals', function(END, local=vec(*[leb(0x40000000) + b'\x7f'] * 4)))
    s.malformed('unexpected end', function(END, local=b'\3\1\x7f'))
    s.unsupported('too many parameters', module(section(TYPE, vec(
        b'\x60' + vec(*[b'\x7f'] * 1001) + b'\0'))))
    s.valid(module(section(TYPE, vec(b'\x60' + vec(*[b'\x7f'] * 1000) + vec(*[b'\x7c'] * 1000)))))


def instructions(s):
    here = set(range(0, 6)) | set(range(0xb, 0x12)) | {0x1a, 0x1b, 0x1c} | set(range(0x20, 0x27))
    here |= set(range(0x28, 0xc5)) | {0xd0, 0xd1, 0xd2, 0xfc}
    later = {'exceptions': (6, 7, 8, 9, 10, 0x18, 0x19, 0x1f), 'tail calls': (0x12, 0x13),
             'typed function references': (0x14, 0x15, 0xd4, 0xd5, 0xd6),
             'garbage collection': (0xd3, 0xfb), 'vectors': (0xfd,), 'threads': (0xfe,)}
    names = {op: name for name, ops in later.items() for op in ops}
    for op in range(256):
        code = bytes([op]) + b'\0\0\0\0\x0b'
        if op in names:
            s.unsupported(names[op], function(code))
        elif op not in here:
            s.malformed('illegal opcode %02x' % op, function(code))
    for sub in list(range(18, 128)) + [255, 0x4000, 0xffffffff]:
        s.malformed('illegal opcode fc', function(b'\xfc' + leb(sub) + END))
    s.malformed('unexpected end', function(b'\xfc'))
    for code in (b'\x05\x0b', b'\x02\x40\x05\x0b\x0b', b'\x03\x40\x05\x0b\x0b',
                 b'\x41\0\x04\x40\x05\x05\x0b\x0b', b'\x41\0\x04\x40\x02\x40\x05\x0b\x0b\x0b',
                 b'\x1a\x05\x0b'):
        s.malformed('END opcode expected', function(code))
    # zero bytes that are to stay zero
    three = b'\x41\0' * 3
    for code, end in ((b'\x3f', b'\x1a'), (b'\x41\0\x40', b'\x1a'), (three + b'\xfc\x0b', b''),
                      (three + b'\xfc\x0a\0', b'')):
        s.valid(function(code + b'\0' + end + END, before=MEM))
        for bad in (b'\1', b'\x80\0', b'\xff', b'\x80\x80\x80\x80\0'):
            s.malformed('zero byte expected', function(code + bad + end + END, before=MEM))
        s.malformed('unexpected end', function(code, before=MEM))
    s.malformed('zero byte expected', function(b'\x41\0\x41\0\x41\0\xfc\x0a\1\0\x0b', before=MEM))
    # alignment: up to 2^31 merely too large, above it no alignment at all
    for align in list(range(3, 32)):
        s.invalid('alignment must not be larger than natural',
                  function(b'\x41\0\x28' + leb(align) + b'\0\x1a\x0b', before=MEM))
    for align in (32, 33, 63, 64, 65, 127, 128, 0xffffffff):
        s.malformed('malformed memop flags',
                    function(b'\x41\0\x28' + leb(align) + b'\0\x1a\x0b', before=MEM))
    s.valid(function(b'\x41\0\x28\0' + leb(0xffffffff) + b'\x1a\x0b', before=MEM))
    # types of select
    for n, word in ((0, b''), (2, b'\x7f\x7f')):
        s.invalid('invalid result arity',
                  function(b'\x41\0\x41\0\x41\0\x1c' + bytes([n]) + word + b'\x1a\x0b'))
    # labels that cannot all be there
    for n in (0xffffffff, 1 << 20):
        s.malformed('unexpected end', function(b'\x41\0\x0e' + leb(n) + b'\0\0\x0b'))
        s.malformed('', function(b'\x41\0\x41\0\x41\0\x1c' + leb(n) + b'\x7f\x0b'))


def segments(s):
    tab, mem = TAB, MEM
    t, f = section(TYPE, vec(VOID)), section(IMPORT, vec(b'\1m\1f\0\0'))
    for flags, rest in ((0, ZERO + b'\1\0'), (1, b'\0\1\0'), (2, b'\0' + ZERO + b'\0\1\0'),
                        (3, b'\0\1\0'), (4, ZERO + b'\1\xd2\0\x0b'), (5, b'\x70\1\xd2\0\x0b'),
                        (6, b'\0' + ZERO + b'\x70\1\xd0\x70\x0b'), (7, b'\x70\1\xd2\0\x0b')):
        s.valid(module(t, f, tab, section(ELEM, vec(bytes([flags]) + rest))))
    for flags in (8, 9, 16, 127, 128, 0xffffffff):
        s.malformed('malformed elements segment kind',
                    module(t, f, tab, section(ELEM, vec(leb(flags) + ZERO + b'\0'))))
    for kind in (1, 0x70, 0x80, 255):
        for flags in (b'\1', b'\3', b'\2\0' + ZERO):
            s.malformed('malformed element kind',
                        module(t, f, tab, section(ELEM, vec(flags + bytes([kind]) + b'\0'))))
    s.malformed('malformed reference type', module(tab, section(ELEM, vec(b'\5\x7f\0'))))
    for bad in (1, 9, 0xffffffff):
        s.invalid('unknown table %d' % bad,
                  module(t, f, tab, section(ELEM, vec(b'\2' + leb(bad) + ZERO + b'\0\0'))))
        s.invalid('unknown function %d' % bad,
                  module(t, f, tab, section(ELEM, vec(b'\1\0\1' + leb(bad)))))
        s.invalid('unknown function %d' % bad,
                  module(t, f, tab, section(ELEM, vec(b'\5\x70\1\xd2' + leb(bad) + END))))
        s.invalid('unknown memory %d' % bad,
                  module(mem, section(DATA, vec(b'\2' + leb(bad) + ZERO + b'\0'))))
    s.invalid('unknown table 0', module(t, f, section(ELEM, vec(b'\0' + ZERO + b'\0'))))
    s.invalid('unknown memory 0', module(section(DATA, vec(b'\0' + ZERO + b'\0'))))
    s.valid(module(section(DATA, vec(b'\1\1x'))))
    for flags in (3, 4, 127, 0xffffffff):
        s.malformed('malformed data segment kind',
                    module(mem, section(DATA, vec(leb(flags) + ZERO + b'\0'))))
    s.malformed('length out of bounds', module(mem, section(DATA, vec(b'\1\5abcd'))))
    s.malformed('length out of bounds', module(mem, section(DATA, vec(b'\1' + leb(0xffffffff)
                                                                      + b'abcd'))))
    text = 'data count and data section have inconsistent lengths'
    one = section(DATA, vec(b'\1\1x'))
    for n in (0, 2, 0xffffffff):
        s.malformed(text, module(section(COUNT, leb(n)), one))
    s.malformed(text, module(section(COUNT, b'\1')))
    s.malformed(text, module(section(COUNT, b'\1'), section(DATA, b'\0')))
    s.valid(module(section(COUNT, b'\1'), one))
    for code in (b'\xfc\x09\0', b'\x41\0\x41\0\x41\0\xfc\x08\0\0', b'\0\xfc\x09\0'):
        s.malformed('data count section required', function(code + END, before=MEM, after=one))
        s.valid(function(code + END, before=MEM + section(COUNT, b'\1'), after=one))
        s.invalid('unknown data segment',
                  function(code.replace(b'\x09\0', b'\x09\1').replace(b'\x08\0', b'\x08\1') + END,
                           before=MEM + section(COUNT, b'\1'), after=one))


def constants(s):
    """Constant expressions: nothing else is one, and what is not is still decoded."""
    def glob(code, before=b''):
        return module(section(TYPE, vec(VOID)), section(IMPORT, vec(
            b'\1m\1g\3\x7f\0', b'\1m\1h\3\x7f\1', b'\1m\1f\0\0')), section(GLOBAL, vec(
                b'\x7f\0' + code)))
    for good in (b'\x41\0', b'\x23\0', b'\x41\1\x41\2\x6a', b'\x23\0\x41\2\x6b',
                 b'\x23\0\x23\0\x6c'):
        s.valid(glob(good + END))
    for bad in (b'\x23\1', b'\x41\0\x45', b'\x41\0\x01', b'\x41\1\x41\2\x71', b'\x41\1\x41\2\x6d',
                b'\x02\x7f\x41\0\x0b', b'\x41\0\x1a\x41\0', b'\x20\0', b'\x10\0', b'\0',
                b'\x41\0\x41\0\x41\0\x1b', b'\x3f\0'):
        s.invalid('constant expression required', glob(bad + END))
    for bad in (b'', b'\x42\0', b'\x41\0\x41\0', b'\x23\0\x23\0', b'\x6a', b'\x41\0\x6a',
                b'\xd0\x70', b'\x42\0\x42\0\x7c', b'\x41\0\x42\0\x6a', b'\xd2\0'):
        s.invalid('type mismatch', glob(bad + END))
    refs = section(IMPORT, vec(b'\1m\1g\3\x70\0', b'\1m\1h\3\x6f\0'))
    s.valid(module(refs, TAB, section(ELEM, vec(b'\4' + ZERO + b'\1\x23\0\x0b'))))
    s.invalid('type mismatch',
              module(refs, TAB, section(ELEM, vec(b'\4' + ZERO + b'\1\x23\1\x0b'))))
    s.invalid('type mismatch', module(refs, section(ELEM, vec(b'\5\x6f\1\x23\0\x0b'))))
    s.valid(module(refs, section(ELEM, vec(b'\5\x6f\1\x23\1\x0b'))))
    for bad in (2, 3, 0xffffffff):  # the global itself, and those of this module, are not there
        s.invalid('unknown global', glob(b'\x23' + leb(bad) + END))
    s.invalid('unknown function 1', module(section(GLOBAL, vec(b'\x70\0\xd2\1\x0b'))))
    s.malformed('illegal opcode ff', glob(b'\xff\x0b'))
    s.malformed('unexpected end', glob(b'\x41\0'))
    s.malformed('END opcode expected', glob(b'\x45\x05\x0b'))
    s.malformed('illegal opcode ff', glob(b'\x45\xff\x0b'))
    s.unsupported('vectors', glob(b'\xfd\x0c' + b'\0' * 16 + END))


def precedence(s):
    """A fault of the format hides an invalid part before it."""
    bad = b'\x41\0\x7c\x0b'
    s.invalid('type mismatch', function(bad))
    s.malformed('zero byte expected', function(b'\x7c\x3f\1\x1a\x0b', before=MEM))
    s.malformed('section size mismatch', function(bad + b'\0'))
    s.malformed('unexpected content after last section', function(bad, after=section(TYPE, b'\0')))
    s.malformed('malformed section id', function(bad, after=b'\x7f\0'))
    s.malformed('data count section required', function(b'\x7c\xfc\x09\0\x0b',
                                                        after=section(DATA, vec(b'\1\0'))))
    two = module(section(TYPE, vec(VOID)), section(FUNCTION, vec(b'\0', b'\0')))
    s.malformed('illegal opcode ff', two + section(CODE, vec(body(bad), body(b'\xff\x0b'))))
    s.malformed('integer too large', two + section(CODE, vec(
        body(bad), body(b'\x0c\x80\x80\x80\x80\x10\x0b'))))
    s.malformed('malformed value type', two + section(CODE, vec(body(bad), body(END, b'\1\1\0'))))
    s.malformed('', module(section(TYPE, vec(VOID)), section(IMPORT, vec(b'\1m\1f\0\7')),
                           section(MEMORY, vec(b'\0'))))
    s.malformed('function and code section', module(section(TYPE, vec(VOID)),
                                                    section(FUNCTION, vec(b'\7'))))
    s.invalid('unknown type 7', module(
        section(TYPE, vec(VOID)), section(FUNCTION, vec(b'\7', b'\0')), section(START, b'\0'),
        section(CODE, vec(body(b'\x10\0\x0b'), body(b'\x10\1\x0b')))))
    # every immediate is read in code whose types no longer count
    for code in (b'\x0e\1\0\0', b'\x1c\1\x7f', b'\x11\0\0', b'\x20\0', b'\x23\0', b'\x25\0',
                 b'\x28\2\0', b'\x3f\0', b'\x41\0', b'\x42\0', b'\x43\0\0\0\0',
                 b'\x44' + b'\0' * 8, b'\xd0\x70', b'\xd2\0', b'\xfc\0', b'\xfc\x08\0\0',
                 b'\xfc\x09\0', b'\xfc\x0a\0\0', b'\xfc\x0b\0', b'\xfc\x0c\0\0', b'\xfc\x0d\0',
                 b'\xfc\x0e\0\0', b'\xfc\x0f\0', b'\x02\x40\x0b', b'\x04\x40\x05\x0b',
                 b'\x03\0\x0b'):
        count, one = section(COUNT, b'\1'), section(DATA, vec(b'\1\0'))
        s.invalid('type mismatch', function(b'\x7c' + code + END, before=count, after=one))
        for n in range(1, len(code)):
            s.malformed('', function(b'\x7c' + code[:n], before=count, after=one))


if __name__ == '__main__':
    suite = Suite(sys.argv[1], 'binary')
    for part in (preambles, sections, customs, names, numbers, types, limits, imports_and_exports,
                 functions, instructions, segments, constants, precedence):
        part(suite)
    suite.close()
