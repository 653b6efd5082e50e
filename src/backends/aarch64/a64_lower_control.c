/* a64_lower_control.c - what reads a condition: branches, checks, selects, jumps through tables.
 *
 * Branches and checks on zero, a sign or one bit read the register; all others read flags. */
#include "backends/aarch64/a64_lower.h"

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
    a64_mask m;
    bool masked = fold && jit_a64_masked(l, v, &m);
    unsigned bytes = bytes_of(l, v);

    if (masked && m.constant && (m.imm & (m.imm - 1)) == 0) { /* (x & 2^n) != 0 */
        jit_a64_sink_mask(l, &m);
        return test_bit(l, m.x, (unsigned)__builtin_ctzll(m.imm), !zero);
    }
    if (!masked && (bytes >= 4 || jit_a64_is_zero_above(l, v))) {
        a64_test t = { zero ? A64_CBZ : A64_CBNZ, bytes == 8 ? 8 : 4, 0, VR_NONE };
        t.n = jit_a64_zero_extended(l, v);
        return t;
    }
    jit_a64_test_value(l, v, fold);
    return test_flags(zero ? A64_EQ : A64_NE);
}

/* A compare whose outcome stands in a register: with zero, or of a sign. */
static bool reads_register(lower *l, const ir_inst *d, bool alone, bool inverted, a64_test *t)
{
    unsigned cc;
    int64_t k;

    if (d->op != JIT_OP_icmp || !jit_lower_const(l, d->b, &k))
        return false;
    cc = jit_a64_int_cc[d->aux];
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
    unsigned cc;
    a64_test t;

    if (jit_a64_joined(l, v, &cc))
        return test_flags(cc);
    const ir_inst *d = jit_rule_truth_of(l, v, &alone, &inverted);
    if (!d)
        return test_zero(l, v, false, true);
    if (reads_register(l, d, alone, inverted, &t))
        return t;
    return test_flags(jit_a64_flags_of(l, d, alone, inverted));
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

/* The condition of flags under which c holds: where there are two, they become one. */
static unsigned single_condition(lower *l, uint32_t c)
{
    unsigned cc = jit_a64_condition(l, c);

    if (cc == A64_ONE || cc == A64_UEQ) {
        vr t = temp(l);
        jit_a64_truth_value(l, t, cc);
        a64_cmp_i(l, 4, t, 0);
        cc = A64_NE;
    }
    return cc;
}

/* Zero is a register of its own. */
static vr chosen(lower *l, uint32_t v)
{
    int64_t k;

    return jit_lower_const(l, v, &k) && k == 0 ? VR_NONE : in(l, v);
}

/* c ? 1 : 0, c ? -1 : 0, c ? k + 1 : k, and the like: without a second constant. */
static bool select_constants(lower *l, const ir_inst *i, uint32_t c, uint32_t x, uint32_t y)
{
    unsigned size = op_size(i->type), cc, row;
    uint64_t mask = size == 8 ? UINT64_MAX : UINT32_MAX, k, m;
    int64_t a, b;

    if (!jit_lower_const(l, x, &a) || !jit_lower_const(l, y, &b))
        return false;
    k = (uint64_t)a & mask;
    m = (uint64_t)b & mask;
    if (k == 1 && m == 0) {
        cc = jit_a64_condition(l, c);
        jit_a64_truth_value(l, out(l, i), cc);
        return true;
    }
    bool inverse = (k ^ m) == mask, above = ((k + 1) & mask) == m, below = ((m + 1) & mask) == k;
    if (!inverse && !above && !below && ((k + m) & mask) != 0)
        return false;
    bool swap = inverse ? m == 0 : below && !above; /* the second one is what stays as it is */
    row = inverse && (k == 0 || m == 0) ? A64_csinv : above || below ? A64_csinc
          : inverse ? A64_csinv : A64_csneg;
    uint64_t from = swap ? m : k;
    vr base = VR_NONE;
    if (from) {
        base = jit_lower_temp(l, RC_INT, size);
        jit_a64_imm(l, base, from);
    }
    cc = single_condition(l, c);
    a64_csel(l, row, swap ? a64_invert(cc) : cc, size, out(l, i), base, base);
    return true;
}

static void select_ints(lower *l, const ir_inst *i, uint32_t c, uint32_t x, uint32_t y)
{
    unsigned size = op_size(i->type), cc, row;

    if (select_constants(l, i, c, x, y))
        return;
    row = changed(l, &y);
    bool swap = row == A64_csel && (row = changed(l, &x)) != A64_csel;
    vr then = chosen(l, x), other = chosen(l, y);
    if (row == A64_csel) {
        cc = jit_a64_condition(l, c);
        choose(l, row, cc, size, out(l, i), then, other);
        return;
    }
    cc = single_condition(l, c);
    if (swap) {                                              /* c ? x + 1 : y */
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
