/* reuse.c - reads from registers what would be read from the frame.
 *
 * A value that waits in memory often still is in a register that nobody needed since: the one it
 * was made in, or was brought back to. A last pass over the code follows what registers hold of the
 * values that have slots, within blocks and along edges from earlier blocks. A load of such a value
 * becomes a copy, or nothing, and an operand that may be anywhere reads the register. */
#include "regalloc/linear.h"

typedef struct { uint32_t vreg; uint8_t reg; } holding;

typedef struct {
    const linear *l;
    ra_func *f;
    const interval *iv;
    regset trusted;             /* registers that nothing changes unseen */
    regset valid;               /* of these, it is known that they hold ... */
    uint32_t vreg[64];          /* ... this one */
    VEC(holding) saved;         /* at the ends of blocks */
    uint32_t *saved_from;       /* by block: its first one; then the end */
    ra_move *in, *end, *out;    /* moves to be read, and to be written */
} reuse;

static inline void hold(reuse *u, ra_loc reg, uint32_t v)
{
    if (u->iv[v].slot != NONE) {
        u->valid |= REG_BIT(reg) & u->trusted;
        u->vreg[reg] = v;
    }
}

/* A register among these that holds v; LOC_NONE: there is none. */
static ra_loc holder(const reuse *u, uint32_t v, regset among)
{
    for (regset x = u->valid & among; x != 0; x &= x - 1) {
        uint32_t r = (uint32_t)__builtin_ctzll(x);
        if (u->vreg[r] == v)
            return r;
    }
    return LOC_NONE;
}

static ra_loc source_of_load(const reuse *u, const ra_move *m)
{
    ra_loc r;

    if (u->valid & REG_BIT(m->to) && u->vreg[m->to] == m->vreg)
        return m->to;
    r = holder(u, m->vreg, ~(regset)0);
    return r != LOC_NONE ? r : m->from;
}

static void follow_move(reuse *u)
{
    ra_move m = *u->in++;
    bool known = m.vreg != RA_NO_VREG;

    if (loc_is_reg(m.to)) {
        if (known && loc_is_slot(m.from))
            m.from = source_of_load(u, &m);
        if (m.from == m.to)
            return;
        u->valid &= ~REG_BIT(m.to);
        if (known)
            hold(u, m.to, m.vreg);
    } else if (known) {
        hold(u, m.from, m.vreg);
    }
    *u->out++ = m;
}

/* Operands that may as well read a register. early and all: what the instruction writes. */
static void read_registers(reuse *u, const ra_inst *inst, regset early, regset all)
{
    for (uint32_t k = 0; k < inst->nops; k++) {
        ra_operand *op = &u->f->ops[inst->ops + k];
        ra_loc r;
        if (op->vreg == RA_NO_VREG || op->constraint != RA_ANY || !loc_is_slot(op->loc))
            continue;
        r = holder(u, op->vreg, ~(op->kind == RA_USE_LATE ? all : early));
        op->loc = r != LOC_NONE ? r : op->loc;
    }
}

static inline void follow_inst(reuse *u, const ra_inst *inst)
{
    const ra_operand *op = u->f->ops + inst->ops, *end = op + inst->nops;
    regset early = 0, all = inst->clobber ? u->f->clobbers[inst->clobber] : 0;
    bool slots = false;

    for (; op < end; op++) {
        if (op->vreg == RA_NO_VREG)
            continue;
        if (!loc_is_reg(op->loc)) {
            slots = true;
        } else if (op->kind > RA_USE_LATE) {
            all |= REG_BIT(op->loc);
            early |= op->kind == RA_DEF ? 0 : REG_BIT(op->loc);
        }
    }
    if (slots)
        read_registers(u, inst, early, all);
    u->valid &= ~all; /* what is made here and has a slot is stored next */
}

/* What registers hold at the start of block b: what they do at the ends of all blocks before it. */
static void enter(reuse *u, uint32_t b)
{
    const ra_block *bl = &u->f->blocks[b];

    for (uint32_t k = 0; k < bl->npreds; k++) {
        uint32_t p = u->f->lists[bl->preds + k];
        regset here = 0;
        if (p >= b) {
            u->valid = 0;
            return;
        }
        if (k == 0 && p == b - 1)
            continue; /* as it is */
        for (uint32_t i = u->saved_from[p]; i < u->saved_from[p + 1]; i++) {
            holding h = u->saved.at[i];
            if (k == 0 || (u->valid & REG_BIT(h.reg) && u->vreg[h.reg] == h.vreg)) {
                u->vreg[h.reg] = h.vreg;
                here |= REG_BIT(h.reg);
            }
        }
        u->valid = here;
    }
}

static void leave(reuse *u, uint32_t b)
{
    for (regset x = u->valid; x != 0; x &= x - 1) {
        uint32_t r = (uint32_t)__builtin_ctzll(x);
        holding h = { u->vreg[r], (uint8_t)r };
        vec_push(u->l->tmp, &u->saved, h);
    }
    u->saved_from[b + 1] = u->saved.len;
}

void jit_ra_reuse(linear *l)
{
    ra_func *f = l->f;
    reuse u = { .l = l, .f = f, .iv = l->iv, .trusted = f->env->allocatable, .in = f->moves.at };

    if (f->nslots == 0)
        return;
    u.out = u.in;
    u.end = u.in + f->moves.len;
    u.saved_from = ARENA_ARRAY(l->tmp, uint32_t, (size_t)f->nblocks + 1);
    for (uint32_t b = 0; b < f->nblocks; b++) {
        const ra_block *bl = &f->blocks[b];
        if (b > 0)
            enter(&u, b);
        for (uint32_t i = bl->first; i < bl->end; i++) {
            while (u.in < u.end && u.in->pos == 2 * i)
                follow_move(&u);
            if (u.valid != 0)
                follow_inst(&u, &f->insts[i]);
            while (u.in < u.end && u.in->pos == 2 * i + 1)
                follow_move(&u);
        }
        leave(&u, b);
        count_work(l, bl->end - bl->first);
    }
    f->moves.len = (uint32_t)(u.out - f->moves.at);
}
