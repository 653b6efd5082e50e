/* a64_lower_bits.c - bitwise operations, bit fields, shifts and rotates, and the counting of
 * bits. */
#include "backends/aarch64/a64_lower.h"

/* ---- Masks ---- */

bool jit_a64_mask_imm(int64_t k, unsigned bytes, uint64_t *imm)
{
    uint64_t low = bytes == 8 ? (uint64_t)k : (uint64_t)k & (((uint64_t)1 << 8 * bytes) - 1);
    uint64_t tries[3] = { low, (uint32_t)k, low * (bytes == 1 ? 0x01010101u : 0x00010001u) };
    unsigned n = bytes < 4 ? 3 : 1;

    for (unsigned j = 0; j < n; j++)
        if (jit_a64_logical_imm(tries[j], bytes == 8 ? 8 : 4, NULL)) {
            *imm = tries[j];
            return true;
        }
    return false;
}

/* k is 2^n - 1 in a type of `bits` bits: n, else 0. */
static unsigned low_ones(int64_t k, unsigned bits)
{
    uint64_t m = bits == 64 ? (uint64_t)k : (uint64_t)k & (((uint64_t)1 << bits) - 1);

    return m != 0 && (m & (m + 1)) == 0 ? 64 - (unsigned)__builtin_clzll(m) : 0;
}

/* The constant of d, an instruction of two operands, masked to its type. */
static bool const_of(const lower *l, const ir_inst *d, uint64_t *k)
{
    int64_t c;
    unsigned bits = jit_type_bits(d->type);

    if (!jit_lower_const(l, d->b, &c))
        return false;
    *k = bits == 64 ? (uint64_t)c : (uint64_t)c & (((uint64_t)1 << bits) - 1);
    return true;
}

/* A shift by a constant below the width that v is, used here alone: *k. */
static const ir_inst *const_shift(const lower *l, uint32_t v, unsigned op, unsigned *k)
{
    const ir_inst *d = jit_lower_fuses(l, v);
    uint64_t n;

    if (!d || d->op != op || !const_of(l, d, &n))
        return NULL;
    *k = (unsigned)n & (jit_type_bits(d->type) - 1);
    return d;
}

/* The and with a constant that v is, used here alone. */
static const ir_inst *const_mask(const lower *l, uint32_t v, uint64_t *mask)
{
    const ir_inst *d = jit_lower_fuses(l, v);

    return d && d->op == JIT_OP_band && const_of(l, d, mask) ? d : NULL;
}

/* ---- Fields: consecutive bits, taken out or put in ---- */

/* A field of x: `width` bits from lsb on, and what is computed on the way to it. */
typedef struct field {
    uint32_t x;
    unsigned size, lsb, width; /* size: of the register that holds x's bits */
    const ir_inst *outer, *inner;
} field;

static void sink_field(lower *l, const field *f)
{
    if (f->outer)
        jit_lower_sink(l, f->outer);
    if (f->inner)
        jit_lower_sink(l, f->inner);
}

/* The low n bits of v: of v itself, or of what a shift by a constant took down, be it of another
 * type. */
static bool low_field(const lower *l, uint32_t v, unsigned n, field *f)
{
    const ir_inst *d = jit_lower_fuses_root(l, v);
    uint64_t k;

    *f = (field){ .x = v, .size = op_size(lower_type(l, v)), .width = n };
    if (!d || (d->op != JIT_OP_ushr && d->op != JIT_OP_sshr) || !const_of(l, d, &k))
        return false;
    unsigned bits = jit_type_bits(d->type);
    k &= bits - 1;
    if (k + n > bits) {
        if (d->op == JIT_OP_sshr)
            return false;
        n = bits - (unsigned)k;
    }
    *f = (field){ d->a, op_size(d->type), (unsigned)k, n, d, NULL };
    return true;
}

/* (x >> k) & (2^n - 1) */
static bool extract(lower *l, const ir_inst *i, uint32_t x, int64_t mask)
{
    unsigned n = low_ones(mask, jit_type_bits(i->type));
    field f;

    if (!n || !low_field(l, x, n, &f))
        return false;
    sink_field(l, &f);
    a64_bits(l, A64_ubfm, f.size, out(l, i), in(l, f.x), f.lsb, f.width);
    return true;
}

bool jit_a64_extended_field(lower *l, const ir_inst *i)
{
    bool is_signed = i->op == JIT_OP_sextend;
    unsigned bits = jit_type_bits(lower_type(l, i->a)), k;
    const ir_inst *d = is_signed ? const_shift(l, i->a, JIT_OP_sshr, &k) : NULL;
    field f;

    if (d)                                                   /* x >> k has its sign already */
        f = (field){ d->a, op_size(i->type), k, bits - k, d, NULL };
    else if (!low_field(l, i->a, bits, &f) || (is_signed && f.width < bits))
        return false;
    if (is_signed && f.size > op_size(i->type)) /* the sign would go on above the type */
        return false;
    sink_field(l, &f);
    if (is_signed)
        a64_bits(l, A64_sbfm, op_size(i->type), out(l, i), in(l, f.x), f.lsb, f.width);
    else
        a64_bits(l, A64_ubfm, f.size, out(l, i), in(l, f.x), f.lsb, f.width);
    return true;
}

/* v is zero but for `width` bits from lsb on (to their top, where the type ends), which are a
 * field of something, used here alone. */
static bool placed_field(const lower *l, uint32_t v, unsigned lsb, unsigned width, field *f)
{
    unsigned bits = jit_type_bits(lower_type(l, v)), k;
    uint64_t mask;
    const ir_inst *d = const_shift(l, v, JIT_OP_ishl, &k), *e;

    if (d) {                                                 /* y << lsb */
        if (k != lsb || !lsb)
            return false;
        e = const_mask(l, d->a, &mask);
        if (e && low_ones((int64_t)mask, bits) == width) {   /* (y & ones) << lsb */
            *f = (field){ e->a, 0, 0, width, d, e };
            return true;
        }
        e = jit_lower_fuses(l, d->a);
        if (e && e->op == JIT_OP_uextend && 8 * bytes_of(l, e->a) == width) {
            *f = (field){ e->a, 0, 0, width, d, e };
            return true;
        }
        *f = (field){ d->a, 0, 0, width, d, NULL };
        return lsb + width == bits || 8 * jit_lower_nonzero(l, d->a) == width;
    }
    if (lsb == 0 && (d = const_shift(l, v, JIT_OP_ushr, &k)) != NULL) { /* y >> k */
        *f = (field){ d->a, 0, k, width, d, NULL };
        return bits - k == width;
    }
    d = const_mask(l, v, &mask);
    if (d) {
        if (low_ones((int64_t)(mask >> lsb), 64) != width || mask >> lsb << lsb != mask)
            return false;
        e = const_shift(l, d->a, lsb ? JIT_OP_ishl : JIT_OP_ushr, &k);
        if (e && lsb == 0 && k + width <= bits) {            /* (y >> k) & ones */
            *f = (field){ e->a, 0, k, width, d, e };
            return true;
        }
        if (e && lsb && k == lsb) {                          /* (y << lsb) & mask */
            *f = (field){ e->a, 0, 0, width, d, e };
            return true;
        }
        *f = (field){ d->a, 0, lsb, width, d, NULL };        /* y & mask, in place */
        return lsb == 0;
    }
    d = jit_lower_fuses(l, v);
    if (d && lsb == 0 && d->op == JIT_OP_uextend && 8 * bytes_of(l, d->a) == width) {
        *f = (field){ d->a, 0, 0, width, d, NULL };
        return true;
    }
    *f = (field){ .x = v, .width = width };
    return lsb == 0 && 8 * jit_lower_nonzero(l, v) == width;
}

/* (x & ~field) | field of y: bfi, bfxil. */
static bool insert(lower *l, const ir_inst *i, uint32_t x, uint32_t y)
{
    unsigned bits = jit_type_bits(i->type), size = op_size(i->type);
    uint64_t mask, ones = bits == 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1, hole;
    const ir_inst *m = const_mask(l, x, &mask);
    field f;

    if (!m || (hole = ~mask & ones) == 0)
        return false;
    unsigned lsb = (unsigned)__builtin_ctzll(hole), width = low_ones((int64_t)(hole >> lsb), 64);
    if (!width || width == bits || !placed_field(l, y, lsb, width, &f))
        return false;
    jit_lower_sink(l, m);
    sink_field(l, &f);
    vr old = in(l, m->a), n = in(l, f.x);
    if (f.lsb)
        a64_bits_low(l, size, out(l, i), old, n, f.lsb, width);
    else
        a64_bits_insert(l, size, out(l, i), old, n, lsb, width);
    return true;
}

/* (x << k) | (y >> (bits - k)): extr. */
static bool join_halves(lower *l, const ir_inst *i, uint32_t x, uint32_t y)
{
    unsigned bits = jit_type_bits(i->type), up, down;
    const ir_inst *high = const_shift(l, x, JIT_OP_ishl, &up), *low = const_shift(l, y, JIT_OP_ushr, &down);

    if (!high || !low || bits < 32 || up + down != bits)
        return false;
    jit_lower_sink(l, high);
    jit_lower_sink(l, low);
    vr n = in(l, high->a);
    a64_extr(l, op_size(i->type), out(l, i), n, in(l, low->a), down);
    return true;
}

static bool lower_fields(lower *l, const ir_inst *i)
{
    uint32_t x = i->a, y = i->b;

    return i->op == JIT_OP_bor
           && (insert(l, i, x, y) || insert(l, i, y, x) || join_halves(l, i, x, y)
               || join_halves(l, i, y, x));
}

/* ---- Bitwise ---- */

static void float_logic(lower *l, const ir_inst *i, unsigned op)
{
    vr x = in(l, i->a);

    a64_fff(l, op, jit_type_bytes(i->type), out(l, i), x, in(l, i->b));
}

typedef struct logic_rows { uint16_t plain, inverted, immediate, vector; } logic_rows;

static logic_rows logic_of(unsigned op)
{
    switch (op) {
    case JIT_OP_band: return (logic_rows){ A64_and, A64_bic, A64_and_i, A64_vand };
    case JIT_OP_bor: return (logic_rows){ A64_orr, A64_orn, A64_orr_i, A64_vorr };
    default: return (logic_rows){ A64_eor, A64_eon, A64_eor_i, A64_veor };
    }
}

const ir_inst *jit_a64_inverse(const lower *l, uint32_t v)
{
    const ir_inst *d = jit_lower_fuses(l, v);

    return d && d->op == JIT_OP_bnot ? d : NULL;
}

static void lower_logic(lower *l, const ir_inst *i)
{
    logic_rows rows = logic_of(i->op);
    uint32_t x = i->a, y = i->b;
    unsigned size = op_size(i->type), may = A64_MAY_SHIFT | A64_MAY_ROTATE;
    uint64_t imm;
    int64_t k;
    a64_fold f;

    if (!jit_type_is_int(i->type)) {
        float_logic(l, i, rows.vector);
        return;
    }
    if ((i->op != JIT_OP_bxor && jit_a64_lower_joined(l, i)) || lower_fields(l, i))
        return;
    if (jit_lower_const(l, x, &k) || (!jit_lower_const(l, y, &k) && !jit_a64_inverse(l, y) && jit_a64_inverse(l, x))) {
        x = i->b;
        y = i->a;
    }
    bool constant = jit_lower_const(l, y, &k);
    if (constant && i->op == JIT_OP_band && extract(l, i, x, k))
        return;
    if (constant && jit_a64_mask_imm(k, jit_type_bytes(i->type), &imm)) {   /* x & k */
        a64_rri(l, rows.immediate, size, out(l, i), in(l, x), imm);
        return;
    }
    unsigned row = rows.plain;
    const ir_inst *n = jit_a64_inverse(l, y);
    if (n) {                                                                /* x & ~y */
        jit_lower_sink(l, n);
        y = n->a;
        row = rows.inverted;
    } else if (!jit_a64_folds(l, y, i->type, may, &f) && jit_a64_folds(l, x, i->type, may, &f)) {
        uint32_t t = x;
        x = y;
        y = t;
    }
    vr left = in(l, x);                                                     /* x & (y << k) */
    jit_a64_op(l, row, size, out(l, i), left, jit_a64_operand_of(l, y, i->type, may));
}

static void lower_bnot(lower *l, const ir_inst *i)
{
    if (!jit_type_is_int(i->type)) {
        a64_ff(l, A64_vnot, jit_type_bytes(i->type), out(l, i), in(l, i->a));
        return;
    }
    unsigned may = A64_MAY_SHIFT | A64_MAY_ROTATE;
    const ir_inst *d = jit_lower_fuses(l, i->a);
    int64_t k;
    if (d && d->op == JIT_OP_bxor && !jit_lower_const(l, d->b, &k)) {       /* ~(x ^ y) */
        jit_lower_sink(l, d);
        vr x = in(l, d->a);
        jit_a64_op(l, A64_eon, op_size(i->type), out(l, i), x, jit_a64_operand_of(l, d->b, i->type, may));
        return;
    }
    a64_operand x = jit_a64_operand_of(l, i->a, i->type, may);
    jit_a64_op(l, A64_orn, op_size(i->type), out(l, i), VR_NONE, x);
}

static void lower_bitselect(lower *l, const ir_inst *i)
{
    ir_args a = inst_args(l->f, i);
    vr c = in(l, a.at[0]), x = in(l, a.at[1]), y = in(l, a.at[2]);
    unsigned size = op_size(i->type);

    if (jit_type_is_int(i->type)) {
        vr kept = temp(l), taken = temp(l);
        a64_rrr(l, A64_and, size, taken, x, c);
        a64_rrr(l, A64_bic, size, kept, y, c);
        a64_rrr(l, A64_orr, size, out(l, i), taken, kept);
    } else {
        a64_select_bits(l, A64_vbsl, size, out(l, i), c, x, y);
    }
}

/* ---- Shifts and rotates ---- */

/* (x extended, or its low bits) << k: ubfiz, sbfiz. */
static bool shift_field_up(lower *l, const ir_inst *i, unsigned k)
{
    unsigned bits = jit_type_bits(i->type), n = 0;
    const ir_inst *d = jit_lower_fuses(l, i->a);
    uint64_t mask;

    if (!d)
        return false;
    if (d->op == JIT_OP_uextend || d->op == JIT_OP_sextend)
        n = jit_type_bits(lower_type(l, d->a));
    else if (d->op == JIT_OP_band && const_of(l, d, &mask))
        n = low_ones((int64_t)mask, bits);
    if (!n || k == 0)
        return false;
    jit_lower_sink(l, d);
    a64_bits_up(l, d->op == JIT_OP_sextend ? A64_sbfm : A64_ubfm, op_size(i->type), out(l, i), in(l, d->a),
                k, n + k > bits ? bits - k : n);
    return true;
}

/* (x extended) >> k, or (x & mask) >> k: ubfx, sbfx. */
static bool shift_field_down(lower *l, const ir_inst *i, unsigned k)
{
    unsigned bits = jit_type_bits(i->type), n = 0;
    const ir_inst *d = jit_lower_fuses(l, i->a);
    bool is_signed = i->op == JIT_OP_sshr;
    uint64_t mask;

    if (!d)
        return false;
    if (d->op == (is_signed ? JIT_OP_sextend : JIT_OP_uextend)) {
        n = jit_type_bits(lower_type(l, d->a));
        n = n > k ? n - k : 0;
    } else if (!is_signed && d->op == JIT_OP_band && const_of(l, d, &mask)) {
        n = low_ones((int64_t)(mask >> k), bits);
    }
    if (!n)
        return false;
    jit_lower_sink(l, d);
    a64_bits(l, is_signed ? A64_sbfm : A64_ubfm, op_size(i->type), out(l, i), in(l, d->a), k, n);
    return true;
}

static void shift_by_const(lower *l, const ir_inst *i, unsigned k)
{
    unsigned bits = jit_type_bits(i->type), size = op_size(i->type), up;
    const ir_inst *left = i->op == JIT_OP_ishl ? NULL : const_shift(l, i->a, JIT_OP_ishl, &up);
    unsigned row = i->op == JIT_OP_sshr ? A64_sbfm : A64_ubfm;

    if (i->op == JIT_OP_ishl) {
        if (!shift_field_up(l, i, k))
            a64_lsl_i(l, size, out(l, i), in(l, i->a), k);
    } else if (left && up <= k) {           /* (x << up) >> k: a field moved down ... */
        jit_lower_sink(l, left);
        a64_bits(l, row, size, out(l, i), in(l, left->a), k - up, bits - k);
    } else if (left) {                      /* ... or up */
        jit_lower_sink(l, left);
        a64_bits_up(l, row, size, out(l, i), in(l, left->a), up - k, bits - up);
    } else if (!shift_field_down(l, i, k)) { /* a narrow value is a field, too */
        a64_bits(l, row, size, out(l, i), in(l, i->a), k, bits - k);
    }
}

/* The value shifted: right shifts bring in what is above a narrow one. */
static vr shifted_value(lower *l, const ir_inst *i)
{
    return i->op == JIT_OP_ushr ? jit_a64_zero_extended(l, i->a)
           : i->op == JIT_OP_sshr ? jit_a64_sign_extended(l, i->a) : in(l, i->a);
}

static void lower_shift(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    unsigned row = i->op == JIT_OP_ishl ? A64_lslv : i->op == JIT_OP_ushr ? A64_lsrv : A64_asrv;
    int64_t k;

    if (jit_lower_const(l, i->b, &k)) {
        shift_by_const(l, i, (unsigned)k & (8 * bytes - 1));
        return;
    }
    vr count = in(l, i->b);
    if (bytes < 4) { /* the machine counts modulo 32 */
        vr masked = jit_lower_temp(l, RC_INT, 4);
        a64_rri(l, A64_and_i, 4, masked, count, 8 * bytes - 1);
        count = masked;
    }
    vr x = shifted_value(l, i);
    a64_rrr(l, row, size, out(l, i), x, count);
}

/* A narrow value over and over in 32 bits: rotating these rotates it. */
static vr repeated(lower *l, uint32_t v)
{
    unsigned bytes = bytes_of(l, v);
    vr x = jit_a64_zero_extended(l, v);

    for (unsigned n = bytes; n < 4; n *= 2) {
        vr t = temp(l);
        a64_shifted(l, A64_orr, 4, t, x, x, A64_LSL, 8 * n);
        x = t;
    }
    return x;
}

/* Bytes swapped, then halves: bytes swapped in each half. */
static bool swap_in_halves(lower *l, const ir_inst *i)
{
    unsigned bits = jit_type_bits(i->type);
    const ir_inst *d = jit_lower_fuses(l, i->a);
    uint64_t k;

    if (bits < 32 || !const_of(l, i, &k) || (k & (bits - 1)) != bits / 2 || !d || d->op != JIT_OP_bswap)
        return false;
    jit_lower_sink(l, d);
    a64_rr(l, bits == 32 ? A64_rev16 : A64_rev32, bits / 8, out(l, i), in(l, d->a));
    return true;
}

static void lower_rotate(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type), mask = 8 * bytes - 1;

    if (swap_in_halves(l, i))
        return;
    vr x = bytes < 4 ? repeated(l, i->a) : in(l, i->a);
    int64_t k;

    if (jit_lower_const(l, i->b, &k)) {
        unsigned right = (unsigned)(i->op == JIT_OP_rotr ? (uint64_t)k : -(uint64_t)k) & mask;
        a64_ror_i(l, size, out(l, i), x, right);
        return;
    }
    vr count = in(l, i->b);
    if (i->op == JIT_OP_rotl) {
        vr right = jit_lower_temp(l, RC_INT, 4);
        a64_neg(l, 4, right, count);
        count = right;
    }
    a64_rrr(l, A64_rorv, size, out(l, i), x, count);
}

/* ---- Counting ---- */

static void lower_clz(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type);
    bool is_signed = i->op == JIT_OP_cls;
    unsigned row = is_signed ? A64_cls : A64_clz;
    vr x = is_signed ? jit_a64_sign_extended(l, i->a) : jit_a64_zero_extended(l, i->a);

    if (bytes >= 4) {
        a64_rr(l, row, op_size(i->type), out(l, i), x);
    } else {
        vr n = temp(l);
        a64_rr(l, row, 4, n, x);
        a64_rri(l, A64_sub_i, 4, out(l, i), n, 32 - 8 * bytes);
    }
}

static void lower_ctz(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    vr x = in(l, i->a), reversed = temp(l);

    if (bytes < 4) { /* a bit above stops the count */
        vr stopped = temp(l);
        a64_rri(l, A64_orr_i, 4, stopped, x, (uint64_t)1 << 8 * bytes);
        x = stopped;
    }
    a64_rr(l, A64_rbit, size, reversed, x);
    a64_rr(l, A64_clz, size, out(l, i), reversed);
}

/* The vector unit counts by bytes; their sum is at most 64. */
static void lower_popcnt(lower *l, const ir_inst *i)
{
    vr x = jit_a64_zero_extended8(l, i->a), bits = ftemp(l), counts = ftemp(l), sum = ftemp(l);

    a64_fmov_bits(l, A64_fmov_to, 8, bits, x);
    a64_ff(l, A64_cnt, 8, counts, bits);
    a64_ff(l, A64_addv, 8, sum, counts);
    a64_fmov_bits(l, A64_fmov_of, op_size(i->type), out(l, i), sum);
}

static void lower_bswap(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type);

    a64_rr(l, bytes == 2 ? A64_rev16 : A64_rev, op_size(i->type), out(l, i), in(l, i->a));
}

/* A narrow value ends up on top. */
static void lower_bitrev(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type);

    if (bytes >= 4) {
        a64_rr(l, A64_rbit, bytes, out(l, i), in(l, i->a));
    } else {
        vr reversed = temp(l);
        a64_rr(l, A64_rbit, 4, reversed, in(l, i->a));
        a64_lsr_i(l, 4, out(l, i), reversed, 32 - 8 * bytes);
    }
}

static void lower_bmask(lower *l, const ir_inst *i)
{
    unsigned cc = jit_a64_condition(l, i->a), size = op_size(i->type);

    if (cc == A64_UEQ || cc == A64_ONE) {
        vr first = jit_lower_temp(l, RC_INT, size), ones = jit_lower_temp(l, RC_INT, size);
        a64_csetm(l, cc == A64_ONE ? A64_MI : A64_EQ, size, first);
        a64_csetm(l, cc == A64_ONE ? A64_GT : A64_VS, size, ones);
        a64_rrr(l, A64_orr, size, out(l, i), first, ones);
    } else {
        a64_csetm(l, cc, size, out(l, i));
    }
}

/* ---- Halves ---- */

static void lower_isplit(lower *l, const ir_inst *i)
{
    vr x = in(l, i->a);

    if (jit_lower_result_used(l, i, 0))
        jit_lower_move(l, out(l, i), x, 4, RC_INT);
    if (jit_lower_result_used(l, i, 1))
        a64_lsr_i(l, op_size(i->type), jit_lower_out(l, i, 1), x, jit_type_bits(i->type) / 2);
}

static void lower_iconcat(lower *l, const ir_inst *i)
{
    unsigned half = jit_type_bytes(i->type), size = half == 4 ? 8 : 4;
    vr low = jit_a64_zero_extended8(l, i->a), high = half == 4 ? jit_a64_zero_extended8(l, i->b)
                                                               : in(l, i->b);

    a64_shifted(l, A64_orr, size, out(l, i), low, high, A64_LSL, 8 * half);
}

void jit_a64_lower_bits(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_isplit: lower_isplit(l, i); break;
    case JIT_OP_iconcat: lower_iconcat(l, i); break;
    case JIT_OP_band:
    case JIT_OP_bor:
    case JIT_OP_bxor: lower_logic(l, i); break;
    case JIT_OP_bnot: lower_bnot(l, i); break;
    case JIT_OP_bitselect: lower_bitselect(l, i); break;
    case JIT_OP_bmask: lower_bmask(l, i); break;
    case JIT_OP_clz:
    case JIT_OP_cls: lower_clz(l, i); break;
    case JIT_OP_ctz: lower_ctz(l, i); break;
    case JIT_OP_popcnt: lower_popcnt(l, i); break;
    case JIT_OP_bswap: lower_bswap(l, i); break;
    case JIT_OP_bitrev: lower_bitrev(l, i); break;
    case JIT_OP_rotl:
    case JIT_OP_rotr: lower_rotate(l, i); break;
    default: lower_shift(l, i);
    }
}
