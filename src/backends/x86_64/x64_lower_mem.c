/* x64_lower_mem.c - addresses, loads, stores and extensions, and the folding of loads into
 * operands.
 *
 * A load is folded only at its own width: the operand reads exactly the bytes that the load would
 * have read. An address is built from 64-bit parts alone: a 32-bit addition may have wrapped. */
#include "backends/x86_64/x64_lower.h"

/* ---- Addresses ---- */

/* y * 2, 4 or 8 as an index: its shift, else 0. */
static unsigned index_shift(lower *l, uint32_t *v)
{
    const ir_inst *d = jit_lower_fuses(l, *v);
    int64_t k;

    if (!d || d->type != JIT_I64 || (d->op != JIT_OP_ishl && d->op != JIT_OP_imul)
        || !jit_lower_const(l, d->b, &k))
        return 0;
    unsigned shift = d->op == JIT_OP_ishl ? (k >= 1 && k <= 3 ? (unsigned)k : 0)
                                          : k == 2 ? 1 : k == 4 ? 2 : k == 8 ? 3 : 0;
    if (shift) {
        jit_lower_sink(l, d);
        *v = d->a;
    }
    return shift;
}

x64_rm jit_x64_address_of(lower *l, uint32_t address, int32_t offset, unsigned trap)
{
    if (is_base(l, address))                                 /* x + k */
        return x64_at(in(l, address), offset, trap);
    bool alone;
    uint32_t v = jit_rule_peel_constants(l, address, &offset, &alone), slot;
    const ir_inst *d = alone ? jit_lower_fuses(l, v) : NULL;

    if (jit_rule_slot_of(l, v, &offset, &slot)) {                     /* slot + k */
        x64_rm m = x64_frame(MEM_SLOT, slot, offset);
        m.trap = (uint8_t)trap;
        return m;
    }
    if (d && d->op == JIT_OP_iadd && d->type == JIT_I64) {   /* x + (y << 0..3) + k */
        uint32_t x = d->a, y = d->b;
        jit_lower_sink(l, d);
        unsigned shift = index_shift(l, &y);
        if (!shift) {
            shift = index_shift(l, &x);
            if (shift) {
                uint32_t t = x;
                x = y;
                y = t;
            }
        }
        vr base = in(l, x), index = in(l, y);
        return x64_at_index(base, index, shift, offset, trap);
    }
    return x64_at(in(l, v), offset, trap);                   /* x + k */
}

/* ---- Operands ---- */

/* The plain load of exactly `size` bytes that v is, if it may be folded here. */
static const ir_inst *folds(lower *l, uint32_t v, unsigned size)
{
    const ir_inst *d = jit_lower_fuses(l, v);

    return d && d->op == JIT_OP_load && jit_type_bytes(d->type) == size
           && !is_big(l, d->aux, size) ? d : NULL;
}

bool jit_x64_folds_left(lower *l, uint32_t x, uint32_t y, unsigned size)
{
    int64_t k;

    return folds(l, x, size) && !folds(l, y, size) && !is_imm32(l, y, &k);
}

static x64_rm load_operand(lower *l, const ir_inst *d)
{
    jit_lower_sink(l, d);
    return jit_x64_address_of(l, d->a, (int32_t)d->b, jit_rule_trap_of(l, d->aux));
}

x64_rm jit_x64_rm_of(lower *l, uint32_t v, unsigned size, bool fold)
{
    const ir_inst *d = fold ? folds(l, v, size) : NULL;

    return d ? load_operand(l, d) : x64_reg(in(l, v));
}

x64_rm jit_x64_frm_of(lower *l, uint32_t v, unsigned size)
{
    uint64_t bits;

    if (jit_lower_fconst(l, v, &bits) && bits != 0)
        return x64_pool(jit_lower_add_const(l, &bits, size, size));
    return jit_x64_rm_of(l, v, size, true);
}

vr jit_x64_zero_extended(lower *l, uint32_t v)
{
    unsigned size = bytes_of(l, v);
    vr t;

    if (size >= 4)
        return in(l, v);
    t = temp(l);
    jit_x64_zx(l, t, size, jit_x64_rm_of(l, v, size, true));
    return t;
}

vr jit_x64_sign_extended(lower *l, uint32_t v)
{
    unsigned size = bytes_of(l, v);
    vr t;

    if (size >= 4)
        return in(l, v);
    t = temp(l);
    jit_x64_sx(l, 4, t, size, jit_x64_rm_of(l, v, size, true));
    return t;
}

void jit_x64_lower_extend(lower *l, const ir_inst *i)
{
    unsigned size = bytes_of(l, i->a);
    x64_rm from = jit_x64_rm_of(l, i->a, size, true);

    if (i->op == JIT_OP_uextend)
        jit_x64_zx(l, out(l, i), size, from);
    else
        jit_x64_sx(l, op_size(i->type), out(l, i), size, from);
}

/* ---- Loads ---- */

static void swap_bytes(lower *l, unsigned size, vr to, vr from)
{
    if (size == 2)
        x64_alu_i(l, X64_rol_i, 2, to, from, 8);
    else
        x64_unary(l, X64_bswap, size, to, from);
}

static void load_big(lower *l, const ir_inst *i, unsigned size, x64_rm m)
{
    bool is_signed = i->op == JIT_OP_sload16 || i->op == JIT_OP_sload32;
    unsigned to = jit_type_bytes(i->type);
    vr raw = temp(l), swapped = temp(l);

    if (size == 8)
        x64_rr(l, X64_mov, 8, raw, m);
    else
        jit_x64_zx(l, raw, size, m);
    if (!jit_type_is_int(i->type)) {
        swap_bytes(l, size, swapped, raw);
        x64_sse_r(l, X64_movd, size, out(l, i), x64_reg(swapped));
    } else if (to == size) {
        swap_bytes(l, size, out(l, i), raw);
    } else {
        swap_bytes(l, size, swapped, raw);
        if (is_signed)
            jit_x64_sx(l, op_size(i->type), out(l, i), size, x64_reg(swapped));
        else
            jit_x64_zx(l, out(l, i), size, x64_reg(swapped));
    }
}

void jit_x64_lower_load(lower *l, const ir_inst *i)
{
    unsigned size = jit_rule_access_bytes(i);
    x64_rm m = jit_x64_address_of(l, i->a, (int32_t)i->b, jit_rule_trap_of(l, i->aux));
    vr d;

    if (is_big(l, i->aux, size)) {
        load_big(l, i, size, m);
        return;
    }
    d = out(l, i);
    switch (i->op) {
    case JIT_OP_sload8: case JIT_OP_sload16: case JIT_OP_sload32:
        jit_x64_sx(l, op_size(i->type), d, size, m);
        break;
    default:
        if (!jit_type_is_int(i->type))
            x64_sse_r(l, X64_movs, size, d, m);
        else if (size == 8)
            x64_rr(l, X64_mov, 8, d, m);
        else
            jit_x64_zx(l, d, size, m);
    }
}

/* ---- Stores ---- */

static const struct { uint8_t op; uint16_t reg, imm; } updates[] = {
    { JIT_OP_iadd, X64_add_m, X64_add_mi }, { JIT_OP_isub, X64_sub_m, X64_sub_mi },
    { JIT_OP_band, X64_and_m, X64_and_mi }, { JIT_OP_bor, X64_or_m, X64_or_mi },
    { JIT_OP_bxor, X64_xor_m, X64_xor_mi },
};

/* store(op(load a, y), a): one instruction that updates memory, when the load reads what the store
 * writes and nothing has an effect between. */
static bool update(lower *l, const ir_inst *i, unsigned size)
{
    const ir_inst *op = jit_lower_fuses(l, i->a), *load;
    int64_t k;
    unsigned n = 0;

    if (i->op != JIT_OP_store || !op || !jit_type_is_int(op->type))
        return false;
    while (n < sizeof updates / sizeof *updates && updates[n].op != op->op)
        n++;
    if (n == sizeof updates / sizeof *updates)
        return false;
    load = folds(l, op->a, size);
    if (!load || load->a != i->b || load->b != i->c
        || l->f->mems.at[load->aux].trap != l->f->mems.at[i->aux].trap
        || (l->f->mems.at[load->aux].bits ^ l->f->mems.at[i->aux].bits) & JIT_MEM_NOTRAP)
        return false;
    jit_lower_sink(l, op);
    jit_lower_sink(l, load);
    bool constant = is_imm32(l, op->b, &k);
    vr y = constant ? VR_NONE : in(l, op->b);
    x64_rm m = jit_x64_address_of(l, i->b, (int32_t)i->c, jit_rule_trap_of(l, i->aux));
    if (constant)
        x64_alu_mi(l, updates[n].imm, size, m, k);
    else
        x64_alu_m(l, updates[n].reg, size, m, y);
    return true;
}

/* The low bytes of k as an immediate of that size: sign-extended. */
static int64_t low_bytes(int64_t k, unsigned size)
{
    unsigned shift = 64 - 8 * size;

    return (int64_t)((uint64_t)k << shift) >> shift;
}

static void store_big(lower *l, const ir_inst *i, unsigned size, x64_rm m)
{
    vr v = in(l, i->a), swapped = temp(l);

    if (!jit_type_is_int(i->type)) {
        vr bits = temp(l);
        x64_movd_r(l, size, bits, v);
        v = bits;
    }
    swap_bytes(l, size, swapped, v);
    x64_alu_m(l, X64_mov_m, size, m, swapped);
}

void jit_x64_lower_store(lower *l, const ir_inst *i)
{
    unsigned size = jit_rule_access_bytes(i), trap = jit_rule_trap_of(l, i->aux);
    bool big = is_big(l, i->aux, size);
    int64_t k;
    uint64_t bits;

    if (!big && update(l, i, size))
        return;
    x64_rm m = jit_x64_address_of(l, i->b, (int32_t)i->c, trap);
    if (big)
        store_big(l, i, size, m);
    else if (jit_type_is_int(i->type) && jit_lower_const(l, i->a, &k) && (size < 8 || fits32(k)))
        x64_alu_mi(l, X64_mov_mi, size, m, low_bytes(k, size));
    else if (jit_type_is_int(i->type))
        x64_alu_m(l, X64_mov_m, size, m, in(l, i->a));
    else if (jit_lower_fconst(l, i->a, &bits) && (size == 4 || fits32((int64_t)bits)))
        x64_alu_mi(l, X64_mov_mi, size, m, size == 4 ? (int32_t)bits : (int64_t)bits);
    else
        x64_sse_m(l, X64_movs_m, size, m, in(l, i->a));
}
