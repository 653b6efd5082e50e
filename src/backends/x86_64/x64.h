/* x64.h - what lowering, the ABI and emission of x86-64 share: rows, operands, constructors.
 *
 * Lowering says an instruction by one of the constructors below; each looks its row up in
 * x64_insts.def and adds its operands with the constraints, widths and promises written there.
 * They return the minst, whose remaining fields (trap, cc, extra) may be set until the next
 * instruction. A result register comes first, the rm operand last. `size` is that of the
 * operation in bytes. 8- and 16-bit forms exist, but their results promise nothing above, so
 * arithmetic is better done at size 4.
 *
 * Flags: between an instruction that writes them and its reader (set, cmov, adc, sbb, MI_BRANCH,
 * trap_if) only instructions whose row leaves the flags alone may stand: mov, lea, movzx, not,
 * all of SSE but ucomis, shlx and its like, x64_imm_keep. Moves of the allocator keep them. */
#ifndef JIT_X64_H
#define JIT_X64_H

#include "backends/x86_64/x64_regs.h"
#include "machinst/target.h"

/* ---- Rows ---- */

enum {
    X64_FIRST_ = MI_TARGET - 1,
#define INST(name, ...) X64_##name,
#include "backends/x86_64/x64_insts.def"
    X64_END
};
_Static_assert(X64_vadds == X64_adds + 1 && X64_vmovs == X64_movs + 1, "VEX forms follow");

/* Conditions, by their hardware number; inverted by ^ 1. */
enum {
    X64_O, X64_NO, X64_B, X64_AE, X64_E, X64_NE, X64_BE, X64_A,
    X64_S, X64_NS, X64_P, X64_NP, X64_L, X64_GE, X64_LE, X64_G,
    X64_E_AND_NP, X64_NE_OR_P, /* of ucomis: equal, and not; in MI_BRANCH and trap_if only */
    X64_CC_COUNT
};
static inline unsigned x64_invert(unsigned cc) { return cc ^ 1; }
/* The condition after exchanging the operands of cmp. */
unsigned jit_x64_swap_cc(unsigned cc);

enum { X64_KEEP_FLAGS = 1 }; /* minst.cc of mov_i */
enum { /* predicates of cmps */
    X64_CMP_EQ, X64_CMP_LT, X64_CMP_LE, X64_CMP_UNORD,
    X64_CMP_NEQ, X64_CMP_NLT, X64_CMP_NLE, X64_CMP_ORD
};
enum { /* modes of rounds: inexact is not signalled */
    X64_ROUND_NEAREST = 8, X64_ROUND_FLOOR = 9, X64_ROUND_CEIL = 10, X64_ROUND_TRUNC = 11
};

/* Where an operand stands in the encoding. */
enum {
    X64_AT_NONE,
    X64_AT_REG, /* modrm.reg */
    X64_AT_RM,  /* modrm.rm, or the low bits of the opcode */
    X64_AT_V    /* VEX.vvvv */
};

/* One operand of a shape. */
typedef struct x64_role {
    uint8_t kind;       /* RA_* */
    uint8_t constraint; /* RA_*; RA_ANY: rm, may be a spill slot */
    uint8_t fixed;      /* FIXED: register; TIED: the operand */
    uint8_t width;      /* bytes; 0: size, X64_W_SIZE2: size2 */
    uint8_t place;      /* X64_AT_* */
    uint8_t cls;        /* RC_* */
    uint8_t mem;        /* 0 a register, 1 register or memory, 2 memory only (then no operand) */
    uint8_t first;      /* register 0 of its class */
} x64_role;
enum { X64_W_0, X64_W_SIZE = 0x80, X64_W_SIZE2, X64_W_16 }; /* widths that a row or role names */
enum { X64_Z_NONE, X64_Z_SIZE, X64_Z_SIZE2, X64_Z_IMM };
enum { X64_F_W = 1, X64_F_R = 2, X64_F_M = 4 };
#define X64_MAX_ROLES 5

/* A row, as expanded for constructors, encoder, printer and auditor. */
typedef struct x64_info {
    const char *mnemonic;
    uint8_t shape;    /* index into jit_x64_shapes */
    uint8_t format;   /* x64_enc.h */
    uint8_t pp, map, opcode, digit;
    uint16_t lead;    /* bytes before the opcode, by map */
    uint8_t nlead;
    uint8_t plain;    /* X64_PLAIN and so on: emission has a short way for it */
    uint8_t sizes, sizes2;
    uint8_t nonzero;  /* X64_Z_* */
    uint8_t flags;    /* X64_F_*: written, read */
    uint8_t mem;      /* X64_W_*: width of its memory operand */
    uint16_t feature; /* JIT_X86_*; 0: none */
} x64_info;
enum { /* integers, one in modrm.reg and a register or memory in modrm.rm, without a prefix */
    X64_NOT_PLAIN,
    X64_PLAIN,     /* bytes have the opcode below */
    X64_PLAIN_MOVX /* sources of 2 bytes have the opcode above */
};
typedef struct x64_shape {
    uint8_t role[X64_MAX_ROLES]; /* indices into jit_x64_roles */
    uint8_t n;
    uint8_t mem;                 /* a memory operand: 0 never, 1 instead of a register, 2 always */
    uint8_t reg, rm;             /* operands that stand there, when a row is plain */
} x64_shape;
/* What emission asks of each operand of a shape: a digest of its roles. */
typedef struct x64_spot {
    uint8_t first, place; /* as in x64_role */
    uint8_t must;         /* X64_FREE and so on */
    uint8_t mem;          /* 1: not there when the instruction has a memory operand */
} x64_spot;
enum { X64_FREE, X64_MAY_SPILL, X64_MUST_BE };
extern const x64_spot jit_x64_spots[][X64_MAX_ROLES]; /* by shape */
extern const x64_info jit_x64_info[X64_END - MI_TARGET];
extern const x64_shape jit_x64_shapes[];
extern const x64_role jit_x64_roles[];
static inline const x64_info *x64_row(unsigned op) { return &jit_x64_info[op - MI_TARGET]; }
static inline const x64_shape *x64_shape_of(unsigned op)
{
    return &jit_x64_shapes[x64_row(op)->shape];
}
/* Bytes that its memory operand covers, 0: none is accessed. */
unsigned jit_x64_mem_width(const minst *i);
/* Bytes that may be non-zero in a register that it writes; 16: no promise. */
unsigned jit_x64_nonzero(const minst *i);

/* ---- Operands ---- */

/* The rm operand: a register, or memory. */
typedef struct x64_rm {
    uint8_t am;    /* MEM_NONE: reg is the operand. MEM_BASE, MEM_INDEX: reg is the base */
    uint8_t shift; /* MEM_INDEX: 0 to 3 */
    uint8_t trap;  /* code of a fault of this access; 0: it cannot fault */
    int32_t disp;
    uint32_t ref;  /* slot, constant, symbol */
    vr reg, index;
} x64_rm;

/* The register v; may be read from its spill slot. */
static inline x64_rm x64_reg(vr v) { x64_rm r = { MEM_NONE, 0, 0, 0, 0, v, VR_NONE }; return r; }
/* [base + disp] */
static inline x64_rm x64_at(vr base, int32_t disp, unsigned trap)
{
    x64_rm r = { MEM_BASE, 0, (uint8_t)trap, disp, 0, base, VR_NONE };
    return r;
}
/* [base + (index << shift) + disp] */
static inline x64_rm x64_at_index(vr base, vr index, unsigned shift, int32_t disp, unsigned trap)
{
    x64_rm r = { MEM_INDEX, (uint8_t)shift, (uint8_t)trap, disp, 0, base, index };
    return r;
}
/* A frame location: am MEM_SLOT (ref: slot), MEM_IN, MEM_OUT, MEM_RET. */
static inline x64_rm x64_frame(unsigned am, uint32_t ref, int32_t disp)
{
    x64_rm r = { (uint8_t)am, 0, 0, disp, ref, VR_NONE, VR_NONE };
    return r;
}
/* Constant ref of the pool, rip-relative. */
static inline x64_rm x64_pool(uint32_t ref) { return x64_frame(MEM_CONST, ref, 0); }
/* In mov, call and jmp: the cell that holds the symbol's address. In lea: the symbol itself, when
 * near. */
static inline x64_rm x64_sym(uint32_t symbol) { return x64_frame(MEM_SYM, symbol, 0); }

/* ---- Constructors ---- */

/* Any row: regs holds its register operands in the shape's order, tied and fixed ones too, but no
 * scratch registers and not the rm operand. The one way instructions are made; what follows names
 * its uses. */
minst *jit_x64_build(lower *l, unsigned op, unsigned size, unsigned size2, const vr *regs,
                     const x64_rm *rm, int64_t imm);

/* SSE rows: the VEX form when AVX is there. */
static inline unsigned x64_vex(const lower *l, unsigned op)
{
    return op + (l->features & JIT_X86_AVX ? 1u : 0u);
}

/* d = a op rm; X64_add or adc sbb and sub xor, imul. */
static inline minst *x64_alu(lower *l, unsigned op, unsigned size, vr d, vr a, x64_rm rm)
{
    vr r[] = { d, a };
    return jit_x64_build(l, op, size, 0, r, &rm, 0);
}
/* d = a op imm, sign-extended from 32 bits; X64_add_i ... xor_i, shl_i shr_i sar_i rol_i ror_i. */
static inline minst *x64_alu_i(lower *l, unsigned op, unsigned size, vr d, vr a, int64_t imm)
{
    vr r[] = { d, a };
    return jit_x64_build(l, op, size, 0, r, NULL, imm);
}
/* [m] op= a; X64_add_m ... xor_m. Also a plain store: X64_mov_m. Also cmp [m], a: X64_cmp_m. */
static inline minst *x64_alu_m(lower *l, unsigned op, unsigned size, x64_rm m, vr a)
{
    return jit_x64_build(l, op, size, 0, &a, &m, 0);
}
/* [m] op= imm; X64_add_mi ... xor_mi, shifts _mi, X64_mov_mi. */
static inline minst *x64_alu_mi(lower *l, unsigned op, unsigned size, x64_rm m, int64_t imm)
{
    return jit_x64_build(l, op, size, 0, NULL, &m, imm);
}
/* d = op a; X64_neg, not, bswap. */
static inline minst *x64_unary(lower *l, unsigned op, unsigned size, vr d, vr a)
{
    vr r[] = { d, a };
    return jit_x64_build(l, op, size, 0, r, NULL, 0);
}
/* [m] = op [m]; X64_neg_m, not_m. */
static inline minst *x64_unary_m(lower *l, unsigned op, unsigned size, x64_rm m)
{
    return jit_x64_build(l, op, size, 0, NULL, &m, 0);
}
/* d = op rm; X64_mov, bsf, bsr, tzcnt, lzcnt, popcnt, blsr, blsi, blsmsk. */
static inline minst *x64_rr(lower *l, unsigned op, unsigned size, vr d, x64_rm rm)
{
    return jit_x64_build(l, op, size, 0, &d, &rm, 0);
}
/* d = rm * imm, and X64_rorx. */
static inline minst *x64_rr_i(lower *l, unsigned op, unsigned size, vr d, x64_rm rm, int64_t imm)
{
    return jit_x64_build(l, op, size, 0, &d, &rm, imm);
}
/* d = an integer constant. A size 4 constant is zero-extended. Repeated instead of reloaded. In
 * its own place zero may be made by xor, which spoils the flags; the keep form never does. */
minst *jit_x64_imm(lower *l, vr d, uint64_t bits, bool keep_flags);
static inline minst *x64_imm(lower *l, vr d, uint64_t bits)
{
    return jit_x64_imm(l, d, bits, false);
}
static inline minst *x64_imm_keep(lower *l, vr d, uint64_t bits)
{
    return jit_x64_imm(l, d, bits, true);
}
/* d = all 8 bytes of rm, zero- or sign-extended from size2 (1, 2, 4) to size (zx: always 8
 * bytes). */
minst *jit_x64_zx(lower *l, vr d, unsigned size2, x64_rm rm);
minst *jit_x64_sx(lower *l, unsigned size, vr d, unsigned size2, x64_rm rm);
/* d = address of memory operand m; size 4: its low half. */
static inline minst *x64_lea(lower *l, unsigned size, vr d, x64_rm m)
{
    return jit_x64_build(l, X64_lea, size, 0, &d, &m, 0);
}
/* d = the symbol's absolute address + addend by movabs. */
minst *jit_x64_mov_sym(lower *l, vr d, uint32_t symbol, int64_t addend);
/* Flags of a - rm, rm - imm; of a & rm, rm & imm. */
static inline minst *x64_cmp(lower *l, unsigned size, vr a, x64_rm rm)
{
    return jit_x64_build(l, X64_cmp, size, 0, &a, &rm, 0);
}
static inline minst *x64_cmp_i(lower *l, unsigned size, x64_rm rm, int64_t imm)
{
    return jit_x64_build(l, X64_cmp_i, size, 0, NULL, &rm, imm);
}
static inline minst *x64_test(lower *l, unsigned size, vr a, x64_rm rm)
{
    return jit_x64_build(l, X64_test, size, 0, &a, &rm, 0);
}
static inline minst *x64_test_i(lower *l, unsigned size, x64_rm rm, int64_t imm)
{
    return jit_x64_build(l, X64_test_i, size, 0, NULL, &rm, imm);
}
/* test v, v: the flags of v itself (both operands in one register). */
static inline minst *x64_test_self(lower *l, unsigned size, vr v)
{
    x64_rm rm = x64_reg(v);
    return jit_x64_build(l, X64_test, size, 0, &v, &rm, 0);
}
/* Bit `index` of a into the carry; index modulo the size. */
static inline minst *x64_bt(lower *l, unsigned size, vr a, vr index)
{
    vr r[] = { a, index };
    return jit_x64_build(l, X64_bt, size, 0, r, NULL, 0);
}
static inline minst *x64_bt_i(lower *l, unsigned size, x64_rm rm, int64_t index)
{
    return jit_x64_build(l, X64_bt_i, size, 0, NULL, &rm, index);
}
/* d = carry ? -1 : 0. */
static inline minst *x64_carry_mask(lower *l, unsigned size, vr d)
{
    return jit_x64_build(l, X64_sbb_self, size, 0, &d, NULL, 0);
}
/* hi:lo (rdx:rax) = a * rm; X64_mul_x unsigned, X64_imul_x signed. */
static inline minst *x64_mul_wide(lower *l, unsigned op, unsigned size, vr lo, vr hi, vr a,
                                  x64_rm rm)
{
    vr r[] = { lo, hi, a };
    return jit_x64_build(l, op, size, 0, r, &rm, 0);
}
/* quotient (rax), remainder (rdx) = hi:lo / rm; X64_div, X64_idiv. rm must not be one that may
 * fault; set trap of the result. */
static inline minst *x64_div(lower *l, unsigned op, unsigned size, vr quotient, vr remainder, vr lo,
                             vr hi, x64_rm rm)
{
    vr r[] = { quotient, remainder, lo, hi };
    return jit_x64_build(l, op, size, 0, r, &rm, 0);
}
/* hi (rdx) = the sign of a (rax). */
static inline minst *x64_cdq(lower *l, unsigned size, vr hi, vr a)
{
    vr r[] = { hi, a };
    return jit_x64_build(l, X64_cdq, size, 0, r, NULL, 0);
}
/* d = a shifted by count in cl; X64_shl_c shr_c sar_c rol_c ror_c. */
static inline minst *x64_shift_c(lower *l, unsigned op, unsigned size, vr d, vr a, vr count)
{
    vr r[] = { d, a, count };
    return jit_x64_build(l, op, size, 0, r, NULL, 0);
}
/* d = rm shifted by count; X64_shlx shrx sarx (BMI2). */
static inline minst *x64_shift_x(lower *l, unsigned op, unsigned size, vr d, x64_rm rm, vr count)
{
    vr r[] = { d, count };
    return jit_x64_build(l, op, size, 0, r, &rm, 0);
}
/* d = a shifted, filled from b; X64_shld_i, X64_shrd_i. */
static inline minst *x64_shift_double(lower *l, unsigned op, unsigned size, vr d, vr a, vr b,
                                      int64_t n)
{
    vr r[] = { d, a, b };
    return jit_x64_build(l, op, size, 0, r, NULL, n);
}
/* d = ~a & rm (BMI1). */
static inline minst *x64_andn(lower *l, unsigned size, vr d, vr a, x64_rm rm)
{
    vr r[] = { d, a };
    return jit_x64_build(l, X64_andn, size, 0, r, &rm, 0);
}
/* Low byte of d = cc; the bytes above are arbitrary. */
static inline minst *x64_setcc(lower *l, unsigned cc, vr d)
{
    minst *m = jit_x64_build(l, X64_set, 1, 0, &d, NULL, 0);
    m->cc = (uint8_t)cc;
    return m;
}
/* d = cc ? rm : a; memory is read in any case. */
static inline minst *x64_cmov(lower *l, unsigned cc, unsigned size, vr d, vr a, x64_rm rm)
{
    vr r[] = { d, a };
    minst *m = jit_x64_build(l, X64_cmov, size, 0, r, &rm, 0);
    m->cc = (uint8_t)cc;
    return m;
}

/* ---- Control ---- */

/* Traps with code when cc holds; the trapping instruction stands out of line. */
minst *jit_x64_trap_if(lower *l, unsigned cc, unsigned code);
/* Traps; terminator says that the block ends here. */
minst *jit_x64_trap(lower *l, unsigned code, bool terminator);
/* Ends the block: through jump table (jit_lower_jump_table), index (8 bytes, below its length). */
minst *jit_x64_table_jump(lower *l, uint32_t table, vr index);
/* target.call: the instruction alone. */
void jit_x64_call(lower *l, vr callee, uint32_t symbol, bool near, uint32_t callee_pops);

/* ---- Floats: rows by their legacy names; the VEX form is chosen by the features ---- */

/* d = a op rm; X64_adds muls subs mins divs maxs; andp andnp orp xorp (rm: a register or a
 * 16-byte constant). */
static inline minst *x64_sse(lower *l, unsigned op, unsigned size, vr d, vr a, x64_rm rm)
{
    vr r[] = { d, a };
    return jit_x64_build(l, x64_vex(l, op), size, 0, r, &rm, 0);
}
/* d = op rm; X64_sqrts, movs (load), movup and movap (16 bytes), movd (from an integer). */
static inline minst *x64_sse_r(lower *l, unsigned op, unsigned size, vr d, x64_rm rm)
{
    return jit_x64_build(l, x64_vex(l, op), size, 0, &d, &rm, 0);
}
/* [m] = a; X64_movs_m, movup_m. */
static inline minst *x64_sse_m(lower *l, unsigned op, unsigned size, x64_rm m, vr a)
{
    return jit_x64_build(l, x64_vex(l, op), size, 0, &a, &m, 0);
}
/* Integer d = bits of float a. */
static inline minst *x64_movd_r(lower *l, unsigned size, vr d, vr a)
{
    vr r[] = { d, a };
    return jit_x64_build(l, x64_vex(l, X64_movd_r), size, 0, r, NULL, 0);
}
/* d = 16 bytes of zeroes (X64_fzero) or ones (X64_fones). Repeated instead of reloaded; keeps
 * flags. */
static inline minst *x64_sse_fill(lower *l, unsigned op, vr d)
{
    minst *m = jit_x64_build(l, x64_vex(l, op), 16, 0, &d, NULL, 0);
    jit_lower_flags(l, RA_REMAT, 0);
    return m;
}
static inline minst *x64_ucomis(lower *l, unsigned size, vr a, x64_rm rm)
{
    return jit_x64_build(l, x64_vex(l, X64_ucomis), size, 0, &a, &rm, 0);
}
/* Conversions: X64_cvtsi2s, cvtts2si, cvts2s; size of the result, size2 of the source. */
static inline minst *x64_cvt(lower *l, unsigned op, unsigned size, vr d, unsigned size2, x64_rm rm)
{
    return jit_x64_build(l, x64_vex(l, op), size, size2, &d, &rm, 0);
}
static inline minst *x64_cmps(lower *l, unsigned predicate, unsigned size, vr d, vr a, x64_rm rm)
{
    vr r[] = { d, a };
    return jit_x64_build(l, x64_vex(l, X64_cmps), size, 0, r, &rm, predicate);
}
static inline minst *x64_rounds(lower *l, unsigned mode, unsigned size, vr d, x64_rm rm)
{
    return jit_x64_build(l, x64_vex(l, X64_rounds), size, 0, &d, &rm, mode);
}
/* FMA rows, X64_vfmadd213s and so on: see x64_insts.def for what each computes. */
static inline minst *x64_fma(lower *l, unsigned op, unsigned size, vr d, vr tied, vr second,
                             x64_rm rm)
{
    vr r[] = { d, tied, second };
    return jit_x64_build(l, op, size, 0, r, &rm, 0);
}

/* ---- The target's parts, by file ---- */

/* x64_abi.c */
extern const abi_rules jit_x64_abi;
/* x64_lower.c and its like */
extern void (*const jit_x64_rules[RULE_TARGET_COUNT])(lower *l, const ir_inst *i);
void jit_x64_constant(lower *l, vr to, jit_type t, uint64_t bits);
void jit_x64_address(lower *l, vr to, unsigned am, uint32_t ref, int32_t disp);
void jit_x64_symbol(lower *l, vr to, uint32_t symbol, int64_t addend, bool near);
void jit_x64_load(lower *l, vr to, jit_type t, unsigned am, vr base, int32_t disp, unsigned ext,
                  unsigned trap);
void jit_x64_store(lower *l, vr from, jit_type t, unsigned am, vr base, int32_t disp);
void jit_x64_extend(lower *l, vr to, vr from, jit_type t, unsigned ext);
unsigned jit_x64_zero_upper(const jit_func *f, const ir_inst *i, uint64_t features);
/* x64_emit.c */
void jit_x64_emit(emit *e, const minst *i, const ra_operand *ops, unsigned nops);
void jit_x64_emit_move(emit *e, ra_loc from, ra_loc to, unsigned width);
void jit_x64_jump(emit *e, mlabel to);
void jit_x64_jump_if(emit *e, const minst *i, const ra_operand *ops, unsigned nops, unsigned cc,
                     mlabel to, mlabel otherwise);
void jit_x64_trap_here(emit *e, unsigned code);
void jit_x64_put_table(emit *e, uint32_t table, mlabel label);
/* x64_frame.c */
void jit_x64_prologue(emit *e);
void jit_x64_epilogue(emit *e);
void jit_x64_lower_sp(emit *e, int64_t n);
void jit_x64_probe(emit *e);
void jit_x64_probe_loop(emit *e, int64_t n, int64_t guard, int64_t cfa);

#endif
