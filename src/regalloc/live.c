/* live.c - builds the intervals: where each virtual register is needed, and by whom.
 *
 * Liveness between blocks is found value by value, walking from each use up to the definition: work
 * in proportion to the answer, and right for any graph. The answer itself can be quadratic, so
 * under a budget; values beyond it count as live in all blocks from the definition to the last use,
 * stretched over every backward edge. Then one pass from the last instruction to the first makes
 * ranges, uses and reservations. */
#include "regalloc/linear.h"

#include <string.h>

typedef struct { uint32_t from, to, next; } node;
typedef struct { uint32_t vreg, next; } live_out;
typedef struct { uint32_t block, next; } crossing; /* of one vreg, linked; next: + 1 */

typedef struct {
    linear *l;
    const ra_func *f;
    arena *tmp;
    uint32_t *nuses;        /* by vreg */
    uint32_t *head;         /* by vreg: node of its first range + 1 */
    uint32_t *nranges;
    uint32_t *stretched;    /* by vreg: end of its one range; 0: not stretched */
    uint32_t *outs;         /* by block: live_out + 1 */
    VEC(node) nodes;
    VEC(live_out) out;
    VEC(crossing) crossings;/* other blocks that read a vreg */
    uint32_t *crossing_of;  /* by vreg: its last one + 1 */
    VEC(uint32_t) crossers; /* vregs that have any */
} live;

static bool is_use(const ra_operand *op)
{
    return op->kind <= RA_USE_LATE;
}

/* ---- definitions, and uses in other blocks ---- */

/* v is read in block b; noted when another block defines it. */
static inline void note_use(live *lv, uint32_t v, uint32_t b)
{
    crossing c = { b, lv->crossing_of[v] };

    lv->nuses[v]++;
    if (lv->l->iv[v].block == b || (c.next != 0 && lv->crossings.at[c.next - 1].block == b))
        return;
    if (c.next == 0)
        vec_push(lv->tmp, &lv->crossers, v);
    vec_push(lv->tmp, &lv->crossings, c);
    lv->crossing_of[v] = lv->crossings.len;
}

static void note_inst(live *lv, uint32_t b, uint32_t i)
{
    const ra_func *f = lv->f;
    const ra_inst *inst = &f->insts[i];
    const ra_operand *op = f->ops + inst->ops;

    for (uint32_t k = 0; k < inst->nops; k++, op++) {
        interval *iv;
        if (op->vreg == RA_NO_VREG)
            continue;
        if (is_use(op)) {
            note_use(lv, op->vreg, b);
            continue;
        }
        lv->nuses[op->vreg]++;
        iv = &lv->l->iv[op->vreg];
        lv->l->order[lv->l->norder++] = op->vreg;
        iv->def_op = inst->ops + k;
        iv->def_inst = i;
        iv->block = b;
        iv->remat = (inst->flags & RA_REMAT) != 0;
    }
}

/* In the order of blocks each definition comes before what reads it. */
static void note_all(live *lv)
{
    linear *l = lv->l;
    const ra_func *f = lv->f;

    for (uint32_t v = 0; v < f->nvregs; v++) {
        interval none = { 0, 0, 0, 0, NONE, 0, NONE, 0, NONE, NONE, NONE, NONE, f->vregs[v].hint,
                          0xff,
                          false, false };
        l->iv[v] = none;
    }
    for (uint32_t b = 0; b < f->nblocks; b++) {
        const ra_block *bl = &f->blocks[b];
        for (uint32_t k = 0; k < bl->nparams; k++) {
            l->iv[f->lists[bl->params + k]].block = b;
            l->iv[f->lists[bl->params + k]].def_inst = k;
            l->order[l->norder++] = f->lists[bl->params + k];
        }
        for (uint32_t i = bl->first; i < bl->end; i++) {
            l->block_of[i] = b;
            note_inst(lv, b, i);
        }
        if (bl->nsuccs == 1)
            for (uint32_t k = 0; k < f->blocks[f->lists[bl->succs]].nparams; k++)
                note_use(lv, f->lists[bl->args + k], b);
    }
}

/* ---- liveness between blocks ---- */

typedef struct { uint32_t *seen_in, *seen_out, *stack; uint64_t budget; } walk;

/* Walks up from the blocks that use v. False: the budget is used up (what was noted stays
 * valid). */
static bool walk_up(live *lv, walk *w, uint32_t v)
{
    const ra_func *f = lv->f;
    uint32_t depth = 0, def = lv->l->iv[v].block;

    for (uint32_t k = lv->crossing_of[v]; k != 0; k = lv->crossings.at[k - 1].next) {
        uint32_t b = lv->crossings.at[k - 1].block;
        w->seen_in[b] = v + 1;
        w->stack[depth++] = b;
    }
    while (depth > 0) {
        const ra_block *b = &f->blocks[w->stack[--depth]];
        for (uint32_t k = 0; k < b->npreds; k++) {
            uint32_t p = f->lists[b->preds + k];
            live_out o = { v, lv->outs[p] };
            if (w->seen_out[p] == v + 1)
                continue;
            w->seen_out[p] = v + 1;
            if (w->budget-- == 0)
                return false;
            vec_push(lv->tmp, &lv->out, o);
            lv->outs[p] = lv->out.len;
            if (p != def && w->seen_in[p] != v + 1) {
                w->seen_in[p] = v + 1;
                w->stack[depth++] = p;
            }
        }
    }
    return true;
}

/* Then a definition comes before all blocks that it dominates. */
static bool has_earlier_preds(const ra_func *f)
{
    for (uint32_t b = 1; b < f->nblocks; b++) {
        const ra_block *bl = &f->blocks[b];
        bool earlier = false;
        for (uint32_t k = 0; k < bl->npreds && !earlier; k++)
            earlier = f->lists[bl->preds + k] < b;
        if (!earlier)
            return false;
    }
    return true;
}

/* Per block, the last block that jumps back to it; by doubling steps of 2^k blocks. */
typedef struct { uint32_t *most[32]; uint32_t levels; } back_edges;

static back_edges find_back_edges(live *lv)
{
    const ra_func *f = lv->f;
    back_edges e = { { NULL }, 1 };

    e.most[0] = ARENA_ARRAY(lv->tmp, uint32_t, f->nblocks);
    for (uint32_t b = 0; b < f->nblocks; b++)
        for (uint32_t k = 0; k < f->blocks[b].npreds; k++) {
            uint32_t p = f->lists[f->blocks[b].preds + k];
            if (p >= b && e.most[0][b] < p)
                e.most[0][b] = p;
        }
    for (uint32_t step = 1; step * 2 <= f->nblocks; step *= 2, e.levels++) {
        const uint32_t *lower = e.most[e.levels - 1];
        uint32_t *most = ARENA_ARRAY_RAW(lv->tmp, uint32_t, f->nblocks);
        for (uint32_t b = 0; b < f->nblocks; b++) {
            uint32_t other = b + step < f->nblocks ? lower[b + step] : 0;
            most[b] = lower[b] > other ? lower[b] : other;
        }
        e.most[e.levels] = most;
    }
    return e;
}

/* The largest source of an edge back to blocks from .. to. */
static uint32_t most_back(const back_edges *e, uint32_t from, uint32_t to)
{
    uint32_t k = 0, a, b;

    if (from > to)
        return 0;
    while (k + 1 < e->levels && ((uint32_t)2 << k) <= to - from + 1)
        k++;
    a = e->most[k][from];
    b = e->most[k][to + 1 - ((uint32_t)1 << k)];
    return a > b ? a : b;
}

static void stretch(live *lv, const back_edges *e, uint32_t v)
{
    uint32_t def = lv->l->iv[v].block, last = def;

    for (uint32_t k = lv->crossing_of[v]; k != 0; k = lv->crossings.at[k - 1].next)
        if (lv->crossings.at[k - 1].block > last)
            last = lv->crossings.at[k - 1].block;
    for (;;) {
        uint32_t more = most_back(e, def + 1, last);
        if (more <= last)
            break;
        last = more;
    }
    lv->stretched[v] = POS(lv->f->blocks[last].end);
}

static void find_live_outs(live *lv)
{
    const ra_func *f = lv->f;
    walk w;
    back_edges back = { { NULL }, 0 };

    w.seen_in = ARENA_ARRAY(lv->tmp, uint32_t, f->nblocks);
    w.seen_out = ARENA_ARRAY(lv->tmp, uint32_t, f->nblocks);
    w.stack = ARENA_ARRAY_RAW(lv->tmp, uint32_t, f->nblocks);
    w.budget = (uint64_t)f->nblocks * 32 + (uint64_t)f->nops * 4;
    for (uint32_t k = 0; k < lv->crossers.len; k++) {
        uint32_t v = lv->crossers.at[k];
        if (lv->l->iv[v].block == NONE)
            continue;
        if (back.levels == 0 && walk_up(lv, &w, v))
            continue;
        if (back.levels == 0)
            back = find_back_edges(lv);
        stretch(lv, &back, v);
    }
}

/* ---- ranges and uses ---- */

/* v is needed in [from, to), where all that is known of it lies at or after from. */
static void add_range(live *lv, uint32_t v, uint32_t from, uint32_t to)
{
    uint32_t h = lv->head[v];
    node n = { from, to, h };

    if (lv->stretched[v] != 0 && h != 0)
        return;
    if (h != 0 && lv->nodes.at[h - 1].from <= to) {
        node *old = &lv->nodes.at[h - 1];
        old->from = from < old->from ? from : old->from;
        return;
    }
    if (lv->stretched[v] != 0)
        n.to = lv->stretched[v];
    vec_push(lv->tmp, &lv->nodes, n);
    lv->head[v] = lv->nodes.len;
    lv->nranges[v]++;
}

static void add_def(live *lv, uint32_t v, uint32_t from, uint32_t least)
{
    if (lv->head[v] == 0)
        add_range(lv, v, from, least);
    lv->nodes.at[lv->head[v] - 1].from = from;
    if (lv->nodes.at[lv->head[v] - 1].to < least)
        lv->nodes.at[lv->head[v] - 1].to = least;
}

static void add_use(live *lv, uint32_t v, uint32_t pos, uint32_t op, uint8_t kind, float freq)
{
    use u = { pos, op, freq, kind };

    lv->l->uses[--lv->l->iv[v].u0] = u;
}

static void reserve(live *lv, uint8_t reg, uint32_t from, uint32_t to, uint32_t v)
{
    reservation r = { from, to, v };

    vec_push(lv->tmp, &lv->l->fixed[reg], r);
}

static void add_hint(live *lv, uint32_t v, uint8_t reg)
{
    if (lv->l->iv[v].hint == 0xff)
        lv->l->iv[v].hint = reg;
}

/* `to` is a copy of `from`, or made in its place. Backwards, so the last use of `from` comes
 * first. */
static void add_partners(live *lv, uint32_t from, uint32_t to)
{
    interval *a = &lv->l->iv[from], *b = &lv->l->iv[to];

    if (a->target == NONE)
        a->target = to;
    if (a->hint == 0xff)
        a->hint = b->hint;
    b->source = from;
}

static void visit_write(live *lv, const ra_inst *inst, uint32_t i, uint32_t k, float freq)
{
    ra_operand *op = &lv->f->ops[inst->ops + k];
    const ra_operand *tie = op->constraint == RA_TIED ? &lv->f->ops[inst->ops + op->fixed] : NULL;
    uint32_t p = POS(i), v = op->vreg;

    if (op->constraint == RA_FIXED || (tie && tie->constraint == RA_FIXED)) {
        uint8_t reg = tie ? tie->fixed : op->fixed;
        bool early = op->kind != RA_DEF;
        reserve(lv, reg, early ? p : p + 2, p + 3, v);
        if (lv->head[v] == 0)
            return; /* nobody reads it: it needs no other place */
        add_hint(lv, v, reg);
        add_def(lv, v, p + 2, p + 3);
        add_use(lv, v, p + 2, inst->ops + k, U_COPY, freq);
    } else if (op->kind == RA_DEF && !tie) {
        add_def(lv, v, p + 2, p + 3);
        add_use(lv, v, p + 2, inst->ops + k, U_DEF, freq);
    } else {
        add_def(lv, v, p, p + 3);
        add_use(lv, v, p, inst->ops + k, U_BOTH, freq);
    }
}

static void visit_read(live *lv, const ra_inst *inst, uint32_t i, uint32_t k, uint32_t start,
                       float freq)
{
    ra_operand *op = &lv->f->ops[inst->ops + k];
    uint32_t p = POS(i), v = op->vreg;
    bool late = op->kind == RA_USE_LATE;
    uint8_t kind;

    if (late && op->constraint == RA_ANY && inst->clobber)
        lv->l->iv[v].remat = false; /* perhaps only a slot survives */
    kind = op->constraint == RA_ANY && !lv->l->iv[v].remat && op->width <= lv->f->vregs[v].width
         ? U_ANY : late ? U_BOTH : U_EARLY;
    add_range(lv, v, start, late ? p + 3 : p + 2);
    add_use(lv, v, late ? p + 2 : p + 1, inst->ops + k, kind, freq);
    if (inst->flags & RA_MOVE)
        add_partners(lv, v, lv->f->ops[inst->ops].vreg);
}

static void visit_copied(live *lv, const ra_inst *inst, uint32_t i, uint32_t k, uint32_t def,
                         uint32_t start, float freq)
{
    ra_operand *op = &lv->f->ops[inst->ops + k];
    uint32_t p = POS(i), v = op->vreg;

    add_range(lv, v, start, p > start ? p : p + 1);
    add_use(lv, v, p, inst->ops + k, U_COPY, freq);
    if (op->constraint == RA_FIXED) {
        reserve(lv, op->fixed, p, op->kind == RA_USE_LATE ? p + 3 : p + 2, v);
        add_hint(lv, v, op->fixed);
    } else {
        add_partners(lv, v, lv->f->ops[def].vreg);
    }
}

/* The operand of the instruction that is tied to operand k; NONE. */
static uint32_t tied_to(const ra_func *f, const ra_inst *inst, uint32_t k)
{
    for (uint32_t d = 0; d < inst->nops; d++) {
        const ra_operand *op = &f->ops[inst->ops + d];
        if (op->vreg != RA_NO_VREG && op->constraint == RA_TIED && op->fixed == k)
            return inst->ops + d;
    }
    return NONE;
}

/* Whether the operand may as well be read where its value is copied to be overwritten. */
static bool is_alias(const ra_func *f, const ra_inst *inst, const ra_operand *op)
{
    if (op->kind != RA_USE || op->constraint == RA_FIXED)
        return false;
    for (uint32_t d = 0; d < inst->nops; d++) {
        const ra_operand *def = &f->ops[inst->ops + d];
        if (def->vreg != RA_NO_VREG && def->constraint == RA_TIED && def->kind == RA_DEF) {
            const ra_operand *tie = &f->ops[inst->ops + def->fixed];
            if (tie != op && tie->vreg == op->vreg && tie->constraint != RA_FIXED)
                return true;
        }
    }
    return false;
}

static void visit_inst(live *lv, uint32_t i, const ra_block *b)
{
    const ra_func *f = lv->f;
    const ra_inst *inst = &f->insts[i];
    bool has_copies = false, has_ties = false, has_late = false;

    if (inst->clobber) {
        for (; lv->l->max_clobber < inst->clobber; lv->l->max_clobber++)
            memset(&lv->l->clobbers[lv->l->max_clobber + 1], 0, sizeof lv->l->clobbers[0]);
        vec_push(lv->tmp, &lv->l->clobbers[inst->clobber], i);
    }
    for (uint32_t k = 0; k < inst->nops; k++) {
        const ra_operand *op = &f->ops[inst->ops + k];
        has_ties |= op->vreg != RA_NO_VREG && op->constraint == RA_TIED;
        has_copies |= op->vreg != RA_NO_VREG && op->constraint >= RA_FIXED;
        has_late |= op->kind == RA_USE_LATE;
        if (op->vreg != RA_NO_VREG && !is_use(op))
            visit_write(lv, inst, i, k, b->freq);
    }
    for (uint8_t kind = has_late ? RA_USE_LATE + 1 : RA_USE + 1; kind-- > 0;) /* late ones first */
        for (uint32_t k = inst->nops; k-- > 0;) {
            ra_operand *op = &f->ops[inst->ops + k];
            if (op->vreg == RA_NO_VREG || op->kind != kind
                || is_copied(op, has_ties && tied_to(f, inst, k) != NONE))
                continue;
            op->loc = LOC_NONE;
            if (!has_ties || !is_alias(f, inst, op))
                visit_read(lv, inst, i, k, POS(b->first), b->freq);
        }
    if (has_copies)
        for (uint32_t k = inst->nops; k-- > 0;) {
            const ra_operand *op = &f->ops[inst->ops + k];
            uint32_t tie = has_ties ? tied_to(f, inst, k) : NONE;
            if (op->vreg != RA_NO_VREG && is_copied(op, tie != NONE))
                visit_copied(lv, inst, i, k, tie, POS(b->first), b->freq);
        }
}

static void visit_block(live *lv, uint32_t block)
{
    const ra_func *f = lv->f;
    const ra_block *b = &f->blocks[block];
    uint32_t start = POS(b->first), end = POS(b->end);

    for (uint32_t o = lv->outs[block]; o != 0; o = lv->out.at[o - 1].next)
        add_range(lv, lv->out.at[o - 1].vreg, start, end);
    if (b->nsuccs == 1) {
        const ra_block *to = &f->blocks[f->lists[b->succs]];
        for (uint32_t k = to->nparams; k-- > 0;) {
            uint32_t v = f->lists[b->args + k], param = f->lists[to->params + k];
            add_range(lv, v, start, end);
            add_use(lv, v, end - 1, NONE, U_END, b->freq);
            /* the source is the argument of the first predecessor in order */
            add_partners(lv, v, param);
        }
    }
    for (uint32_t i = b->end; i-- > b->first;)
        visit_inst(lv, i, b);
    for (uint32_t k = 0; k < b->nparams; k++)
        if (lv->head[f->lists[b->params + k]] != 0)
            add_def(lv, f->lists[b->params + k], start, start + 1);
}

/* ---- the result ---- */

static void lay_out_ranges(live *lv)
{
    linear *l = lv->l;

    l->ranges = ARENA_ARRAY_RAW(lv->tmp, range, lv->nodes.len);
    for (uint32_t v = 0, at = 0; v < lv->f->nvregs; v++) {
        l->iv[v].r0 = at;
        for (uint32_t n = lv->head[v]; n != 0; n = lv->nodes.at[n - 1].next) {
            range r = { lv->nodes.at[n - 1].from, lv->nodes.at[n - 1].to };
            l->ranges[at++] = r;
        }
        l->iv[v].r1 = at;
    }
}

static void reverse_positions(live *lv)
{
    linear *l = lv->l;

    for (uint32_t r = 0; r < 64; r++)
        for (uint32_t a = 0, b = l->fixed[r].len; a + 1 < b; a++, b--) {
            reservation t = l->fixed[r].at[a];
            l->fixed[r].at[a] = l->fixed[r].at[b - 1];
            l->fixed[r].at[b - 1] = t;
        }
    for (uint32_t c = 1; c <= l->max_clobber; c++)
        for (uint32_t a = 0, b = l->clobbers[c].len; a + 1 < b; a++, b--) {
            uint32_t t = l->clobbers[c].at[a];
            l->clobbers[c].at[a] = l->clobbers[c].at[b - 1];
            l->clobbers[c].at[b - 1] = t;
        }
}

/* First pieces in the order of their starts. note_all has listed the vregs in the order of their
 * definitions; only those of one instruction may start in another one. */
static void make_pieces(live *lv)
{
    linear *l = lv->l;
    uint32_t n = l->norder;

    vec_reserve(lv->tmp, &l->pieces, lv->f->nvregs + lv->f->nvregs / 2);
    l->norder = 0;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t v = l->order[k], at = l->norder, start;
        interval *iv = &l->iv[v];
        if (iv->r0 == iv->r1)
            continue;
        start = l->ranges[iv->r0].from;
        iv->first = l->pieces.len;
        iv->pieces = 1;
        vec_push(lv->tmp, &l->pieces, jit_ra_piece_whole(l, v));
        jit_ra_piece_weigh(l, iv->first);
        for (; at > 0 && l->pieces.at[l->iv[l->order[at - 1]].first].start > start; at--)
            l->order[at] = l->order[at - 1];
        l->order[at] = v;
        l->norder++;
    }
}

void jit_ra_live_build(linear *l)
{
    live lv = { .l = l, .f = l->f, .tmp = l->tmp };
    uint32_t n = l->f->nvregs, total = 0;

    l->iv = ARENA_ARRAY_RAW(l->tmp, interval, n);
    l->block_of = ARENA_ARRAY_RAW(l->tmp, uint32_t, l->f->ninsts);
    l->order = ARENA_ARRAY_RAW(l->tmp, uint32_t, n);
    lv.nuses = ARENA_ARRAY(l->tmp, uint32_t, n);
    lv.head = ARENA_ARRAY(l->tmp, uint32_t, n);
    lv.nranges = ARENA_ARRAY(l->tmp, uint32_t, n);
    lv.stretched = ARENA_ARRAY(l->tmp, uint32_t, n);
    lv.crossing_of = ARENA_ARRAY(l->tmp, uint32_t, n);
    lv.outs = ARENA_ARRAY(l->tmp, uint32_t, l->f->nblocks);
    JIT_REQUIRE(l->tmp->fail, has_earlier_preds(l->f), "blocks out of order");
    note_all(&lv);
    vec_reserve(l->tmp, &lv.nodes, n);
    find_live_outs(&lv);
    for (uint32_t v = 0; v < n; v++) {
        total += lv.nuses[v];
        l->iv[v].u0 = l->iv[v].u1 = total;
    }
    l->uses = ARENA_ARRAY_RAW(l->tmp, use, total);
    for (uint32_t b = l->f->nblocks; b-- > 0;)
        visit_block(&lv, b);
    lay_out_ranges(&lv);
    reverse_positions(&lv);
    make_pieces(&lv);
}
