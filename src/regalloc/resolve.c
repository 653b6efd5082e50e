/* resolve.c - writes the location of every operand and the moves that join the pieces.
 *
 * Moves are gathered with the place they belong to and sorted; those of one place happen at once.
 * At the start of a block: what the edge brings, then the stores of block parameters; before any
 * instruction: cut intervals changing register, together with the copies for fixed and tied
 * operands, which therefore read where a value was, not where it goes; before the jump of a block
 * with one successor, last: what its edge needs. After an instruction: stores and fixed
 * definitions. */
#include "regalloc/linear.h"

#include <string.h>

enum { EDGE_IN, PARAM_STORE, HERE, EDGE_OUT }; /* order within one ra_move.pos */

typedef struct { uint64_t key; ra_pmove move; } placed;

typedef struct {
    linear *l;
    VEC(placed) moves;
} resolve;

/* LOC_MEMORY: it is made again. */
static ra_loc location(const linear *l, const piece *p)
{
    return p->loc == LOC_MEMORY && !l->iv[p->vreg].remat ? LOC_SLOT(l->iv[p->vreg].slot) : p->loc;
}

static void place(resolve *r, uint32_t pos, uint32_t group, uint32_t vreg, ra_loc from, ra_loc to)
{
    linear *l = r->l;
    placed m = { (uint64_t)pos << 2 | group,
                 { from, to, vreg, l->f->vregs[vreg].width, 0 } };

    if (from == to)
        return;
    if (loc_is_slot(from) && l->iv[vreg].remat) {
        m.move.from = LOC_NONE;
        m.move.remat = l->iv[vreg].def_inst + 1;
    }
    vec_push(l->tmp, &r->moves, m);
}

/* ---- within blocks ---- */

/* Where a copy before the instruction finds the value: still in the piece that ends there. */
static ra_loc source_of_copy(const linear *l, const piece *before, const piece *p, uint32_t pos)
{
    if (before && p->start == pos && before->end == pos && !starts_block(l, pos))
        return location(l, before);
    return location(l, p);
}

static void set_operands(resolve *r, const piece *before, const piece *p)
{
    linear *l = r->l;

    for (uint32_t k = p->u0; k < p->u1; k++) {
        const use *u = &l->uses[k];
        if (u->op == NONE)
            continue;
        l->f->ops[u->op].loc = u->kind == U_COPY && u->pos % 4 == 0
                             ? source_of_copy(l, before, p, u->pos) : location(l, p);
    }
}

static void join_pieces(resolve *r, uint32_t v)
{
    linear *l = r->l;
    const piece *before = NULL;

    for (uint32_t k = l->iv[v].first; k != NONE; k = l->pieces.at[k].next) {
        const piece *p = &l->pieces.at[k];
        set_operands(r, before, p);
        if (before && before->end == p->start && p->loc != LOC_MEMORY && !starts_block(l, p->start))
            place(r, 2 * (p->start / 4), HERE, v, location(l, before), p->loc);
        before = p;
    }
}

static void store_param(resolve *r, uint32_t v)
{
    linear *l = r->l;
    const interval *iv = &l->iv[v];
    const piece *p = &l->pieces.at[iv->first];

    if (iv->slot != NONE && p->loc != LOC_MEMORY)
        place(r, 2 * (p->start / 4), PARAM_STORE, v, p->loc, LOC_SLOT(iv->slot));
}

/* ---- operands in given registers ---- */

static void finish_use(resolve *r, uint32_t i, ra_operand *op, ra_loc reg)
{
    place(r, 2 * i, HERE, op->vreg, op->loc, reg);
    op->loc = reg;
    r->l->f->used |= REG_BIT(reg);
}

static void finish_def(resolve *r, uint32_t i, const ra_inst *inst, ra_operand *op)
{
    linear *l = r->l;
    const interval *iv = &l->iv[op->vreg];
    const ra_operand *tie = op->constraint == RA_TIED ? &l->f->ops[inst->ops + op->fixed] : NULL;
    bool fixed = op->constraint == RA_FIXED || (tie && tie->constraint == RA_FIXED);

    if (fixed) {
        ra_loc wanted = op->loc;
        op->loc = tie ? tie->fixed : op->fixed;
        l->f->used |= REG_BIT(op->loc);
        if (iv->first != NONE && loc_is_reg(wanted))
            place(r, 2 * i + 1, HERE, op->vreg, op->loc, wanted);
    }
    if (iv->slot != NONE && op->kind != RA_TEMP)
        place(r, 2 * i + 1, HERE, op->vreg, op->loc, LOC_SLOT(iv->slot));
}

/* An operand that is read where its value is copied to be overwritten. */
static void finish_alias(resolve *r, const ra_inst *inst, ra_operand *op)
{
    const ra_func *f = r->l->f;

    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *def = &f->ops[inst->ops + k], *tie;
        if (def->vreg == RA_NO_VREG || def->constraint != RA_TIED || def->kind != RA_DEF)
            continue;
        tie = &f->ops[inst->ops + def->fixed];
        if (tie->vreg == op->vreg && tie->constraint != RA_FIXED)
            op->loc = def->loc;
    }
}

static void finish_inst(resolve *r, uint32_t i)
{
    const ra_func *f = r->l->f;
    const ra_inst *inst = &f->insts[i];

    for (uint32_t k = 0; k < inst->nops; k++) {
        ra_operand *op = &f->ops[inst->ops + k];
        if (op->vreg == RA_NO_VREG)
            continue;
        if (op->kind > RA_USE_LATE) {
            if (op->constraint == RA_TIED && f->ops[inst->ops + op->fixed].constraint != RA_FIXED)
                finish_use(r, i, &f->ops[inst->ops + op->fixed], op->loc);
            finish_def(r, i, inst, op);
        } else if (op->constraint == RA_FIXED) {
            finish_use(r, i, op, op->fixed);
        } else if (op->loc == LOC_NONE) {
            finish_alias(r, inst, op);
        }
    }
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

static ra_loc location_of(const linear *l, uint32_t v, uint32_t pos)
{
    for (uint32_t k = l->iv[v].first; k != NONE; k = l->pieces.at[k].next)
        if (l->pieces.at[k].start <= pos && pos < l->pieces.at[k].end)
            return location(l, &l->pieces.at[k]);
    return LOC_NONE;
}

static void place_on_edge(resolve *r, uint32_t from, uint32_t to, uint32_t v, ra_loc a, ra_loc b)
{
    const ra_func *f = r->l->f;

    if (f->blocks[from].nsuccs == 1)
        place(r, 2 * (f->blocks[from].end - 1), EDGE_OUT, v, a, b);
    else
        place(r, 2 * f->blocks[to].first, EDGE_IN, v, a, b);
}

/* The edges into a block at whose start v lives in a register. */
static void join_edges(resolve *r, uint32_t v, const pieces *sorted, uint32_t block, ra_loc here)
{
    linear *l = r->l;
    const ra_block *b = &l->f->blocks[block];

    for (uint32_t k = 0; k < b->npreds; k++) {
        uint32_t p = l->f->lists[b->preds + k];
        ra_loc there = location_at(l, sorted->at, sorted->len, POS(l->f->blocks[p].end) - 1);
        if (there != LOC_NONE)
            place_on_edge(r, p, block, v, there, here);
    }
}

/* Only what lives in registers at the start of a block must be brought there. */
static void join_blocks(resolve *r, uint32_t v, pieces *sorted)
{
    linear *l = r->l;

    sorted->len = 0;
    for (uint32_t k = l->iv[v].first; k != NONE; k = l->pieces.at[k].next)
        vec_push(l->tmp, sorted, k);
    for (uint32_t k = 0; k < sorted->len; k++) {
        const piece *p = &l->pieces.at[sorted->at[k]];
        uint32_t b;
        if (p->loc == LOC_MEMORY)
            continue;
        b = l->block_of[p->start / 4];
        if (POS(l->f->blocks[b].first) < p->start || (l->iv[v].block == b && k == 0))
            b++;
        for (; b < l->f->nblocks && POS(l->f->blocks[b].first) < p->end; b++)
            if (jit_ra_piece_next_live(l, p,
                                       POS(l->f->blocks[b].first)) == POS(l->f->blocks[b].first))
                join_edges(r, v, sorted, b, p->loc);
    }
}

static void pass_args(resolve *r, uint32_t block)
{
    linear *l = r->l;
    const ra_func *f = l->f;
    const ra_block *b = &f->blocks[block];
    uint32_t s = b->nsuccs == 1 ? f->lists[b->succs] : 0;

    if (b->nsuccs != 1)
        return;
    for (uint32_t k = 0; k < f->blocks[s].nparams; k++) {
        uint32_t param = f->lists[f->blocks[s].params + k], v = f->lists[b->args + k];
        ra_loc from;
        if (l->iv[param].first == NONE)
            continue;
        from = location_of(l, v, POS(b->end) - 1);
        JIT_REQUIRE(l->tmp->fail, from != LOC_NONE, "an argument that does not live");
        place_on_edge(r, block, s, v, from, location(l, &l->pieces.at[l->iv[param].first]));
    }
}

/* ---- putting the moves in order ---- */

/* Stable; `b` is room for as many. */
static void sort_few(placed *a, placed *b, uint32_t n)
{
    if (n <= 16) {
        for (uint32_t i = 1; i < n; i++) {
            placed m = a[i];
            uint32_t k = i;
            for (; k > 0 && a[k - 1].key > m.key; k--)
                a[k] = a[k - 1];
            a[k] = m;
        }
        return;
    }
    for (uint32_t width = 1; width < n; width *= 2) {
        for (uint32_t lo = 0; lo < n; lo += 2 * width) {
            uint32_t mid = lo + width < n ? lo + width : n, hi = mid + width < n ? mid + width : n;
            uint32_t i = lo, j = mid;
            for (uint32_t k = lo; k < hi; k++)
                b[k] = j >= hi || (i < mid && a[i].key <= a[j].key) ? a[i++] : a[j++];
        }
        memcpy(a, b, n * sizeof *a);
    }
}

/* By instruction first, then within each. */
static void sort_moves(resolve *r)
{
    uint32_t n = r->moves.len, ninsts = r->l->f->ninsts, sum = 0;
    placed *a = r->moves.at, *b = ARENA_ARRAY_RAW(r->l->tmp, placed, n);
    uint32_t *from = ARENA_ARRAY(r->l->tmp, uint32_t, (size_t)ninsts + 1);

    for (uint32_t k = 0; k < n; k++)
        from[a[k].key >> 3]++;
    for (uint32_t i = 0; i < ninsts; i++) {
        uint32_t count = from[i];
        from[i] = sum;
        sum += count;
    }
    for (uint32_t k = 0; k < n; k++)
        b[from[a[k].key >> 3]++] = a[k];
    for (uint32_t i = 0, begin = 0; i < ninsts; begin = from[i++])
        if (from[i] - begin > 1)
            sort_few(b + begin, a, from[i] - begin);
    r->moves.at = b;
}

/* A value that was just loaded is copied, not loaded once more: calls often pass one twice. */
static void share_loads(ra_func *f, uint32_t first)
{
    ra_loc slot = LOC_NONE; /* from which the move before, or the load that it copied, has read */

    for (uint32_t k = first; k < f->moves.len; k++) {
        ra_move *m = &f->moves.at[k];
        bool loads = loc_is_slot(m->from) && loc_is_reg(m->to) && m->vreg != RA_NO_VREG
                  && m->to != f->env->scratch && m->to != f->env->int_scratch;
        if (loads && m->from == slot && f->moves.at[k - 1].vreg == m->vreg)
            m->from = f->moves.at[k - 1].to;
        else
            slot = loads ? m->from : LOC_NONE;
    }
}

/* Moves of one place. A fixed operand and a cut may want the same move: it is made once. */
static void emit_group(resolve *r, const placed *group, uint32_t n, ra_pmove *moves)
{
    uint32_t count = 0, first = r->l->f->moves.len;
    uint64_t seen = 0;

    for (uint32_t k = 0; k < n; k++) {
        const ra_pmove *m = &group[k].move;
        if (loc_is_reg(m->to)) {
            if (seen & REG_BIT(m->to))
                continue;
            seen |= REG_BIT(m->to);
        }
        moves[count++] = *m;
    }
    jit_ra_parallel_move(r->l->f->env, moves, count, (uint32_t)(group[0].key >> 2), r->l->f,
                         r->l->tmp);
    if (count > 1)
        share_loads(r->l->f, first);
}

static void emit_moves(resolve *r)
{
    ra_pmove *moves = ARENA_ARRAY_RAW(r->l->tmp, ra_pmove, r->moves.len);

    sort_moves(r);
    vec_reserve(r->l->tmp, &r->l->f->moves, r->moves.len + r->moves.len / 4);
    for (uint32_t k = 0, n; k < r->moves.len; k += n) {
        for (n = 1; k + n < r->moves.len && r->moves.at[k + n].key == r->moves.at[k].key; n++)
            continue;
        emit_group(r, r->moves.at + k, n, moves);
    }
}

void jit_ra_resolve(linear *l)
{
    resolve r = { .l = l };
    pieces sorted = { NULL, 0, 0 };
    ra_func *f = l->f;

    for (uint32_t v = 0; v < f->nvregs; v++) {
        if (l->iv[v].first == NONE)
            continue;
        join_pieces(&r, v);
        if (l->iv[v].def_op == NONE)
            store_param(&r, v);
        if (l->iv[v].pieces > 1)
            join_blocks(&r, v, &sorted);
    }
    for (uint32_t b = 0; b < f->nblocks; b++)
        pass_args(&r, b);
    for (uint32_t i = 0; i < f->ninsts; i++)
        finish_inst(&r, i);
    emit_moves(&r);
}
