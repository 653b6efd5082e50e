/* dom.c - dominators in almost linear time, for any graph (Lengauer and Tarjan 1979). */
#include "regalloc/dom.h"

#define NONE UINT32_MAX

/* The tree of a depth-first walk; its blocks are known by their numbers in preorder. */
typedef struct {
    uint32_t n;
    uint32_t *block;           /* by number */
    uint32_t *number;          /* by block */
    uint32_t *parent;
    uint32_t *semi, *idom;
    uint32_t *above, *label;   /* forest of finished blocks, its paths compressed; NONE: a root */
    uint32_t *bucket, *next;   /* blocks by semidominator; NONE ends */
    uint32_t *path;
} tree;

/* Walks from the entry: reverse postorder, and the tree. */
static void order_blocks(const ra_func *f, ra_dom *d, tree *t, arena *tmp)
{
    uint32_t n = f->nblocks, depth = 0, at = n;
    uint32_t *stack = ARENA_ARRAY_RAW(tmp, uint32_t, n);
    uint32_t *next = ARENA_ARRAY(tmp, uint32_t, n);
    uint32_t *order = ARENA_ARRAY_RAW(tmp, uint32_t, n);

    for (uint32_t b = 0; b < n; b++)
        d->number[b] = UINT32_MAX;
    stack[depth++] = 0;
    d->number[0] = 0;
    t->block[0] = t->number[0] = t->parent[0] = 0;
    t->n = 1;
    while (depth > 0) {
        uint32_t b = stack[depth - 1];
        if (next[b] < f->blocks[b].nsuccs) {
            uint32_t s = f->lists[f->blocks[b].succs + next[b]++];
            if (d->number[s] == UINT32_MAX) {
                d->number[s] = 0;
                stack[depth++] = s;
                t->block[t->n] = s;
                t->parent[t->n] = t->number[b];
                t->number[s] = t->n++;
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

/* The block with the least semidominator on the way from v up to, but without, the root of its
 * part of the forest. */
static uint32_t least_above(tree *t, uint32_t v)
{
    uint32_t depth = 0, x = v;

    if (t->above[v] == NONE)
        return v;
    for (; t->above[t->above[x]] != NONE; x = t->above[x])
        t->path[depth++] = x;
    while (depth > 0) {
        uint32_t y = t->path[--depth], up = t->above[y];
        if (t->semi[t->label[up]] < t->semi[t->label[y]])
            t->label[y] = t->label[up];
        t->above[y] = t->above[up];
    }
    return t->label[v];
}

static void find_semidominator(const ra_func *f, const ra_dom *d, tree *t, uint32_t v)
{
    const ra_block *b = &f->blocks[t->block[v]];

    for (uint32_t k = 0; k < b->npreds; k++) {
        uint32_t p = f->lists[b->preds + k], u;
        if (d->number[p] == UINT32_MAX)
            continue;
        u = least_above(t, t->number[p]);
        if (t->semi[u] < t->semi[v])
            t->semi[v] = t->semi[u];
    }
    t->next[v] = t->bucket[t->semi[v]];
    t->bucket[t->semi[v]] = v;
}

static void find_idoms(const ra_func *f, ra_dom *d, tree *t)
{
    for (uint32_t b = 0; b < f->nblocks; b++)
        d->idom[b] = UINT32_MAX;
    for (uint32_t v = 0; v < t->n; v++) {
        t->semi[v] = t->label[v] = v;
        t->above[v] = t->bucket[v] = NONE;
    }
    for (uint32_t v = t->n; v-- > 1;) {
        uint32_t up = t->parent[v];
        find_semidominator(f, d, t, v);
        t->above[v] = up;
        for (uint32_t w = t->bucket[up]; w != NONE; w = t->next[w]) {
            uint32_t u = least_above(t, w);
            t->idom[w] = t->semi[u] < t->semi[w] ? u : up;
        }
        t->bucket[up] = NONE;
    }
    d->idom[0] = 0;
    for (uint32_t v = 1; v < t->n; v++) {
        if (t->idom[v] != t->semi[v])
            t->idom[v] = t->idom[t->idom[v]];
        d->idom[t->block[v]] = t->block[t->idom[v]];
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
    tree t;
    uint32_t **words[] = { &t.block, &t.number, &t.parent, &t.semi, &t.idom, &t.above, &t.label,
                           &t.bucket, &t.next, &t.path };

    d.number = ARENA_ARRAY_RAW(tmp, uint32_t, f->nblocks);
    d.idom = ARENA_ARRAY_RAW(tmp, uint32_t, f->nblocks);
    d.in = ARENA_ARRAY(tmp, uint32_t, f->nblocks);
    d.out = ARENA_ARRAY(tmp, uint32_t, f->nblocks);
    for (uint32_t k = 0; k < sizeof words / sizeof words[0]; k++)
        *words[k] = ARENA_ARRAY_RAW(tmp, uint32_t, f->nblocks);
    order_blocks(f, &d, &t, tmp);
    find_idoms(f, &d, &t);
    number_tree(f, &d, tmp);
    return d;
}
