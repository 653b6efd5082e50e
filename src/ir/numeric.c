/* numeric.c - evaluates scalar instructions of up to 64 bits, one line for each where possible.
 *
 * Operands come masked to their width, unsigned. A result may be computed with rubbish above its
 * width: each group masks at its end. Signed operands are read through signed_bits(). */
#include "ir/numeric.h"

#include "ir/float_ops.h"

/* ---- Integers ---- */

bool jit_eval_icmp(jit_intcc cc, unsigned width, uint64_t x, uint64_t y)
{
    int64_t sx = signed_bits(x, width), sy = signed_bits(y, width);

    switch (cc) {
    case JIT_EQ: return x == y;
    case JIT_NE: return x != y;
    case JIT_SLT: return sx < sy;
    case JIT_SGE: return sx >= sy;
    case JIT_SLE: return sx <= sy;
    case JIT_SGT: return sx > sy;
    case JIT_ULT: return x < y;
    case JIT_UGE: return x >= y;
    case JIT_ULE: return x <= y;
    case JIT_UGT: return x > y;
    }
    return false;
}

static uint64_t multiply_high_unsigned(uint64_t x, uint64_t y, unsigned width)
{
    return (uint64_t)((u128)x * y >> width);
}

/* A product modulo 2^128 of the sign-extended operands holds the signed product. */
static uint64_t multiply_high_signed(int64_t x, int64_t y, unsigned width)
{
    return (uint64_t)((u128)x * (u128)y >> width);
}

static uint64_t reverse_bits(uint64_t x, unsigned width)
{
    uint64_t r = 0;

    for (unsigned k = 0; k < width; k++)
        r |= (x >> k & 1) << (width - 1 - k);
    return r;
}

static uint64_t reverse_bytes(uint64_t x, unsigned width)
{
    return __builtin_bswap64(x) >> (64 - width);
}

static uint64_t leading_zeros(uint64_t x, unsigned width)
{
    return x ? (uint64_t)__builtin_clzll(x) - (64 - width) : width;
}

static uint64_t trailing_zeros(uint64_t x, unsigned width)
{
    return x ? (uint64_t)__builtin_ctzll(x) : width;
}

/* Bits equal to the sign below it: leading zeros once the sign is folded in, less itself. */
static uint64_t leading_signs(uint64_t x, unsigned width)
{
    int64_t s = signed_bits(x, width);
    return leading_zeros(low_bits((uint64_t)(s < 0 ? ~s : s), width), width) - 1;
}

static uint64_t rotate_left(uint64_t x, unsigned n, unsigned width)
{
    return n ? x << n | x >> (width - n) : x;
}

static bool eval_int_unary(jit_opcode op, unsigned w, uint64_t x, uint64_t *result)
{
    uint64_t r;

    switch (op) {
    case JIT_OP_ineg: r = 0 - x; break;
    case JIT_OP_iabs: r = signed_bits(x, w) < 0 ? 0 - x : x; break;
    case JIT_OP_bnot: r = ~x; break;
    case JIT_OP_bitrev: r = reverse_bits(x, w); break;
    case JIT_OP_bswap: r = reverse_bytes(x, w); break;
    case JIT_OP_clz: r = leading_zeros(x, w); break;
    case JIT_OP_cls: r = leading_signs(x, w); break;
    case JIT_OP_ctz: r = trailing_zeros(x, w); break;
    case JIT_OP_popcnt: r = (uint64_t)__builtin_popcountll(x); break;
    default: return false;
    }
    *result = low_bits(r, w);
    return true;
}

static bool eval_int_binary(jit_opcode op, unsigned w, uint64_t x, uint64_t y, uint64_t *result)
{
    int64_t sx = signed_bits(x, w), sy = signed_bits(y, w);
    unsigned amount = (unsigned)y & (w - 1); /* of a shift, modulo the width */
    uint64_t r;

    switch (op) {
    case JIT_OP_iadd: r = x + y; break;
    case JIT_OP_isub: r = x - y; break;
    case JIT_OP_imul: r = x * y; break;
    case JIT_OP_umulhi: r = multiply_high_unsigned(x, y, w); break;
    case JIT_OP_smulhi: r = multiply_high_signed(sx, sy, w); break;
    case JIT_OP_umin: r = x < y ? x : y; break;
    case JIT_OP_umax: r = x > y ? x : y; break;
    case JIT_OP_smin: r = sx < sy ? x : y; break;
    case JIT_OP_smax: r = sx > sy ? x : y; break;
    case JIT_OP_band: r = x & y; break;
    case JIT_OP_bor: r = x | y; break;
    case JIT_OP_bxor: r = x ^ y; break;
    case JIT_OP_ishl: r = x << amount; break;
    case JIT_OP_ushr: r = x >> amount; break;
    case JIT_OP_sshr: r = (uint64_t)(sx >> amount); break;
    case JIT_OP_rotl: r = rotate_left(x, amount, w); break;
    case JIT_OP_rotr: r = rotate_left(x, (w - amount) & (w - 1), w); break;
    default: return false;
    }
    *result = low_bits(r, w);
    return true;
}

/* Division: the trap code, or 0 and a result. */
static unsigned divide(jit_opcode op, unsigned w, uint64_t x, uint64_t y, uint64_t *result)
{
    int64_t sx = signed_bits(x, w), sy = signed_bits(y, w);
    uint64_t r;

    if (y == 0)
        return JIT_TRAP_INT_DIVZ;
    switch (op) {
    case JIT_OP_udiv: r = x / y; break;
    case JIT_OP_urem: r = x % y; break;
    case JIT_OP_sdiv:
        if (sy == -1 && x == (uint64_t)1 << (w - 1))
            return JIT_TRAP_INT_OVF;
        r = (uint64_t)(sy == -1 ? -sx : sx / sy);
        break;
    default: /* srem: its sign is the dividend's; MIN % -1 is 0 */
        r = (uint64_t)(sy == -1 ? 0 : sx % sy);
        break;
    }
    *result = low_bits(r, w);
    return 0;
}

/* x + y + c and x - y - c wrapped, with carry or borrow out, or signed overflow. */
static uint64_t add_carry(unsigned w, uint64_t x, uint64_t y, bool c, bool *carry, bool *overflow)
{
    u128 sum = (u128)x + y + c;
    uint64_t r = low_bits((uint64_t)sum, w);

    *carry = sum >> w != 0;
    *overflow = ((x ^ r) & (y ^ r)) >> (w - 1) & 1;
    return r;
}

static uint64_t sub_borrow(unsigned w, uint64_t x, uint64_t y, bool b, bool *borrow, bool *overflow)
{
    uint64_t r = low_bits(x - y - b, w);

    *borrow = (u128)x < (u128)y + b;
    *overflow = ((x ^ y) & (x ^ r)) >> (w - 1) & 1;
    return r;
}

/* Wrapped value and flag. carry_in is 0 for the forms without. */
static bool eval_overflow(jit_opcode op, unsigned w, uint64_t x, uint64_t y, bool carry_in,
                          uint64_t *results)
{
    bool carry = false, overflow = false;
    uint64_t high;

    switch (op) {
    case JIT_OP_uadd_overflow:
    case JIT_OP_uadd_overflow_cin:
    case JIT_OP_sadd_overflow:
    case JIT_OP_sadd_overflow_cin:
        results[0] = add_carry(w, x, y, carry_in, &carry, &overflow);
        break;
    case JIT_OP_usub_overflow:
    case JIT_OP_usub_overflow_bin:
    case JIT_OP_ssub_overflow:
    case JIT_OP_ssub_overflow_bin:
        results[0] = sub_borrow(w, x, y, carry_in, &carry, &overflow);
        break;
    case JIT_OP_umul_overflow:
        results[0] = low_bits(x * y, w);
        carry = multiply_high_unsigned(x, y, w) != 0;
        break;
    case JIT_OP_smul_overflow: /* the upper half must repeat the sign of the lower */
        results[0] = low_bits(x * y, w);
        high = low_bits(multiply_high_signed(signed_bits(x, w), signed_bits(y, w), w), w);
        overflow = high != low_bits(0 - (results[0] >> (w - 1)), w);
        break;
    default: return false;
    }
    bool is_signed = op == JIT_OP_sadd_overflow || op == JIT_OP_sadd_overflow_cin
                  || op == JIT_OP_ssub_overflow || op == JIT_OP_ssub_overflow_bin
                  || op == JIT_OP_smul_overflow;
    results[1] = is_signed ? overflow : carry;
    return true;
}

/* ---- Floats ---- */

static bool eval_float_unary(jit_opcode op, jit_type t, uint64_t x, uint64_t *result)
{
    uint64_t sign = (uint64_t)1 << (jit_type_bits(t) - 1);

    switch (op) {
    case JIT_OP_fneg: *result = x ^ sign; return true;
    case JIT_OP_fabs: *result = x & ~sign; return true;
    case JIT_OP_sqrt: *result = jit_float_sqrt(t, x); return true;
    case JIT_OP_ceil: *result = jit_float_round(t, ROUND_UP, x); return true;
    case JIT_OP_floor: *result = jit_float_round(t, ROUND_DOWN, x); return true;
    case JIT_OP_trunc: *result = jit_float_round(t, ROUND_ZERO, x); return true;
    case JIT_OP_nearest: *result = jit_float_round(t, ROUND_NEAREST, x); return true;
    case JIT_OP_bnot: *result = low_bits(~x, jit_type_bits(t)); return true;
    default: return false;
    }
}

static bool eval_float_binary(jit_opcode op, jit_type t, uint64_t x, uint64_t y, uint64_t *result)
{
    uint64_t sign = (uint64_t)1 << (jit_type_bits(t) - 1);

    switch (op) {
    case JIT_OP_fadd: *result = jit_float_add(t, x, y); return true;
    case JIT_OP_fsub: *result = jit_float_sub(t, x, y); return true;
    case JIT_OP_fmul: *result = jit_float_mul(t, x, y); return true;
    case JIT_OP_fdiv: *result = jit_float_div(t, x, y); return true;
    case JIT_OP_fmin: *result = jit_float_min(t, x, y); return true;
    case JIT_OP_fmax: *result = jit_float_max(t, x, y); return true;
    case JIT_OP_fcopysign: *result = (x & ~sign) | (y & sign); return true;
    case JIT_OP_band: *result = x & y; return true;
    case JIT_OP_bor: *result = x | y; return true;
    case JIT_OP_bxor: *result = x ^ y; return true;
    default: return false;
    }
}

/* Truncates x to an integer of w bits: the trap code, or 0 and a result. */
static unsigned float_to_int(jit_type from, uint64_t x, unsigned w, bool is_signed, bool saturate,
                             uint64_t *result)
{
    bool neg;
    u128 magnitude;
    float_int kind = jit_float_to_int(from, x, &neg, &magnitude);
    uint64_t top = (uint64_t)1 << (w - 1);
    /* The largest magnitude that fits on this side of zero. */
    uint64_t limit = is_signed ? (neg ? top : top - 1) : (neg ? 0 : low_bits(~(uint64_t)0, w));
    bool fits = kind == INT_WITHIN && magnitude <= limit;

    if (!saturate && kind == INT_NAN)
        return JIT_TRAP_BAD_TOINT;
    if (!saturate && !fits)
        return JIT_TRAP_INT_OVF;
    uint64_t m = kind == INT_NAN ? 0 : fits ? (uint64_t)magnitude : limit;
    *result = low_bits(neg ? 0 - m : m, w);
    return 0;
}

static uint64_t float_from_int(jit_type to, uint64_t x, unsigned w, bool is_signed)
{
    bool neg = is_signed && signed_bits(x, w) < 0;
    return jit_float_from_int(to, neg, neg ? low_bits(0 - x, w) : x);
}

/* ---- Between types ---- */

static bool eval_convert(jit_opcode op, jit_type to, jit_type from, uint64_t x, uint64_t *result,
                         unsigned *trap)
{
    unsigned w = jit_type_bits(to), v = jit_type_bits(from);

    switch (op) {
    case JIT_OP_ireduce: *result = low_bits(x, w); return true;
    case JIT_OP_uextend: *result = x; return true;
    case JIT_OP_sextend: *result = low_bits((uint64_t)signed_bits(x, v), w); return true;
    case JIT_OP_bmask: *result = x ? low_bits(~(uint64_t)0, w) : 0; return true;
    case JIT_OP_bitcast: *result = x; return w == v;
    case JIT_OP_fpromote:
    case JIT_OP_fdemote: *result = jit_float_convert(to, from, x); return true;
    case JIT_OP_fcvt_from_uint: *result = float_from_int(to, x, v, false); return true;
    case JIT_OP_fcvt_from_sint: *result = float_from_int(to, x, v, true); return true;
    case JIT_OP_fcvt_to_uint: *trap = float_to_int(from, x, w, false, false, result); return true;
    case JIT_OP_fcvt_to_sint: *trap = float_to_int(from, x, w, true, false, result); return true;
    case JIT_OP_fcvt_to_uint_sat: float_to_int(from, x, w, false, true, result); return true;
    case JIT_OP_fcvt_to_sint_sat: float_to_int(from, x, w, true, true, result); return true;
    default: return false;
    }
}

/* ---- All of it ---- */

bool jit_eval_makes_nan(jit_opcode op)
{
    switch (op) {
    case JIT_OP_fadd: case JIT_OP_fsub: case JIT_OP_fmul: case JIT_OP_fdiv: case JIT_OP_fma:
    case JIT_OP_sqrt: case JIT_OP_fmin: case JIT_OP_fmax: case JIT_OP_ceil: case JIT_OP_floor:
    case JIT_OP_trunc: case JIT_OP_nearest: case JIT_OP_fpromote: case JIT_OP_fdemote:
    case JIT_OP_fvpromote_low: case JIT_OP_fvdemote:
        return true;
    default:
        return false;
    }
}

uint64_t jit_eval_canonical(jit_type t, uint64_t bits)
{
    bool known = t >= JIT_F16 && t <= JIT_F64;
    return known && jit_float_is_nan(t, bits) ? jit_float_nan(t) : bits;
}

/* Scalar types that jit_eval knows: i8 to i64, f16, f32, f64; or none at all. */
static bool is_known(jit_type t)
{
    return t <= JIT_I64 || (t >= JIT_F16 && t <= JIT_F64);
}

bool jit_eval(jit_opcode op, jit_type t, unsigned aux, const uint64_t *args, jit_type argtype,
              uint64_t *results, unsigned *trap)
{
    unsigned w = jit_type_bits(t);
    bool carry, overflow;

    *trap = 0;
    if (!is_known(t) || !is_known(argtype))
        return false;
    switch (op) {
    case JIT_OP_nop:
        return true;
    case JIT_OP_trap:
        *trap = aux;
        return true;
    case JIT_OP_trapz:
        *trap = args[0] == 0 ? aux : 0;
        return true;
    case JIT_OP_trapnz:
        *trap = args[0] != 0 ? aux : 0;
        return true;
    case JIT_OP_select:
    case JIT_OP_select_spectre_guard:
        results[0] = args[0] ? args[1] : args[2];
        return true;
    case JIT_OP_bitselect:
        results[0] = (args[1] & args[0]) | (args[2] & ~args[0]);
        return true;
    case JIT_OP_icmp:
        results[0] = jit_eval_icmp((jit_intcc)aux, w, args[0], args[1]);
        return true;
    case JIT_OP_fcmp:
        results[0] = jit_float_holds((jit_floatcc)aux, jit_float_compare(t, args[0], args[1]));
        return true;
    case JIT_OP_udiv:
    case JIT_OP_sdiv:
    case JIT_OP_urem:
    case JIT_OP_srem:
        *trap = divide(op, w, args[0], args[1], results);
        return true;
    case JIT_OP_uadd_overflow_trap:
        results[0] = add_carry(w, args[0], args[1], false, &carry, &overflow);
        *trap = carry ? aux : 0;
        return true;
    case JIT_OP_isplit:
        results[0] = low_bits(args[0], w / 2);
        results[1] = args[0] >> w / 2;
        return true;
    case JIT_OP_iconcat:
        results[0] = w < 64 ? args[0] | args[1] << w : 0;
        return w < 64;
    case JIT_OP_fma:
        results[0] = jit_float_fma(t, args[0], args[1], args[2]);
        return true;
    default:
        break;
    }
    switch ((ir_format)jit_op_table[op].format) {
    case FMT_UNARY:
        return jit_type_is_int(t) ? eval_int_unary(op, w, args[0], results)
                                  : eval_float_unary(op, t, args[0], results);
    case FMT_BINARY:
        return jit_type_is_int(t) ? eval_int_binary(op, w, args[0], args[1], results)
                                  : eval_float_binary(op, t, args[0], args[1], results);
    case FMT_BINARY2: return eval_overflow(op, w, args[0], args[1], false, results);
    case FMT_TERNARY2: return eval_overflow(op, w, args[0], args[1], args[2] != 0, results);
    case FMT_CONVERT:
    case FMT_BITCAST: return eval_convert(op, t, argtype, args[0], results, trap);
    default: return false;
    }
}
