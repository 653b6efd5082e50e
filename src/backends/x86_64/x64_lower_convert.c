/* x64_lower_convert.c - between integers and floats, and bitcasts.
 *
 * cvttsd2si gives MIN for all that does not fit (Intel SDM, CVTTSD2SI), so range is checked before,
 * in the float format: bounds are exact there or replaced by the next one outside that is. */
#include "backends/x86_64/x64_lower.h"
#include <string.h>

static x64_rm constant_of(lower *l, unsigned size, double value)
{
    float narrow = (float)value; /* callers pass values that both formats hold */

    return size == 4 ? x64_pool(jit_lower_add_const(l, &narrow, 4, 4))
                     : x64_pool(jit_lower_add_const(l, &value, 8, 8));
}

static vr constant_reg(lower *l, unsigned size, double value)
{
    vr r = ftemp(l);

    x64_sse_r(l, X64_movs, size, r, constant_of(l, size, value));
    return r;
}

static double power_of_two(unsigned n)
{
    return n < 63 ? (double)((uint64_t)1 << n) : n == 63 ? 0x1p63 : 0x1p64;
}

/* ---- From integers ---- */

/* Bytes of the source as a signed integer that cvtsi2s takes; *from is that integer. */
static unsigned signed_source(lower *l, const ir_inst *i, x64_rm *from)
{
    unsigned bytes = bytes_of(l, i->a);

    if (i->op == JIT_OP_fcvt_from_sint) {
        *from = bytes >= 4 ? jit_x64_rm_of(l, i->a, bytes, true)
                           : x64_reg(jit_x64_sign_extended(l, i->a));
        return bytes >= 4 ? bytes : 4;
    }
    if (bytes < 4) {
        *from = x64_reg(jit_x64_zero_extended(l, i->a));
        return 4;
    }
    vr wide = temp(l);
    jit_x64_zx(l, wide, 4, jit_x64_rm_of(l, i->a, 4, true));
    *from = x64_reg(wide);
    return 8;
}

/* An unsigned 64-bit value with its top bit set is halved, its lost bit kept as a sticky one,
 * converted, and doubled, which is exact: one rounding in all. */
static void from_u64(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, i->a), half = temp(l), low = temp(l), sticky = temp(l), source = temp(l);
    vr sign = temp(l), once = ftemp(l), mask = ftemp(l), again = ftemp(l);

    x64_alu_i(l, X64_shr_i, 8, half, x, 1);
    x64_alu_i(l, X64_and_i, 4, low, x, 1);
    x64_alu(l, X64_or, 8, sticky, half, x64_reg(low));
    x64_alu_i(l, X64_sar_i, 8, sign, x, 63);
    x64_test_self(l, 8, x);
    x64_cmov(l, X64_S, 8, source, x, x64_reg(sticky));
    x64_cvt(l, X64_cvtsi2s, size, once, 8, x64_reg(source));
    x64_sse_r(l, X64_movd, 8, mask, x64_reg(sign));
    x64_sse(l, X64_andp, size, again, mask, x64_reg(once));
    x64_sse(l, X64_adds, size, out(l, i), once, x64_reg(again));
}

static void from_int(lower *l, const ir_inst *i)
{
    x64_rm from;

    if (i->op == JIT_OP_fcvt_from_uint && bytes_of(l, i->a) == 8) {
        from_u64(l, i);
        return;
    }
    unsigned size2 = signed_source(l, i, &from);
    x64_cvt(l, X64_cvtsi2s, jit_type_bytes(i->type), out(l, i), size2, from);
}

/* ---- To unsigned 64 bits ---- */

/* d = x, which is in [0, 2^64): below 2^63 as it is, else less 2^63, whose bit is put back. */
static void to_u64(lower *l, unsigned size, vr d, vr x)
{
    vr limit = constant_reg(l, size, 0x1p63), less = ftemp(l);
    vr small = temp(l), rest = temp(l), top = temp(l), big = temp(l);

    x64_sse(l, X64_subs, size, less, x, x64_reg(limit));
    x64_cvt(l, X64_cvtts2si, 8, small, size, x64_reg(x));
    x64_cvt(l, X64_cvtts2si, 8, rest, size, x64_reg(less));
    x64_imm(l, top, (uint64_t)1 << 63);
    x64_alu(l, X64_xor, 8, big, rest, x64_reg(top));
    x64_ucomis(l, size, x, x64_reg(limit));
    x64_cmov(l, X64_AE, 8, d, small, x64_reg(big));
}

/* ---- Trapping ---- */

/* Traps unless x truncates into the target's range. */
static void check_range(lower *l, unsigned size, vr x, unsigned bits, bool is_signed)
{
    unsigned precision = size == 4 ? 24 : 53;

    x64_ucomis(l, size, x, x64_reg(x));
    jit_x64_trap_if(l, X64_P, JIT_TRAP_BAD_TOINT);
    x64_ucomis(l, size, x, constant_of(l, size, power_of_two(is_signed ? bits - 1 : bits)));
    jit_x64_trap_if(l, X64_AE, JIT_TRAP_INT_OVF);
    if (!is_signed) {                   /* x <= -1 */
        x64_ucomis(l, size, x, constant_of(l, size, -1.0));
        jit_x64_trap_if(l, X64_BE, JIT_TRAP_INT_OVF);
    } else if (bits <= precision) {     /* x <= MIN - 1 */
        x64_ucomis(l, size, x, constant_of(l, size, -power_of_two(bits - 1) - 1.0));
        jit_x64_trap_if(l, X64_BE, JIT_TRAP_INT_OVF);
    } else {                            /* x < MIN: there is nothing between MIN - 1 and MIN */
        x64_ucomis(l, size, x, constant_of(l, size, -power_of_two(bits - 1)));
        jit_x64_trap_if(l, X64_B, JIT_TRAP_INT_OVF);
    }
}

static void to_int(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_fcvt_to_sint;
    unsigned bits = jit_type_bits(i->type), size = bytes_of(l, i->a);
    vr x = in(l, i->a);

    check_range(l, size, x, bits, is_signed);
    if (!is_signed && bits == 64)
        to_u64(l, size, out(l, i), x);
    else /* unsigned 32 bits are positive in 64 */
        x64_cvt(l, X64_cvtts2si, bits + !is_signed > 32 ? 8 : 4, out(l, i), size, x64_reg(x));
}

/* ---- Saturating ---- */

/* x, with zero in the place of NaN. */
static vr nan_to_zero(lower *l, unsigned size, vr x)
{
    vr ordered = ftemp(l), d = ftemp(l);

    x64_cmps(l, X64_CMP_ORD, size, ordered, x, x64_reg(x));
    x64_sse(l, X64_andp, size, d, ordered, x64_reg(x));
    return d;
}

/* Targets of up to 32 bits: all their values are doubles, so clamp there. */
static void saturate_narrow(lower *l, const ir_inst *i, bool is_signed)
{
    unsigned bits = jit_type_bits(i->type), size = bytes_of(l, i->a);
    double most = power_of_two(is_signed ? bits - 1 : bits) - 1.0;
    double least = is_signed ? -power_of_two(bits - 1) : 0.0;
    vr x = in(l, i->a), below = ftemp(l), clamped = ftemp(l);

    if (size == 4) {
        vr wide = ftemp(l);
        x64_cvt(l, X64_cvts2s, 8, wide, 4, x64_reg(x));
        x = wide;
    }
    x = nan_to_zero(l, 8, x);
    x64_sse(l, X64_mins, 8, below, x, constant_of(l, 8, most));
    x64_sse(l, X64_maxs, 8, clamped, below, constant_of(l, 8, least));
    x64_cvt(l, X64_cvtts2si, bits + !is_signed > 32 ? 8 : 4, out(l, i), 8, x64_reg(clamped));
}

static void saturate_s64(lower *l, const ir_inst *i)
{
    unsigned size = bytes_of(l, i->a);
    vr x = nan_to_zero(l, size, in(l, i->a)), d = temp(l), most = temp(l);

    x64_cvt(l, X64_cvtts2si, 8, d, size, x64_reg(x)); /* MIN for all that is too small */
    x64_imm(l, most, INT64_MAX);
    x64_ucomis(l, size, x, constant_of(l, size, 0x1p63));
    x64_cmov(l, X64_AE, 8, out(l, i), d, x64_reg(most));
}

static void saturate_u64(lower *l, const ir_inst *i)
{
    unsigned size = bytes_of(l, i->a);
    vr x = nan_to_zero(l, size, in(l, i->a)), positive = ftemp(l), zero = ftemp(l);
    vr d = temp(l), most = temp(l);

    x64_sse_fill(l, X64_fzero, zero);
    x64_sse(l, X64_maxs, size, positive, x, x64_reg(zero));
    to_u64(l, size, d, positive);
    x64_imm(l, most, UINT64_MAX);
    x64_ucomis(l, size, positive, constant_of(l, size, 0x1p64));
    x64_cmov(l, X64_AE, 8, out(l, i), d, x64_reg(most));
}

/* ---- Bitcasts ---- */

static void bitcast(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);
    bool from_int_reg = jit_type_is_int(lower_type(l, i->a)), to_int_reg = jit_type_is_int(i->type);

    if (from_int_reg == to_int_reg)
        jit_lower_move(l, out(l, i), in(l, i->a), size, to_int_reg ? RC_INT : RC_FLOAT);
    else if (to_int_reg)
        x64_movd_r(l, size, out(l, i), in(l, i->a));
    else
        x64_sse_r(l, X64_movd, size, out(l, i), jit_x64_rm_of(l, i->a, size, true));
}

void jit_x64_lower_convert(lower *l, const ir_inst *i)
{
    bool wide = i->type == JIT_I64;

    switch (i->op) {
    case JIT_OP_fcvt_from_sint:
    case JIT_OP_fcvt_from_uint: from_int(l, i); break;
    case JIT_OP_fcvt_to_sint:
    case JIT_OP_fcvt_to_uint: to_int(l, i); break;
    case JIT_OP_fcvt_to_sint_sat:
        if (wide)
            saturate_s64(l, i);
        else
            saturate_narrow(l, i, true);
        break;
    case JIT_OP_fcvt_to_uint_sat:
        if (wide)
            saturate_u64(l, i);
        else
            saturate_narrow(l, i, false);
        break;
    default: bitcast(l, i);
    }
}
