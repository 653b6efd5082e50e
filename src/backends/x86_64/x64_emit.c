/* x64_emit.c - turns allocated machine instructions into bytes, with their traps, fixups and
 * calls. */
#include "backends/x86_64/x64_enc.h"
#include "backends/x86_64/x64_emit.h"

static _Noreturn void refuse(const emit *e, const minst *i, const char *what)
{
    jit_fail(e->buf->fail, JIT_ERR_INTERNAL, "x86_64: %s: %s",
             i->op >= MI_TARGET ? x64_row(i->op)->mnemonic : "move or jump", what);
}

/* ---- Places ---- */

static const x64_mem no_mem = { X64_NO_REG, X64_NO_REG, 0, X64_MEM_REG, 0, 0, 0, { 0 } };

/* [the register that addresses the frame + disp] */
static x64_mem frame_mem(const emit *e, bool from_sp, int32_t disp)
{
    x64_mem m = no_mem;

    m.base = e->frame->fp_based && !from_sp ? X64_RBP : X64_RSP;
    m.disp = disp;
    return m;
}

static x64_mem spill_mem(const emit *e, ra_loc slot, unsigned width)
{
    return frame_mem(e, false, frame_spill_at(e->frame, loc_slot(slot), width));
}

static x64_mem const_mem(emit *e, uint32_t ref, int32_t disp)
{
    x64_mem m = no_mem;

    m.base = X64_RIP;
    m.kind = X64_MEM_LABEL;
    m.label = jit_emit_constant(e, ref);
    m.disp = disp;
    return m;
}

static inline uint8_t address_reg(const emit *e, const minst *i, const ra_operand *o)
{
    if (!x64_is_int(o->loc))
        refuse(e, i, "address without a register");
    return (uint8_t)o->loc;
}

/* A memory operand that has no register of its own. */
static x64_mem fixed_mem(emit *e, const minst *i)
{
    x64_mem m = no_mem;

    switch (i->am) {
    case MEM_CONST:
        return const_mem(e, i->ref, i->disp);
    case MEM_SYM:
        m.base = X64_RIP;
        m.kind = X64_MEM_RELOC;
        m.reloc = i->op == X64_lea ? X64_RELOC_STABLE32 : X64_RELOC_SLOT32;
        m.symbol = i->ref;
        m.disp = i->disp;
        return m;
    case MEM_SLOT:
    case MEM_IN:
    case MEM_OUT:
        e->frame_accesses += i->op != X64_lea;
        return frame_mem(e, i->am == MEM_OUT, jit_frame_offset(e->frame, i->am, i->ref, i->disp));
    default:
        refuse(e, i, "addressing mode");
    }
}

/* The memory operand of i; rest: its registers. */
static inline void find_mem(emit *e, const minst *i, const ra_operand *rest, unsigned nrest,
                            x64_mem *m)
{
    if (i->am > MEM_INDEX) {
        *m = fixed_mem(e, i);
        return;
    }
    if (nrest < i->am)
        refuse(e, i, "address without operands");
    m->base = address_reg(e, i, &rest[0]);
    m->index = X64_NO_REG;
    m->shift = 0;
    m->kind = X64_MEM_REG;
    m->disp = i->disp;
    if (i->am == MEM_INDEX) {
        m->index = address_reg(e, i, &rest[1]);
        m->shift = i->shift & 3;
        if (m->shift == 0 && m->disp == 0 && (m->base & 7) == X64_RBP) { /* no base without disp */
            uint8_t base = m->base;
            m->base = m->index;
            m->index = base;
        }
    }
}
_Static_assert(MEM_BASE == 1 && MEM_INDEX == 2, "they count their registers");

/* An operand that is not just any register: in its spill slot, where it must be, or at fault. */
static void gather_special(emit *e, const minst *i, const ra_operand *ops, const ra_operand *o,
                           const x64_spot *at, x64_args *a)
{
    unsigned shape = x64_row(i->op)->shape, k = (unsigned)(at - jit_x64_spots[shape]);
    const x64_role *r = &jit_x64_roles[jit_x64_shapes[shape].role[k]];

    if (at->must == X64_MAY_SPILL && loc_is_slot(o->loc)) {
        e->frame_accesses++;
        a->is_mem = true;
        a->mem = spill_mem(e, o->loc, o->width);
        return;
    }
    if (o->loc - at->first >= 16)
        refuse(e, i, o->loc == LOC_NONE ? "operand left virtual" : "operand in the wrong place");
    if ((r->constraint == RA_FIXED && o->loc != r->fixed)
        || (r->constraint == RA_TIED && o->loc != ops[r->fixed].loc))
        refuse(e, i, "operand in another register than it must be");
    a->place[at->place] = (uint8_t)(o->loc - at->first);
}

/* Fills in what the row's encoding holds. */
static inline void gather(emit *e, const x64_info *row, const minst *i, const ra_operand *ops,
                          unsigned nops, x64_args *a)
{
    const x64_shape *s = &jit_x64_shapes[row->shape];
    const x64_spot *at = jit_x64_spots[row->shape], *last = at + s->n;
    const ra_operand *o = ops;
    bool memory = i->am != MEM_NONE;

    a->size = i->size;
    a->size2 = i->size2;
    a->cc = i->cc;
    a->imm = i->imm;
    a->reg = a->rm = a->v = 0;
    a->is_mem = memory;
    a->symbol = i->ref;
    if (nops + (memory && s->mem) < s->n)
        refuse(e, i, "operand missing");
    for (; at < last; at++) {
        if (at->mem && memory)
            continue;
        ra_loc number = o->loc - at->first;
        if (at->must == X64_MUST_BE || number >= 16)
            gather_special(e, i, ops, o, at, a);
        else
            a->place[at->place] = (uint8_t)number;
        o++;
    }
    if (memory)
        find_mem(e, i, o, (unsigned)(ops + nops - o), &a->mem);
}

/* ---- Putting ---- */

void jit_x64_put(emit *e, unsigned op, const x64_args *a)
{
    jit_x64_encode(e->buf, op, a);
    if (e->listing)
        jit_x64_print_args(e, op, a);
}

static void put_rr(emit *e, unsigned op, unsigned size, unsigned reg, unsigned rm)
{
    x64_args a = { 0 };

    a.size = (uint8_t)size;
    a.reg = (uint8_t)reg;
    a.rm = (uint8_t)rm;
    jit_x64_put(e, op, &a);
}

/* Loads or stores a register at a spill slot. */
static void put_spill(emit *e, unsigned op, unsigned width, ra_loc reg, ra_loc slot)
{
    x64_args a = { .size = (uint8_t)width, .is_mem = true };

    a.reg = x64_hw(reg);
    a.mem = spill_mem(e, slot, width);
    jit_x64_put(e, op, &a);
}

static void put_rm(emit *e, unsigned op, unsigned size, unsigned reg, x64_mem m)
{
    x64_args a = { 0 };

    a.size = (uint8_t)size;
    a.reg = (uint8_t)reg;
    a.is_mem = true;
    a.mem = m;
    jit_x64_put(e, op, &a);
}

static unsigned vex(const emit *e, unsigned op)
{
    return op + (e->features & JIT_X86_AVX ? 1u : 0u);
}

/* ---- Moves ---- */

static unsigned load_row(const emit *e, ra_loc to, unsigned width)
{
    return x64_is_int(to) ? X64_mov : vex(e, width == 16 ? X64_movup : X64_movs);
}

static unsigned store_row(const emit *e, ra_loc from, unsigned width)
{
    return x64_is_int(from) ? X64_mov_m : vex(e, width == 16 ? X64_movup_m : X64_movs_m);
}

static void move_reg(emit *e, ra_loc from, ra_loc to, unsigned width)
{
    if (x64_is_int(to))
        put_rr(e, vex(e, X64_movd_r), width, x64_hw(from), to);
    else if (x64_is_int(from))
        put_rr(e, vex(e, X64_movd), width, x64_hw(to), from);
    else if (x64_hw(from) >= 8 && x64_hw(to) < 8) /* the store form is a byte shorter with VEX */
        put_rr(e, vex(e, X64_movap_r), 16, x64_hw(from), x64_hw(to));
    else
        put_rr(e, vex(e, X64_movap), 16, x64_hw(to), x64_hw(from));
}

void jit_x64_emit_move(emit *e, ra_loc from, ra_loc to, unsigned width)
{
    bool load = loc_is_slot(from);

    if (x64_is_int(from) && x64_is_int(to) && !e->listing)
        x64_put_plain(e->buf, (x64_plain){ .size = (uint8_t)width, .opcode = 0x8b,
                                          .reg = (uint8_t)to,
                                           .base = (uint8_t)from, .index = X64_NO_REG });
    else if (x64_is_int(from) && x64_is_int(to))
        put_rr(e, X64_mov, width, to, from);
    else if (load && x64_is_int(to) && !e->listing) /* most are this or the next */
        x64_put_frame_mov(e->buf, 0x8b, width, to, e->frame->fp_based,
                          frame_spill_at(e->frame, loc_slot(from), width));
    else if (loc_is_slot(to) && x64_is_int(from) && !e->listing)
        x64_put_frame_mov(e->buf, 0x89, width, from, e->frame->fp_based,
                          frame_spill_at(e->frame, loc_slot(to), width));
    else if (x64_is_xmm(load ? to : from) && width <= 8 && !e->listing && e->features & JIT_X86_AVX
             && (load || loc_is_slot(to)))
        x64_put_frame_vmovs(e->buf, load ? 0x10 : 0x11, width, x64_hw(load ? to : from),
                            e->frame->fp_based,
                            frame_spill_at(e->frame, loc_slot(load ? from : to), width));
    else if (load)
        put_spill(e, load_row(e, to, width), width, to, from);
    else if (loc_is_slot(to))
        put_spill(e, store_row(e, from, width), width, from, to);
    else
        move_reg(e, from, to, width);
}

/* ---- Jumps ---- */

static void list_jump(const emit *e, const char *mnemonic, const char *cc, mlabel to)
{
    char name[EMIT_NAME_BYTES];

    if (e->listing)
        jit_strbuf_printf(e->listing, "    %s%s %s\n", mnemonic, cc,
                          jit_emit_label_name(e, to, name));
}

void jit_x64_jump(emit *e, mlabel to)
{
    mcursor c = jit_mbuf_open(e->buf, 5);

    mput1(&c, 0xe9);
    jit_mbuf_fixup(e->buf, mcursor_offset(&c), to, X64_FIX_REL32, X64_SHRINK_JMP, 0);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
    list_jump(e, "jmp", "", to);
}

static void put_jcc(emit *e, unsigned cc, mlabel to)
{
    mcursor c = jit_mbuf_open(e->buf, 6);

    mput1(&c, 0x0f);
    mput1(&c, (uint8_t)(0x80 | cc));
    jit_mbuf_fixup(e->buf, mcursor_offset(&c), to, X64_FIX_REL32, X64_SHRINK_JCC, 0);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
    list_jump(e, "j", jit_x64_cc_name(cc), to);
}

/* To `to` on cc, else on; otherwise: a label of what follows, for the condition that needs one. */
static void put_cond(emit *e, unsigned cc, mlabel to, mlabel otherwise)
{
    JIT_REQUIRE(e->buf->fail, cc < X64_CC_COUNT, "x86_64: condition");
    if (cc == X64_E_AND_NP) {
        put_jcc(e, X64_P, otherwise);
        put_jcc(e, X64_E, to);
    } else if (cc == X64_NE_OR_P) {
        put_jcc(e, X64_NE, to);
        put_jcc(e, X64_P, to);
    } else {
        put_jcc(e, cc, to);
    }
}

void jit_x64_jump_if(emit *e, const minst *i, const ra_operand *ops, unsigned nops, unsigned cc,
                     mlabel to, mlabel otherwise)
{
    (void)i;
    (void)ops;
    (void)nops;
    put_cond(e, cc, to, otherwise);
}

/* ---- What stands behind the body ---- */

void jit_x64_trap_here(emit *e, unsigned code)
{
    x64_args a = { 0 };

    a.size = 4;
    if (code)
        jit_mbuf_trap(e->buf, (uint8_t)code);
    jit_x64_put(e, X64_ud2, &a);
}

void jit_x64_put_table(emit *e, uint32_t table, mlabel label)
{
    const vcode_jump_table *t = &e->l->jump_tables.at[table];
    mcursor c = jit_mbuf_open(e->buf, 3);

    while (mcursor_offset(&c) & 3) /* never executed */
        mput1(&c, 0xcc);
    mcursor_close(&c);
    jit_emit_bind(e, label);
    for (uint32_t k = 0; k < t->n; k++) {
        JIT_REQUIRE(e->buf->fail, k < INT32_MAX / 4, "jump table too long");
        c = jit_mbuf_open(e->buf, 4);
        jit_mbuf_fixup(e->buf, mcursor_offset(&c), e->block_label[t->blocks[k]], X64_FIX_TABLE32, 0,
                       (int32_t)(4 * k));
        mput_le(&c, 0, 4);
        mcursor_close(&c);
        if (e->listing)
            jit_strbuf_printf(e->listing, "    .long block%u - table%u\n", t->blocks[k],
                              label.id - 1);
    }
}

/* ---- Instructions of several parts ---- */

/* lea base, [rip + table]; movsxd entry, [base + index * 4]; add entry, base; jmp entry */
static void emit_table(emit *e, const minst *i, const ra_operand *ops)
{
    uint8_t index = (uint8_t)ops[0].loc, base = (uint8_t)ops[1].loc, entry = (uint8_t)ops[2].loc;
    x64_mem table = no_mem, at = no_mem;
    x64_args a = { 0 };

    table.base = X64_RIP;
    table.kind = X64_MEM_LABEL;
    table.label = jit_emit_table(e, i->ir, i->extra);
    put_rm(e, X64_lea, 8, base, table);
    at.base = base;
    at.index = index;
    at.shift = 2;
    a.size = 8;
    a.size2 = 4;
    a.reg = entry;
    a.is_mem = true;
    a.mem = at;
    jit_x64_put(e, X64_movsxd, &a);
    put_rr(e, X64_add, 8, entry, base);
    put_rr(e, X64_jmp_m, 8, 0, entry);
}

static void emit_trap_if(emit *e, const minst *i)
{
    mlabel trap = jit_emit_trap(e, i->ir, i->trap);

    if (i->cc == X64_E_AND_NP) {
        mlabel over = jit_mbuf_label(e->buf);
        put_cond(e, i->cc, trap, over);
        jit_emit_bind(e, over);
    } else {
        put_cond(e, i->cc, trap, trap);
    }
}

static void emit_call(emit *e, const minst *i, x64_args *a)
{
    a->imm = 0;
    jit_emit_position(e, i->ir);
    if (i->trap)
        jit_mbuf_trap(e->buf, i->trap);
    jit_x64_put(e, i->op, a);
    jit_emit_called(e, i);
}

/* Instructions that keep the upper bytes of their destination wait for its old value; xorps of it
 * ends that (Intel optimization manual, "Dependency breaking idioms"). Not when it is the source as
 * well. With VEX those bytes come from vvvv, so that the source register may stand there too. */
static void break_dependence(emit *e, const x64_info *row, x64_args *a)
{
    bool legacy = row->format == X64_FORMAT_SSEM || row->format == X64_FORMAT_SSER;
    bool merges = row->format == X64_FORMAT_VSSEM || row->format == X64_FORMAT_VSSER;
    bool from_int = row->format == X64_FORMAT_SSEI || row->format == X64_FORMAT_VSSEI;

    if (!legacy && !merges && !from_int)
        return;
    a->v = a->reg;
    if (merges && !a->is_mem)
        a->v = a->rm;
    else if (from_int || a->is_mem || a->rm != a->reg)
        put_rr(e, vex(e, X64_fzero), 16, a->reg, a->reg);
}

/* An address of one or two registers as the shorter row that computes it; a is changed to suit.
 * Flags are free where lowering puts such a lea: never between a compare and what reads it. */
static unsigned shorter_lea(const emit *e, x64_args *a)
{
    x64_mem m = a->mem;

    if (m.kind != X64_MEM_REG || m.base >= 16)
        return X64_lea;
    if (m.index == X64_NO_REG && m.disp == 0) {
        a->rm = m.base;
        a->is_mem = false;
        return X64_mov;
    }
    if (!e->own_place)
        return X64_lea;
    if (m.index == X64_NO_REG && m.base == a->reg && m.base != X64_RSP) {
        a->rm = a->reg;
        a->imm = m.disp;
        a->is_mem = false;
        if (m.disp == 1 || m.disp == -1)
            return m.disp == 1 ? X64_inc : X64_dec;
        a->imm = m.disp == 128 ? -128 : m.disp; /* a byte's worth when subtracted */
        return m.disp == 128 ? X64_sub_i : X64_add_i;
    }
    if (m.index < 16 && m.shift == 0 && m.disp == 0 && (m.base == a->reg || m.index == a->reg)) {
        a->rm = m.base == a->reg ? m.index : m.base;
        a->is_mem = false;
        return X64_add;
    }
    return X64_lea;
}

/* The instruction that comes next may fault. */
static void mark_trap(emit *e, const minst *i)
{
    jit_emit_position(e, i->ir);
    jit_mbuf_trap(e->buf, i->trap);
}

/* Plain rows with their operands in registers, slots or at addresses of registers: most of what
 * there is. False: nothing was put. */
static inline bool emit_plain(emit *e, const x64_info *row, const minst *i, const ra_operand *ops,
                              unsigned nops)
{
    const x64_shape *s = &jit_x64_shapes[row->shape];
    const ra_operand *rm = &ops[s->rm];
    unsigned reg, am = i->am, opcode = row->opcode;
    x64_plain a = { .size = i->size, .index = X64_NO_REG, .lead = (uint8_t)row->lead };

    if (nops + (am != MEM_NONE) < s->n)
        return false;
    reg = ops[s->reg].loc;
    if (reg >= 16 || (s->n == 3 && reg != ops[1].loc)) /* tied to the second one */
        return false;
    a.reg = (uint8_t)reg;
    if (row->plain == X64_PLAIN_MOVX) {
        a.opcode = (uint8_t)(opcode + (i->size2 == 2));
        a.byte_rm = i->size2 == 1;
    } else {
        a.opcode = (uint8_t)(opcode - (i->size == 1));
        a.byte_rm = i->size == 1;
    }
    a.is_mem = am != MEM_NONE;
    a.disp = i->disp;
    if (am > MEM_INDEX) {
        if (am == MEM_CONST || am == MEM_SYM || nops != s->n - 1u)
            return false;
        e->frame_accesses++;
        a.base = e->frame->fp_based && am != MEM_OUT ? X64_RBP : X64_RSP;
        a.disp = jit_frame_offset(e->frame, am, i->ref, i->disp);
    } else if (nops != s->n + am - (am != 0)) { /* one of an address is the rm operand */
        return false;
    } else if (rm->loc >= 16) {
        if (a.is_mem || !loc_is_slot(rm->loc))
            return false;
        e->frame_accesses++;
        a.is_mem = true;
        a.base = e->frame->fp_based ? X64_RBP : X64_RSP;
        a.disp = frame_spill_at(e->frame, loc_slot(rm->loc), rm->width);
    } else if (am != MEM_INDEX) {
        a.base = (uint8_t)rm->loc;
    } else {
        a.base = (uint8_t)rm->loc;
        if (rm[1].loc >= 16 || rm[1].loc == X64_RSP || (i->disp == 0 && i->shift == 0))
            return false;
        a.index = (uint8_t)rm[1].loc;
        a.shift = i->shift & 3;
    }
    if (i->trap)
        mark_trap(e, i);
    x64_put_plain(e->buf, a);
    return true;
}

void jit_x64_emit(emit *e, const minst *i, const ra_operand *ops, unsigned nops)
{
    const x64_info *row = x64_row(i->op);
    unsigned op = i->op;
    x64_args a;

    if (i->op >= X64_END)
        refuse(e, &(minst){ 0 }, "unknown row");
    if (row->plain && !e->listing && emit_plain(e, row, i, ops, nops))
        return;
    if (i->op == X64_mov_i && !e->listing && nops == 1 && ops->loc < 16 && i->imm != 0
        && (i->size == 4 || i->size == 8)) {
        x64_put_mov_i(e->buf, i->size, ops->loc, (uint64_t)i->imm);
        return;
    }
    if (row->feature && !(e->features & row->feature))
        refuse(e, i, "not among the target's features");
    gather(e, row, i, ops, nops, &a);
    switch (i->op) {
    case X64_table:
        emit_table(e, i, ops);
        return;
    case X64_trap_if:
        emit_trap_if(e, i);
        return;
    case X64_call:
    case X64_call_sym:
        emit_call(e, i, &a);
        return;
    case X64_mov_i:
        if (i->imm == 0 && i->cc != X64_KEEP_FLAGS && e->own_place) {
            put_rr(e, X64_xor, 4, a.rm, a.rm);
            return;
        }
        break;
    case X64_lea:
        op = shorter_lea(e, &a);
        break;
    case X64_movd:
    case X64_vmovd:
        if (a.is_mem) /* movss and movsd are shorter */
            op = vex(e, X64_movs);
        break;
    default:
        if (row->format >= X64_FORMAT_SSEM)
            break_dependence(e, row, &a);
    }
    if (i->trap)
        mark_trap(e, i);
    jit_x64_put(e, op, &a);
}
