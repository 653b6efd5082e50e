#!/usr/bin/env python3
"""gen_abi.py - writes tests/unit/abi_cases.def: C functions of random signatures, as caller and as callee.

  tests/gen/gen_abi.py > tests/unit/abi_cases.def
"""
import random

CASES = 72
INTS = {  # C type: IR type with its extension
    'int8_t': 'JIT_I8 | JIT_SEXT', 'uint8_t': 'JIT_I8 | JIT_UEXT',
    'int16_t': 'JIT_I16 | JIT_SEXT', 'uint16_t': 'JIT_I16 | JIT_UEXT',
    'int32_t': 'JIT_I32', 'uint32_t': 'JIT_I32 | JIT_UEXT', 'int64_t': 'JIT_I64',
}
FLOATS = {'float': 'JIT_F32', 'double': 'JIT_F64'}
TYPES = {**INTS, **FLOATS}
PAIRS = {  # structs that come back in two registers, and one that comes back in memory
    'abi_ii': ['JIT_I64', 'JIT_I64'], 'abi_ff': ['JIT_F64', 'JIT_F64'],
    'abi_if': ['JIT_I64', 'ABI_MIXED'], 'abi_big': [],
}


def from_bits(ctype, expr):
    if ctype == 'float':
        return f'abi_f32({expr})'
    if ctype == 'double':
        return f'abi_f64({expr})'
    return f'({ctype}){expr}'


def to_bits(ctype, expr):
    if ctype == 'float':
        return f'abi_bits32({expr})'
    if ctype == 'double':
        return f'abi_bits64({expr})'
    return f'(uint64_t)(int64_t){expr}'


def signature(r, k):
    if k < 4:  # every register of both kinds, and stack
        kinds = [['int64_t'] * 20, ['double'] * 20, ['int8_t', 'float'] * 10,
                 ['uint8_t', 'int16_t', 'double', 'float'] * 5][k]
    else:
        n = r.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 17, 20])
        weight = r.choice([1, 3, 9])
        pool = list(INTS) * weight + list(FLOATS) * r.choice([1, 4, 12])
        kinds = [r.choice(pool) for _ in range(n)]
    return kinds, r.choice(['void'] + list(TYPES) + list(PAIRS))


def main():
    r = random.Random(20)
    print('/* abi_cases.def - C functions of random signatures, as caller and as callee. Made by')
    print(' * tests/gen/gen_abi.py; do not edit. */')
    rows = []
    for k in range(CASES):
        args, ret = signature(r, k)
        params = [TYPES[a] for a in args]
        results = PAIRS[ret] if ret in PAIRS else [] if ret == 'void' else [TYPES[ret]]
        if ret == 'abi_big':
            params.insert(0, 'JIT_I64 | JIT_SRET')
        decl = ', '.join(f'{t} a{i}' for i, t in enumerate(args)) or 'void'
        types = ', '.join(args) or 'void'
        print(f'\nstatic const jit_abi_param params_{k}[] = {{ {", ".join(params + ["0"])} }};')
        print(f'static const jit_abi_param results_{k}[] = {{ {", ".join(results + ["0"])} }};')
        print(f'static NOINLINE {ret} callee_{k}({decl})\n{{')
        print('    abi_check_alignment();')
        for i, t in enumerate(args):
            print(f'    abi_seen[{i}] = {to_bits(t, f"a{i}")};')
        if ret in PAIRS:
            print(f'    {ret} x;\n    memcpy(&x, abi_give, sizeof x);\n    return x;')
        elif ret != 'void':
            print(f'    return {from_bits(ret, "abi_give[0]")};')
        print('}')
        print(f'static NOINLINE void caller_{k}(jit_entry fn)\n{{')
        call = f'(({ret} (*)({types}))fn)('
        lines, indent = [], '        '
        for i, t in enumerate(args):
            lines.append(from_bits(t, f'abi_args[{i}]') + (',' if i + 1 < len(args) else ''))
        text = (f'\n{indent}' + f'\n{indent}'.join(lines)) if lines else ''
        if ret == 'void':
            print(f'    {call}{text});')
        else:
            print(f'    {ret} x = {call}{text});')
            if ret in PAIRS:
                print('    memcpy(abi_got, &x, sizeof x);')
            else:
                print(f'    abi_got[0] = {to_bits(ret, "x")};')
        print('}')
        rows.append((k, len(params), len(results), ret == "abi_big"))
    print('\nstatic const abi_case abi_cases[] = {')
    for k, np, nr, big in rows:
        print(f'    {{ {{ JIT_CONV_SYSTEM_V, {np}, {nr}, params_{k}, results_{k} }}, '
              f'{"true" if big else "false"},\n      (jit_entry)callee_{k}, caller_{k} }},')
    print('};')


main()
