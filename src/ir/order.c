/* order.c - the order of blocks in the code, and how often each is likely to run.
 *
 * A loop's blocks stand together where reverse postorder has the first of them; so what control
 * reaches by a forward edge still comes later. Cost: linear. */
#include "ir/analysis.h"

#include <string.h>

/* Lists of what stands directly in a loop, or in none: item k < nblocks is a block, else a loop */
typedef struct {
    uint32_t nblocks;
    uint32_t *first, *last; /* by loop; the place after the last loop is for what is in none */
    uint32_t *next;         /* by item */
    uint8_t *listed;        /* by loop */
} nest;

static void put(nest *t, uint32_t list, uint32_t item)
{
    if (t->first[list] == IR_NO_BLOCK)
        t->first[list] = item;
    else
        t->next[t->last[list]] = item;
    t->last[list] = item;
}

/* Puts b, and before it each loop around it that is not listed yet, where they belong. */
static void put_block(nest *t, const ir_loops *l, uint32_t b)
{
    uint32_t loop = l->loop_of[b], none = l->nloops;

    put(t, loop == IR_NO_BLOCK ? none : loop, b);
    while (loop != IR_NO_BLOCK && !t->listed[loop]) {
        uint32_t outer = l->parent[loop];
        t->listed[loop] = 1;
        put(t, outer == IR_NO_BLOCK ? none : outer, t->nblocks + loop);
        loop = outer;
    }
}

static uint32_t *numbers(arena *tmp, size_t n)
{
    uint32_t *p = ARENA_ARRAY_RAW(tmp, uint32_t, n);

    for (size_t k = 0; k < n; k++)
        p[k] = IR_NO_BLOCK;
    return p;
}

/* Cold blocks, and those that only cold blocks lead to from in front of them in this order: when the
 * cold ones come last, each block still has a predecessor before it, and all that dominate it are.
 * NULL: there are none. */
static uint8_t *find_cold(const jit_func *f, const ir_cfg *c, const uint32_t *order, arena *tmp)
{
    bool any = false;

    for (uint32_t k = 0; k < c->nrpo; k++)
        any |= f->blocks.at[c->rpo[k]].cold;
    if (!any)
        return NULL;
    uint8_t *cold = ARENA_ARRAY(tmp, uint8_t, c->nblocks), *before = ARENA_ARRAY(tmp, uint8_t, c->nblocks);
    for (uint32_t k = 0; k < c->nrpo; k++) {
        uint32_t b = order[k];
        bool all = k > 0;
        for (uint32_t p = c->pred_first[b]; p < c->pred_first[b + 1] && all; p++)
            all = !before[c->pred[p]] || cold[c->pred[p]];
        cold[b] = k > 0 && (f->blocks.at[b].cold || all);
        before[b] = 1;
    }
    return cold;
}

/* The blocks in reverse postorder, each loop's at the place of its first. */
static void gather_loops(const ir_cfg *c, const ir_loops *l, uint32_t *order, arena *tmp)
{
    uint32_t depth = 0, n = 0, item;
    uint32_t *stack = numbers(tmp, (size_t)l->nloops + 1); /* items to go on with, outside in */
    nest t = { .nblocks = c->nblocks };

    t.first = numbers(tmp, (size_t)l->nloops + 1);
    t.last = numbers(tmp, (size_t)l->nloops + 1);
    t.next = numbers(tmp, (size_t)c->nblocks + l->nloops);
    t.listed = ARENA_ARRAY(tmp, uint8_t, l->nloops);
    for (uint32_t k = 0; k < c->nrpo; k++)
        put_block(&t, l, c->rpo[k]);
    item = t.first[l->nloops];
    while (item != IR_NO_BLOCK || depth > 0) {
        if (item == IR_NO_BLOCK) {
            item = stack[--depth];
        } else if (item >= t.nblocks) {
            stack[depth++] = t.next[item];
            item = t.first[item - t.nblocks];
        } else {
            order[n++] = item;
            item = t.next[item];
        }
    }
}

uint32_t jit_block_order(const jit_func *f, const ir_cfg *c, const ir_loops *l, uint32_t *order,
                         arena *tmp)
{
    const uint32_t *all = c->rpo;
    uint8_t *is_cold;
    uint32_t n = 0, ncold = 0;

    if (l && l->nloops > 0) {
        uint32_t *gathered = ARENA_ARRAY_RAW(tmp, uint32_t, c->nrpo);
        gather_loops(c, l, gathered, tmp);
        all = gathered;
    }
    is_cold = find_cold(f, c, all, tmp);
    if (!is_cold) {
        if (c->nrpo)
            memcpy(order, all, c->nrpo * sizeof *order);
        return c->nrpo;
    }
    uint32_t *cold = ARENA_ARRAY_RAW(tmp, uint32_t, c->nrpo);
    for (uint32_t k = 0; k < c->nrpo; k++)
        if (is_cold[all[k]])
            cold[ncold++] = all[k];
        else
            order[n++] = all[k];
    for (uint32_t k = 0; k < ncold; k++)
        order[n++] = cold[k];
    return n;
}

void jit_block_freq(const jit_func *f, const ir_loops *l, float *freq)
{
    static const float by_depth[] = { 1, 10, 100, 1000, 10000, 100000, 1000000 };
    enum { MOST = sizeof by_depth / sizeof by_depth[0] - 1 };

    for (uint32_t b = 0; b < f->blocks.len; b++) {
        freq[b] = by_depth[l->depth[b] < MOST ? l->depth[b] : MOST];
        if (f->blocks.at[b].cold)
            freq[b] /= 1000;
    }
}
