/* a64_build.c - the table of rows as data, and the constructors that lowering makes instructions
 * by. */
#include "backends/aarch64/a64_enc.h"
#include "machinst/rules.h"

/* ---- The table ---- */

enum { /* index and parts of each role */
#define ROLE(name, ...) ROLE_##name,
#include "backends/aarch64/a64_insts.def"
#define W_SIZE2 A64_W_SIZE2
#define ROLE(name, present, kind, constraint, fixed, width, place, cls)                     \
    PRESENT_##name = present, KIND_##name = RA_##kind, CONSTRAINT_##name = RA_##constraint, \
    FIXED_##name = fixed, WIDTH_##name = width,
#include "backends/aarch64/a64_insts.def"
#undef W_SIZE2
#define SHAPE(name, ...) SHAPE_##name,
    SHAPES_ = -1,
#include "backends/aarch64/a64_insts.def"
};

const a64_role jit_a64_roles[] = {
#define ROLE(name, present, kind, constraint, fixed, width, place, cls) \
    { RA_##kind, RA_##constraint, fixed, width, A64_AT_##place, RC_##cls },
#define W_SIZE2 A64_W_SIZE2
#include "backends/aarch64/a64_insts.def"
#undef W_SIZE2
};

const a64_shape jit_a64_shapes[] = {
#define SHAPE(name, a, b, c, d)                       \
    { { ROLE_##a, ROLE_##b, ROLE_##c, ROLE_##d },     \
      PRESENT_##a + PRESENT_##b + PRESENT_##c + PRESENT_##d },
#include "backends/aarch64/a64_insts.def"
};

#define F_W A64_F_W
#define F_R A64_F_R
const a64_info jit_a64_info[] = {
#define INST(name, mnemonic, shape, format, bits, sizes, sizes2, nonzero, flags, mem)         \
    { mnemonic, bits, SHAPE_##shape, A64_FORMAT_##format, sizes, sizes2, A64_##nonzero, flags, \
      A64_##mem },
#include "backends/aarch64/a64_insts.def"
};

static inline unsigned named_width(unsigned width, unsigned size, unsigned size2)
{
    switch (width) {
    case 0:
    case A64_W_SIZE: return size;
    case A64_W_SIZE2: return size2;
    default: return width;
    }
}

unsigned jit_a64_mem_width(const minst *i)
{
    unsigned width = a64_row(i->op)->mem;

    return width == A64_W_0 ? 0 : named_width(width, i->size, i->size2);
}

static uint8_t significant_bytes(uint64_t bits)
{
    uint8_t n = 1;

    while (n < 8 && bits >> 8 * n)
        n++;
    return n <= 2 ? n : n <= 4 ? 4 : n < 8 ? 8 : 16;
}

/* What ubfm leaves: a field moved down, or one moved up. */
static uint8_t field_bytes(int64_t imm, unsigned size)
{
    unsigned immr = (unsigned)(imm >> 6), imms = (unsigned)(imm & 63), top;

    top = imms >= immr ? imms - immr : 8 * size - immr + imms;
    return significant_bytes(top >= 63 ? UINT64_MAX : ((uint64_t)1 << (top + 1)) - 1);
}

/* Bytes that may be non-zero, by the row's promise. */
static inline uint8_t promised(const a64_info *row, const minst *i)
{
    switch (row->nonzero) {
    case A64_Z_SIZE: return i->size < 8 ? i->size : 16;
    case A64_Z_1: return 1;
    case A64_Z_IMM:
        return significant_bytes(i->size == 4 ? (uint32_t)i->imm : (uint64_t)i->imm);
    case A64_Z_BF: return field_bytes(i->imm, i->size);
    default: return 16;
    }
}

unsigned jit_a64_nonzero(const minst *i)
{
    return promised(a64_row(i->op), i);
}

unsigned jit_a64_swap_cc(unsigned cc)
{
    switch (cc) {
    case A64_LO: return A64_HI;
    case A64_HI: return A64_LO;
    case A64_HS: return A64_LS;
    case A64_LS: return A64_HS;
    case A64_LT: return A64_GT;
    case A64_GT: return A64_LT;
    case A64_GE: return A64_LE;
    case A64_LE: return A64_GE;
    default: return cc; /* EQ, NE; the others are not of a compare of two operands */
    }
}

/* ---- Building ---- */

/* An operand as a shape has it, all but register and widths. */
typedef struct form {
    ra_operand o;
    uint8_t width;
} form;
static const form forms[][A64_MAX_ROLES] = { /* by shape */
#define FORM(r) { { RA_NO_VREG, KIND_##r, CONSTRAINT_##r, 0, FIXED_##r, 8, 16, LOC_NONE }, WIDTH_##r }
#define SHAPE(name, a, b, c, d) { FORM(a), FORM(b), FORM(c), FORM(d) },
#include "backends/aarch64/a64_insts.def"
};

static inline uint8_t relied_on(vr r, unsigned width)
{
    return width > r.nonzero ? r.nonzero : 16;
}

/* A register of an address. */
static inline void add_part(ra_operand *o, vr r, unsigned width)
{
    *o = (ra_operand){ r.id, RA_USE, RA_REG, 0, 0, (uint8_t)width, relied_on(r, width), LOC_NONE };
}

static inline unsigned set_memory(ra_operand *o, minst *i, const a64_addr *m)
{
    i->am = m->am;
    i->trap = m->trap;
    i->disp = m->disp;
    i->ref = m->ref;
    if (m->am != MEM_BASE && m->am != MEM_INDEX)
        return 0;
    add_part(o, m->base, 8);
    if (m->am == MEM_BASE)
        return 1;
    i->shift = m->shift;
    i->cc = m->ext;
    add_part(o + 1, m->index, m->ext == A64_UXTX || m->ext == A64_SXTX ? 8 : 4);
    return 2;
}

minst *jit_a64_build(lower *l, unsigned op, unsigned size, unsigned size2, const vr *regs,
                     const a64_addr *m, int64_t imm)
{
    vec_reserve(l->tmp, &l->ops, A64_MAX_ROLES + 2);
    minst *i = jit_lower_emit(l, op, size);
    const a64_info *row = a64_row(op);
    const form *p = forms[row->shape], *end = p + jit_a64_shapes[row->shape].n;
    ra_operand *first = l->ops.at + l->ops.len, *o = first;

    i->size2 = (uint8_t)size2;
    i->imm = imm;
    for (; p < end; p++, o++, regs++) {
        unsigned width = p->width ? named_width(p->width, size, size2) : size;
        *o = p->o;
        o->vreg = regs->id;
        o->width = (uint8_t)width;
        o->nonzero = p->o.kind == RA_DEF ? promised(row, i) : relied_on(*regs, width);
    }
    if (m)
        o += set_memory(o, i, m);
    unsigned n = (unsigned)(o - first);
    l->ops.len += n;
    lower_newest(l)->nops = (uint8_t)n;
    return i;
}

/* Bytes that bits 0 to `top` take in a register. */
static unsigned bytes_up_to(unsigned top)
{
    return top < 8 ? 1 : top < 16 ? 2 : top < 32 ? 4 : 8;
}

minst *jit_a64_bitfield(lower *l, unsigned op, unsigned size, vr d, vr n, unsigned immr, unsigned imms)
{
    vr r[] = { d, n };
    minst *i = jit_a64_build(l, op, size, 0, r, NULL, A64_BF(immr, imms));
    ra_operand *o = &l->ops.at[l->ops.len - 1];

    o->width = (uint8_t)bytes_up_to(imms);
    o->nonzero = o->width > n.nonzero ? n.nonzero : 16;
    return i;
}

minst *jit_a64_bfm(lower *l, unsigned size, vr d, vr old, vr n, unsigned immr, unsigned imms)
{
    vr r[] = { d, old, n };
    minst *i = jit_a64_build(l, A64_bfm, size, 0, r, NULL, A64_BF(immr, imms));
    ra_operand *o = &l->ops.at[l->ops.len - 1];

    o->width = (uint8_t)bytes_up_to(imms);
    o->nonzero = o->width > n.nonzero ? n.nonzero : 16;
    return i;
}

minst *jit_a64_zx(lower *l, vr d, unsigned size2, vr n)
{
    if (size2 == 4)
        return a64_rrr(l, A64_orr, 4, d, VR_NONE, n);
    return a64_bits(l, A64_ubfm, 4, d, n, 0, 8 * size2);
}

minst *jit_a64_sx(lower *l, unsigned size, vr d, unsigned size2, vr n)
{
    return a64_bits(l, A64_sbfm, size, d, n, 0, 8 * size2);
}

minst *jit_a64_imm(lower *l, vr d, uint64_t bits)
{
    minst *i = jit_a64_build(l, A64_mov_i, bits >> 32 ? 8 : 4, 0, &d, NULL, (int64_t)bits);

    jit_lower_flags(l, RA_REMAT, 0);
    return i;
}

minst *jit_a64_adr_sym(lower *l, vr d, uint32_t symbol)
{
    minst *i = jit_a64_build(l, A64_adr_sym, 8, 0, &d, NULL, 0);

    i->ref = symbol;
    jit_lower_flags(l, RA_REMAT, 0);
    return i;
}

minst *jit_a64_ldr_sym(lower *l, vr d, uint32_t symbol)
{
    minst *i = jit_a64_build(l, A64_ldr_sym, 8, 0, &d, NULL, 0);

    i->ref = symbol;
    return i;
}

minst *jit_a64_fmov_i(lower *l, unsigned size, vr d, uint64_t bits)
{
    minst *i = jit_a64_build(l, A64_fmov_i, size, 0, &d, NULL, (int64_t)bits);

    jit_lower_flags(l, RA_REMAT, 0);
    return i;
}

minst *jit_a64_fzero(lower *l, vr d)
{
    minst *i = jit_a64_build(l, A64_fzero, 16, 0, &d, NULL, 0);

    jit_lower_flags(l, RA_REMAT, 0);
    return i;
}

/* ---- Control ---- */

/* The register operand of a branch or check on cc. */
static unsigned read_width(unsigned cc, unsigned size, unsigned bit)
{
    if (cc == A64_CBZ || cc == A64_CBNZ)
        return size;
    return bytes_up_to(bit);
}

minst *jit_a64_trap_if(lower *l, unsigned cc, unsigned code)
{
    minst *i = jit_a64_build(l, A64_trap_if, 8, 0, NULL, NULL, 0);

    i->cc = (uint8_t)cc;
    i->trap = (uint8_t)code;
    return i;
}

minst *jit_a64_trap_if_r(lower *l, unsigned cc, unsigned size, vr n, unsigned bit, unsigned code)
{
    minst *i = jit_a64_build(l, A64_trap_if_r, size, 0, &n, NULL, 0);
    ra_operand *o = &l->ops.at[l->ops.len - 1];

    o->width = (uint8_t)read_width(cc, size, bit);
    if (o->width <= o->nonzero)
        o->nonzero = 16;
    i->cc = (uint8_t)cc;
    i->shift = (uint8_t)bit;
    i->trap = (uint8_t)code;
    return i;
}

minst *jit_a64_trap(lower *l, unsigned code, bool terminator)
{
    minst *i = jit_a64_build(l, A64_udf, 4, 0, NULL, NULL, 0);

    i->trap = (uint8_t)code;
    if (terminator)
        jit_lower_flags(l, RA_TERM, 0);
    return i;
}

minst *jit_a64_branch_r(lower *l, unsigned cc, unsigned size, vr n, unsigned bit,
                        uint32_t then_block, uint32_t else_block)
{
    minst *i = jit_rule_branch(l, cc, then_block, else_block);

    i->size = (uint8_t)size;
    i->shift = (uint8_t)bit;
    jit_lower_use(l, n, RA_REG, 0, read_width(cc, size, bit));
    return i;
}

minst *jit_a64_table_jump(lower *l, uint32_t table, vr index)
{
    minst *i = jit_a64_build(l, A64_table, 8, 0, &index, NULL, 0);

    i->extra = table;
    jit_lower_flags(l, RA_TERM, 0);
    return i;
}

void jit_a64_call(lower *l, vr callee, uint32_t symbol, bool near, uint32_t callee_pops)
{
    minst *i;

    if (callee.id == RA_NO_VREG && !near) {
        callee = jit_lower_temp(l, RC_INT, 8);
        jit_a64_ldr_sym(l, callee, symbol);
    }
    if (callee.id == RA_NO_VREG) {
        i = jit_a64_build(l, A64_call_sym, 8, 0, NULL, NULL, callee_pops);
        i->ref = symbol;
    } else {
        jit_a64_build(l, A64_call, 8, 0, &callee, NULL, callee_pops);
    }
    jit_lower_flags(l, RA_CALL, 0);
}
