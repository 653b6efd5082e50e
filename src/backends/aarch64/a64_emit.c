/* a64_emit.c - turns allocated machine instructions into words, with their traps, fixups and
 * calls.
 *
 * x16 and x17 are emission's own: far addresses and jump tables go through them. Between
 * instructions x16 holds nothing, and x17 nothing but what the allocator's moves pass through
 * it: so moves and what they may repeat (constants, addresses in the frame) take x16 alone. */
#include "backends/aarch64/a64_emit.h"
#include <stdio.h>

static _Noreturn void refuse(const emit *e, const minst *i, const char *what)
{
    jit_fail(e->buf->fail, JIT_ERR_INTERNAL, "aarch64: %s: %s",
             i->op >= MI_TARGET ? a64_row(i->op)->mnemonic : "move or jump", what);
}

/* ---- Putting ---- */

void jit_a64_put(emit *e, unsigned op, const a64_args *a)
{
    uint32_t word = jit_a64_encode(e->buf->fail, op, a);
    mcursor c = jit_mbuf_open(e->buf, 4);

    mput_le(&c, word, 4);
    mcursor_close(&c);
    if (e->listing)
        jit_a64_print_args(e, op, a);
}

static a64_args regs(unsigned size, unsigned d, unsigned n, unsigned m)
{
    a64_args a = { .size = (uint8_t)size };

    a.d = (uint8_t)d;
    a.n = (uint8_t)n;
    a.m = (uint8_t)m;
    return a;
}

static void put_rrr(emit *e, unsigned op, unsigned size, unsigned d, unsigned n, unsigned m)
{
    a64_args a = regs(size, d, n, m);
    jit_a64_put(e, op, &a);
}

static void put_rri(emit *e, unsigned op, unsigned size, unsigned d, unsigned n, uint64_t imm)
{
    a64_args a = regs(size, d, n, 0);
    a.imm = (int64_t)imm;
    jit_a64_put(e, op, &a);
}

void jit_a64_put_imm(emit *e, unsigned d, uint64_t bits, unsigned size)
{
    a64_step steps[4];
    unsigned n = jit_a64_imm_steps(bits, size, steps);

    for (unsigned k = 0; k < n; k++) {
        a64_args a = regs(size, d, steps[k].op == A64_orr_i ? A64_R31 : 0, 0);
        a.imm = (int64_t)steps[k].imm;
        a.shift = steps[k].shift;
        jit_a64_put(e, steps[k].op, &a);
    }
}

/* d = n + (m extended << shift), or - with A64_sub_x; n may be sp. */
static void put_extended(emit *e, unsigned op, unsigned d, unsigned n, unsigned m, unsigned ext,
                         unsigned shift)
{
    a64_args a = regs(8, d, n, m);

    a.size2 = (uint8_t)(1u << (ext & 3));
    a.cc = (uint8_t)ext;
    a.shift = (uint8_t)shift;
    jit_a64_put(e, op, &a);
}

void jit_a64_put_add(emit *e, unsigned d, unsigned n, int64_t offset)
{
    uint64_t size = offset < 0 ? 0 - (uint64_t)offset : (uint64_t)offset;
    unsigned op = offset < 0 ? A64_sub_i : A64_add_i;

    if (jit_a64_fits_imm12(size)) {
        if (size || d != n)
            put_rri(e, op, 8, d, n, size);
    } else if (size < 1 << 24) {
        put_rri(e, op, 8, d, n, size & ~(uint64_t)0xfff);
        put_rri(e, op, 8, d, d, size & 0xfff);
    } else {
        unsigned more = d != n && d != A64_R31 ? d : A64_X17;
        jit_a64_put_imm(e, more, size, 8);
        put_extended(e, offset < 0 ? A64_sub_x : A64_add_x, d, n, more, A64_UXTX, 0);
    }
}

/* ---- Labels ---- */

/* A symbol as the relocation of its field has it. */
static const char *symbol_name(const emit *e, unsigned reloc, uint32_t symbol, char *name)
{
    static const char *const how[A64_RELOC_COUNT] = {
        [A64_RELOC_CALL26] = "", [A64_RELOC_PAGE] = "", [A64_RELOC_LOW12] = ":lo12:",
        [A64_RELOC_CELL_PAGE] = ":got:", [A64_RELOC_CELL_LOW12] = ":got_lo12:",
    };
    int n = snprintf(name, EMIT_NAME_BYTES, "%s", how[reloc]);

    if (symbol < e->l->symbols.len)
        jit_name_print(&e->l->symbols.at[symbol], name + n, EMIT_NAME_BYTES - (size_t)n);
    else
        snprintf(name + n, EMIT_NAME_BYTES - (size_t)n, "sym%u", symbol);
    return name;
}

/* A row whose distance is filled in when the label is known. */
static void put_to(emit *e, unsigned op, a64_args a, mlabel to, unsigned fixup)
{
    char name[EMIT_NAME_BYTES];
    mcursor c = jit_mbuf_open(e->buf, 4);

    a.imm = 0;
    jit_mbuf_fixup(e->buf, mcursor_offset(&c), to, (uint8_t)fixup, 0, 0);
    mput_le(&c, jit_a64_encode(e->buf->fail, op, &a), 4);
    mcursor_close(&c);
    if (e->listing) {
        a.to = jit_emit_label_name(e, to, name);
        if (fixup == A64_FIX_LITERAL)
            snprintf(name, sizeof name, "const%u", to.id - 1);
        jit_a64_print_args(e, op, &a);
    }
}

/* A row whose field a relocation fills in. */
static void put_reloc(emit *e, unsigned op, a64_args a, unsigned reloc, uint32_t symbol)
{
    char name[EMIT_NAME_BYTES];
    mcursor c = jit_mbuf_open(e->buf, 4);

    jit_mbuf_reloc(e->buf, mcursor_offset(&c), (uint8_t)reloc, symbol, 0);
    mput_le(&c, jit_a64_encode(e->buf->fail, op, &a), 4);
    mcursor_close(&c);
    if (e->listing) {
        a.to = symbol_name(e, reloc, symbol, name);
        jit_a64_print_args(e, op, &a);
    }
}

/* ---- Places ---- */

/* The encoding's number of an operand's register; without one: the zero register. */
static inline uint8_t number_of(const emit *e, const minst *i, const ra_operand *o, unsigned cls)
{
    if (o->vreg == RA_NO_VREG && o->loc == LOC_NONE && cls == RC_INT)
        return A64_R31;
    if (cls == RC_FLOAT ? !a64_is_float(o->loc) : !a64_is_int(o->loc))
        refuse(e, i, o->loc == LOC_NONE ? "operand left virtual" : "operand in the wrong place");
    return a64_hw(o->loc);
}

void jit_a64_put_hint(emit *e, unsigned which)
{
    a64_args a = regs(4, 0, 0, 0);

    a.imm = which;
    jit_a64_put(e, A64_hint, &a);
}

void jit_a64_landing(emit *e)
{
    jit_a64_put_hint(e, A64_BTI_J);
}

/* Where a memory operand is, its registers known: [base + disp], or [base + index]. */
typedef struct where {
    uint8_t base, index, ext, shift; /* index: A64_R31 when there is none */
    int64_t disp;
} where;

/* From the register that addresses the frame. */
static where frame_place(const emit *e, bool from_sp, int32_t disp)
{
    bool from_fp = e->frame->fp_based && !from_sp;
    where p = { from_fp ? A64_FP : A64_R31, A64_R31, A64_UXTX, 0, disp };

    return p;
}

static where spill_place(const emit *e, ra_loc slot, unsigned width)
{
    return frame_place(e, false, frame_spill_at(e->frame, loc_slot(slot), width));
}

static uint8_t address_reg(const emit *e, const minst *i, const ra_operand *o)
{
    if (!a64_is_int(o->loc))
        refuse(e, i, "address without a register");
    return (uint8_t)o->loc;
}

static where find_place(emit *e, const minst *i, const ra_operand *rest, unsigned nrest)
{
    where p = { 0, A64_R31, A64_UXTX, 0, i->disp };

    switch (i->am) {
    case MEM_BASE:
    case MEM_INDEX:
        if (nrest < (i->am == MEM_INDEX ? 2u : 1u))
            refuse(e, i, "address without operands");
        p.base = address_reg(e, i, &rest[0]);
        if (i->am == MEM_INDEX) {
            p.index = address_reg(e, i, &rest[1]);
            p.ext = i->cc;
            p.shift = i->shift;
        }
        return p;
    case MEM_SLOT:
    case MEM_IN:
    case MEM_OUT:
        e->frame_accesses += i->op != A64_lea;
        return frame_place(e, i->am == MEM_OUT,
                           jit_frame_offset(e->frame, i->am, i->ref, i->disp));
    default:
        refuse(e, i, "addressing mode");
    }
}

/* The nearest address that an access to p can name by itself: the rest is added in x16. */
static void flatten(emit *e, where *p)
{
    if (p->index == A64_R31)
        return;
    put_extended(e, A64_add_x, A64_X16, p->base, p->index, p->ext, p->shift);
    p->base = A64_X16;
    p->index = A64_R31;
}

static void mark_trap(emit *e, uint32_t ir, unsigned trap)
{
    if (trap) {
        jit_emit_position(e, ir);
        jit_mbuf_trap(e->buf, (uint8_t)trap);
    }
}

/* Chooses the address of an access of `bytes` bytes; what it needs besides is put here. */
static void choose_mode(emit *e, where p, unsigned bytes, a64_args *a)
{
    if (p.index != A64_R31 && (p.disp || (p.shift && 1u << p.shift != bytes) || !(p.ext & 2)))
        flatten(e, &p);
    a->n = p.base;
    a->imm = p.disp;
    if (p.index != A64_R31) {
        a->mode = A64_AT_INDEX;
        a->m = p.index;
        a->cc = p.ext;
        a->shift = p.shift;
    } else if (p.disp >= 0 && p.disp % bytes == 0 && p.disp / bytes <= 0xfff) {
        a->mode = A64_AT_SCALED;
    } else if (p.disp >= -256 && p.disp <= 255) {
        a->mode = A64_AT_UNSCALED;
    } else if (p.disp >= 0 && p.disp < 1 << 24 && p.disp % bytes == 0) {
        put_rri(e, A64_add_i, 8, A64_X16, p.base, (uint64_t)p.disp & 0xfff000);
        a->n = A64_X16;
        a->imm = p.disp & 0xfff;
        a->mode = A64_AT_SCALED;
    } else {
        unsigned far = p.base == A64_X16 ? A64_X17 : A64_X16;
        jit_a64_put_imm(e, far, (uint64_t)p.disp, 8);
        a->imm = 0;
        a->mode = A64_AT_INDEX;
        a->m = (uint8_t)far;
        a->cc = A64_UXTX;
    }
}

/* ---- Pairs: two accesses side by side, one right behind the other, become one ---- */

static unsigned pair_row(unsigned op)
{
    switch (op) {
    case A64_ldr: return A64_ldp;
    case A64_str: return A64_stp;
    case A64_fldr: return A64_fldp;
    case A64_fstr: return A64_fstp;
    default: return 0;
    }
}

static bool is_store(unsigned op)
{
    return op == A64_str || op == A64_fstr;
}

/* Whether the access before may be made together with this one. Both loads may fault if they do
 * so with one code at one position, the second one only with the first; of stores neither may,
 * since what the first one writes has to be there when the second one faults, and not the other
 * way round. */
static bool joins(const emit *e, unsigned op, const a64_args *a, uint32_t ir, unsigned trap)
{
    const emit_access *last = &e->last;
    const mbuf *b = e->buf;
    bool new_position = b->srcpos.len && b->srcpos.at[b->srcpos.len - 1].offset == b->len;
    int64_t apart = a->imm - last->disp, low = apart < 0 ? a->imm : last->disp;

    if (last->end != b->len || last->op != op || last->size != a->size || last->base != a->n
        || b->bound == b->len + 1 || (ir == 0) != (last->ir == 0))
        return false;
    if ((apart != a->size && apart != -(int64_t)a->size) || low % a->size || low / a->size < -64
        || low / a->size > 63)
        return false;
    if (is_store(op))
        return !trap && !last->trap;
    return (!trap || (trap == last->trap && !new_position)) && last->reg != a->d
           && !(op == A64_ldr && last->reg == a->n);
}

static bool join_last(emit *e, unsigned op, const a64_args *a, uint32_t ir, unsigned trap)
{
    a64_args both = *a;
    uint8_t word[4];

    if (!joins(e, op, a, ir, trap))
        return false;
    if (ir)
        jit_mach_note_joined(e->l, ir, e->last.ir);
    bool up = a->imm > e->last.disp;
    both.d = up ? e->last.reg : a->d;
    both.a = up ? a->d : e->last.reg;
    both.imm = up ? e->last.disp : a->imm;
    both.cc = A64_OFFSET;
    put_le32(word, jit_a64_encode(e->buf->fail, pair_row(op), &both));
    jit_mbuf_replace(e->buf, word, 4);
    if (e->listing) {
        jit_strbuf_cut(e->listing, e->last.line);
        jit_a64_print_args(e, pair_row(op), &both);
    }
    e->last.end = 0;
    return true;
}

/* The instruction whose access this is in the IR's eyes; 0: the frame's or a call's own. */
static uint32_t accessor(const emit *e, const minst *i)
{
    bool by_address = i->am == MEM_BASE || i->am == MEM_INDEX || i->am == MEM_SLOT;

    if (!by_address || !i->ir || op_of(inst_at(e->l->f, i->ir - 1))->props & (OP_CALL | OP_TERM))
        return 0;
    return i->ir;
}

/* i: NULL for what no instruction of lowering says. */
static void put_access(emit *e, unsigned op, a64_args a, where p, const minst *i, unsigned trap)
{
    uint32_t ir = i ? accessor(e, i) : 0;

    choose_mode(e, p, op == A64_ldrs ? a.size2 : a.size, &a);
    bool pairs = pair_row(op) && a.size >= 4 && a.mode != A64_AT_INDEX && a.imm >= INT16_MIN
                 && !(op == A64_ldr && a.d == A64_R31);
    if (pairs && join_last(e, op, &a, ir, trap))
        return;
    size_t line = e->listing ? e->listing->len : 0;
    mark_trap(e, i ? i->ir : 0, trap);
    jit_a64_put(e, op, &a);
    if (pairs)
        e->last = (emit_access){ e->buf->len, line, a.imm, ir, (uint16_t)op, a.size, a.d, a.n,
                                 (uint8_t)trap };
}

void jit_a64_put_access(emit *e, unsigned op, unsigned size, unsigned d, unsigned n, int64_t disp,
                        unsigned trap)
{
    where p = { (uint8_t)n, A64_R31, A64_UXTX, 0, disp };

    put_access(e, op, regs(size, d, 0, 0), p, NULL, trap);
}

/* A load of constant `ref` from behind the code. */
static void put_literal(emit *e, const minst *i, const a64_args *a)
{
    JIT_REQUIRE(e->buf->fail, i->disp == 0, "constant out of range");
    mlabel label = jit_emit_constant(e, i->ref);
    if (i->op != A64_fldr && (i->op != A64_ldr || a->size < 4))
        refuse(e, i, "load of a constant");
    put_to(e, i->op == A64_fldr ? A64_fldr_lit : A64_ldr_lit, *a, label, A64_FIX_LITERAL);
}

/* ---- Moves ---- */

static void move_reg(emit *e, ra_loc from, ra_loc to, unsigned width)
{
    unsigned d = a64_hw(to), n = a64_hw(from);

    if (a64_is_int(to))
        put_rrr(e, A64_fmov_of, width, d, n, 0);
    else if (a64_is_int(from))
        put_rrr(e, A64_fmov_to, width, d, n, 0);
    else if (width == 16)
        put_rrr(e, A64_vmov, 16, d, n, 0);
    else
        put_rrr(e, A64_fmov, width, d, n, 0);
}

void jit_a64_emit_move(emit *e, ra_loc from, ra_loc to, unsigned width)
{
    if (a64_is_int(from) && a64_is_int(to)) { /* most are */
        put_rrr(e, A64_orr, width, to, A64_R31, from);
        return;
    }
    if (loc_is_slot(from))
        put_access(e, a64_is_int(to) ? A64_ldr : A64_fldr, regs(width, a64_hw(to), 0, 0),
                   spill_place(e, from, width), NULL, 0);
    else if (loc_is_slot(to))
        put_access(e, a64_is_int(from) ? A64_str : A64_fstr, regs(width, a64_hw(from), 0, 0),
                   spill_place(e, to, width), NULL, 0);
    else
        move_reg(e, from, to, width);
}

/* ---- Jumps ---- */

void jit_a64_jump(emit *e, mlabel to)
{
    put_to(e, A64_b, regs(8, 0, 0, 0), to, A64_FIX_B26);
}

/* To `to` on cc: of the flags, or of register `reg` (size, bit: as in MI_BRANCH). */
static void put_cond(emit *e, const minst *i, unsigned cc, unsigned reg, mlabel to)
{
    a64_args a = regs(8, 0, 0, 0);

    a.cc = (uint8_t)cc;
    switch (cc) {
    case A64_UEQ:
        a.cc = A64_EQ;
        put_to(e, A64_b_cond, a, to, A64_FIX_B19);
        a.cc = A64_VS;
        break;
    case A64_ONE:
        a.cc = A64_MI;
        put_to(e, A64_b_cond, a, to, A64_FIX_B19);
        a.cc = A64_GT;
        break;
    case A64_CBZ:
    case A64_CBNZ:
        a.size = i->size;
        a.d = (uint8_t)reg;
        put_to(e, cc == A64_CBZ ? A64_cbz : A64_cbnz, a, to, A64_FIX_B19);
        return;
    case A64_TBZ:
    case A64_TBNZ:
        a.size = i->shift < 32 ? 4 : 8;
        a.shift = i->shift;
        a.d = (uint8_t)reg;
        put_to(e, cc == A64_TBZ ? A64_tbz : A64_tbnz, a, to, A64_FIX_B14);
        return;
    default:
        JIT_REQUIRE(e->buf->fail, cc < A64_AL, "aarch64: condition");
    }
    put_to(e, A64_b_cond, a, to, A64_FIX_B19);
}

/* The register that cc looks at; 0 when it looks at the flags. */
static unsigned tested_reg(const emit *e, const minst *i, const ra_operand *ops, unsigned nops)
{
    bool needs = i->cc >= A64_CBZ;

    if (needs != (nops == 1))
        refuse(e, i, "a condition without its operand");
    return needs ? number_of(e, i, &ops[0], RC_INT) : 0;
}

void jit_a64_jump_if(emit *e, const minst *i, const ra_operand *ops, unsigned nops, unsigned cc,
                     mlabel to, mlabel otherwise)
{
    (void)otherwise;
    put_cond(e, i, cc, tested_reg(e, i, ops, nops), to);
}

void jit_a64_trap_here(emit *e, unsigned code)
{
    a64_args a = regs(4, 0, 0, 0);

    a.imm = code;
    if (code)
        jit_mbuf_trap(e->buf, (uint8_t)code);
    jit_a64_put(e, A64_udf, &a);
}

/* ---- Instructions of several parts ---- */

/* adr x16, table; ldrsw x17, [x16, index, lsl #2]; add x16, x16, x17; br x16; and the table. All
 * in one reservation: nothing comes between. */
static void emit_table(emit *e, const minst *i, const ra_operand *ops)
{
    fail_ctx *fail = e->buf->fail;
    enum { WORDS = 4 };

    JIT_REQUIRE(fail, i->extra < e->l->jump_tables.len, "jump table out of range");
    const vcode_jump_table *t = &e->l->jump_tables.at[i->extra];
    a64_args adr = regs(8, A64_X16, 0, 0), br = regs(8, 0, A64_X16, 0);
    a64_args load = regs(8, A64_X17, A64_X16, number_of(e, i, &ops[0], RC_INT));
    a64_args add = regs(8, A64_X16, A64_X16, A64_X17);
    const struct { unsigned op; const a64_args *a; } code[WORDS] = {
        { A64_adr, &adr }, { A64_ldrs, &load }, { A64_add, &add }, { A64_br, &br }
    };
    adr.imm = 4 * WORDS;
    load.size2 = 4;
    load.mode = A64_AT_INDEX;
    load.cc = A64_UXTX;
    load.shift = 2;
    if (t->n > INT32_MAX / 8)
        jit_fail(fail, JIT_ERR_LIMIT, "jump table of %u entries", t->n);
    mcursor c = jit_mbuf_open(e->buf, 4 * (WORDS + t->n));
    for (unsigned k = 0; k < WORDS; k++)
        mput_le(&c, jit_a64_encode(fail, code[k].op, code[k].a), 4);
    for (uint32_t k = 0; k < t->n; k++) {
        jit_mbuf_fixup(e->buf, mcursor_offset(&c), e->block_label[t->blocks[k]], A64_FIX_TABLE32, 0,
                       (int32_t)(4 * k));
        mput_le(&c, 0, 4);
    }
    mcursor_close(&c);
    if (!e->listing)
        return;
    for (unsigned k = 0; k < WORDS; k++)
        jit_a64_print_args(e, code[k].op, code[k].a);
    for (uint32_t k = 0; k < t->n; k++)
        jit_strbuf_printf(e->listing, "    .word block%u - table\n", t->blocks[k]);
}

static void emit_call(emit *e, const minst *i, const a64_args *a)
{
    jit_emit_position(e, i->ir);
    if (i->trap)
        jit_mbuf_trap(e->buf, i->trap);
    if (i->op == A64_call_sym)
        put_reloc(e, i->op, regs(8, 0, 0, 0), A64_RELOC_CALL26, i->ref);
    else
        jit_a64_put(e, i->op, a);
    jit_emit_called(e, i);
}

/* adrp d, page; then the rest of the address from its low 12 bits, by add or by ldr. */
static void emit_symbol(emit *e, const minst *i, unsigned d)
{
    bool cell = i->op == A64_ldr_sym;

    put_reloc(e, A64_adrp, regs(8, d, 0, 0), cell ? A64_RELOC_CELL_PAGE : A64_RELOC_PAGE, i->ref);
    if (cell)
        put_reloc(e, A64_ldr, regs(8, d, d, 0), A64_RELOC_CELL_LOW12, i->ref);
    else
        put_reloc(e, A64_add_i, regs(8, d, d, 0), A64_RELOC_LOW12, i->ref);
}

static void emit_lea(emit *e, unsigned d, where p)
{
    if (p.index != A64_R31 && p.disp == 0) {
        put_extended(e, A64_add_x, d, p.base, p.index, p.ext, p.shift);
        return;
    }
    flatten(e, &p);
    if (p.disp == 0 && p.base != A64_R31 && p.base != d)
        put_rrr(e, A64_orr, 8, d, A64_R31, p.base);
    else if (p.disp == 0 && p.base != d)
        put_rri(e, A64_add_i, 8, d, p.base, 0);
    else
        jit_a64_put_add(e, d, p.base, p.disp);
}

/* A pair: its offset is scaled, 7 bits. */
static void emit_pair(emit *e, const minst *i, a64_args *a, where p)
{
    int64_t scaled = p.disp / i->size;

    flatten(e, &p);
    if (p.disp % i->size || scaled < -64 || scaled > 63) {
        jit_a64_put_add(e, A64_X16, p.base, p.disp);
        p.base = A64_X16;
        p.disp = 0;
    }
    a->n = p.base;
    a->imm = p.disp;
    a->cc = A64_OFFSET;
    mark_trap(e, i->ir, i->trap);
    jit_a64_put(e, i->op, a);
}

static void emit_memory(emit *e, const minst *i, a64_args *a, const ra_operand *rest,
                        unsigned nrest)
{
    a->cc = a->shift = 0;
    a->imm = 0;
    if (i->am == MEM_CONST) {
        put_literal(e, i, a);
        return;
    }
    where p = find_place(e, i, rest, nrest);
    switch (i->op) {
    case A64_lea: emit_lea(e, a->d, p); break;
    case A64_ldp: case A64_stp: case A64_fldp: case A64_fstp: emit_pair(e, i, a, p); break;
    default: put_access(e, i->op, *a, p, i, i->trap);
    }
}

/* Where the encoding's 31 is the stack pointer, which no operand names. */
static bool is_sp(const a64_info *row, unsigned place)
{
    bool sets = row->flags & A64_F_W;

    switch (row->format) {
    case A64_FORMAT_ADDI:
    case A64_FORMAT_EXTENDED: return place == A64_AT_N || (place == A64_AT_D && !sets);
    case A64_FORMAT_LOGICALI: return place == A64_AT_D && !sets;
    default: return false;
    }
}

/* Fills in what the row's encoding holds; returns the number of operands that it took. */
static unsigned gather(const emit *e, const minst *i, const ra_operand *ops, unsigned nops,
                       a64_args *a)
{
    const a64_info *row = a64_row(i->op);
    const a64_shape *s = &jit_a64_shapes[row->shape];

    *a = (a64_args){ .size = i->size, .size2 = i->size2, .cc = i->cc, .shift = i->shift };
    a->imm = i->imm;
    if (nops < s->n)
        refuse(e, i, "operand missing");
    for (unsigned k = 0; k < s->n; k++) {
        const a64_role *r = &jit_a64_roles[s->role[k]];
        uint8_t number = number_of(e, i, &ops[k], r->cls);
        if (r->constraint == RA_TIED && ops[k].loc != ops[r->fixed].loc)
            refuse(e, i, "operand in another register than it must be");
        if (number == A64_R31 && r->cls == RC_INT && is_sp(row, r->place))
            refuse(e, i, "the zero register, where it is the stack pointer");
        a->place[r->place] = number;
    }
    a->none = 0;
    return s->n;
}

void jit_a64_emit(emit *e, const minst *i, const ra_operand *ops, unsigned nops)
{
    a64_args a;

    if (i->op >= A64_END)
        refuse(e, &(minst){ 0 }, "unknown row");
    unsigned taken = gather(e, i, ops, nops, &a);

    if (i->am != MEM_NONE) {
        emit_memory(e, i, &a, ops + taken, nops - taken);
        return;
    }
    switch (i->op) {
    case A64_table: emit_table(e, i, ops); break;
    case A64_trap_if:
    case A64_trap_if_r: {
        unsigned reg = tested_reg(e, i, ops, nops);
        put_cond(e, i, i->cc, reg, jit_emit_trap(e, i->ir, i->trap));
        break;
    }
    case A64_call:
    case A64_call_sym: emit_call(e, i, &a); break;
    case A64_adr_sym:
    case A64_ldr_sym: emit_symbol(e, i, a.d); break;
    case A64_strip:
        put_rrr(e, A64_orr, 8, A64_LR, A64_R31, a.n);
        jit_a64_put_hint(e, A64_XPACLRI);
        put_rrr(e, A64_orr, 8, a.d, A64_R31, A64_LR);
        break;
    case A64_fmov_c:
        jit_a64_put_imm(e, A64_X16, (uint64_t)i->imm, i->size);
        put_rrr(e, A64_fmov_to, i->size, a.d, A64_X16, 0);
        break;
    case A64_mov_i: jit_a64_put_imm(e, a.d, (uint64_t)i->imm, i->size); break;
    case A64_udf:
        jit_emit_position(e, i->ir);
        jit_a64_trap_here(e, i->trap);
        break;
    default:
        mark_trap(e, i->ir, i->trap);
        jit_a64_put(e, i->op, &a);
    }
}
