/* fuzz_gen.c - makes the program that a seed stands for.
 *
 * Programs end, and do not trap unless asked to. All promises in their flags are true, addresses
 * never become data: what they compute depends on nothing but their arguments and the memory. */
#include "fuzz_gen.h"

#include <stdio.h>
#include <string.h>

/* ---- Values ---- */

static uint64_t mask_of(jit_type t)
{
    return ~(uint64_t)0 >> (64 - jit_type_bits(t));
}

/* A run of ones, rotated and repeated: what AArch64 has as an immediate, or nearly. */
static uint64_t ones_pattern(fuzz_rng *r)
{
    unsigned bits = 2u << fuzz_below(r, 6), ones = 1 + fuzz_below(r, bits - 1);
    unsigned by = fuzz_below(r, bits);
    uint64_t all = ~(uint64_t)0 >> (64 - bits), run = ~(uint64_t)0 >> (64 - ones);

    run = by ? (run >> by | run << (bits - by)) & all : run;
    for (; bits < 64; bits *= 2)
        run |= run << bits;
    return fuzz_below(r, 4) ? run : run ^ (uint64_t)1 << fuzz_below(r, 64);
}

/* Where immediates begin and end on some machine. */
static uint64_t boundary(fuzz_rng *r)
{
    static const uint64_t at[] = {
        0x7f, 0x80, 0xff, 0x100, 0xfff, 0x1000, 0x1001, 0x7fff, 0x8000, 0xffff,
        0x10000, 0xfff000, 0x1000000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0xffff0000,
        0x123000, 0xffff00000000, 0x7fffffffffffffff, 0x8000000000000000 };
    uint64_t x = at[fuzz_below(r, sizeof at / sizeof *at)] + fuzz_below(r, 3) - 1;

    return fuzz_below(r, 3) ? x : 0 - x;
}

static uint64_t int_bits(fuzz_rng *r, unsigned width)
{
    uint64_t x = fuzz_random(r), sign = (uint64_t)1 << (width - 1);

    switch (fuzz_below(r, 10)) {
    case 0: return fuzz_below(r, 4);
    case 1: return sign - 1 + fuzz_below(r, 3);
    case 2: return 0 - (uint64_t)fuzz_below(r, 4);
    case 3: return ((uint64_t)1 << fuzz_below(r, width)) + fuzz_below(r, 3) - 1;
    case 4: return x >> fuzz_below(r, 64);
    case 5: return ones_pattern(r);
    case 6: return boundary(r);
    case 7: return fuzz_below(r, 2 * width);
    default: return x;
    }
}

uint64_t tool_fuzz_bits(fuzz_rng *r, jit_type t)
{
    static const uint32_t floats32[] = {
        0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000,
        0x7fa00001, 0xffa00001, 1, 0x80000001, 0x007fffff, 0x7f7fffff, 0x4f000000, 0xcf000000,
        0x4f7fffff, 0x4f800000, 0x5f000000, 0xdf000000, 0x5f800000, 0x4effffff, 0x3f000000,
        0xbf000000, 0x40200000, 0x40000000, 0x4b000001, 0x437f8000, 0x42fe0000, 0x43000000,
        0xc3000000, 0xc3008000, 0x477fff00, 0x47000000, 0x3f7fffff, 0xbf7fffff
    };
    static const uint64_t floats64[] = {
        0, 1u, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000,
        0xfff0000000000000, 0x7ff8000000000000, 0xfff8000000000000, 0xfff4000000000001,
        0x7ff0000000000001, 0x000fffffffffffff, 0x7fefffffffffffff, 0x41dfffffffc00000,
        0x41e0000000000000, 0xc1e0000000000000, 0xc1e0000000200000, 0x41efffffffe00000,
        0x41f0000000000000, 0x43e0000000000000, 0xc3e0000000000000, 0x43f0000000000000,
        0x3fe0000000000000, 0xbfe0000000000000, 0x4004000000000000, 0x4000000000000000,
        0x4330000000000001, 0x36a0000000000001, 0x47efffffefffffff, 0x3fefffffffffffff,
        0x406fe00000000000, 0x4060000000000000
    };
    uint64_t x;

    if (jit_type_is_int(t))
        return int_bits(r, jit_type_bits(t)) & mask_of(t);
    x = fuzz_random(r);
    switch (fuzz_below(r, 8)) {
    case 0: return x & mask_of(t);
    case 1: /* a small integer */
        if (t == JIT_F32) {
            float small = (float)(int)(x % 1024) - 512;
            uint32_t bits;
            memcpy(&bits, &small, sizeof bits);
            return bits;
        } else {
            double small = (double)(int)(x % 4096) / 4 - 512;
            memcpy(&x, &small, sizeof x);
            return x;
        }
    default:
        return t == JIT_F32 ? floats32[x % (sizeof floats32 / sizeof *floats32)]
                            : floats64[x % (sizeof floats64 / sizeof *floats64)];
    }
}

jit_type tool_gen_type(gen *g)
{
    static const jit_type types[] = { JIT_I8, JIT_I16, JIT_I32, JIT_I32, JIT_I64, JIT_I64, JIT_F32,
                                      JIT_F64 };
    return types[below(g, 8)];
}

jit_value tool_gen_int(gen *g, jit_type t, uint64_t bits)
{
    gen_count(g, JIT_OP_iconst, t, 0);
    return jit_iconst(g->b, t, (int64_t)(bits & mask_of(t)));
}

jit_value tool_gen_constant(gen *g, jit_type t)
{
    uint64_t bits = tool_fuzz_bits(&g->rng, t);
    uint32_t low = (uint32_t)bits;
    float x;
    double y;

    if (t == JIT_F32) {
        gen_count(g, JIT_OP_f32const, t, 0);
        memcpy(&x, &low, sizeof x);
        return jit_f32const(g->b, x);
    }
    if (t == JIT_F64) {
        gen_count(g, JIT_OP_f64const, t, 0);
        memcpy(&y, &bits, sizeof y);
        return jit_f64const(g->b, y);
    }
    return tool_gen_int(g, t, bits);
}

jit_value tool_gen_pick(gen *g, jit_type t)
{
    uint32_t first;

    if (one_in(g, 12))
        return tool_gen_constant(g, t);
    if (g->navail > 0 && !one_in(g, 3)) {
        first = one_in(g, 2) ? g->navail - 1 : below(g, g->navail); /* the newest, or any */
        for (uint32_t k = 0; k < g->navail; k++) {
            jit_value v = g->avail[(first + g->navail - k) % g->navail];
            if (jit_builder_type(g->b, v) == t)
                return v;
        }
    }
    if (g->ndeep > 0 && one_in(g, 4)) {
        jit_value v = g->deep[below(g, g->ndeep)];
        if (jit_builder_type(g->b, v) == t)
            return v;
    }
    first = below(g, g->nvars);
    for (uint32_t k = 0; k < g->nvars; k++)
        if (g->var_type[(first + k) % g->nvars] == t)
            return jit_var_get(g->b, g->vars[(first + k) % g->nvars]);
    return tool_gen_constant(g, t);
}

jit_value tool_gen_dirty(gen *g, jit_type t)
{
    jit_type wide = t < JIT_I64 ? (jit_type)(t + 1 + below(g, JIT_I64 - t)) : JIT_I64;
    jit_value x, y;

    if (t == JIT_I64 || one_in(g, 4))
        return tool_gen_pick(g, t);
    x = tool_gen_pick(g, wide);
    switch (below(g, 4)) {
    case 0: return tool_gen_convert(g, JIT_OP_ireduce, t, x);
    case 1: /* the bits above are ones, or something */
        y = tool_gen_2(g, JIT_OP_bor, x, tool_gen_int(g, wide, ~mask_of(t)));
        return tool_gen_convert(g, JIT_OP_ireduce, t, y);
    case 2:
        y = tool_gen_2(g, JIT_OP_bxor, x, tool_gen_constant(g, wide));
        return tool_gen_convert(g, JIT_OP_ireduce, t, y);
    default:
        return tool_gen_2(g, one_in(g, 2) ? JIT_OP_iadd : JIT_OP_imul, tool_gen_pick(g, t),
                          tool_gen_pick(g, t));
    }
}

void tool_gen_keep(gen *g, jit_value v)
{
    jit_type t = jit_builder_type(g->b, v);
    uint32_t first = below(g, g->nvars);

    if (t == JIT_VOID || t > JIT_F64 || t == JIT_I128 || t == JIT_F16 || one_in(g, 16)) /* dead */
        return;
    if (one_in(g, 5))
        tool_gen_observe(g, v);
    if (one_in(g, 3))
        for (uint32_t k = 0; k < g->nvars; k++)
            if (g->var_type[(first + k) % g->nvars] == t) {
                jit_var_set(g->b, g->vars[(first + k) % g->nvars], v);
                return;
            }
    if (g->navail < GEN_AVAIL)
        g->avail[g->navail++] = v;
    else if (g->depth == 0) /* what is made in an inner scope is not there behind it */
        g->avail[below(g, GEN_AVAIL)] = v;
}

/* ---- Instructions ---- */

enum { /* as the rows of jit_opcodes.def have them */
    OP_TERM = 1, OP_BRANCH = 2, OP_EFFECT = 4, OP_TRAPS = 8, OP_LOADS = 16, OP_STORES = 32,
    OP_CALL = 64, OP_COMMUTES = 128, OP_EXPLICIT = 256
};

/* An operand's letter under T; JIT_VOID: none of our types. */
static jit_type type_for(gen *g, char c, jit_type t)
{
    switch (c) {
    case 'T': return t;
    case 'a': return JIT_I8;
    case 'w': return JIT_I32;
    case 's': case 'z': return gen_int_type(g);
    case 'y': return gen_float_type(g);
    case 'n':
        return t > JIT_I8 && t <= JIT_I64 ? (jit_type)(JIT_I8 + below(g, t - JIT_I8)) : JIT_VOID;
    case 'W': return t < JIT_I64 ? (jit_type)(t + 1 + below(g, JIT_I64 - t)) : JIT_VOID;
    case 'f': return t == JIT_F64 ? JIT_F32 : JIT_VOID;
    case 'F': return t == JIT_F32 ? JIT_F64 : JIT_VOID;
    case 'M':
        return one_in(g, 3) ? t : t == JIT_F32 ? JIT_I32 : t == JIT_F64 ? JIT_I64
             : t == JIT_I32 ? JIT_F32 : t == JIT_I64 ? JIT_F64 : t;
    default: return JIT_VOID;
    }
}

jit_value tool_gen_op(gen *g, jit_opcode op, jit_type t, const jit_value *x, unsigned aux,
                      jit_value *second)
{
    jit_builder *b = g->b;
    jit_mem none = { 0, 0, { 0 } };
    unsigned last = x[2].id ? 2 : x[1].id ? 1 : 0;

    gen_count(g, op, t, jit_builder_type(b, x[last]));
    if (op == JIT_OP_icmp)
        g->coverage->int_cc[aux % 10]++;
    if (op == JIT_OP_fcmp)
        g->coverage->float_cc[aux % 14]++;
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
#include <gantry/jit_opcodes.def>
#undef OP
    default: return (jit_value){ 0 };
    }
}

jit_value tool_gen_1(gen *g, jit_opcode op, jit_value x)
{
    jit_value args[3] = { x, { 0 }, { 0 } }, second;

    return tool_gen_op(g, op, jit_builder_type(g->b, x), args, 0, &second);
}

jit_value tool_gen_2(gen *g, jit_opcode op, jit_value x, jit_value y)
{
    jit_value args[3] = { x, y, { 0 } }, second;

    return tool_gen_op(g, op, jit_builder_type(g->b, x), args, 1 + below(g, 250), &second);
}

jit_value tool_gen_3(gen *g, jit_opcode op, jit_value x, jit_value y, jit_value z)
{
    jit_value args[3] = { x, y, z }, second;

    return tool_gen_op(g, op, jit_builder_type(g->b, y), args, 0, &second);
}

jit_value tool_gen_convert(gen *g, jit_opcode op, jit_type t, jit_value x)
{
    jit_value args[3] = { x, { 0 }, { 0 } }, second;

    return tool_gen_op(g, op, t, args, 0, &second);
}

jit_value tool_gen_icmp(gen *g, unsigned cc, jit_value x, jit_value y)
{
    jit_value args[3] = { x, y, { 0 } }, second;

    return tool_gen_op(g, JIT_OP_icmp, jit_builder_type(g->b, x), args, cc, &second);
}

jit_value tool_gen_fcmp(gen *g, unsigned cc, jit_value x, jit_value y)
{
    jit_value args[3] = { x, y, { 0 } }, second;

    return tool_gen_op(g, JIT_OP_fcmp, jit_builder_type(g->b, x), args, cc, &second);
}

jit_value tool_gen_load(gen *g, jit_opcode op, jit_type t, jit_mem m, jit_value p, int32_t offset)
{
    gen_count(g, op, t, JIT_I64);
    switch (op) {
    case JIT_OP_uload8: return jit_uload8(g->b, t, m, p, offset);
    case JIT_OP_sload8: return jit_sload8(g->b, t, m, p, offset);
    case JIT_OP_uload16: return jit_uload16(g->b, t, m, p, offset);
    case JIT_OP_sload16: return jit_sload16(g->b, t, m, p, offset);
    case JIT_OP_uload32: return jit_uload32(g->b, t, m, p, offset);
    case JIT_OP_sload32: return jit_sload32(g->b, t, m, p, offset);
    default: return jit_load(g->b, t, m, p, offset);
    }
}

void tool_gen_store(gen *g, jit_opcode op, jit_mem m, jit_value v, jit_value p, int32_t offset)
{
    gen_count(g, op, jit_builder_type(g->b, v), JIT_I64);
    switch (op) {
    case JIT_OP_istore8: jit_istore8(g->b, m, v, p, offset); break;
    case JIT_OP_istore16: jit_istore16(g->b, m, v, p, offset); break;
    case JIT_OP_istore32: jit_istore32(g->b, m, v, p, offset); break;
    default: jit_store(g->b, m, v, p, offset);
    }
}

void tool_gen_observe(gen *g, jit_value v)
{
    jit_mem m = { JIT_MEM_NOTRAP, 0, g->regions[0] };
    unsigned bytes = jit_type_bytes(jit_builder_type(g->b, v));

    g->sink = (g->sink + bytes - 1) & ~(bytes - 1);
    if (GEN_SINKS + g->sink + bytes > FUZZ_READONLY)
        g->sink = 0;
    if (one_in(g, 4))
        m.bits |= JIT_MEM_ALIGNED;
    tool_gen_store(g, JIT_OP_store, m, v, jit_var_get(g->b, g->heap),
                   (int32_t)(GEN_SINKS + g->sink));
    g->sink += bytes;
}

/* ---- Computations of any kind ---- */

typedef enum gen_format {
#define FORMAT(name, args, pooled, text) GEN_FMT_##name,
#include <gantry/jit_formats.def>
#undef FORMAT
    GEN_FMT_COUNT
} gen_format;

enum {
#define TYPESET(name, test) SET_##name,
#include <gantry/jit_typesets.def>
#undef TYPESET
    SET_COUNT
};

static bool in_set(unsigned set, jit_type t)
{
    switch (set) {
#define TYPESET(name, test) case SET_##name: return test;
#include <gantry/jit_typesets.def>
#undef TYPESET
    default: return false;
    }
}

typedef struct op_row { uint8_t format, types; uint16_t props; const char *rule; } op_row;

static const op_row rows[JIT_OP_COUNT] = {
#define OP(name, format, types, rule, props, meaning) \
    [JIT_OP_##name] = { GEN_FMT_##format, SET_##types, props, rule },
#include <gantry/jit_opcodes.def>
#undef OP
};

bool tool_gen_computes(jit_opcode op)
{
    const op_row *o = &rows[op];

    if (op == JIT_OP_none || op == JIT_OP_x86_cvtt2dq /* of vectors */
        || o->props & (OP_LOADS | OP_STORES | OP_CALL | OP_TERM) || strchr(o->rule, 'v')
        || strchr(o->rule, '>')[1] == 0)
        return false;
    switch ((gen_format)o->format) {
    case GEN_FMT_UNARY: case GEN_FMT_UNARY2: case GEN_FMT_CONVERT: case GEN_FMT_BINARY:
    case GEN_FMT_BINARY2: case GEN_FMT_TERNARY: case GEN_FMT_TERNARY2: case GEN_FMT_INT_CMP:
    case GEN_FMT_FLOAT_CMP: case GEN_FMT_ADD_TRAP: case GEN_FMT_BITCAST: return true;
    default: return false;
    }
}

/* A divisor that is neither 0 nor -1. */
static jit_value tame_divisor(gen *g, jit_type t, jit_value y)
{
    if (one_in(g, 2)) { /* a constant: powers of two and others */
        uint64_t k = tool_fuzz_bits(&g->rng, t);
        k = k == 0 || k == mask_of(t) ? 3 : k;
        return tool_gen_int(g, t, k);
    }
    y = tool_gen_2(g, JIT_OP_ushr, y, tool_gen_int(g, JIT_I8, 1));
    return tool_gen_2(g, JIT_OP_bor, y, tool_gen_int(g, t, 1 + below(g, 3)));
}

/* A float that is converted to t without a trap. */
static jit_value tame_float(gen *g, jit_opcode op, jit_value x)
{
    jit_type ft = jit_builder_type(g->b, x);
    jit_value zero = tool_gen_convert(g, JIT_OP_fcvt_from_sint, ft, tool_gen_int(g, JIT_I32, 0));
    jit_value high = tool_gen_convert(g, JIT_OP_fcvt_from_sint, ft,
                                      tool_gen_int(g, JIT_I32, 100 + below(g, 28)));
    jit_value size = tool_gen_1(g, JIT_OP_fabs, x);
    jit_value ok = tool_gen_fcmp(g, JIT_FLT, size, high);

    return tool_gen_3(g, JIT_OP_select, ok, op == JIT_OP_fcvt_to_uint ? size : x, zero);
}

/* Changes operands so that the instruction does not trap. */
static void tame(gen *g, jit_opcode op, jit_type t, jit_value *x)
{
    if (!(rows[op].props & OP_TRAPS) || (g->settings->traps && one_in(g, 8)))
        return;
    switch (op) {
    case JIT_OP_sdiv: case JIT_OP_srem: case JIT_OP_udiv: case JIT_OP_urem:
        if (op == JIT_OP_srem && one_in(g, 3)) /* x % -1 does not trap */
            x[1] = tool_gen_2(g, JIT_OP_bor, x[1],
                              tool_gen_int(g, t, one_in(g, 2) ? 1 : mask_of(t)));
        else if (op != JIT_OP_sdiv && one_in(g, 3))
            x[1] = tool_gen_2(g, JIT_OP_bor, x[1], tool_gen_int(g, t, 1));
        else
            x[1] = tame_divisor(g, t, x[1]);
        break;
    case JIT_OP_fcvt_to_uint: case JIT_OP_fcvt_to_sint:
        x[0] = tame_float(g, op, x[0]);
        break;
    default: /* uadd_overflow_trap */
        x[0] = tool_gen_2(g, JIT_OP_ushr, x[0], tool_gen_int(g, JIT_I8, 1));
        x[1] = tool_gen_2(g, JIT_OP_ushr, x[1], tool_gen_int(g, JIT_I8, 1));
    }
}

static void computation(gen *g)
{
    jit_opcode op;
    jit_type t, of;
    jit_value x[3] = { { 0 }, { 0 }, { 0 } }, second = { 0 };

    do {
        op = (jit_opcode)(1 + below(g, JIT_OP_COUNT - 1));
        t = tool_gen_type(g);
    } while (!tool_gen_computes(op) || !in_set(rows[op].types, t)
             || (op == JIT_OP_iconcat && t == JIT_I64));
    for (int k = 0; rows[op].rule[k] != '>'; k++) {
        if ((of = type_for(g, rows[op].rule[k], t)) == JIT_VOID)
            return;
        x[k] = tool_gen_pick(g, of);
    }
    tame(g, op, t, x);
    tool_gen_keep(g, tool_gen_op(g, op, t, x, (unsigned)fuzz_random(&g->rng) & 0xffff, &second));
    if (second.id)
        tool_gen_keep(g, second);
}

void tool_gen_compute(gen *g)
{
    if (one_in(g, 2))
        tool_gen_shape(g);
    else
        computation(g);
}

/* ---- Functions ---- */

static const jit_abi_param mix_params[] = { JIT_I64, JIT_F64, JIT_I32 | JIT_SEXT, JIT_F32 };
static const jit_abi_param mix_results[] = { JIT_I64 };
static const jit_abi_param many_params[] = { JIT_F32, JIT_F64, JIT_I8 | JIT_UEXT, JIT_F64, JIT_F32,
    JIT_I16 | JIT_SEXT, JIT_F64, JIT_F64, JIT_I32, JIT_F64, JIT_F32, JIT_I64 };
static const jit_abi_param many_results[] = { JIT_F64 };
const jit_signature tool_fuzz_host_mix = { JIT_CONV_SYSTEM_V, 4, 1, mix_params, mix_results };
const jit_signature tool_fuzz_host_many = { JIT_CONV_SYSTEM_V, 12, 1, many_params, many_results };

static jit_abi_param any_param(gen *g, jit_type t)
{
    return t < JIT_I64 && one_in(g, 3) ? t | (one_in(g, 2) ? JIT_UEXT : JIT_SEXT) : t;
}

static jit_type biased_type(gen *g, unsigned bias)
{
    return bias == 1 ? gen_int_type(g) : bias == 2 ? gen_float_type(g) : tool_gen_type(g);
}

static void make_shape(gen *g, fuzz_shape *s, bool last)
{
    static const jit_conv convs[] = { JIT_CONV_SYSTEM_V, JIT_CONV_FAST, JIT_CONV_TAIL };
    unsigned bias = below(g, 5);
    bool several = one_in(g, 3);

    memset(s, 0, sizeof *s);
    s->sig.conv = one_in(g, 2) ? JIT_CONV_DEFAULT : convs[below(g, 3)];
    s->sig.nparams = 1 + below(g, one_in(g, 3) ? FUZZ_PARAMS : 8);
    s->sig.nresults = several ? 1 + below(g, FUZZ_RESULTS - 1) : 1;
    s->sig.params = s->params;
    s->sig.results = s->results;
    s->params[0] = JIT_I64 | (one_in(g, 4) ? JIT_VMCTX : 0); /* the heap */
    for (uint32_t k = 1; k < s->sig.nparams; k++)
        s->params[k] = any_param(g, biased_type(g, bias));
    for (uint32_t k = 0; k < s->sig.nresults; k++)
        s->results[k] = any_param(g, biased_type(g, several ? bias : 0));
    if (!last && s->sig.nparams > 1 && one_in(g, 5)) {
        s->params[1] = JIT_I64 | JIT_SRET;
        if (one_in(g, 2))
            s->sig.nresults = 0;
    }
}

static void declare_callees(gen *g, jit_func *f, const fuzz_shape *shapes, uint32_t index)
{
    static const jit_signature *const hosts[] = { &tool_fuzz_host_mix, &tool_fuzz_host_many };
    static const char *const names[] = { "host_mix", "host_many" };
    char name[16];

    for (uint32_t k = 0; k < 2 + index; k++) {
        gen_callee *c = &g->callees[g->ncallees++];
        snprintf(name, sizeof name, "f%u", k - 2);
        c->is = k < 2 ? hosts[k] : &shapes[k - 2].sig;
        c->sig = jit_sig_declare(f, c->is);
        c->ref = jit_callee_declare(f, k < 2 ? names[k] : name, c->sig, k >= 2 && one_in(g, 2));
        if (k >= 2)
            c->symbol = jit_gv_symbol(f, name, 0, false, false);
    }
    g->nhosts = 2;
}

static void limit_stack(gen *g, jit_func *f)
{
    jit_mem m = { JIT_MEM_NOTRAP | JIT_MEM_ALIGNED | JIT_MEM_READONLY, 0, { 0 } };
    jit_gv base = jit_gv_vmctx(f);

    if (one_in(g, 2))
        base = jit_gv_load(f, JIT_I64, m, base, FUZZ_POINTERS); /* where the memory begins, again */
    jit_func_stack_limit(f, jit_gv_load(f, JIT_I64, m, base, FUZZ_LIMIT));
}

/* Values that live to the end, so that registers are scarce all the time. */
static void make_deep(gen *g)
{
    unsigned kind = below(g, 10), ints = 0, floats = 0;

    if (kind < 2 || kind == 4)
        ints = 8 + below(g, 13);
    if (kind == 2 || kind == 3 || kind == 4)
        floats = 6 + below(g, 14);
    for (unsigned k = 0; k < ints + floats; k++) {
        jit_type t = k < ints ? (one_in(g, 3) ? gen_int_type(g) : JIT_I64) : gen_float_type(g);
        jit_value p = jit_var_get(g->b, g->heap);
        jit_mem m = { 0, 0, g->regions[0] };
        jit_value v = tool_gen_load(g, JIT_OP_load, t, m, p, (int32_t)(8 * below(g, 200)));
        if (one_in(g, 3) && jit_type_is_int(t))
            v = tool_gen_2(g, JIT_OP_iadd, v, tool_gen_pick(g, t));
        g->deep[g->ndeep++] = v;
    }
}

/* Reads what lived so long. */
static void end_deep(gen *g)
{
    for (uint32_t k = 0; k < g->ndeep; k++)
        if (!one_in(g, 6))
            tool_gen_observe(g, g->deep[k]);
}

void tool_gen_finish(gen *g)
{
    if (!one_in(g, 4))
        for (uint32_t k = 0; k < g->nvars; k++)
            tool_gen_observe(g, jit_var_get(g->b, g->vars[k]));
    end_deep(g);
    tool_gen_return(g);
}

static void make_function(gen *g, jit_func *f, const fuzz_shape *shapes, uint32_t index)
{
    g->sig = &shapes[index].sig;
    g->budget = (int)((4 + below(g, one_in(g, 5) ? 70 : 20)) * g->settings->size / 100 + 1);
    declare_callees(g, f, shapes, index);
    g->regions[0] = jit_region_declare(f, 1, "heap");
    g->regions[1] = jit_region_declare(f, 2, "slots");
    g->nslots = one_in(g, 3) ? 0 : 1 + below(g, GEN_SLOTS);
    for (uint32_t k = 0; k < g->nslots; k++) {
        g->slot_base[k] = one_in(g, 12) ? (int32_t)(8 * below(g, one_in(g, 3) ? 5000 : 600)) : 0;
        g->slots[k] = jit_slot_declare(f, (uint32_t)g->slot_base[k] + GEN_SLOT,
                                       1u << (3 + below(g, 2)));
    }
    if (JIT_PARAM_PURPOSE(g->sig->params[0]) == JIT_VMCTX && one_in(g, 2))
        limit_stack(g, f);
    g->b = jit_build(f);
    g->heap = jit_var_new(g->b, JIT_I64);
    jit_var_set(g->b, g->heap, jit_param(g->b, 0));
    for (uint32_t k = 0; k < GEN_VARS; k++) {
        g->var_type[k] = k < 2 ? JIT_I64 : tool_gen_type(g);
        g->vars[k] = jit_var_new(g->b, g->var_type[k]);
        g->nvars = k + 1;
        jit_var_set(g->b, g->vars[k], tool_gen_constant(g, g->var_type[k]));
    }
    for (uint32_t k = 1; k < g->sig->nparams; k++)
        if (JIT_PARAM_PURPOSE(g->sig->params[k]) == JIT_SRET)
            g->sret = jit_param(g->b, k);
        else if (g->navail < GEN_AVAIL)
            g->avail[g->navail++] = jit_param(g->b, k);
    make_deep(g);
    tool_gen_init_slots(g);
    while (g->budget > 0)
        tool_gen_statements(g, 10);
    tool_gen_finish(g);
    jit_build_end(g->b);
}

/* ---- Programs ---- */

void tool_fuzz_image(uint8_t *image, uint64_t seed, const uint8_t *heap)
{
    uint64_t x = seed, address = (uint64_t)(uintptr_t)heap;

    for (size_t k = 0; k < FUZZ_POINTERS; k += 8) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        uint64_t word = x ^ x >> 29;
        memcpy(image + k, &word, 8);
    }
    memset(image + FUZZ_POINTERS, 0, FUZZ_HEAP - FUZZ_POINTERS);
    memcpy(image + FUZZ_POINTERS, &address, 8);
}

static void make_args(fuzz_rng *r, const jit_signature *sig, const uint8_t *heap, fuzz_program *p)
{
    for (int run = 0; run < FUZZ_RUNS; run++)
        for (uint32_t k = 0; k < sig->nparams; k++) {
            jit_type t = JIT_PARAM_TYPE(sig->params[k]);
            uint64_t x = k == 0 ? (uint64_t)(uintptr_t)heap : tool_fuzz_bits(r, t);
            /* what is above must not matter */
            memset(&p->args[run][k], 0xa5, sizeof p->args[run][k]);
            memcpy(p->args[run][k].at, &x, jit_type_bytes(t));
        }
    p->nargs = sig->nparams;
    p->runs = FUZZ_RUNS;
}

bool tool_fuzz_generate(jit_engine *e, uint64_t seed, const fuzz_settings *s, const uint8_t *heap,
                        fuzz_coverage *c, fuzz_program *p, char *why, size_t size)
{
    static fuzz_shape shapes[FUZZ_FUNCTIONS];
    gen g;
    const char *message = "no memory";

    memset(&g, 0, sizeof g);
    g.rng.state = seed * 0x9e3779b97f4a7c15u + (s->traps ? 0x5851f42d4c957f2du : 0);
    p->seed = seed;
    p->module = jit_module_new(e);
    uint32_t n = 1 + below(&g, one_in(&g, 3) ? FUZZ_FUNCTIONS : 2);
    for (uint32_t k = 0; k < n; k++) {
        gen each;
        char name[16];
        make_shape(&g, &shapes[k], k + 1 == n);
        snprintf(name, sizeof name, "f%u", k);
        jit_func *f = NULL;
        if (p->module)
            f = jit_module_function(p->module, name, &shapes[k].sig, JIT_LOCAL);
        if (f) {
            memset(&each, 0, sizeof each);
            each.rng.state = fuzz_random(&g.rng);
            each.settings = s;
            each.coverage = c;
            make_function(&each, f, shapes, k);
        }
        if (!f || jit_func_error(f, &message) != JIT_OK) {
            snprintf(why, size, "the builder: %s", message);
            jit_module_free(p->module);
            p->module = NULL;
            return false;
        }
    }
    make_args(&g.rng, &shapes[n - 1].sig, heap, p);
    tool_fuzz_image(p->image, seed, heap);
    return true;
}
