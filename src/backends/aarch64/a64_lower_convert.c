/* a64_lower_convert.c - between integers and floats, and bitcasts.
 *
 * fcvtzs and fcvtzu clamp, and give 0 for NaN (Arm ARM, FPToFixed()), as the saturating forms
 * do. Those that trap compare with the bounds of the range before; a bound that its format does
 * not hold is replaced by the next one outside that it does. */
#include "backends/aarch64/a64_lower.h"
#include <string.h>

/* ---- From integers ---- */

static void from_int(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_fcvt_from_sint;
    vr x = is_signed ? jit_a64_sign_extended(l, i->a) : jit_a64_zero_extended(l, i->a);

    a64_cvt(l, is_signed ? A64_scvtf : A64_ucvtf, jit_type_bytes(i->type), out(l, i),
            op_size(lower_type(l, i->a)), x);
}

/* ---- To integers ---- */

static double power_of_two(unsigned n)
{
    return n < 63 ? (double)((uint64_t)1 << n) : n == 63 ? 0x1p63 : 0x1p64;
}

/* A register with a value that both formats hold. */
static vr constant_reg(lower *l, unsigned size, double value)
{
    float narrow = (float)value;
    uint64_t bits = 0;
    vr r = ftemp(l);

    if (size == 4)
        memcpy(&bits, &narrow, 4);
    else
        memcpy(&bits, &value, 8);
    jit_a64_constant(l, r, size == 4 ? JIT_F32 : JIT_F64, bits);
    return r;
}

static void trap_compared(lower *l, unsigned size, vr x, double bound, unsigned cc)
{
    a64_fcmp(l, size, x, constant_reg(l, size, bound));
    jit_a64_trap_if(l, cc, JIT_TRAP_INT_OVF);
}

/* Traps unless x truncates into the target's range. */
static void check_range(lower *l, unsigned size, vr x, unsigned bits, bool is_signed)
{
    unsigned precision = size == 4 ? 24 : 53;

    a64_fcmp(l, size, x, x);
    jit_a64_trap_if(l, A64_VS, JIT_TRAP_BAD_TOINT);
    trap_compared(l, size, x, power_of_two(is_signed ? bits - 1 : bits), A64_GE);
    if (!is_signed)                   /* x <= -1 */
        trap_compared(l, size, x, -1.0, A64_LS);
    else if (bits <= precision)       /* x <= MIN - 1 */
        trap_compared(l, size, x, -power_of_two(bits - 1) - 1.0, A64_LS);
    else                              /* x < MIN: there is nothing between MIN - 1 and MIN */
        trap_compared(l, size, x, -power_of_two(bits - 1), A64_MI);
}

/* Rounding that v goes through first, used here alone. */
static const ir_inst *rounding(const lower *l, uint32_t v)
{
    const ir_inst *d = jit_lower_fuses(l, v);

    return d && (d->op == JIT_OP_trunc || d->op == JIT_OP_floor || d->op == JIT_OP_ceil
                 || d->op == JIT_OP_nearest) ? d : NULL;
}

/* The conversion that rounds as `op` does, which is no rounding or comes before it. */
static unsigned conversion(unsigned op, bool is_signed)
{
    switch (op) {
    case JIT_OP_floor: return is_signed ? A64_fcvtms : A64_fcvtmu;
    case JIT_OP_ceil: return is_signed ? A64_fcvtps : A64_fcvtpu;
    case JIT_OP_nearest: return is_signed ? A64_fcvtns : A64_fcvtnu;
    default: return is_signed ? A64_fcvtzs : A64_fcvtzu;
    }
}

static void to_int(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_fcvt_to_sint;
    unsigned size = bytes_of(l, i->a);
    const ir_inst *d = rounding(l, i->a);
    uint32_t v = i->a;

    if (d && d->op == JIT_OP_trunc) { /* its range is that of what it rounds */
        jit_lower_sink(l, d);
        v = d->a;
    }
    vr x = in(l, v);
    check_range(l, size, x, jit_type_bits(i->type), is_signed);
    a64_cvt(l, conversion(JIT_OP_trunc, is_signed), op_size(i->type), out(l, i), size, x);
}

/* d = the lesser (cc LT, LO) or greater (GT) of x and k. */
static vr bounded(lower *l, vr x, int32_t k, unsigned cc)
{
    vr bound = jit_lower_temp(l, RC_INT, 4), d = jit_lower_temp(l, RC_INT, 4);

    jit_a64_imm(l, bound, (uint32_t)k);
    a64_cmp(l, 4, x, bound);
    a64_csel(l, A64_csel, cc, 4, d, x, bound);
    return d;
}

static void to_int_sat(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_fcvt_to_sint_sat;
    unsigned bits = jit_type_bits(i->type), size = bytes_of(l, i->a);
    const ir_inst *d = rounding(l, i->a);
    unsigned row = conversion(d ? d->op : JIT_OP_trunc, is_signed);

    if (d)
        jit_lower_sink(l, d);
    vr x = in(l, d ? d->a : i->a);
    if (bits >= 32) {
        a64_cvt(l, row, op_size(i->type), out(l, i), size, x);
        return;
    }
    vr whole = jit_lower_temp(l, RC_INT, 4);
    a64_cvt(l, row, 4, whole, size, x);
    if (is_signed) {
        whole = bounded(l, whole, (1 << (bits - 1)) - 1, A64_LT);
        whole = bounded(l, whole, -(1 << (bits - 1)), A64_GT);
    } else {
        whole = bounded(l, whole, (1 << bits) - 1, A64_LO);
    }
    jit_lower_move(l, out(l, i), whole, 4, RC_INT);
}

/* ---- Bitcasts ---- */

/* What is loaded only to be taken for another class is loaded as that. */
static bool cast_load(lower *l, const ir_inst *i)
{
    const ir_inst *d = jit_a64_plain_load(l, i->a);
    unsigned size = jit_type_bytes(i->type);

    if (!d || size < 4)
        return false;
    jit_lower_sink(l, d);
    a64_addr m = jit_a64_address_of(l, d->a, (int32_t)d->b, size, jit_rule_trap_of(l, d->aux));
    if (jit_type_is_int(i->type))
        a64_load(l, size, out(l, i), m);
    else
        a64_fload(l, size, out(l, i), m);
    return true;
}

static void bitcast(lower *l, const ir_inst *i)
{
    if (cast_load(l, i))
        return;
    unsigned size = jit_type_bytes(i->type);
    bool from_int_reg = jit_type_is_int(lower_type(l, i->a)), to_int_reg = jit_type_is_int(i->type);

    if (from_int_reg == to_int_reg)
        jit_lower_move(l, out(l, i), in(l, i->a), size, to_int_reg ? RC_INT : RC_FLOAT);
    else
        a64_fmov_bits(l, to_int_reg ? A64_fmov_of : A64_fmov_to, size, out(l, i), in(l, i->a));
}

void jit_a64_lower_convert(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_fcvt_from_sint:
    case JIT_OP_fcvt_from_uint: from_int(l, i); break;
    case JIT_OP_fcvt_to_sint:
    case JIT_OP_fcvt_to_uint: to_int(l, i); break;
    case JIT_OP_fcvt_to_sint_sat:
    case JIT_OP_fcvt_to_uint_sat: to_int_sat(l, i); break;
    default: bitcast(l, i);
    }
}
