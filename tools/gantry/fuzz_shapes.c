/* fuzz_shapes.c - generates what lowerings and folding look for: small trees of instructions, with
 * constants at the edges of their conditions, and now and then an inner value with a second use. */
#include "fuzz_gen.h"

static jit_value un(gen *g, jit_opcode op, jit_value x) { return tool_gen_1(g, op, x); }
static jit_value bin(gen *g, jit_opcode op, jit_value x, jit_value y)
{
    return tool_gen_2(g, op, x, y);
}

static jit_value int_at(gen *g, jit_type t, uint64_t k) { return tool_gen_int(g, t, k); }
static jit_value pick(gen *g, jit_type t) { return tool_gen_pick(g, t); }

/* With a second use, so that it cannot be folded into one. */
static jit_value maybe_shared(gen *g, jit_value v)
{
    if (one_in(g, 8))
        tool_gen_keep(g, v);
    return v;
}

/* The operands of a commuting operation, in either order. */
static jit_value either(gen *g, jit_opcode op, jit_value x, jit_value y)
{
    return one_in(g, 2) ? bin(g, op, x, y) : bin(g, op, y, x);
}

/* Amounts: mostly within the width; of any type. */
static jit_value amount(gen *g, jit_type t, unsigned k)
{
    if (one_in(g, 12))
        k += jit_type_bits(t) * (1 + below(g, 3));
    return int_at(g, gen_int_type(g), k & 0xff);
}

static jit_opcode one_of(gen *g, const jit_opcode *ops, uint32_t n)
{
    return ops[below(g, n)];
}
#define ONE_OF(g, ...) \
    one_of(g, (const jit_opcode[]){ __VA_ARGS__ }, \
           sizeof((const jit_opcode[]){ __VA_ARGS__ }) / sizeof(jit_opcode))

/* ---- Bits ---- */

/* Shift pairs and shifts under masks: bit fields. */
static jit_value bit_field(gen *g)
{
    jit_type t = gen_int_type(g);
    unsigned w = jit_type_bits(t), a = below(g, w), b = below(g, w);
    uint64_t ones = ((uint64_t)1 << below(g, w)) * 2 - 1;
    jit_value x = tool_gen_dirty(g, t), y;

    switch (below(g, 7)) {
    case 0: case 1: /* (x << a) >> b */
        b = one_in(g, 3) ? a : b;
        y = maybe_shared(g, bin(g, JIT_OP_ishl, x, amount(g, t, a)));
        return bin(g, one_in(g, 2) ? JIT_OP_ushr : JIT_OP_sshr, y, amount(g, t, b));
    case 2: /* (x >> a) & ones */
        y = maybe_shared(g, bin(g, one_in(g, 2) ? JIT_OP_ushr : JIT_OP_sshr, x, amount(g, t, a)));
        return either(g, JIT_OP_band, y, int_at(g, t, ones));
    case 3: /* (x & ones) << a, or of a mask in the middle */
        ones = one_in(g, 3) ? ones << b : ones;
        y = maybe_shared(g, either(g, JIT_OP_band, x, int_at(g, t, ones)));
        return bin(g, one_in(g, 3) ? JIT_OP_ushr : JIT_OP_ishl, y, amount(g, t, a));
    case 4: /* (x >> a) << b */
        y = maybe_shared(g, bin(g, one_in(g, 2) ? JIT_OP_ushr : JIT_OP_sshr, x, amount(g, t, a)));
        return bin(g, JIT_OP_ishl, y, amount(g, t, one_in(g, 2) ? a : b));
    case 5: /* insertion */
        x = either(g, JIT_OP_band, x, int_at(g, t, ~(ones << a)));
        y = either(g, JIT_OP_band, pick(g, t), int_at(g, t, ones));
        if (one_in(g, 2))
            y = bin(g, JIT_OP_ishl, y, amount(g, t, a));
        return either(g, one_in(g, 3) ? JIT_OP_bxor : JIT_OP_bor, x, y);
    default: /* shifted, then extended, or the other way round */
        y = bin(g, one_in(g, 2) ? JIT_OP_ushr : JIT_OP_ishl, x, amount(g, t, a));
        if (t < JIT_I64) {
            y = tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, JIT_I64, y);
            return bin(g, one_in(g, 2) ? JIT_OP_ushr : JIT_OP_ishl, y,
                       amount(g, JIT_I64, below(g, 64)));
        }
        y = tool_gen_convert(g, JIT_OP_ireduce, (jit_type)(JIT_I8 + below(g, 3)), y);
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, JIT_I64, y);
    }
}

/* Rotations, spelled out or not, and what takes bits of two values. */
static jit_value rotation(gen *g)
{
    jit_type t = gen_int_type(g);
    unsigned w = jit_type_bits(t), a = below(g, w);
    jit_value x = tool_gen_dirty(g, t), y = one_in(g, 2) ? x : pick(g, t), n;

    switch (below(g, 4)) {
    case 0:
        x = bin(g, JIT_OP_ishl, x, amount(g, t, a));
        y = bin(g, JIT_OP_ushr, y, amount(g, t, (w - a) % w));
        return either(g, ONE_OF(g, JIT_OP_bor, JIT_OP_bxor, JIT_OP_iadd), x, y);
    case 1:
        return bin(g, one_in(g, 2) ? JIT_OP_rotl : JIT_OP_rotr, x, amount(g, t, a));
    case 2: /* by a variable, spelled out */
        n = pick(g, t);
        y = bin(g, JIT_OP_ushr, x, bin(g, JIT_OP_isub, int_at(g, t, w), n));
        return either(g, JIT_OP_bor, bin(g, JIT_OP_ishl, x, n), y);
    default: /* shifts by variables of any type, garbage above */
        return bin(g, ONE_OF(g, JIT_OP_ishl, JIT_OP_ushr, JIT_OP_sshr, JIT_OP_rotl, JIT_OP_rotr), x,
                   tool_gen_dirty(g, gen_int_type(g)));
    }
}

/* and, or, xor with inverted, shifted and constant operands. */
static jit_value logical(gen *g)
{
    jit_type t = gen_int_type(g);
    jit_opcode op = ONE_OF(g, JIT_OP_band, JIT_OP_bor, JIT_OP_bxor);
    jit_value x = tool_gen_dirty(g, t), y = pick(g, t);

    switch (below(g, 5)) {
    case 0: return either(g, op, x, maybe_shared(g, un(g, JIT_OP_bnot, y)));
    case 1: return un(g, JIT_OP_bnot, either(g, op, x, y));
    case 2:
        y = bin(g, ONE_OF(g, JIT_OP_ishl, JIT_OP_ushr, JIT_OP_sshr, JIT_OP_rotr, JIT_OP_rotl), y,
                amount(g, t, below(g, jit_type_bits(t))));
        return either(g, op, x, maybe_shared(g, y));
    case 3: return tool_gen_3(g, JIT_OP_bitselect, one_in(g, 3) ? tool_gen_constant(g, t) : x, y,
                              pick(g, t));
    default: return either(g, op, x, tool_gen_constant(g, t));
    }
}

/* One bit: tested, set, cleared, moved. */
static jit_value one_bit(gen *g)
{
    jit_type t = gen_int_type(g);
    unsigned k = below(g, jit_type_bits(t));
    jit_value x = tool_gen_dirty(g, t), y;

    switch (below(g, 5)) {
    case 0:
        y = either(g, JIT_OP_band, x, int_at(g, t, (uint64_t)1 << k));
        return tool_gen_icmp(g, one_in(g, 2) ? JIT_EQ : JIT_NE, y, int_at(g, t, 0));
    case 1:
        y = bin(g, JIT_OP_ushr, x, amount(g, t, k));
        return either(g, JIT_OP_band, y, int_at(g, t, 1));
    case 2:
        y = bin(g, JIT_OP_ishl, int_at(g, t, 1), tool_gen_dirty(g, gen_int_type(g)));
        return either(g, ONE_OF(g, JIT_OP_band, JIT_OP_bor, JIT_OP_bxor), x, y);
    case 3: /* the lowest: cleared or alone */
        y = one_in(g, 2) ? bin(g, JIT_OP_iadd, x, int_at(g, t, UINT64_MAX)) : un(g, JIT_OP_ineg, x);
        return either(g, one_in(g, 2) ? JIT_OP_band : JIT_OP_bxor, x, y);
    default:
        return bin(g, one_in(g, 2) ? JIT_OP_sshr : JIT_OP_ushr, x,
                   amount(g, t, jit_type_bits(t) - 1));
    }
}

/* Counting, reversing, halves. */
static jit_value counting(gen *g)
{
    jit_type t = gen_int_type(g);
    jit_opcode op = ONE_OF(g, JIT_OP_clz, JIT_OP_ctz, JIT_OP_cls, JIT_OP_popcnt, JIT_OP_bitrev,
                           JIT_OP_bswap);
    jit_value x = tool_gen_dirty(g, t), y;

    if (op == JIT_OP_bswap && t == JIT_I8)
        op = JIT_OP_bitrev;
    x = one_in(g, 4) ? bin(g, JIT_OP_ushr, x, amount(g, t, below(g, jit_type_bits(t)))) : x;
    y = un(g, op, x);
    return one_in(g, 3) && t < JIT_I64
        ? tool_gen_convert(g, JIT_OP_uextend, JIT_I64, y) : y;
}

/* Bytes swapped, with what puts them elsewhere. */
static jit_value swapped(gen *g)
{
    jit_type t = (jit_type)(JIT_I16 + below(g, 3));
    unsigned w = jit_type_bits(t);
    jit_value x = maybe_shared(g, un(g, JIT_OP_bswap, tool_gen_dirty(g, t)));

    switch (below(g, 4)) {
    case 0: return bin(g, one_in(g, 2) ? JIT_OP_rotl : JIT_OP_rotr, x, amount(g, t, w / 2));
    case 1: return bin(g, one_in(g, 2) ? JIT_OP_ushr : JIT_OP_sshr, x,
                       amount(g, t, 8 * below(g, w / 8)));
    case 2: return un(g, JIT_OP_bswap, x);
    default:
        if (t == JIT_I64)
            return tool_gen_convert(g, JIT_OP_ireduce, (jit_type)(JIT_I8 + below(g, 3)), x);
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, JIT_I64, x);
    }
}

/* Truth as a number: added, subtracted, negated, multiplied, shifted. */
static jit_value counted_truth(gen *g)
{
    jit_type t = gen_int_type(g);
    jit_value c = tool_gen_truth(g), x = pick(g, t);

    if (jit_builder_type(g->b, c) != JIT_I8)
        c = tool_gen_icmp(g, JIT_NE, c, int_at(g, jit_builder_type(g->b, c), 0));
    if (t > JIT_I8)
        c = tool_gen_convert(g, one_in(g, 3) ? JIT_OP_sextend : JIT_OP_uextend, t, c);
    switch (below(g, 5)) {
    case 0: return either(g, JIT_OP_iadd, x, c);
    case 1: return bin(g, JIT_OP_isub, x, c);
    case 2: return un(g, one_in(g, 2) ? JIT_OP_ineg : JIT_OP_bnot, c);
    case 3: return either(g, JIT_OP_band, x, un(g, JIT_OP_ineg, c));
    default: return bin(g, one_in(g, 2) ? JIT_OP_ishl : JIT_OP_imul, c, x);
    }
}

/* Extensions of everything that might have been extended already. */
static jit_value extension(gen *g)
{
    jit_type from = (jit_type)(JIT_I8 + below(g, 3));
    jit_type to = (jit_type)(from + 1 + below(g, JIT_I64 - from));
    jit_value x = tool_gen_dirty(g, from), y;

    if (one_in(g, 3))
        x = bin(g, ONE_OF(g, JIT_OP_iadd, JIT_OP_isub, JIT_OP_imul, JIT_OP_bxor), x,
                one_in(g, 2) ? tool_gen_constant(g, from) : pick(g, from));
    y = tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, to, x);
    if (one_in(g, 3) && to < JIT_I64)
        y = tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, JIT_I64, y);
    else if (one_in(g, 4))
        y = tool_gen_convert(g, JIT_OP_ireduce, from, maybe_shared(g, y));
    else if (one_in(g, 4))
        y = tool_gen_convert(g, JIT_OP_bmask, gen_int_type(g), y);
    return y;
}

/* ---- Arithmetic ---- */

/* x + y where y is shifted, extended, multiplied or a constant. */
static jit_value sum(gen *g)
{
    jit_type t = gen_int_type(g), n;
    jit_opcode op = one_in(g, 2) ? JIT_OP_iadd : JIT_OP_isub;
    jit_value x = pick(g, t), y = tool_gen_dirty(g, t);

    switch (below(g, 6)) {
    case 0:
        y = bin(g, ONE_OF(g, JIT_OP_ishl, JIT_OP_ishl, JIT_OP_ushr, JIT_OP_sshr), y,
                amount(g, t, one_in(g, 2) ? below(g, 5) : below(g, jit_type_bits(t))));
        break;
    case 1:
        if (t > JIT_I8) {
            n = (jit_type)(JIT_I8 + below(g, t - JIT_I8));
            y = tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, t,
                                 tool_gen_dirty(g, n));
            if (one_in(g, 2))
                y = bin(g, JIT_OP_ishl, y, amount(g, t, below(g, 6)));
        }
        break;
    case 2:
        y = either(g, JIT_OP_imul, y, pick(g, t));
        break;
    case 3:
        y = tool_gen_constant(g, t);
        break;
    case 4: /* constants twice */
        x = either(g, JIT_OP_iadd, x, tool_gen_constant(g, t));
        y = tool_gen_constant(g, t);
        break;
    default: /* from a constant */
        return bin(g, op, tool_gen_constant(g, t), y);
    }
    y = maybe_shared(g, y);
    return one_in(g, 2) ? bin(g, op, x, y) : bin(g, op, y, x);
}

static jit_value product(gen *g)
{
    static const uint64_t factors[] = { 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 17, 24, 31, 33,
                                        64, 127, 128, 255, 1000, 0x10001 };
    jit_type t = gen_int_type(g);
    jit_value x = tool_gen_dirty(g, t), y;
    uint64_t k;

    switch (below(g, 4)) {
    case 0: { /* of what was extended: long products */
        jit_opcode ext = one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend;
        jit_type n = one_in(g, 2) ? JIT_I32 : (jit_type)(JIT_I8 + below(g, 3));
        x = tool_gen_convert(g, ext, JIT_I64, tool_gen_dirty(g, n));
        y = tool_gen_convert(g, one_in(g, 6) ? JIT_OP_uextend : ext, JIT_I64,
                             tool_gen_dirty(g, JIT_I32));
        y = bin(g, JIT_OP_imul, x, y);
        if (one_in(g, 2))
            return y;
        return either(g, one_in(g, 2) ? JIT_OP_iadd : JIT_OP_isub, pick(g, JIT_I64), y);
    }
    case 1:
        k = factors[below(g, sizeof factors / sizeof *factors)];
        y = int_at(g, t, one_in(g, 4) ? 0 - k : k);
        return either(g, JIT_OP_imul, x, y);
    case 2:
        return either(g, one_in(g, 2) ? JIT_OP_umulhi : JIT_OP_smulhi, x,
                      one_in(g, 3) ? tool_gen_constant(g, t) : pick(g, t));
    default:
        y = either(g, JIT_OP_imul, x, pick(g, t));
        return either(g, one_in(g, 2) ? JIT_OP_iadd : JIT_OP_isub, maybe_shared(g, y), pick(g, t));
    }
}

/* By constants: powers of two, their negatives, neighbours, others; with a remainder or not. */
static jit_value division(gen *g)
{
    static const uint64_t small[] = { 2, 3, 5, 6, 7, 9, 10, 11, 12, 13, 25, 60, 100, 641, 1000 };
    jit_type t = gen_int_type(g);
    uint64_t all = ~(uint64_t)0 >> (64 - jit_type_bits(t)), k;
    jit_opcode op = ONE_OF(g, JIT_OP_udiv, JIT_OP_sdiv, JIT_OP_urem, JIT_OP_srem);
    jit_value x = tool_gen_dirty(g, t), y;

    k = one_in(g, 2) ? small[below(g, sizeof small / sizeof *small)] : tool_fuzz_bits(&g->rng, t);
    k = (one_in(g, 4) ? 0 - k : k) & all;
    if (k == 0 || (op == JIT_OP_sdiv && k == all))
        k = 7;
    y = int_at(g, t, k);
    jit_value q = bin(g, op, x, y);
    if (one_in(g, 4)) /* both of them */
        tool_gen_keep(g, bin(g, op == JIT_OP_udiv ? JIT_OP_urem : JIT_OP_srem, x, y));
    if (one_in(g, 6)) /* the remainder, spelled out */
        q = bin(g, JIT_OP_isub, x, either(g, JIT_OP_imul, q, y));
    return q;
}

/* ---- Conditions ---- */

/* An integer compare, narrow ones with what matters: constants on either side, garbage above. */
static jit_value int_compare(gen *g)
{
    jit_type t = gen_int_type(g);
    jit_value x = tool_gen_dirty(g, t), y;
    unsigned cc = below(g, 10);

    switch (below(g, 6)) {
    case 0: y = int_at(g, t, 0); break;
    case 1: y = int_at(g, t, one_in(g, 2) ? 1 : UINT64_MAX); break;
    case 2: y = tool_gen_constant(g, t); break;
    case 3: /* x against itself, nearly */
        y = bin(g, JIT_OP_iadd, x, int_at(g, t, below(g, 3) - 1u));
        break;
    case 4:
        y = bin(g, ONE_OF(g, JIT_OP_ishl, JIT_OP_ushr, JIT_OP_sshr), pick(g, t),
                amount(g, t, below(g, jit_type_bits(t))));
        break;
    default: y = pick(g, t);
    }
    if (one_in(g, 5)) /* of a sum, a difference or a mask: flags may be there already */
        x = bin(g, ONE_OF(g, JIT_OP_band, JIT_OP_band, JIT_OP_iadd, JIT_OP_isub, JIT_OP_bor), x,
                one_in(g, 2) ? tool_gen_constant(g, t) : pick(g, t));
    return one_in(g, 4) ? tool_gen_icmp(g, cc, y, x) : tool_gen_icmp(g, cc, x, y);
}

static jit_value float_compare(gen *g)
{
    jit_type t = gen_float_type(g);
    jit_value x = pick(g, t), y = one_in(g, 4) ? x : pick(g, t);

    if (one_in(g, 3))
        y = tool_gen_constant(g, t);

    return tool_gen_fcmp(g, below(g, 14), x, y);
}

static jit_value compare(gen *g)
{
    return one_in(g, 3) ? float_compare(g) : int_compare(g);
}

/* Conditions as code has them: compares, their negations, chains of and and or, bits, numbers. */
jit_value tool_gen_truth(gen *g)
{
    jit_type t;
    jit_value c;

    switch (below(g, 10)) {
    case 0: case 1: case 2:
        return maybe_shared(g, compare(g));
    case 3: /* not, once or twice */
        c = tool_gen_icmp(g, one_in(g, 2) ? JIT_EQ : JIT_NE, compare(g), int_at(g, JIT_I8, 0));
        return one_in(g, 3) ? tool_gen_icmp(g, JIT_EQ, c, int_at(g, JIT_I8, 0)) : c;
    case 4: case 5: /* two compares; three now and then */
        c = bin(g, ONE_OF(g, JIT_OP_band, JIT_OP_bor, JIT_OP_bxor), compare(g), compare(g));
        if (one_in(g, 3))
            c = either(g, one_in(g, 2) ? JIT_OP_band : JIT_OP_bor, c, compare(g));
        return maybe_shared(g, c);
    case 6: /* extended truth */
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_bmask,
                                (jit_type)(JIT_I16 + below(g, 3)), compare(g));
    case 7:
        return one_bit(g);
    default:
        t = gen_int_type(g);
        return tool_gen_dirty(g, t);
    }
}

/* What a select chooses between: near values, so that one instruction may do both. */
static jit_value choice(gen *g)
{
    jit_type t = one_in(g, 4) ? gen_float_type(g) : gen_int_type(g);
    jit_value x = pick(g, t), y = pick(g, t), c;

    if (t > JIT_I64) {
        c = tool_gen_truth(g);
        y = one_in(g, 3) ? un(g, one_in(g, 2) ? JIT_OP_fneg : JIT_OP_fabs, x) : y;
        return tool_gen_3(g, JIT_OP_select, c, one_in(g, 2) ? x : y, one_in(g, 2) ? y : x);
    }
    switch (below(g, 6)) {
    case 0:
        y = bin(g, JIT_OP_iadd, one_in(g, 2) ? x : y,
                int_at(g, t, one_in(g, 4) ? UINT64_MAX : 1));
        break;
    case 1: y = un(g, JIT_OP_ineg, one_in(g, 2) ? x : y); break;
    case 2: y = un(g, JIT_OP_bnot, one_in(g, 2) ? x : y); break;
    case 3:
        x = int_at(g, t, one_in(g, 2) ? 1 : UINT64_MAX);
        y = int_at(g, t, 0);
        break;
    case 4: y = tool_gen_constant(g, t); break;
    default: break;
    }
    y = maybe_shared(g, y);
    c = tool_gen_truth(g);
    return tool_gen_3(g, one_in(g, 5) ? JIT_OP_select_spectre_guard : JIT_OP_select, c,
                      one_in(g, 2) ? x : y, one_in(g, 2) ? y : x);
}

static jit_value select_either(gen *g, jit_value c, jit_value x, jit_value y)
{
    bool swap = one_in(g, 2);

    return tool_gen_3(g, JIT_OP_select, c, swap ? y : x, swap ? x : y);
}

/* Minimum, maximum and absolute value, spelled out or not. */
static jit_value bounds(gen *g)
{
    static const unsigned ccs[] = { JIT_SLT, JIT_SGE, JIT_SLE, JIT_SGT, JIT_ULT, JIT_UGE, JIT_ULE,
                                    JIT_UGT };
    jit_type t = gen_int_type(g);
    jit_value x = tool_gen_dirty(g, t), y = tool_gen_dirty(g, t), c;

    if (one_in(g, 3))
        y = tool_gen_constant(g, t);

    switch (below(g, 4)) {
    case 0:
        return either(g, ONE_OF(g, JIT_OP_smin, JIT_OP_smax, JIT_OP_umin, JIT_OP_umax), x, y);
    case 1:
        return select_either(g, tool_gen_icmp(g, ccs[below(g, 8)], x, y), x, y);
    case 2:
        c = tool_gen_icmp(g, ccs[below(g, 4)], x, int_at(g, t, one_in(g, 4) ? UINT64_MAX : 0));
        return select_either(g, c, x, un(g, JIT_OP_ineg, x));
    default:
        return un(g, JIT_OP_iabs, x);
    }
}

/* Both results of an overflowing operation, and the flag where flags are read. */
static jit_value overflow(gen *g)
{
    static const jit_opcode carries[] = { JIT_OP_uadd_overflow_cin, JIT_OP_sadd_overflow_cin,
                                          JIT_OP_usub_overflow_bin, JIT_OP_ssub_overflow_bin };
    jit_type t = gen_int_type(g);
    jit_value args[3] = { tool_gen_dirty(g, t), { 0 }, { 0 } }, flag = { 0 }, r, high = { 0 };
    jit_opcode op = ONE_OF(g, JIT_OP_uadd_overflow, JIT_OP_sadd_overflow, JIT_OP_usub_overflow,
                           JIT_OP_ssub_overflow, JIT_OP_umul_overflow, JIT_OP_smul_overflow);

    args[1] = one_in(g, 3) ? tool_gen_constant(g, t) : tool_gen_dirty(g, t);
    r = tool_gen_op(g, op, t, args, 0, &flag);
    if (one_in(g, 3)) { /* a carry goes on */
        jit_value more[3] = { pick(g, t), pick(g, t), flag };
        if (one_in(g, 3))
            more[2] = tool_gen_dirty(g, JIT_I8);
        high = tool_gen_op(g, carries[below(g, 4)], t, more, 0, &flag);
        tool_gen_keep(g, high);
    }
    if (!one_in(g, 4))
        tool_gen_keep(g, r);
    return one_in(g, 2) ? flag : tool_gen_3(g, JIT_OP_select, flag, r, pick(g, t));
}

/* ---- Floats ---- */

static jit_value float_tree(gen *g)
{
    jit_type t = gen_float_type(g), other = t == JIT_F32 ? JIT_F64 : JIT_F32;
    jit_value x = pick(g, t), y = one_in(g, 4) ? tool_gen_constant(g, t) : pick(g, t),
        z = pick(g, t);

    switch (below(g, 13)) {
    case 9: /* rounded, then converted: one instruction somewhere */
        x = un(g, ONE_OF(g, JIT_OP_ceil, JIT_OP_floor, JIT_OP_trunc, JIT_OP_nearest), x);
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_fcvt_to_uint_sat : JIT_OP_fcvt_to_sint_sat,
                                gen_int_type(g), maybe_shared(g, x));
    case 10: /* negated factors and sums */
        x = bin(g, JIT_OP_fmul, one_in(g, 2) ? un(g, JIT_OP_fneg, x) : x, y);
        x = one_in(g, 2) ? un(g, JIT_OP_fneg, maybe_shared(g, x)) : x;
        return one_in(g, 2) ? x : bin(g, JIT_OP_fsub, z, x);
    case 11: /* chosen, compared and cleared of signs */
        x = un(g, JIT_OP_fabs, bin(g, JIT_OP_fsub, x, y));
        return tool_gen_3(g, JIT_OP_select, tool_gen_fcmp(g, below(g, 14), x, z), x, y);
    case 12:
        x = tool_gen_convert(g, one_in(g, 2) ? JIT_OP_fcvt_from_uint : JIT_OP_fcvt_from_sint, t,
                             tool_gen_dirty(g, gen_int_type(g)));
        return bin(g, one_in(g, 2) ? JIT_OP_fmul : JIT_OP_fdiv, x, tool_gen_constant(g, t));
    case 0: /* must not become one rounding */
        x = maybe_shared(g, bin(g, JIT_OP_fmul, x, y));
        return either(g, one_in(g, 2) ? JIT_OP_fadd : JIT_OP_fsub, x, z);
    case 1:
        if (one_in(g, 2))
            x = un(g, JIT_OP_fneg, x);
        if (one_in(g, 3))
            z = un(g, JIT_OP_fneg, z);
        x = tool_gen_3(g, JIT_OP_fma, x, y, z);
        return one_in(g, 4) ? un(g, JIT_OP_fneg, x) : x;
    case 2: return un(g, one_in(g, 2) ? JIT_OP_fneg : JIT_OP_fabs,
                      bin(g, ONE_OF(g, JIT_OP_fadd, JIT_OP_fsub, JIT_OP_fmul, JIT_OP_fdiv), x, y));
    case 3: return bin(g, ONE_OF(g, JIT_OP_fmin, JIT_OP_fmax, JIT_OP_fcopysign), x, y);
    case 4: return un(g, ONE_OF(g, JIT_OP_ceil, JIT_OP_floor, JIT_OP_trunc, JIT_OP_nearest,
                                JIT_OP_sqrt), x);
    case 5: return tool_gen_convert(g, t == JIT_F32 ? JIT_OP_fdemote : JIT_OP_fpromote, t,
                                    pick(g, other));
    case 6: return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_fcvt_from_uint : JIT_OP_fcvt_from_sint,
                                    t, tool_gen_dirty(g, gen_int_type(g)));
    case 7:
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_fcvt_to_uint_sat : JIT_OP_fcvt_to_sint_sat,
                                gen_int_type(g), x);
    default: { /* bits that were an integer's */
        jit_type bits = t == JIT_F32 ? JIT_I32 : JIT_I64;
        x = tool_gen_convert(g, JIT_OP_bitcast, bits, x);
        x = bin(g, ONE_OF(g, JIT_OP_band, JIT_OP_bor, JIT_OP_bxor), x, tool_gen_constant(g, bits));
        return tool_gen_convert(g, JIT_OP_bitcast, t, x);
    }
    }
}

/* The same thing again, or nearly: value numbering has to tell them apart. */
static jit_value repeated(gen *g)
{
    jit_type t = gen_int_type(g);
    jit_opcode op = ONE_OF(g, JIT_OP_iadd, JIT_OP_isub, JIT_OP_imul, JIT_OP_ishl, JIT_OP_ushr,
                           JIT_OP_sshr, JIT_OP_rotl, JIT_OP_band);
    jit_value x = pick(g, t), y = pick(g, t), z;
    unsigned cc = below(g, 10);

    switch (below(g, 4)) {
    case 0: /* with the operands the other way */
        tool_gen_keep(g, bin(g, op, x, y));
        return bin(g, op, y, x);
    case 1: /* with another condition */
        tool_gen_keep(g, tool_gen_icmp(g, cc, x, y));
        return tool_gen_icmp(g, one_in(g, 2) ? cc ^ 1 : below(g, 10), x, y);
    case 2: /* at another width */
        z = tool_gen_dirty(g, JIT_I16);
        tool_gen_keep(g, tool_gen_convert(g, JIT_OP_uextend, JIT_I32, z));
        tool_gen_keep(g, tool_gen_convert(g, JIT_OP_sextend, JIT_I32, z));
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend, JIT_I64, z);
    default: /* with itself, or what folds */
        y = one_in(g, 2) ? x : int_at(g, t, one_in(g, 2) ? 0 : UINT64_MAX);
        return bin(g, ONE_OF(g, JIT_OP_iadd, JIT_OP_isub, JIT_OP_bxor, JIT_OP_band, JIT_OP_bor,
                             JIT_OP_smin, JIT_OP_umax), x, y);
    }
}

/* Constants alone: all of it is folded. */
static jit_value folded(gen *g)
{
    jit_type t = gen_int_type(g);
    jit_value x = tool_gen_constant(g, t), y = tool_gen_constant(g, t);

    switch (below(g, 5)) {
    case 0: return tool_gen_icmp(g, below(g, 10), x, y);
    case 1:
        x = bin(g, ONE_OF(g, JIT_OP_ishl, JIT_OP_ushr, JIT_OP_sshr, JIT_OP_rotl, JIT_OP_rotr), x,
                y);
        return x;
    case 2:
        if (t == JIT_I64)
            return un(g, ONE_OF(g, JIT_OP_clz, JIT_OP_ctz, JIT_OP_cls, JIT_OP_popcnt, JIT_OP_bswap,
                                JIT_OP_iabs), x);
        return tool_gen_convert(g, one_in(g, 2) ? JIT_OP_sextend : JIT_OP_uextend, JIT_I64, x);
    case 3: {
        jit_type f = gen_float_type(g);
        return bin(g, ONE_OF(g, JIT_OP_fadd, JIT_OP_fsub, JIT_OP_fmul, JIT_OP_fdiv, JIT_OP_fmin,
                             JIT_OP_fmax,
                             JIT_OP_fcopysign), tool_gen_constant(g, f), tool_gen_constant(g, f));
    }
    default:
        return bin(g, ONE_OF(g, JIT_OP_iadd, JIT_OP_isub, JIT_OP_imul, JIT_OP_umulhi, JIT_OP_smulhi,
                             JIT_OP_smin, JIT_OP_umax), x, y);
    }
}

void tool_gen_shape(gen *g)
{
    static jit_value (*const shapes[])(gen *g) = {
        bit_field, bit_field, rotation, logical, logical, one_bit, counting, extension, extension,
        sum, sum, sum, product, division, compare, tool_gen_truth, choice, choice, bounds, overflow,
        float_tree, float_tree, swapped, counted_truth, repeated, folded
    };

    tool_gen_keep(g, shapes[below(g, sizeof shapes / sizeof *shapes)](g));
}
