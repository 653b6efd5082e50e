/* resolve.c - writes the location of every operand and the moves that join the pieces.
 *
 * A vreg of one piece is in one place all its life, which its operands take as they are met. What
 * was cut needs moves where a piece begins and on the edges between blocks: they are gathered
 * first, linked to the instruction they belong to. Then one pass over the instructions adds the
 * moves of fixed and tied operands and puts all into order; those of one place happen at once. At
 * the start of a block: what the edge brings, then the stores of block parameters; before any
 * instruction: cut intervals changing register, together with the copies for fixed and tied
 * operands, which therefore read where a value was, not where it goes; before the jump of a block
 * with one successor, last: what its edge needs. After an instruction: stores and fixed
 * definitions. */
#include "regalloc/linear.h"

#include <string.h>

enum { EDGE_IN, PARAM_STORE, HERE, EDGE_OUT, AFTER, GROUPS }; /* order at one instruction */

#define LOC_CUT (LOC_NONE - 1) /* of a vreg with several pieces */

typedef struct { ra_pmove move; uint32_t group, next; } placed; /* next: + 1 */

typedef struct {
    linear *l;
    ra_func *f;
    ra_loc *where;          /* by vreg: its one location; LOC_CUT; LOC_NONE: nowhere */
    VEC(placed) early;      /* moves known before the last pass */
    uint32_t *early_of;     /* by instruction: its last one + 1 */
    VEC(ra_pmove) at[GROUPS]; /* of the instruction at hand */
} resolve;

/* LOC_MEMORY: it is made again. */
static ra_loc memory_of(const linear *l, uint32_t v)
{
    return l->iv[v].remat ? LOC_MEMORY : LOC_SLOT(l->iv[v].slot);
}

static ra_loc location(const linear *l, const piece *p)
{
    return p->loc == LOC_MEMORY ? memory_of(l, p->vreg) : p->loc;
}

static ra_pmove move_of(const resolve *r, uint32_t vreg, ra_loc from, ra_loc to)
{
    ra_pmove m = { from, to, vreg, r->f->vregs[vreg].width, 0 };

    if (loc_is_slot(from) && r->l->iv[vreg].remat) {
        m.from = LOC_NONE;
        m.remat = r->l->iv[vreg].def_inst + 1;
    }
    return m;
}

static void place_early(resolve *r, uint32_t inst, uint32_t group, uint32_t vreg, ra_loc from,
                        ra_loc to)
{
    placed m = { .group = group, .next = r->early_of[inst] };

    if (from == to)
        return;
    m.move = move_of(r, vreg, from, to);
    vec_push(r->l->tmp, &r->early, m);
    r->early_of[inst] = r->early.len;
}

/* At the instruction at hand. */
static inline void place(resolve *r, uint32_t group, uint32_t vreg, ra_loc from, ra_loc to)
{
    if (from != to)
        vec_push(r->l->tmp, &r->at[group], move_of(r, vreg, from, to));
}

/* ---- vregs in several pieces ---- */

/* Where a copy before the instruction finds the value: still in the piece that ends there. */
static ra_loc source_of_copy(const linear *l, const piece *before, const piece *p, uint32_t pos)
{
    if (before && p->start == pos && before->end == pos && !starts_block(l, pos))
        return location(l, before);
    return location(l, p);
}

static void set_operands(resolve *r, const piece *before, const piece *p)
{
    const linear *l = r->l;
    ra_loc loc = location(l, p);

    for (uint32_t k = p->u0; k < p->u1; k++) {
        use u = l->uses[k];
        if (u.op != NO_OPERAND)
            r->f->ops[u.op].loc = u.kind == U_COPY && u.pos == p->start && u.pos % 4 == 0
                                ? source_of_copy(l, before, p, u.pos) : loc;
    }
    count_work(r->l, p->u1 - p->u0);
}

static void join_pieces(resolve *r, uint32_t v)
{
    linear *l = r->l;
    const piece *before = NULL;

    for (uint32_t k = l->iv[v].first; k != NONE; k = l->pieces.at[k].next) {
        const piece *p = &l->pieces.at[k];
        set_operands(r, before, p);
        if (before && before->end == p->start && p->loc != LOC_MEMORY && !starts_block(l, p->start))
            place_early(r, p->start / 4, HERE, v, location(l, before), p->loc);
        before = p;
    }
}

static void store_param(resolve *r, uint32_t v)
{
    linear *l = r->l;
    const interval *iv = &l->iv[v];
    const piece *p = &l->pieces.at[iv->first];

    if (iv->slot != NONE && p->loc != LOC_MEMORY)
        place_early(r, p->start / 4, PARAM_STORE, v, p->loc, LOC_SLOT(iv->slot));
}

/* ---- edges ---- */

typedef VEC(uint32_t) pieces;

/* Where v is at pos; LOC_NONE: it does not live there. */
static ra_loc location_at(const linear *l, const uint32_t *sorted, uint32_t n, uint32_t pos)
{
    const piece *p;
    uint32_t a = 0;

    while (n > 1) {
        uint32_t half = n / 2;
        if (l->pieces.at[sorted[a + half]].start <= pos)
            a += half;
        n -= half;
    }
    p = &l->pieces.at[sorted[a]];
    return p->start <= pos && pos < p->end ? location(l, p) : LOC_NONE;
}

static ra_loc location_of(const resolve *r, uint32_t v, uint32_t pos)
{
    const linear *l = r->l;

    if (r->where[v] != LOC_CUT)
        return r->where[v];
    for (uint32_t k = l->iv[v].first; k != NONE; k = l->pieces.at[k].next)
        if (l->pieces.at[k].start <= pos && pos < l->pieces.at[k].end)
            return location(l, &l->pieces.at[k]);
    return LOC_NONE;
}

static void place_on_edge(resolve *r, uint32_t from, uint32_t to, uint32_t v, ra_loc a, ra_loc b)
{
    if (r->f->blocks[from].nsuccs == 1)
        place_early(r, r->f->blocks[from].end - 1, EDGE_OUT, v, a, b);
    else
        place_early(r, r->f->blocks[to].first, EDGE_IN, v, a, b);
}

/* Where the vreg of piece k is when block p ends; its own register: it stays there. */
static inline ra_loc before_edge(const resolve *r, const pieces *sorted, const piece *here,
                                 uint32_t p)
{
    uint32_t end = POS(r->f->blocks[p].end) - 1;

    return here->start <= end && end < here->end
         ? here->loc : location_at(r->l, sorted->at, sorted->len, end);
}

/* Whether a value had better be loaded once at the start of block b than on several edges to it:
 * what is ever in memory is always there. */
static bool loads_once(const resolve *r, const pieces *sorted, const piece *here, const ra_block *b)
{
    uint32_t nloads = 0;
    float freq = 0;

    for (uint32_t e = 0; e < b->npreds; e++) {
        uint32_t p = r->f->lists[b->preds + e];
        if (loc_is_slot(before_edge(r, sorted, here, p))) {
            nloads++;
            freq += r->f->blocks[p].freq;
        }
    }
    return nloads > 1 && b->freq <= freq * 1.5f;
}

/* The edges into a block at whose start piece k lives, in a register. */
static void join_edges(resolve *r, const pieces *sorted, uint32_t k, uint32_t block)
{
    const piece *here = &r->l->pieces.at[sorted->at[k]];
    const ra_block *b = &r->f->blocks[block];

    count_work(r->l, b->npreds + 1);
    if (b->npreds > 1 && loads_once(r, sorted, here, b)) {
        place_early(r, b->first, EDGE_IN, here->vreg, memory_of(r->l, here->vreg), here->loc);
        return;
    }
    for (uint32_t e = 0; e < b->npreds; e++) {
        uint32_t p = r->f->lists[b->preds + e];
        ra_loc there = before_edge(r, sorted, here, p);
        if (there != LOC_NONE)
            place_on_edge(r, p, block, here->vreg, there, here->loc);
    }
}

/* Only what lives in registers at the start of a block must be brought there. */
static void join_blocks(resolve *r, uint32_t v, pieces *sorted)
{
    linear *l = r->l;
    const ra_block *blocks = r->f->blocks;

    sorted->len = 0;
    for (uint32_t k = l->iv[v].first; k != NONE; k = l->pieces.at[k].next)
        vec_push(l->tmp, sorted, k);
    for (uint32_t k = 0; k < sorted->len; k++) {
        const piece *p = &l->pieces.at[sorted->at[k]];
        if (p->loc == LOC_MEMORY)
            continue;
        for (uint32_t x = p->r0; x < p->r1; x++) {
            uint32_t from = l->ranges.at[x].from, to = l->ranges.at[x].to, b;
            from = from > p->start ? from : p->start;
            to = to < p->end ? to : p->end;
            b = l->block_of[from / 4];
            if (POS(blocks[b].first) < from || (l->iv[v].block == b && k == 0))
                b++;
            for (; b < r->f->nblocks && POS(blocks[b].first) < to; b++)
                join_edges(r, sorted, k, b);
        }
    }
}

static void pass_args(resolve *r, uint32_t block)
{
    linear *l = r->l;
    const ra_func *f = r->f;
    const ra_block *b = &f->blocks[block];
    uint32_t s = b->nsuccs == 1 ? f->lists[b->succs] : 0;

    if (b->nsuccs != 1)
        return;
    for (uint32_t k = 0; k < f->blocks[s].nparams; k++) {
        uint32_t param = f->lists[f->blocks[s].params + k], v = f->lists[b->args + k];
        ra_loc from;
        if (l->iv[param].first == NONE)
            continue;
        from = location_of(r, v, POS(b->end) - 1);
        JIT_REQUIRE(l->tmp->fail, from != LOC_NONE, "an argument that does not live");
        place_on_edge(r, block, s, v, from, location(l, &l->pieces.at[l->iv[param].first]));
    }
    count_work(l, f->blocks[s].nparams);
}

static void join_all(resolve *r)
{
    linear *l = r->l;
    pieces sorted = { NULL, 0, 0 };

    for (uint32_t v = 0; v < r->f->nvregs; v++)
        r->where[v] = LOC_NONE;
    for (uint32_t k = 0; k < l->nfirst; k++) {
        uint32_t v = l->pieces.at[k].vreg;
        const interval *iv = &l->iv[v];
        if (iv->pieces == 1) {
            r->where[v] = location(l, &l->pieces.at[k]);
            continue;
        }
        r->where[v] = LOC_CUT;
        join_pieces(r, v);
        if (iv->def_op == NONE)
            store_param(r, v);
        join_blocks(r, v, &sorted);
    }
    for (uint32_t b = 0; b < r->f->nblocks; b++)
        pass_args(r, b);
}

/* ---- operands in given registers ---- */

static void finish_use(resolve *r, ra_operand *op, ra_loc reg)
{
    place(r, HERE, op->vreg, op->loc, reg);
    op->loc = reg;
    r->f->used |= REG_BIT(reg);
}

static void finish_def(resolve *r, const ra_inst *inst, ra_operand *op)
{
    const interval *iv = &r->l->iv[op->vreg];
    const ra_operand *tie = op->constraint == RA_TIED ? &r->f->ops[inst->ops + op->fixed] : NULL;
    bool fixed = op->constraint == RA_FIXED || (tie && tie->constraint == RA_FIXED);

    if (fixed) {
        ra_loc wanted = op->loc;
        op->loc = tie ? tie->fixed : op->fixed;
        r->f->used |= REG_BIT(op->loc);
        if (iv->first != NONE && loc_is_reg(wanted))
            place(r, AFTER, op->vreg, op->loc, wanted);
    }
    if (iv->slot != NONE && op->kind != RA_TEMP)
        place(r, AFTER, op->vreg, op->loc, LOC_SLOT(iv->slot));
}

static void finish_operands(resolve *r, const ra_inst *inst)
{
    for (uint32_t k = 0; k < inst->nops; k++) {
        ra_operand *op = &r->f->ops[inst->ops + k];
        if (op->vreg == RA_NO_VREG)
            continue;
        if (op->kind > RA_USE_LATE) {
            ra_operand *tie = op->constraint == RA_TIED ? &r->f->ops[inst->ops + op->fixed] : NULL;
            if (tie && tie->constraint != RA_FIXED)
                finish_use(r, tie, op->loc);
            finish_def(r, inst, op);
        } else if (op->constraint == RA_FIXED) {
            finish_use(r, op, op->fixed);
        }
    }
}

/* Operands that are in plain registers for good need no more. */
static inline void finish_inst(resolve *r, uint32_t i)
{
    const ra_inst *inst = &r->f->insts[i];
    ra_operand *op = r->f->ops + inst->ops, *end = op + inst->nops;
    bool plain = true;

    for (; op < end; op++) {
        ra_loc loc;
        if (op->vreg == RA_NO_VREG)
            continue;
        loc = r->where[op->vreg];
        plain &= op->constraint <= RA_ANY && loc_is_reg(loc);
        if (loc != LOC_CUT)
            op->loc = loc;
    }
    if (!plain)
        finish_operands(r, inst);
}

/* An operand that is read where its value is copied to be overwritten. */
static void finish_alias(const ra_func *f, const alias *a)
{
    const ra_inst *inst = &f->insts[a->inst];
    ra_operand *op = &f->ops[a->op];

    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *def = &f->ops[inst->ops + k], *tie;
        if (def->vreg == RA_NO_VREG || def->constraint != RA_TIED || def->kind != RA_DEF)
            continue;
        tie = &f->ops[inst->ops + def->fixed];
        if (tie != op && tie->vreg == op->vreg && tie->constraint != RA_FIXED)
            op->loc = def->loc;
    }
}

/* ---- putting the moves in order ---- */

/* Moves of one place. A fixed operand and a cut may want the same move: it is made once. */
static void emit_group(resolve *r, uint32_t pos, ra_pmove *moves, uint32_t n)
{
    uint32_t count = 0;
    uint64_t seen = 0;

    if (n == 1 && moves->remat == 0 && !(loc_is_slot(moves->from) && loc_is_slot(moves->to))) {
        ra_move m = { pos, moves->vreg, moves->from, moves->to, 0 };
        vec_push(r->l->tmp, &r->f->moves, m);
        return;
    }
    for (uint32_t k = 0; k < n; k++) {
        if (loc_is_reg(moves[k].to)) {
            if (seen & REG_BIT(moves[k].to))
                continue;
            seen |= REG_BIT(moves[k].to);
        }
        moves[count++] = moves[k];
    }
    jit_ra_parallel_move(r->f->env, moves, count, pos, r->f, r->l->tmp);
}

static void emit_moves(resolve *r, uint32_t i)
{
    for (uint32_t k = r->early_of[i]; k != 0; k = r->early.at[k - 1].next)
        vec_push(r->l->tmp, &r->at[r->early.at[k - 1].group], r->early.at[k - 1].move);
    for (uint32_t g = 0; g < GROUPS; g++)
        if (r->at[g].len > 0) {
            count_work(r->l, r->at[g].len);
            emit_group(r, 2 * i + (g == AFTER), r->at[g].at, r->at[g].len);
            r->at[g].len = 0;
        }
}

void jit_ra_resolve(linear *l)
{
    resolve r = { .l = l, .f = l->f };
    ra_func *f = l->f;

    r.where = ARENA_ARRAY_RAW(l->tmp, ra_loc, f->nvregs);
    r.early_of = ARENA_ARRAY(l->tmp, uint32_t, f->ninsts);
    join_all(&r);
    vec_reserve(l->tmp, &f->moves, r.early.len + f->ninsts / 8);
    for (uint32_t i = 0; i < f->ninsts; i++) {
        finish_inst(&r, i);
        if (r.early_of[i] != 0 || r.at[HERE].len + r.at[AFTER].len > 0)
            emit_moves(&r, i);
    }
    count_work(l, f->ninsts);
    for (uint32_t k = 0; k < l->aliases.len; k++)
        finish_alias(f, &l->aliases.at[k]);
}
