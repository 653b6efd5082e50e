/* dom.c - immediate dominators after Lengauer and Tarjan 1979, the simple variant: n log n.
 *
 * All work is on preorder numbers of a depth-first search, where a parent is smaller than its
 * children. */
#include "ir/analysis.h"

typedef struct {
    const ir_cfg *c;
    uint32_t n;         /* reachable blocks */
    uint32_t *number;   /* by block: its preorder number; IR_NO_BLOCK: unreachable */
    uint32_t *block;    /* by number */
    uint32_t *parent;   /* by number, of the search tree */
    uint32_t *semi;
    uint32_t *idom;
    uint32_t *ancestor; /* of the forest that path compression flattens; IR_NO_BLOCK: a root */
    uint32_t *best;     /* the number with the least semi on the way to the ancestor */
    uint32_t *bucket;   /* heads of lists of what has this as semi; IR_NO_BLOCK: end */
    uint32_t *next;
    uint32_t *stack;
} dominators;

static uint32_t *numbers(arena *tmp, uint32_t n)
{
    return ARENA_ARRAY_RAW(tmp, uint32_t, n);
}

static void search(dominators *d, arena *tmp)
{
    const ir_cfg *c = d->c;
    uint32_t *at = numbers(tmp, c->nblocks), depth = 0;

    for (uint32_t b = 0; b < c->nblocks; b++)
        d->number[b] = IR_NO_BLOCK;
    if (c->nrpo == 0)
        return;
    d->stack[depth++] = c->rpo[0];
    d->number[c->rpo[0]] = d->n;
    d->block[d->n++] = c->rpo[0];
    at[c->rpo[0]] = c->succ_first[c->rpo[0]];
    while (depth > 0) {
        uint32_t b = d->stack[depth - 1], s;
        if (at[b] == c->succ_first[b + 1]) {
            depth--;
            continue;
        }
        s = c->succ[at[b]++];
        if (d->number[s] == IR_NO_BLOCK) {
            d->parent[d->n] = d->number[b];
            d->number[s] = d->n;
            d->block[d->n++] = s;
            at[s] = c->succ_first[s];
            d->stack[depth++] = s;
        }
    }
}

/* The number with the least semi on the path from v up to, but without, its root. */
static uint32_t eval(dominators *d, uint32_t v)
{
    uint32_t depth = 0;

    if (d->ancestor[v] == IR_NO_BLOCK)
        return v;
    for (uint32_t u = v; d->ancestor[d->ancestor[u]] != IR_NO_BLOCK; u = d->ancestor[u])
        d->stack[depth++] = u;
    while (depth > 0) { /* from the root's side down */
        uint32_t u = d->stack[--depth], a = d->ancestor[u];
        if (d->semi[d->best[a]] < d->semi[d->best[u]])
            d->best[u] = d->best[a];
        d->ancestor[u] = d->ancestor[a];
    }
    return d->best[v];
}

static void find_semi(dominators *d, uint32_t w)
{
    const ir_cfg *c = d->c;
    uint32_t b = d->block[w];

    for (uint32_t k = c->pred_first[b]; k < c->pred_first[b + 1]; k++) {
        uint32_t v = d->number[c->pred[k]], u;
        if (v == IR_NO_BLOCK)
            continue;
        u = eval(d, v);
        if (d->semi[u] < d->semi[w])
            d->semi[w] = d->semi[u];
    }
}

static void find_idoms(dominators *d)
{
    for (uint32_t w = 0; w < d->n; w++) {
        d->semi[w] = d->best[w] = w;
        d->ancestor[w] = d->bucket[w] = IR_NO_BLOCK;
    }
    for (uint32_t w = d->n; w-- > 1;) {
        uint32_t p = d->parent[w];
        find_semi(d, w);
        d->next[w] = d->bucket[d->semi[w]];
        d->bucket[d->semi[w]] = w;
        d->ancestor[w] = p;
        for (uint32_t v = d->bucket[p]; v != IR_NO_BLOCK; v = d->next[v]) {
            uint32_t u = eval(d, v);
            d->idom[v] = d->semi[u] < d->semi[v] ? u : p;
        }
        d->bucket[p] = IR_NO_BLOCK;
    }
    for (uint32_t w = 1; w < d->n; w++)
        if (d->idom[w] != d->semi[w])
            d->idom[w] = d->idom[d->idom[w]];
}

/* Each block of the tree gets an interval that holds its children's, one after the other. */
static void number_tree(ir_dom *out, const dominators *d)
{
    uint32_t *size = d->semi, *next = d->best, *pre = d->ancestor; /* their use is over */

    for (uint32_t w = 0; w < d->n; w++)
        size[w] = 1;
    for (uint32_t w = d->n; w-- > 1;)
        size[d->idom[w]] += size[w];
    for (uint32_t w = 0; w < d->n; w++) {
        pre[w] = w == 0 ? 0 : next[d->idom[w]];
        next[w] = pre[w] + 1;
        if (w > 0)
            next[d->idom[w]] += size[w];
        out->pre[d->block[w]] = pre[w];
        out->post[d->block[w]] = pre[w] + size[w] - 1;
        out->idom[d->block[w]] = w == 0 ? IR_NO_BLOCK : d->block[d->idom[w]];
    }
}

void jit_dom_compute(ir_dom *out, const ir_cfg *c, arena *tmp)
{
    uint32_t n = c->nblocks;
    dominators d = { .c = c };

    out->idom = numbers(tmp, n);
    out->pre = numbers(tmp, n);
    out->post = numbers(tmp, n);
    for (uint32_t b = 0; b < n; b++) { /* all dominate what cannot be reached */
        out->idom[b] = out->pre[b] = IR_NO_BLOCK;
        out->post[b] = 0;
    }
    d.number = numbers(tmp, n);
    d.block = numbers(tmp, c->nrpo);
    d.parent = numbers(tmp, c->nrpo);
    d.semi = numbers(tmp, c->nrpo);
    d.idom = numbers(tmp, c->nrpo);
    d.ancestor = numbers(tmp, c->nrpo);
    d.best = numbers(tmp, c->nrpo);
    d.bucket = numbers(tmp, c->nrpo);
    d.next = numbers(tmp, c->nrpo);
    d.stack = numbers(tmp, c->nrpo);
    search(&d, tmp);
    find_idoms(&d);
    number_tree(out, &d);
}
