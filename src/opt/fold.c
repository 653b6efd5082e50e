/* fold.c - what an instruction comes to by its operands alone: constants and identities.
 *
 * O1's whole knowledge of algebra. The caller holds instructions and values; nothing is made
 * here. */
#include "opt/fold.h"
#include "ir/numeric.h"

bool jit_fold_constant(const jit_func *f, uint32_t v, uint64_t *bits)
{
    const ir_inst *d = definition_of(f, v);

    if (!d)
        return false;
    if (d->op == JIT_OP_iconst || d->op == JIT_OP_f64const)
        *bits = inst_imm64(d);
    else if (d->op == JIT_OP_f32const)
        *bits = d->a;
    else
        return false;
    return true;
}

void jit_fold_become(ir_inst *i, jit_type t, uint64_t bits)
{
    i->op = (uint8_t)(jit_type_is_int(t) ? JIT_OP_iconst : t == JIT_F32 ? JIT_OP_f32const
                                                                        : JIT_OP_f64const);
    i->type = t;
    i->aux = 0;
    i->a = (uint32_t)bits;
    i->b = (uint32_t)(bits >> 32);
}

static bool is_nan(jit_type t, uint64_t bits)
{
    if (jit_type_is_int(t))
        return false;
    return t == JIT_F32 ? (bits & 0x7fffffff) > 0x7f800000
                        : (bits << 1) > (uint64_t)0x7ff0000000000000 << 1;
}

/* All operands are constants: the result is one, unless it traps or is a NaN, whose bits the
 * settings decide. */
static bool fold(const jit_func *f, ir_inst *i, jit_type t)
{
    ir_args args = inst_args(f, i);
    uint64_t in[3], out[2];
    unsigned trap = 0;

    if (args.len == 0 || args.len > 3 || jit_type_bytes(t) > 8 || jit_type_is_vector(t)
        || t == JIT_F16)
        return false;
    for (uint32_t k = 0; k < args.len; k++)
        if (!jit_fold_constant(f, args.at[k], &in[k]))
            return false;
    if (!jit_eval((jit_opcode)i->op, i->type, i->aux, in, value_type(f, args.at[0]), out, &trap)
        || trap || is_nan(t, out[0]))
        return false;
    jit_fold_become(i, t, out[0]);
    return true;
}

/* ---- Identities ---- */

static uint64_t all_ones(jit_type t)
{
    return ~(uint64_t)0 >> (64 - jit_type_bits(t));
}

/* The value that an operation with constant y on the right comes to; 0: no such. */
static uint32_t identity(const jit_func *f, const ir_inst *i)
{
    jit_type t = i->type;
    uint64_t k;

    if (!jit_type_is_int(t) || t == JIT_I128 || !jit_fold_constant(f, i->b, &k))
        return 0;
    switch (i->op) {
    case JIT_OP_iadd: case JIT_OP_isub: case JIT_OP_bor: case JIT_OP_bxor:
        return k == 0 ? i->a : 0;
    case JIT_OP_ishl: case JIT_OP_ushr: case JIT_OP_sshr: case JIT_OP_rotl: case JIT_OP_rotr:
        return (k & (jit_type_bits(t) - 1)) == 0 ? i->a : 0;
    case JIT_OP_imul: case JIT_OP_udiv: case JIT_OP_sdiv:
        return k == 1 ? i->a : 0;
    case JIT_OP_band:
        return k == all_ones(t) ? i->a : k == 0 ? i->b : 0;
    default:
        return 0;
    }
}

/* An operation of a value with itself: the value, or a constant that i becomes. */
static uint32_t with_itself(ir_inst *i)
{
    if (i->a != i->b || !jit_type_is_int(i->type) || i->type == JIT_I128)
        return 0;
    switch (i->op) {
    case JIT_OP_band: case JIT_OP_bor: case JIT_OP_smin: case JIT_OP_smax: case JIT_OP_umin:
    case JIT_OP_umax:
        return i->a;
    case JIT_OP_isub: case JIT_OP_bxor:
        jit_fold_become(i, (jit_type)i->type, 0);
        return 0;
    default:
        return 0;
    }
}

/* icmp of a value with itself. */
static void compare_with_itself(ir_inst *i, jit_type t)
{
    if (i->a == i->b && t == JIT_I8)
        jit_fold_become(i, JIT_I8, i->aux == JIT_EQ || i->aux == JIT_SGE || i->aux == JIT_SLE
                                       || i->aux == JIT_UGE || i->aux == JIT_ULE);
}

/* What a conversion of a conversion comes to: ireduce(uextend x) or ireduce(sextend x) is x. */
static uint32_t undone(const jit_func *f, const ir_inst *i)
{
    const ir_inst *d = i->op == JIT_OP_ireduce ? definition_of(f, i->a) : NULL;

    if (!d || (d->op != JIT_OP_uextend && d->op != JIT_OP_sextend))
        return 0;
    return value_type(f, d->a) == i->type ? d->a : 0;
}

/* Constants stand on the right; chains of extensions and reductions become one. */
static void normalize(const jit_func *f, ir_inst *i)
{
    uint64_t k;
    const ir_inst *d;

    if (op_of(i)->props & OP_COMMUTES && !op_of(i)->pooled && jit_fold_constant(f, i->a, &k)
        && !jit_fold_constant(f, i->b, &k)) {
        uint32_t x = i->a;
        i->a = i->b;
        i->b = x;
    }
    if ((i->op == JIT_OP_ireduce || i->op == JIT_OP_uextend || i->op == JIT_OP_sextend)
        && (d = definition_of(f, i->a)) != NULL && d->op == i->op)
        i->a = d->a;
}

uint32_t jit_fold_inst(const jit_func *f, ir_inst *i, jit_type t)
{
    uint32_t same = 0;
    const op_info *o;

    normalize(f, i);
    if (i->op == JIT_OP_select_spectre_guard || fold(f, i, t))
        return 0;
    o = op_of(i);
    if (o->format == FMT_BINARY) {
        same = identity(f, i);
        return same ? same : with_itself(i);
    }
    if (o->format == FMT_CONVERT)
        return undone(f, i);
    if (i->op == JIT_OP_icmp)
        compare_with_itself(i, t);
    return 0;
}
