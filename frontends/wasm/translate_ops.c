/* translate_ops.c - instructions on numbers: one row of IR for each, comparisons kept for their
 * users. */
#include "translate.h"

#include <string.h>

static void compare(gw_translator *t, unsigned kind, unsigned cc)
{
    jit_value y = gw_pop(t), x = gw_pop(t);
    gw_operand *o = &t->stack[t->sp++];

    o->x = x;
    o->y = y;
    o->kind = (uint8_t)kind;
    o->cc = (uint8_t)cc;
}

/* eqz of a comparison is the inverse comparison. */
static void is_zero(gw_translator *t, jit_type type)
{
    gw_operand *o = &t->stack[t->sp - 1];

    if (o->kind != GW_VALUE) {
        o->cc ^= 1;
        return;
    }
    o->y = jit_iconst(t->b, type, 0);
    o->kind = GW_ICMP;
    o->cc = JIT_EQ;
}

/* Sign extension from the low bits of a value of type t. */
static void extend(gw_translator *t, jit_type from, jit_type to)
{
    gw_push(t, jit_sextend(t->b, to, jit_ireduce(t->b, from, gw_pop(t))));
}

static void float_const(gw_translator *t)
{
    uint32_t bits = gw_f32_bits(&t->r);
    float x;

    memcpy(&x, &bits, sizeof x);
    gw_push(t, jit_f32const(t->b, x));
}

static void double_const(gw_translator *t)
{
    uint64_t bits = gw_f64_bits(&t->r);
    double x;

    memcpy(&x, &bits, sizeof x);
    gw_push(t, jit_f64const(t->b, x));
}

#define UNARY(wasm, ir) \
    case GW_OP_##wasm: \
        gw_push(t, jit_##ir(t->b, gw_pop(t))); \
        return true;
#define BINARY(wasm, ir) \
    case GW_OP_##wasm: { \
        jit_value y = gw_pop(t), x = gw_pop(t); \
        gw_push(t, jit_##ir(t->b, x, y)); \
        return true; \
    }
#define CONVERT(wasm, ir, type) \
    case GW_OP_##wasm: \
        gw_push(t, jit_##ir(t->b, type, gw_pop(t))); \
        return true;
#define INT_COMPARE(wasm, cc) \
    case GW_OP_##wasm: \
        compare(t, GW_ICMP, cc); \
        return true;
#define FLOAT_COMPARE(wasm, cc) \
    case GW_OP_##wasm: \
        compare(t, GW_FCMP, cc); \
        return true;
#define BOTH(form, name, ...) form(i32_##name, __VA_ARGS__) form(i64_##name, __VA_ARGS__)
#define FLOATS(form, name, ...) form(f32_##name, __VA_ARGS__) form(f64_##name, __VA_ARGS__)
/* Instructions that may trap say where they are. */
#define PLACED(...) \
    { \
        gw_here(t, at); \
        __VA_ARGS__ \
        gw_no_place(t); \
        return true; \
    }
#define DIVIDE(wasm, ir) \
    case GW_OP_##wasm: { \
        jit_value y = gw_pop(t), x = gw_pop(t); \
        PLACED(gw_push(t, jit_##ir(t->b, x, y));) \
    }
#define TRUNCATE(wasm, ir, type) \
    case GW_OP_##wasm: { \
        jit_value x = gw_pop(t); \
        PLACED(gw_push(t, jit_##ir(t->b, type, x));) \
    }

static const jit_mem no_flags;
#define BITS(wasm, type) \
    case GW_OP_##wasm: \
        gw_push(t, jit_bitcast(t->b, type, no_flags, gw_pop(t))); \
        return true;

bool gw_translate_number(gw_translator *t, gw_op op, const uint8_t *at)
{
    switch (op) {
    case GW_OP_i32_const:
        gw_push(t, jit_iconst(t->b, JIT_I32, (int64_t)(uint32_t)gw_s32(&t->r)));
        return true;
    case GW_OP_i64_const:
        gw_push(t, jit_iconst(t->b, JIT_I64, gw_s64(&t->r)));
        return true;
    case GW_OP_f32_const:
        float_const(t);
        return true;
    case GW_OP_f64_const:
        double_const(t);
        return true;
    case GW_OP_i32_eqz:
        is_zero(t, JIT_I32);
        return true;
    case GW_OP_i64_eqz:
        is_zero(t, JIT_I64);
        return true;
    BOTH(INT_COMPARE, eq, JIT_EQ) BOTH(INT_COMPARE, ne, JIT_NE)
    BOTH(INT_COMPARE, lt_s, JIT_SLT) BOTH(INT_COMPARE, lt_u, JIT_ULT)
    BOTH(INT_COMPARE, gt_s, JIT_SGT) BOTH(INT_COMPARE, gt_u, JIT_UGT)
    BOTH(INT_COMPARE, le_s, JIT_SLE) BOTH(INT_COMPARE, le_u, JIT_ULE)
    BOTH(INT_COMPARE, ge_s, JIT_SGE) BOTH(INT_COMPARE, ge_u, JIT_UGE)
    FLOATS(FLOAT_COMPARE, eq, JIT_FEQ) FLOATS(FLOAT_COMPARE, ne, JIT_FNE)
    FLOATS(FLOAT_COMPARE, lt, JIT_FLT) FLOATS(FLOAT_COMPARE, gt, JIT_FGT)
    FLOATS(FLOAT_COMPARE, le, JIT_FLE) FLOATS(FLOAT_COMPARE, ge, JIT_FGE)
    BOTH(UNARY, clz, clz) BOTH(UNARY, ctz, ctz) BOTH(UNARY, popcnt, popcnt)
    BOTH(BINARY, add, iadd) BOTH(BINARY, sub, isub) BOTH(BINARY, mul, imul)
    BOTH(DIVIDE, div_s, sdiv) BOTH(DIVIDE, div_u, udiv)
    BOTH(DIVIDE, rem_s, srem) BOTH(DIVIDE, rem_u, urem)
    BOTH(BINARY, and, band) BOTH(BINARY, or, bor) BOTH(BINARY, xor, bxor)
    BOTH(BINARY, shl, ishl) BOTH(BINARY, shr_s, sshr) BOTH(BINARY, shr_u, ushr)
    BOTH(BINARY, rotl, rotl) BOTH(BINARY, rotr, rotr)
    FLOATS(UNARY, abs, fabs) FLOATS(UNARY, neg, fneg) FLOATS(UNARY, ceil, ceil)
    FLOATS(UNARY, floor, floor) FLOATS(UNARY, trunc, trunc) FLOATS(UNARY, nearest, nearest)
    FLOATS(UNARY, sqrt, sqrt)
    FLOATS(BINARY, add, fadd) FLOATS(BINARY, sub, fsub) FLOATS(BINARY, mul, fmul)
    FLOATS(BINARY, div, fdiv) FLOATS(BINARY, min, fmin) FLOATS(BINARY, max, fmax)
    FLOATS(BINARY, copysign, fcopysign)
    CONVERT(i32_wrap_i64, ireduce, JIT_I32)
    CONVERT(i64_extend_i32_s, sextend, JIT_I64) CONVERT(i64_extend_i32_u, uextend, JIT_I64)
    TRUNCATE(i32_trunc_f32_s, fcvt_to_sint, JIT_I32)
    TRUNCATE(i32_trunc_f32_u, fcvt_to_uint, JIT_I32)
    TRUNCATE(i32_trunc_f64_s, fcvt_to_sint, JIT_I32)
    TRUNCATE(i32_trunc_f64_u, fcvt_to_uint, JIT_I32)
    TRUNCATE(i64_trunc_f32_s, fcvt_to_sint, JIT_I64)
    TRUNCATE(i64_trunc_f32_u, fcvt_to_uint, JIT_I64)
    TRUNCATE(i64_trunc_f64_s, fcvt_to_sint, JIT_I64)
    TRUNCATE(i64_trunc_f64_u, fcvt_to_uint, JIT_I64)
    CONVERT(i32_trunc_sat_f32_s, fcvt_to_sint_sat, JIT_I32)
    CONVERT(i32_trunc_sat_f32_u, fcvt_to_uint_sat, JIT_I32)
    CONVERT(i32_trunc_sat_f64_s, fcvt_to_sint_sat, JIT_I32)
    CONVERT(i32_trunc_sat_f64_u, fcvt_to_uint_sat, JIT_I32)
    CONVERT(i64_trunc_sat_f32_s, fcvt_to_sint_sat, JIT_I64)
    CONVERT(i64_trunc_sat_f32_u, fcvt_to_uint_sat, JIT_I64)
    CONVERT(i64_trunc_sat_f64_s, fcvt_to_sint_sat, JIT_I64)
    CONVERT(i64_trunc_sat_f64_u, fcvt_to_uint_sat, JIT_I64)
    CONVERT(f32_convert_i32_s, fcvt_from_sint, JIT_F32)
    CONVERT(f32_convert_i32_u, fcvt_from_uint, JIT_F32)
    CONVERT(f32_convert_i64_s, fcvt_from_sint, JIT_F32)
    CONVERT(f32_convert_i64_u, fcvt_from_uint, JIT_F32)
    CONVERT(f64_convert_i32_s, fcvt_from_sint, JIT_F64)
    CONVERT(f64_convert_i32_u, fcvt_from_uint, JIT_F64)
    CONVERT(f64_convert_i64_s, fcvt_from_sint, JIT_F64)
    CONVERT(f64_convert_i64_u, fcvt_from_uint, JIT_F64)
    CONVERT(f32_demote_f64, fdemote, JIT_F32) CONVERT(f64_promote_f32, fpromote, JIT_F64)
    BITS(i32_reinterpret_f32, JIT_I32) BITS(i64_reinterpret_f64, JIT_I64)
    BITS(f32_reinterpret_i32, JIT_F32) BITS(f64_reinterpret_i64, JIT_F64)
    case GW_OP_i32_extend8_s:
        extend(t, JIT_I8, JIT_I32);
        return true;
    case GW_OP_i32_extend16_s:
        extend(t, JIT_I16, JIT_I32);
        return true;
    case GW_OP_i64_extend8_s:
        extend(t, JIT_I8, JIT_I64);
        return true;
    case GW_OP_i64_extend16_s:
        extend(t, JIT_I16, JIT_I64);
        return true;
    case GW_OP_i64_extend32_s:
        extend(t, JIT_I32, JIT_I64);
        return true;
    default:
        return false;
    }
}
