/* a64_lower_int.c - integer arithmetic, and the shifts and extensions that its second operands
 * take.
 *
 * Narrow types are computed in 32 bits: what is above them is arbitrary. */
#include "backends/aarch64/a64_lower.h"

/* ---- Second operands ---- */

/* d shifts by a constant, as the machine does it to an operand of type t; *how, *amount. */
static bool shifts(const lower *l, const ir_inst *d, jit_type t, unsigned may, uint8_t *how,
                   uint8_t *amount)
{
    unsigned bits = jit_type_bits(t);
    bool narrow = bits < 32;
    int64_t k;

    if (d->type != t)
        return false;
    if (d->op == JIT_OP_imul && jit_lower_const(l, d->b, &k)) { /* by 2^n */
        *how = A64_LSL;
        *amount = k > 1 ? (uint8_t)__builtin_ctzll((uint64_t)k) : 0;
        return k > 1 && (k & (k - 1)) == 0;
    }
    if (d->op != JIT_OP_ishl && d->op != JIT_OP_ushr && d->op != JIT_OP_sshr && d->op != JIT_OP_rotr
        && d->op != JIT_OP_rotl)
        return false;
    if (!jit_lower_const(l, d->b, &k))
        return false;
    k &= (int64_t)bits - 1;
    *amount = (uint8_t)(d->op == JIT_OP_rotl ? (bits - (unsigned)k) & (bits - 1) : (unsigned)k);
    switch (d->op) {
    case JIT_OP_ishl: *how = A64_LSL; return true;
    case JIT_OP_ushr: *how = A64_LSR; return !narrow;
    case JIT_OP_sshr: *how = A64_ASR; return !narrow;
    default: *how = A64_ROR; return !narrow && may & A64_MAY_ROTATE;
    }
}

/* d extends from 1, 2 or 4 bytes; *how. */
static bool extends(const lower *l, const ir_inst *d, uint8_t *how)
{
    int64_t k;

    if (d->op == JIT_OP_band && jit_lower_const(l, d->b, &k)
        && (k == 0xff || k == 0xffff || k == UINT32_MAX)) { /* all ones of a type are -1 */
        *how = k == 0xff ? A64_UXTB : k == 0xffff ? A64_UXTH : A64_UXTW;
        return true;
    }
    if ((d->op != JIT_OP_uextend && d->op != JIT_OP_sextend) || d->type == JIT_I128)
        return false;
    *how = (uint8_t)((d->op == JIT_OP_sextend ? A64_SXTB : A64_UXTB) + log2_bytes(bytes_of(l, d->a)));
    return true;
}

bool jit_a64_folds(const lower *l, uint32_t v, jit_type t, unsigned may, a64_fold *f)
{
    const ir_inst *d = jit_lower_fuses(l, v), *e;
    uint8_t how, amount;

    if (!d)
        return false;
    if (may & A64_MAY_EXTEND && extends(l, d, &how)) {
        *f = (a64_fold){ d->a, A64_EXTENDED, how, 0, d, NULL };
        return true;
    }
    if (!shifts(l, d, t, may, &how, &amount))
        return false;
    e = may & A64_MAY_EXTEND && how == A64_LSL && amount <= 4 ? jit_lower_fuses(l, d->a) : NULL;
    if (e && extends(l, e, &how)) {
        *f = (a64_fold){ e->a, A64_EXTENDED, how, amount, d, e };
        return true;
    }
    *f = (a64_fold){ d->a, A64_SHIFTED, how, amount, d, NULL };
    return may & A64_MAY_SHIFT;
}

a64_operand jit_a64_take(lower *l, const a64_fold *f)
{
    a64_operand o = { VR_NONE, f->form, f->how, f->amount };

    if (f->outer)
        jit_lower_sink(l, f->outer);
    if (f->inner)
        jit_lower_sink(l, f->inner);
    o.r = in(l, f->v);
    return o;
}

static a64_operand plain(vr r)
{
    a64_operand o = { r, A64_PLAIN, 0, 0 };

    return o;
}

a64_operand jit_a64_operand_of(lower *l, uint32_t v, jit_type t, unsigned may)
{
    a64_fold f;

    return jit_a64_folds(l, v, t, may, &f) ? jit_a64_take(l, &f) : plain(in(l, v));
}

static unsigned extended_row(unsigned op)
{
    switch (op) {
    case A64_add: return A64_add_x;
    case A64_adds: return A64_adds_x;
    case A64_sub: return A64_sub_x;
    default: return A64_subs_x;
    }
}

minst *jit_a64_op(lower *l, unsigned op, unsigned size, vr d, vr n, a64_operand m)
{
    switch (m.form) {
    case A64_SHIFTED: return a64_shifted(l, op, size, d, n, m.r, m.how, m.amount);
    case A64_EXTENDED: return a64_extended(l, extended_row(op), size, d, n, m.r, m.how, m.amount);
    default: return a64_rrr(l, op, size, d, n, m.r);
    }
}

/* ---- Addition, subtraction, multiplication ---- */

/* d = x + k, by one add or sub, or by two where k itself takes two instructions. */
static bool add_const(lower *l, unsigned size, vr d, uint32_t x, int64_t k)
{
    uint64_t up = (uint64_t)k, down = 0 - (uint64_t)k;
    bool twice = (up < 1 << 24 || down < 1 << 24) && jit_a64_imm_words(up, size) > 1;

    if (jit_a64_fits_imm12(up)) {
        a64_rri(l, A64_add_i, size, d, in(l, x), up);
    } else if (jit_a64_fits_imm12(down)) {
        a64_rri(l, A64_sub_i, size, d, in(l, x), down);
    } else if (twice) {
        unsigned row = up < 1 << 24 ? A64_add_i : A64_sub_i;
        uint64_t n = up < 1 << 24 ? up : down;
        vr high = jit_lower_temp(l, RC_INT, size);
        a64_rri(l, row, size, high, in(l, x), n & 0xfff000);
        a64_rri(l, row, size, d, high, n & 0xfff);
    } else {
        return false;
    }
    return true;
}

/* The factor's 4 bytes, when it is one that was extended to 8; *e: the extension to be folded,
 * or NULL. */
static bool is_long_factor(const lower *l, uint32_t v, bool is_signed, uint32_t *x, const ir_inst **e)
{
    *e = jit_lower_fuses(l, v);
    if (*e && (*e)->op == (is_signed ? JIT_OP_sextend : JIT_OP_uextend)
        && lower_type(l, (*e)->a) == JIT_I32) {
        *x = (*e)->a;
        return true;
    }
    *e = NULL;
    *x = v;
    return !is_signed && jit_lower_nonzero(l, v) <= 4;
}

/* d = acc + x * y, or acc - x * y; acc VR_NONE: the product. m is the multiplication. */
static void multiply(lower *l, const ir_inst *m, vr d, vr acc, bool minus)
{
    const ir_inst *e, *g;
    uint32_t x, y;

    if (m->type == JIT_I64)
        for (unsigned s = 0; s < 2; s++)
            if (is_long_factor(l, m->a, s, &x, &e) && is_long_factor(l, m->b, s, &y, &g)) {
                if (e)
                    jit_lower_sink(l, e);
                if (g)
                    jit_lower_sink(l, g);
                vr n = in(l, x);
                a64_madd(l, s ? (minus ? A64_smsubl : A64_smaddl) : minus ? A64_umsubl : A64_umaddl, 8, d,
                         n, in(l, y), acc);
                return;
            }
    vr n = in(l, m->a);
    a64_madd(l, minus ? A64_msub : A64_madd, op_size(m->type), d, n, in(l, m->b), acc);
}

/* The multiplication that v is, used here alone. */
static const ir_inst *product(const lower *l, uint32_t v)
{
    const ir_inst *d = jit_lower_fuses(l, v);

    return d && d->op == JIT_OP_imul ? d : NULL;
}

static void lower_iadd(lower *l, const ir_inst *i)
{
    uint32_t x = i->a, y = i->b;
    unsigned size = op_size(i->type), may = A64_MAY_SHIFT | A64_MAY_EXTEND;
    const ir_inst *m;
    int64_t k;
    a64_fold f;

    if (jit_lower_const(l, x, &k)) {
        x = i->b;
        y = i->a;
    }
    if (jit_lower_const(l, y, &k) && add_const(l, size, out(l, i), x, k))   /* x + k */
        return;
    if (!jit_a64_folds(l, y, i->type, may, &f) && jit_a64_folds(l, x, i->type, may, &f)) {
        uint32_t t = x;
        x = y;
        y = t;
    }
    if (jit_a64_folds(l, y, i->type, may, &f)) {                            /* x + (z << k) */
        vr n = in(l, x);
        jit_a64_op(l, A64_add, size, out(l, i), n, jit_a64_take(l, &f));
    } else if ((m = product(l, y)) != NULL) {                               /* x + p * q */
        jit_lower_sink(l, m);
        multiply(l, m, out(l, i), in(l, x), false);
    } else if ((m = product(l, x)) != NULL) {
        jit_lower_sink(l, m);
        multiply(l, m, out(l, i), in(l, y), false);
    } else {                                                                /* x + y */
        vr n = in(l, x);
        a64_rrr(l, A64_add, size, out(l, i), n, in(l, y));
    }
}

static void lower_isub(lower *l, const ir_inst *i)
{
    unsigned size = op_size(i->type), may = A64_MAY_SHIFT | A64_MAY_EXTEND;
    const ir_inst *m = product(l, i->b);
    int64_t k;
    a64_fold f;

    if (jit_lower_const(l, i->b, &k) && k != INT64_MIN && add_const(l, size, out(l, i), i->a, -k))
        return;                                                             /* x - k */
    bool negated = jit_lower_const(l, i->a, &k) && k == 0;                  /* 0 - y */
    if (jit_a64_folds(l, i->b, i->type, negated ? A64_MAY_SHIFT : may, &f)) {
        vr n = negated ? VR_NONE : in(l, i->a);                             /* x - (z << k) */
        jit_a64_op(l, A64_sub, size, out(l, i), n, jit_a64_take(l, &f));
    } else if (m) {                                                         /* x - p * q */
        jit_lower_sink(l, m);
        multiply(l, m, out(l, i), negated ? VR_NONE : in(l, i->a), true);
    } else {                                                                /* x - y */
        vr n = negated ? VR_NONE : in(l, i->a);
        a64_rrr(l, A64_sub, size, out(l, i), n, in(l, i->b));
    }
}

/* x * k as one addition or subtraction of a shifted operand. */
static bool multiply_by_sum(lower *l, const ir_inst *i, uint32_t x, int64_t k)
{
    unsigned size = op_size(i->type);
    uint64_t less = (uint64_t)k - 1, neg = 0 - (uint64_t)k, more = neg + 1;

    if (k > 2 && (less & (less - 1)) == 0) {                                /* x + (x << n) */
        vr v = in(l, x);
        a64_shifted(l, A64_add, size, out(l, i), v, v, A64_LSL, (unsigned)__builtin_ctzll(less));
    } else if (k < 0 && (neg & (neg - 1)) == 0) {                           /* 0 - (x << n) */
        unsigned n = (unsigned)__builtin_ctzll(neg);
        if (n >= 8 * size)
            return false;
        a64_shifted(l, A64_sub, size, out(l, i), VR_NONE, in(l, x), A64_LSL, n);
    } else if (k < -2 && (more & (more - 1)) == 0) {                        /* x - (x << n) */
        vr v = in(l, x);
        a64_shifted(l, A64_sub, size, out(l, i), v, v, A64_LSL, (unsigned)__builtin_ctzll(more));
    } else {
        return false;
    }
    return true;
}

/* -x * y */
static bool multiply_negated(lower *l, const ir_inst *i, uint32_t x, uint32_t y)
{
    const ir_inst *d = jit_lower_fuses(l, x);

    if (!d || d->op != JIT_OP_ineg)
        return false;
    jit_lower_sink(l, d);
    vr n = in(l, d->a);
    a64_madd(l, A64_msub, op_size(i->type), out(l, i), n, in(l, y), VR_NONE);
    return true;
}

static void lower_imul(lower *l, const ir_inst *i)
{
    uint32_t x = i->a, y = i->b;
    unsigned size = op_size(i->type);
    int64_t k;

    if (jit_lower_const(l, x, &k)) {
        x = i->b;
        y = i->a;
    }
    if (jit_lower_const(l, y, &k) && k > 0 && (k & (k - 1)) == 0) {         /* x * 2^n */
        a64_lsl_i(l, size, out(l, i), in(l, x), (unsigned)__builtin_ctzll((uint64_t)k));
    } else if (!(jit_lower_const(l, y, &k) && multiply_by_sum(l, i, x, k))
               && !multiply_negated(l, i, x, y) && !multiply_negated(l, i, y, x)) {
        multiply(l, i, out(l, i), VR_NONE, false);                          /* x * y */
    }
}

static vr extended_by(lower *l, uint32_t v, bool is_signed)
{
    return is_signed ? jit_a64_sign_extended(l, v) : jit_a64_zero_extended(l, v);
}

static void lower_mulhi(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_smulhi;
    unsigned bytes = jit_type_bytes(i->type);
    vr x = extended_by(l, i->a, is_signed), y = extended_by(l, i->b, is_signed), p = temp(l);

    if (bytes == 8) {
        a64_mulh(l, is_signed ? A64_smulh : A64_umulh, out(l, i), x, y);
    } else if (bytes == 4) {
        a64_madd(l, is_signed ? A64_smaddl : A64_umaddl, 8, p, x, y, VR_NONE);
        a64_lsr_i(l, 8, out(l, i), p, 32);
    } else {
        a64_mul(l, 4, p, x, y);
        a64_lsr_i(l, 4, out(l, i), p, 8 * bytes);
    }
}

/* ---- Division: the machine never traps, so both errors are looked for before ---- */

/* MIN / -1: y is -1 and x - 1 overflows. */
static void trap_min_by_minus_one(lower *l, unsigned size, vr x, vr y)
{
    a64_cmn_i(l, size, y, 1);
    a64_ccmp_i(l, A64_ccmp_i, A64_EQ, size, x, 1, 0);
    jit_a64_trap_if(l, A64_VS, JIT_TRAP_INT_OVF);
}

static void lower_division(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_sdiv || i->op == JIT_OP_srem;
    bool rest = i->op == JIT_OP_urem || i->op == JIT_OP_srem;
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    vr x = extended_by(l, i->a, is_signed), y = extended_by(l, i->b, is_signed), d = out(l, i);
    int64_t k;
    bool known = jit_lower_const(l, i->b, &k);

    if (!known || k == 0)
        jit_a64_trap_if_r(l, A64_CBZ, size, y, 0, JIT_TRAP_INT_DIVZ);
    if (i->op == JIT_OP_sdiv && bytes >= 4 && (!known || k == -1))
        trap_min_by_minus_one(l, size, x, y);
    vr quotient = rest ? temp(l) : d;
    a64_rrr(l, is_signed ? A64_sdiv : A64_udiv, size, quotient, x, y);
    if (rest) /* MIN / -1 wraps to MIN, so MIN % -1 comes out as 0 */
        a64_madd(l, A64_msub, size, d, quotient, y, x);
    if (i->op == JIT_OP_sdiv && bytes < 4 && (!known || k == -1)) { /* -128 / -1 is 128 in 32 bits */
        a64_cmp_i(l, 4, quotient, (uint64_t)1 << (8 * bytes - 1));
        jit_a64_trap_if(l, A64_EQ, JIT_TRAP_INT_OVF);
    }
}

/* ---- Minimum, maximum, absolute value ---- */

static void lower_minmax(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_smin || i->op == JIT_OP_smax;
    unsigned size = op_size(i->type);
    unsigned cc = i->op == JIT_OP_smin ? A64_LT : i->op == JIT_OP_smax ? A64_GT
                  : i->op == JIT_OP_umin ? A64_LO : A64_HI;
    vr x = extended_by(l, i->a, is_signed), y = extended_by(l, i->b, is_signed);

    a64_cmp(l, size, x, y);
    a64_csel(l, A64_csel, cc, size, out(l, i), x, y);
}

static void lower_iabs(lower *l, const ir_inst *i)
{
    unsigned size = op_size(i->type);
    vr x = jit_a64_sign_extended(l, i->a);

    a64_cmp_i(l, size, x, 0);
    a64_csel(l, A64_csneg, A64_PL, size, out(l, i), x, x);
}

static void lower_ineg(lower *l, const ir_inst *i)
{
    const ir_inst *m = product(l, i->a);

    if (m) {                                                                /* -(p * q) */
        jit_lower_sink(l, m);
        multiply(l, m, out(l, i), VR_NONE, true);
    } else {                                                                /* -(x << k) */
        a64_operand x = jit_a64_operand_of(l, i->a, i->type, A64_MAY_SHIFT);
        jit_a64_op(l, A64_sub, op_size(i->type), out(l, i), VR_NONE, x);
    }
}

void jit_a64_lower_int(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_iadd: lower_iadd(l, i); break;
    case JIT_OP_isub: lower_isub(l, i); break;
    case JIT_OP_ineg: lower_ineg(l, i); break;
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

/* ---- Overflow: the flags at 32 and 64 bits; narrow results are looked at in 32 bits ---- */

typedef struct overflow { bool is_signed, minus, carry; } overflow;

static overflow overflow_of(unsigned op)
{
    overflow o = { false, false, false };

    o.is_signed = op == JIT_OP_sadd_overflow || op == JIT_OP_ssub_overflow
                  || op == JIT_OP_sadd_overflow_cin || op == JIT_OP_ssub_overflow_bin;
    o.minus = op == JIT_OP_usub_overflow || op == JIT_OP_ssub_overflow
              || op == JIT_OP_usub_overflow_bin || op == JIT_OP_ssub_overflow_bin;
    o.carry = op == JIT_OP_uadd_overflow_cin || op == JIT_OP_sadd_overflow_cin
              || op == JIT_OP_usub_overflow_bin || op == JIT_OP_ssub_overflow_bin;
    return o;
}

static void flag_of(lower *l, const ir_inst *i, unsigned cc)
{
    if (jit_lower_result_used(l, i, 1))
        a64_cset(l, cc, jit_lower_out(l, i, 1));
}

/* The flag of a narrow result t of 32 bits: something stands above it, or not only its sign. */
static void narrow_flag(lower *l, const ir_inst *i, vr t, bool is_signed)
{
    unsigned bytes = jit_type_bytes(i->type);

    if (!jit_lower_result_used(l, i, 1))
        return;
    if (is_signed)
        a64_extended(l, A64_subs_x, 4, VR_NONE, t, t, A64_SXTB + log2_bytes(bytes), 0);
    else
        a64_tst_i(l, 4, t, bytes == 1 ? 0xffffff00u : 0xffff0000u);
    flag_of(l, i, A64_NE);
}

static void narrow_overflow(lower *l, const ir_inst *i, overflow o)
{
    ir_args a = inst_args(l->f, i);
    vr x = extended_by(l, a.at[0], o.is_signed), y = extended_by(l, a.at[1], o.is_signed);
    unsigned op = o.minus ? A64_sub : A64_add;
    vr d = out(l, i);

    if (o.carry) {
        vr c = in(l, a.at[2]), one = temp(l), first = temp(l);
        a64_tst_i(l, 4, c, 0xff);
        a64_cset(l, A64_NE, one);
        a64_rrr(l, op, 4, first, x, y);
        a64_rrr(l, op, 4, d, first, one);
    } else {
        a64_rrr(l, op, 4, d, x, y);
    }
    narrow_flag(l, i, d, o.is_signed);
}

/* Carry for adcs: set unless c is 0; for sbcs, which subtracts its inverse: set when c is 0. */
static void set_carry(lower *l, uint32_t c, bool minus)
{
    vr v = in(l, c), low = temp(l);

    a64_rri(l, A64_and_i, 4, low, v, 0xff);
    if (minus)
        a64_cmp(l, 4, VR_NONE, low);
    else
        a64_cmp_i(l, 4, low, 1);
}

static void wide_overflow(lower *l, const ir_inst *i, overflow o)
{
    ir_args a = inst_args(l->f, i);
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, a.at[0]);
    int64_t k;

    if (o.carry) {
        vr y = in(l, a.at[1]);
        set_carry(l, a.at[2], o.minus);
        a64_rrr(l, o.minus ? A64_sbcs : A64_adcs, size, out(l, i), x, y);
    } else if (jit_lower_const(l, a.at[1], &k) && jit_a64_fits_imm12((uint64_t)k)) {
        a64_rri(l, o.minus ? A64_subs_i : A64_adds_i, size, out(l, i), x, (uint64_t)k);
    } else {
        a64_operand y = jit_a64_operand_of(l, a.at[1], i->type, A64_MAY_SHIFT | A64_MAY_EXTEND);
        jit_a64_op(l, o.minus ? A64_subs : A64_adds, size, out(l, i), x, y);
    }
    if (i->op == JIT_OP_uadd_overflow_trap)
        jit_a64_trap_if(l, A64_HS, i->aux);
    else
        flag_of(l, i, o.is_signed ? A64_VS : o.minus ? A64_LO : A64_HS);
}

static void multiply_overflow(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_smul_overflow;
    unsigned bytes = jit_type_bytes(i->type);
    vr x = extended_by(l, i->a, is_signed), y = extended_by(l, i->b, is_signed), d = out(l, i);

    if (bytes < 4) {
        a64_mul(l, 4, d, x, y);
        narrow_flag(l, i, d, is_signed);
    } else if (bytes == 4) {
        vr p = temp(l);
        a64_madd(l, is_signed ? A64_smaddl : A64_umaddl, 8, p, x, y, VR_NONE);
        jit_lower_move(l, d, p, 4, RC_INT);
        if (is_signed)
            a64_extended(l, A64_subs_x, 8, VR_NONE, p, p, A64_SXTW, 0);
        else
            a64_shifted(l, A64_subs, 8, VR_NONE, VR_NONE, p, A64_LSR, 32);
        flag_of(l, i, A64_NE);
    } else {
        vr high = temp(l);
        a64_mulh(l, is_signed ? A64_smulh : A64_umulh, high, x, y);
        a64_mul(l, 8, d, x, y);
        if (is_signed)
            a64_shifted(l, A64_subs, 8, VR_NONE, high, d, A64_ASR, 63);
        else
            a64_cmp_i(l, 8, high, 0);
        flag_of(l, i, A64_NE);
    }
}

void jit_a64_lower_overflow(lower *l, const ir_inst *i)
{
    if (i->op == JIT_OP_umul_overflow || i->op == JIT_OP_smul_overflow)
        multiply_overflow(l, i);
    else if (jit_type_bytes(i->type) < 4)
        narrow_overflow(l, i, overflow_of(i->op));
    else
        wide_overflow(l, i, overflow_of(i->op));
}
