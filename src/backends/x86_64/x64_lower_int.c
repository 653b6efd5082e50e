/* x64_lower_int.c - integer arithmetic. Narrow types are computed in 32 bits: what is above them is
 * arbitrary. */
#include "backends/x86_64/x64_lower.h"

/* ---- Addition, subtraction, multiplication ---- */

static bool used_once(const lower *l, uint32_t v)
{
    return lower_used_once(l, lower_root(l, v));
}

static void add_const(lower *l, unsigned size, vr d, uint32_t x, int64_t k)
{
    if (used_once(l, x))
        x64_alu_i(l, X64_add_i, size, d, in(l, x), k);
    else /* x lives on: no copy */
        x64_lea(l, size, d, x64_at(in(l, x), (int32_t)k, 0));
}

/* y << 1..3 of the operation's own type, as an index. */
static bool scaled(lower *l, uint32_t y, jit_type t, uint32_t *index, unsigned *shift)
{
    const ir_inst *d = jit_lower_fuses(l, y);
    int64_t k;

    if (!d || d->op != JIT_OP_ishl || d->type != t || jit_type_bytes(t) < 4
        || !jit_lower_const(l, d->b, &k) || k < 1 || k > 3)
        return false;
    jit_lower_sink(l, d);
    *index = d->a;
    *shift = (unsigned)k;
    return true;
}

static void lower_iadd(lower *l, const ir_inst *i)
{
    uint32_t x = i->a, y = i->b, index;
    unsigned size = op_size(i->type), shift;
    int64_t k;

    if (is_imm32(l, x, &k) || (!used_once(l, x) && used_once(l, y) && !is_imm32(l, y, &k))
        || jit_x64_folds_left(l, x, y, size)) {
        x = i->b;
        y = i->a;
    }
    if (is_imm32(l, y, &k)) {                                   /* x + k */
        add_const(l, size, out(l, i), x, k);
    } else if (scaled(l, y, i->type, &index, &shift)) {         /* x + (z << 1..3) */
        vr base = in(l, x);
        x64_lea(l, size, out(l, i), x64_at_index(base, in(l, index), shift, 0, 0));
    } else if (scaled(l, x, i->type, &index, &shift)) {
        vr base = in(l, y);
        x64_lea(l, size, out(l, i), x64_at_index(base, in(l, index), shift, 0, 0));
    } else {                                                    /* x + y */
        vr left = in(l, x);
        x64_rm right = jit_x64_rm_of(l, y, size, true);
        if (right.am == MEM_NONE && !used_once(l, x) && !used_once(l, y))
            x64_lea(l, size, out(l, i), x64_at_index(left, right.reg, 0, 0, 0));
        else
            x64_alu(l, X64_add, size, out(l, i), left, right);
    }
}

static void lower_isub(lower *l, const ir_inst *i)
{
    unsigned size = op_size(i->type);
    int64_t k;

    if (is_imm32(l, i->b, &k) && k != INT32_MIN) {              /* x - k */
        add_const(l, size, out(l, i), i->a, -k);
    } else if (jit_lower_const(l, i->a, &k) && k == 0) {        /* 0 - y */
        x64_unary(l, X64_neg, size, out(l, i), in(l, i->b));
    } else {                                                    /* x - y */
        vr left = in(l, i->a);
        x64_alu(l, X64_sub, size, out(l, i), left, jit_x64_rm_of(l, i->b, size, true));
    }
}

static void lower_imul(lower *l, const ir_inst *i)
{
    uint32_t x = i->a, y = i->b;
    unsigned size = op_size(i->type);
    int64_t k;

    if (is_imm32(l, x, &k) || jit_x64_folds_left(l, x, y, size)) {
        x = i->b;
        y = i->a;
    }
    if (is_imm32(l, y, &k)) {
        if (k > 0 && (k & (k - 1)) == 0) {                      /* x * 2^n */
            x64_alu_i(l, X64_shl_i, size, out(l, i), in(l, x), __builtin_ctzll((uint64_t)k));
        } else if (k == 3 || k == 5 || k == 9) {                /* x + x * 2^n */
            vr v = in(l, x);
            x64_lea(l, size, out(l, i), x64_at_index(v, v, k == 3 ? 1 : k == 5 ? 2 : 3, 0, 0));
        } else {                                                /* x * k */
            x64_rr_i(l, X64_imul_i, size, out(l, i), jit_x64_rm_of(l, x, size, true), k);
        }
    } else {                                                    /* x * y */
        vr left = in(l, x);
        x64_alu(l, X64_imul, size, out(l, i), left, jit_x64_rm_of(l, y, size, true));
    }
}

static void lower_mulhi(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_smulhi;
    unsigned bytes = jit_type_bytes(i->type);

    if (bytes >= 4) {
        vr x = in(l, i->a);
        x64_rm y = jit_x64_rm_of(l, i->b, bytes, true);
        x64_mul_wide(l, is_signed ? X64_imul_x : X64_mul_x, bytes, temp(l), out(l, i), x, y);
        return;
    }
    vr x = is_signed ? jit_x64_sign_extended(l, i->a) : jit_x64_zero_extended(l, i->a);
    vr y = is_signed ? jit_x64_sign_extended(l, i->b) : jit_x64_zero_extended(l, i->b);
    vr product = temp(l);
    x64_alu(l, X64_imul, 4, product, x, x64_reg(y));
    x64_alu_i(l, X64_shr_i, 4, out(l, i), product, 8 * bytes);
}

/* ---- Division ---- */

/* The machine's fault is recorded as int_divz. It would also fault on MIN / -1: at 32 and 64 bits
 * that is found before, narrow types are divided in 32 bits and their quotient is looked at. */
static void trap_min_by_minus_one(lower *l, unsigned size, vr x, vr y)
{
    vr rotated = temp(l), is_min = temp(l), is_m1 = temp(l), both = temp(l);

    x64_alu_i(l, X64_rol_i, size, rotated, x, 1);          /* 1 for MIN alone */
    x64_alu_i(l, X64_xor_i, size, is_min, rotated, 1);     /* 0 for MIN alone */
    x64_lea(l, size, is_m1, x64_at(y, 1, 0));              /* 0 for -1 alone */
    x64_alu(l, X64_or, size, both, is_min, x64_reg(is_m1));
    jit_x64_trap_if(l, X64_E, JIT_TRAP_INT_OVF);
}

static void divide(lower *l, const ir_inst *i, unsigned size, vr x, vr y, bool is_signed)
{
    bool want_quotient = i->op == JIT_OP_udiv || i->op == JIT_OP_sdiv;
    vr hi = temp(l), other = temp(l), d = out(l, i);

    if (is_signed)
        x64_cdq(l, size, hi, x);
    else
        x64_imm(l, hi, 0);
    minst *m = x64_div(l, is_signed ? X64_idiv : X64_div, size, want_quotient ? d : other,
                       want_quotient ? other : d, x, hi, x64_reg(y));
    m->trap = JIT_TRAP_INT_DIVZ;
}

static void lower_division(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_sdiv || i->op == JIT_OP_srem;
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    vr x = is_signed ? jit_x64_sign_extended(l, i->a) : jit_x64_zero_extended(l, i->a);
    vr y = is_signed ? jit_x64_sign_extended(l, i->b) : jit_x64_zero_extended(l, i->b);
    int64_t k;
    bool safe = jit_lower_const(l, i->b, &k) && k != -1;

    if (i->op == JIT_OP_sdiv && bytes >= 4 && !safe)
        trap_min_by_minus_one(l, size, x, y);
    if (i->op == JIT_OP_srem && bytes >= 4 && !safe) { /* x % -1 is x % 1 */
        vr one = temp(l), fixed = temp(l);
        x64_imm(l, one, 1);
        x64_cmp_i(l, size, x64_reg(y), -1);
        x64_cmov(l, X64_E, size, fixed, y, x64_reg(one));
        y = fixed;
    }
    divide(l, i, size, x, y, is_signed);
    if (i->op == JIT_OP_sdiv && bytes < 4 && !safe) { /* -128 / -1 is 128 in 32 bits */
        x64_cmp_i(l, 4, x64_reg(out(l, i)), (int64_t)1 << (8 * bytes - 1));
        jit_x64_trap_if(l, X64_E, JIT_TRAP_INT_OVF);
    }
}

/* ---- Minimum, maximum, absolute value ---- */

static void lower_minmax(lower *l, const ir_inst *i)
{
    unsigned size = op_size(i->type);
    unsigned cc = i->op == JIT_OP_smin ? X64_L : i->op == JIT_OP_smax ? X64_G
                  : i->op == JIT_OP_umin ? X64_B : X64_A;
    vr x = in(l, i->a), y = in(l, i->b);

    x64_cmp(l, jit_type_bytes(i->type), x, x64_reg(y)); /* what is above a narrow one has no say */
    x64_cmov(l, cc, size, out(l, i), y, x64_reg(x));
}

static void lower_iabs(lower *l, const ir_inst *i)
{
    unsigned size = op_size(i->type);
    vr x = jit_x64_sign_extended(l, i->a), negated = temp(l);

    x64_unary(l, X64_neg, size, negated, x);               /* negative: x was positive, or MIN */
    x64_cmov(l, X64_S, size, out(l, i), negated, x64_reg(x));
}

void jit_x64_lower_int(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_iadd: lower_iadd(l, i); break;
    case JIT_OP_isub: lower_isub(l, i); break;
    case JIT_OP_ineg: x64_unary(l, X64_neg, op_size(i->type), out(l, i), in(l, i->a)); break;
    case JIT_OP_iabs: lower_iabs(l, i); break;
    case JIT_OP_imul: lower_imul(l, i); break;
    case JIT_OP_umulhi:
    case JIT_OP_smulhi: lower_mulhi(l, i); break;
    case JIT_OP_udiv:
    case JIT_OP_sdiv:
    case JIT_OP_urem:
    case JIT_OP_srem: lower_division(l, i); break;
    default: lower_minmax(l, i);
    }
}

/* ---- Overflow: the flags of the operation at its own width ---- */

static void flag_of(lower *l, const ir_inst *i, unsigned cc)
{
    if (jit_lower_result_used(l, i, 1))
        x64_setcc(l, cc, jit_lower_out(l, i, 1));
}

static void multiply_overflow(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_smul_overflow;
    unsigned bytes = jit_type_bytes(i->type);

    if (!is_signed && bytes >= 4) {
        vr x = in(l, i->a);
        x64_mul_wide(l, X64_mul_x, bytes, out(l, i), temp(l), x,
                     jit_x64_rm_of(l, i->b, bytes, true));
        flag_of(l, i, X64_O);
    } else if (is_signed && bytes >= 2) {
        vr x = in(l, i->a);
        x64_alu(l, X64_imul, bytes, out(l, i), x, jit_x64_rm_of(l, i->b, bytes, true));
        flag_of(l, i, X64_O);
    } else {
        vr x = is_signed ? jit_x64_sign_extended(l, i->a) : jit_x64_zero_extended(l, i->a);
        vr y = is_signed ? jit_x64_sign_extended(l, i->b) : jit_x64_zero_extended(l, i->b);
        vr d = out(l, i), again = temp(l);
        x64_alu(l, X64_imul, 4, d, x, x64_reg(y));
        if (is_signed) {
            jit_x64_sx(l, 4, again, bytes, x64_reg(d));
            x64_cmp(l, 4, d, x64_reg(again));
        } else {
            x64_cmp_i(l, 4, x64_reg(d), ((int64_t)1 << 8 * bytes) - 1);
        }
        flag_of(l, i, is_signed ? X64_NE : X64_A);
    }
}

static void add_overflow(lower *l, const ir_inst *i, unsigned op, unsigned imm_op, unsigned cc)
{
    unsigned bytes = jit_type_bytes(i->type);
    int64_t k;
    vr x = in(l, i->a);

    if (is_imm32(l, i->b, &k))
        x64_alu_i(l, imm_op, bytes, out(l, i), x, k);
    else
        x64_alu(l, op, bytes, out(l, i), x, jit_x64_rm_of(l, i->b, bytes, true));
    flag_of(l, i, cc);
}

static void add_with_carry(lower *l, const ir_inst *i, unsigned op, unsigned cc)
{
    ir_args a = inst_args(l->f, i);
    unsigned bytes = jit_type_bytes(i->type);
    vr x = in(l, a.at[0]), y = in(l, a.at[1]), carry = in(l, a.at[2]);

    x64_alu_i(l, X64_add_i, 1, temp(l), carry, -1);        /* carries unless it was 0 */
    x64_alu(l, op, bytes, out(l, i), x, x64_reg(y));
    flag_of(l, i, cc);
}

void jit_x64_lower_overflow(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);

    switch (i->op) {
    case JIT_OP_uadd_overflow: add_overflow(l, i, X64_add, X64_add_i, X64_B); break;
    case JIT_OP_sadd_overflow: add_overflow(l, i, X64_add, X64_add_i, X64_O); break;
    case JIT_OP_usub_overflow: add_overflow(l, i, X64_sub, X64_sub_i, X64_B); break;
    case JIT_OP_ssub_overflow: add_overflow(l, i, X64_sub, X64_sub_i, X64_O); break;
    case JIT_OP_uadd_overflow_cin: add_with_carry(l, i, X64_adc, X64_B); break;
    case JIT_OP_sadd_overflow_cin: add_with_carry(l, i, X64_adc, X64_O); break;
    case JIT_OP_usub_overflow_bin: add_with_carry(l, i, X64_sbb, X64_B); break;
    case JIT_OP_ssub_overflow_bin: add_with_carry(l, i, X64_sbb, X64_O); break;
    case JIT_OP_uadd_overflow_trap: {
        vr x = in(l, i->a);
        x64_alu(l, X64_add, size, out(l, i), x, jit_x64_rm_of(l, i->b, size, true));
        jit_x64_trap_if(l, X64_B, i->aux);
        break;
    }
    default: multiply_overflow(l, i);
    }
}
