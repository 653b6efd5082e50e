/* x64_lower_control.c - compares and what reads their flags: branches, selects, traps, truth
 * values.
 *
 * A compare that is used once is emitted where its flags are read; one that is used more often is
 * repeated there, then without folding loads into it, for they would be done twice. */
#include "backends/x86_64/x64_lower.h"

static const uint8_t int_cc[] = { /* by jit_intcc */
    X64_E, X64_NE, X64_L, X64_GE, X64_LE, X64_G, X64_B, X64_AE, X64_BE, X64_A
};

/* ucomis sets CF on less or unordered, ZF on equal or unordered, PF on unordered (Intel SDM,
 * UCOMISS). */
static const struct { uint8_t cc, swap; } float_cc[] = { /* by jit_floatcc */
    { X64_E_AND_NP, 0 }, { X64_NE_OR_P, 0 }, { X64_NE, 0 }, { X64_E, 0 },
    { X64_A, 1 },  { X64_BE, 1 }, /* lt, uge */
    { X64_AE, 1 }, { X64_B, 1 },  /* le, ugt */
    { X64_A, 0 },  { X64_BE, 0 }, /* gt, ule */
    { X64_AE, 0 }, { X64_B, 0 },  /* ge, ult */
    { X64_NP, 0 }, { X64_P, 0 },  /* ord, uno */
};

/* ---- Setting flags ---- */

/* test of v with itself, or with what it was masked by. */
static void test_value(lower *l, uint32_t v, bool fold)
{
    const ir_inst *d = fold ? jit_lower_fuses(l, v) : NULL;
    unsigned size = bytes_of(l, v);
    int64_t k;

    if (d && d->op == JIT_OP_band) {
        jit_lower_sink(l, d);
        if (is_imm32(l, d->b, &k)) {                 /* (x & k) != 0 */
            x64_rm x = jit_x64_rm_of(l, d->a, size, true);
            /* No bit, nor the sign, is above a byte. */
            bool low = k >= 0 && k < 128 && x.am == MEM_NONE;
            x64_test_i(l, low ? 1 : size, x, k);
        } else {                                     /* (x & y) != 0 */
            vr x = in(l, d->a);
            x64_test(l, size, x, jit_x64_rm_of(l, d->b, size, true));
        }
        return;
    }
    x64_rm rm = jit_x64_rm_of(l, v, size, fold);
    if (rm.am != MEM_NONE)
        x64_cmp_i(l, size, rm, 0);
    else
        x64_test_self(l, size, rm.reg);
}

/* Compares of whole upper halves: x & -(2^32) with h * 2^32 for equality, x with h * 2^32 (or less
 * one) for unsigned order. The half that decides is compared; no constant of 64 bits is needed. */
static bool compare_halves(lower *l, uint32_t x, int64_t k, unsigned *cc)
{
    const ir_inst *d = jit_lower_fuses(l, x);
    bool order = *cc == X64_B || *cc == X64_AE, order_next = *cc == X64_BE || *cc == X64_A;
    int64_t mask;

    if (bytes_of(l, x) != 8 || fits32(k))
        return false;
    if (order_next && (uint32_t)k == UINT32_MAX && k != -1) { /* x <= k is x < k + 1 */
        k = (int64_t)((uint64_t)k + 1);
        *cc = *cc == X64_BE ? X64_B : X64_AE;
        order = true;
    }
    if ((uint32_t)k != 0)
        return false;
    if (*cc == X64_E || *cc == X64_NE) {
        if (!d || d->op != JIT_OP_band || !jit_lower_const(l, d->b, &mask)
            || mask != -((int64_t)1 << 32))
            return false;
        jit_lower_sink(l, d);
        x = d->a;
    } else if (!order) {
        return false;
    }
    vr half = temp(l);
    x64_alu_i(l, X64_shr_i, 8, half, in(l, x), 32);
    x64_cmp_i(l, 4, x64_reg(half), k >> 32);
    return true;
}

/* The condition under which x cc y holds after what is emitted. */
static unsigned compare_ints(lower *l, const ir_inst *d, bool fold)
{
    uint32_t x = d->a, y = d->b;
    unsigned cc = int_cc[d->aux], size = bytes_of(l, x);
    int64_t k;

    if (jit_lower_const(l, x, &k) && !jit_lower_const(l, y, &k)) {
        x = d->b;
        y = d->a;
        cc = jit_x64_swap_cc(cc);
    }
    if (is_imm32(l, y, &k)) {
        if (k == 0)
            test_value(l, x, fold);
        else
            x64_cmp_i(l, size, jit_x64_rm_of(l, x, size, fold), k);
        return cc;
    }
    if (jit_lower_const(l, y, &k) && fold && compare_halves(l, x, k, &cc))
        return cc;
    if (fold && jit_x64_folds_left(l, x, y, size)) {
        uint32_t t = x;
        x = y;
        y = t;
        cc = jit_x64_swap_cc(cc);
    }
    vr left = in(l, x);
    x64_cmp(l, size, left, jit_x64_rm_of(l, y, size, fold));
    return cc;
}

static unsigned compare_floats(lower *l, const ir_inst *d, bool fold)
{
    bool swap = float_cc[d->aux].swap;
    uint32_t x = swap ? d->b : d->a, y = swap ? d->a : d->b;
    unsigned size = bytes_of(l, x);
    vr left = in(l, x);

    x64_ucomis(l, size, left, fold ? jit_x64_frm_of(l, y, size) : x64_reg(in(l, y)));
    return float_cc[d->aux].cc;
}

unsigned jit_x64_condition(lower *l, uint32_t v)
{
    bool alone, inverted;
    const ir_inst *d = jit_rule_truth_of(l, v, &alone, &inverted);

    if (!d) {
        test_value(l, v, true);
        return X64_NE;
    }
    unsigned cc = d->op == JIT_OP_icmp ? compare_ints(l, d, alone) : compare_floats(l, d, alone);
    return inverted ? x64_invert(cc) : cc;
}

/* ---- Truth as a value: 0 or 1 in the whole register ---- */

static void truth_value(lower *l, vr d, unsigned cc)
{
    vr t = temp(l);

    if (cc >= X64_E_AND_NP) {
        vr p = temp(l), both = temp(l);
        bool equal = cc == X64_E_AND_NP;
        x64_setcc(l, equal ? X64_E : X64_NE, t);
        x64_setcc(l, equal ? X64_NP : X64_P, p);
        x64_alu(l, equal ? X64_and : X64_or, 1, both, t, x64_reg(p));
        t = both;
    } else {
        x64_setcc(l, cc, t);
    }
    jit_x64_zx(l, d, 1, x64_reg(t));
}

void jit_x64_lower_icmp(lower *l, const ir_inst *i)
{
    unsigned cc = compare_ints(l, i, true);
    truth_value(l, out(l, i), cc);
}

void jit_x64_lower_fcmp(lower *l, const ir_inst *i)
{
    unsigned cc = compare_floats(l, i, true);
    truth_value(l, out(l, i), cc);
}

/* ---- Select ---- */

/* d = cc ? x : y, all in integer registers; flags are set. */
static void choose(lower *l, unsigned cc, unsigned size, vr d, vr x, vr y)
{
    if (cc == X64_E_AND_NP) { /* x when equal: y on any sign that it is not */
        vr t = jit_lower_temp(l, RC_INT, size);
        x64_cmov(l, X64_NE, size, t, x, x64_reg(y));
        x64_cmov(l, X64_P, size, d, t, x64_reg(y));
    } else if (cc == X64_NE_OR_P) {
        vr t = jit_lower_temp(l, RC_INT, size);
        x64_cmov(l, X64_NE, size, t, y, x64_reg(x));
        x64_cmov(l, X64_P, size, d, t, x64_reg(x));
    } else {
        x64_cmov(l, cc, size, d, y, x64_reg(x));
    }
}

void jit_x64_lower_select(lower *l, const ir_inst *i)
{
    ir_args a = inst_args(l->f, i);
    unsigned size = op_size(i->type), cc;
    vr x = in(l, a.at[1]), y = in(l, a.at[2]);

    if (jit_type_is_int(i->type)) {
        cc = jit_x64_condition(l, a.at[0]);
        choose(l, cc, size, out(l, i), x, y);
        return;
    }
    /* Floats are chosen as bits. */
    vr bx = jit_lower_temp(l, RC_INT, size), by = jit_lower_temp(l, RC_INT, size);
    vr bits = jit_lower_temp(l, RC_INT, size);
    x64_movd_r(l, size, bx, x);
    x64_movd_r(l, size, by, y);
    cc = jit_x64_condition(l, a.at[0]);
    choose(l, cc, size, bits, bx, by);
    x64_sse_r(l, X64_movd, size, out(l, i), x64_reg(bits));
}

/* ---- Control ---- */

/* Out of range goes to the default, which stands behind the entries: the index is clamped, not
 * branched on, so a misprediction cannot read outside the table. */
static void lower_br_table(lower *l, const ir_inst *i)
{
    uint32_t n = jit_inst_target_count(l->f, i) - 1;

    if (jit_rule_one_way(l, i))
        return;
    vr index = in(l, i->a), wide = temp(l), last = temp(l), clamped = temp(l);
    jit_x64_zx(l, wide, 4, x64_reg(index));
    x64_imm(l, last, n);
    x64_cmp_i(l, 4, x64_reg(wide), (int64_t)n);
    x64_cmov(l, X64_A, 8, clamped, wide, x64_reg(last));
    jit_x64_table_jump(l, jit_lower_jump_table(l, l->target_block, n + 1), clamped);
}

void jit_x64_lower_control(lower *l, const ir_inst *i)
{
    unsigned cc;

    switch (i->op) {
    case JIT_OP_brif:
        cc = jit_x64_condition(l, i->a);
        jit_rule_branch(l, cc, l->target_block[0], l->target_block[1]);
        break;
    case JIT_OP_br_table:
        lower_br_table(l, i);
        break;
    case JIT_OP_trap:
        jit_x64_trap(l, i->aux, true);
        break;
    case JIT_OP_debugtrap:
        jit_x64_build(l, X64_int3, 4, 0, NULL, NULL, 0);
        break;
    default: /* trapz, trapnz */
        cc = jit_x64_condition(l, i->a);
        jit_x64_trap_if(l, i->op == JIT_OP_trapz ? x64_invert(cc) : cc, i->aux);
    }
}
