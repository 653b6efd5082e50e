/* fast.c - allocates registers block by block, in one forward pass over the instructions.
 *
 * A value is in at most one register and perhaps in a slot. Values that cross blocks are stored to
 * their home right after the definition, so forgetting their register is always free; values of one
 * block are stored when their register is taken from them, and the kill bits say when they end. An
 * operand fixed to a register that is not where its value lives gets a copy there, for this
 * instruction only. All that is inserted before an instruction runs in the order in which it was
 * decided, so each step below may rely on the one before it having happened.
 *
 * A block with one predecessor, which is done, starts with what that left in registers; any other
 * starts with nothing. Cost: linear in operands; per block what it holds at its end. */
#include "regalloc/regalloc.h"

#include <string.h>

enum { NO_REG = 0xff };

typedef struct {
    uint32_t slot;  /* 8-byte unit; LOC_NONE: none. Of a local one: it is stored there */
    uint32_t remat; /* instruction + 1 to repeat, when local */
    uint8_t reg;    /* NO_REG: none */
} place;

typedef struct { uint32_t vreg; uint8_t reg; } held_reg;
typedef struct { uint8_t n, at[255]; } op_list; /* numbers of operands of the instruction */
typedef struct {
    op_list fixed_uses, fixed_early, temps, first_uses, uses, kills, defs;
} op_lists;

struct ra_fast {
    const ra_env *env;
    arena *tmp;
    regset usable;               /* without callee-saved ones, if a class has others */
    regset first[RC_COUNT];      /* the better half of the preference order */
    regset cls[RC_COUNT];
    regset turn;                 /* registers above the last victim, so that they take turns */
    VEC(place) at;               /* by vreg */
    uint32_t in_reg[64];         /* vreg, where held */
    regset held;                 /* registers with a value that may be needed */
    VEC(uint32_t) free8, free16; /* slots of local values that ended */
    VEC(uint32_t) spilled;       /* local vregs of this block that got a slot */
    VEC(held_reg) ends;          /* register states at ends of blocks */
    uint32_t *end_from, *end_len;/* by block, in ends */
    /* the instruction at hand */
    ra_func *f;
    uint32_t inst;
    regset early, late;          /* in use at its two moments */
    regset late_uses;            /* of late: read only */
    regset fixed_late;           /* to be written by fixed operands */
    regset clobber;
    regset gone;                 /* clobber, once its values have moved out */
    bool slots_end;              /* a killed value had a slot */
    /* its operands by what they need, when it is not of the common form */
    op_lists *lists;
};

ra_fast *jit_ra_fast_new(const ra_env *env, uint32_t nblocks, arena *tmp)
{
    ra_fast *r = ARENA_NEW(tmp, ra_fast);

    r->env = env;
    r->tmp = tmp;
    r->lists = ARENA_ARRAY_RAW(tmp, op_lists, 1);
    r->cls[RC_INT] = 0xffffffffu;
    r->cls[RC_FLOAT] = ~r->cls[RC_INT];
    for (int c = 0; c < RC_COUNT; c++) {
        regset all = env->allocatable & r->cls[c], cheap = all & ~env->callee_saved;
        uint32_t n = 0;
        r->usable |= cheap ? cheap : all;
        while (n < 32 && env->order[c][n] != NO_REG)
            n++;
        for (uint32_t k = 0; k < n / 2; k++)
            r->first[c] |= REG_BIT(env->order[c][k]);
    }
    r->end_from = ARENA_ARRAY(tmp, uint32_t, nblocks);
    r->end_len = ARENA_ARRAY(tmp, uint32_t, nblocks);
    return r;
}

static uint8_t lowest(regset s)
{
    return (uint8_t)__builtin_ctzll(s);
}

static bool is_global(const ra_fast *r, uint32_t v)
{
    return (r->f->vregs[v].flags & VREG_GLOBAL) != 0;
}

static void move(ra_fast *r, uint32_t pos, uint32_t v, ra_loc from, ra_loc to, uint32_t remat)
{
    ra_move m = { pos, v, from, to, remat };

    vec_push(r->tmp, &r->f->moves, m);
    if (loc_is_reg(to))
        r->f->used |= REG_BIT(to);
}

static void settle(ra_fast *r, uint32_t v, uint8_t reg)
{
    r->at.at[v].reg = reg;
    r->in_reg[reg] = v;
    r->held |= REG_BIT(reg);
    r->f->used |= REG_BIT(reg);
}

static void leave(ra_fast *r, uint32_t v)
{
    r->held &= ~REG_BIT(r->at.at[v].reg);
    r->at.at[v].reg = NO_REG;
}

static uint32_t new_slot(ra_fast *r, uint32_t v)
{
    uint32_t units = r->f->vregs[v].width > 8 ? 2 : 1;
    uint32_t k = (r->f->nslots + units - 1) & ~(units - 1);

    r->f->nslots = k + units;
    return k;
}

/* The home of a global value, which it has from first sight on. */
static uint32_t home(ra_fast *r, uint32_t v)
{
    if (r->at.at[v].slot == LOC_NONE)
        r->at.at[v].slot = new_slot(r, v);
    return LOC_SLOT(r->at.at[v].slot);
}

/* Gives a local value a slot that another one has left. */
static uint32_t local_slot(ra_fast *r, uint32_t v)
{
    bool wide = r->f->vregs[v].width > 8;

    vec_push(r->tmp, &r->spilled, v);
    if (wide && r->free16.len > 0)
        return r->free16.at[--r->free16.len];
    if (!wide && r->free8.len > 0)
        return r->free8.at[--r->free8.len];
    return new_slot(r, v);
}

static void free_slot(ra_fast *r, uint32_t v)
{
    place *p = &r->at.at[v];

    if (p->slot == LOC_NONE)
        return;
    if (r->f->vregs[v].width > 8)
        vec_push(r->tmp, &r->free16, p->slot);
    else
        vec_push(r->tmp, &r->free8, p->slot);
    p->slot = LOC_NONE;
}

static bool is_safe(const ra_fast *r, uint32_t v)
{
    const place *p = &r->at.at[v];

    return is_global(r, v) || p->slot != LOC_NONE || p->remat != 0;
}

/* Takes the register from v; its value stays in memory or can be made again. */
static void evict(ra_fast *r, uint32_t v)
{
    place *p = &r->at.at[v];

    if (!is_safe(r, v)) {
        p->slot = local_slot(r, v);
        move(r, 2 * r->inst, v, p->reg, LOC_SLOT(p->slot), 0);
    }
    leave(r, v);
}

/* One of the values in regs (not empty) loses its register. */
static uint8_t evict_one(ra_fast *r, regset regs)
{
    regset turn = regs & r->turn;
    uint8_t reg = lowest(turn ? turn : regs);

    for (regset m = regs; m; m &= m - 1)
        if (is_safe(r, r->in_reg[lowest(m)])) {
            reg = lowest(m);
            break;
        }
    r->turn = ~(REG_BIT(reg) | (REG_BIT(reg) - 1));
    evict(r, r->in_reg[reg]);
    return reg;
}

/* A register for v outside `forbidden`, empty now. */
static uint8_t take(ra_fast *r, uint32_t v, regset forbidden)
{
    const ra_vreg *vr = &r->f->vregs[v];
    regset cls = r->cls[vr->cls] & ~forbidden, empty = cls & r->usable & ~r->held, rest;

    if (vr->hint < 64 && (empty & REG_BIT(vr->hint)))
        return vr->hint;
    if (empty & r->first[vr->cls])
        return lowest(empty & r->first[vr->cls]);
    if (empty)
        return lowest(empty);
    if (cls & r->usable)
        return evict_one(r, cls & r->usable);
    rest = cls & r->env->allocatable;
    if (rest & ~r->held)
        return lowest(rest & ~r->held);
    if (!rest)
        jit_fail(r->tmp->fail, JIT_ERR_INTERNAL,
                 "instruction %u needs more registers than there are",
                 r->inst);
    return evict_one(r, rest);
}

/* Copies v, wherever it is, into reg. */
static void bring(ra_fast *r, uint32_t v, uint8_t reg)
{
    const place *p = &r->at.at[v];

    if (p->reg != NO_REG)
        move(r, 2 * r->inst, v, p->reg, reg, 0);
    else if (p->remat)
        move(r, 2 * r->inst, v, LOC_NONE, reg, p->remat);
    else if (is_global(r, v))
        move(r, 2 * r->inst, v, home(r, v), reg, 0);
    else if (p->slot != LOC_NONE)
        move(r, 2 * r->inst, v, LOC_SLOT(p->slot), reg, 0);
    else
        jit_fail(r->tmp->fail, JIT_ERR_INTERNAL, "instruction %u uses v%u, which has no value",
                 r->inst,
                 v);
}

/* Empties reg, which a fixed operand wants, before anything is brought there. */
static void displace(ra_fast *r, uint8_t reg)
{
    uint32_t v;
    regset empty;

    if (!(r->held & REG_BIT(reg)))
        return;
    v = r->in_reg[reg];
    empty = r->usable & r->cls[r->f->vregs[v].cls]
          & ~(r->held | r->early | r->late | r->fixed_late | r->gone);
    if (!empty || is_safe(r, v)) {
        evict(r, v);
        return;
    }
    bring(r, v, lowest(empty));
    leave(r, v);
    settle(r, v, lowest(empty));
}

static void use_fixed(ra_fast *r, ra_operand *op)
{
    uint32_t v = op->vreg;
    uint8_t reg = op->fixed;
    place *p = &r->at.at[v];

    op->loc = reg;
    r->f->used |= REG_BIT(reg);
    if (p->reg == reg)
        return;
    displace(r, reg);
    bring(r, v, reg);
    if (!(r->env->allocatable & REG_BIT(reg)))
        return;
    if (p->reg == NO_REG) {
        settle(r, v, reg);
    } else if (op->kill) {
        leave(r, v);
        settle(r, v, reg);
    }
}

/* The register of this use will be overwritten by the definition tied to it. */
static void use_tied(ra_fast *r, ra_operand *op, bool early_def)
{
    place *p = &r->at.at[op->vreg];
    regset taken = r->late | r->fixed_late;
    bool ends = op->kill && !is_global(r, op->vreg);
    uint8_t reg;

    if (op->constraint == RA_FIXED) {
        reg = op->fixed;
        if (p->reg == reg && !ends)
            displace(r, reg);
    } else if (p->reg != NO_REG && ends && !early_def
               && !(taken & REG_BIT(p->reg))) {
        reg = p->reg;
    } else {
        reg = take(r, op->vreg, r->early | taken);
        bring(r, op->vreg, reg);
        r->f->used |= REG_BIT(reg);
    }
    op->loc = reg;
    r->early |= REG_BIT(reg);
    r->late |= REG_BIT(reg);
}

static bool may_use_slot(const ra_fast *r, const ra_operand *op, bool is_term)
{
    const place *p = &r->at.at[op->vreg];

    if (op->constraint != RA_ANY || is_term || op->width > r->f->vregs[op->vreg].width)
        return false;
    return is_global(r, op->vreg) || (op->kill && p->slot != LOC_NONE);
}

/* A slot that holds v, for an operand that no register can hold. */
static ra_loc keep_slot(ra_fast *r, uint32_t v)
{
    place *p = &r->at.at[v];

    if (is_global(r, v))
        return home(r, v);
    if (p->slot == LOC_NONE) {
        if (p->reg == NO_REG) {
            uint8_t reg = take(r, v, r->early);
            bring(r, v, reg);
            settle(r, v, reg);
        }
        p->slot = local_slot(r, v);
        move(r, 2 * r->inst, v, p->reg, LOC_SLOT(p->slot), 0);
    }
    return LOC_SLOT(p->slot);
}

static void use(ra_fast *r, ra_operand *op, bool is_term)
{
    uint32_t v = op->vreg;
    bool late = op->kind == RA_USE_LATE;
    regset avoid = late ? (r->late & ~r->late_uses) | r->fixed_late | r->clobber : 0;
    place *p = &r->at.at[v];
    uint8_t reg;

    if (late && op->constraint == RA_ANY && r->clobber && !is_term
        && op->width <= r->f->vregs[v].width) {
        op->loc = keep_slot(r, v);
        return;
    }
    if (p->reg == NO_REG && may_use_slot(r, op, is_term)) {
        op->loc = is_global(r, v) ? home(r, v) : LOC_SLOT(p->slot);
        return;
    }
    if (p->reg == NO_REG || (avoid & REG_BIT(p->reg))) {
        reg = take(r, v, r->early | avoid | (late ? r->late : 0));
        bring(r, v, reg);
        if (p->reg != NO_REG)
            leave(r, v);
        settle(r, v, reg);
    }
    op->loc = p->reg;
    r->early |= REG_BIT(p->reg);
    if (late) {
        r->late |= REG_BIT(p->reg);
        r->late_uses |= REG_BIT(p->reg);
    }
}

static inline void end_use(ra_fast *r, const ra_operand *op)
{
    place *p = &r->at.at[op->vreg];

    if (is_global(r, op->vreg))
        return;
    if (p->reg != NO_REG)
        leave(r, op->vreg);
    r->slots_end |= p->slot != LOC_NONE;
}

/* The slots of values that ended may serve others only after the instruction has read them. */
static void end_slots(ra_fast *r, const ra_operand *ops, uint32_t n)
{
    for (uint32_t k = 0; k < n; k++)
        if (ops[k].kind <= RA_USE_LATE && ops[k].kill && ops[k].vreg != RA_NO_VREG
            && !is_global(r, ops[k].vreg))
            free_slot(r, ops[k].vreg);
    r->slots_end = false;
}

static void list(op_list *l, uint32_t k)
{
    l->at[l->n++] = (uint8_t)k;
}

/* loc of a use that a definition is tied to, before it is looked at */
#define TIE (LOC_NONE - 1)
#define TIE_EARLY (LOC_NONE - 2)

/* Which operands need what; marks the uses that others are tied to. */
static void survey(ra_fast *r, ra_operand *ops, uint32_t n)
{
    op_lists *ls = r->lists;
    bool tied = false;

    r->early = r->late = r->late_uses = r->fixed_late = r->gone = 0;
    ls->fixed_uses.n = ls->fixed_early.n = ls->temps.n = ls->first_uses.n = ls->uses.n = 0;
    ls->defs.n = ls->kills.n = 0;
    for (uint32_t k = 0; k < n; k++) {
        ra_operand *op = &ops[k];
        op->loc = LOC_NONE;
        if (op->vreg == RA_NO_VREG)
            continue;
        if (op->kind == RA_DEF || op->kind == RA_DEF_EARLY)
            list(&ls->defs, k);
        else if (op->kill && op->kind <= RA_USE_LATE)
            list(&ls->kills, k);
        if (op->constraint == RA_FIXED) {
            if (op->kind >= RA_USE_LATE)
                r->fixed_late |= REG_BIT(op->fixed);
            if (op->kind != RA_DEF)
                r->early |= REG_BIT(op->fixed);
            if (op->kind <= RA_USE_LATE)
                list(&ls->fixed_uses, k);
            else if (op->kind != RA_DEF)
                list(&ls->fixed_early, k);
        } else if (op->constraint == RA_TIED) {
            tied = true;
        } else if (op->kind >= RA_DEF_EARLY) {
            list(&ls->temps, k);
        } else if (op->kind == RA_USE_LATE) {
            list(&ls->first_uses, k);
        } else if (op->kind == RA_USE) {
            list(&ls->uses, k);
        }
    }
    if (!tied)
        return;
    for (uint32_t d = 0; d < ls->defs.n; d++) {
        const ra_operand *op = &ops[ls->defs.at[d]];
        if (op->constraint == RA_TIED)
            ops[op->fixed].loc = op->kind == RA_DEF ? TIE : TIE_EARLY;
    }
    ls->first_uses.n = ls->uses.n = 0; /* what is tied comes first, too */
    for (uint32_t k = 0; k < n; k++)
        if (ops[k].vreg != RA_NO_VREG && ops[k].kind <= RA_USE_LATE && ops[k].constraint < RA_FIXED)
            list(ops[k].kind == RA_USE_LATE || ops[k].loc != LOC_NONE ? &ls->first_uses
                                                                      : &ls->uses, k);
}

static void fixed_before(ra_fast *r, ra_operand *ops)
{
    for (uint32_t k = 0; k < r->lists->fixed_uses.n; k++) {
        ra_operand *op = &ops[r->lists->fixed_uses.at[k]];
        uint32_t tie = op->loc;
        use_fixed(r, op);
        if (op->kind == RA_USE_LATE)
            r->late |= REG_BIT(op->fixed);
        if (tie == TIE || tie == TIE_EARLY)
            use_tied(r, op, false);
    }
    for (uint32_t k = 0; k < r->lists->fixed_early.n; k++) {
        ra_operand *op = &ops[r->lists->fixed_early.at[k]];
        displace(r, op->fixed);
        op->loc = op->fixed;
        r->f->used |= REG_BIT(op->fixed);
        r->late |= REG_BIT(op->fixed);
    }
}

static void take_temps(ra_fast *r, ra_operand *ops)
{
    for (uint32_t k = 0; k < r->lists->temps.n; k++) {
        ra_operand *op = &ops[r->lists->temps.at[k]];
        op->loc = take(r, op->vreg, r->early | r->late | r->fixed_late);
        r->f->used |= REG_BIT(op->loc);
        r->early |= REG_BIT(op->loc);
        r->late |= REG_BIT(op->loc);
    }
}

/* Where a definition goes; what must move out of its way does so before the instruction. */
static void define(ra_fast *r, const ra_inst *inst, ra_operand *ops, ra_operand *op)
{
    place *p = &r->at.at[op->vreg];

    if (op->constraint == RA_FIXED)
        op->loc = op->fixed;
    else if (op->constraint == RA_TIED)
        op->loc = ops[op->fixed].loc;
    else if (op->kind == RA_DEF && (inst->flags & RA_MOVE) && loc_is_reg(ops[1].loc)
             && (r->usable & ~r->held & ~r->late & REG_BIT(ops[1].loc)))
        op->loc = ops[1].loc;
    else if (op->kind == RA_DEF)
        op->loc = take(r, op->vreg, r->late);
    r->late |= REG_BIT(op->loc);
    if (p->reg != NO_REG)
        leave(r, op->vreg);
    if (!op->kill && (r->env->allocatable & REG_BIT(op->loc)))
        settle(r, op->vreg, (uint8_t)op->loc);
    else
        r->f->used |= REG_BIT(op->loc);
    if ((inst->flags & RA_REMAT) && !is_global(r, op->vreg))
        p->remat = r->inst + 1;
}

/* What follows a definition: its store, if the value is wanted in other blocks. */
static void after(ra_fast *r, const ra_inst *inst, const ra_operand *op)
{
    const place *p = &r->at.at[op->vreg];

    if (op->kill)
        return;
    JIT_REQUIRE(r->tmp->fail, !(inst->flags & RA_TERM), "a terminator defines a value");
    if (p->reg != op->loc)
        move(r, 2 * r->inst + 1, op->vreg, op->loc, p->reg, 0);
    if (is_global(r, op->vreg))
        move(r, 2 * r->inst + 1, op->vreg, op->loc, home(r, op->vreg), 0);
}

static void define_all(ra_fast *r, const ra_inst *inst, ra_operand *ops)
{
    regset written = 0;

    for (regset m = r->fixed_late; m; m &= m - 1)
        displace(r, lowest(m));
    r->late |= r->fixed_late;
    for (uint32_t k = 0; k < r->lists->defs.n; k++) {
        define(r, inst, ops, &ops[r->lists->defs.at[k]]);
        written |= REG_BIT(ops[r->lists->defs.at[k]].loc);
    }
    if (written & ~r->env->allocatable) /* nothing stays in such a register */
        for (uint32_t k = 0; k < r->lists->defs.n; k++) {
            const ra_operand *op = &ops[r->lists->defs.at[k]];
            if (!op->kill && !(r->env->allocatable & REG_BIT(op->loc))) {
                uint8_t reg = take(r, op->vreg, written);
                written |= REG_BIT(reg);
                settle(r, op->vreg, reg);
            }
        }
    for (uint32_t k = 0; k < r->lists->defs.n; k++)
        after(r, inst, &ops[r->lists->defs.at[k]]);
}

/* An instruction of any form. */
static void allocate(ra_fast *r, const ra_inst *inst, bool is_term)
{
    ra_operand *ops = r->f->ops + inst->ops;

    r->clobber = inst->clobber ? r->f->clobbers[inst->clobber] : 0;
    survey(r, ops, inst->nops);
    fixed_before(r, ops);
    take_temps(r, ops); /* what needs a register at both moments has the least choice */
    for (uint32_t k = 0; k < r->lists->first_uses.n; k++) {
        ra_operand *op = &ops[r->lists->first_uses.at[k]];
        if (op->loc == LOC_NONE)
            use(r, op, is_term);
        else
            use_tied(r, op, op->loc == TIE_EARLY);
    }
    for (uint32_t k = 0; k < r->lists->uses.n; k++)
        use(r, &ops[r->lists->uses.at[k]], is_term);
    for (uint32_t k = 0; k < r->lists->kills.n; k++)
        end_use(r, &ops[r->lists->kills.at[k]]);
    for (regset m = r->clobber & r->held; m; m &= m - 1)
        evict(r, r->in_reg[lowest(m)]);
    r->gone = r->clobber;
    if (r->lists->defs.n > 0)
        define_all(r, inst, ops);
    if (r->slots_end)
        end_slots(r, ops, inst->nops);
}

/* The only definition of an instruction of the common form. */
static inline void define_one(ra_fast *r, const ra_inst *inst, const ra_operand *ops,
                              ra_operand *op)
{
    const ra_vreg *vr = &r->f->vregs[op->vreg];
    place *p = &r->at.at[op->vreg];
    regset empty = r->usable & ~r->held & r->first[vr->cls];
    uint8_t reg;

    if (op->constraint == RA_TIED)
        reg = (uint8_t)ops[op->fixed].loc;
    else if (inst->flags & RA_MOVE && loc_is_reg(ops[1].loc)
             && (r->usable & ~r->held & REG_BIT(ops[1].loc)))
        reg = (uint8_t)ops[1].loc;
    else if (vr->hint == NO_REG && empty)
        reg = lowest(empty);
    else
        reg = take(r, op->vreg, 0);
    op->loc = reg;
    r->f->used |= REG_BIT(reg);
    if (op->kill)
        return;
    p->reg = reg;
    r->in_reg[reg] = op->vreg;
    r->held |= REG_BIT(reg);
    if (vr->flags & VREG_GLOBAL)
        move(r, 2 * r->inst + 1, op->vreg, reg, home(r, op->vreg), 0);
    else if (inst->flags & RA_REMAT)
        p->remat = r->inst + 1;
    JIT_REQUIRE(r->tmp->fail, !(inst->flags & RA_TERM), "a terminator defines a value");
}

/* The common form: early uses, and definitions of which one is tied to a use behind it. Looks at
 * each operand once, and again at the killed ones and definitions. False: of another form; what
 * was brought into registers stays there. */
static bool allocate_simple(ra_fast *r, const ra_inst *inst, bool is_term)
{
    ra_operand *ops = r->f->ops + inst->ops, *end = ops + inst->nops, *tied = NULL;
    ra_operand *first_def = NULL, *last_def = NULL, *kill = NULL;

    if (inst->clobber)
        return false;
    r->early = r->late = r->fixed_late = r->gone = 0;
    for (ra_operand *op = ops; op < end; op++) {
        if (op->vreg == RA_NO_VREG) {
            op->loc = LOC_NONE;
        } else if (op->constraint == RA_FIXED) {
            return false;
        } else if (op->kind == RA_USE) {
            uint8_t reg = r->at.at[op->vreg].reg;
            if (op->kill && !kill)
                kill = op;
            if (op == tied) {
                use_tied(r, op, false);
            } else if (reg != NO_REG) {
                op->loc = reg;
                r->early |= REG_BIT(reg);
            } else {
                use(r, op, is_term);
            }
        } else if (op->kind == RA_DEF) {
            if (op->constraint == RA_TIED) {
                if (tied || ops + op->fixed < op || ops[op->fixed].constraint == RA_FIXED)
                    return false;
                tied = ops + op->fixed;
            }
            first_def = first_def ? first_def : op;
            last_def = op;
        } else {
            return false;
        }
    }
    if (kill)
        for (const ra_operand *op = kill; op < end; op++)
            if (op->kind == RA_USE && op->kill && op->vreg != RA_NO_VREG)
                end_use(r, op);
    if (first_def == last_def) {
        if (first_def)
            define_one(r, inst, ops, first_def);
    } else {
        for (ra_operand *op = first_def; op <= last_def; op++)
            if (op->kind == RA_DEF && op->vreg != RA_NO_VREG)
                define(r, inst, ops, op);
        for (const ra_operand *op = first_def; op <= last_def; op++)
            if (op->kind == RA_DEF && op->vreg != RA_NO_VREG)
                after(r, inst, op);
    }
    if (r->slots_end)
        end_slots(r, ops, inst->nops);
    return true;
}

/* Stores the arguments into the homes of the successor's parameters. */
static void pass_args(ra_fast *r, const ra_block *b)
{
    const uint32_t *lists = r->f->lists;
    const ra_block *to = &r->f->blocks[lists[b->succs]];
    ra_pmove few[8], *moves = few;
    uint32_t n = 0;

    if (to->nparams > 8)
        moves = ARENA_ARRAY_RAW(r->tmp, ra_pmove, to->nparams);
    for (uint32_t k = 0; k < to->nparams; k++) {
        uint32_t v = lists[b->args + k], param = lists[to->params + k];
        const place *p = &r->at.at[v];
        ra_pmove m = { LOC_NONE, home(r, param), v, r->f->vregs[v].width, 0 };
        if (v == param)
            continue;
        if (p->reg != NO_REG)
            m.from = p->reg;
        else if (p->remat)
            m.remat = p->remat;
        else if (is_global(r, v))
            m.from = home(r, v);
        else
            m.from = LOC_SLOT(p->slot);
        JIT_REQUIRE(r->tmp->fail, m.from != LOC_NONE || m.remat, "an argument without a value");
        moves[n++] = m;
    }
    jit_ra_parallel_move(r->env, moves, n, 2 * (b->end - 1), r->f, r->tmp);
    if (moves != few)
        jit_arena_recycle(r->tmp, moves, to->nparams * sizeof *moves);
}

static void begin(ra_fast *r, const ra_block *b, uint32_t block)
{
    uint32_t pred = b->npreds == 1 ? r->f->lists[b->preds] : block;
    const uint32_t *params = r->f->lists + b->params;

    if (pred >= block)
        return;
    for (uint32_t k = 0; k < r->end_len[pred]; k++) {
        held_reg h = r->ends.at[r->end_from[pred] + k];
        settle(r, h.vreg, h.reg);
    }
    for (uint32_t k = 0; k < b->nparams; k++)
        if (r->at.at[params[k]].reg != NO_REG)
            leave(r, params[k]);
}

static void end(ra_fast *r, const ra_block *b, uint32_t block)
{
    bool keep = b->nsuccs > 1
             || (b->nsuccs == 1 && r->f->blocks[r->f->lists[b->succs]].npreds == 1);

    r->end_from[block] = r->ends.len;
    for (regset m = r->held; m; m &= m - 1) {
        held_reg h = { r->in_reg[lowest(m)], lowest(m) };
        if (keep && is_global(r, h.vreg))
            vec_push(r->tmp, &r->ends, h);
        r->at.at[h.vreg].reg = NO_REG;
    }
    r->held = 0;
    r->end_len[block] = r->ends.len - r->end_from[block];
    for (uint32_t k = 0; k < r->spilled.len; k++)
        free_slot(r, r->spilled.at[k]);
    r->spilled.len = 0;
}

void jit_ra_fast_block(ra_fast *r, ra_func *f, uint32_t block)
{
    static const place nowhere = { LOC_NONE, 0, NO_REG };
    const ra_block *b = &f->blocks[block];
    bool has_args = b->nsuccs == 1 && f->blocks[f->lists[b->succs]].nparams > 0;

    r->f = f;
    f->moves.len = 0;
    if (r->at.len < f->nvregs) {
        vec_reserve(r->tmp, &r->at, f->nvregs - r->at.len);
        while (r->at.len < f->nvregs)
            r->at.at[r->at.len++] = nowhere;
    }
    begin(r, b, block);
    for (uint32_t i = b->first; i < b->end; i++) {
        const ra_inst *inst = &f->insts[i];
        bool is_term = has_args && (inst->flags & RA_TERM);
        r->inst = i;
        if (!allocate_simple(r, inst, is_term))
            allocate(r, inst, is_term);
    }
    if (has_args)
        pass_args(r, b);
    end(r, b, block);
}
