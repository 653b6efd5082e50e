/* rules.c - which rule lowers an opcode, and the rules and matches that machines share. */
#include "machinst/rules.h"

/* ---- Memory ---- */

unsigned jit_rule_access_bytes(const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_uload8: case JIT_OP_sload8: case JIT_OP_istore8: return 1;
    case JIT_OP_uload16: case JIT_OP_sload16: case JIT_OP_istore16: return 2;
    case JIT_OP_uload32: case JIT_OP_sload32: case JIT_OP_istore32: return 4;
    default: return jit_type_bytes(i->type);
    }
}

unsigned jit_rule_load_nonzero(const jit_func *f, const ir_inst *i)
{
    unsigned bytes = jit_rule_access_bytes(i);

    if (i->op == JIT_OP_uload8 || i->op == JIT_OP_uload32)
        return bytes;
    if (!jit_type_is_int(i->type) || f->mems.at[i->aux].bits & JIT_MEM_BIG)
        return 16;
    return bytes < 8 ? bytes : 16;
}

unsigned jit_rule_trap_of(const lower *l, uint16_t mem)
{
    const jit_mem *m = &l->f->mems.at[mem];

    return m->bits & JIT_MEM_NOTRAP ? 0 : m->trap ? m->trap : JIT_TRAP_HEAP_OOB;
}

uint32_t jit_rule_peel_constants(const lower *l, uint32_t v, int32_t *offset, bool *alone)
{
    *alone = true;
    for (unsigned n = 0; n < 8; n++) {
        const ir_inst *d = jit_lower_repeats(l, v);
        int64_t k, sum;
        if (!d || d->op != JIT_OP_iadd || d->type != JIT_I64)
            break;
        uint32_t x = d->a, y = d->b;
        if (!jit_lower_const(l, y, &k)) {
            if (!jit_lower_const(l, x, &k))
                break;
            x = y;
        }
        if (__builtin_add_overflow(k, *offset, &sum) || sum != (int32_t)sum)
            break;
        *offset = (int32_t)sum;
        *alone &= jit_lower_fuses(l, v) != NULL;
        v = x;
    }
    return v;
}

bool jit_rule_slot_of(const lower *l, uint32_t v, int32_t *offset, uint32_t *slot)
{
    const ir_inst *d = jit_lower_def(l, v);
    int64_t sum;

    if (!d || d->op != JIT_OP_stack_addr)
        return false;
    sum = (int64_t)(int32_t)d->b + *offset;
    if (sum < 0 || sum > 1 << 30) /* the frame adds more */
        return false;
    *offset = (int32_t)sum;
    *slot = d->a - 1;
    return true;
}

/* ---- Control ---- */

const ir_inst *jit_rule_inner_truth(const lower *l, const ir_inst *d, bool alone, bool *inverted)
{
    int64_t k;

    if (d->op != JIT_OP_icmp || d->aux > JIT_NE || !jit_lower_const(l, d->b, &k) || k != 0)
        return NULL;
    const ir_inst *x = alone ? jit_lower_fuses_root(l, d->a) : NULL;
    if (!x || (x->op != JIT_OP_icmp && x->op != JIT_OP_fcmp))
        return NULL;
    *inverted ^= d->aux == JIT_EQ;
    return x;
}

const ir_inst *jit_rule_truth_of(lower *l, uint32_t v, bool *alone, bool *inverted)
{
    const ir_inst *d = jit_lower_fuses_root(l, v), *x;

    *alone = d != NULL;
    *inverted = false;
    if (!d)
        d = jit_lower_repeats(l, v);
    if (!d || (d->op != JIT_OP_icmp && d->op != JIT_OP_fcmp))
        return NULL;
    if (*alone)
        jit_lower_sink(l, d);
    while ((x = jit_rule_inner_truth(l, d, *alone, inverted)) != NULL) {
        d = x;
        jit_lower_sink(l, d);
    }
    return d;
}

minst *jit_rule_branch(lower *l, unsigned cc, uint32_t then_block, uint32_t else_block)
{
    minst *m = jit_lower_emit(l, MI_BRANCH, 8);

    m->cc = (uint8_t)cc;
    m->ref = then_block;
    m->imm = else_block;
    jit_lower_flags(l, RA_TERM, 0);
    return m;
}

bool jit_rule_one_way(lower *l, const ir_inst *i)
{
    uint32_t n = jit_inst_target_count(l->f, i) - 1, other = 0;

    while (other < n && l->target_block[other] == l->target_block[n])
        other++;
    if (other < n)
        return false;
    /* The allocator puts moves before a jump, not before a table. */
    jit_lower_emit(l, MI_JUMP, 0)->ref = l->target_block[0];
    jit_lower_flags(l, RA_TERM, 0);
    return true;
}

/* ---- Opcodes ---- */

static void check_types(lower *l, const ir_inst *i)
{
    ir_args args = inst_args(l->f, i);
    jit_type t = i->type;

    for (uint32_t k = 0; k <= args.len; k++) {
        if (jit_type_is_vector(t) || t == JIT_I128 || t == JIT_F16 || t == JIT_F128)
            jit_lower_unsupported(l, i, "not implemented for this type");
        if (k < args.len)
            t = lower_type(l, args.at[k]);
    }
}

static void return_address(lower *l, vr to)
{
    vr stored = l->target->strip ? temp(l) : to;

    l->target->load(l, stored, JIT_I64, MEM_IN, VR_NONE, -8, 0, 0);
    if (l->target->strip)
        l->target->strip(l, to, stored);
}

static void frame_value(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_get_frame_pointer: /* it points to where its predecessor is saved */
        l->target->address(l, out(l, i), MEM_IN, 0, -16);
        break;
    case JIT_OP_get_stack_pointer:
        l->target->address(l, out(l, i), MEM_OUT, 0, 0);
        break;
    default: /* get_return_address: beside it */
        return_address(l, out(l, i));
    }
}

static void symbol_value(lower *l, const ir_inst *i)
{
    jit_gv g = { i->a };
    const ir_gv *gv = &l->f->gvs.at[jit_gv_index(g)];

    if (gv->kind != GV_SYMBOL || gv->tls)
        jit_lower_unsupported(l, i, "only of plain symbols");
    l->target->symbol(l, out(l, i), jit_lower_gv_symbol(l, g), gv->offset, false);
}

static void func_addr(lower *l, const ir_inst *i)
{
    jit_fnref fn = { i->a };
    l->target->symbol(l, out(l, i), jit_lower_callee(l, fn), 0, true);
}

static void nothing(lower *l, const ir_inst *i)
{
    (void)l;
    (void)i;
}

static void unsupported(lower *l, const ir_inst *i)
{
    jit_lower_unsupported(l, i, "not implemented");
}

enum { /* rules that are the same for all targets follow theirs */
    RULE_FRAME_VALUE = RULE_TARGET_COUNT, RULE_SYMBOL_VALUE, RULE_FUNC_ADDR, RULE_CALL, RULE_RETURN,
    RULE_NOTHING
};
static void (*const shared[])(lower *l, const ir_inst *i) = {
    [RULE_FRAME_VALUE - RULE_TARGET_COUNT] = frame_value,
    [RULE_SYMBOL_VALUE - RULE_TARGET_COUNT] = symbol_value,
    [RULE_FUNC_ADDR - RULE_TARGET_COUNT] = func_addr,
    [RULE_CALL - RULE_TARGET_COUNT] = jit_lower_call,
    [RULE_RETURN - RULE_TARGET_COUNT] = jit_lower_return,
    [RULE_NOTHING - RULE_TARGET_COUNT] = nothing,
};

#define R(op, rule) [JIT_OP_##op] = RULE_##rule
static const uint8_t rule_of[JIT_OP_COUNT] = { /* 0: none */
    R(iadd, INT), R(isub, INT), R(ineg, INT), R(iabs, INT), R(imul, INT), R(umulhi, INT),
    R(smulhi, INT), R(udiv, INT), R(sdiv, INT), R(urem, INT), R(srem, INT), R(smin, INT),
    R(smax, INT), R(umin, INT), R(umax, INT),
    R(uadd_overflow, OVERFLOW), R(sadd_overflow, OVERFLOW), R(usub_overflow, OVERFLOW),
    R(ssub_overflow, OVERFLOW), R(umul_overflow, OVERFLOW), R(smul_overflow, OVERFLOW),
    R(uadd_overflow_cin, OVERFLOW), R(sadd_overflow_cin, OVERFLOW),
    R(usub_overflow_bin, OVERFLOW), R(ssub_overflow_bin, OVERFLOW),
    R(uadd_overflow_trap, OVERFLOW),
    R(band, BITS), R(bor, BITS), R(bxor, BITS), R(bnot, BITS), R(bitselect, BITS), R(ishl, BITS),
    R(ushr, BITS), R(sshr, BITS), R(rotl, BITS), R(rotr, BITS), R(bmask, BITS), R(clz, BITS),
    R(cls, BITS), R(ctz, BITS), R(popcnt, BITS), R(bswap, BITS), R(bitrev, BITS), R(isplit, BITS),
    R(iconcat, BITS),
    R(load, LOAD), R(uload8, LOAD), R(sload8, LOAD), R(uload16, LOAD), R(sload16, LOAD),
    R(uload32, LOAD), R(sload32, LOAD),
    R(store, STORE), R(istore8, STORE), R(istore16, STORE), R(istore32, STORE),
    R(uextend, EXTEND), R(sextend, EXTEND),
    R(icmp, ICMP), R(fcmp, FCMP), R(select, SELECT), R(select_spectre_guard, SELECT),
    R(brif, CONTROL), R(br_table, CONTROL), R(trap, CONTROL), R(trapz, CONTROL), R(trapnz, CONTROL),
    R(debugtrap, CONTROL),
    R(fadd, FLOAT), R(fsub, FLOAT), R(fmul, FLOAT), R(fdiv, FLOAT), R(sqrt, FLOAT), R(fma, FLOAT),
    R(fneg, FLOAT), R(fabs, FLOAT), R(fcopysign, FLOAT), R(fmin, FLOAT), R(fmax, FLOAT),
    R(ceil, FLOAT), R(floor, FLOAT), R(trunc, FLOAT), R(nearest, FLOAT), R(fpromote, FLOAT),
    R(fdemote, FLOAT),
    R(fcvt_to_uint, CONVERT), R(fcvt_to_sint, CONVERT), R(fcvt_to_uint_sat, CONVERT),
    R(fcvt_to_sint_sat, CONVERT), R(fcvt_from_uint, CONVERT), R(fcvt_from_sint, CONVERT),
    R(bitcast, CONVERT),
    R(get_frame_pointer, FRAME_VALUE), R(get_stack_pointer, FRAME_VALUE),
    R(get_return_address, FRAME_VALUE), R(symbol_value, SYMBOL_VALUE), R(func_addr, FUNC_ADDR),
    R(call, CALL), R(call_indirect, CALL), R(return, RETURN), R(nop, NOTHING),
    R(sequence_point, NOTHING),
};

void jit_lower_op(lower *l, const ir_inst *i)
{
    unsigned rule = rule_of[i->op];

    if (l->has_wide && rule < RULE_CALL)
        check_types(l, i);
    if (rule >= RULE_TARGET_COUNT)
        shared[rule - RULE_TARGET_COUNT](l, i);
    else if (rule != RULE_NONE)
        l->target->rules[rule](l, i);
    else
        unsupported(l, i);
}
