/* a64_lower_control.c - compares and what reads their flags: branches, selects, traps, truth values.
 *
 * A compare that is used once is emitted where its flags are read; one that is used more often is
 * repeated there, then without folding anything into it, for that would be done twice. Branches and
 * checks on zero, a sign or one bit read the register instead. */
#include "backends/aarch64/a64_lower.h"

static const uint8_t int_cc[] = { /* by jit_intcc */
    A64_EQ, A64_NE, A64_LT, A64_GE, A64_LE, A64_GT, A64_LO, A64_HS, A64_LS, A64_HI
};

static const uint8_t float_cc[] = { /* by jit_floatcc; flags of fcmp: Arm ARM, FPCompare() */
    A64_EQ, A64_NE, A64_ONE, A64_UEQ, A64_MI, A64_PL, A64_LS, A64_HI, A64_GT, A64_LE, A64_GE, A64_LT,
    A64_VC, A64_VS
};

static bool is_signed_cc(unsigned cc)
{
    return cc == A64_LT || cc == A64_GE || cc == A64_LE || cc == A64_GT;
}

/* ---- Setting flags ---- */

/* The and that v is, used here alone, whose flags the machine sets at v's width. */
static const ir_inst *masked(const lower *l, uint32_t v, uint64_t *imm, bool *constant)
{
    const ir_inst *d = jit_lower_fuses(l, v);
    unsigned bytes = bytes_of(l, v);
    int64_t k;

    if (!d || d->op != JIT_OP_band)
        return NULL;
    *constant = jit_lower_const(l, d->b, &k);
    if (!*constant)
        return bytes >= 4 ? d : NULL;
    uint64_t low = bytes == 8 ? (uint64_t)k : (uint64_t)k & (((uint64_t)1 << 8 * bytes) - 1);
    *imm = low;
    return jit_a64_logical_imm(low, bytes == 8 ? 8 : 4, NULL) ? d : NULL;
}

/* The flags Z and, from 32 bits on, N of v. */
static void test_value(lower *l, uint32_t v, bool fold)
{
    unsigned bytes = bytes_of(l, v), size = bytes == 8 ? 8 : 4;
    uint64_t imm = 0;
    bool constant = false;
    const ir_inst *d = fold ? masked(l, v, &imm, &constant) : NULL;

    if (d) {
        jit_lower_sink(l, d);
        vr x = in(l, d->a);
        if (constant)                                        /* (x & k) != 0 */
            a64_tst_i(l, size, x, imm);
        else                                                 /* (x & (y << k)) != 0 */
            jit_a64_op(l, A64_ands, size, VR_NONE, x,
                       jit_a64_operand_of(l, d->b, d->type, A64_MAY_SHIFT | A64_MAY_ROTATE));
    } else if (bytes >= 4) {
        a64_cmp_i(l, size, in(l, v), 0);
    } else if (jit_a64_is_zero_above(l, v)) {
        a64_cmp_i(l, 4, jit_a64_zero_extended(l, v), 0);
    } else {
        a64_tst_i(l, 4, in(l, v), bytes == 1 ? 0xff : 0xffff);
    }
}

/* v extended to 32 bits. */
static vr widened(lower *l, uint32_t v, bool is_signed, bool fold)
{
    if (!is_signed)
        return jit_a64_zero_extended(l, v);
    if (fold)
        return jit_a64_sign_extended(l, v);
    vr t = temp(l);
    jit_a64_sx(l, 4, t, bytes_of(l, v), in(l, v));
    return t;
}

/* Flags of x - k at size 4 or 8. */
static void compare_const(lower *l, unsigned size, vr x, int64_t k)
{
    if (jit_a64_fits_imm12((uint64_t)k)) {
        a64_cmp_i(l, size, x, (uint64_t)k);
    } else if (jit_a64_fits_imm12(0 - (uint64_t)k)) {
        a64_cmn_i(l, size, x, 0 - (uint64_t)k);
    } else {
        vr y = temp(l);
        jit_a64_imm(l, y, size == 4 ? (uint32_t)k : (uint64_t)k);
        a64_cmp(l, size, x, y);
    }
}

static void compare_narrow(lower *l, uint32_t x, uint32_t y, bool is_signed, bool fold)
{
    unsigned bytes = bytes_of(l, x);
    vr left = widened(l, x, is_signed, fold);
    int64_t k;

    if (jit_lower_const(l, y, &k))
        compare_const(l, 4, left, is_signed ? k : bytes == 1 ? (uint8_t)k : (uint16_t)k);
    else
        a64_extended(l, A64_subs_x, 4, VR_NONE, left, in(l, y),
                     (is_signed ? A64_SXTB : A64_UXTB) + log2_bytes(bytes), 0);
}

/* The condition under which x cc y holds after what is emitted. */
static unsigned compare_ints(lower *l, const ir_inst *d, bool fold)
{
    uint32_t x = d->a, y = d->b;
    unsigned cc = int_cc[d->aux], bytes = bytes_of(l, x);
    int64_t k;

    if (jit_lower_const(l, x, &k) && !jit_lower_const(l, y, &k)) {
        x = d->b;
        y = d->a;
        cc = jit_a64_swap_cc(cc);
    }
    bool constant = jit_lower_const(l, y, &k), by_zero = constant && k == 0;
    if (by_zero && (cc == A64_EQ || cc == A64_NE || (bytes >= 4 && is_signed_cc(cc)))) {
        test_value(l, x, fold);
    } else if (bytes < 4) {
        compare_narrow(l, x, y, is_signed_cc(cc), fold);
    } else if (constant) {
        compare_const(l, bytes, in(l, x), k);
    } else {
        vr left = in(l, x);
        if (fold)
            jit_a64_op(l, A64_subs, bytes, VR_NONE, left,
                       jit_a64_operand_of(l, y, d->type, A64_MAY_SHIFT | A64_MAY_EXTEND));
        else
            a64_cmp(l, bytes, left, in(l, y));
    }
    return cc;
}

static unsigned compare_floats(lower *l, const ir_inst *d)
{
    unsigned size = bytes_of(l, d->a);
    uint64_t bits;
    vr x = in(l, d->a);

    if (jit_lower_fconst(l, d->b, &bits) && bits << (64 - 8 * size + 1) == 0) /* either zero */
        a64_fcmp_0(l, size, x);
    else
        a64_fcmp(l, size, x, in(l, d->b));
    return float_cc[d->aux];
}

/* ---- Truth ---- */

static unsigned flags_of_compare(lower *l, const ir_inst *d, bool alone, bool inverted)
{
    unsigned cc = d->op == JIT_OP_icmp ? compare_ints(l, d, alone) : compare_floats(l, d);

    return inverted ? a64_invert(cc) : cc;
}

unsigned jit_a64_condition(lower *l, uint32_t v)
{
    bool alone, inverted;
    const ir_inst *d = jit_rule_truth_of(l, v, &alone, &inverted);

    if (d)
        return flags_of_compare(l, d, alone, inverted);
    test_value(l, v, true);
    return A64_NE;
}

/* d = cc ? 1 : 0 */
static void truth_value(lower *l, vr d, unsigned cc)
{
    vr first;

    if (cc != A64_UEQ && cc != A64_ONE) {
        a64_cset(l, cc, d);
        return;
    }
    first = temp(l);
    a64_cset(l, cc == A64_ONE ? A64_MI : A64_EQ, first);
    a64_csel(l, A64_csinc, cc == A64_ONE ? A64_LE : A64_VC, 4, d, first, VR_NONE);
}

void jit_a64_lower_icmp(lower *l, const ir_inst *i)
{
    unsigned cc = compare_ints(l, i, true);

    truth_value(l, out(l, i), cc);
}

void jit_a64_lower_fcmp(lower *l, const ir_inst *i)
{
    unsigned cc = compare_floats(l, i);

    truth_value(l, out(l, i), cc);
}

/* ---- Branches and checks: on flags, or on a register ---- */

typedef struct a64_test {
    uint8_t cc;   /* A64_CBZ ... A64_TBNZ: of the register; else of the flags */
    uint8_t size, bit;
    vr n;
} a64_test;

static a64_test test_flags(unsigned cc)
{
    a64_test t = { (uint8_t)cc, 0, 0, VR_NONE };

    return t;
}

static a64_test test_bit(lower *l, uint32_t v, unsigned bit, bool set)
{
    a64_test t = { set ? A64_TBNZ : A64_TBZ, 8, (uint8_t)bit, in(l, v) };

    if (bytes_of(l, v) < 8)
        t.size = 4;
    return t;
}

/* v is not zero (or is), by a register or by flags. */
static a64_test test_zero(lower *l, uint32_t v, bool zero, bool fold)
{
    uint64_t imm = 0;
    bool constant = false;
    const ir_inst *d = fold ? masked(l, v, &imm, &constant) : NULL;
    unsigned bytes = bytes_of(l, v);

    if (d && constant && (imm & (imm - 1)) == 0) {           /* (x & 2^n) != 0 */
        jit_lower_sink(l, d);
        return test_bit(l, d->a, (unsigned)__builtin_ctzll(imm), !zero);
    }
    if (!d && (bytes >= 4 || jit_a64_is_zero_above(l, v))) {
        a64_test t = { zero ? A64_CBZ : A64_CBNZ, bytes == 8 ? 8 : 4, 0, VR_NONE };
        t.n = jit_a64_zero_extended(l, v);
        return t;
    }
    test_value(l, v, fold);
    return test_flags(zero ? A64_EQ : A64_NE);
}

/* A compare whose outcome stands in a register: with zero, or of a sign. */
static bool reads_register(lower *l, const ir_inst *d, bool alone, bool inverted, a64_test *t)
{
    unsigned cc;
    int64_t k;

    if (d->op != JIT_OP_icmp || !jit_lower_const(l, d->b, &k))
        return false;
    cc = int_cc[d->aux];
    if (inverted)
        cc = a64_invert(cc);
    if (k == 0 && (cc == A64_EQ || cc == A64_NE))            /* x == 0 */
        *t = test_zero(l, d->a, cc == A64_EQ, alone);
    else if ((k == 0 && (cc == A64_LT || cc == A64_GE)) || (k == -1 && (cc == A64_LE || cc == A64_GT)))
        *t = test_bit(l, d->a, 8 * bytes_of(l, d->a) - 1, cc == A64_LT || cc == A64_LE);
    else                                                     /* x < 0 */
        return false;
    return true;
}

static a64_test test_of(lower *l, uint32_t v)
{
    bool alone, inverted;
    const ir_inst *d = jit_rule_truth_of(l, v, &alone, &inverted);
    a64_test t;

    if (!d)
        return test_zero(l, v, false, true);
    if (reads_register(l, d, alone, inverted, &t))
        return t;
    return test_flags(flags_of_compare(l, d, alone, inverted));
}

/* ---- Select ---- */

/* d = cc ? x : y, of integers or floats; the flags are set. */
static void choose(lower *l, unsigned op, unsigned cc, unsigned size, vr d, vr x, vr y)
{
    if (cc == A64_ONE || cc == A64_UEQ) {
        vr first = jit_lower_temp(l, op == A64_fcsel ? RC_FLOAT : RC_INT, size);
        a64_csel(l, op, cc == A64_ONE ? A64_MI : A64_EQ, size, first, x, y);
        a64_csel(l, op, cc == A64_ONE ? A64_GT : A64_VS, size, d, x, first);
    } else {
        a64_csel(l, op, cc, size, d, x, y);
    }
}

/* v as csinc, csinv or csneg compute it: what it is made of; csel and v itself when it is not. */
static unsigned changed(lower *l, uint32_t *v)
{
    const ir_inst *d = jit_lower_fuses(l, *v);
    int64_t k;
    unsigned row = A64_csel;

    if (d && d->op == JIT_OP_iadd && jit_lower_const(l, d->b, &k) && k == 1)
        row = A64_csinc;
    else if (d && d->op == JIT_OP_bnot)
        row = A64_csinv;
    else if (d && d->op == JIT_OP_ineg)
        row = A64_csneg;
    if (row != A64_csel) {
        jit_lower_sink(l, d);
        *v = d->a;
    }
    return row;
}

/* Zero is a register of its own. */
static vr chosen(lower *l, uint32_t v)
{
    int64_t k;

    return jit_lower_const(l, v, &k) && k == 0 ? VR_NONE : in(l, v);
}

static void select_ints(lower *l, const ir_inst *i, uint32_t c, uint32_t x, uint32_t y)
{
    unsigned size = op_size(i->type), cc, row;
    int64_t k, m;

    if (jit_lower_const(l, x, &k) && jit_lower_const(l, y, &m) && k == 1 && m == 0) {
        cc = jit_a64_condition(l, c);                        /* c ? 1 : 0 */
        truth_value(l, out(l, i), cc);
        return;
    }
    row = changed(l, &y);
    bool swap = row == A64_csel && (row = changed(l, &x)) != A64_csel;
    vr then = chosen(l, x), other = chosen(l, y);
    cc = jit_a64_condition(l, c);
    if (row == A64_csel) {
        choose(l, row, cc, size, out(l, i), then, other);
        return;
    }
    if (cc == A64_ONE || cc == A64_UEQ) { /* two conditions become one */
        vr t = temp(l);
        truth_value(l, t, cc);
        a64_cmp_i(l, 4, t, 0);
        cc = A64_NE;
    }
    if (swap) {                                       /* c ? x + 1 : y */
        a64_csel(l, row, a64_invert(cc), size, out(l, i), other, then);
    } else {                                                 /* c ? x : y + 1 */
        a64_csel(l, row, cc, size, out(l, i), then, other);
    }
}

void jit_a64_lower_select(lower *l, const ir_inst *i)
{
    ir_args a = inst_args(l->f, i);

    if (jit_type_is_int(i->type)) {
        select_ints(l, i, a.at[0], a.at[1], a.at[2]);
        return;
    }
    vr x = in(l, a.at[1]), y = in(l, a.at[2]);
    unsigned cc = jit_a64_condition(l, a.at[0]);
    choose(l, A64_fcsel, cc, jit_type_bytes(i->type), out(l, i), x, y);
}

/* ---- Control ---- */

/* Out of range goes to the default, which stands behind the entries: the index is clamped, not
 * branched on, so a misprediction cannot read outside the table. */
static void lower_br_table(lower *l, const ir_inst *i)
{
    uint32_t n = jit_inst_target_count(l->f, i) - 1;

    if (jit_rule_one_way(l, i))
        return;
    vr index = in(l, i->a), last = temp(l), clamped = temp(l);
    jit_a64_imm(l, last, n);
    if (jit_a64_fits_imm12(n))
        a64_cmp_i(l, 4, index, n);
    else
        a64_cmp(l, 4, index, last);
    a64_csel(l, A64_csel, A64_LO, 4, clamped, index, last);
    jit_a64_table_jump(l, jit_lower_jump_table(l, l->target_block, n + 1), clamped);
}

void jit_a64_lower_control(lower *l, const ir_inst *i)
{
    a64_test t;

    switch (i->op) {
    case JIT_OP_brif:
        t = test_of(l, i->a);
        if (t.n.id == RA_NO_VREG)
            jit_rule_branch(l, t.cc, l->target_block[0], l->target_block[1]);
        else
            jit_a64_branch_r(l, t.cc, t.size, t.n, t.bit, l->target_block[0], l->target_block[1]);
        break;
    case JIT_OP_br_table:
        lower_br_table(l, i);
        break;
    case JIT_OP_trap:
        jit_a64_trap(l, i->aux, true);
        break;
    case JIT_OP_debugtrap:
        jit_a64_build(l, A64_brk, 4, 0, NULL, NULL, 0);
        break;
    default: /* trapz, trapnz */
        t = test_of(l, i->a);
        if (i->op == JIT_OP_trapz)
            t.cc = (uint8_t)a64_invert(t.cc);
        if (t.n.id == RA_NO_VREG)
            jit_a64_trap_if(l, t.cc, i->aux);
        else
            jit_a64_trap_if_r(l, t.cc, t.size, t.n, t.bit, i->aux);
    }
}
