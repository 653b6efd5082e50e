/* a64_lower_mem.c - addresses, loads, stores and extensions.
 *
 * An address is built from 64-bit parts, or from an extension of 32 bits that the load does
 * itself: a 32-bit addition may have wrapped, so it is never taken apart. */
#include "backends/aarch64/a64_lower.h"

/* ---- Addresses ---- */

/* v as an index: extended from 4 bytes, or shifted by nothing or the size of the access, or
 * both. */
static bool is_index(const lower *l, uint32_t v, unsigned size, a64_fold *f)
{
    if (!jit_a64_folds(l, v, JIT_I64, A64_MAY_SHIFT | A64_MAY_EXTEND, f)
        || (f->amount != 0 && f->amount != log2_bytes(size)))
        return false;
    return f->form == A64_SHIFTED ? f->how == A64_LSL : f->how == A64_UXTW || f->how == A64_SXTW;
}

static a64_addr indexed(lower *l, const ir_inst *add, unsigned size, unsigned trap)
{
    uint32_t x = add->a, y = add->b;
    a64_fold f = { y, A64_PLAIN, A64_UXTX, 0, NULL, NULL };

    if (!is_index(l, y, size, &f) && is_index(l, x, size, &f)) {
        x = add->b;
        y = add->a;
    }
    if (!is_index(l, y, size, &f))
        f = (a64_fold){ y, A64_PLAIN, A64_UXTX, 0, NULL, NULL };
    vr base = in(l, x);
    a64_operand index = jit_a64_take(l, &f);
    return a64_at_index(base, index.r, index.form == A64_EXTENDED ? index.how : A64_UXTX, index.amount,
                        trap);
}

/* base + index + offset: the sum is made first, with the index extended and shifted on the way. */
static a64_addr summed(lower *l, const ir_inst *add, int32_t offset, unsigned trap)
{
    unsigned may = A64_MAY_SHIFT | A64_MAY_EXTEND;
    uint32_t x = add->a, y = add->b;
    vr sum = temp(l);
    a64_fold f;

    if (!jit_a64_folds(l, y, JIT_I64, may, &f) && jit_a64_folds(l, x, JIT_I64, may, &f)) {
        x = add->b;
        y = add->a;
    }
    vr base = in(l, x);
    jit_a64_op(l, A64_add, 8, sum, base, jit_a64_operand_of(l, y, JIT_I64, may));
    return a64_at(sum, offset, trap);
}

a64_addr jit_a64_address_of(lower *l, uint32_t address, int32_t offset, unsigned size, unsigned trap)
{
    if (is_base(l, address))                                 /* x + k */
        return a64_at(in(l, address), offset, trap);
    bool alone;
    uint32_t v = jit_rule_peel_constants(l, address, &offset, &alone), slot;
    const ir_inst *d = alone ? jit_lower_fuses(l, v) : NULL;

    if (jit_rule_slot_of(l, v, &offset, &slot)) {                     /* slot + k */
        a64_addr m = a64_frame(MEM_SLOT, slot, offset);
        m.trap = (uint8_t)trap;
        return m;
    }
    if (d && d->op == JIT_OP_iadd && d->type == JIT_I64) {
        jit_lower_sink(l, d);
        return offset == 0 ? indexed(l, d, size, trap)       /* x + (y << 0..3) */
                           : summed(l, d, offset, trap);     /* x + y + k */
    }
    return a64_at(in(l, v), offset, trap);                   /* x + k */
}

/* ---- Extensions ---- */

bool jit_a64_is_zero_above(const lower *l, uint32_t v)
{
    uint32_t root = lower_root(l, v);
    const ir_inst *d = jit_lower_def(l, v);
    unsigned bytes = bytes_of(l, v);

    if (jit_lower_nonzero(l, v) <= bytes)
        return true;
    return d && d->c == root && d->op != JIT_OP_iconst && jit_a64_zero_upper(l->f, d, l->features) <= bytes;
}

/* v, whose reader relies on zeroes above its own bytes. */
static vr relied_on(lower *l, uint32_t v)
{
    vr r = in(l, v);
    unsigned bytes = bytes_of(l, v);

    if (r.nonzero > bytes)
        r.nonzero = (uint8_t)bytes;
    return r;
}

vr jit_a64_zero_extended(lower *l, uint32_t v)
{
    unsigned size = bytes_of(l, v);
    vr t;

    if (size >= 4)
        return in(l, v);
    if (jit_a64_is_zero_above(l, v))
        return relied_on(l, v);
    t = temp(l);
    jit_a64_zx(l, t, size, in(l, v));
    return t;
}

vr jit_a64_zero_extended8(lower *l, uint32_t v)
{
    unsigned size = bytes_of(l, v);
    vr t;

    if (size == 8)
        return in(l, v);
    if (jit_a64_is_zero_above(l, v))
        return relied_on(l, v);
    t = temp(l);
    jit_a64_zx(l, t, size, in(l, v));
    return t;
}

/* The plain load that v is, used here alone and not of swapped bytes. */
const ir_inst *jit_a64_plain_load(const lower *l, uint32_t v)
{
    const ir_inst *d = jit_lower_fuses(l, v);

    return d && d->op == JIT_OP_load && !is_big(l, d->aux, jit_type_bytes(d->type)) ? d : NULL;
}

/* d of `size` bytes = v, sign-extended; a load extends what it reads, no more and no less. */
static void sign_extend(lower *l, unsigned size, vr d, uint32_t v)
{
    const ir_inst *load = jit_a64_plain_load(l, v);
    unsigned bytes = bytes_of(l, v);

    if (load && bytes < size) {
        jit_lower_sink(l, load);
        a64_addr m = jit_a64_address_of(l, load->a, (int32_t)load->b, bytes,
                                        jit_rule_trap_of(l, load->aux));
        a64_load_signed(l, size, d, bytes, m);
    } else {
        jit_a64_sx(l, size, d, bytes, in(l, v));
    }
}

vr jit_a64_sign_extended(lower *l, uint32_t v)
{
    vr t;

    if (bytes_of(l, v) >= 4)
        return in(l, v);
    t = temp(l);
    sign_extend(l, 4, t, v);
    return t;
}

void jit_a64_lower_extend(lower *l, const ir_inst *i)
{
    if (jit_a64_extended_field(l, i))
        return;
    if (i->op == JIT_OP_uextend)
        jit_a64_zx(l, out(l, i), bytes_of(l, i->a), in(l, i->a));
    else
        sign_extend(l, op_size(i->type), out(l, i), i->a);
}

/* ---- Loads ---- */

static void swap_bytes(lower *l, unsigned size, vr to, vr from)
{
    if (size == 2)
        a64_rr(l, A64_rev16, 4, to, from);
    else
        a64_rr(l, A64_rev, size, to, from);
}

static void load_big(lower *l, const ir_inst *i, unsigned size, a64_addr m)
{
    bool is_signed = i->op == JIT_OP_sload16 || i->op == JIT_OP_sload32;
    unsigned to = jit_type_bytes(i->type);
    vr raw = temp(l), swapped = temp(l);

    a64_load(l, size, raw, m);
    if (!jit_type_is_int(i->type)) {
        swap_bytes(l, size, swapped, raw);
        a64_fmov_bits(l, A64_fmov_to, size, out(l, i), swapped);
    } else if (to == size) {
        swap_bytes(l, size, out(l, i), raw);
    } else {
        swap_bytes(l, size, swapped, raw);
        if (is_signed)
            jit_a64_sx(l, op_size(i->type), out(l, i), size, swapped);
        else
            jit_a64_zx(l, out(l, i), size, swapped);
    }
}

void jit_a64_lower_load(lower *l, const ir_inst *i)
{
    unsigned size = jit_rule_access_bytes(i), wide = op_size(i->type);
    a64_addr m = jit_a64_address_of(l, i->a, (int32_t)i->b, size, jit_rule_trap_of(l, i->aux));

    if (is_big(l, i->aux, size)) {
        load_big(l, i, size, m);
        return;
    }
    switch (i->op) {
    case JIT_OP_sload8: case JIT_OP_sload16: case JIT_OP_sload32:
        a64_load_signed(l, wide, out(l, i), size, m);
        break;
    default:
        if (jit_type_is_int(i->type))
            a64_load(l, size, out(l, i), m);
        else
            a64_fload(l, size, out(l, i), m);
    }
}

/* ---- Stores ---- */

/* v's low bytes in an integer register: zr for zero, a float constant's bits when that is
 * cheaper. */
static bool as_integer(lower *l, const ir_inst *i, unsigned size, vr *v)
{
    uint64_t bits;
    int64_t k;

    if (jit_type_is_int(i->type)) {
        bool zero = jit_lower_const(l, i->a, &k)
                    && ((uint64_t)k & (UINT64_MAX >> (64 - 8 * size))) == 0;
        *v = zero ? VR_NONE : in(l, i->a);
        return true;
    }
    if (!jit_lower_fconst(l, i->a, &bits))
        return false;
    *v = VR_NONE;
    if (bits != 0) {
        *v = temp(l);
        jit_a64_imm(l, *v, bits);
    }
    return true;
}

/* Bits of the other class are stored from where they are. */
static bool store_cast(lower *l, const ir_inst *i, unsigned size, a64_addr m)
{
    const ir_inst *d = i->op == JIT_OP_store ? jit_lower_fuses(l, i->a) : NULL;

    if (!d || d->op != JIT_OP_bitcast || size < 4
        || jit_type_is_int(lower_type(l, d->a)) == jit_type_is_int(d->type))
        return false;
    jit_lower_sink(l, d);
    if (jit_type_is_int(d->type))
        a64_fstore(l, size, m, in(l, d->a));
    else
        a64_store(l, size, m, in(l, d->a));
    return true;
}

void jit_a64_lower_store(lower *l, const ir_inst *i)
{
    unsigned size = jit_rule_access_bytes(i);
    bool big = is_big(l, i->aux, size);
    a64_addr m = jit_a64_address_of(l, i->b, (int32_t)i->c, size, jit_rule_trap_of(l, i->aux));
    vr v;

    if (!big && store_cast(l, i, size, m))
        return;
    if (!as_integer(l, i, size, &v)) {
        if (!big) {
            a64_fstore(l, size, m, in(l, i->a));
            return;
        }
        v = temp(l);
        a64_fmov_bits(l, A64_fmov_of, size, v, in(l, i->a));
    }
    if (big && v.id != RA_NO_VREG) {
        vr swapped = temp(l);
        swap_bytes(l, size, swapped, v);
        v = swapped;
    }
    a64_store(l, size, m, v);
}
