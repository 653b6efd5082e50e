/* a64_lower_float.c - float arithmetic: nearly all of it is one instruction. */
#include "backends/aarch64/a64_lower.h"

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

static void canonicalize(lower *l, const ir_inst *i, vr raw)
{
    unsigned size = jit_type_bytes(i->type);

    if (!l->settings->nan_canonical)
        return;
    vr nan = ftemp(l);
    jit_a64_constant(l, nan, i->type, canonical_nan(size));
    a64_fcmp(l, size, raw, raw);
    a64_csel(l, A64_fcsel, A64_VC, size, out(l, i), raw, nan);
}

/* ---- Arithmetic ---- */

/* What v is the negative of, when it is so here alone. */
static bool negates(lower *l, uint32_t *v)
{
    const ir_inst *d = jit_lower_fuses(l, *v);

    if (!d || d->op != JIT_OP_fneg)
        return false;
    jit_lower_sink(l, d);
    *v = d->a;
    return true;
}

static void arithmetic(lower *l, const ir_inst *i, unsigned row)
{
    vr x = in(l, i->a), y = in(l, i->b), d = raw_result(l, i);

    a64_fff(l, row, jit_type_bytes(i->type), d, x, y);
    canonicalize(l, i, d);
}

static void lower_fmul(lower *l, const ir_inst *i)
{
    uint32_t x = i->a, y = i->b;
    bool negative = negates(l, &x) != negates(l, &y);                       /* -x * y */
    vr n = in(l, x), m = in(l, y), d = raw_result(l, i);

    a64_fff(l, negative ? A64_fnmul : A64_fmul, jit_type_bytes(i->type), d, n, m);
    canonicalize(l, i, d);
}

static void unary(lower *l, const ir_inst *i, unsigned row)
{
    vr x = in(l, i->a), d = raw_result(l, i);

    a64_ff(l, row, jit_type_bytes(i->type), d, x);
    canonicalize(l, i, d);
}

/* fmsub and its like negate what goes in, not what comes out, so they say the same as fneg
 * before. */
static void lower_fma(lower *l, const ir_inst *i)
{
    static const uint16_t rows[2][2] = { /* by the signs of the sum and the product */
        { A64_fmadd, A64_fmsub }, { A64_fnmsub, A64_fnmadd }
    };
    ir_args a = inst_args(l->f, i);
    uint32_t x = a.at[0], y = a.at[1], z = a.at[2];
    bool product = negates(l, &x) != negates(l, &y), sum = negates(l, &z);
    vr n = in(l, x), m = in(l, y), add = in(l, z), d = raw_result(l, i);

    a64_fma(l, rows[sum][product], jit_type_bytes(i->type), d, n, m, add);
    canonicalize(l, i, d);
}

/* The instruction that v is, used here alone, when what it makes is not to be made canonical
 * before its sign is changed. */
static const ir_inst *inner(lower *l, uint32_t v, unsigned op)
{
    const ir_inst *d = l->settings->nan_canonical ? NULL : jit_lower_fuses(l, v);

    return d && d->op == op ? d : NULL;
}

/* Bit operations: NaNs stay as they are. */
static void change_sign(lower *l, const ir_inst *i, unsigned row, unsigned op, unsigned with_op)
{
    const ir_inst *d = inner(l, i->a, op);
    unsigned size = jit_type_bytes(i->type);

    if (d) {                                                                /* -(x * y), |x - y| */
        jit_lower_sink(l, d);
        vr x = in(l, d->a);
        a64_fff(l, with_op, size, out(l, i), x, in(l, d->b));
    } else {
        a64_ff(l, row, size, out(l, i), in(l, i->a));
    }
}

/* y's sign is moved down, then inserted above the rest of x. */
static void lower_copysign(lower *l, const ir_inst *i)
{
    unsigned size = jit_type_bytes(i->type);
    vr x = in(l, i->a), y = in(l, i->b), sign = ftemp(l);

    a64_ushr(l, size, sign, y, 8 * size - 1);
    a64_sli(l, size, out(l, i), x, sign, 8 * size - 1);
}

static void change_format(lower *l, const ir_inst *i)
{
    vr x = in(l, i->a), d = raw_result(l, i);

    a64_cvt(l, A64_fcvt, jit_type_bytes(i->type), d, bytes_of(l, i->a), x);
    canonicalize(l, i, d);
}

void jit_a64_lower_float(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_fadd: arithmetic(l, i, A64_fadd); break;
    case JIT_OP_fsub: arithmetic(l, i, A64_fsub); break;
    case JIT_OP_fmul: lower_fmul(l, i); break;
    case JIT_OP_fdiv: arithmetic(l, i, A64_fdiv); break;
    case JIT_OP_fmin: arithmetic(l, i, A64_fmin); break;
    case JIT_OP_fmax: arithmetic(l, i, A64_fmax); break;
    case JIT_OP_sqrt: unary(l, i, A64_fsqrt); break;
    case JIT_OP_ceil: unary(l, i, A64_frintp); break;
    case JIT_OP_floor: unary(l, i, A64_frintm); break;
    case JIT_OP_trunc: unary(l, i, A64_frintz); break;
    case JIT_OP_nearest: unary(l, i, A64_frintn); break;
    case JIT_OP_fma: lower_fma(l, i); break;
    case JIT_OP_fneg: change_sign(l, i, A64_fneg, JIT_OP_fmul, A64_fnmul); break;
    case JIT_OP_fabs: change_sign(l, i, A64_fabs, JIT_OP_fsub, A64_fabd); break;
    case JIT_OP_fcopysign: lower_copysign(l, i); break;
    default: change_format(l, i);
    }
}
