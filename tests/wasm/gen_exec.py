#!/usr/bin/env python3
"""gen_exec.py DIR [all] - writes DIR/numeric_*.wast: each numeric instruction over edge values.

Expectations are computed here: integers as Python's, floats by exact fractions (tests/gen). Each
instruction runs on parameters, and with each edge value as its constant right and left operand;
each comparison also decides an `if`, a `br_if` and a `select`. Without `all` only a third of the
pairs of rarer values are taken."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'gen'))
import exactfloat as xf  # noqa: E402

I32 = (0, 1, 2, 3, 5, 7, 8, 31, 32, 33, 63, 64, 100, 127, 128, 255, 256, 32767, 32768, 65535,
       65536, 0x7ffffffe, 0x7fffffff, 0x80000000, 0x80000001, 0xaaaaaaaa, 0xff00ff00, 0xffff8000,
       0xffffff80, 0xfffffffe, 0xffffffff, 0x12345678)
I64 = tuple(sorted(set(I32) | {x << 32 for x in (1, 0x7fffffff, 0x80000000, 0xffffffff)}
                   | {x | 0xffffffff00000000 for x in I32 if x >> 31}
                   | {(1 << 63) - 1, (1 << 63) + 1, (1 << 53) + 1, (1 << 63) - 1025,
                      0x8000000080000000, 0x123456789abcdef0, 0xaaaaaaaaaaaaaaaa}))
F32 = (0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007fffff, 0x00800000, 0x80800000,
       0x3effffff, 0x3f000000, 0xbf000000, 0x3f000001, 0x3f7fffff, 0x3f800000, 0xbf800000,
       0x3fc00000, 0xbfc00000, 0x40200000, 0xc0200000, 0x40490fdb, 0x4b000000, 0x4b000001,
       0x4b7fffff, 0x4effffff, 0x4f000000, 0xcf000000, 0xcf000001, 0x4f7fffff, 0x4f800000,
       0x5effffff, 0x5f000000, 0xdf000000, 0xdf000001, 0x5f7fffff, 0x5f800000, 0x7f7fffff,
       0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7fa00000, 0x7f800001,
       0xffc12345)
F64 = (0, 1 << 63, 1, (1 << 63) + 1, 0x000fffffffffffff, 0x0010000000000000, 0x3fdfffffffffffff,
       0x3fe0000000000000, 0xbfe0000000000000, 0x3fe0000000000001, 0x3feffffffffffff0,
       0x3ff0000000000000, 0xbff0000000000000, 0xbfefffffffffffff, 0x3ff8000000000000,
       0xbff8000000000000, 0x4004000000000000, 0xc004000000000000, 0x400921fb54442d18,
       0x41dfffffffc00000, 0x41dfffffffffffff, 0x41e0000000000000, 0xc1e0000000000000,
       0xc1e0000000200000, 0xc1e0000000100000, 0x41efffffffe00000, 0x41effffffff00000,
       0x41f0000000000000, 0x4330000000000000, 0x4330000000000001, 0x433fffffffffffff,
       0x43dfffffffffffff, 0x43e0000000000000, 0xc3e0000000000000, 0xc3e0000000000001,
       0x43efffffffffffff, 0x43f0000000000000, 0x47efffffe0000000, 0x47efffffefffffff,
       0x47effffff0000000, 0x36a0000000000000, 0x3690000000000000, 0x3690000000000001,
       0x380fffffffffffff, 0x7fefffffffffffff, 0xffefffffffffffff, 0x7ff0000000000000,
       0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0x7ff4000000000000,
       0x7ff0000000000001, 0xfff8123456789abc)
EDGES = {'i32': I32, 'i64': I64, 'f32': F32, 'f64': F64}
WIDTH = {'i32': 32, 'i64': 64, 'f32': 32, 'f64': 64}

CANONICAL, ARITHMETIC = 'nan:canonical', 'nan:arithmetic'


class Trap(Exception):
    pass


# ---- floats, as bits ----

def nan_of(t, result, *operands):
    """What 4.3.3 allows for a NaN: canonical when every operand that is one is so."""
    if not xf.is_nan(t, result):
        return result
    nans = [(u, x & ~xf.F[u].sign) for u, x in operands if xf.is_nan(u, x)]
    return CANONICAL if all(x == xf.F[u].nan for u, x in nans) else ARITHMETIC


def float_binary(t, name, a, b):
    if name == 'copysign':
        return a & ~xf.F[t].sign | b & xf.F[t].sign
    compute = {'add': xf.add, 'sub': xf.sub, 'mul': xf.mul, 'div': xf.div, 'min': xf.fmin,
               'max': xf.fmax}[name]
    return nan_of(t, compute(t, a, b), (t, a), (t, b))


def float_unary(t, name, a):
    if name == 'abs':
        return a & ~xf.F[t].sign
    if name == 'neg':
        return a ^ xf.F[t].sign
    return nan_of(t, xf.sqrt(t, a) if name == 'sqrt' else xf.to_integral(t, a, name), (t, a))


def float_compare(t, name, a, b):
    return int(xf.compare(t, a, b) in xf.CONDITIONS[name])


def truncate(t, to, a, is_signed, saturate):
    n = xf.to_int(t, 'i%d' % WIDTH[to], a, is_signed, saturate)
    if isinstance(n, str):
        raise Trap({'bad_toint': 'invalid conversion to integer', 'int_ovf': 'integer overflow'}[n])
    return n & (1 << WIDTH[to]) - 1


# ---- integers ----

def signed(x, width):
    return x - (1 << width) if x >> (width - 1) else x


def int_binary(width, name, a, b):
    mask, sa, sb = (1 << width) - 1, signed(a, width), signed(b, width)
    if name[:3] in ('div', 'rem'):
        if b == 0:
            raise Trap('integer divide by zero')
        if name == 'div_s' and sa == -(1 << width - 1) and sb == -1:
            raise Trap('integer overflow')
        x, y = (sa, sb) if name.endswith('_s') else (a, b)
        quotient = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
        return (quotient if name[:3] == 'div' else x - quotient * y) & mask
    k = b % width
    return {'add': a + b, 'sub': a - b, 'mul': a * b, 'and': a & b, 'or': a | b, 'xor': a ^ b,
            'shl': a << k, 'shr_s': sa >> k, 'shr_u': a >> k, 'rotl': a << k | a >> (width - k),
            'rotr': a >> k | a << (width - k)}[name] & mask


def int_unary(width, name, a):
    if name == 'clz':
        return width - a.bit_length()
    if name == 'ctz':
        return (a & -a).bit_length() - 1 if a else width
    if name == 'popcnt':
        return bin(a).count('1')
    bits = int(name[6:-2])  # extend8_s
    return signed(a & ((1 << bits) - 1), bits) & ((1 << width) - 1)


def int_compare(width, name, a, b):
    if not name.endswith('_u'):
        a, b = signed(a, width), signed(b, width)
    return int({'eq': a == b, 'ne': a != b, 'lt': a < b, 'gt': a > b, 'le': a <= b,
                'ge': a >= b}[name[:2]])


# ---- all of them: (name, operand types, result type, function of bits) ----

def integer_instructions(t):
    w = WIDTH[t]
    for n in 'add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr'.split():
        yield t + '.' + n, (t, t), t, lambda a, b, n=n: int_binary(w, n, a, b)
    for n in ('clz ctz popcnt extend8_s extend16_s' + ' extend32_s' * (w == 64)).split():
        yield t + '.' + n, (t,), t, lambda a, n=n: int_unary(w, n, a)
    for n in 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split():
        yield t + '.' + n, (t, t), 'i32', lambda a, b, n=n: int_compare(w, n, a, b)
    yield t + '.eqz', (t,), 'i32', lambda a: int(a == 0)


def float_instructions(t):
    for n in 'add sub mul div min max copysign'.split():
        yield t + '.' + n, (t, t), t, lambda a, b, n=n: float_binary(t, n, a, b)
    for n in 'abs neg ceil floor trunc nearest sqrt'.split():
        yield t + '.' + n, (t,), t, lambda a, n=n: float_unary(t, n, a)
    for n in 'eq ne lt gt le ge'.split():
        yield t + '.' + n, (t, t), 'i32', lambda a, b, n=n: float_compare(t, n, a, b)


def conversions():
    for i in ('i32', 'i64'):
        for t in ('f32', 'f64'):
            for s in 'su':
                for sat in (False, True):
                    yield ('%s.trunc_%s%s_%s' % (i, 'sat_' * sat, t, s), (t,), i,
                           lambda a, i=i, t=t, s=s, sat=sat: truncate(t, i, a, s == 's', sat))
                yield ('%s.convert_%s_%s' % (t, i, s), (i,), t,
                       lambda a, i=i, t=t, s=s: xf.from_int(i, t, a, s == 's'))
    yield 'i32.wrap_i64', ('i64',), 'i32', lambda a: a & 0xffffffff
    yield 'i64.extend_i32_u', ('i32',), 'i64', lambda a: a
    yield 'i64.extend_i32_s', ('i32',), 'i64', lambda a: signed(a, 32) & (1 << 64) - 1
    for a, b in (('i32', 'f32'), ('i64', 'f64')):
        yield '%s.reinterpret_%s' % (a, b), (b,), a, lambda x: x
        yield '%s.reinterpret_%s' % (b, a), (a,), b, lambda x: x
    for t, name, of in (('f32', 'demote_f64', 'f64'), ('f64', 'promote_f32', 'f32')):
        yield (t + '.' + name, (of,), t,
               lambda a, t=t, of=of: nan_of(t, xf.convert(of, t, a), (of, a)))


# ---- text ----

def const(t, bits):
    """An instruction that gives exactly these bits."""
    if t[0] == 'i':
        return '(%s.const %d)' % (t, bits)
    f = xf.F[t]
    sign, mantissa = '-' if bits & f.sign else '', bits & (1 << f.mbits) - 1
    if xf.is_nan(t, bits):
        return '(%s.const %snan:0x%x)' % (t, sign, mantissa)
    if xf.is_inf(t, bits):
        return '(%s.const %sinf)' % (t, sign)
    exponent = (bits & ~f.sign) >> f.mbits
    if exponent:
        mantissa |= 1 << f.mbits
    return '(%s.const %s0x%xp%d)' % (t, sign, mantissa, max(exponent, 1) - f.emax - f.mbits)


def outcome(compute, operands):
    try:
        return compute(*operands)
    except Trap as trap:
        return trap


def assertion(export, operands, types, result, want):
    call = '(invoke "%s"%s)' % (export, ''.join(' ' + const(t, x)
                                                for t, x in zip(types, operands)))
    if isinstance(want, Trap):
        return '(assert_trap %s "%s")' % (call, want)
    return '(assert_return %s %s)' % (call, '(%s.const %s)' % (result, want)
                                      if isinstance(want, str) else const(result, want))


class Group:
    """One module and its assertions."""

    def __init__(self):
        self.functions, self.assertions = [], []

    def function(self, export, params, result, body):
        self.functions.append('(func (export "%s")%s (result %s) %s)' % (
            export, ''.join(' (param %s)' % p for p in params), result, body))

    def write(self, file):
        file.write('(module\n%s)\n%s\n' % ('\n'.join(self.functions), '\n'.join(self.assertions)))


def deciders(name):
    """Ways to use a condition."""
    call = '(%s (local.get 0) (local.get 1))' % name
    yield 'if', '(if (result i32) %s (then (i32.const 1)) (else (i32.const 0)))' % call
    yield 'ifnot', '(if (result i32) (i32.eqz %s) (then (i32.const 0)) (else (i32.const 1)))' % call
    yield 'br_if', '(block (br_if 0 %s) (return (i32.const 0))) (i32.const 1)' % call
    yield 'select', '(select (i32.const 1) (i32.const 0) %s)' % call


def write_unary(group, name, types, result, compute):
    for k, a in enumerate(EDGES[types[0]]):
        want = outcome(compute, (a,))
        group.assertions.append(assertion(name, (a,), types, result, want))
        group.function('const %d' % k, (), result, '(%s %s)' % (name, const(types[0], a)))
        group.assertions.append(assertion('const %d' % k, (), (), result, want))


def write_binary(group, name, types, result, compute, everything):
    uses = []
    if result == 'i32' and name.split('.')[1][:2] in ('eq', 'ne', 'lt', 'gt', 'le', 'ge'):
        for use, body in deciders(name):
            group.function(use, types, 'i32', body)
            uses.append(use)
    for k, b in enumerate(EDGES[types[1]]):
        group.function('right %d' % k, types[:1], result,
                       '(%s (local.get 0) %s)' % (name, const(types[1], b)))
        group.function('left %d' % k, types[1:], result,
                       '(%s %s (local.get 0))' % (name, const(types[0], b)))
        for j, a in enumerate(EDGES[types[0]]):
            number = 7 * k + j
            if not everything and number % 3 and (j > 12 or k > 12):
                continue
            want, swapped = outcome(compute, (a, b)), outcome(compute, (b, a))
            group.assertions.append(assertion(name, (a, b), types, result, want))
            for use in uses[number % 4:][:4 if everything else 1]:
                group.assertions.append(assertion(use, (a, b), types, result, want))
            if everything or number % 5 == 0:
                group.assertions.append(assertion('right %d' % k, (a,), types, result, want))
                group.assertions.append(assertion('left %d' % k, (a,), types, result, swapped))


def write_instruction(file, everything, name, types, result, compute):
    group = Group()
    gets = ' '.join('(local.get %d)' % k for k in range(len(types)))
    group.function(name, types, result, '(%s %s)' % (name, gets))
    if len(types) == 1:
        write_unary(group, name, types, result, compute)
    else:
        write_binary(group, name, types, result, compute, everything)
    group.write(file)


def write_all(folder, everything):
    for name, instructions in (('i32', integer_instructions('i32')),
                               ('i64', integer_instructions('i64')),
                               ('f32', float_instructions('f32')),
                               ('f64', float_instructions('f64')), ('conversions', conversions())):
        path = os.path.join(folder, 'numeric_%s.wast' % name)
        with open(path, 'w', encoding='utf-8') as file:
            for instruction in instructions:
                write_instruction(file, everything, *instruction)


if __name__ == '__main__':
    write_all(sys.argv[1], sys.argv[2:] == ['all'])
