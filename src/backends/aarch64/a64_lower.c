/* a64_lower.c - lowering for AArch64: which function knows a family, and the target's small
 * hooks. */
#include "backends/aarch64/a64_lower.h"

/* ---- Hooks ---- */

void jit_a64_constant(lower *l, vr to, jit_type t, uint64_t bits)
{
    unsigned size = jit_type_bytes(t);

    if (jit_type_is_int(t)) {
        jit_a64_imm(l, to, bits);
    } else if (bits == 0) {
        jit_a64_fzero(l, to);
    } else if (jit_a64_fmov_imm(bits, size, NULL)) {
        jit_a64_fmov_i(l, size, to, bits);
    } else if (jit_a64_imm_words(bits, size) == 1) { /* shorter than a constant and its load */
        jit_a64_build(l, A64_fmov_c, size, 0, &to, NULL, (int64_t)bits);
        jit_lower_flags(l, RA_REMAT, 0);
    } else {
        a64_fload(l, size, to, a64_pool(jit_lower_add_const(l, &bits, size, size)));
        jit_lower_flags(l, RA_REMAT, 0);
    }
}

void jit_a64_address(lower *l, vr to, unsigned am, uint32_t ref, int32_t disp)
{
    a64_addr m = a64_frame(am, ref, disp);

    jit_a64_build(l, A64_lea, 8, 0, &to, &m, 0);
    jit_lower_flags(l, RA_REMAT, 0);
}

void jit_a64_symbol(lower *l, vr to, uint32_t symbol, int64_t addend, bool near)
{
    if (addend == 0) {
        if (near)
            jit_a64_adr_sym(l, to, symbol);
        else
            jit_a64_ldr_sym(l, to, symbol);
        return;
    }
    vr base = temp(l), more = temp(l);
    jit_a64_imm(l, more, (uint64_t)addend);
    jit_a64_ldr_sym(l, base, symbol);
    a64_rrr(l, A64_add, 8, to, base, more);
}

static a64_addr hook_memory(unsigned am, vr base, int32_t disp, unsigned trap)
{
    return am == MEM_BASE ? a64_at(base, disp, trap) : a64_frame(am, 0, disp);
}

void jit_a64_load(lower *l, vr to, jit_type t, unsigned am, vr base, int32_t disp, unsigned ext,
                  unsigned trap)
{
    a64_addr m = hook_memory(am, base, disp, trap);
    unsigned size = jit_type_bytes(t);

    if (!jit_type_is_int(t))
        a64_fload(l, size, to, m);
    else if (ext == 2 && size < 8)
        a64_load_signed(l, 8, to, size, m);
    else
        a64_load(l, size, to, m);
}

void jit_a64_store(lower *l, vr from, jit_type t, unsigned am, vr base, int32_t disp)
{
    a64_addr m = hook_memory(am, base, disp, 0);

    if (jit_type_is_int(t))
        a64_store(l, jit_type_bytes(t), m, from);
    else
        a64_fstore(l, jit_type_bytes(t), m, from);
}

void jit_a64_extend(lower *l, vr to, vr from, jit_type t, unsigned ext)
{
    if (ext == 2)
        jit_a64_sx(l, 8, to, jit_type_bytes(t), from);
    else
        jit_a64_zx(l, to, jit_type_bytes(t), from);
}

void jit_a64_strip(lower *l, vr to, vr from)
{
    if (l->features & (JIT_A64_SIGN | JIT_A64_SIGN_ALL))
        a64_rr(l, A64_strip, 8, to, from);
    else
        jit_lower_move(l, to, from, 8, RC_INT);
}

/* ---- What is known of upper bits ---- */

/* Promises made by the rows that the rules below end in: loads are zero-extended; conditions are
 * cset, but for those of two; extensions are bit-field moves; everything else of type i32 named
 * here ends in a 32-bit instruction. */
unsigned jit_a64_zero_upper(const jit_func *f, const ir_inst *i, uint64_t features)
{
    (void)features;
    switch (i->op) {
    case JIT_OP_load: case JIT_OP_uload8: case JIT_OP_uload16: case JIT_OP_uload32:
        return jit_rule_load_nonzero(f, i);
    case JIT_OP_icmp: return 1;
    case JIT_OP_fcmp: return i->aux == JIT_FONE || i->aux == JIT_FUEQ ? 16 : 1;
    case JIT_OP_uextend: return jit_type_bytes(value_type(f, i->a));
    case JIT_OP_iadd: case JIT_OP_isub: case JIT_OP_ineg: case JIT_OP_iabs: case JIT_OP_imul:
    case JIT_OP_bnot: case JIT_OP_ishl: case JIT_OP_ushr: case JIT_OP_sshr:
    case JIT_OP_rotl: case JIT_OP_rotr: case JIT_OP_udiv: case JIT_OP_sdiv: case JIT_OP_urem:
    case JIT_OP_srem: case JIT_OP_umulhi: case JIT_OP_smulhi:
    case JIT_OP_band: case JIT_OP_bor: case JIT_OP_bxor: case JIT_OP_bitselect:
    case JIT_OP_smin: case JIT_OP_smax: case JIT_OP_umin: case JIT_OP_umax:
    case JIT_OP_select: case JIT_OP_select_spectre_guard: case JIT_OP_bmask:
    case JIT_OP_bswap: case JIT_OP_bitrev: case JIT_OP_popcnt: case JIT_OP_clz: case JIT_OP_ctz:
    case JIT_OP_cls: case JIT_OP_sextend:
        return i->type == JIT_I32 ? 4 : 16;
    default:
        return 16;
    }
}

/* ---- Opcodes ---- */

void (*const jit_a64_rules[RULE_TARGET_COUNT])(lower *l, const ir_inst *i) = {
    [RULE_INT] = jit_a64_lower_int,
    [RULE_OVERFLOW] = jit_a64_lower_overflow,
    [RULE_BITS] = jit_a64_lower_bits,
    [RULE_LOAD] = jit_a64_lower_load,
    [RULE_STORE] = jit_a64_lower_store,
    [RULE_EXTEND] = jit_a64_lower_extend,
    [RULE_ICMP] = jit_a64_lower_icmp,
    [RULE_FCMP] = jit_a64_lower_fcmp,
    [RULE_SELECT] = jit_a64_lower_select,
    [RULE_CONTROL] = jit_a64_lower_control,
    [RULE_FLOAT] = jit_a64_lower_float,
    [RULE_CONVERT] = jit_a64_lower_convert,
};
