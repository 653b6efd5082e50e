/* live.c - builds the intervals: where each virtual register is needed, and by whom.
 *
 * One pass over the instructions notes uses and reservations. A vreg that only its own block
 * reads has one range, known at once. For the others, liveness between blocks is found for 64 at a
 * time, walking from the blocks that read them up to the definitions: work in proportion to the
 * blocks where any of them lives, and right for any graph. That can be quadratic, so under a
 * budget; values beyond it count as live in all blocks from the definition to the last use,
 * stretched over every backward edge. */
#include "regalloc/linear.h"

#include <string.h>

/* Block that reads a vreg of another one: until `end`. next: + 1, an earlier block. */
typedef struct { uint32_t block, end, next; } crossing;

typedef struct { uint32_t from, to; } partners; /* vregs */

/* Blocks, to be taken from the last to the first. sum: bit w of words that are not 0. */
typedef struct { uint64_t *word, *sum; uint32_t top; } block_set;

/* At a block, of a group of up to 64 vregs (as bits) those that live at its start, that live at its
 * end, and that it defines. */
typedef struct { uint64_t in, out, defs; } reach;
typedef struct { uint32_t from, to, next; } node; /* a range; next: + 1, the one after it */

/* Per block, the last block that jumps back to it; by doubling steps of 2^k blocks. */
typedef struct { uint32_t *most[32]; uint32_t levels; } back_edges;

typedef struct {
    linear *l;
    const ra_func *f;
    arena *tmp;
    float freq;              /* of the block at hand */
    uint32_t block, start;   /* it, and its first position */
    VEC(crossing) crossings;
    uint32_t *crossing_of;   /* by vreg: its last one + 1 */
    VEC(uint32_t) crossers;  /* vregs that have any */
    uint32_t *defined;       /* vregs in the order of their definitions */
    uint32_t ndefined;
    partners *partners;
    uint32_t npartners, partners_room;
    uint32_t last_reserved[64]; /* by register */
    /* of the walk */
    block_set todo, seen;
    reach *at;               /* by block */
    VEC(node) nodes;         /* ranges of the group's vregs */
    uint32_t *node_of;       /* by vreg: its first one + 1 */
    uint64_t budget;
    back_edges back;
} live;

/* ---- uses and reservations ---- */

static inline use *new_use(live *lv, interval *iv, uint32_t kind)
{
    iv->sum += lv->freq * use_weight[kind];
    return lv->l->uses + iv->u1++;
}

static inline void set_use(use *u, uint32_t pos, uint32_t op, uint32_t kind)
{
    u->pos = pos;
    u->op = op & NO_OPERAND;
    u->kind = kind & 7;
}

static inline void add_def(live *lv, interval *iv, uint32_t pos, uint32_t op, uint32_t kind)
{
    set_use(new_use(lv, iv, kind), pos, op, kind);
}

static inline void add_use(live *lv, interval *iv, uint32_t pos, uint32_t op, uint32_t kind)
{
    use *u = new_use(lv, iv, kind), *first = lv->l->uses + iv->u0;

    for (; u > first && u[-1].pos > pos; u--) /* another operand of the instruction */
        u[0] = u[-1];
    set_use(u, pos, op, kind);
}

/* v is needed in this block until `end`. */
static inline void need(live *lv, uint32_t v, interval *iv, uint32_t end)
{
    crossing c;

    if (iv->block == lv->block) {
        iv->end = end > iv->end ? end : iv->end;
        return;
    }
    JIT_REQUIRE(lv->tmp->fail, iv->block != NONE, "a use without a definition before it");
    c.block = lv->block, c.end = end, c.next = lv->crossing_of[v];
    if (c.next == 0) {
        vec_push(lv->tmp, &lv->crossers, v);
    } else if (lv->crossings.at[c.next - 1].block == lv->block) {
        crossing *old = &lv->crossings.at[c.next - 1];
        old->end = end > old->end ? end : old->end;
        return;
    }
    vec_push(lv->tmp, &lv->crossings, c);
    lv->crossing_of[v] = lv->crossings.len;
}

static void reserve(live *lv, uint8_t reg, uint32_t from, uint32_t to, uint32_t v)
{
    linear *l = lv->l;
    reservation r = { REG_BIT(reg), from, to, v, NONE };
    uint32_t k = l->reserved.len, last = lv->last_reserved[reg];

    if (last == NONE) {
        l->first_reserved[reg] = k;
    } else {
        l->reserved.at[last].next = k;
        if (l->reserved.at[last].from > from) { /* reading was noted after writing */
            reservation *later = &l->reserved.at[last];
            r.from = later->from, r.to = later->to, r.vreg = later->vreg;
            later->from = from, later->to = to, later->vreg = v;
        }
    }
    lv->last_reserved[reg] = k;
    vec_push(lv->tmp, &l->reserved, r);
}

static void note_clobber(live *lv, uint32_t i, uint32_t set)
{
    linear *l = lv->l;
    reservation r = { lv->f->clobbers[set], POS(i) + 2, POS(i) + 3, NONE, NONE };

    for (; l->max_clobber < set; l->max_clobber++)
        memset(&l->clobbers[l->max_clobber + 1], 0, sizeof l->clobbers[0]);
    vec_push(lv->tmp, &l->clobbers[set], i);
    vec_push(lv->tmp, &l->reserved, r);
}

static void add_hint(live *lv, uint32_t v, uint8_t reg)
{
    if (lv->f->vregs[v].hint == 0xff)
        lv->l->iv[v].hint = reg;
}

/* `to` is a copy of `from`, or made in its place. */
static void add_partners(live *lv, uint32_t from, uint32_t to)
{
    lv->partners[lv->npartners].from = from;
    lv->partners[lv->npartners++].to = to;
    lv->l->iv[from].target = to;
    if (lv->l->iv[to].source == NONE)
        lv->l->iv[to].source = from;
}

static inline void note_write(live *lv, const ra_inst *inst, uint32_t i, const ra_operand *op)
{
    const ra_operand *tie = op->constraint == RA_TIED ? &lv->f->ops[inst->ops + op->fixed] : NULL;
    uint32_t p = POS(i), o = (uint32_t)(op - lv->f->ops);
    interval *iv = &lv->l->iv[op->vreg];

    lv->defined[lv->ndefined++] = op->vreg;
    iv->def_op = o;
    iv->def_inst = i;
    iv->block = lv->block;
    iv->remat = (inst->flags & RA_REMAT) != 0;
    iv->end = p + 3;
    iv->start = p + 2;
    if (op->constraint == RA_FIXED || (tie && tie->constraint == RA_FIXED)) {
        uint8_t reg = tie ? tie->fixed : op->fixed;
        reserve(lv, reg, op->kind != RA_DEF ? p : p + 2, p + 3, op->vreg);
        add_def(lv, iv, p + 2, o, U_COPY);
        add_hint(lv, op->vreg, reg);
    } else if (op->kind == RA_DEF && !tie) {
        add_def(lv, iv, p + 2, o, U_DEF);
    } else {
        iv->start = p;
        add_def(lv, iv, p, o, U_BOTH);
    }
}

static inline void note_read(live *lv, const ra_inst *inst, uint32_t i, const ra_operand *op)
{
    uint32_t p = POS(i), v = op->vreg, kind = U_EARLY, late = 0;
    interval *iv = &lv->l->iv[v];

    if (op->kind == RA_USE_LATE) {
        kind = U_BOTH;
        late = 1;
        if (op->constraint == RA_ANY && inst->clobber)
            iv->remat = false; /* perhaps only a slot survives */
    }
    if (op->constraint == RA_ANY && !iv->remat && op->width <= lv->f->vregs[v].width)
        kind = U_ANY;
    need(lv, v, iv, p + 2 + late);
    add_use(lv, iv, p + 1 + late, (uint32_t)(op - lv->f->ops), kind);
    if (inst->flags & RA_MOVE)
        add_partners(lv, v, lv->f->ops[inst->ops].vreg);
}

static inline void note_copied(live *lv, uint32_t i, const ra_operand *op, uint32_t def)
{
    uint32_t p = POS(i), v = op->vreg;

    need(lv, v, &lv->l->iv[v], p > lv->start ? p : p + 1);
    add_use(lv, &lv->l->iv[v], p, (uint32_t)(op - lv->f->ops), U_COPY);
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

static inline void note_inst(live *lv, uint32_t i)
{
    const ra_inst *inst = &lv->f->insts[i];
    const ra_operand *first = lv->f->ops + inst->ops, *end = first + inst->nops;
    bool has_ties = false, reads = false;

    lv->l->block_of[i] = lv->block;
    for (const ra_operand *op = first; op < end; op++) {
        if (op->kind <= RA_USE_LATE) {
            reads = true;
        } else if (op->vreg != RA_NO_VREG) {
            has_ties |= op->constraint == RA_TIED;
            note_write(lv, inst, i, op);
        }
    }
    for (const ra_operand *op = first; op < end && reads; op++) {
        uint32_t def = NONE;
        if (op->kind > RA_USE_LATE || op->vreg == RA_NO_VREG)
            continue;
        if (has_ties) {
            alias a = { i, (uint32_t)(op - lv->f->ops) };
            def = tied_to(lv->f, inst, (uint32_t)(op - first));
            if (def == NONE && is_alias(lv->f, inst, op)) {
                vec_push(lv->tmp, &lv->l->aliases, a);
                continue;
            }
        }
        if (def != NONE || op->constraint == RA_FIXED)
            note_copied(lv, i, op, def);
        else
            note_read(lv, inst, i, op);
    }
    if (inst->clobber)
        note_clobber(lv, i, inst->clobber);
}

/* In the order of blocks each definition comes before what reads it. */
static void note_block(live *lv, uint32_t block)
{
    linear *l = lv->l;
    const ra_func *f = lv->f;
    const ra_block *b = &f->blocks[block];
    bool earlier = block == 0;

    lv->block = block;
    lv->start = POS(b->first);
    lv->freq = b->freq;
    for (uint32_t k = 0; k < b->npreds && !earlier; k++)
        earlier = f->lists[b->preds + k] < block;
    /* then a definition comes before all blocks that it dominates */
    JIT_REQUIRE(lv->tmp->fail, earlier, "blocks out of order");
    for (uint32_t k = 0; k < b->nparams; k++) {
        interval *iv = &l->iv[f->lists[b->params + k]];
        lv->defined[lv->ndefined++] = f->lists[b->params + k];
        iv->block = block;
        iv->def_inst = k;
        iv->start = lv->start;
        iv->end = lv->start + 1;
    }
    for (uint32_t i = b->first; i < b->end; i++)
        note_inst(lv, i);
    if (b->nsuccs == 1) {
        const ra_block *to = &f->blocks[f->lists[b->succs]];
        for (uint32_t k = 0; k < to->nparams; k++) {
            uint32_t v = f->lists[b->args + k];
            need(lv, v, &l->iv[v], POS(b->end));
            add_use(lv, &l->iv[v], POS(b->end) - 1, NO_OPERAND, U_END);
            /* the source is the argument of the first predecessor in order */
            add_partners(lv, v, f->lists[to->params + k]);
        }
    }
    count_work(l, b->end - b->first + 1);
}

/* How many uses each vreg can have gives all their places. */
static void share_out_uses(live *lv)
{
    linear *l = lv->l;
    const ra_func *f = lv->f;
    uint32_t total = 0, nargs = 0;

    for (uint32_t v = 0; v < f->nvregs; v++) {
        interval none = { .first = NONE, .def_op = NONE, .block = NONE, .source = NONE,
                          .target = NONE, .slot = NONE, .hint = f->vregs[v].hint, .last = 0xff };
        l->iv[v] = none;
    }
    for (uint32_t k = 0; k < f->nops; k++)
        if (f->ops[k].vreg != RA_NO_VREG)
            l->iv[f->ops[k].vreg].u1++;
    for (uint32_t b = 0; b < f->nblocks; b++)
        if (f->blocks[b].nsuccs == 1) {
            uint32_t n = f->blocks[f->lists[f->blocks[b].succs]].nparams;
            nargs += n;
            for (uint32_t k = 0; k < n; k++)
                l->iv[f->lists[f->blocks[b].args + k]].u1++;
        }
    for (uint32_t v = 0; v < f->nvregs; v++) {
        uint32_t n = l->iv[v].u1;
        l->iv[v].u0 = l->iv[v].u1 = total;
        total += n;
    }
    l->uses = ARENA_ARRAY_RAW(lv->tmp, use, total);
    lv->partners_room = f->nops + nargs;
    lv->partners = ARENA_ARRAY_RAW(lv->tmp, partners, lv->partners_room);
}

/* What is copied would like to be where the copy goes, which it may want for the same reason. */
static void follow_partners(live *lv)
{
    interval *iv = lv->l->iv;

    for (uint32_t k = lv->npartners; k-- > 0;)
        if (iv[lv->partners[k].from].hint == 0xff)
            iv[lv->partners[k].from].hint = iv[lv->partners[k].to].hint;
}

/* ---- liveness between blocks ---- */

static inline void add_block(block_set *s, uint32_t b)
{
    uint64_t *word = &s->word[b / 64], bit = (uint64_t)1 << b % 64;

    if (*word == 0) {
        s->sum[b / 4096] |= (uint64_t)1 << b / 64 % 64;
        s->top = s->top > b / 4096 ? s->top : b / 4096;
    }
    *word |= bit;
}

static uint32_t highest(uint64_t x)
{
    return 63 - (uint32_t)__builtin_clzll(x);
}

/* NONE: there is none. */
static inline uint32_t take_last(block_set *s)
{
    uint32_t w, bit;

    for (; s->sum[s->top] == 0; s->top--)
        if (s->top == 0)
            return NONE;
    w = s->top * 64 + highest(s->sum[s->top]);
    bit = highest(s->word[w]);
    s->word[w] &= ~((uint64_t)1 << bit);
    if (s->word[w] == 0)
        s->sum[s->top] &= ~((uint64_t)1 << w % 64);
    return w * 64 + bit;
}

static block_set new_set(arena *tmp, uint32_t nblocks)
{
    uint32_t nwords = nblocks / 64 + 1;
    block_set s = { ARENA_ARRAY(tmp, uint64_t, nwords),
                    ARENA_ARRAY(tmp, uint64_t, nwords / 64 + 1), 0 };

    return s;
}

static inline void see(live *lv, uint32_t b)
{
    if ((lv->at[b].in | lv->at[b].out) == 0)
        add_block(&lv->seen, b);
}

/* A block is to be looked at: more vregs of the group live at its start. */
static inline void live_at_start(live *lv, uint32_t b, uint64_t vregs)
{
    see(lv, b);
    lv->at[b].in |= vregs;
    add_block(&lv->todo, b);
}

/* Finds where the vregs of the group live, from the blocks that read them up to their definitions;
 * the last block comes first, so that most are looked at once. False: the budget is used up. */
static bool walk_up(live *lv, const uint32_t *group, uint32_t n)
{
    const ra_func *f = lv->f;
    uint32_t b;

    for (uint32_t g = 0; g < n; g++) {
        uint64_t bit = (uint64_t)1 << g;
        lv->at[lv->l->iv[group[g]].block].defs |= bit;
        for (uint32_t c = lv->crossing_of[group[g]]; c != 0; c = lv->crossings.at[c - 1].next)
            live_at_start(lv, lv->crossings.at[c - 1].block, bit);
    }
    while ((b = take_last(&lv->todo)) != NONE) {
        const ra_block *bl = &f->blocks[b];
        uint64_t in = lv->at[b].in;
        if (lv->budget < bl->npreds + 1)
            return false;
        lv->budget -= bl->npreds + 1;
        count_work(lv->l, bl->npreds + 1);
        for (uint32_t k = 0; k < bl->npreds; k++) {
            uint32_t p = f->lists[bl->preds + k];
            uint64_t more = in & ~lv->at[p].out;
            if (more == 0)
                continue;
            see(lv, p);
            lv->at[p].out |= more;
            more &= ~lv->at[p].defs & ~lv->at[p].in;
            if (more != 0)
                live_at_start(lv, p, more);
        }
    }
    return true;
}

static void open_range(live *lv, uint32_t v, uint32_t to)
{
    node n = { 0, to, lv->node_of[v] };

    vec_push(lv->tmp, &lv->nodes, n);
    lv->node_of[v] = lv->nodes.len;
}

static void close_ranges(live *lv, const uint32_t *group, uint64_t vregs, uint32_t from)
{
    for (; vregs != 0; vregs &= vregs - 1) {
        uint32_t v = group[__builtin_ctzll(vregs)];
        lv->nodes.at[lv->node_of[v] - 1].from = from;
    }
}

/* v is read in block b and not after it. */
static uint32_t end_of_use(live *lv, uint32_t v, uint32_t b)
{
    uint32_t c = lv->crossing_of[v];

    while (lv->crossings.at[c - 1].block > b)
        c = lv->crossings.at[c - 1].next;
    lv->crossing_of[v] = c;
    return lv->crossings.at[c - 1].end;
}

/* From the last block to the first: from where to where the vregs of the group live. */
static void collect_ranges(live *lv, const uint32_t *group)
{
    const ra_block *blocks = lv->f->blocks;
    uint64_t open = 0; /* what lives at the start of block `after`, the last one looked at */
    uint32_t after = NONE, b;

    while ((b = take_last(&lv->seen)) != NONE) {
        reach at = lv->at[b];
        uint64_t closed = after == b + 1 ? open & ~at.out : open;
        memset(&lv->at[b], 0, sizeof lv->at[b]);
        if (closed != 0)
            close_ranges(lv, group, closed, POS(blocks[after].first));
        open &= ~closed;
        for (uint64_t x = at.out & ~open; x != 0; x &= x - 1)
            open_range(lv, group[__builtin_ctzll(x)], POS(blocks[b].end));
        for (uint64_t x = at.in & ~at.out; x != 0; x &= x - 1) {
            uint32_t v = group[__builtin_ctzll(x)];
            open_range(lv, v, end_of_use(lv, v, b));
        }
        for (uint64_t x = at.defs; x != 0; x &= x - 1) {
            uint32_t v = group[__builtin_ctzll(x)];
            lv->nodes.at[lv->node_of[v] - 1].from = lv->l->iv[v].start;
        }
        open = at.in;
        after = b;
    }
}

/* Puts the ranges of v, the first of which was found last, into one slice. */
static void lay_out(live *lv, uint32_t v)
{
    linear *l = lv->l;
    interval *iv = &l->iv[v];
    range r = { 0, 0 };

    iv->r0 = l->ranges.len;
    for (uint32_t n = lv->node_of[v]; n != 0; n = lv->nodes.at[n - 1].next) {
        r.from = lv->nodes.at[n - 1].from;
        r.to = lv->nodes.at[n - 1].to;
        vec_push(lv->tmp, &l->ranges, r);
    }
    iv->r1 = l->ranges.len;
    iv->end = r.to;
}

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
        count_work(lv->l, f->nblocks);
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

/* One range up to the last block that v can be needed in. */
static void stretch(live *lv, uint32_t v)
{
    interval *iv = &lv->l->iv[v];
    uint32_t def = iv->block, last = lv->crossings.at[lv->crossing_of[v] - 1].block;
    range r;

    if (lv->back.levels == 0)
        lv->back = find_back_edges(lv);
    for (;;) {
        uint32_t more = most_back(&lv->back, def + 1, last);
        if (more <= last)
            break;
        last = more;
    }
    r.from = iv->start;
    r.to = iv->end = POS(lv->f->blocks[last].end);
    iv->r0 = lv->l->ranges.len;
    iv->r1 = iv->r0 + 1;
    vec_push(lv->tmp, &lv->l->ranges, r);
    count_work(lv->l, 1);
}

static void find_ranges_over_blocks(live *lv)
{
    const ra_func *f = lv->f;
    const uint32_t *group = lv->crossers.at;

    lv->todo = new_set(lv->tmp, f->nblocks);
    lv->seen = new_set(lv->tmp, f->nblocks);
    lv->at = ARENA_ARRAY(lv->tmp, reach, f->nblocks);
    lv->node_of = ARENA_ARRAY(lv->tmp, uint32_t, f->nvregs);
    lv->budget = (uint64_t)f->nblocks * 32 + (uint64_t)f->nops * 4;
    for (uint32_t left = lv->crossers.len, n; left > 0; left -= n, group += n) {
        n = left < 64 ? left : 64;
        if (lv->back.levels != 0 || !walk_up(lv, group, n)) {
            for (uint32_t g = 0; g < n; g++)
                stretch(lv, group[g]);
            continue;
        }
        collect_ranges(lv, group);
        for (uint32_t g = 0; g < n; g++)
            lay_out(lv, group[g]);
        lv->nodes.len = 0;
    }
}

/* ---- the result ---- */

/* Made in a fixed register and read by nobody: it needs no other place. */
static bool stays_where_made(const linear *l, const interval *iv)
{
    return iv->u1 == iv->u0 + 1 && l->uses[iv->u0].kind == U_COPY && l->uses[iv->u0].pos % 4 == 2;
}

/* First pieces in the order of their starts. The vregs are listed in the order of their
 * definitions; only those of one instruction may start in another one. */
static void make_pieces(live *lv)
{
    linear *l = lv->l;

    vec_reserve(lv->tmp, &l->pieces, lv->ndefined + lv->ndefined / 2);
    vec_reserve(lv->tmp, &l->ranges, lv->ndefined);
    for (uint32_t k = 0; k < lv->ndefined; k++) {
        uint32_t v = lv->defined[k], at = l->pieces.len;
        interval *iv = &l->iv[v];
        piece *p;
        if (iv->u0 == iv->u1 || stays_where_made(l, iv))
            continue;
        if (iv->r0 == iv->r1) {
            iv->r0 = l->ranges.len;
            iv->r1 = iv->r0 + 1;
            l->ranges.at[l->ranges.len].from = iv->start;
            l->ranges.at[l->ranges.len++].to = iv->end;
        }
        l->pieces.len++;
        for (p = &l->pieces.at[at]; at > 0 && p[-1].start > iv->start; at--, p--) {
            p[0] = p[-1];
            l->iv[p->vreg].first = at;
        }
        *p = whole_piece(l, v);
        iv->first = at;
        iv->pieces = 1;
    }
    l->nfirst = l->pieces.len;
}

/* Gives back what only the search for ranges needed. */
static void forget(live *lv)
{
    uint32_t nvregs = lv->f->nvregs;

    vec_recycle(lv->tmp, &lv->crossings);
    vec_recycle(lv->tmp, &lv->crossers);
    vec_recycle(lv->tmp, &lv->nodes);
    jit_arena_recycle(lv->tmp, lv->crossing_of, nvregs * sizeof *lv->crossing_of);
    jit_arena_recycle(lv->tmp, lv->partners, lv->partners_room * sizeof *lv->partners);
    jit_arena_recycle(lv->tmp, lv->node_of, nvregs * sizeof *lv->node_of);
    jit_arena_recycle(lv->tmp, lv->at, lv->f->nblocks * sizeof *lv->at);
}

void jit_ra_live_build(linear *l)
{
    live lv = { .l = l, .f = l->f, .tmp = l->tmp };
    const ra_func *f = l->f;

    if (f->nops > OPERANDS_MOST)
        jit_fail(l->tmp->fail, JIT_ERR_LIMIT, "%u operands", f->nops);
    l->iv = ARENA_ARRAY_RAW(l->tmp, interval, f->nvregs);
    l->block_of = ARENA_ARRAY_RAW(l->tmp, uint32_t, f->ninsts);
    lv.crossing_of = ARENA_ARRAY(l->tmp, uint32_t, f->nvregs);
    lv.defined = ARENA_ARRAY_RAW(l->tmp, uint32_t, f->nvregs);
    memset(l->first_reserved, 0xff, sizeof l->first_reserved);
    memset(lv.last_reserved, 0xff, sizeof lv.last_reserved);
    share_out_uses(&lv);
    for (uint32_t b = 0; b < f->nblocks; b++)
        note_block(&lv, b);
    follow_partners(&lv);
    find_ranges_over_blocks(&lv);
    forget(&lv);
    make_pieces(&lv);
    jit_arena_recycle(l->tmp, lv.defined, f->nvregs * sizeof *lv.defined);
}
