/* x64_build.c - the table of rows as data, and the constructors that lowering makes instructions
 * by. */
#include "backends/x86_64/x64_enc.h"

/* ---- The table ---- */

enum { /* index and parts of each role */
#define ROLE(name, ...) ROLE_##name,
#include "backends/x86_64/x64_insts.def"
#define W_SIZE2 X64_W_SIZE2
#define ROLE(name, present, kind, constraint, fixed, width, place, cls, mem)                     \
    PRESENT_##name = present, KIND_##name = RA_##kind, CONSTRAINT_##name = RA_##constraint,      \
    FIXED_##name = fixed, WIDTH_##name = width, CLASS_##name = RC_##cls, MEMORY_##name = mem,    \
    PLACE_##name = X64_AT_##place,
#include "backends/x86_64/x64_insts.def"
#undef W_SIZE2
#define SHAPE(name, ...) SHAPE_##name,
    SHAPES_ = -1,
#include "backends/x86_64/x64_insts.def"
};

const x64_role jit_x64_roles[] = {
#define ROLE(name, present, kind, constraint, fixed, width, place, cls, mem) \
    { RA_##kind, RA_##constraint, fixed, width, X64_AT_##place, RC_##cls, mem, \
      RC_##cls == RC_FLOAT ? X64_XMM(0) : 0 },
#define W_SIZE2 X64_W_SIZE2
#include "backends/x86_64/x64_insts.def"
#undef W_SIZE2
};

#define IS_REG(r) (PRESENT_##r == 1 && (int)PLACE_##r == X64_AT_REG)
#define IS_RM(r) (PRESENT_##r == 1 && MEMORY_##r != 0)
#define PLAIN(r)                                                                              \
    (PRESENT_##r == 0 || ((int)CLASS_##r == RC_INT && (int)CONSTRAINT_##r != RA_FIXED             \
                      && (int)KIND_##r != RA_TEMP && (int)PLACE_##r != X64_AT_V               \
                      && ((int)PLACE_##r != X64_AT_RM || MEMORY_##r != 0)))
enum { /* by shape, whether all its operands are */
#define SHAPE(name, a, b, c, d, e)                                                            \
    PLAIN_SHAPE_##name = PLAIN(a) && PLAIN(b) && PLAIN(c) && PLAIN(d) && PLAIN(e)             \
                         && IS_REG(a) + IS_REG(b) + IS_REG(c) == 1 && IS_RM(b) + IS_RM(c) == 1,
#include "backends/x86_64/x64_insts.def"
};
const x64_shape jit_x64_shapes[] = {
#define SHAPE(name, a, b, c, d, e)                                                            \
    { { ROLE_##a, ROLE_##b, ROLE_##c, ROLE_##d, ROLE_##e },                                   \
      PRESENT_##a + PRESENT_##b + PRESENT_##c + PRESENT_##d + PRESENT_##e,                    \
      MEMORY_##a + MEMORY_##b + MEMORY_##c + MEMORY_##d + MEMORY_##e,                         \
      IS_REG(a) ? 0 : IS_REG(b) ? 1 : 2, IS_RM(b) ? 1 : 2 },
#include "backends/x86_64/x64_insts.def"
};

#define SPOT(r)                                                                                \
    { (int)CLASS_##r == RC_FLOAT ? X64_XMM(0) : 0, PLACE_##r,                                      \
      (int)CONSTRAINT_##r == RA_ANY   ? X64_MAY_SPILL                                              \
      : (int)CONSTRAINT_##r == RA_REG ? X64_FREE                                                   \
                                 : X64_MUST_BE, MEMORY_##r != 0 }
const x64_spot jit_x64_spots[][X64_MAX_ROLES] = {
#define SHAPE(name, a, b, c, d, e) { SPOT(a), SPOT(b), SPOT(c), SPOT(d), SPOT(e) },
#include "backends/x86_64/x64_insts.def"
};

#define F_W X64_F_W
#define F_R X64_F_R
#define F_M X64_F_M
const x64_info jit_x64_info[] = {
#define INST(name, mnemonic, shape, format, pp, map, opcode, digit, sizes, sizes2, nonzero, flags, \
             mem, feature)                                                                         \
    { mnemonic, SHAPE_##shape, X64_FORMAT_##format, X64_PP_##pp, map, opcode, digit,               \
      (map) == 0 ? 0 : (map) == 1 ? 0x0f : (map) == 2 ? 0x380f : 0x3a0f, (map) < 2 ? (map) : 2,    \
      PLAIN_SHAPE_##shape == 0 || X64_PP_##pp != X64_PP_NP || (map) > 1 || (feature) != 0          \
              || (int)X64_##name == X64_lea ? X64_NOT_PLAIN                                        \
      : X64_FORMAT_##format == X64_FORMAT_MODRM ? X64_PLAIN                                        \
      : X64_FORMAT_##format == X64_FORMAT_MOVX  ? X64_PLAIN_MOVX                                   \
                                                : X64_NOT_PLAIN,                                   \
      sizes, sizes2, X64_##nonzero, flags, X64_##mem, feature },
#include "backends/x86_64/x64_insts.def"
};

static inline unsigned named_width(unsigned width, unsigned size, unsigned size2)
{
    switch (width) {
    case X64_W_SIZE: return size;
    case X64_W_SIZE2: return size2;
    case X64_W_16: return 16;
    default: return width;
    }
}

unsigned jit_x64_mem_width(const minst *i)
{
    return named_width(x64_row(i->op)->mem, i->size, i->size2);
}

static unsigned significant_bytes(uint64_t bits)
{
    unsigned n = 1;

    while (n < 8 && bits >> 8 * n)
        n++;
    return n <= 2 ? n : n <= 4 ? 4 : 8;
}

/* Bytes that may be non-zero, by the row's promise. */
static inline unsigned promised(unsigned promise, const minst *i)
{
    if (promise == X64_Z_SIZE)
        return i->size == 4 ? 4 : 16;
    if (promise == X64_Z_NONE)
        return 16;
    if (promise == X64_Z_SIZE2)
        return i->size2;
    return significant_bytes(i->size == 4 ? (uint32_t)i->imm : (uint64_t)i->imm);
}

unsigned jit_x64_nonzero(const minst *i)
{
    return promised(x64_row(i->op)->nonzero, i);
}

unsigned jit_x64_swap_cc(unsigned cc)
{
    switch (cc) {
    case X64_B: return X64_A;
    case X64_A: return X64_B;
    case X64_AE: return X64_BE;
    case X64_BE: return X64_AE;
    case X64_L: return X64_G;
    case X64_G: return X64_L;
    case X64_GE: return X64_LE;
    case X64_LE: return X64_GE;
    default: return cc; /* E, NE; the others are not of a compare of two operands */
    }
}

/* ---- Building ---- */

/* An operand as a shape has it, all but register and widths; what else its role says follows. */
typedef struct form {
    ra_operand o;
    uint8_t width, cls, mem;
    bool special; /* a scratch register, or fixed */
} form;
static const form forms[][X64_MAX_ROLES] = { /* by shape */
#define FORM(r)                                                                                    \
    { { RA_NO_VREG, KIND_##r, CONSTRAINT_##r, 0, FIXED_##r, 8, 16, LOC_NONE }, WIDTH_##r,          \
      CLASS_##r,                                                                                   \
      MEMORY_##r, (int)KIND_##r == RA_TEMP || (int)CONSTRAINT_##r == RA_FIXED }
#define SHAPE(name, a, b, c, d, e) { FORM(a), FORM(b), FORM(c), FORM(d), FORM(e) },
#include "backends/x86_64/x64_insts.def"
};

enum { /* by shape, its operands */
#define SHAPE(name, a, b, c, d, e) \
    N_##name = PRESENT_##a + PRESENT_##b + PRESENT_##c + PRESENT_##d + PRESENT_##e,
#include "backends/x86_64/x64_insts.def"
};

/* What building asks of a row. */
static const struct recipe { const form *first, *end; uint8_t nonzero; } recipes[] = {
#define INST(name, mnemonic, shape, format, pp, map, opcode, digit, sizes, sizes2, nonzero, flags, \
             mem, feature)                                                                         \
    { forms[SHAPE_##shape], forms[SHAPE_##shape] + N_##shape, X64_##nonzero },
#include "backends/x86_64/x64_insts.def"
};

static inline unsigned relied_on(vr r, unsigned width)
{
    return width > r.nonzero ? r.nonzero : 16;
}

/* A register of an address. */
static inline void add_part(ra_operand *o, vr r, unsigned width)
{
    *o = (ra_operand){ r.id, RA_USE, RA_REG, 0, 0, (uint8_t)width, (uint8_t)relied_on(r, width),
                      LOC_NONE };
}

static inline unsigned set_memory(ra_operand *o, minst *m, const x64_rm *rm)
{
    m->am = rm->am;
    m->shift = rm->shift;
    m->trap = rm->trap;
    m->disp = rm->disp;
    m->ref = rm->ref;
    if (rm->am != MEM_BASE && rm->am != MEM_INDEX)
        return 0;
    /* The low half of lea's result depends on the low halves of its parts only. */
    unsigned width = m->op == X64_lea ? m->size : 8;
    add_part(o, rm->reg, width);
    if (rm->am == MEM_INDEX)
        add_part(o + 1, rm->index, width);
    return rm->am == MEM_INDEX ? 2 : 1;
}

/* The register that a form wants of its own: a scratch one, or one of the caller's that is
 * fixed. */
static vr special_reg(lower *l, const form *p, const vr **regs)
{
    if (p->o.kind == RA_TEMP)
        return jit_lower_temp(l, p->cls, 8);
    vr r = *(*regs)++;
    if (p->o.constraint == RA_FIXED && r.id != RA_NO_VREG && l->vregs.at[r.id].hint == 0xff)
        l->vregs.at[r.id].hint = p->o.fixed;
    return r;
}

minst *jit_x64_build(lower *l, unsigned op, unsigned size, unsigned size2, const vr *regs,
                     const x64_rm *rm, int64_t imm)
{
    const struct recipe *row = &recipes[op - MI_TARGET];
    bool memory = rm && rm->am != MEM_NONE;

    vec_reserve(l->tmp, &l->ops, X64_MAX_ROLES + 2);
    minst *m = jit_lower_emit(l, op, size);
    ra_operand *first = l->ops.at + l->ops.len, *o = first;
    m->size2 = (uint8_t)size2;
    m->imm = imm;
    for (const form *p = row->first; p < row->end; p++) {
        vr r;
        if (p->mem) {
            JIT_REQUIRE(l->fail, rm && (memory || p->mem == 1), x64_row(op)->mnemonic);
            if (memory)
                continue;
            r = rm->reg;
        } else {
            r = p->special ? special_reg(l, p, &regs) : *regs++;
        }
        unsigned width = p->width == 0 ? size : p->width == X64_W_SIZE2 ? size2 : p->width;
        *o = p->o;
        o->vreg = r.id;
        o->width = (uint8_t)width;
        o->nonzero = (uint8_t)(p->o.kind == RA_DEF ? promised(row->nonzero, m) : relied_on(r,
                                                                                           width));
        o++;
    }
    if (memory)
        o += set_memory(o, m, rm);
    unsigned n = (unsigned)(o - first);
    l->ops.len += n;
    lower_newest(l)->nops = (uint8_t)n;
    return m;
}

minst *jit_x64_imm(lower *l, vr d, uint64_t bits, bool keep_flags)
{
    unsigned size = bits >> 32 ? 8 : 4;
    minst *m = jit_x64_build(l, X64_mov_i, size, 0, &d, NULL, (int64_t)bits);

    m->cc = keep_flags ? X64_KEEP_FLAGS : 0;
    jit_lower_flags(l, RA_REMAT, 0);
    return m;
}

minst *jit_x64_zx(lower *l, vr d, unsigned size2, x64_rm rm)
{
    if (size2 == 4)
        return jit_x64_build(l, X64_mov, 4, 0, &d, &rm, 0);
    return jit_x64_build(l, X64_movzx, 4, size2, &d, &rm, 0);
}

minst *jit_x64_sx(lower *l, unsigned size, vr d, unsigned size2, x64_rm rm)
{
    return jit_x64_build(l, size2 == 4 ? X64_movsxd : X64_movsx, size, size2, &d, &rm, 0);
}

minst *jit_x64_mov_sym(lower *l, vr d, uint32_t symbol, int64_t addend)
{
    minst *m = jit_x64_build(l, X64_mov_sym, 8, 0, &d, NULL, addend);

    m->ref = symbol;
    jit_lower_flags(l, RA_REMAT, 0);
    return m;
}

/* ---- Control ---- */

minst *jit_x64_trap_if(lower *l, unsigned cc, unsigned code)
{
    minst *m = jit_x64_build(l, X64_trap_if, 8, 0, NULL, NULL, 0);

    m->cc = (uint8_t)cc;
    m->trap = (uint8_t)code;
    return m;
}

minst *jit_x64_trap(lower *l, unsigned code, bool terminator)
{
    minst *m = jit_x64_build(l, X64_ud2, 4, 0, NULL, NULL, 0);

    m->trap = (uint8_t)code;
    if (terminator)
        jit_lower_flags(l, RA_TERM, 0);
    return m;
}

minst *jit_x64_table_jump(lower *l, uint32_t table, vr index)
{
    minst *m = jit_x64_build(l, X64_table, 8, 0, &index, NULL, 0);

    m->extra = table;
    jit_lower_flags(l, RA_TERM, 0);
    return m;
}

void jit_x64_call(lower *l, vr callee, uint32_t symbol, bool near, uint32_t callee_pops)
{
    x64_rm rm = callee.id != RA_NO_VREG ? x64_reg(callee) : x64_sym(symbol);
    minst *m;

    if (callee.id == RA_NO_VREG && near) {
        m = jit_x64_build(l, X64_call_sym, 8, 0, NULL, NULL, callee_pops);
        m->ref = symbol;
    } else {
        m = jit_x64_build(l, X64_call, 8, 0, NULL, &rm, callee_pops);
    }
    jit_lower_flags(l, RA_CALL, 0);
}
