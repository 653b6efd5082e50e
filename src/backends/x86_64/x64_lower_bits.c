/* x64_lower_bits.c - bitwise operations, shifts and rotates, and the counting of bits. */
#include "backends/x86_64/x64_lower.h"

/* ---- Bitwise ---- */

static void float_logic(lower *l, const ir_inst *i, unsigned op)
{
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, i->a);

    x64_sse(l, op, size, out(l, i), x, x64_reg(in(l, i->b)));
}

/* x & (2^8 - 1), x & (2^16 - 1), x & (2^32 - 1) */
static unsigned mask_bytes(jit_type t, int64_t k)
{
    uint64_t m = (uint64_t)k;
    return m == 0xff ? 1 : m == 0xffff ? 2 : m == 0xffffffff && t == JIT_I64 ? 4 : 0;
}

/* The shift that clears what a wide mask clears, when it is one run of ones at either end: then two
 * shifts are shorter than the mask in a register. */
static unsigned run_of_ones(int64_t k, bool *high)
{
    uint64_t m = (uint64_t)k;

    *high = k < 0;
    if (k < 0)
        return (~m & (~m + 1)) == 0 ? (unsigned)__builtin_ctzll(m) : 0;
    return (m & (m + 1)) == 0 ? (unsigned)__builtin_clzll(m) : 0;
}

static void mask_by_shifts(lower *l, const ir_inst *i, uint32_t x, unsigned n, bool high)
{
    vr t = temp(l);

    x64_alu_i(l, high ? X64_shr_i : X64_shl_i, 8, t, in(l, x), n);
    x64_alu_i(l, high ? X64_shl_i : X64_shr_i, 8, out(l, i), t, n);
}

static void lower_band(lower *l, const ir_inst *i, uint32_t x, uint32_t y)
{
    unsigned size = op_size(i->type);
    const ir_inst *n;
    bool high;
    unsigned shift;
    int64_t k;

    if (jit_lower_const(l, y, &k) && jit_type_bytes(i->type) >= 4 && mask_bytes(i->type, k)) {
        jit_x64_zx(l, out(l, i), mask_bytes(i->type, k), x64_reg(in(l, x))); /* x & 0xff */
    } else if (is_imm32(l, y, &k)) {                                         /* x & k */
        x64_alu_i(l, X64_and_i, k >= 0 ? 4 : size, out(l, i), in(l, x), k);
    } else if (jit_lower_const(l, y, &k) && (shift = run_of_ones(k, &high)) != 0) {
        mask_by_shifts(l, i, x, shift, high); /* x & -(2^n), x & (2^n - 1) */
    } else if (has(l, JIT_X86_BMI1) && (n = jit_lower_fuses(l, y)) && n->op == JIT_OP_bnot) {
        jit_lower_sink(l, n);                                                /* x & ~z */
        vr z = in(l, n->a);
        x64_andn(l, size, out(l, i), z, jit_x64_rm_of(l, x, size, true));
    } else {                                                                 /* x & y */
        vr left = in(l, x);
        x64_alu(l, X64_and, size, out(l, i), left, jit_x64_rm_of(l, y, size, true));
    }
}

static void lower_logic(lower *l, const ir_inst *i)
{
    static const uint16_t rows[3][3] = { { X64_and, X64_and_i, X64_andp },
                                         { X64_or, X64_or_i, X64_orp },
                                         { X64_xor, X64_xor_i, X64_xorp } };
    const uint16_t *row = rows[i->op == JIT_OP_band ? 0 : i->op == JIT_OP_bor ? 1 : 2];
    uint32_t x = i->a, y = i->b;
    unsigned size = op_size(i->type);
    int64_t k;

    if (!jit_type_is_int(i->type)) {
        float_logic(l, i, row[2]);
        return;
    }
    const ir_inst *n = jit_lower_fuses(l, x);
    if (jit_lower_const(l, x, &k) || (n && n->op == JIT_OP_bnot)
        || jit_x64_folds_left(l, x, y, size)) {
        x = i->b;
        y = i->a;
    }
    if (i->op == JIT_OP_band) {
        lower_band(l, i, x, y);
    } else if (is_imm32(l, y, &k)) {
        x64_alu_i(l, row[1], size, out(l, i), in(l, x), k);
    } else {
        vr left = in(l, x);
        x64_alu(l, row[0], size, out(l, i), left, jit_x64_rm_of(l, y, size, true));
    }
}

static void lower_bnot(lower *l, const ir_inst *i)
{
    if (jit_type_is_int(i->type)) {
        x64_unary(l, X64_not, op_size(i->type), out(l, i), in(l, i->a));
        return;
    }
    vr ones = jit_lower_temp(l, RC_FLOAT, 16), x = in(l, i->a);
    x64_sse_fill(l, X64_fones, ones);
    x64_sse(l, X64_xorp, jit_type_bytes(i->type), out(l, i), x, x64_reg(ones));
}

/* ((x ^ y) & c) ^ y */
static void lower_bitselect(lower *l, const ir_inst *i)
{
    ir_args a = inst_args(l->f, i);
    vr c = in(l, a.at[0]), x = in(l, a.at[1]), y = in(l, a.at[2]);
    unsigned size = op_size(i->type);

    if (jit_type_is_int(i->type)) {
        vr differ = temp(l), chosen = temp(l);
        x64_alu(l, X64_xor, size, differ, x, x64_reg(y));
        x64_alu(l, X64_and, size, chosen, differ, x64_reg(c));
        x64_alu(l, X64_xor, size, out(l, i), chosen, x64_reg(y));
    } else {
        vr differ = ftemp(l), chosen = ftemp(l);
        x64_sse(l, X64_xorp, size, differ, x, x64_reg(y));
        x64_sse(l, X64_andp, size, chosen, differ, x64_reg(c));
        x64_sse(l, X64_xorp, size, out(l, i), chosen, x64_reg(y));
    }
}

/* All ones unless x is 0: negating carries unless x is 0. */
static void lower_bmask(lower *l, const ir_inst *i)
{
    x64_unary(l, X64_neg, bytes_of(l, i->a), temp(l), in(l, i->a));
    x64_carry_mask(l, op_size(i->type), out(l, i));
}

/* ---- Shifts and rotates ---- */

typedef struct shift_rows { uint16_t by_cl, by_imm, bmi2; } shift_rows;

static shift_rows rows_of(unsigned op)
{
    switch (op) {
    case JIT_OP_ishl: return (shift_rows){ X64_shl_c, X64_shl_i, X64_shlx };
    case JIT_OP_ushr: return (shift_rows){ X64_shr_c, X64_shr_i, X64_shrx };
    case JIT_OP_sshr: return (shift_rows){ X64_sar_c, X64_sar_i, X64_sarx };
    case JIT_OP_rotl: return (shift_rows){ X64_rol_c, X64_rol_i, 0 };
    default: return (shift_rows){ X64_ror_c, X64_ror_i, 0 };
    }
}

/* The value shifted: right shifts bring in what is above a narrow one. */
static vr shifted_value(lower *l, const ir_inst *i)
{
    return i->op == JIT_OP_ushr ? jit_x64_zero_extended(l, i->a)
           : i->op == JIT_OP_sshr ? jit_x64_sign_extended(l, i->a) : in(l, i->a);
}

static void lower_shift(lower *l, const ir_inst *i)
{
    shift_rows rows = rows_of(i->op);
    unsigned bytes = jit_type_bytes(i->type);
    bool rotate = i->op == JIT_OP_rotl || i->op == JIT_OP_rotr;
    unsigned size = rotate ? bytes : op_size(i->type); /* rotates exist at every width */
    int64_t k;

    if (jit_lower_const(l, i->b, &k)) {
        k &= 8 * (int64_t)bytes - 1;
        if (rotate && has(l, JIT_X86_BMI2) && bytes >= 4)
            x64_rr_i(l, X64_rorx, size, out(l, i), jit_x64_rm_of(l, i->a, size, true),
                     i->op == JIT_OP_rotr ? k
                                          : (8 * (int64_t)bytes - k) & (8 * (int64_t)bytes - 1));
        else
            x64_alu_i(l, rows.by_imm, size, out(l, i), shifted_value(l, i), k);
        return;
    }
    vr count = in(l, i->b);
    if (bytes < 4 && !rotate) { /* the machine counts modulo 32 */
        vr masked = jit_lower_temp(l, RC_INT, 4);
        x64_alu_i(l, X64_and_i, 4, masked, count, 8 * (int64_t)bytes - 1);
        count = masked;
    }
    if (rows.bmi2 && has(l, JIT_X86_BMI2)) {
        x64_rm x = bytes >= 4 ? jit_x64_rm_of(l, i->a, size, true) : x64_reg(shifted_value(l, i));
        x64_shift_x(l, rows.bmi2, size, out(l, i), x, count);
    } else {
        vr x = shifted_value(l, i);
        x64_shift_c(l, rows.by_cl, size, out(l, i), x, count);
    }
}

/* ---- Counting ---- */

/* Leading zeros of x, 32 or 64 bits of size bytes, into d. */
static void leading_zeros(lower *l, unsigned size, vr d, vr x)
{
    if (has(l, JIT_X86_LZCNT)) {
        x64_rr(l, X64_lzcnt, size, d, x64_reg(x));
        return;
    }
    /* The index of the highest bit, 2w - 1 when there is none; w - 1 minus it is its exclusive
     * or. */
    vr none = temp(l), index = temp(l), found = temp(l);
    x64_imm(l, none, 16 * size - 1);
    x64_rr(l, X64_bsr, size, index, x64_reg(x));
    x64_cmov(l, X64_E, size, found, index, x64_reg(none));
    x64_alu_i(l, X64_xor_i, size, d, found, 8 * size - 1);
}

static void trailing_zeros(lower *l, unsigned size, vr d, vr x)
{
    if (has(l, JIT_X86_BMI1)) {
        x64_rr(l, X64_tzcnt, size, d, x64_reg(x));
        return;
    }
    vr none = temp(l), index = temp(l);
    x64_imm(l, none, 8 * size);
    x64_rr(l, X64_bsf, size, index, x64_reg(x));
    x64_cmov(l, X64_E, size, d, index, x64_reg(none));
}

static void lower_clz(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    vr x = jit_x64_zero_extended(l, i->a);

    if (bytes >= 4) {
        leading_zeros(l, size, out(l, i), x);
    } else {
        vr n = temp(l);
        leading_zeros(l, 4, n, x);
        x64_alu_i(l, X64_sub_i, 4, out(l, i), n, 32 - 8 * bytes);
    }
}

static void lower_ctz(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type);
    vr x = in(l, i->a);

    if (bytes < 4) { /* a bit above stops the count */
        vr stopped = temp(l);
        x64_alu_i(l, X64_or_i, 4, stopped, x, (int64_t)1 << 8 * bytes);
        x = stopped;
    }
    trailing_zeros(l, op_size(i->type), out(l, i), x);
}

/* Bits equal to the sign are zeros of x ^ (x >> width - 1), the sign's own one not counted. */
static void lower_cls(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    vr x = jit_x64_sign_extended(l, i->a), sign = temp(l), same = temp(l), n = temp(l);

    x64_alu_i(l, X64_sar_i, size, sign, x, 8 * size - 1);
    x64_alu(l, X64_xor, size, same, sign, x64_reg(x));
    leading_zeros(l, size, n, same);
    x64_alu_i(l, X64_sub_i, size, out(l, i), n, 1 + 8 * (size - (bytes < 4 ? bytes : size)));
}

/* A constant as a register, for masks of either size. */
static vr mask_reg(lower *l, unsigned size, uint64_t bits)
{
    vr m = temp(l);
    x64_imm(l, m, size == 4 ? (uint32_t)bits : bits);
    return m;
}

/* (x & mask) + ((x >> n) & mask), or with `plus` an or and the low part shifted up: swaps
 * fields. */
static vr combine_fields(lower *l, unsigned size, vr x, uint64_t mask, unsigned n, bool swap)
{
    vr m = mask_reg(l, size, mask), down = temp(l), high = temp(l), low = temp(l), d = temp(l);

    x64_alu_i(l, X64_shr_i, size, down, x, n);
    x64_alu(l, X64_and, size, high, down, x64_reg(m));
    x64_alu(l, X64_and, size, low, x, x64_reg(m));
    if (swap) {
        vr up = temp(l);
        x64_alu_i(l, X64_shl_i, size, up, low, n);
        low = up;
    }
    x64_alu(l, swap ? X64_or : X64_add, size, d, low, x64_reg(high));
    return d;
}

/* Hacker's Delight (Warren 2012), 5-1: sums of neighbours of 1, 2, 4 bits, then all bytes by a
 * product. */
static void lower_popcnt(lower *l, const ir_inst *i)
{
    unsigned size = op_size(i->type);
    vr x = jit_x64_zero_extended(l, i->a), sums, product = temp(l);

    if (has(l, JIT_X86_POPCNT)) {
        x64_rr(l, X64_popcnt, size, out(l, i), x64_reg(x));
        return;
    }
    sums = combine_fields(l, size, x, 0x5555555555555555u, 1, false);
    sums = combine_fields(l, size, sums, 0x3333333333333333u, 2, false);
    sums = combine_fields(l, size, sums, 0x0f0f0f0f0f0f0f0fu, 4, false);
    vr ones = mask_reg(l, size, 0x0101010101010101u);
    x64_alu(l, X64_imul, size, product, sums, x64_reg(ones));
    x64_alu_i(l, X64_shr_i, size, out(l, i), product, 8 * size - 8);
}

static void lower_bswap(lower *l, const ir_inst *i)
{
    if (i->type == JIT_I16)
        x64_alu_i(l, X64_rol_i, 2, out(l, i), in(l, i->a), 8);
    else
        x64_unary(l, X64_bswap, op_size(i->type), out(l, i), in(l, i->a));
}

/* Bytes turned round, then fields of 4, 2 and 1 bits swapped; a narrow value ends up on top. */
static void lower_bitrev(lower *l, const ir_inst *i)
{
    unsigned bytes = jit_type_bytes(i->type), size = op_size(i->type);
    vr swapped = temp(l), x = in(l, i->a);

    x64_unary(l, X64_bswap, size, swapped, x);
    swapped = combine_fields(l, size, swapped, 0x0f0f0f0f0f0f0f0fu, 4, true);
    swapped = combine_fields(l, size, swapped, 0x3333333333333333u, 2, true);
    swapped = combine_fields(l, size, swapped, 0x5555555555555555u, 1, true);
    if (bytes < 4)
        x64_alu_i(l, X64_shr_i, 4, out(l, i), swapped, 32 - 8 * bytes);
    else
        jit_lower_move(l, out(l, i), swapped, size, RC_INT);
}

/* ---- Halves ---- */

static void lower_isplit(lower *l, const ir_inst *i)
{
    vr x = in(l, i->a);

    if (jit_lower_result_used(l, i, 0))
        jit_lower_move(l, out(l, i), x, 4, RC_INT);
    if (jit_lower_result_used(l, i, 1))
        x64_alu_i(l, X64_shr_i, op_size(i->type), jit_lower_out(l, i, 1), x,
                  jit_type_bits(i->type) / 2);
}

/* y of `half` bytes in a register that may be read as the whole. */
static vr as_wide(lower *l, vr y, unsigned half)
{
    if (half < 4)
        return y;
    vr wide = temp(l);
    jit_x64_zx(l, wide, half, x64_reg(y));
    return wide;
}

static void lower_iconcat(lower *l, const ir_inst *i)
{
    unsigned half = jit_type_bytes(i->type), size = half == 4 ? 8 : 4;
    vr low = temp(l), high = temp(l), y = in(l, i->b);

    jit_x64_zx(l, low, half, jit_x64_rm_of(l, i->a, half, true));
    x64_alu_i(l, X64_shl_i, size, high, as_wide(l, y, half), 8 * half);
    x64_alu(l, X64_or, size, out(l, i), high, x64_reg(low));
}

void jit_x64_lower_bits(lower *l, const ir_inst *i)
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
    case JIT_OP_clz: lower_clz(l, i); break;
    case JIT_OP_cls: lower_cls(l, i); break;
    case JIT_OP_ctz: lower_ctz(l, i); break;
    case JIT_OP_popcnt: lower_popcnt(l, i); break;
    case JIT_OP_bswap: lower_bswap(l, i); break;
    case JIT_OP_bitrev: lower_bitrev(l, i); break;
    default: lower_shift(l, i);
    }
}
