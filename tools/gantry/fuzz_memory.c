/* fuzz_memory.c - generates loads and stores of all widths and flags, with the addresses that
 * lowerings take apart.
 *
 * Every address is known to lie within the heap or a slot, whatever the values are that it is made
 * of; programs that may trap have wild ones, near zero or near the end of the address space. */
#include "fuzz_gen.h"

/* An address with the offset that goes into the instruction. */
typedef struct place {
    jit_value p;
    int32_t offset;
    bool aligned; /* to 8 */
    bool wild;
    int region;
} place;

static jit_value heap_of(gen *g)
{
    return jit_var_get(g->b, g->heap);
}

static jit_value add_const(gen *g, jit_value p, int64_t k)
{
    jit_value c = tool_gen_int(g, JIT_I64, (uint64_t)k);

    return one_in(g, 3) ? tool_gen_2(g, JIT_OP_iadd, c, p) : tool_gen_2(g, JIT_OP_iadd, p, c);
}

/* ---- Offsets ---- */

/* p + at, with the parts of `at` spread over an addition and the offset. */
static place spread(gen *g, jit_value p, int32_t at, bool aligned)
{
    static const int32_t parts[] = {
        0, 1, -1, 8, 127, 128, -128, -129, 255, 256, 257, -255, -256, -257, 504, 512, -512, 4095,
        4096, 4097, 8190, 16380, 32760, 32768, -4096, 65536, 0xfff000, 0x1000000, 0x7ffff000,
        -0x7ffff000
    };
    place x = { p, at, aligned, false, 0 };

    if (one_in(g, 2)) {
        int32_t k = parts[below(g, sizeof parts / sizeof *parts)];
        x.p = add_const(g, p, k);
        x.offset = at - k;
        if (one_in(g, 4)) {
            int32_t more = (int32_t)below(g, 64) - 32;
            x.p = add_const(g, x.p, more);
            x.offset -= more;
        }
    }
    return x;
}

/* ---- Indices ---- */

/* 64 bits of which the low ones are a number from 0 to 63, or from -64 to 63 in `width` bits; what
 * is above those is garbage. */
static jit_value bounded_wide(gen *g, unsigned width, bool is_signed)
{
    uint64_t low = ~(uint64_t)0 >> (64 - width);
    jit_value x = tool_gen_pick(g, JIT_I64), r;

    r = tool_gen_2(g, JIT_OP_band, x, tool_gen_int(g, JIT_I64, ~low | 63));
    if (is_signed && one_in(g, 2))
        r = tool_gen_2(g, JIT_OP_bor, r, tool_gen_int(g, JIT_I64, low & ~(uint64_t)63));
    return r;
}

/* A narrow index within -64..63 or 0..63. */
static jit_value narrow_index(gen *g, jit_type t, bool is_signed)
{
    unsigned width = jit_type_bits(t);
    jit_value x;

    switch (below(g, 5)) {
    case 0: /* garbage above */
        return tool_gen_convert(g, JIT_OP_ireduce, t, bounded_wide(g, width, is_signed));
    case 1: /* shifted down from the top */
        return tool_gen_2(g, is_signed ? JIT_OP_sshr : JIT_OP_ushr, tool_gen_pick(g, t),
                          tool_gen_int(g, JIT_I8, width - 6));
    case 2: /* an addition that wraps */
        x = tool_gen_2(g, JIT_OP_band, tool_gen_pick(g, t), tool_gen_int(g, t, 63));
        x = tool_gen_2(g, JIT_OP_iadd, x, tool_gen_int(g, t, 0 - (uint64_t)77));
        return tool_gen_2(g, JIT_OP_iadd, x, tool_gen_int(g, t, 77));
    case 3: /* a shift that drops bits */
        x = tool_gen_2(g, JIT_OP_bor, tool_gen_pick(g, t),
                       tool_gen_int(g, t, (uint64_t)1 << (width - 1)));
        x = tool_gen_2(g, JIT_OP_band, x,
                       tool_gen_int(g, t, 15 | (uint64_t)3 << (width - 2)));
        return tool_gen_2(g, JIT_OP_ishl, x, tool_gen_int(g, gen_int_type(g), 2));
    default:
        return tool_gen_2(g, JIT_OP_band, tool_gen_pick(g, t), tool_gen_int(g, t, 63));
    }
}

/* base + index << shift, the index being extended or not; stays within -512..511 of the base. */
static jit_value indexed(gen *g, jit_value base, unsigned *shift)
{
    jit_type t = gen_int_type(g);
    bool is_signed = one_in(g, 2);
    jit_value x;

    if (t == JIT_I64) {
        x = bounded_wide(g, 64, is_signed);
    } else {
        x = narrow_index(g, t, is_signed);
        x = tool_gen_convert(g, is_signed ? JIT_OP_sextend : JIT_OP_uextend, JIT_I64, x);
    }
    *shift = below(g, 4);
    if (*shift > 0 && one_in(g, 4))
        x = tool_gen_2(g, JIT_OP_imul, x, tool_gen_int(g, JIT_I64, (uint64_t)1 << *shift));
    else if (*shift > 0 || one_in(g, 8))
        x = tool_gen_2(g, JIT_OP_ishl, x, tool_gen_int(g, gen_int_type(g), *shift));
    if (one_in(g, 12)) /* used elsewhere, too */
        tool_gen_keep(g, x);
    return one_in(g, 3) ? tool_gen_2(g, JIT_OP_iadd, x, base) : tool_gen_2(g, JIT_OP_iadd, base, x);
}

static place heap_place(gen *g)
{
    int32_t at = (int32_t)(one_in(g, 3) ? 8 * below(g, GEN_SINKS / 8) : below(g, GEN_SINKS - 8));
    jit_value p = heap_of(g);
    unsigned shift = 0;

    if (g->settings->traps && one_in(g, 24)) {
        place w = { { 0 }, 0, false, true, 0 };
        w.p = tool_gen_int(g, JIT_I64, below(g, 2000));
        if (one_in(g, 2)) {
            jit_value c = tool_gen_pick(g, gen_int_type(g));
            w.p = tool_gen_3(g, JIT_OP_select, c, p, w.p);
        } else if (one_in(g, 2)) {
            w.offset = -2048 - (int32_t)below(g, 2000);
        }
        return w;
    }
    if (one_in(g, 3))
        return spread(g, p, at, at % 8 == 0);
    at = 512 + at % (GEN_SINKS - 1024 - 8);
    if (one_in(g, 2)) { /* the base has it all: base + index is the address */
        place x = { indexed(g, add_const(g, p, at), &shift), 0, false, false, 0 };
        x.aligned = shift == 3 && at % 8 == 0;
        return x;
    }
    if (one_in(g, 3)) { /* the constant stands inside */
        int32_t k = (int32_t)below(g, 256) * (one_in(g, 2) ? 1 : 8);
        p = indexed(g, add_const(g, p, k), &shift);
        return spread(g, p, at - k, false);
    }
    p = indexed(g, p, &shift);
    return spread(g, p, at, shift == 3 && at % 8 == 0);
}

static place slot_place(gen *g)
{
    int32_t at = (int32_t)below(g, GEN_SLOT - 7);
    int32_t split = one_in(g, 2) ? 0 : (int32_t)below(g, (uint32_t)at + 1);
    place x = { { 0 }, at - split, at % 8 == 0, false, 1 };
    uint32_t slot = below(g, g->nslots);

    gen_count(g, JIT_OP_stack_addr, JIT_I64, 0);
    x.p = jit_stack_addr(g->b, g->slots[slot], g->slot_base[slot] + split);
    if (split < GEN_SLOT - 15 && one_in(g, 4)) { /* an index of 0 to 7, or a part that is added */
        jit_value k = one_in(g, 2)
            ? tool_gen_2(g, JIT_OP_band, tool_gen_pick(g, JIT_I64), tool_gen_int(g, JIT_I64, 7))
            : tool_gen_int(g, JIT_I64, 7);
        x.p = tool_gen_2(g, JIT_OP_iadd, x.p, k);
        x.offset = (int32_t)below(g, (uint32_t)(GEN_SLOT - 14 - split));
        x.aligned = false;
    }
    return x;
}

/* ---- Accesses ---- */

jit_mem tool_gen_flags(gen *g, int region, bool aligned, bool trapping)
{
    jit_mem m = { 0, 0, { 0 } };

    if (one_in(g, 2))
        m.region = g->regions[region];
    if (!trapping && one_in(g, 2))
        m.bits |= JIT_MEM_NOTRAP;
    if (aligned && one_in(g, 2))
        m.bits |= JIT_MEM_ALIGNED;
    if (one_in(g, 5))
        m.bits |= JIT_MEM_BIG;
    else if (one_in(g, 4))
        m.bits |= JIT_MEM_LITTLE;
    if (trapping && one_in(g, 3))
        m.trap = (uint8_t)(1 + below(g, 250));
    return m;
}

static jit_opcode load_form(gen *g, jit_type t)
{
    static const jit_opcode forms[] = { JIT_OP_uload8, JIT_OP_sload8, JIT_OP_uload16,
                                        JIT_OP_sload16, JIT_OP_uload32, JIT_OP_sload32 };
    uint32_t n = t > JIT_I64 ? 0 : 2 * (uint32_t)(t - JIT_I8);

    return n == 0 || one_in(g, 2) ? JIT_OP_load : forms[below(g, n)];
}

static jit_opcode store_form(gen *g, jit_type t)
{
    static const jit_opcode forms[] = { JIT_OP_istore8, JIT_OP_istore16, JIT_OP_istore32 };
    uint32_t n = t > JIT_I64 ? 0 : (uint32_t)(t - JIT_I8);

    return n == 0 || one_in(g, 2) ? JIT_OP_store : forms[below(g, n)];
}

/* x = x op y in memory, with the same address twice, or nearly. */
static void modify(gen *g, place at, jit_type t, jit_mem m)
{
    static const jit_opcode ops[] = { JIT_OP_iadd, JIT_OP_isub, JIT_OP_band, JIT_OP_bor,
                                      JIT_OP_bxor, JIT_OP_imul };
    static const jit_opcode fops[] = { JIT_OP_fadd, JIT_OP_fsub, JIT_OP_fmul, JIT_OP_fdiv };
    jit_value x = tool_gen_load(g, JIT_OP_load, t, m, at.p, at.offset), y, r;

    if (one_in(g, 6)) /* what lies between may change it */
        tool_gen_store(g, JIT_OP_store, tool_gen_flags(g, at.region, false, at.wild),
                       tool_gen_pick(g, t), at.p, at.offset);
    if (one_in(g, 6))
        tool_gen_keep(g, x);
    y = one_in(g, 2) ? tool_gen_constant(g, t) : tool_gen_pick(g, t);
    if (t > JIT_I64) {
        jit_opcode op = fops[below(g, 4)];
        r = one_in(g, 2) ? tool_gen_2(g, op, x, y) : tool_gen_2(g, op, y, x);
    } else {
        jit_opcode op = ops[below(g, 6)];
        r = one_in(g, 2) ? tool_gen_2(g, op, x, y) : tool_gen_2(g, op, y, x);
    }
    if (one_in(g, 3))
        tool_gen_keep(g, r);
    else
        tool_gen_store(g, JIT_OP_store, m, r, at.p, at.offset);
}

/* The same place again, with what may change it between: another region, width or place. */
static void reload(gen *g, place at, jit_mem m)
{
    jit_type t = tool_gen_type(g), other = one_in(g, 2) ? t : tool_gen_type(g);
    jit_mem by = tool_gen_flags(g, at.region, false, at.wild);
    int32_t offset = at.offset;

    m.bits &= (uint8_t)~JIT_MEM_ALIGNED;
    if (one_in(g, 3))
        tool_gen_store(g, JIT_OP_store, m, tool_gen_pick(g, t), at.p, at.offset);
    else
        tool_gen_keep(g, tool_gen_load(g, JIT_OP_load, t, m, at.p, at.offset));
    if (at.region == 0 && at.offset < INT32_MAX - 8 && one_in(g, 3))
        offset += (int32_t)below(g, 8);
    if (one_in(g, 4))
        tool_gen_call(g);
    else if (!one_in(g, 4))
        tool_gen_store(g, store_form(g, other), by, tool_gen_pick(g, other), at.p, offset);
    tool_gen_keep(g, tool_gen_load(g, JIT_OP_load, t, m, at.p, at.offset));
}

/* A load that is used at once: extended, reduced, compared, an operand; or stored as a part. */
static void use_at_once(gen *g, place at, jit_mem m)
{
    static const jit_opcode ops[] = {
        JIT_OP_iadd, JIT_OP_isub, JIT_OP_band, JIT_OP_bor, JIT_OP_bxor, JIT_OP_imul, JIT_OP_udiv,
        JIT_OP_smin, JIT_OP_umulhi
    };
    jit_type t = gen_int_type(g);
    jit_value x, y;

    if (one_in(g, 4) && t > JIT_I8) { /* a part is stored */
        x = tool_gen_pick(g, t);
        if (one_in(g, 2))
            x = tool_gen_2(g, JIT_OP_ushr, x, tool_gen_int(g, t, 8 * (1 + below(g, 3))));
        x = tool_gen_convert(g, JIT_OP_ireduce, (jit_type)(JIT_I8 + below(g, t - JIT_I8)), x);
        m.bits &= (uint8_t)~JIT_MEM_ALIGNED;
        tool_gen_store(g, JIT_OP_store, m, x, at.p, at.offset);
        return;
    }
    x = tool_gen_load(g, JIT_OP_load, t, m, at.p, at.offset);
    if (one_in(g, 8)) { /* what must not be read later */
        jit_mem plain = { 0, 0, { 0 } };
        tool_gen_store(g, JIT_OP_store, plain, tool_gen_pick(g, t), at.p, at.offset);
    }
    switch (below(g, 5)) {
    case 0:
        y = tool_gen_icmp(g, below(g, 10), x,
                          one_in(g, 2) ? tool_gen_constant(g, t) : tool_gen_pick(g, t));
        break;
    case 1:
        y = t == JIT_I64 ? x : tool_gen_convert(g, one_in(g, 2) ? JIT_OP_uextend : JIT_OP_sextend,
                                                (jit_type)(t + 1 + below(g, JIT_I64 - t)), x);
        break;
    case 2:
        y = t == JIT_I8 ? x : tool_gen_convert(g, JIT_OP_ireduce,
                                               (jit_type)(JIT_I8 + below(g, t - JIT_I8)), x);
        break;
    case 3: {
        jit_opcode op = ops[below(g, 9)];
        y = tool_gen_pick(g, t);
        if (op == JIT_OP_udiv) /* by what is not 0 */
            x = tool_gen_2(g, JIT_OP_bor, x, tool_gen_int(g, t, 1));
        y = op == JIT_OP_udiv || one_in(g, 2) ? tool_gen_2(g, op, y, x) : tool_gen_2(g, op, x, y);
        break;
    }
    default:
        y = tool_gen_convert(g, one_in(g, 2) ? JIT_OP_fcvt_from_sint : JIT_OP_fcvt_from_uint,
                             gen_float_type(g), x);
    }
    tool_gen_keep(g, y);
}

/* What pairs are made of: neighbours, in either order. */
static void neighbours(gen *g, place at, jit_type t, jit_mem m)
{
    unsigned bytes = jit_type_bytes(t);
    int32_t other = at.offset + (one_in(g, 4) ? (int32_t)bytes / 2 : (int32_t)bytes);
    bool loads = one_in(g, 2), backwards = one_in(g, 3);

    for (int k = 0; k < 2; k++) {
        int32_t offset = (k == 0) == backwards ? other : at.offset;
        if (loads)
            tool_gen_keep(g, tool_gen_load(g, JIT_OP_load, t, m, at.p, offset));
        else
            tool_gen_store(g, JIT_OP_store, m, tool_gen_pick(g, t), at.p, offset);
    }
}

/* A load of what never changes, with every promise that can be made about it. */
static void readonly_access(gen *g)
{
    jit_type t = tool_gen_type(g);
    int32_t offset = (int32_t)(FUZZ_READONLY + 8 * below(g, (FUZZ_POINTERS - FUZZ_READONLY) / 8));
    jit_mem m = tool_gen_flags(g, 0, true, false);

    m.bits |= JIT_MEM_READONLY;
    if (m.bits & JIT_MEM_NOTRAP && one_in(g, 2))
        m.bits |= JIT_MEM_CAN_MOVE;
    tool_gen_keep(g, tool_gen_load(g, load_form(g, t), t, m, heap_of(g), offset));
}

/* Through the pointer that the caller gave for a struct. */
static void struct_access(gen *g)
{
    jit_mem m = { 0, 0, { 0 } };
    jit_type t = tool_gen_type(g);
    int32_t offset = (int32_t)below(g, GEN_SLOT - 7);

    if (one_in(g, 3))
        tool_gen_keep(g, tool_gen_load(g, load_form(g, t), t, m, g->sret, offset));
    else
        tool_gen_store(g, store_form(g, t), m, tool_gen_pick(g, t), g->sret, offset);
}

void tool_gen_access(gen *g)
{
    jit_type t = tool_gen_type(g);

    if (one_in(g, 12)) {
        readonly_access(g);
        return;
    }
    if (g->sret.id && one_in(g, 4)) {
        struct_access(g);
        return;
    }
    place at = g->nslots > 0 && one_in(g, 4) ? slot_place(g) : heap_place(g);
    jit_mem m = tool_gen_flags(g, at.region, at.aligned, at.wild);
    switch (below(g, 10)) {
    case 0:
        modify(g, at, t, m);
        break;
    case 9:
        reload(g, at, m);
        break;
    case 8:
        use_at_once(g, at, m);
        break;
    case 1:
        if (at.region == 0 && !at.wild && at.offset < INT32_MAX - 8) {
            m.bits &= (uint8_t)~JIT_MEM_ALIGNED;
            neighbours(g, at, t, m);
            break;
        } /* fall through */
    case 2: case 3: case 4:
        tool_gen_keep(g, tool_gen_load(g, load_form(g, t), t, m, at.p, at.offset));
        break;
    default: {
        bool dirty = one_in(g, 3) && jit_type_is_int(t);
        jit_value v = dirty ? tool_gen_dirty(g, t) : tool_gen_pick(g, t);
        tool_gen_store(g, store_form(g, t), m, v, at.p, at.offset);
    }
    }
}

void tool_gen_init_slots(gen *g)
{
    for (uint32_t k = 0; k < g->nslots; k++)
        for (int32_t at = 0; at < GEN_SLOT; at += 8) {
            gen_count(g, JIT_OP_stack_addr, JIT_I64, 0);
            tool_gen_store(g, JIT_OP_store, (jit_mem){ 0, 0, { 0 } }, tool_gen_pick(g, JIT_I64),
                           jit_stack_addr(g->b, g->slots[k], g->slot_base[k] + at), 0);
        }
}
