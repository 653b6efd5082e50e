/* ra_gen.c - random functions for the register allocators: any CFG, every kind of operand.
 *
 * Blocks are made in their final order, each reachable from an earlier one, with back edges
 * anywhere (so irreducible loops too); critical edges are then split. Values may be used where
 * their block dominates. Instructions are limited so that their own operands always fit into the
 * registers. */
#include "tests/support/ra_gen.h"

#include <string.h>

uint32_t ra_next(ra_random *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return (uint32_t)(z >> 32);
}

uint32_t ra_below(ra_random *r, uint32_t n)
{
    return n ? (uint32_t)((uint64_t)ra_next(r) * n >> 32) : 0;
}

bool ra_chance(ra_random *r, uint32_t percent)
{
    return ra_below(r, 100) < percent;
}

enum { MAX_BLOCKS = 64, MAX_SUCCS = 4 };

typedef struct {
    uint32_t succ[MAX_SUCCS], nsucc;
    uint32_t pred[MAX_BLOCKS * 2], npred;
    uint64_t dom;          /* blocks that dominate it */
    uint32_t param[8], nparam;
    VEC(uint32_t) defs;    /* vregs, parameters first */
} gblock;

typedef struct { uint32_t block, def_op; bool is_param; } origin;

typedef struct {
    ra_random rng;
    arena *tmp;
    ra_func *f;
    ra_env *env;
    gblock *b;
    uint32_t n;
    ra_block *blocks;
    VEC(ra_inst) insts;
    VEC(ra_operand) ops;
    VEC(ra_vreg) vregs;
    VEC(origin) from;
    VEC(uint32_t) lists;
    VEC(regset) clobbers;
    uint32_t block;        /* being filled */
    uint32_t vector_share; /* percent of float vregs that have 16 bytes */
    uint32_t call_share, fixed_share;
    /* of the instruction being made, by class */
    regset early_fixed, late_fixed, clobber;
    uint32_t nearly[RC_COUNT], nlate[RC_COUNT], nboth[RC_COUNT], regs[RC_COUNT];
} gen;

static uint32_t pick(gen *g, uint32_t n)
{
    return ra_below(&g->rng, n);
}

static bool chance(gen *g, uint32_t percent)
{
    return ra_chance(&g->rng, percent);
}

static uint32_t count(regset s)
{
    return (uint32_t)__builtin_popcountll(s);
}

static void shuffle(gen *g, uint8_t *a, uint32_t n)
{
    for (uint32_t k = n; k > 1; k--) {
        uint32_t j = pick(g, k);
        uint8_t t = a[j];
        a[j] = a[k - 1];
        a[k - 1] = t;
    }
}

static void make_env(gen *g)
{
    ra_env *e = g->env;
    uint8_t all[16];

    memset(e->order, 0xff, sizeof e->order);
    for (int c = 0; c < RC_COUNT; c++) {
        uint32_t least = c == RC_INT ? 4 : 3;
        uint32_t n = chance(g, 50) ? least + pick(g, 3) : least + pick(g, 11);
        uint32_t saved = chance(g, 60) ? pick(g, n / 2 + 1) : chance(g, 10) ? n : 0;
        for (uint8_t k = 0; k < 16; k++)
            all[k] = (uint8_t)(k + 32 * c);
        shuffle(g, all, 14); /* 14 and 15 are scratch registers, others are left out */
        for (uint32_t k = 0; k < n; k++) {
            e->order[c][k] = all[k];
            e->allocatable |= REG_BIT(all[k]);
            if (k >= n - saved)
                e->callee_saved |= REG_BIT(all[k]);
        }
        g->regs[c] = n;
    }
    e->scratch = chance(g, 70) ? RA_INT(15) : RA_FLOAT(15);
    e->int_scratch = chance(g, 30) ? RA_INT(14) : RA_NO_REG;
    g->vector_share = chance(g, 30) ? 50 : 0;
    g->call_share = chance(g, 50) ? pick(g, 40) : 0;
    g->fixed_share = chance(g, 50) ? pick(g, 60) : 5;
}

/* ---- the graph ---- */

static void edge(gen *g, uint32_t from, uint32_t to)
{
    gblock *a = &g->b[from], *b = &g->b[to];

    if (a->nsucc == MAX_SUCCS || b->npred == MAX_BLOCKS)
        return;
    a->succ[a->nsucc++] = to;
    b->pred[b->npred++] = from;
}

/* A graph over g->n blocks that still has critical edges. */
static void make_edges(gen *g)
{
    uint32_t style = pick(g, 3);

    for (uint32_t k = 1; k < g->n; k++)
        edge(g, style == 0 || k < 3 ? k - 1 : k - 1 - pick(g, k < 4 ? 2 : 4) % k, k);
    for (uint32_t k = 0; k < g->n; k++)
        while (chance(g, style == 2 ? 50 : 30)) {
            uint32_t to = chance(g, 70) ? k + 1 + pick(g, g->n - k) : 1 + pick(g, k + 1);
            if (to < g->n && to > 0)
                edge(g, k, to);
            else
                break;
        }
}

/* Blocks anew with one more on each critical edge, behind its source. */
static void split_edges(gen *g)
{
    gblock *old = g->b;
    uint32_t *place = ARENA_ARRAY(g->tmp, uint32_t, g->n);
    uint32_t at = 0, n = g->n;

    for (uint32_t k = 0; k < n; k++) {
        place[k] = at++;
        for (uint32_t s = 0; s < old[k].nsucc; s++)
            if (old[k].nsucc > 1 && old[old[k].succ[s]].npred > 1)
                at++;
    }
    g->n = at;
    g->b = ARENA_ARRAY(g->tmp, gblock, at);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t extra = place[k];
        for (uint32_t s = 0; s < old[k].nsucc; s++) {
            uint32_t to = place[old[k].succ[s]];
            if (old[k].nsucc > 1 && old[old[k].succ[s]].npred > 1) {
                edge(g, place[k], ++extra);
                edge(g, extra, to);
            } else {
                edge(g, place[k], to);
            }
        }
    }
}

static void find_dominators(gen *g)
{
    bool changed = true;

    for (uint32_t k = 0; k < g->n; k++)
        g->b[k].dom = k == 0 ? 1 : ~(uint64_t)0;
    while (changed) {
        changed = false;
        for (uint32_t k = 1; k < g->n; k++) {
            uint64_t d = ~(uint64_t)0;
            for (uint32_t p = 0; p < g->b[k].npred; p++)
                d &= g->b[g->b[k].pred[p]].dom;
            d |= (uint64_t)1 << k;
            changed |= d != g->b[k].dom;
            g->b[k].dom = d;
        }
    }
}

static void make_graph(gen *g)
{
    g->n = chance(g, 20) ? 1 : chance(g, 70) ? 2 + pick(g, 7) : 2 + pick(g, 14);
    for (;;) {
        uint32_t split = 0;
        g->b = ARENA_ARRAY(g->tmp, gblock, g->n);
        make_edges(g);
        for (uint32_t k = 0; k < g->n; k++)
            split += g->b[k].nsucc;
        if (g->n + split <= MAX_BLOCKS)
            break;
        g->n /= 2;
    }
    split_edges(g);
    find_dominators(g);
}

/* ---- values ---- */

static uint32_t new_vreg(gen *g, uint8_t cls, uint8_t width)
{
    ra_vreg v = { cls, width, 0, 0xff };
    origin o = { g->block, 0, false };
    uint32_t id = g->vregs.len;

    if (chance(g, 20))
        v.hint = g->env->order[cls][pick(g, g->regs[cls])];
    vec_push(g->tmp, &g->vregs, v);
    vec_push(g->tmp, &g->from, o);
    return id;
}

static uint8_t any_width(gen *g, uint8_t cls)
{
    if (cls == RC_FLOAT && chance(g, g->vector_share))
        return 16;
    return chance(g, 40) ? 4 : 8;
}

static uint32_t any_vreg(gen *g)
{
    uint8_t cls = chance(g, 70) ? RC_INT : RC_FLOAT;

    return new_vreg(g, cls, any_width(g, cls));
}

/* A value that is visible in the block; RA_NO_VREG: none was found. */
static uint32_t visible(gen *g, int cls, int width)
{
    for (int tries = 0; tries < 12; tries++) {
        uint64_t dom = g->b[g->block].dom;
        uint32_t b = g->block, v;
        if (chance(g, 50)) {
            b = pick(g, g->n);
            if (!(dom >> b & 1))
                continue;
        }
        if (g->b[b].defs.len == 0)
            continue;
        v = g->b[b].defs.at[chance(g, 60) ? g->b[b].defs.len - 1 - pick(g, g->b[b].defs.len < 5
                                                                           ? g->b[b].defs.len : 5)
                                          : pick(g, g->b[b].defs.len)];
        if ((cls < 0 || g->vregs.at[v].cls == cls) && (width < 0 || g->vregs.at[v].width == width))
            return v;
    }
    return RA_NO_VREG;
}

/* ---- instructions ---- */

static ra_operand *add_op(gen *g, uint32_t v, uint8_t kind, uint8_t constraint, uint8_t fixed)
{
    ra_operand op = { .vreg = v, .kind = kind & 7u, .constraint = constraint & 7u, .fixed = fixed,
                      .width = 8, .nonzero = 8, .loc = LOC_NONE };

    vec_push(g->tmp, &g->ops, op);
    g->insts.at[g->insts.len - 1].nops++;
    return &g->ops.at[g->ops.len - 1];
}

static void begin_inst(gen *g, uint8_t flags)
{
    ra_inst inst = { g->ops.len, 0, flags, 0, 0 };

    vec_push(g->tmp, &g->insts, inst);
    g->early_fixed = g->late_fixed = g->clobber = 0;
    for (int c = 0; c < RC_COUNT; c++)
        g->nearly[c] = g->nlate[c] = g->nboth[c] = 0;
}

static regset class_regs(gen *g, uint8_t cls)
{
    regset all = cls == RC_INT ? (regset)0xffffffffu : ~(regset)0xffffffffu;

    return all & g->env->allocatable;
}

static void add_clobber(gen *g)
{
    regset c = 0;

    for (int cls = 0; cls < RC_COUNT; cls++)
        c |= class_regs(g, (uint8_t)cls) & ~g->env->callee_saved;
    if (chance(g, 20))
        c &= (regset)ra_next(&g->rng) << 32 | ra_next(&g->rng);
    vec_push(g->tmp, &g->clobbers, c);
    g->insts.at[g->insts.len - 1].clobber = (uint8_t)(g->clobbers.len - 1);
    g->clobber = c;
}

/* A register of the class that is not fixed yet at that moment; 0xff: none. */
static uint8_t fixed_reg(gen *g, uint8_t cls, bool early, bool late)
{
    for (int tries = 0; tries < 6; tries++) {
        uint8_t r = g->env->order[cls][pick(g, g->regs[cls])];
        if (chance(g, 3))
            r = (uint8_t)(32 * cls + pick(g, 15));
        if ((early && (g->early_fixed & REG_BIT(r))) || (late && (g->late_fixed & REG_BIT(r))))
            continue;
        return r;
    }
    return 0xff;
}

/* Accounts for one more operand, in a fixed register or anywhere (0xff); false when the registers
 * might not do: what needs one at both moments cannot use those fixed at either. */
static bool fits(gen *g, uint8_t cls, bool early, bool late, uint8_t fixed)
{
    regset e = g->early_fixed & class_regs(g, cls), l = g->late_fixed & class_regs(g, cls);
    uint32_t both = g->nboth[cls], first = g->nearly[cls], last = g->nlate[cls], n = g->regs[cls];

    if (fixed != 0xff) {
        e |= early ? REG_BIT(fixed) & class_regs(g, cls) : 0;
        l |= late ? REG_BIT(fixed) & class_regs(g, cls) : 0;
    } else {
        both += early && late;
        first += early && !late;
        last += late && !early;
    }
    if (both + count(e | l) > n || both + first + count(e) > n || both + last + count(l) > n)
        return false;
    g->nboth[cls] = both;
    g->nearly[cls] = first;
    g->nlate[cls] = last;
    if (fixed != 0xff) {
        g->early_fixed |= early ? REG_BIT(fixed) : 0;
        g->late_fixed |= late ? REG_BIT(fixed) : 0;
    }
    return true;
}

/* Finds room for an operand that would be fixed if possible: *reg is its register or 0xff. */
static bool room(gen *g, uint8_t cls, bool early, bool late, bool fixed, uint8_t *reg)
{
    *reg = fixed ? fixed_reg(g, cls, early, late) : 0xff;
    return fits(g, cls, early, late, *reg);
}

static void set_use_bits(gen *g, ra_operand *op)
{
    const origin *o = &g->from.at[op->vreg];
    uint8_t width = g->vregs.at[op->vreg].width;
    const ra_operand *def = o->is_param ? NULL : &g->ops.at[o->def_op];

    op->width = width;
    if (chance(g, 40))
        op->width = (uint8_t)(1u << pick(g, width == 16 ? 5 : width == 8 ? 4 : 3));
    if (width == 4 && def && def->nonzero <= 4 && chance(g, 30))
        op->width = 8;
    if (width == 16)
        return;
    if (def && def->nonzero < 8 && chance(g, 60))
        op->nonzero = chance(g, 60) ? def->nonzero : 4 > def->nonzero ? 4 : 8;
}

static void add_use(gen *g, uint32_t v)
{
    uint8_t cls, kind = chance(g, 12) ? RA_USE_LATE : RA_USE;
    uint8_t constraint = chance(g, 30) ? RA_ANY : chance(g, g->fixed_share) ? RA_FIXED : RA_REG;
    uint8_t reg = 0;

    if (v == RA_NO_VREG)
        return;
    cls = g->vregs.at[v].cls;
    if (kind == RA_USE_LATE && g->clobber) /* perhaps no register survives */
        constraint = RA_ANY;
    if (!room(g, cls, true, kind == RA_USE_LATE, constraint == RA_FIXED, &reg))
        return;
    if (constraint == RA_FIXED && reg == 0xff)
        constraint = RA_REG;
    add_op(g, v, kind, constraint, reg);
    set_use_bits(g, &g->ops.at[g->ops.len - 1]);
    if (kind == RA_USE_LATE && g->clobber)
        g->ops.at[g->ops.len - 1].width = 4;
}

static void set_def_bits(gen *g, uint32_t v)
{
    ra_operand *op = &g->ops.at[g->ops.len - 1];

    g->from.at[v].def_op = g->ops.len - 1;
    op->width = g->vregs.at[v].width;
    op->nonzero = 16;
    if (op->width < 16) {
        op->nonzero = 8;
        if (chance(g, 40)) {
            op->width = (uint8_t)(1u << pick(g, 3));
            op->nonzero = chance(g, 70) ? op->width : 8;
        }
    }
    vec_push(g->tmp, &g->b[g->block].defs, v);
}

static void add_def(gen *g, uint32_t v, bool may_tie)
{
    const ra_inst *inst = &g->insts.at[g->insts.len - 1];
    uint8_t cls = g->vregs.at[v].cls, reg = 0;
    uint8_t kind = chance(g, 10) ? RA_DEF_EARLY : RA_DEF;
    uint8_t constraint = chance(g, g->fixed_share) ? RA_FIXED : RA_REG;

    if (may_tie && chance(g, 50))
        for (uint8_t k = 0; k < inst->nops; k++) {
            const ra_operand *use = &g->ops.at[inst->ops + k];
            bool taken = use->kind != RA_USE || use->vreg == RA_NO_VREG
                      || g->vregs.at[use->vreg].cls != cls;
            for (uint8_t j = 0; j < inst->nops; j++)
                taken |= g->ops.at[inst->ops + j].constraint == RA_TIED
                      && g->ops.at[inst->ops + j].fixed == k;
            if (use->constraint == RA_FIXED)
                taken |= (g->late_fixed & REG_BIT(use->fixed)) != 0;
            if (taken || !fits(g, cls, use->constraint != RA_FIXED, true,
                               use->constraint == RA_FIXED ? use->fixed : 0xff))
                continue;
            if (use->constraint != RA_FIXED) {
                g->ops.at[inst->ops + k].constraint = RA_REG;
                g->nearly[cls]--; /* it was counted already */
            }
            add_op(g, v, RA_DEF, RA_TIED, k);
            set_def_bits(g, v);
            return;
        }
    if (!room(g, cls, kind == RA_DEF_EARLY, true, constraint == RA_FIXED, &reg))
        return;
    if (constraint == RA_FIXED && reg == 0xff)
        constraint = RA_REG;
    add_op(g, v, kind, constraint, reg);
    set_def_bits(g, v);
}

static void add_temp(gen *g)
{
    uint8_t cls = chance(g, 70) ? RC_INT : RC_FLOAT, reg = 0;
    bool fixed = chance(g, g->fixed_share);

    if (!room(g, cls, true, true, fixed, &reg))
        return;
    add_op(g, new_vreg(g, cls, 8), RA_TEMP, reg != 0xff ? RA_FIXED : RA_REG, reg);
}

static void add_plain(gen *g)
{
    begin_inst(g, 0);
    if (chance(g, 5))
        add_clobber(g);
    for (uint32_t k = 1 + pick(g, 3); k > 0; k--)
        add_use(g, visible(g, -1, -1));
    if (chance(g, 12))
        add_temp(g);
    if (chance(g, 5))
        add_op(g, RA_NO_VREG, RA_USE, RA_REG, 0);
    for (uint32_t k = chance(g, 80) ? 1 : pick(g, 3); k > 0; k--)
        add_def(g, any_vreg(g), true);
}

static void add_call(gen *g)
{
    uint32_t share = g->fixed_share;

    begin_inst(g, RA_CALL);
    add_clobber(g);
    g->fixed_share = 90;
    for (uint32_t k = pick(g, 7); k > 0; k--)
        add_use(g, visible(g, -1, -1));
    for (uint32_t k = pick(g, 3); k > 0; k--)
        add_def(g, any_vreg(g), false);
    g->fixed_share = share;
}

static void add_move(gen *g)
{
    uint32_t v = visible(g, -1, -1), d;

    if (v == RA_NO_VREG)
        return;
    begin_inst(g, RA_MOVE);
    d = new_vreg(g, g->vregs.at[v].cls, g->vregs.at[v].width);
    add_op(g, d, RA_DEF, RA_REG, 0);
    set_def_bits(g, d);
    set_use_bits(g, add_op(g, v, RA_USE, chance(g, 30) ? RA_ANY : RA_REG, 0));
}

static void add_constant(gen *g)
{
    begin_inst(g, RA_REMAT);
    uint32_t v = any_vreg(g);
    add_op(g, v, RA_DEF, RA_REG, 0);
    set_def_bits(g, v);
}

static void add_inst(gen *g)
{
    if (chance(g, 12))
        add_constant(g);
    else if (chance(g, 8))
        add_move(g);
    else if (g->clobbers.len < 200 && chance(g, g->call_share))
        add_call(g);
    else if (g->clobbers.len < 200)
        add_plain(g);
}

static void fill_block(gen *g)
{
    gblock *b = &g->b[g->block];
    bool may = b->npred > 0;

    for (uint32_t p = 0; p < b->npred; p++)
        may &= g->b[b->pred[p]].nsucc == 1;
    if (may)
        for (uint32_t k = chance(g, 70) ? pick(g, 6) : 0; k > 0; k--) {
            uint32_t v = any_vreg(g);
            g->from.at[v].is_param = true;
            g->vregs.at[v].flags |= VREG_GLOBAL;
            b->param[b->nparam++] = v;
            vec_push(g->tmp, &b->defs, v);
        }
    g->blocks[g->block].first = g->insts.len;
    if (g->block == 0) { /* what comes in, of every class and width */
        static const uint8_t widths[] = { 4, 8, 8, 4, 8, 16 };
        begin_inst(g, 0);
        for (uint32_t k = 0; k < 6; k++) {
            uint8_t cls = k < 3 ? RC_INT : RC_FLOAT;
            uint32_t v = new_vreg(g, cls, widths[k]);
            uint8_t r;
            if (room(g, cls, false, true, true, &r) && r != 0xff) {
                add_op(g, v, RA_DEF, RA_FIXED, r);
                set_def_bits(g, v);
            }
        }
        while (visible(g, RC_INT, 8) == RA_NO_VREG || visible(g, RC_FLOAT, 8) == RA_NO_VREG)
            for (uint8_t k = 0; k < 6; k++) {
                uint32_t v;
                begin_inst(g, 0);
                v = new_vreg(g, k < 3 ? RC_INT : RC_FLOAT, widths[k]);
                add_op(g, v, RA_DEF, RA_REG, 0);
                set_def_bits(g, v);
            }
    }
    for (uint32_t k = pick(g, chance(g, 15) ? 40 : 8); k > 0; k--)
        add_inst(g);
    begin_inst(g, RA_TERM);
    for (uint32_t k = b->nsucc == 1 ? 0 : pick(g, 3); k > 0; k--)
        add_use(g, visible(g, -1, -1));
    if (b->nsucc != 1 && chance(g, 3))
        add_temp(g);
    g->blocks[g->block].end = g->insts.len;
}

/* ---- the whole ---- */

/* An argument for v at the end of the block; there always is one, made in the entry if need be. */
static uint32_t argument(gen *g, uint32_t param)
{
    const ra_vreg *p = &g->vregs.at[param];

    for (int tries = 0; tries < 8; tries++) {
        uint32_t v = visible(g, p->cls, p->width);
        if (v != RA_NO_VREG)
            return v;
    }
    for (uint32_t b = 0; b < g->n; b++)
        if (g->b[g->block].dom >> b & 1)
            for (uint32_t k = 0; k < g->b[b].defs.len; k++) {
                const ra_vreg *v = &g->vregs.at[g->b[b].defs.at[k]];
                if (v->cls == p->cls && v->width == p->width)
                    return g->b[b].defs.at[k];
            }
    return RA_NO_VREG;
}

static void finish_block(gen *g, uint32_t k)
{
    gblock *b = &g->b[k];
    ra_block *out = &g->blocks[k];

    g->block = k;
    out->succs = g->lists.len;
    out->nsuccs = b->nsucc;
    for (uint32_t s = 0; s < b->nsucc; s++)
        vec_push(g->tmp, &g->lists, b->succ[s]);
    out->preds = g->lists.len;
    out->npreds = b->npred;
    for (uint32_t p = 0; p < b->npred; p++) {
        vec_push(g->tmp, &g->lists, b->pred[p]);
        if (b->pred[p] >= k && out->loop_end < b->pred[p])
            out->loop_end = b->pred[p];
    }
    out->params = g->lists.len;
    out->nparams = b->nparam;
    for (uint32_t p = 0; p < b->nparam; p++)
        vec_push(g->tmp, &g->lists, b->param[p]);
    out->args = g->lists.len;
    if (b->nsucc == 1)
        for (uint32_t p = 0; p < g->b[b->succ[0]].nparam; p++)
            vec_push(g->tmp, &g->lists, argument(g, g->b[b->succ[0]].param[p]));
}

/* Parameters for which some predecessor has no argument go, in all uses too. */
static bool has_all_args(gen *g)
{
    for (uint32_t k = 0; k < g->n; k++) {
        const gblock *b = &g->b[k];
        g->block = k;
        if (b->nsucc == 1)
            for (uint32_t p = 0; p < g->b[b->succ[0]].nparam; p++)
                if (argument(g, g->b[b->succ[0]].param[p]) == RA_NO_VREG)
                    return false;
    }
    return true;
}

static void mark_uses(gen *g)
{
    uint8_t *arg = ARENA_ARRAY(g->tmp, uint8_t, g->vregs.len);
    uint8_t *used = ARENA_ARRAY(g->tmp, uint8_t, g->vregs.len);

    for (uint32_t b = 0; b < g->n; b++) {
        const ra_block *bl = &g->blocks[b];
        for (uint32_t i = bl->first; i < bl->end; i++)
            for (uint32_t k = 0; k < g->insts.at[i].nops; k++) {
                ra_operand *op = &g->ops.at[g->insts.at[i].ops + k];
                if (op->vreg != RA_NO_VREG && op->kind <= RA_USE_LATE) {
                    used[op->vreg] = 1;
                    if (g->from.at[op->vreg].block != b)
                        g->vregs.at[op->vreg].flags |= VREG_GLOBAL;
                }
            }
        if (bl->nsuccs == 1)
            for (uint32_t k = 0; k < g->b[g->b[b].succ[0]].nparam; k++) {
                uint32_t v = g->lists.at[bl->args + k];
                arg[v] = used[v] = 1;
                if (g->from.at[v].block != b)
                    g->vregs.at[v].flags |= VREG_GLOBAL;
            }
    }
    for (uint32_t i = g->insts.len; i-- > 0;)
        for (uint32_t k = 0; k < g->insts.at[i].nops; k++) {
            ra_operand *op = &g->ops.at[g->insts.at[i].ops + k];
            if (op->vreg == RA_NO_VREG || op->kind == RA_TEMP)
                continue;
            if (op->kind > RA_USE_LATE) {
                op->kill = !used[op->vreg] && chance(g, 70);
            } else if (!arg[op->vreg] && !(g->vregs.at[op->vreg].flags & VREG_GLOBAL)) {
                op->kill = 1;
                arg[op->vreg] = 1; /* earlier uses are not the last */
            }
        }
}

static void set_loops(gen *g)
{
    for (uint32_t b = 0; b < g->n; b++)
        g->blocks[b].freq = 1;
    for (uint32_t h = 0; h < g->n; h++)
        if (g->blocks[h].loop_end > 0)
            for (uint32_t b = h; b <= g->blocks[h].loop_end; b++) {
                g->blocks[b].loop_depth++;
                g->blocks[b].freq *= 8;
            }
    for (uint32_t b = 1; b < g->n; b++)
        if (chance(g, 10)) {
            g->blocks[b].cold = 1;
            g->blocks[b].freq /= 100;
        }
}

ra_func *ra_generate(uint64_t seed, arena *tmp)
{
    gen g = { .rng = { seed }, .tmp = tmp };
    ra_func *f = ARENA_NEW(tmp, ra_func);

    g.f = f;
    g.env = ARENA_NEW(tmp, ra_env);
    make_env(&g);
    do {
        g.insts.len = g.ops.len = g.vregs.len = g.from.len = g.lists.len = 0;
        g.clobbers.len = 0;
        vec_push(tmp, &g.clobbers, 0);
        make_graph(&g);
        g.blocks = ARENA_ARRAY(tmp, ra_block, g.n);
        for (g.block = 0; g.block < g.n; g.block++)
            fill_block(&g);
    } while (!has_all_args(&g));
    for (uint32_t k = 0; k < g.n; k++)
        finish_block(&g, k);
    mark_uses(&g);
    set_loops(&g);
    f->env = g.env;
    f->insts = g.insts.at;
    f->ninsts = g.insts.len;
    f->ops = g.ops.at;
    f->nops = g.ops.len;
    f->blocks = g.blocks;
    f->nblocks = g.n;
    f->lists = g.lists.at;
    f->vregs = g.vregs.at;
    f->nvregs = g.vregs.len;
    f->clobbers = g.clobbers.at;
    return f;
}

void ra_forget(ra_func *f)
{
    for (uint32_t k = 0; k < f->nops; k++)
        f->ops[k].loc = LOC_NONE;
    f->moves.at = NULL;
    f->moves.len = f->moves.cap = 0;
    f->nslots = 0;
    f->used = 0;
}

void ra_run_fast(ra_func *f, arena *tmp)
{
    ra_fast *r = jit_ra_fast_new(f->env, f->nblocks, tmp);
    VEC(ra_move) all = { NULL, 0, 0 };

    for (uint32_t b = 0; b < f->nblocks; b++) {
        jit_ra_fast_block(r, f, b);
        vec_reserve(tmp, &all, f->moves.len);
        for (uint32_t k = 0; k < f->moves.len; k++)
            all.at[all.len++] = f->moves.at[k];
    }
    f->moves.at = all.at;
    f->moves.len = all.len;
    f->moves.cap = all.cap;
}
