/* dom.c - dominators by iteration in reverse postorder (Cooper, Harvey, Kennedy 2001). */
#include "regalloc/dom.h"

static void order_blocks(const ra_func *f, ra_dom *d, arena *tmp)
{
    uint32_t n = f->nblocks, depth = 0, at = n;
    uint32_t *stack = ARENA_ARRAY_RAW(tmp, uint32_t, n);
    uint32_t *next = ARENA_ARRAY(tmp, uint32_t, n);
    uint32_t *order = ARENA_ARRAY_RAW(tmp, uint32_t, n);

    for (uint32_t b = 0; b < n; b++)
        d->number[b] = UINT32_MAX;
    stack[depth++] = 0;
    d->number[0] = 0;
    while (depth > 0) {
        uint32_t b = stack[depth - 1];
        if (next[b] < f->blocks[b].nsuccs) {
            uint32_t s = f->lists[f->blocks[b].succs + next[b]++];
            if (d->number[s] == UINT32_MAX) {
                d->number[s] = 0;
                stack[depth++] = s;
            }
        } else {
            order[--at] = b;
            depth--;
        }
    }
    d->rpo = order + at;
    d->nrpo = n - at;
    for (uint32_t k = 0; k < d->nrpo; k++)
        d->number[d->rpo[k]] = k;
}

static uint32_t meet(const ra_dom *d, uint32_t a, uint32_t b)
{
    while (a != b) {
        while (d->number[a] > d->number[b])
            a = d->idom[a];
        while (d->number[b] > d->number[a])
            b = d->idom[b];
    }
    return a;
}

static void find_idoms(const ra_func *f, ra_dom *d)
{
    bool changed = true;

    for (uint32_t b = 0; b < f->nblocks; b++)
        d->idom[b] = UINT32_MAX;
    d->idom[0] = 0;
    while (changed) {
        changed = false;
        for (uint32_t k = 1; k < d->nrpo; k++) {
            const ra_block *b = &f->blocks[d->rpo[k]];
            uint32_t best = UINT32_MAX;
            for (uint32_t p = 0; p < b->npreds; p++) {
                uint32_t pred = f->lists[b->preds + p];
                if (d->idom[pred] != UINT32_MAX)
                    best = best == UINT32_MAX ? pred : meet(d, best, pred);
            }
            if (d->idom[d->rpo[k]] != best) {
                d->idom[d->rpo[k]] = best;
                changed = true;
            }
        }
    }
}

/* Intervals without a walk: in reverse postorder a block follows its dominator, so subtree sizes
 * can be summed backwards and places handed out forwards. */
static void number_tree(const ra_func *f, ra_dom *d, arena *tmp)
{
    uint32_t *size = ARENA_ARRAY(tmp, uint32_t, f->nblocks);
    uint32_t *used = ARENA_ARRAY(tmp, uint32_t, f->nblocks);

    for (uint32_t k = d->nrpo; k-- > 0;) {
        uint32_t b = d->rpo[k];
        size[b]++;
        if (k > 0)
            size[d->idom[b]] += size[b];
    }
    for (uint32_t k = 0; k < d->nrpo; k++) {
        uint32_t b = d->rpo[k], up = d->idom[b];
        d->in[b] = k == 0 ? 0 : d->in[up] + 1 + used[up];
        d->out[b] = d->in[b] + size[b] - 1;
        if (k > 0)
            used[up] += size[b];
    }
}

ra_dom jit_ra_dominators(const ra_func *f, arena *tmp)
{
    ra_dom d = { 0 };

    d.number = ARENA_ARRAY_RAW(tmp, uint32_t, f->nblocks);
    d.idom = ARENA_ARRAY_RAW(tmp, uint32_t, f->nblocks);
    d.in = ARENA_ARRAY(tmp, uint32_t, f->nblocks);
    d.out = ARENA_ARRAY(tmp, uint32_t, f->nblocks);
    order_blocks(f, &d, tmp);
    find_idoms(f, &d);
    number_tree(f, &d, tmp);
    return d;
}
