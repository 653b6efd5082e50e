/* a64_lower_compare.c - compares, alone and joined by and and or: what sets flags, and truth
 * values.
 *
 * A compare that is used once is emitted where its flags are read; one that is used more often
 * is repeated there, then without folding anything into it, for that would be done twice.
 *
 * Compares joined by band and bor become one run of conditional compares: each is made only if
 * those before it have not decided yet, else it sets the flags so that its own condition says
 * what they decided. So the run's outcome is always the last one's condition. Of the operands of
 * a junction at most one may be a junction of the other kind, which then goes first. */
#include "backends/aarch64/a64_lower.h"

const uint8_t jit_a64_int_cc[] = { /* by jit_intcc */
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

/* What is tested of a mask's operand: bits that a shift by a constant took down stand higher in
 * x. */
static bool unshifted(const lower *l, uint32_t v, a64_mask *m)
{
    const ir_inst *d = jit_lower_fuses_root(l, v);
    int64_t k;

    if (!d || (d->op != JIT_OP_ushr && d->op != JIT_OP_sshr) || !jit_lower_const(l, d->b, &k))
        return false;
    unsigned bits = jit_type_bits(d->type), by = (unsigned)k & (bits - 1);
    uint64_t imm = m->imm << by;
    if (imm >> by != m->imm || (bits < 64 && imm >> bits)
        || !jit_a64_logical_imm(imm, bits == 64 ? 8 : 4, NULL))
        return false;
    m->shift = d;
    m->x = d->a;
    m->imm = imm;
    m->size = bits == 64 ? 8 : 4;
    return true;
}

bool jit_a64_masked(const lower *l, uint32_t v, a64_mask *m)
{
    const ir_inst *d = jit_lower_fuses(l, v);
    unsigned bytes = bytes_of(l, v);
    int64_t k;

    if (!d || d->op != JIT_OP_band)
        return false;
    *m = (a64_mask){ .and = d, .x = d->a, .size = bytes == 8 ? 8 : 4 };
    m->constant = jit_lower_const(l, d->b, &k);
    if (!m->constant)
        return bytes >= 4;
    m->imm = bytes == 8 ? (uint64_t)k : (uint64_t)k & (((uint64_t)1 << 8 * bytes) - 1);
    return unshifted(l, d->a, m) || jit_a64_logical_imm(m->imm, m->size, NULL);
}

void jit_a64_sink_mask(lower *l, const a64_mask *m)
{
    jit_lower_sink(l, m->and);
    if (m->shift)
        jit_lower_sink(l, m->shift);
}

static vr taken_inverse(lower *l, uint32_t v)
{
    const ir_inst *d = jit_a64_inverse(l, v);

    jit_lower_sink(l, d);
    return in(l, d->a);
}

void jit_a64_test_value(lower *l, uint32_t v, bool fold)
{
    unsigned bytes = bytes_of(l, v), size = bytes == 8 ? 8 : 4;
    a64_mask m;

    if (fold && jit_a64_masked(l, v, &m)) {
        jit_a64_sink_mask(l, &m);
        vr x = in(l, m.x);
        if (m.constant)                                      /* (x & k) != 0 */
            a64_tst_i(l, m.size, x, m.imm);
        else if (jit_a64_inverse(l, m.and->b))               /* (x & ~y) != 0 */
            a64_rrr(l, A64_bics, m.size, VR_NONE, x, taken_inverse(l, m.and->b));
        else                                                 /* (x & (y << k)) != 0 */
            jit_a64_op(l, A64_ands, m.size, VR_NONE, x,
                       jit_a64_operand_of(l, m.and->b, m.and->type, A64_MAY_SHIFT | A64_MAY_ROTATE));
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

/* x cc y, of 4 or 8 bytes: an operand that the machine shifts or extends comes second. */
static unsigned compare_folded(lower *l, uint32_t x, uint32_t y, unsigned cc)
{
    unsigned bytes = bytes_of(l, x), may = A64_MAY_SHIFT | A64_MAY_EXTEND;
    jit_type t = lower_type(l, x);
    const ir_inst *d = jit_lower_fuses(l, y);
    a64_fold f;

    if ((cc == A64_EQ || cc == A64_NE) && d && d->op == JIT_OP_ineg) {   /* x == -z */
        jit_lower_sink(l, d);
        vr left = in(l, x);
        a64_rrr(l, A64_adds, bytes, VR_NONE, left, in(l, d->a));
        return cc;
    }
    if (!jit_a64_folds(l, y, t, may, &f) && jit_a64_folds(l, x, t, may, &f)) {
        uint32_t swap = x;
        x = y;
        y = swap;
        cc = jit_a64_swap_cc(cc);
    }
    vr left = in(l, x);                                      /* x cc (y << k) */
    jit_a64_op(l, A64_subs, bytes, VR_NONE, left, jit_a64_operand_of(l, y, t, may));
    return cc;
}

/* The condition under which x cc y holds after what is emitted. */
static unsigned compare_ints(lower *l, const ir_inst *d, bool fold)
{
    uint32_t x = d->a, y = d->b;
    unsigned cc = jit_a64_int_cc[d->aux], bytes = bytes_of(l, x);
    int64_t k;

    if (jit_lower_const(l, x, &k) && !jit_lower_const(l, y, &k)) {
        x = d->b;
        y = d->a;
        cc = jit_a64_swap_cc(cc);
    }
    bool constant = jit_lower_const(l, y, &k), by_zero = constant && k == 0;
    if (by_zero && (cc == A64_EQ || cc == A64_NE || (bytes >= 4 && is_signed_cc(cc)))) {
        jit_a64_test_value(l, x, fold);
    } else if (bytes < 4) {
        compare_narrow(l, x, y, is_signed_cc(cc), fold);
    } else if (constant) {
        compare_const(l, bytes, in(l, x), k);
    } else if (fold) {
        cc = compare_folded(l, x, y, cc);
    } else {
        vr left = in(l, x);
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

static bool is_compare(const ir_inst *d)
{
    return d->op == JIT_OP_icmp || d->op == JIT_OP_fcmp;
}

unsigned jit_a64_flags_of(lower *l, const ir_inst *d, bool alone, bool inverted)
{
    unsigned cc = d->op == JIT_OP_icmp ? compare_ints(l, d, alone) : compare_floats(l, d);

    return inverted ? a64_invert(cc) : cc;
}

/* ---- Junctions ---- */

enum { MAX_TERMS = 8, MAX_DEPTH = 4, MAX_FOLDED = 32 };

/* A compare, or a value that is 0 or 1 in a register. */
typedef struct term {
    uint32_t v;
    const ir_inst *compare; /* NULL: the register */
    bool inverted;
    bool alone;             /* compare is used here only, and what it is made of may be folded */
    bool either;            /* joined to the terms behind it in the list by or, else by and */
} term;

/* The terms of a junction, the first one to be tested last. */
typedef struct junction {
    term at[MAX_TERMS];
    const ir_inst *folded[MAX_FOLDED]; /* computed by it; room is kept for a compare of each term */
    unsigned n, nfolded, ncompares;
} junction;

static bool is_joint(const ir_inst *d)
{
    return d->op == JIT_OP_band || d->op == JIT_OP_bor;
}

/* v is 0 or 1. */
static bool is_truth(const lower *l, uint32_t v, unsigned depth)
{
    const ir_inst *d = jit_lower_def(l, v);

    if (!d || d->c != lower_root(l, v))
        return false;
    if (is_compare(d))
        return true;
    return depth > 0 && is_joint(d) && is_truth(l, d->a, depth - 1) && is_truth(l, d->b, depth - 1);
}

static bool has_room(const junction *j)
{
    return j->nfolded < MAX_FOLDED - MAX_TERMS;
}

/* The junction of truths that v is after compares with zero, used here alone; they join
 * `folded`. */
static const ir_inst *joint_of(const lower *l, term *t, junction *j)
{
    unsigned nfolded = j->nfolded;
    term x = *t;
    const ir_inst *d;
    int64_t k;

    while ((d = jit_lower_fuses_root(l, x.v)) != NULL && has_room(j)) {
        j->folded[j->nfolded++] = d;
        if (is_joint(d) && is_truth(l, d->a, MAX_DEPTH) && is_truth(l, d->b, MAX_DEPTH)) {
            *t = x;
            return d;
        }
        if (d->op != JIT_OP_icmp || d->aux > JIT_NE || !jit_lower_const(l, d->b, &k) || k != 0)
            break;
        x.inverted ^= d->aux == JIT_EQ;
        x.v = d->a;
    }
    j->nfolded = nfolded;
    return NULL;
}

/* One instruction sets flags by which it holds: all but two conditions of floats. */
static bool is_single(const ir_inst *d)
{
    return d->op != JIT_OP_fcmp || (d->aux != JIT_FONE && d->aux != JIT_FUEQ);
}

/* Whether the run's first compare does it better than a conditional one: it tests bits, or takes a
 * second operand that is shifted or extended, or zero of a float. */
static bool wants_first(const lower *l, const term *t)
{
    const ir_inst *d = t->compare;
    a64_mask m;
    a64_fold f;
    uint64_t bits;
    int64_t k;

    if (!d || !t->alone)
        return false;
    if (d->op == JIT_OP_fcmp)
        return jit_lower_fconst(l, d->b, &bits);
    if (jit_lower_const(l, d->b, &k))
        return k == 0 ? jit_a64_masked(l, d->a, &m) : k > 31 || k < -31;
    return bytes_of(l, d->a) < 4
           || jit_a64_folds(l, d->b, lower_type(l, d->a), A64_MAY_SHIFT | A64_MAY_EXTEND, &f);
}

static void add_term(const lower *l, junction *j, term t, bool either)
{
    const ir_inst *d = jit_lower_fuses_root(l, t.v), *x;

    t.alone = d != NULL;
    while (d && has_room(j) && (x = jit_rule_inner_truth(l, d, true, &t.inverted)) != NULL) {
        j->folded[j->nfolded++] = d;
        t.v = d->a;
        d = x;
    }
    if (!d)
        d = jit_lower_repeats(l, t.v);
    if (d && is_compare(d) && is_single(d) && (t.alone || bytes_of(l, d->a) >= 4)) {
        t.compare = d;
        j->ncompares++;
        if (t.alone)
            j->folded[j->nfolded++] = d;
    }
    t.either = either;
    j->at[j->n++] = t;
}

/* What `d`, or its inverse, joins. What does not fit any more is left in registers. The kinds of
 * nested junctions alternate, so that each level has but one further in. */
static void collect(const lower *l, junction *j, const ir_inst *d, bool inverted)
{
    while (d) {
        bool either = (d->op == JIT_OP_bor) != inverted;
        const ir_inst *nested = NULL, *todo[MAX_TERMS];
        bool flips[MAX_TERMS], nested_flip = false;
        unsigned n = 0, first = j->n;

        todo[n] = d;
        flips[n++] = inverted;
        while (n > 0) {
            d = todo[--n];
            inverted = flips[n];
            for (unsigned k = 0; k < 2; k++) {
                term t = { .v = k ? d->b : d->a, .inverted = inverted };
                /* Each junction that waits needs two places at least, the other operand here
                 * one. */
                unsigned taken = j->n + 2 * n + (nested ? 2 : 0) + (k ? 0 : 1);
                const ir_inst *x = taken + 2 <= MAX_TERMS ? joint_of(l, &t, j) : NULL;
                if (x && ((x->op == JIT_OP_bor) != t.inverted) == either) {
                    flips[n] = t.inverted;
                    todo[n++] = x;
                } else if (x && !nested) {
                    nested = x;
                    nested_flip = t.inverted;
                } else {
                    if (x) /* a second one of the other kind: by its register */
                        j->nfolded--;
                    add_term(l, j, t, either);
                }
            }
        }
        for (unsigned k = first; k + 1 < j->n && !nested; k++) /* the last one is tested first */
            if (wants_first(l, &j->at[k])) {
                term t = j->at[k];
                j->at[k] = j->at[j->n - 1];
                j->at[j->n - 1] = t;
                break;
            }
        d = nested;
        inverted = nested_flip;
    }
}
/* Flags under which cc holds. */
static unsigned flags_for(unsigned cc)
{
    switch (cc) {
    case A64_EQ: case A64_LE: return A64_FLAG_Z;
    case A64_HS: case A64_HI: return A64_FLAG_C;
    case A64_MI: case A64_LT: return A64_FLAG_N;
    case A64_VS: return A64_FLAG_V;
    default: return 0; /* NE LO PL VC LS GE GT */
    }
}

/* x - y or x - k if `when` holds, else flags. */
static void compare_if(lower *l, const term *t, unsigned when, unsigned nzcv, uint32_t x, uint32_t y,
                       bool is_signed)
{
    unsigned bytes = bytes_of(l, x), size = bytes == 8 ? 8 : 4;
    vr left = bytes < 4 ? widened(l, x, is_signed, t->alone) : in(l, x), right;
    int64_t k;

    if (jit_lower_const(l, y, &k)) {
        if (bytes < 4 && !is_signed)
            k = bytes == 1 ? (uint8_t)k : (uint16_t)k;
        if (k >= -31 && k <= 31) {
            a64_ccmp_i(l, k < 0 ? A64_ccmn_i : A64_ccmp_i, when, size, left,
                       (unsigned)(k < 0 ? -k : k), nzcv);
            return;
        }
        right = temp(l);
        jit_a64_imm(l, right, size == 4 ? (uint32_t)k : (uint64_t)k);
    } else {
        right = bytes < 4 ? widened(l, y, is_signed, t->alone) : in(l, y);
    }
    a64_ccmp(l, A64_ccmp, when, size, left, right, nzcv);
}

/* The term's condition, when those before it have left it to it: `when`. */
static unsigned test_if(lower *l, const term *t, unsigned when)
{
    const ir_inst *d = t->compare;
    int64_t k;
    unsigned cc = !d ? A64_NE : d->op == JIT_OP_icmp ? jit_a64_int_cc[d->aux] : float_cc[d->aux];
    bool swap = d && d->op == JIT_OP_icmp && jit_lower_const(l, d->a, &k) && !jit_lower_const(l, d->b, &k);

    if (swap)
        cc = jit_a64_swap_cc(cc);
    if (t->inverted)
        cc = a64_invert(cc);
    unsigned nzcv = flags_for(t->either ? cc : a64_invert(cc));
    if (!d) {
        a64_ccmp_i(l, A64_ccmp_i, when, bytes_of(l, t->v) == 8 ? 8 : 4, jit_a64_zero_extended(l, t->v), 0,
                   nzcv);
    } else if (d->op == JIT_OP_icmp) {
        compare_if(l, t, when, nzcv, swap ? d->b : d->a, swap ? d->a : d->b, is_signed_cc(cc));
    } else {
        vr x = in(l, d->a);
        a64_fccmp(l, when, bytes_of(l, d->a), x, in(l, d->b), nzcv);
    }
    return cc;
}

/* Tests all terms, and returns the condition under which they hold together. */
static unsigned test_all(lower *l, const junction *j)
{
    const term *t = &j->at[j->n - 1];
    unsigned cc;

    for (unsigned k = 0; k < j->nfolded; k++)
        jit_lower_sink(l, j->folded[k]);
    if (t->compare) {
        cc = jit_a64_flags_of(l, t->compare, t->alone, t->inverted);
    } else {
        jit_a64_test_value(l, t->v, false);
        cc = t->inverted ? A64_EQ : A64_NE;
    }
    for (unsigned k = j->n - 1; k-- > 0;)
        cc = test_if(l, &j->at[k], j->at[k].either ? a64_invert(cc) : cc);
    return cc;
}

bool jit_a64_joined(lower *l, uint32_t v, unsigned *cc)
{
    term t = { .v = v };
    junction j;

    j.n = j.nfolded = j.ncompares = 0;
    const ir_inst *d = joint_of(l, &t, &j);
    if (!d)
        return false;
    collect(l, &j, d, t.inverted);
    if (j.ncompares == 0)
        return false;
    *cc = test_all(l, &j);
    return true;
}

bool jit_a64_lower_joined(lower *l, const ir_inst *i)
{
    junction j;

    if (!is_truth(l, i->a, MAX_DEPTH) || !is_truth(l, i->b, MAX_DEPTH))
        return false;
    j.n = j.nfolded = j.ncompares = 0;
    collect(l, &j, i, false);
    if (j.ncompares < 2)
        return false;
    unsigned cc = test_all(l, &j);
    jit_a64_truth_value(l, out(l, i), cc);
    return true;
}

unsigned jit_a64_condition(lower *l, uint32_t v)
{
    bool alone, inverted;
    unsigned cc;

    if (jit_a64_joined(l, v, &cc))
        return cc;
    const ir_inst *d = jit_rule_truth_of(l, v, &alone, &inverted);
    if (d)
        return jit_a64_flags_of(l, d, alone, inverted);
    jit_a64_test_value(l, v, true);
    return A64_NE;
}

/* d = cc ? 1 : 0 */
void jit_a64_truth_value(lower *l, vr d, unsigned cc)
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

/* One bit, as it is: the sign, or the one that a mask leaves. */
static bool lower_bit(lower *l, const ir_inst *i)
{
    unsigned bits = jit_type_bits(lower_type(l, i->a));
    a64_mask m;
    int64_t k;

    if (!jit_lower_const(l, i->b, &k) || k != 0)
        return false;
    if (i->aux == JIT_SLT) {                                 /* x < 0 */
        a64_bits(l, A64_ubfm, op_size(lower_type(l, i->a)), out(l, i), in(l, i->a), bits - 1, 1);
        return true;
    }
    if (i->aux != JIT_NE || !jit_a64_masked(l, i->a, &m) || !m.constant || m.imm & (m.imm - 1))
        return false;
    jit_a64_sink_mask(l, &m);                                /* (x & 2^n) != 0 */
    a64_bits(l, A64_ubfm, m.size, out(l, i), in(l, m.x), (unsigned)__builtin_ctzll(m.imm), 1);
    return true;
}

void jit_a64_lower_icmp(lower *l, const ir_inst *i)
{
    if (lower_bit(l, i))
        return;
    unsigned cc = compare_ints(l, i, true);

    jit_a64_truth_value(l, out(l, i), cc);
}

void jit_a64_lower_fcmp(lower *l, const ir_inst *i)
{
    unsigned cc = compare_floats(l, i);

    jit_a64_truth_value(l, out(l, i), cc);
}
