/* loops.c - the nesting of loops, irreducible ones too: Havlak's, made nearly linear by Ramalingam.
 *
 * A depth-first search numbers the blocks. From the last to the first, each block w that is the
 * target of a back edge becomes the header of a loop, whose body is what reaches the back edge
 * without passing w; the body then collapses into w. At first a block's only predecessor is its
 * parent in the search tree; a cross or forward edge y -> x is added when its ends' common ancestor
 * is reached, between what y and x have collapsed into by then, so that no edge is looked at twice.
 * Such an edge into a collapsed loop, not at its header, makes the loop irreducible.
 * (G. Ramalingam, Identifying Loops in Almost Linear Time, 1999, section 5.) */
#include "ir/analysis.h"

typedef struct edge { uint32_t from, to, next; } edge; /* next: IR_NO_BLOCK: the last */

typedef struct {
    const ir_cfg *c;
    ir_loops *l;
    uint32_t n;          /* blocks found; all arrays below are by preorder number, unless said */
    uint32_t *number;    /* by block; IR_NO_BLOCK: not seen */
    uint32_t *block;
    uint32_t *parent;    /* of the search tree */
    uint8_t *active;     /* by block: on the search's stack */
    uint32_t *set;       /* union-find: parent; itself for the one that stands for all */
    uint32_t *back;      /* list of sources of back edges, in edges[].from */
    uint32_t *later;     /* list of cross and forward edges whose ends' common ancestor this is */
    uint32_t *preds;     /* list of further predecessors */
    edge *edges;
    uint32_t nedges;
    uint32_t *own;       /* loop that it heads; IR_NO_BLOCK: none */
    uint32_t *in;        /* innermost loop that it is in without heading it */
    uint32_t *seen;      /* last loop search that met it, + 1 */
    uint32_t *todo;
    uint32_t *entered;   /* by loop: outermost loop that an edge to a block inside enters, too */
} finder;

static uint32_t *numbers(arena *tmp, uint32_t n, bool none)
{
    uint32_t *p = ARENA_ARRAY_RAW(tmp, uint32_t, n);

    for (uint32_t k = 0; none && k < n; k++)
        p[k] = IR_NO_BLOCK;
    return p;
}

static uint32_t find(uint32_t *set, uint32_t x)
{
    while (set[x] != x) {
        set[x] = set[set[x]];
        x = set[x];
    }
    return x;
}

static void add(finder *d, uint32_t *list, uint32_t from, uint32_t to)
{
    d->edges[d->nedges] = (edge){ from, to, *list };
    *list = d->nedges++;
}

static void enter(finder *d, uint32_t block, uint32_t parent)
{
    uint32_t v = d->n++;

    d->number[block] = v;
    d->block[v] = block;
    d->parent[v] = parent;
    d->set[v] = v;
    d->active[block] = 1;
}

/* Numbers the blocks and sorts the edges, by the search that reverse postorder comes from: so a loop's
 * header is the first of its blocks there. During the search `set` leads from a finished block to
 * its lowest ancestor that is not finished, which for an edge to it is the common ancestor. */
static void search(finder *d, arena *tmp)
{
    const ir_cfg *c = d->c;
    uint32_t *at = numbers(tmp, c->nblocks, false), depth = 0;

    if (c->nrpo == 0)
        return;
    d->todo[depth++] = c->rpo[0];
    at[c->rpo[0]] = c->succ_first[c->rpo[0] + 1];
    enter(d, c->rpo[0], 0);
    while (depth > 0) {
        uint32_t b = d->todo[depth - 1], v = d->number[b], s;
        if (at[b] == c->succ_first[b]) {
            d->active[b] = 0;
            d->set[v] = d->parent[v];
            depth--;
            continue;
        }
        s = c->succ[--at[b]];
        if (d->number[s] == IR_NO_BLOCK) {
            at[s] = c->succ_first[s + 1];
            enter(d, s, v);
            d->todo[depth++] = s;
        } else if (d->active[s]) {
            add(d, &d->back[d->number[s]], v, d->number[s]);
        } else {
            add(d, &d->later[find(d->set, d->number[s])], v, d->number[s]);
        }
    }
    for (uint32_t v = 0; v < d->n; v++)
        d->set[v] = v;
}

/* The innermost loop that is left to be entered elsewhere than at its header by an edge to x. */
static uint32_t loop_around(const finder *d, uint32_t x)
{
    uint32_t own = d->own[x];
    return own != IR_NO_BLOCK ? d->l->parent[own] : d->in[x];
}

/* The edges whose common ancestor is w become predecessors of what their targets belong to. */
static void add_later_edges(finder *d, uint32_t w)
{
    for (uint32_t e = d->later[w], next; e != IR_NO_BLOCK; e = next) {
        uint32_t to = d->edges[e].to, rep = find(d->set, to);
        next = d->edges[e].next;
        d->edges[e].next = d->preds[rep];
        d->preds[rep] = e;
        if (rep != to) {
            uint32_t loop = loop_around(d, to), outer = d->own[rep];
            if (d->entered[loop] == IR_NO_BLOCK || d->entered[loop] < outer)
                d->entered[loop] = outer;
        }
    }
}

/* Adds what v is part of to the body of the loop of header w. */
static void meet(finder *d, uint32_t v, uint32_t w, uint32_t *nbody)
{
    v = find(d->set, v);
    if (v != w && d->seen[v] != w + 1) {
        d->seen[v] = w + 1;
        d->todo[(*nbody)++] = v;
    }
}

static void find_loop(finder *d, uint32_t w)
{
    ir_loops *l = d->l;
    uint32_t nbody = 0, loop = l->nloops;

    if (d->back[w] == IR_NO_BLOCK)
        return;
    for (uint32_t e = d->back[w]; e != IR_NO_BLOCK; e = d->edges[e].next)
        meet(d, d->edges[e].from, w, &nbody);
    for (uint32_t k = 0; k < nbody; k++) {
        uint32_t x = d->todo[k];
        meet(d, d->parent[x], w, &nbody);
        for (uint32_t e = d->preds[x]; e != IR_NO_BLOCK; e = d->edges[e].next)
            meet(d, d->edges[e].from, w, &nbody);
    }
    l->nloops++;
    l->header[loop] = d->block[w];
    l->parent[loop] = IR_NO_BLOCK;
    d->own[w] = loop;
    for (uint32_t k = 0; k < nbody; k++) {
        uint32_t x = d->todo[k];
        d->set[x] = w;
        if (d->own[x] != IR_NO_BLOCK)
            l->parent[d->own[x]] = loop;
        else
            d->in[x] = loop;
    }
}

/* Inner loops have smaller numbers, so upwards is outwards. */
static void mark_irreducible(finder *d)
{
    ir_loops *l = d->l;

    for (uint32_t k = 0; k < l->nloops; k++) {
        uint32_t outer = d->entered[k], p = l->parent[k];
        if (outer == IR_NO_BLOCK)
            continue;
        l->irreducible[k] = 1;
        if (outer > k && p != IR_NO_BLOCK
            && (d->entered[p] == IR_NO_BLOCK || d->entered[p] < outer))
            d->entered[p] = outer;
    }
}

static void number_depths(finder *d, arena *tmp)
{
    ir_loops *l = d->l;
    uint32_t *depth = numbers(tmp, l->nloops, false);

    for (uint32_t k = l->nloops; k-- > 0;)
        depth[k] = l->parent[k] == IR_NO_BLOCK ? 1 : depth[l->parent[k]] + 1;
    for (uint32_t v = 0; v < d->n; v++) {
        uint32_t loop = d->own[v] != IR_NO_BLOCK ? d->own[v] : d->in[v];
        l->loop_of[d->block[v]] = loop;
        l->depth[d->block[v]] = loop == IR_NO_BLOCK ? 0 : depth[loop];
    }
}

/* A loop for each target of a back edge. */
static uint32_t most_loops(const finder *d)
{
    uint32_t n = 0;

    for (uint32_t v = 0; v < d->n; v++)
        n += d->back[v] != IR_NO_BLOCK;
    return n;
}

void jit_loops_compute(ir_loops *l, const ir_cfg *c, arena *tmp)
{
    uint32_t n = c->nblocks, r = c->nrpo, most;
    finder d = { .c = c, .l = l };

    l->nloops = 0;
    l->loop_of = numbers(tmp, n, true);
    l->depth = ARENA_ARRAY(tmp, uint32_t, n);
    d.number = numbers(tmp, n, true);
    d.active = ARENA_ARRAY(tmp, uint8_t, n);
    d.block = numbers(tmp, r, false);
    d.parent = numbers(tmp, r, false);
    d.set = numbers(tmp, r, false);
    d.todo = numbers(tmp, r, false);
    d.seen = ARENA_ARRAY(tmp, uint32_t, r);
    d.back = numbers(tmp, r, true);
    d.later = numbers(tmp, r, true);
    d.preds = numbers(tmp, r, true);
    d.own = numbers(tmp, r, true);
    d.in = numbers(tmp, r, true);
    d.edges = ARENA_ARRAY_RAW(tmp, edge, c->succ_first[n]);
    search(&d, tmp);
    most = most_loops(&d);
    l->header = numbers(tmp, most, false);
    l->parent = numbers(tmp, most, true);
    l->irreducible = ARENA_ARRAY(tmp, uint8_t, most);
    d.entered = numbers(tmp, most, true);
    for (uint32_t w = d.n; w-- > 0;) {
        add_later_edges(&d, w);
        find_loop(&d, w);
    }
    mark_irreducible(&d);
    number_depths(&d, tmp);
}
