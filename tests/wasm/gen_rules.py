#!/usr/bin/env python3
"""gen_rules.py DIR - writes DIR/rules.wast: the types of each instruction (specification, 3.3).

For each instruction a module that is valid, and one for every way to break its rule once: each
operand of each other type, one operand less, operands only outside of the block, another result,
code that is not reached (where any operand is there, but a wrong one is still wrong), an alignment
above the natural one, no memory. The types are written down here once more, by the specification's
text."""
import os
import sys

CONST = {'i32': '(i32.const 1)', 'i64': '(i64.const 1)', 'f32': '(f32.const 1)',
         'f64': '(f64.const 1)', 'funcref': '(ref.null func)', 'externref': '(ref.null extern)'}
TYPES = tuple(CONST)


def instructions():
    """(text, operands, result or None, natural alignment or None)"""
    for t in ('i32', 'i64'):
        for name in 'clz ctz popcnt extend8_s extend16_s'.split():
            yield t + '.' + name, (t,), t, None
        for name in ('add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl '
                     'rotr').split():
            yield t + '.' + name, (t, t), t, None
        yield t + '.eqz', (t,), 'i32', None
        for name in 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split():
            yield t + '.' + name, (t, t), 'i32', None
        for f in ('f32', 'f64'):
            for name in 'trunc_%s_s trunc_%s_u trunc_sat_%s_s trunc_sat_%s_u'.split():
                yield t + '.' + name % f, (f,), t, None
            for sign in 'su':
                yield '%s.convert_%s_%s' % (f, t, sign), (t,), f, None
    yield 'i64.extend32_s', ('i64',), 'i64', None
    for t in ('f32', 'f64'):
        for name in 'abs neg ceil floor trunc nearest sqrt'.split():
            yield t + '.' + name, (t,), t, None
        for name in 'add sub mul div min max copysign'.split():
            yield t + '.' + name, (t, t), t, None
        for name in 'eq ne lt gt le ge'.split():
            yield t + '.' + name, (t, t), 'i32', None
    for to, name, of in (('i32', 'wrap_i64', 'i64'), ('i64', 'extend_i32_s', 'i32'),
                         ('i64', 'extend_i32_u', 'i32'), ('f32', 'demote_f64', 'f64'),
                         ('f64', 'promote_f32', 'f32'), ('i32', 'reinterpret_f32', 'f32'),
                         ('i64', 'reinterpret_f64', 'f64'), ('f32', 'reinterpret_i32', 'i32'),
                         ('f64', 'reinterpret_i64', 'i64')):
        yield to + '.' + name, (of,), to, None
    for t, width in (('i32', 4), ('i64', 8), ('f32', 4), ('f64', 8)):
        yield t + '.const 1', (), t, None
        yield t + '.load', ('i32',), t, width
        yield t + '.store', ('i32', t), None, width
    for t, bits in (('i32', 8), ('i32', 16), ('i64', 8), ('i64', 16), ('i64', 32)):
        for sign in 'su':
            yield '%s.load%d_%s' % (t, bits, sign), ('i32',), t, bits // 8
        yield '%s.store%d' % (t, bits), ('i32', t), None, bits // 8
    yield 'memory.size', (), 'i32', 0
    yield 'memory.grow', ('i32',), 'i32', 0
    for name in ('memory.copy', 'memory.fill', 'memory.init $d'):
        yield name, ('i32',) * 3, None, 0
    yield 'data.drop $d', (), None, None
    yield 'elem.drop $e', (), None, None
    yield 'table.get $t', ('i32',), 'funcref', None
    yield 'table.set $t', ('i32', 'funcref'), None, None
    yield 'table.size $t', (), 'i32', None
    yield 'table.grow $t', ('funcref', 'i32'), 'i32', None
    yield 'table.fill $t', ('i32', 'funcref', 'i32'), None, None
    yield 'table.copy $t $t', ('i32',) * 3, None, None
    yield 'table.init $t $e', ('i32',) * 3, None, None
    yield 'table.get $x', ('i32',), 'externref', None
    yield 'table.set $x', ('i32', 'externref'), None, None
    yield 'global.get $g', (), 'i64', None
    yield 'global.set $g', ('i64',), None, None
    yield 'ref.null func', (), 'funcref', None
    yield 'ref.null extern', (), 'externref', None
    yield 'ref.func $f', (), 'funcref', None
    yield 'call $f', ('f32', 'i64'), 'f64', None
    yield 'call_indirect $t (type $f)', ('f32', 'i64', 'i32'), 'f64', None
    yield 'local.get $l', (), 'f64', None
    yield 'local.set $l', ('f64',), None, None
    yield 'local.tee $l', ('f64',), 'f64', None
    for t in TYPES:
        yield 'select (result %s)' % t, (t, t, 'i32'), t, None
    for t in TYPES[:4]:
        yield 'select', (t, t, 'i32'), t, None
    yield 'br_if 0', ('i32',), None, None
    yield 'nop', (), None, None


FIELDS = ('(type $f (func (param f32 i64) (result f64)))'
          '(table $t 1 funcref) (table $x 1 externref) (global $g (mut i64) (i64.const 0))'
          '(elem $e func $f) (data $d "x")'
          '(func $f (type $f) (unreachable))')


class Writer:
    def __init__(self, file):
        self.file = file

    def module(self, body, result, memory=True):
        result = ' (result %s)' % result if result else ''
        return '(module %s%s (func%s (local $l f64) %s))' % (
            FIELDS, '(memory 1)' if memory else '', result, body)

    def valid(self, body, result, memory=True):
        self.file.write(self.module(body, result, memory) + '\n')

    def invalid(self, body, result, text='type mismatch', memory=True):
        self.file.write('(assert_invalid %s "%s")\n' % (self.module(body, result, memory), text))


def break_each_operand(w, name, operands, result, others):
    for k, want in enumerate(operands):
        for t in TYPES:
            if t == want or t in others(k):
                continue
            wrong = [CONST[o] for o in operands]
            wrong[k] = CONST[t]
            w.invalid('%s (%s)' % (' '.join(wrong), name), result)
            # what follows the wrong operand stands, what precedes it is made up
            w.invalid('(unreachable) %s (%s)' % (' '.join(wrong[k:]), name), result)


def write(path):
    with open(path, 'w', encoding='utf-8') as file:
        w = Writer(file)
        for name, operands, result, align in instructions():
            consts = [CONST[o] for o in operands]
            call = '%s (%s)' % (' '.join(consts), name)
            memory = align is not None
            w.valid(call, result)
            w.valid('(unreachable) (%s)' % name, result)
            w.valid('(unreachable) (%s)' % name + (' (drop)' if result else ''), None)
            break_each_operand(w, name, operands, result, lambda k: ())
            if operands:
                w.invalid('%s (%s)' % (' '.join(consts[1:]), name), result)
                w.invalid('(block %s (%s) %s)' % (' '.join(consts[:-1]), name,
                                                 '(drop)' if result else ''), None)
                w.invalid('%s (block (%s) %s)' % (' '.join(consts), name,
                                                 '(drop)' if result else ''), None)
            w.invalid(call, None if result else 'i32')
            for t in TYPES:
                if result and t != result:
                    w.invalid(call, t)
                    if name not in ('select', 'br_if 0'):
                        w.invalid('(unreachable) (%s)' % name, t)
            if memory:
                w.invalid(call, result, 'unknown memory 0', False)
            if align:
                for log in range(0, 5):
                    text = '%s (%s align=%d)' % (' '.join(consts), name, 1 << log)
                    if 1 << log <= align:
                        w.valid(text, result)
                    else:
                        w.invalid(text, result, 'alignment must not be larger than natural')


if __name__ == '__main__':
    write(os.path.join(sys.argv[1], 'rules.wast'))
