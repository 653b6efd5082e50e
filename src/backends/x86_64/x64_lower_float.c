/* x64_lower_float.c - float arithmetic on SSE or AVX registers. */
#include "backends/x86_64/x64_lower.h"
#include <string.h>

x64_rm jit_x64_mask16(lower *l, unsigned size, uint64_t bits)
{
    uint8_t bytes[16];

    for (unsigned k = 0; k < 16; k += size)
        memcpy(bytes + k, &bits, size);
    return x64_pool(jit_lower_add_const(l, bytes, 16, 16));
}

static uint64_t sign_bit(unsigned size) { return (uint64_t)1 << (8 * size - 1); }
static uint64_t canonical_nan(unsigned size)
{
    return size == 4 ? 0x7fc00000u : 0x7ff8000000000000u;
}

/* ---- Canonical NaNs ---- */

/* Where arithmetic puts its result: when NaNs are to be canonical, before they are made so. */
static vr raw_result(lower *l, const ir_inst *i)
{
    return l->settings->nan_canonical ? ftemp(l) : out(l, i);
}

/* (mask & x) | (~mask & y) */
static void blend(lower *l, unsigned size, vr d, vr mask, x64_rm x, vr y)
{
    vr kept = ftemp(l), taken = ftemp(l);

    x64_sse(l, X64_andnp, size, kept, mask, x64_reg(y));
    x64_sse(l, X64_andp, size, taken, mask, x);
    x64_sse(l, X64_orp, size, d, kept, x64_reg(taken));
}

static void canonicalize(lower *l, const ir_inst *i, vr raw)
{
    unsigned size = jit_type_bytes(i->type);
    vr mask;

    if (!l->settings->nan_canonical)
        return;
    mask = ftemp(l);
    x64_cmps(l, X64_CMP_UNORD, size, mask, raw, x64_reg(raw));
    blend(l, size, out(l, i), mask, jit_x64_mask16(l, size, canonical_nan(size)), raw);
}

/* ---- Arithmetic ---- */

static void arithmetic(lower *l, const ir_inst *i, unsigned row)
{
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, i->a);
    x64_rm y = jit_x64_frm_of(l, i->b, size);
    vr d = raw_result(l, i);

    x64_sse(l, row, size, d, x, y);
    canonicalize(l, i, d);
}

static void lower_sqrt(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);
    x64_rm x = jit_x64_frm_of(l, i->a, size);
    vr d = raw_result(l, i);

    x64_sse_r(l, X64_sqrts, size, d, x);
    canonicalize(l, i, d);
}

/* What a library function returns; its NaNs are canonical always. */
static void call_library(lower *l, const ir_inst *i, unsigned f32, unsigned f64)
{
    ir_args a = inst_args(l->f, i);

    jit_lower_libcall(l, i, i->type == JIT_F32 ? f32 : f64, a.at, a.len);
}

static void lower_fma(lower *l, const ir_inst *i)
{
    ir_args a = inst_args(l->f, i);
    unsigned size = jit_type_bytes(i->type);

    if (!has(l, JIT_X86_FMA)) {
        call_library(l, i, LIBCALL_FmaF32, LIBCALL_FmaF64);
        return;
    }
    vr x = in(l, a.at[0]), y = in(l, a.at[1]);
    x64_rm z = jit_x64_frm_of(l, a.at[2], size);
    vr d = raw_result(l, i);
    x64_fma(l, X64_vfmadd213s, size, d, x, y, z);
    canonicalize(l, i, d);
}

static void round_to(lower *l, const ir_inst *i, unsigned mode, unsigned f32, unsigned f64)
{
    unsigned size = jit_type_bytes(i->type);

    if (!has(l, JIT_X86_SSE41)) {
        call_library(l, i, f32, f64);
        return;
    }
    x64_rm x = jit_x64_frm_of(l, i->a, size);
    vr d = raw_result(l, i);
    x64_rounds(l, mode, size, d, x);
    canonicalize(l, i, d);
}

/* minss gives its second operand when one is NaN or both are zero (Intel SDM, MINSS); so both
 * orders are taken: their or is the minimum with the right zero, their and the maximum. A NaN comes
 * from the sum, which is quiet. */
static void lower_minmax(lower *l, const ir_inst *i)
{
    bool is_min = i->op == JIT_OP_fmin;
    unsigned size = jit_type_bytes(i->type), row = is_min ? X64_mins : X64_maxs;
    vr x = in(l, i->a), y = in(l, i->b), mask = ftemp(l);
    vr xy = ftemp(l), yx = ftemp(l), both = ftemp(l), sum = ftemp(l), d = raw_result(l, i);

    x64_sse(l, row, size, xy, x, x64_reg(y));
    x64_sse(l, row, size, yx, y, x64_reg(x));
    x64_sse(l, is_min ? X64_orp : X64_andp, size, both, xy, x64_reg(yx));
    x64_sse(l, X64_adds, size, sum, x, x64_reg(y));
    x64_cmps(l, X64_CMP_UNORD, size, mask, x, x64_reg(y));
    blend(l, size, d, mask, x64_reg(sum), both);
    canonicalize(l, i, d);
}

static void change_sign(lower *l, const ir_inst *i, unsigned row, uint64_t bits)
{
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, i->a);

    x64_sse(l, row, size, out(l, i), x, jit_x64_mask16(l, size, bits));
}

static void lower_copysign(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, i->a), y = in(l, i->b), magnitude = ftemp(l), sign = ftemp(l);

    x64_sse(l, X64_andp, size, magnitude, x,
            jit_x64_mask16(l, size, ~sign_bit(size)));
    x64_sse(l, X64_andp, size, sign, y, jit_x64_mask16(l, size, sign_bit(size)));
    x64_sse(l, X64_orp, size, out(l, i), magnitude, x64_reg(sign));
}

static void change_format(lower *l, const ir_inst *i)
{
    unsigned from = bytes_of(l, i->a);
    x64_rm x = jit_x64_frm_of(l, i->a, from);
    vr d = raw_result(l, i);

    x64_cvt(l, X64_cvts2s, jit_type_bytes(i->type), d, from, x);
    canonicalize(l, i, d);
}

void jit_x64_lower_float(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);

    switch (i->op) {
    case JIT_OP_fadd: arithmetic(l, i, X64_adds); break;
    case JIT_OP_fsub: arithmetic(l, i, X64_subs); break;
    case JIT_OP_fmul: arithmetic(l, i, X64_muls); break;
    case JIT_OP_fdiv: arithmetic(l, i, X64_divs); break;
    case JIT_OP_sqrt: lower_sqrt(l, i); break;
    case JIT_OP_fma: lower_fma(l, i); break;
    case JIT_OP_fneg: change_sign(l, i, X64_xorp, sign_bit(size)); break;
    case JIT_OP_fabs: change_sign(l, i, X64_andp, ~sign_bit(size)); break;
    case JIT_OP_fcopysign: lower_copysign(l, i); break;
    case JIT_OP_fmin:
    case JIT_OP_fmax: lower_minmax(l, i); break;
    case JIT_OP_ceil: round_to(l, i, X64_ROUND_CEIL, LIBCALL_CeilF32, LIBCALL_CeilF64); break;
    case JIT_OP_floor: round_to(l, i, X64_ROUND_FLOOR, LIBCALL_FloorF32, LIBCALL_FloorF64); break;
    case JIT_OP_trunc: round_to(l, i, X64_ROUND_TRUNC, LIBCALL_TruncF32, LIBCALL_TruncF64); break;
    case JIT_OP_nearest:
        round_to(l, i, X64_ROUND_NEAREST, LIBCALL_NearestF32, LIBCALL_NearestF64);
        break;
    default: change_format(l, i);
    }
}
