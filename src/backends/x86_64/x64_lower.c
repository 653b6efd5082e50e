/* x64_lower.c - lowering for x86-64: which function knows a family, and the target's small
 * hooks. */
#include "backends/x86_64/x64_lower.h"

/* ---- Hooks ---- */

void jit_x64_constant(lower *l, vr to, jit_type t, uint64_t bits)
{
    if (jit_type_is_int(t)) {
        x64_imm(l, to, bits);
    } else if (bits == 0) {
        x64_sse_fill(l, X64_fzero, to);
    } else {
        unsigned size = jit_type_bytes(t);
        x64_sse_r(l, X64_movs, size, to, x64_pool(jit_lower_add_const(l, &bits, size, size)));
        jit_lower_flags(l, RA_REMAT, 0);
    }
}

void jit_x64_address(lower *l, vr to, unsigned am, uint32_t ref, int32_t disp)
{
    x64_lea(l, 8, to, x64_frame(am, ref, disp));
    jit_lower_flags(l, RA_REMAT, 0);
}

void jit_x64_symbol(lower *l, vr to, uint32_t symbol, int64_t addend, bool near)
{
    if (near && addend == 0) {
        x64_lea(l, 8, to, x64_sym(symbol));
        return;
    }
    if (addend == 0) {
        x64_rr(l, X64_mov, 8, to, x64_sym(symbol));
        return;
    }
    vr base = temp(l), more = temp(l);
    x64_imm(l, more, (uint64_t)addend);
    x64_rr(l, X64_mov, 8, base, x64_sym(symbol));
    x64_alu(l, X64_add, 8, to, base, x64_reg(more));
}

static x64_rm hook_memory(unsigned am, vr base, int32_t disp, unsigned trap)
{
    return am == MEM_BASE ? x64_at(base, disp, trap) : x64_frame(am, 0, disp);
}

void jit_x64_load(lower *l, vr to, jit_type t, unsigned am, vr base, int32_t disp, unsigned ext,
                  unsigned trap)
{
    x64_rm m = hook_memory(am, base, disp, trap);
    unsigned size = jit_type_bytes(t);

    if (!jit_type_is_int(t))
        x64_sse_r(l, X64_movs, size, to, m);
    else if (size >= 8)
        x64_rr(l, X64_mov, 8, to, m);
    else if (ext == 2)
        jit_x64_sx(l, 8, to, size, m);
    else
        jit_x64_zx(l, to, size, m);
}

void jit_x64_store(lower *l, vr from, jit_type t, unsigned am, vr base, int32_t disp)
{
    x64_rm m = hook_memory(am, base, disp, 0);

    if (jit_type_is_int(t))
        x64_alu_m(l, X64_mov_m, jit_type_bytes(t), m, from);
    else
        x64_sse_m(l, X64_movs_m, jit_type_bytes(t), m, from);
}

void jit_x64_extend(lower *l, vr to, vr from, jit_type t, unsigned ext)
{
    if (ext == 2)
        jit_x64_sx(l, 8, to, jit_type_bytes(t), x64_reg(from));
    else
        jit_x64_zx(l, to, jit_type_bytes(t), x64_reg(from));
}

/* ---- What is known of upper bits ---- */

/* Promises made by the rows that the rules below end in: loads of less than 8 bytes are movzx or
 * 32-bit mov; conditions are movzx of setcc; everything else of type i32 named here ends in a
 * 32-bit instruction. */
unsigned jit_x64_zero_upper(const jit_func *f, const ir_inst *i, uint64_t features)
{
    (void)features;
    switch (i->op) {
    case JIT_OP_load: case JIT_OP_uload8: case JIT_OP_uload16: case JIT_OP_uload32:
        return jit_rule_load_nonzero(f, i);
    case JIT_OP_icmp:
    case JIT_OP_fcmp:
        return 1;
    case JIT_OP_iadd: case JIT_OP_isub: case JIT_OP_ineg: case JIT_OP_imul:
    case JIT_OP_bnot: case JIT_OP_ishl: case JIT_OP_ushr: case JIT_OP_sshr:
    case JIT_OP_rotl: case JIT_OP_rotr: case JIT_OP_udiv: case JIT_OP_sdiv: case JIT_OP_urem:
    case JIT_OP_srem: case JIT_OP_umulhi: case JIT_OP_smulhi:
    case JIT_OP_band: case JIT_OP_bor: case JIT_OP_bxor:
    case JIT_OP_smin: case JIT_OP_smax: case JIT_OP_umin: case JIT_OP_umax:
    case JIT_OP_select: case JIT_OP_select_spectre_guard:
    case JIT_OP_bswap: case JIT_OP_popcnt: case JIT_OP_clz: case JIT_OP_ctz:
        return i->type == JIT_I32 ? 4 : 16;
    default:
        return 16;
    }
}

/* ---- Opcodes ---- */

void (*const jit_x64_rules[RULE_TARGET_COUNT])(lower *l, const ir_inst *i) = {
    [RULE_INT] = jit_x64_lower_int,
    [RULE_OVERFLOW] = jit_x64_lower_overflow,
    [RULE_BITS] = jit_x64_lower_bits,
    [RULE_LOAD] = jit_x64_lower_load,
    [RULE_STORE] = jit_x64_lower_store,
    [RULE_EXTEND] = jit_x64_lower_extend,
    [RULE_ICMP] = jit_x64_lower_icmp,
    [RULE_FCMP] = jit_x64_lower_fcmp,
    [RULE_SELECT] = jit_x64_lower_select,
    [RULE_CONTROL] = jit_x64_lower_control,
    [RULE_FLOAT] = jit_x64_lower_float,
    [RULE_CONVERT] = jit_x64_lower_convert,
};
