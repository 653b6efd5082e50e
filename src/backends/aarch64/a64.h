/* a64.h - what lowering, the ABI and emission of AArch64 share: rows, operands, constructors.
 *
 * Lowering says an instruction by one of the constructors below; each looks its row up in
 * a64_insts.def and adds its operands with the constraints, widths and promises written there.
 * They return the minst, whose remaining fields (trap, extra) may be set until the next
 * instruction. A result register comes first. `size` is that of the operation in bytes, 4 or 8
 * but for memory accesses. VR_NONE as an operand is the zero register (a64_insts.def says where it
 * is not).
 *
 * Flags: only rows marked F_W write them (adds, subs, ands, bics, adcs, sbcs, ccmp, fcmp, calls);
 * everything else, constants and the allocator's moves too, may stand between a writer and its
 * reader.
 *
 * Large constants and offsets are emission's affair: add_i and its like take what
 * jit_a64_fits_imm12() allows, logical rows what jit_a64_logical_imm() allows, but memory operands
 * any 32-bit displacement. */
#ifndef JIT_A64_H
#define JIT_A64_H

#include "backends/aarch64/a64_regs.h"
#include "machinst/target.h"

/* ---- Rows ---- */

enum {
    A64_FIRST_ = MI_TARGET - 1,
#define INST(name, ...) A64_##name,
#include "backends/aarch64/a64_insts.def"
    A64_END
};

/* Conditions; inverted by ^ 1. Up to A64_AL by their hardware number. */
enum {
    A64_EQ, A64_NE, A64_HS, A64_LO, A64_MI, A64_PL, A64_VS, A64_VC,
    A64_HI, A64_LS, A64_GE, A64_LT, A64_GT, A64_LE, A64_AL, A64_NV,
    A64_UEQ, A64_ONE,   /* of fcmp: equal or unordered, and not; in MI_BRANCH and trap_if only */
    A64_CBZ, A64_CBNZ,  /* of a register: it is zero, it is not; branch_r and trap_if_r only */
    A64_TBZ, A64_TBNZ,  /* of a bit of a register: likewise */
    A64_CC_COUNT
};
static inline unsigned a64_invert(unsigned cc) { return cc ^ 1; }
/* The condition after exchanging the operands of cmp. */
unsigned jit_a64_swap_cc(unsigned cc);
/* Flags as ccmp's alternative. */
enum { A64_FLAG_V = 1, A64_FLAG_C = 2, A64_FLAG_Z = 4, A64_FLAG_N = 8 };

enum { A64_LSL, A64_LSR, A64_ASR, A64_ROR };         /* minst.cc of shifted rows */
enum {                                               /* minst.cc of _x rows and of MEM_INDEX */
    A64_UXTB, A64_UXTH, A64_UXTW, A64_UXTX, A64_SXTB, A64_SXTH, A64_SXTW, A64_SXTX
};
enum { /* imm of A64_hint: Arm ARM, C6.2 "HINT" */
    A64_XPACLRI = 7, A64_PACIASP = 25, A64_PACIBSP = 27, A64_AUTIASP = 29, A64_AUTIBSP = 31,
    A64_BTI_C = 34, A64_BTI_J = 36
};
enum { A64_OFFSET, A64_PRE, A64_POST };              /* minst.cc of pairs */

/* Where an operand stands in the encoding. */
enum { A64_AT_NONE, A64_AT_D, A64_AT_N, A64_AT_M, A64_AT_A };

/* One operand of a shape. */
typedef struct a64_role {
    uint8_t kind;       /* RA_* */
    uint8_t constraint; /* RA_REG, RA_TIED */
    uint8_t fixed;      /* TIED: the operand */
    uint8_t width;      /* bytes; 0: size, A64_W_SIZE2: size2 */
    uint8_t place;      /* A64_AT_* */
    uint8_t cls;        /* RC_* */
} a64_role;
enum { A64_W_0, A64_W_SIZE = 0x80, A64_W_SIZE2 }; /* widths that a row or role names */
enum { A64_Z_NONE, A64_Z_SIZE, A64_Z_1, A64_Z_IMM, A64_Z_BF };
enum { A64_F_W = 1, A64_F_R = 2 };
#define A64_MAX_ROLES 4

/* A row, as expanded for constructors, encoder, printer and auditor. */
typedef struct a64_info {
    const char *mnemonic;
    uint32_t bits;
    uint8_t shape;          /* index into jit_a64_shapes */
    uint8_t format;         /* a64_enc.h */
    uint8_t sizes, sizes2;
    uint8_t nonzero;        /* A64_Z_* */
    uint8_t flags;          /* A64_F_*: written, read */
    uint8_t mem;            /* A64_W_*: width of its memory operand */
} a64_info;
typedef struct a64_shape {
    uint8_t role[A64_MAX_ROLES]; /* indices into jit_a64_roles */
    uint8_t n;
} a64_shape;
extern const a64_info jit_a64_info[A64_END - MI_TARGET];
extern const a64_shape jit_a64_shapes[];
extern const a64_role jit_a64_roles[];
static inline const a64_info *a64_row(unsigned op) { return &jit_a64_info[op - MI_TARGET]; }
static inline const a64_shape *a64_shape_of(unsigned op)
{
    return &jit_a64_shapes[a64_row(op)->shape];
}
/* Bytes that its memory operand covers, 0: none is accessed. */
unsigned jit_a64_mem_width(const minst *i);
/* Bytes that may be non-zero in a register that it writes; 16: no promise. */
unsigned jit_a64_nonzero(const minst *i);

/* ---- Immediates ---- */

/* v fits add_i ... subs_i: 12 bits, or 12 bits shifted by 12. */
static inline bool jit_a64_fits_imm12(uint64_t v)
{
    return v <= 0xfff || (v <= 0xfff000 && !(v & 0xfff));
}
/* v (its low 4 bytes at size 4) is an immediate of and_i, orr_i, eor_i, ands_i: *field is
 * N:immr:imms. field may be NULL. */
bool jit_a64_logical_imm(uint64_t v, unsigned size, uint32_t *field);
/* The float of `size` bytes with these bits is an immediate of fmov_i. imm8 may be NULL. */
bool jit_a64_fmov_imm(uint64_t bits, unsigned size, uint8_t *imm8);
/* Instructions that mov_i takes for a constant. */
unsigned jit_a64_imm_words(uint64_t bits, unsigned size);
/* imm of bit-field moves. */
#define A64_BF(immr, imms) ((int64_t)(immr) << 6 | (int64_t)(imms))

/* ---- Memory operands ---- */

typedef struct a64_addr {
    uint8_t am;    /* MEM_BASE, MEM_INDEX, MEM_SLOT, MEM_IN, MEM_OUT, MEM_CONST */
    uint8_t shift; /* MEM_INDEX: best 0 or log2 of the bytes accessed; anything to 4 works */
    uint8_t ext;   /* MEM_INDEX: A64_UXTW, A64_UXTX (a plain index), A64_SXTW */
    uint8_t trap;  /* code of a fault of this access; 0: it cannot fault */
    int32_t disp;  /* best 0 with MEM_INDEX */
    uint32_t ref;  /* slot, constant */
    vr base, index;
} a64_addr;

/* [base + disp] */
static inline a64_addr a64_at(vr base, int32_t disp, unsigned trap)
{
    a64_addr r = { MEM_BASE, 0, A64_UXTX, (uint8_t)trap, disp, 0, base, VR_NONE };
    return r;
}
/* [base + (index << shift)]; ext: index is an 8-byte register (A64_UXTX), or extended from 4. */
static inline a64_addr a64_at_index(vr base, vr index, unsigned ext, unsigned shift, unsigned trap)
{
    a64_addr r = { MEM_INDEX, (uint8_t)shift, (uint8_t)ext, (uint8_t)trap, 0, 0, base, index };
    return r;
}
/* A frame location: am MEM_SLOT (ref: slot), MEM_IN, MEM_OUT. */
static inline a64_addr a64_frame(unsigned am, uint32_t ref, int32_t disp)
{
    a64_addr r = { (uint8_t)am, 0, A64_UXTX, 0, disp, ref, VR_NONE, VR_NONE };
    return r;
}
/* Constant ref of the pool, for loads. */
static inline a64_addr a64_pool(uint32_t ref) { return a64_frame(MEM_CONST, ref, 0); }

/* ---- Constructors ---- */

/* Any row: regs holds its register operands in the shape's order, tied ones too, but not those of
 * the memory operand. The one way instructions are made; what follows names its uses. */
minst *jit_a64_build(lower *l, unsigned op, unsigned size, unsigned size2, const vr *regs,
                     const a64_addr *m, int64_t imm);

/* d = n op m; A64_add ... sbcs, udiv sdiv, and ... bics, lslv lsrv asrv rorv. */
static inline minst *a64_rrr(lower *l, unsigned op, unsigned size, vr d, vr n, vr m)
{
    vr r[] = { d, n, m };
    return jit_a64_build(l, op, size, 0, r, NULL, 0);
}
/* d = n op imm; A64_add_i ... subs_i, and_i ... ands_i. */
static inline minst *a64_rri(lower *l, unsigned op, unsigned size, vr d, vr n, uint64_t imm)
{
    vr r[] = { d, n };
    return jit_a64_build(l, op, size, 0, r, NULL, (int64_t)imm);
}
/* d = op n; A64_rbit rev16 rev32 rev clz cls. */
static inline minst *a64_rr(lower *l, unsigned op, unsigned size, vr d, vr n)
{
    vr r[] = { d, n };
    return jit_a64_build(l, op, size, 0, r, NULL, 0);
}
/* d = n op (m shifted by amount); A64_add ... subs, and ... bics (these with A64_ROR, too). */
static inline minst *a64_shifted(lower *l, unsigned op, unsigned size, vr d, vr n, vr m,
                                 unsigned how, unsigned amount)
{
    minst *i = a64_rrr(l, op, size, d, n, m);
    i->cc = (uint8_t)how;
    i->shift = (uint8_t)amount;
    return i;
}
/* d = n op (m extended << amount); A64_add_x adds_x sub_x subs_x; how: A64_UXTB ... A64_SXTX. */
static inline minst *a64_extended(lower *l, unsigned op, unsigned size, vr d, vr n, vr m,
                                  unsigned how, unsigned amount)
{
    vr r[] = { d, n, m };
    minst *i = jit_a64_build(l, op, size, 1u << (how & 3), r, NULL, 0);
    i->cc = (uint8_t)how;
    i->shift = (uint8_t)amount;
    return i;
}
/* d = -n; d = ~n */
static inline minst *a64_neg(lower *l, unsigned size, vr d, vr n)
{
    return a64_rrr(l, A64_sub, size, d, VR_NONE, n);
}
static inline minst *a64_mvn(lower *l, unsigned size, vr d, vr n)
{
    return a64_rrr(l, A64_orn, size, d, VR_NONE, n);
}
/* d = a + n * m; A64_madd; A64_msub: a - n * m. Also the long ones: A64_smaddl smsubl umaddl
 * umsubl (size 8; n and m are 4 bytes). a VR_NONE: the product alone. */
static inline minst *a64_madd(lower *l, unsigned op, unsigned size, vr d, vr n, vr m, vr a)
{
    vr r[] = { d, n, m, a };
    return jit_a64_build(l, op, size, 0, r, NULL, 0);
}
static inline minst *a64_mul(lower *l, unsigned size, vr d, vr n, vr m)
{
    return a64_madd(l, A64_madd, size, d, n, m, VR_NONE);
}
/* d = high half of n * m, 8 bytes each; A64_smulh, A64_umulh. */
static inline minst *a64_mulh(lower *l, unsigned op, vr d, vr n, vr m)
{
    return a64_rrr(l, op, 8, d, n, m);
}

/* Bit-field moves: A64_sbfm, A64_ubfm. n is read up to the field's end only. */
minst *jit_a64_bitfield(lower *l, unsigned op, unsigned size, vr d, vr n, unsigned immr, unsigned imms);
/* d = n << k, and right; k below the size's bits. */
static inline minst *a64_lsl_i(lower *l, unsigned size, vr d, vr n, unsigned k)
{
    return jit_a64_bitfield(l, A64_ubfm, size, d, n, (8 * size - k) & (8 * size - 1), 8 * size - 1 - k);
}
static inline minst *a64_lsr_i(lower *l, unsigned size, vr d, vr n, unsigned k)
{
    return jit_a64_bitfield(l, A64_ubfm, size, d, n, k, 8 * size - 1);
}
static inline minst *a64_asr_i(lower *l, unsigned size, vr d, vr n, unsigned k)
{
    return jit_a64_bitfield(l, A64_sbfm, size, d, n, k, 8 * size - 1);
}
/* d = n rotated right by k: extr of n twice. */
static inline minst *a64_ror_i(lower *l, unsigned size, vr d, vr n, unsigned k)
{
    vr r[] = { d, n, n };
    return jit_a64_build(l, A64_extr, size, 0, r, NULL, (int64_t)k);
}
/* d = the low bytes of n:m >> k. */
static inline minst *a64_extr(lower *l, unsigned size, vr d, vr n, vr m, unsigned k)
{
    vr r[] = { d, n, m };
    return jit_a64_build(l, A64_extr, size, 0, r, NULL, (int64_t)k);
}
/* d = `width` bits of n from lsb on; A64_ubfm zero- or A64_sbfm sign-extended. */
static inline minst *a64_bits(lower *l, unsigned op, unsigned size, vr d, vr n, unsigned lsb,
                              unsigned width)
{
    return jit_a64_bitfield(l, op, size, d, n, lsb, lsb + width - 1);
}
/* d = the low `width` bits of n, zero- (A64_ubfm) or sign-extended (A64_sbfm), << lsb. */
static inline minst *a64_bits_up(lower *l, unsigned op, unsigned size, vr d, vr n, unsigned lsb,
                                 unsigned width)
{
    return jit_a64_bitfield(l, op, size, d, n, (8 * size - lsb) & (8 * size - 1), width - 1);
}
/* d = old with bits of n in their place; n is read up to the field's end only. */
minst *jit_a64_bfm(lower *l, unsigned size, vr d, vr old, vr n, unsigned immr, unsigned imms);
/* d = old with the low `width` bits of n at lsb. */
static inline minst *a64_bits_insert(lower *l, unsigned size, vr d, vr old, vr n, unsigned lsb,
                                     unsigned width)
{
    return jit_a64_bfm(l, size, d, old, n, (8 * size - lsb) & (8 * size - 1), width - 1);
}
/* d = old with `width` bits of n from lsb on in place of its lowest. */
static inline minst *a64_bits_low(lower *l, unsigned size, vr d, vr old, vr n, unsigned lsb,
                                  unsigned width)
{
    return jit_a64_bfm(l, size, d, old, n, lsb, lsb + width - 1);
}
/* d = all 8 bytes of n, zero-extended from size2 (1, 2, 4); sign-extended to size. */
minst *jit_a64_zx(lower *l, vr d, unsigned size2, vr n);
minst *jit_a64_sx(lower *l, unsigned size, vr d, unsigned size2, vr n);

/* d = an integer constant. A size 4 constant is zero-extended. Repeated instead of reloaded; keeps
 * the flags. */
minst *jit_a64_imm(lower *l, vr d, uint64_t bits);
/* d = the symbol's stable address; d = its present address, from its cell. */
minst *jit_a64_adr_sym(lower *l, vr d, uint32_t symbol);
minst *jit_a64_ldr_sym(lower *l, vr d, uint32_t symbol);

/* Flags of n - m, n - imm (imm12), n + imm; of n & m, n & imm (logical). */
static inline minst *a64_cmp(lower *l, unsigned size, vr n, vr m)
{
    return a64_rrr(l, A64_subs, size, VR_NONE, n, m);
}
static inline minst *a64_cmp_i(lower *l, unsigned size, vr n, uint64_t imm)
{
    return a64_rri(l, A64_subs_i, size, VR_NONE, n, imm);
}
static inline minst *a64_cmn_i(lower *l, unsigned size, vr n, uint64_t imm)
{
    return a64_rri(l, A64_adds_i, size, VR_NONE, n, imm);
}
static inline minst *a64_tst(lower *l, unsigned size, vr n, vr m)
{
    return a64_rrr(l, A64_ands, size, VR_NONE, n, m);
}
static inline minst *a64_tst_i(lower *l, unsigned size, vr n, uint64_t imm)
{
    return a64_rri(l, A64_ands_i, size, VR_NONE, n, imm);
}
/* Flags of n - m when cc holds, else nzcv (A64_FLAG_*); A64_ccmp, A64_ccmn. imm: 0 to 31, rows
 * _i. */
static inline minst *a64_ccmp(lower *l, unsigned op, unsigned cc, unsigned size, vr n, vr m,
                              unsigned nzcv)
{
    vr r[] = { n, m };
    minst *i = jit_a64_build(l, op, size, 0, r, NULL, 0);
    i->cc = (uint8_t)cc;
    i->shift = (uint8_t)nzcv;
    return i;
}
static inline minst *a64_ccmp_i(lower *l, unsigned op, unsigned cc, unsigned size, vr n,
                                unsigned imm, unsigned nzcv)
{
    minst *i = jit_a64_build(l, op, size, 0, &n, NULL, (int64_t)imm);
    i->cc = (uint8_t)cc;
    i->shift = (uint8_t)nzcv;
    return i;
}
/* d = cc ? n : m; A64_csel; csinc: m + 1, csinv: ~m, csneg: -m. A64_fcsel for floats. */
static inline minst *a64_csel(lower *l, unsigned op, unsigned cc, unsigned size, vr d, vr n, vr m)
{
    minst *i = a64_rrr(l, op, size, d, n, m);
    i->cc = (uint8_t)cc;
    return i;
}
/* d = cc ? 1 : 0, in all 8 bytes; d = cc ? -1 : 0 in size. cc below A64_AL. */
static inline minst *a64_cset(lower *l, unsigned cc, vr d)
{
    minst *i = jit_a64_build(l, A64_cset, 4, 0, &d, NULL, 0);
    i->cc = (uint8_t)cc;
    return i;
}
static inline minst *a64_csetm(lower *l, unsigned cc, unsigned size, vr d)
{
    return a64_csel(l, A64_csinv, a64_invert(cc), size, d, VR_NONE, VR_NONE);
}

/* ---- Memory ---- */

/* d = `size` bytes, zero-extended to 8. */
static inline minst *a64_load(lower *l, unsigned size, vr d, a64_addr m)
{
    return jit_a64_build(l, A64_ldr, size, 0, &d, &m, 0);
}
/* d = size2 bytes, sign-extended to size (4, 8); size2 below size. */
static inline minst *a64_load_signed(lower *l, unsigned size, vr d, unsigned size2, a64_addr m)
{
    return jit_a64_build(l, A64_ldrs, size, size2, &d, &m, 0);
}
/* The low `size` bytes of v; VR_NONE: zeroes. */
static inline minst *a64_store(lower *l, unsigned size, a64_addr m, vr v)
{
    return jit_a64_build(l, A64_str, size, 0, &v, &m, 0);
}
/* Floats of 4, 8, 16 bytes. */
static inline minst *a64_fload(lower *l, unsigned size, vr d, a64_addr m)
{
    return jit_a64_build(l, A64_fldr, size, 0, &d, &m, 0);
}
static inline minst *a64_fstore(lower *l, unsigned size, a64_addr m, vr v)
{
    return jit_a64_build(l, A64_fstr, size, 0, &v, &m, 0);
}
/* Pairs: A64_ldp fldp (d, e from m and m + size), stp fstp; a MEM_BASE or frame operand. */
static inline minst *a64_pair(lower *l, unsigned op, unsigned size, vr d, vr e, a64_addr m)
{
    vr r[] = { d, e };
    return jit_a64_build(l, op, size, 0, r, &m, 0);
}
/* d = address of memory operand m. */
static inline minst *a64_lea(lower *l, vr d, a64_addr m)
{
    return jit_a64_build(l, A64_lea, 8, 0, &d, &m, 0);
}

/* ---- Control ---- */

/* Traps with code when cc holds; the trapping instruction stands out of line. */
minst *jit_a64_trap_if(lower *l, unsigned cc, unsigned code);
/* ... when the register is zero or not (A64_CBZ, A64_CBNZ), or its bit (A64_TBZ, A64_TBNZ). */
minst *jit_a64_trap_if_r(lower *l, unsigned cc, unsigned size, vr n, unsigned bit, unsigned code);
/* Traps; terminator says that the block ends here. */
minst *jit_a64_trap(lower *l, unsigned code, bool terminator);
/* Ends the block as jit_rule_branch() does, on register n (cc A64_CBZ, A64_CBNZ: all its `size`
 * bytes; A64_TBZ, A64_TBNZ: its bit). */
minst *jit_a64_branch_r(lower *l, unsigned cc, unsigned size, vr n, unsigned bit,
                        uint32_t then_block, uint32_t else_block);
/* Ends the block: through jump table (jit_lower_jump_table), index (8 bytes, below its length). */
minst *jit_a64_table_jump(lower *l, uint32_t table, vr index);
/* target.call: the instruction alone. */
void jit_a64_call(lower *l, vr callee, uint32_t symbol, bool near, uint32_t callee_pops);

/* ---- Floats ---- */

/* d = n op m; A64_fadd fsub fmul fdiv fmin fmax fnmul; vand vbic vorr vorn veor. */
static inline minst *a64_fff(lower *l, unsigned op, unsigned size, vr d, vr n, vr m)
{
    return a64_rrr(l, op, size, d, n, m);
}
/* d = op n; A64_fmov fabs fneg fsqrt frintn frintp frintm frintz; vnot vmov cnt addv. */
static inline minst *a64_ff(lower *l, unsigned op, unsigned size, vr d, vr n)
{
    return a64_rr(l, op, size, d, n);
}
/* Fused, rounded once: A64_fmadd fmsub fnmadd fnmsub. */
static inline minst *a64_fma(lower *l, unsigned op, unsigned size, vr d, vr n, vr m, vr a)
{
    return a64_madd(l, op, size, d, n, m, a);
}
/* d = tied changed by n and m: A64_vbsl, A64_vbit. */
static inline minst *a64_select_bits(lower *l, unsigned op, unsigned size, vr d, vr tied, vr n,
                                     vr m)
{
    vr r[] = { d, tied, n, m };
    return jit_a64_build(l, op, size, 0, r, NULL, 0);
}
/* d = lanes of n >> k (A64_ushr, k 1 to the lane's bits). */
static inline minst *a64_ushr(lower *l, unsigned size, vr d, vr n, unsigned k)
{
    return a64_rri(l, A64_ushr, size, d, n, k);
}
/* d = lanes of old below bit k, n << k above. */
static inline minst *a64_sli(lower *l, unsigned size, vr d, vr old, vr n, unsigned k)
{
    vr r[] = { d, old, n };
    return jit_a64_build(l, A64_sli, size, 0, r, NULL, (int64_t)k);
}
/* Less: MI; less or unordered: LT; less or equal: LS; ... or unordered: LE; greater: GT; ... or
 * unordered: HI; greater or equal: GE; ... or unordered: PL; ordered: VC; unordered: VS; equal:
 * EQ. */
static inline minst *a64_fcmp(lower *l, unsigned size, vr n, vr m)
{
    vr r[] = { n, m };
    return jit_a64_build(l, A64_fcmp, size, 0, r, NULL, 0);
}
/* Likewise when cc holds, else nzcv (A64_FLAG_*). */
static inline minst *a64_fccmp(lower *l, unsigned cc, unsigned size, vr n, vr m, unsigned nzcv)
{
    vr r[] = { n, m };
    minst *i = jit_a64_build(l, A64_fccmp, size, 0, r, NULL, 0);
    i->cc = (uint8_t)cc;
    i->shift = (uint8_t)nzcv;
    return i;
}
static inline minst *a64_fcmp_0(lower *l, unsigned size, vr n)
{
    return jit_a64_build(l, A64_fcmp_0, size, 0, &n, NULL, 0);
}
/* Conversions: A64_fcvt scvtf ucvtf fcvtzs fcvtzu and their like; size of the result, size2 of
 * the source. */
static inline minst *a64_cvt(lower *l, unsigned op, unsigned size, vr d, unsigned size2, vr n)
{
    vr r[] = { d, n };
    return jit_a64_build(l, op, size, size2, r, NULL, 0);
}
/* d = the bits of n in the other class: A64_fmov_to a float register, fmov_of one. */
static inline minst *a64_fmov_bits(lower *l, unsigned op, unsigned size, vr d, vr n)
{
    return a64_rr(l, op, size, d, n);
}
/* d = a float constant, one of jit_a64_fmov_imm()'s; d = 16 bytes of zeroes. Repeated instead of
 * reloaded. */
minst *jit_a64_fmov_i(lower *l, unsigned size, vr d, uint64_t bits);
minst *jit_a64_fzero(lower *l, vr d);

/* ---- The target's parts, by file ---- */

/* a64_abi.c */
extern const abi_rules jit_a64_abi;
/* a64_lower.c and its like */
extern void (*const jit_a64_rules[RULE_TARGET_COUNT])(lower *l, const ir_inst *i);
void jit_a64_constant(lower *l, vr to, jit_type t, uint64_t bits);
void jit_a64_address(lower *l, vr to, unsigned am, uint32_t ref, int32_t disp);
void jit_a64_symbol(lower *l, vr to, uint32_t symbol, int64_t addend, bool near);
void jit_a64_load(lower *l, vr to, jit_type t, unsigned am, vr base, int32_t disp, unsigned ext,
                  unsigned trap);
void jit_a64_store(lower *l, vr from, jit_type t, unsigned am, vr base, int32_t disp);
void jit_a64_extend(lower *l, vr to, vr from, jit_type t, unsigned ext);
void jit_a64_strip(lower *l, vr to, vr from);
unsigned jit_a64_zero_upper(const jit_func *f, const ir_inst *i, uint64_t features);
/* a64_emit.c */
void jit_a64_emit(emit *e, const minst *i, const ra_operand *ops, unsigned nops);
void jit_a64_emit_move(emit *e, ra_loc from, ra_loc to, unsigned width);
void jit_a64_jump(emit *e, mlabel to);
void jit_a64_jump_if(emit *e, const minst *i, const ra_operand *ops, unsigned nops, unsigned cc,
                     mlabel to, mlabel otherwise);
void jit_a64_trap_here(emit *e, unsigned code);
/* a64_frame.c */
void jit_a64_landing(emit *e);
void jit_a64_prologue(emit *e);
void jit_a64_epilogue(emit *e);
void jit_a64_lower_sp(emit *e, int64_t n);
void jit_a64_probe(emit *e);
void jit_a64_probe_loop(emit *e, int64_t n, int64_t guard, int64_t cfa);

#endif
