/* differential.c - random programs, run by the interpreter and as machine code, which must agree.
 *
 *   fuzz-differential [--seed N] [--count M] [--seconds S] [--print]
 *
 * Without arguments FUZZ_SEED and FUZZ_SECONDS hold. Seed N stands for one program: a module of a
 * few functions with every scalar instruction, variables, loops, branches, tables, calls, slots and
 * a heap page between guard pages. Each is run by the interpreter and compiled at O0 and O1 for the
 * bare machine, for all that the host has, and for AArch64 in the emulator, where there is one. Results (NaNs made canonical), trap codes and the
 * heap must be the same; all promises in the flags are true, so the interpreter must find no
 * breach. On a difference the module is printed with its arguments. --print shows the program of a
 * seed. */
#define _GNU_SOURCE
#include "gantry/jit.h"
#include "ir/func.h"
#include "tools/gantry/tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum {
    HEAP = 4096,       /* bytes that programs may touch, between two guard pages */
    READONLY = 3072,   /* from here on nothing is ever written */
    SLOT = 32,         /* bytes of each slot */
    MAX_FUNCTIONS = 3, MAX_PARAMS = 10, MAX_RESULTS = 5, MAX_VARS = 8, MAX_AVAIL = 64,
    FUEL = 200000, RUNS = 3
};

static uint64_t state;

static uint64_t next_random(void) /* SplitMix64 */
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint32_t below(uint32_t n) { return (uint32_t)(next_random() % n); }
static bool one_in(uint32_t n) { return below(n) == 0; }

/* ---- Values ---- */

static const jit_type types[] = { JIT_I8, JIT_I16, JIT_I32, JIT_I64, JIT_F32, JIT_F64 };

static jit_type any_type(void) { return types[below(6)]; }

/* Bits that are interesting more often than random ones. */
static uint64_t any_bits(jit_type t)
{
    static const uint64_t floats32[] = { 0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000,
        0xff800000, 0x7fc00000, 0xffa00001, 1, 0x80000001, 0x7f7fffff, 0x4f000000, 0x5f000000,
        0x4effffff,
        0x3f000000, 0xbf000000, 0x40200000, 0x4b000001, 0x437f8000 };
    static const uint64_t floats64[] = { 0, 1u, 0x8000000000000000u, 0x3ff0000000000000u,
        0xbff0000000000000u, 0x7ff0000000000000u, 0xfff0000000000000u, 0x7ff8000000000000u,
        0xfff4000000000001u, 0x41dfffffffc00000u, 0x41e0000000000000u, 0x43e0000000000000u,
        0x3fe0000000000000u, 0xbfe0000000000000u, 0x4004000000000000u, 0x4330000000000001u };
    unsigned w = jit_type_bits(t);
    uint64_t x = next_random(), sign = (uint64_t)1 << (w - 1);

    if (t == JIT_F32 && !one_in(4))
        x = floats32[below(sizeof floats32 / sizeof floats32[0])];
    else if (t == JIT_F64 && !one_in(4))
        x = floats64[below(sizeof floats64 / sizeof floats64[0])];
    else
        switch (below(6)) {
        case 0: x = below(4); break;
        case 1: x = sign - 1 + below(3); break;
        case 2: x = 0 - (uint64_t)below(4); break;
        case 3: x = (uint64_t)1 << below(64); break;
        case 4: x >>= below(64); break;
        default: break;
        }
    return x & (~(uint64_t)0 >> (64 - w));
}

/* ---- The generator ---- */

typedef struct callee { jit_fnref ref; jit_sigref sig; const jit_signature *is; } callee;

typedef struct gen {
    jit_builder *b;
    jit_func *f;
    jit_value avail[MAX_AVAIL]; /* values that dominate here; scopes cut it off */
    uint32_t navail;
    jit_var vars[MAX_VARS];
    jit_type var_type[MAX_VARS];
    uint32_t nvars;
    jit_var heap;
    jit_slot slots[2];
    jit_region regions[2];      /* of the heap, of the slots */
    callee host;
    callee callees[MAX_FUNCTIONS];
    uint32_t ncallees;
    const jit_signature *sig;
    int budget;                 /* statements left */
    int depth;
} gen;

static jit_value constant(gen *g, jit_type t)
{
    uint64_t bits = any_bits(t);
    uint32_t low = (uint32_t)bits;
    float x;
    double y;

    if (t == JIT_F32) {
        memcpy(&x, &low, sizeof x);
        return jit_f32const(g->b, x);
    }
    if (t == JIT_F64) {
        memcpy(&y, &bits, sizeof y);
        return jit_f64const(g->b, y);
    }
    return jit_iconst(g->b, t, (int64_t)(jit_type_bits(t) < 64 ? (uint64_t)low : bits));
}

static jit_value pick(gen *g, jit_type t)
{
    uint32_t first;

    if (one_in(8))
        return constant(g, t);
    if (g->navail > 0 && !one_in(3)) {
        first = below(g->navail);
        for (uint32_t k = 0; k < g->navail; k++) {
            jit_value v = g->avail[(first + k) % g->navail];
            if (jit_builder_type(g->b, v) == t)
                return v;
        }
    }
    first = below(g->nvars);
    for (uint32_t k = 0; k < g->nvars; k++)
        if (g->var_type[(first + k) % g->nvars] == t)
            return jit_var_get(g->b, g->vars[(first + k) % g->nvars]);
    return constant(g, t);
}

/* Makes v one of the values to pick from, or the value of a variable. */
static void keep(gen *g, jit_value v)
{
    jit_type t = jit_builder_type(g->b, v);
    uint32_t first = below(g->nvars);

    if (t == JIT_VOID || t > JIT_F64 || t == JIT_I128)
        return;
    if (one_in(2))
        for (uint32_t k = 0; k < g->nvars; k++)
            if (g->var_type[(first + k) % g->nvars] == t) {
                jit_var_set(g->b, g->vars[(first + k) % g->nvars], v);
                return;
            }
    if (g->navail < MAX_AVAIL)
        g->avail[g->navail++] = v;
    else
        g->avail[below(MAX_AVAIL)] = v;
}

static jit_type any_int(void) { return types[below(4)]; }

/* A type for letter c of an opcode's rule under T; JIT_VOID: not one of ours. */
static jit_type type_for(char c, jit_type t)
{
    switch (c) {
    case 'T': return t;
    case 'a': return JIT_I8;
    case 'w': return JIT_I32;
    case 's': return any_int();
    case 'y': return one_in(2) ? JIT_F32 : JIT_F64;
    case 'z': return any_int();
    case 'n': return t > JIT_I8 && t <= JIT_I64 ? (jit_type)(JIT_I8 + below(t - JIT_I8)) : JIT_VOID;
    case 'W': return t < JIT_I64 ? (jit_type)(t + 1 + below(JIT_I64 - t)) : JIT_VOID;
    case 'f': return t == JIT_F64 ? JIT_F32 : JIT_VOID;
    case 'F': return t == JIT_F32 ? JIT_F64 : JIT_VOID;
    case 'M':
        return one_in(3) ? t : t == JIT_F32 ? JIT_I32 : t == JIT_F64 ? JIT_I64
             : t == JIT_I32 ? JIT_F32 : t == JIT_I64 ? JIT_F64 : t;
    default: return JIT_VOID;
    }
}

/* Calls the builder function of op, whatever its format, with operands and condition or code. */
static jit_value build(gen *g, jit_opcode op, jit_type t, const jit_value *x, unsigned aux,
                       jit_value *second)
{
    jit_builder *b = g->b;
    jit_mem none = { 0, 0, { 0 } };

    switch (op) {
#define BUILD_NULLARY(n)
#define BUILD_NULLARY_ADDR(n)
#define BUILD_UNARY(n) case JIT_OP_##n: return jit_##n(b, x[0]);
#define BUILD_UNARY2(n) case JIT_OP_##n: return jit_##n(b, x[0], second);
#define BUILD_CONVERT(n) case JIT_OP_##n: return jit_##n(b, t, x[0]);
#define BUILD_BINARY(n) case JIT_OP_##n: return jit_##n(b, x[0], x[1]);
#define BUILD_BINARY2(n) case JIT_OP_##n: return jit_##n(b, x[0], x[1], second);
#define BUILD_BINARY_IMM8(n)
#define BUILD_TERNARY(n) case JIT_OP_##n: return jit_##n(b, x[0], x[1], x[2]);
#define BUILD_TERNARY2(n) case JIT_OP_##n: return jit_##n(b, x[0], x[1], x[2], second);
#define BUILD_TERNARY_IMM8(n)
#define BUILD_ICONST(n)
#define BUILD_F16CONST(n)
#define BUILD_F32CONST(n)
#define BUILD_F64CONST(n)
#define BUILD_CONST(n)
#define BUILD_GLOBAL_VALUE(n)
#define BUILD_INT_CMP(n) case JIT_OP_##n: return jit_##n(b, (jit_intcc)(aux % 10), x[0], x[1]);
#define BUILD_FLOAT_CMP(n) case JIT_OP_##n: return jit_##n(b, (jit_floatcc)(aux % 14), x[0], x[1]);
#define BUILD_JUMP(n)
#define BUILD_BRIF(n)
#define BUILD_BR_TABLE(n)
#define BUILD_TRAP(n)
#define BUILD_COND_TRAP(n)
#define BUILD_ADD_TRAP(n) case JIT_OP_##n: return jit_##n(b, x[0], x[1], 1 + aux % 250);
#define BUILD_MULTI(n)
#define BUILD_CALL(n)
#define BUILD_CALL_INDIRECT(n)
#define BUILD_TRY_CALL(n)
#define BUILD_TRY_CALL_INDIRECT(n)
#define BUILD_FUNC_ADDR(n)
#define BUILD_LOAD(n)
#define BUILD_STORE(n)
#define BUILD_LOAD_NO_OFFSET(n)
#define BUILD_STORE_NO_OFFSET(n)
#define BUILD_BITCAST(n) case JIT_OP_##n: return jit_##n(b, t, none, x[0]);
#define BUILD_STACK_ADDR(n)
#define BUILD_DYNAMIC_STACK_ADDR(n)
#define BUILD_ATOMIC_RMW(n)
#define BUILD_ATOMIC_CAS(n)
#define BUILD_SHUFFLE(n)
#define BUILD_EH_ADDR(n)
#define OP(name, format, types, rule, props, meaning) BUILD_##format(name)
#include "gantry/jit_opcodes.def"
#undef OP
    default: return (jit_value){ 0 };
    }
}

/* Formats that build() knows; x86_cvtt2dq is meant for vectors only. */
static bool is_computation(const op_info *o)
{
    if (o == &jit_op_table[JIT_OP_x86_cvtt2dq])
        return false;
    switch ((ir_format)o->format) {
    case FMT_UNARY: case FMT_UNARY2: case FMT_CONVERT: case FMT_BINARY: case FMT_BINARY2:
    case FMT_TERNARY: case FMT_TERNARY2: case FMT_INT_CMP: case FMT_FLOAT_CMP: case FMT_ADD_TRAP:
    case FMT_BITCAST:
        return o->nresults > 0 && !(o->props & (OP_LOADS | OP_STORES | OP_CALL));
    default: return false;
    }
}

/* Operands that keep a trapping instruction from trapping, mostly. */
static void tame(gen *g, jit_opcode op, jit_type t, jit_value *x)
{
    if (one_in(12))
        return;
    if (op == JIT_OP_udiv || op == JIT_OP_urem || op == JIT_OP_sdiv || op == JIT_OP_srem) {
        x[1] = jit_bor(g->b, x[1], jit_iconst(g->b, t, 1)); /* MIN / -1 is still there */
        if (one_in(2)) {
            x[1] = jit_ushr(g->b, x[1], jit_iconst(g->b, JIT_I8, 1));
            x[1] = jit_bor(g->b, x[1], jit_iconst(g->b, t, 2));
        }
    }
    if (op == JIT_OP_fcvt_to_uint || op == JIT_OP_fcvt_to_sint) {
        jit_type ft = jit_builder_type(g->b, x[0]);
        jit_value low = jit_fcvt_from_sint(g->b, ft, jit_iconst(g->b, JIT_I32, 0));
        jit_value high = jit_fcvt_from_sint(g->b, ft, jit_iconst(g->b, JIT_I32, 100));
        jit_value ok = jit_fcmp(g->b, JIT_FLT, jit_fabs(g->b, x[0]), high);
        x[0] = jit_select(g->b, ok, x[0], low);
        if (op == JIT_OP_fcvt_to_uint)
            x[0] = jit_fabs(g->b, x[0]);
    }
    if (op == JIT_OP_uadd_overflow_trap) {
        x[1] = jit_ushr(g->b, x[1], x[0]);
        x[0] = jit_ushr(g->b, x[0], jit_iconst(g->b, JIT_I8, 20));
    }
}

static void computation(gen *g)
{
    jit_opcode op = (jit_opcode)(1 + below(JIT_OP_COUNT - 1));
    const op_info *o = &jit_op_table[op];
    jit_type t = any_type();
    jit_value x[3] = { { 0 }, { 0 }, { 0 } }, second = { 0 };

    for (int n = 0; !is_computation(o) || !jit_typeset_has(o->types, t); n++) {
        t = any_type();
        if (n > 20) {
            op = (jit_opcode)(1 + below(JIT_OP_COUNT - 1));
            o = &jit_op_table[op];
            n = 0;
        }
    }
    if (op == JIT_OP_iconcat && t == JIT_I64)
        t = JIT_I32;
    jit_type of[3];
    for (int k = 0; o->rule[k] != '>'; k++)
        if ((of[k] = type_for(o->rule[k], t)) == JIT_VOID)
            return;
    for (int k = 0; o->rule[k] != '>'; k++)
        x[k] = pick(g, of[k]);
    tame(g, op, t, x);
    keep(g, build(g, op, t, x, (unsigned)next_random(), &second));
    if (second.id)
        keep(g, second);
}

/* ---- Memory ---- */

static jit_mem any_flags(const gen *g, int region, uint32_t offset, unsigned bytes, bool in_bounds)
{
    jit_mem m = { 0, 0, { 0 } };

    if (one_in(2))
        m.region = g->regions[region];
    if (in_bounds && one_in(2))
        m.bits |= JIT_MEM_NOTRAP;
    if (offset % bytes == 0 && one_in(2))
        m.bits |= JIT_MEM_ALIGNED;
    if (one_in(4))
        m.bits |= JIT_MEM_BIG;
    else if (one_in(4))
        m.bits |= JIT_MEM_LITTLE;
    if (!in_bounds && one_in(3))
        m.trap = (uint8_t)(1 + below(250));
    return m;
}

static jit_value load(gen *g, jit_type t, jit_mem m, jit_value p, int32_t offset)
{
    uint32_t extending = t > JIT_I64 ? 0 : 2 * (uint32_t)(t - JIT_I8); /* forms that T has */
    uint32_t form = below(extending + 3);

    switch (form < extending ? form : 6) {
    case 0: return jit_uload8(g->b, t, m, p, offset);
    case 1: return jit_sload8(g->b, t, m, p, offset);
    case 2: return jit_uload16(g->b, t, m, p, offset);
    case 3: return jit_sload16(g->b, t, m, p, offset);
    case 4: return jit_uload32(g->b, t, m, p, offset);
    case 5: return jit_sload32(g->b, t, m, p, offset);
    default: return jit_load(g->b, t, m, p, offset);
    }
}

static void store(gen *g, jit_mem m, jit_value v, jit_value p, int32_t offset)
{
    jit_type t = jit_builder_type(g->b, v);

    if (t == JIT_I64 && one_in(6))
        jit_istore32(g->b, m, v, p, offset);
    else if (t >= JIT_I32 && t <= JIT_I64 && one_in(6))
        jit_istore16(g->b, m, v, p, offset);
    else if (t >= JIT_I16 && t <= JIT_I64 && one_in(6))
        jit_istore8(g->b, m, v, p, offset);
    else
        jit_store(g->b, m, v, p, offset);
}

static void slot_access(gen *g)
{
    jit_type t = any_type();
    unsigned bytes = jit_type_bytes(t);
    uint32_t at = below(SLOT - bytes + 1), split = one_in(2) ? 0 : at;
    jit_value p = jit_stack_addr(g->b, g->slots[below(2)], (int32_t)split);
    jit_mem m = any_flags(g, 1, at, bytes, true);

    if (one_in(2))
        keep(g, load(g, t, m, p, (int32_t)(at - split)));
    else
        store(g, m, pick(g, t), p, (int32_t)(at - split));
}

static void heap_access(gen *g)
{
    jit_type t = any_type();
    unsigned bytes = jit_type_bytes(t);
    bool wild = one_in(40);
    uint32_t mask = 0x3f8, offset = below(3) ? 8 * below(200) : below(1600);
    jit_value p = jit_var_get(g->b, g->heap);

    if (!one_in(3)) { /* an index of any width, scaled */
        jit_value index = pick(g, any_int());
        if (jit_builder_type(g->b, index) != JIT_I64)
            index = one_in(2) ? jit_uextend(g->b, JIT_I64, index)
                              : jit_sextend(g->b, JIT_I64, index);
        unsigned scale = below(4);
        index = jit_band(g->b, index, jit_iconst(g->b, JIT_I64, mask >> scale));
        if (scale > 0)
            index = jit_ishl(g->b, index, jit_iconst(g->b, JIT_I64, scale));
        offset = offset % 8 | (scale == 3 ? offset & ~7u : offset & 0x3f8);
        p = jit_iadd(g->b, p, index);
        if (scale != 3 && scale != 0)
            bytes = 16; /* so that no flag says aligned */
    }
    if (wild)
        offset = one_in(2) ? HEAP + below(2000) : (uint32_t)-1 - below(2000);
    jit_mem m = any_flags(g, 0, offset, bytes, !wild);
    if (bytes == 16)
        m.bits &= (uint8_t)~JIT_MEM_ALIGNED;
    if (one_in(2))
        keep(g, load(g, t, m, p, (int32_t)offset));
    else
        store(g, m, pick(g, t), p, (int32_t)offset);
}

/* A load of what never changes, with every promise that can be made about it. */
static void readonly_access(gen *g)
{
    jit_type t = any_type();
    uint32_t offset = READONLY + 8 * below((HEAP - READONLY) / 8);
    jit_mem m = any_flags(g, 0, offset, 8, true);

    m.bits |= JIT_MEM_READONLY;
    if (m.bits & JIT_MEM_NOTRAP && one_in(2))
        m.bits |= JIT_MEM_CAN_MOVE;
    keep(g, load(g, t, m, jit_var_get(g->b, g->heap), (int32_t)offset));
}

/* ---- Control flow ---- */

static void statements(gen *g, uint32_t n);

/* Fills a block that ends in a jump to `join`; what it defines is out of scope behind it. */
static void arm(gen *g, jit_block block, jit_block join)
{
    uint32_t scope = g->navail;

    jit_block_start(g->b, block);
    statements(g, 1 + below(4));
    jit_jump(g->b, join);
    g->navail = scope;
}

static void branch(gen *g)
{
    jit_block yes = jit_block_new(g->b), no = jit_block_new(g->b), join = jit_block_new(g->b);

    jit_brif(g->b, pick(g, any_int()), yes, one_in(3) ? join : no);
    if (one_in(5))
        jit_block_cold(g->b, yes);
    arm(g, yes, join);
    arm(g, no, join); /* unreachable now and then */
    jit_block_start(g->b, join);
}

static void table(gen *g)
{
    jit_block arms[4], all[6], join = jit_block_new(g->b);
    uint32_t n = 1 + below(4), entries = below(7);
    jit_value x = pick(g, JIT_I32);

    for (uint32_t k = 0; k < n; k++)
        arms[k] = jit_block_new(g->b);
    for (uint32_t k = 0; k < entries; k++)
        all[k] = arms[below(n)];
    if (one_in(2))
        x = jit_band(g->b, x, jit_iconst(g->b, JIT_I32, 7));
    jit_br_table(g->b, x, arms[0], entries, all);
    for (uint32_t k = 0; k < n; k++)
        arm(g, arms[k], join);
    jit_block_start(g->b, join);
}

static void loop(gen *g)
{
    jit_block head = jit_block_new(g->b), body = jit_block_new(g->b), done = jit_block_new(g->b);
    jit_var counter = jit_var_new(g->b, JIT_I32);

    jit_var_set(g->b, counter, jit_iconst(g->b, JIT_I32, 1 + below(6)));
    jit_jump(g->b, head);
    uint32_t scope = g->navail;
    jit_block_start(g->b, head);
    statements(g, below(3));
    jit_brif(g->b, jit_var_get(g->b, counter), body, done);
    uint32_t in_body = g->navail;
    jit_block_start(g->b, body);
    jit_var_set(g->b, counter, jit_iadd(g->b, jit_var_get(g->b, counter),
                                        jit_iconst(g->b, JIT_I32, -1)));
    statements(g, 1 + below(5));
    jit_jump(g->b, head);
    g->navail = in_body < scope ? in_body : scope;
    jit_block_start(g->b, done);
}

static void return_some(gen *g)
{
    jit_value values[MAX_RESULTS];

    for (uint32_t k = 0; k < g->sig->nresults; k++)
        values[k] = pick(g, JIT_PARAM_TYPE(g->sig->results[k]));
    jit_return_values(g->b, g->sig->nresults, values);
}

static void leave_early(gen *g)
{
    jit_block out = jit_block_new(g->b), on = jit_block_new(g->b);

    jit_brif(g->b, pick(g, any_int()), out, on);
    uint32_t scope = g->navail;
    jit_block_start(g->b, out);
    if (one_in(3))
        jit_trap(g->b, 1 + below(250));
    else
        return_some(g);
    g->navail = scope;
    jit_block_start(g->b, on);
}

static void check(gen *g)
{
    jit_value x = pick(g, JIT_F64);
    jit_value c = one_in(2) ? jit_fcmp(g->b, JIT_FUNO, x, x)
        : jit_icmp(g->b, JIT_UGT, pick(g, JIT_I64), jit_iconst(g->b, JIT_I64, one_in(2) ? -2 : 1));

    if (one_in(2))
        jit_trapnz(g->b, c, 1 + below(250));
    else
        jit_trapz(g->b, jit_bxor(g->b, c, jit_iconst(g->b, JIT_I8, 1)), 1 + below(250));
}

/* Of the host's, or of a function made before, which gets the heap first. */
static void call_some(gen *g)
{
    bool out = g->ncallees == 0 || one_in(4);
    const callee *c = out ? &g->host : &g->callees[below(g->ncallees)];
    jit_value args[MAX_PARAMS];
    jit_inst i;

    for (uint32_t k = 0; k < c->is->nparams; k++)
        args[k] = k == 0 && !out ? jit_var_get(g->b, g->heap)
                                 : pick(g, JIT_PARAM_TYPE(c->is->params[k]));
    if (one_in(2))
        i = jit_call(g->b, c->ref, c->is->nparams, args);
    else
        i = jit_call_indirect(g->b, c->sig, jit_func_addr(g->b, c->ref), c->is->nparams, args);
    for (uint32_t k = 0; k < c->is->nresults; k++)
        keep(g, jit_result(g->b, i, k));
}

static void statements(gen *g, uint32_t n)
{
    for (; n > 0 && g->budget > 0; n--) {
        g->budget--;
        uint32_t what = below(32);
        if (g->depth < 4 && what < 6) {
            g->depth++;
            if (what < 2)
                branch(g);
            else if (what < 4)
                loop(g);
            else if (what < 5)
                table(g);
            else
                leave_early(g);
            g->depth--;
        } else if (what < 10) {
            heap_access(g);
        } else if (what < 12) {
            slot_access(g);
        } else if (what < 13) {
            if (one_in(4))
                readonly_access(g);
            else
                call_some(g);
        } else if (what < 14 && one_in(3)) {
            check(g);
        } else {
            computation(g);
        }
    }
}

/* ---- Functions and modules ---- */

static const jit_abi_param host_params[] = { JIT_I64, JIT_F64, JIT_I32 | JIT_SEXT, JIT_F32 };
static const jit_abi_param host_results[] = { JIT_I64 };
static const jit_signature host_signature = { JIT_CONV_SYSTEM_V, 4, 1, host_params, host_results };

/* A function of the C compiler's, which uses registers as it likes. */
static uint64_t host_mix(uint64_t a, double b, int32_t c, float d)
{
    uint64_t x;
    uint32_t y;

    memcpy(&x, &b, sizeof x);
    memcpy(&y, &d, sizeof y);
    return (a ^ x * 3) + (uint64_t)(int64_t)c * 5 + y;
}

static jit_outcome host_mix_bits(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    uint64_t a, r;
    double b;
    int32_t c;
    float d;

    (void)user, (void)trap;
    memcpy(&a, args[0].at, sizeof a);
    memcpy(&b, args[1].at, sizeof b);
    memcpy(&c, args[2].at, sizeof c);
    memcpy(&d, args[3].at, sizeof d);
    r = host_mix(a, b, c, d);
    memcpy(results[0].at, &r, sizeof r);
    return JIT_RETURNED;
}

typedef struct shape {
    jit_signature sig;
    jit_abi_param params[MAX_PARAMS], results[MAX_RESULTS];
} shape;

static jit_abi_param any_param(void)
{
    jit_type t = any_type();
    return t < JIT_I64 && one_in(3) ? t | (one_in(2) ? JIT_UEXT : JIT_SEXT) : t;
}

static void make_shape(shape *s)
{
    static const jit_conv convs[] = { JIT_CONV_DEFAULT, JIT_CONV_SYSTEM_V, JIT_CONV_FAST,
                                      JIT_CONV_TAIL };

    memset(s, 0, sizeof *s);
    s->sig.conv = convs[one_in(2) ? 0 : below(4)];
    s->sig.nparams = 1 + below(MAX_PARAMS);
    s->sig.nresults = 1 + below(one_in(4) ? MAX_RESULTS : 2);
    s->sig.params = s->params;
    s->sig.results = s->results;
    s->params[0] = JIT_I64; /* the heap */
    for (uint32_t k = 1; k < s->sig.nparams; k++)
        s->params[k] = any_param();
    for (uint32_t k = 0; k < s->sig.nresults; k++)
        s->results[k] = any_param();
}

static void make_function(jit_func *f, const shape *shapes, uint32_t index)
{
    gen g;

    memset(&g, 0, sizeof g);
    g.f = f;
    g.sig = &shapes[index].sig;
    g.budget = (int)(5 + below(one_in(4) ? 120 : 40));
    for (uint32_t k = 0; k < index; k++) {
        char name[16];
        snprintf(name, sizeof name, "f%u", k);
        callee *c = &g.callees[g.ncallees++];
        c->is = &shapes[k].sig;
        c->sig = jit_sig_declare(f, c->is);
        c->ref = jit_callee_declare(f, name, c->sig, one_in(2));
    }
    g.host.is = &host_signature;
    g.host.sig = jit_sig_declare(f, &host_signature);
    g.host.ref = jit_callee_declare(f, "host_mix", g.host.sig, false);
    g.regions[0] = jit_region_declare(f, 1, "heap");
    g.regions[1] = jit_region_declare(f, 2, "slots");
    for (int k = 0; k < 2; k++)
        g.slots[k] = jit_slot_declare(f, SLOT, 1u << (3 + below(3)));
    g.b = jit_build(f);
    g.heap = jit_var_new(g.b, JIT_I64);
    jit_var_set(g.b, g.heap, jit_param(g.b, 0));
    for (uint32_t k = 0; k < MAX_VARS; k++) {
        g.var_type[k] = any_type();
        g.vars[k] = jit_var_new(g.b, g.var_type[k]);
        g.nvars = k + 1;
        jit_var_set(g.b, g.vars[k], constant(&g, g.var_type[k]));
    }
    for (uint32_t k = 1; k < g.sig->nparams; k++)
        keep(&g, jit_param(g.b, k));
    for (int k = 0; k < 2; k++)
        for (int32_t at = 0; at < SLOT; at += 8)
            jit_store(g.b, (jit_mem){ 0, 0, { 0 } }, pick(&g, JIT_I64),
                      jit_stack_addr(g.b, g.slots[k], at), 0);
    while (g.budget > 0)
        statements(&g, 10);
    return_some(&g);
    jit_build_end(g.b);
}

/* ---- Judgement ---- */

typedef struct machine {
    jit_engine *engine;
    jit_ctx *context;
    emulator *emulator; /* that runs it; NULL: the host */
    const char *name;
} machine;
static machine machines[3];
static int nmachines = 2;
static uint8_t *heap, image[HEAP];

static jit_engine *start_emulated(machine *on)
{
    jit_engine_settings s = { .size = sizeof s, .arch = JIT_ARCH_AARCH64 };
    char why[128];

    on->name = "aarch64";
    on->engine = jit_engine_new(&s);
    if (!on->engine || !(on->context = jit_ctx_new(on->engine)))
        abort();
    if (jit_engine_runs_here(on->engine)) /* it is the host */
        return on->engine;
    on->emulator = tool_emulator_new(on->engine, why, sizeof why);
    if (!on->emulator || !tool_emulator_share(on->emulator, heap, HEAP)
        || !tool_emulator_host(on->emulator, "host_mix", &host_signature, host_mix_bits, NULL))
        abort();
    return on->engine;
}

static void set_up(void)
{
    jit_engine_settings bare = { .size = sizeof bare };
    uint8_t *pages = mmap(NULL, 3 * HEAP, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    machines[0].engine = jit_engine_new(NULL);
    machines[0].name = "host";
    machines[1].engine = jit_engine_new(&bare);
    machines[1].name = "baseline";
    for (int k = 0; k < 2; k++)
        if (!machines[k].engine || !(machines[k].context = jit_ctx_new(machines[k].engine))
            || jit_engine_define_function(machines[k].engine, "host_mix", JIT_FN(host_mix)) != JIT_OK)
            abort();
    if (pages == MAP_FAILED || mprotect(pages + HEAP, HEAP, PROT_READ | PROT_WRITE) != 0
        || jit_traps_install() != JIT_OK)
        abort();
    heap = pages + HEAP;
    if (tool_emulates(JIT_ARCH_AARCH64) && !jit_engine_runs_here(start_emulated(&machines[2])))
        nmachines = 3;
}

typedef struct answer { bool trapped; unsigned trap; uint64_t results[MAX_RESULTS]; } answer;

static uint64_t seed; /* of the program at hand */
static unsigned findings, returned, trapped, unfinished;

/* Reports a difference; always false. */
static bool found(const jit_module *m, const jit_signature *sig, const jit_bits *args,
                  const char *what, const answer *got, const answer *wanted)
{
    char *text = jit_module_print(m, NULL);

    findings++;
    fprintf(stderr, "%s\n; seed %llu, difference: %s\n; arguments:", text ? text : "",
            (unsigned long long)seed, what);
    jit_string_free(machines[0].engine, text);
    for (uint32_t k = 0; args && k < sig->nparams; k++) {
        uint64_t x;
        memcpy(&x, args[k].at, 8);
        fprintf(stderr, " 0x%llx", (unsigned long long)x);
    }
    for (int k = 0; got && k < 2; k++) {
        const answer *a = k ? wanted : got;
        fprintf(stderr, "\n; %s:", k ? "wanted" : "got");
        if (a->trapped)
            fprintf(stderr, " trap %s", jit_trap_name(a->trap));
        for (uint32_t r = 0; !a->trapped && r < sig->nresults; r++)
            fprintf(stderr, " 0x%llx", (unsigned long long)a->results[r]);
    }
    fprintf(stderr, "\n");
    return false;
}

static void take(answer *a, const jit_signature *sig, const jit_bits *bits)
{
    for (uint32_t k = 0; k < sig->nresults; k++) {
        a->results[k] = 0;
        memcpy(&a->results[k], bits[k].at, jit_type_bytes(JIT_PARAM_TYPE(sig->results[k])));
    }
}

static bool same_answer(const answer *a, const answer *b, const jit_signature *sig)
{
    return a->trapped == b->trapped
        && (a->trapped ? a->trap == b->trap
                       : memcmp(a->results, b->results, sig->nresults * sizeof a->results[0]) == 0);
}

/* Compiles all functions of m for one machine at one level, and calls the last one. */
static jit_call_result call(const machine *on, jit_entry entry, const jit_signature *sig,
                            const jit_bits *args, jit_bits *results)
{
    jit_call_result r = { JIT_OK, JIT_TRAP_NONE, NULL, NULL };

    if (!on->emulator)
        return jit_invoke(on->engine, entry, sig, args, results);
    outcome o = tool_emulator_call(on->emulator, entry, sig, args, results);
    r.trap = o.trap;
    r.status = o.kind == OUT_SKIPPED ? JIT_ERR_UNSUPPORTED
               : o.kind == OUT_BROKEN ? JIT_ERR_MISCOMPILE : JIT_OK;
    if (o.kind == OUT_BROKEN)
        printf("%s: %s\n", on->name, o.message);
    return r;
}

static bool run_machine(const machine *on, jit_level level, const jit_module *m,
                        const jit_signature *sig, jit_bits (*args)[MAX_PARAMS],
                        const answer *wanted, uint8_t (*heaps)[HEAP])
{
    jit_settings s = { .size = sizeof s, .level = level, .nan_canonical = true,
                       .checks = JIT_CHECK_IR | JIT_CHECK_REGALLOC };
    jit_unit *units[MAX_FUNCTIONS] = { NULL };
    jit_code *codes[MAX_FUNCTIONS] = { NULL };
    size_t n = jit_module_function_count(m);
    char what[200];
    jit_status status = JIT_OK;
    bool good = true;

    for (size_t k = 0; k < n && status == JIT_OK; k++)
        status = jit_compile_unit(on->context, jit_module_function_at(m, k), &s, &units[k]);
    if (status == JIT_OK)
        status = jit_publish(on->engine, on->context, units, n, codes);
    if (status != JIT_OK && status != JIT_ERR_UNSUPPORTED) {
        snprintf(what, sizeof what, "%s at O%d: %s", on->name, (int)level - 1,
                 jit_error_message(on->context));
        good = found(m, sig, NULL, what, NULL, NULL);
    }
    for (int r = 0; r < RUNS && status == JIT_OK && good; r++) {
        jit_bits results[MAX_RESULTS];
        answer got = { 0 };
        memset(results, 0, sizeof results);
        memcpy(heap, image, HEAP);
        jit_entry entry = jit_code_entry(codes[n - 1]);
        jit_call_result c = call(on, entry, sig, args[r], results);
        got.trapped = c.trap != JIT_TRAP_NONE;
        got.trap = c.trap;
        take(&got, sig, results);
        snprintf(what, sizeof what, "%s at O%d", on->name, (int)level - 1);
        if (c.status == JIT_ERR_UNSUPPORTED)
            break;
        if (c.status != JIT_OK || !same_answer(&got, &wanted[r], sig))
            good = found(m, sig, args[r], what, &got, &wanted[r]);
        else if (memcmp(heap, heaps[r], HEAP) != 0)
            good = found(m, sig, args[r], "the heap", &got, &wanted[r]);
    }
    for (size_t k = 0; k < n; k++) {
        jit_code_free(codes[k]);
        jit_unit_free(units[k]);
    }
    if (on->emulator)
        tool_emulator_forget(on->emulator);
    return good;
}

/* The interpreter's answers; false when it finds a fault, or the program takes too long. */
static bool run_interpreter(const jit_module *m, const jit_signature *sig,
                            jit_bits (*args)[MAX_PARAMS], answer *wanted, uint8_t (*heaps)[HEAP])
{
    jit_interp *in = jit_interp_new(machines[0].engine, m);
    const jit_func *f = jit_module_function_at(m, jit_module_function_count(m) - 1);
    bool good = true;

    if (!in || jit_interp_memory(in, heap, HEAP, true) != JIT_OK
        || jit_interp_define(in, "host_mix", host_mix_bits, NULL) != JIT_OK)
        abort();
    jit_interp_nan_canonical(in, true);
    for (int r = 0; r < RUNS && good; r++) {
        jit_bits results[MAX_RESULTS];
        memset(results, 0, sizeof results);
        memcpy(heap, image, HEAP);
        jit_run run = jit_interp_run(in, f, args[r], results, FUEL);
        wanted[r].trapped = run.outcome == JIT_TRAPPED;
        wanted[r].trap = run.trap;
        take(&wanted[r], sig, results);
        memcpy(heaps[r], heap, HEAP);
        returned += run.outcome == JIT_RETURNED;
        trapped += run.outcome == JIT_TRAPPED;
        unfinished += run.outcome == JIT_OUT_OF_FUEL;
        good = run.outcome != JIT_OUT_OF_FUEL;
        if (run.outcome == JIT_BREACH || run.outcome == JIT_REFUSED)
            good = found(m, sig, args[r], run.message, NULL, NULL);
    }
    jit_interp_free(in);
    return good;
}

/* The program that the seed stands for; NULL: a finding. */
static jit_module *make_module(shape *shapes, uint32_t *n)
{
    jit_module *m = jit_module_new(machines[0].engine);

    if (!m)
        abort();
    state = seed;
    *n = 1 + below(MAX_FUNCTIONS);
    for (uint32_t k = 0; k < *n; k++) {
        const char *message = "no memory";
        char name[16];
        snprintf(name, sizeof name, "f%u", k);
        make_shape(&shapes[k]);
        jit_func *f = jit_module_function(m, name, &shapes[k].sig, JIT_LOCAL);
        if (!f)
            abort();
        make_function(f, shapes, k);
        if (jit_func_error(f, &message) != JIT_OK) {
            found(m, &shapes[k].sig, NULL, message, NULL, NULL);
            jit_module_free(m);
            return NULL;
        }
    }
    return m;
}

static void run_program(void)
{
    static uint8_t heaps[RUNS][HEAP];
    shape shapes[MAX_FUNCTIONS];
    jit_bits args[RUNS][MAX_PARAMS];
    answer wanted[RUNS];
    uint32_t n;
    jit_module *m = make_module(shapes, &n);

    if (!m)
        return;
    const jit_signature *sig = &shapes[n - 1].sig;
    for (int r = 0; r < RUNS; r++)
        for (uint32_t k = 0; k < sig->nparams; k++) {
            jit_type t = JIT_PARAM_TYPE(sig->params[k]);
            uint64_t x = k == 0 ? (uint64_t)(uintptr_t)heap : any_bits(t);
            memset(&args[r][k], 0xa5, sizeof args[r][k]); /* what is above must not matter */
            memcpy(args[r][k].at, &x, jit_type_bytes(t));
        }
    for (size_t k = 0; k < HEAP; k++)
        image[k] = (uint8_t)next_random();
    bool good = run_interpreter(m, sig, args, wanted, heaps);
    for (int k = 0; k < nmachines; k++)
        for (int level = JIT_O0; level <= JIT_O1; level++)
            good = good && run_machine(&machines[k], (jit_level)level, m, sig, args, wanted, heaps);
    jit_module_free(m);
}

static void print_program(void)
{
    shape shapes[MAX_FUNCTIONS];
    uint32_t n;
    jit_module *m = make_module(shapes, &n);
    char *text = m ? jit_module_print(m, NULL) : NULL;

    printf("%s", text ? text : "");
    jit_string_free(machines[0].engine, text);
    jit_module_free(m);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("FUZZ_SECONDS"), *first = getenv("FUZZ_SEED");
    double limit = seconds ? atof(seconds) : 10, begin = now();
    uint64_t count = UINT64_MAX, done = 0;

    seed = first ? strtoull(first, NULL, 10) : 1;
    set_up();
    for (int k = 1; k < argc; k++) {
        if (strcmp(argv[k], "--seed") == 0 && k + 1 < argc) {
            seed = strtoull(argv[++k], NULL, 10);
        } else if (strcmp(argv[k], "--count") == 0 && k + 1 < argc) {
            count = strtoull(argv[++k], NULL, 10);
            limit = 1e9;
        } else if (strcmp(argv[k], "--seconds") == 0 && k + 1 < argc) {
            limit = atof(argv[++k]);
        } else if (strcmp(argv[k], "--print") == 0) {
            print_program();
            return 0;
        }
    }
    for (; done < count && findings < 5 && now() - begin < limit; done++, seed++)
        run_program();
    printf("%llu programs in %.1f s; runs: %u returned, %u trapped, %u too long\n",
           (unsigned long long)done, now() - begin, returned, trapped, unfinished);
    printf("%u passed, %u failed, 0 skipped\n", findings ? 0u : 1u, findings);
    return findings != 0;
}
