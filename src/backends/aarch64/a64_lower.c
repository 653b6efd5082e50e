/* a64_lower.c - lowering for AArch64: which file knows an opcode, and the target's small hooks. */
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

/* ---- What is known of upper bits ---- */

/* Promises made by the rows that the rules below end in: loads are zero-extended; conditions are cset,
 * but for those of two; extensions are bit-field moves; everything else of type i32 named here ends in a
 * 32-bit instruction. */
unsigned jit_a64_zero_upper(const jit_func *f, const ir_inst *i, uint64_t features)
{
    (void)features;
    switch (i->op) {
    case JIT_OP_load:
        if (!jit_type_is_int(i->type) || f->mems.at[i->aux].bits & JIT_MEM_BIG)
            return 16;
        return jit_type_bytes(i->type) < 8 ? jit_type_bytes(i->type) : 16;
    case JIT_OP_uload8: return 1;
    case JIT_OP_uload16: return f->mems.at[i->aux].bits & JIT_MEM_BIG ? 16 : 2;
    case JIT_OP_uload32: return 4;
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

static void frame_value(lower *l, const ir_inst *i)
{
    switch (i->op) {
    case JIT_OP_get_frame_pointer: /* it points to where its predecessor is saved */
        jit_a64_address(l, out(l, i), MEM_IN, 0, -16);
        break;
    case JIT_OP_get_stack_pointer:
        jit_a64_address(l, out(l, i), MEM_OUT, 0, 0);
        break;
    default: /* get_return_address: beside it */
        a64_load(l, 8, out(l, i), a64_frame(MEM_IN, 0, -8));
    }
}

static void symbol_value(lower *l, const ir_inst *i)
{
    jit_gv g = { i->a };
    const ir_gv *gv = &l->f->gvs.at[jit_gv_index(g)];

    if (gv->kind != GV_SYMBOL || gv->tls)
        jit_lower_unsupported(l, i, "only of plain symbols");
    jit_a64_symbol(l, out(l, i), jit_lower_gv_symbol(l, g), gv->offset, false);
}

void jit_a64_lower(lower *l, const ir_inst *i)
{
    jit_fnref fn = { i->a };

    if (l->has_wide)
        check_types(l, i);
    switch (i->op) {
    case JIT_OP_iadd: case JIT_OP_isub: case JIT_OP_ineg: case JIT_OP_iabs: case JIT_OP_imul:
    case JIT_OP_umulhi: case JIT_OP_smulhi: case JIT_OP_udiv: case JIT_OP_sdiv: case JIT_OP_urem:
    case JIT_OP_srem: case JIT_OP_smin: case JIT_OP_smax: case JIT_OP_umin: case JIT_OP_umax:
        jit_a64_lower_int(l, i);
        break;
    case JIT_OP_uadd_overflow: case JIT_OP_sadd_overflow: case JIT_OP_usub_overflow:
    case JIT_OP_ssub_overflow: case JIT_OP_umul_overflow: case JIT_OP_smul_overflow:
    case JIT_OP_uadd_overflow_cin: case JIT_OP_sadd_overflow_cin: case JIT_OP_usub_overflow_bin:
    case JIT_OP_ssub_overflow_bin: case JIT_OP_uadd_overflow_trap:
        jit_a64_lower_overflow(l, i);
        break;
    case JIT_OP_band: case JIT_OP_bor: case JIT_OP_bxor: case JIT_OP_bnot: case JIT_OP_bitselect:
    case JIT_OP_ishl: case JIT_OP_ushr: case JIT_OP_sshr: case JIT_OP_rotl: case JIT_OP_rotr:
    case JIT_OP_bmask: case JIT_OP_clz: case JIT_OP_cls: case JIT_OP_ctz: case JIT_OP_popcnt:
    case JIT_OP_bswap: case JIT_OP_bitrev: case JIT_OP_isplit: case JIT_OP_iconcat:
        jit_a64_lower_bits(l, i);
        break;
    case JIT_OP_load: case JIT_OP_uload8: case JIT_OP_sload8: case JIT_OP_uload16: case JIT_OP_sload16:
    case JIT_OP_uload32: case JIT_OP_sload32:
        jit_a64_lower_load(l, i);
        break;
    case JIT_OP_store: case JIT_OP_istore8: case JIT_OP_istore16: case JIT_OP_istore32:
        jit_a64_lower_store(l, i);
        break;
    case JIT_OP_uextend: case JIT_OP_sextend:
        jit_a64_lower_extend(l, i);
        break;
    case JIT_OP_icmp:
        jit_a64_lower_icmp(l, i);
        break;
    case JIT_OP_fcmp:
        jit_a64_lower_fcmp(l, i);
        break;
    case JIT_OP_select: case JIT_OP_select_spectre_guard:
        jit_a64_lower_select(l, i);
        break;
    case JIT_OP_brif: case JIT_OP_br_table: case JIT_OP_trap: case JIT_OP_trapz: case JIT_OP_trapnz:
        jit_a64_lower_control(l, i);
        break;
    case JIT_OP_debugtrap:
        jit_a64_build(l, A64_brk, 4, 0, NULL, NULL, 0);
        break;
    case JIT_OP_fadd: case JIT_OP_fsub: case JIT_OP_fmul: case JIT_OP_fdiv: case JIT_OP_sqrt:
    case JIT_OP_fma: case JIT_OP_fneg: case JIT_OP_fabs: case JIT_OP_fcopysign: case JIT_OP_fmin:
    case JIT_OP_fmax: case JIT_OP_ceil: case JIT_OP_floor: case JIT_OP_trunc: case JIT_OP_nearest:
    case JIT_OP_fpromote: case JIT_OP_fdemote:
        jit_a64_lower_float(l, i);
        break;
    case JIT_OP_fcvt_to_uint: case JIT_OP_fcvt_to_sint: case JIT_OP_fcvt_to_uint_sat:
    case JIT_OP_fcvt_to_sint_sat: case JIT_OP_fcvt_from_uint: case JIT_OP_fcvt_from_sint:
    case JIT_OP_bitcast:
        jit_a64_lower_convert(l, i);
        break;
    case JIT_OP_func_addr:
        jit_a64_symbol(l, out(l, i), jit_lower_callee(l, fn), 0, true);
        break;
    case JIT_OP_symbol_value:
        symbol_value(l, i);
        break;
    case JIT_OP_get_frame_pointer: case JIT_OP_get_stack_pointer: case JIT_OP_get_return_address:
        frame_value(l, i);
        break;
    default:
        jit_lower_unsupported(l, i, "not implemented");
    }
}
