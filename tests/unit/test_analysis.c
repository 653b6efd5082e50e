/* Edges, dominators, loops and block order, held against definitions computed naively. */
#include "ir/analysis.h"
#include "tests/support/graph.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 16 }; /* blocks of a random graph */

typedef struct analysis {
    jit_func *f;
    fail_ctx fc;
    arena tmp;
    ir_cfg cfg;
    ir_dom dom;
    ir_loops loops;
    uint32_t succ[MOST]; /* bit set of successors of small graphs, by block */
    uint32_t reachable;
} analysis;

static void compute(void *arg)
{
    analysis *x = arg;

    jit_cfg_compute(&x->cfg, x->f, &x->tmp);
    jit_dom_compute(&x->dom, &x->cfg, &x->tmp);
    jit_loops_compute(&x->loops, &x->cfg, &x->tmp);
}

/* What can be reached from a set of blocks within another one. */
static uint32_t closure(const analysis *x, uint32_t from, uint32_t within)
{
    uint32_t seen = from & within, before;

    do {
        before = seen;
        for (uint32_t b = 0; b < MOST; b++)
            if (seen >> b & 1)
                seen |= x->succ[b] & within;
    } while (seen != before);
    return seen;
}

static void open_analysis(analysis *x, jit_func *f)
{
    memset(x, 0, sizeof *x);
    x->f = f;
    jit_arena_init(&x->tmp, &jit_libc_allocator, &x->fc);
    cr_assert_eq(jit_guard(&x->fc, compute, x), JIT_OK);
    if (f->blocks.len > MOST)
        return;
    for (uint32_t b = 0; b < f->blocks.len; b++)
        for (uint32_t k = x->cfg.succ_first[b]; k < x->cfg.succ_first[b + 1]; k++)
            x->succ[b] |= 1u << x->cfg.succ[k];
    x->reachable = closure(x, 1, ~0u);
}

static void close_analysis(analysis *x)
{
    jit_arena_free(&x->tmp);
    jit_func_free(x->f);
}

static void check_cfg(const analysis *x)
{
    const ir_cfg *c = &x->cfg;
    uint32_t n = c->nblocks, preds[MOST] = { 0 };

    for (uint32_t b = 0; b < n; b++)
        for (uint32_t k = c->pred_first[b]; k < c->pred_first[b + 1]; k++)
            preds[b] |= 1u << c->pred[k];
    for (uint32_t a = 0; a < n; a++)
        for (uint32_t b = 0; b < n; b++)
            cr_assert_eq(x->succ[a] >> b & 1, preds[b] >> a & 1);
    cr_assert_eq(c->pred_first[n], c->succ_first[n]);
    cr_assert_eq(c->nrpo, (uint32_t)__builtin_popcount(x->reachable));
    for (uint32_t b = 0; b < n; b++) {
        cr_assert_eq(c->rpo_index[b] != IR_NO_BLOCK, (x->reachable >> b & 1) != 0);
        if (c->rpo_index[b] != IR_NO_BLOCK)
            cr_assert_eq(c->rpo[c->rpo_index[b]], b);
    }
}

static void check_dominators(const analysis *x)
{
    uint32_t n = x->cfg.nblocks;

    for (uint32_t a = 0; a < n; a++) {
        uint32_t without = closure(x, 1, ~(1u << a));
        for (uint32_t b = 0; b < n; b++) {
            bool is = !(without >> b & 1);
            if (!(x->reachable >> b & 1))
                cr_assert(dom_block(&x->dom, a, b)); /* vacuously */
            else
                cr_assert_eq(dom_block(&x->dom, a, b), (x->reachable >> a & 1) && is,
                             "%u %u", a, b);
        }
    }
    for (uint32_t b = 1; b < n; b++) {
        uint32_t d = x->dom.idom[b];
        if (!(x->reachable >> b & 1)) {
            cr_assert_eq(d, IR_NO_BLOCK);
            continue;
        }
        cr_assert(d != b && dom_block(&x->dom, d, b));
        for (uint32_t a = 0; a < n; a++) /* the closest one: all others dominate it */
            if (a != b && x->reachable >> a & 1 && dom_block(&x->dom, a, b))
                cr_assert(dom_block(&x->dom, a, d));
    }
}

static uint32_t blocks_of_loop(const analysis *x, uint32_t loop)
{
    uint32_t set = 0;

    for (uint32_t b = 0; b < x->cfg.nblocks; b++)
        for (uint32_t l = x->loops.loop_of[b]; l != IR_NO_BLOCK; l = x->loops.parent[l])
            if (l == loop)
                set |= 1u << b;
    return set;
}

/* The loops directly below parent are the cycles' components of `set`, and so on inside each of
 * them without its header. Adds the number of loops found. */
static void check_nest(const analysis *x, uint32_t set, uint32_t parent, uint32_t *found)
{
    uint32_t done = 0;

    for (uint32_t b = 0; b < x->cfg.nblocks; b++) {
        uint32_t part = 0, loop;
        if (!(set >> b & 1) || done >> b & 1)
            continue;
        for (uint32_t a = 0; a < x->cfg.nblocks; a++)
            if (set >> a & 1 && closure(x, x->succ[b] & set, set) >> a & 1
                && closure(x, x->succ[a] & set, set) >> b & 1)
                part |= 1u << a;
        done |= part;
        if (part == 0)
            continue;
        for (loop = 0; loop < x->loops.nloops; loop++)
            if (x->loops.parent[loop] == parent && blocks_of_loop(x, loop) == part)
                break;
        cr_assert_lt(loop, x->loops.nloops, "the blocks %x make no loop", part);
        cr_assert(part >> x->loops.header[loop] & 1);
        ++*found;
        uint32_t entered = 0;
        for (uint32_t a = 0; a < x->cfg.nblocks; a++)
            if (x->reachable >> a & 1 && !(part >> a & 1))
                entered |= x->succ[a] & part;
        cr_assert_eq(x->loops.irreducible[loop], (entered & ~(1u << x->loops.header[loop])) != 0);
        check_nest(x, part & ~(1u << x->loops.header[loop]), loop, found);
    }
}

static void check_loops(const analysis *x)
{
    uint32_t found = 0;

    check_nest(x, x->reachable, IR_NO_BLOCK, &found);
    cr_assert_eq(found, x->loops.nloops);
    for (uint32_t b = 0; b < x->cfg.nblocks; b++) {
        uint32_t depth = 0;
        for (uint32_t l = x->loops.loop_of[b]; l != IR_NO_BLOCK; l = x->loops.parent[l])
            depth++;
        cr_assert_eq(x->loops.depth[b], depth);
    }
}

/* The place of the first cold block, n when there is none. The entry is never cold. */
static uint32_t first_cold(const analysis *x, const uint32_t *order, uint32_t n)
{
    uint32_t k = 1;

    while (k < n && !x->f->blocks.at[order[k]].cold)
        k++;
    return k;
}

/* Every block has a predecessor in front of it: the allocator numbers values that way. */
static void check_earlier_preds(const analysis *x, const uint32_t *order, const uint32_t *at, uint32_t n)
{
    const ir_cfg *c = &x->cfg;

    for (uint32_t k = 1; k < n; k++) {
        uint32_t b = order[k];
        bool earlier = false;
        for (uint32_t p = c->pred_first[b]; p < c->pred_first[b + 1]; p++)
            earlier |= c->rpo_index[c->pred[p]] != IR_NO_BLOCK && at[c->pred[p]] < k;
        cr_assert(earlier, "block %u has no predecessor in front of it", b);
    }
}

/* Blocks from the first cold one on are cold, or all that lead there from in front of them is. */
static void check_cold(const analysis *x, const uint32_t *order, const uint32_t *at, uint32_t n)
{
    const ir_cfg *c = &x->cfg;
    uint32_t first = first_cold(x, order, n);

    for (uint32_t k = first; k < n; k++) {
        uint32_t b = order[k];
        for (uint32_t p = c->pred_first[b]; !x->f->blocks.at[b].cold && p < c->pred_first[b + 1]; p++)
            cr_assert(c->rpo_index[c->pred[p]] == IR_NO_BLOCK || at[c->pred[p]] >= first
                          || x->loops.nloops > 0,
                      "block %u is not cold, nor what leads there", b);
    }
}

static void check_order(analysis *x)
{
    uint32_t order[MOST], at[MOST] = { 0 }, n, ncold = 0;
    uint32_t *all = order;
    bool reducible = true;

    n = jit_block_order(x->f, &x->cfg, &x->loops, all, &x->tmp);
    cr_assert_eq(n, x->cfg.nrpo);
    for (uint32_t k = 0; k < n; k++)
        at[order[k]] = k;
    cr_assert_eq(order[0], 0);
    for (uint32_t k = 0; k < n; k++) {
        cr_assert_eq(at[order[k]], k);
        ncold += k > 0 && x->f->blocks.at[order[k]].cold;
    }
    check_earlier_preds(x, order, at, n);
    check_cold(x, order, at, n);
    if (ncold > 0)
        return;
    for (uint32_t l = 0; l < x->loops.nloops; l++) {
        uint32_t set = blocks_of_loop(x, l), first = n, last = 0;
        for (uint32_t b = 0; b < x->cfg.nblocks; b++)
            if (set >> b & 1) {
                first = at[b] < first ? at[b] : first;
                last = at[b] > last ? at[b] : last;
            }
        cr_assert_eq(last - first + 1, (uint32_t)__builtin_popcount(set), "the loop is scattered");
        reducible = reducible && !x->loops.irreducible[l];
    }
    for (uint32_t a = 0; reducible && a < x->cfg.nblocks; a++)
        for (uint32_t b = 0; b < x->cfg.nblocks; b++)
            if (x->reachable >> a & 1 && x->succ[a] >> b & 1)
                cr_assert(at[a] < at[b] || dom_block(&x->dom, b, a));
}

static void check_random(uint64_t seed, bool cold)
{
    for (int round = 0; round < 3000; round++) {
        analysis x;
        uint32_t n = test_random(&seed) % MOST + 1;
        jit_func *f = graph_random(n, &seed);
        for (uint32_t b = 0; cold && b < n; b++)
            f->blocks.at[b].cold = test_random(&seed) % 4 == 0;
        open_analysis(&x, f);
        check_cfg(&x);
        check_dominators(&x);
        check_loops(&x);
        check_order(&x);
        close_analysis(&x);
    }
}

Test(analysis, random_graphs_agree_with_the_definitions)
{
    check_random(1, false);
}

Test(analysis, cold_blocks_come_last_and_change_nothing_else)
{
    check_random(2, true);
}

Test(analysis, frequencies_grow_tenfold_with_each_loop_and_fall_in_cold_blocks)
{
    analysis x;
    jit_func *f = graph_new(5);
    float freq[5];

    graph_block(f, (uint32_t[]){ 1 }, 1);
    graph_block(f, (uint32_t[]){ 2, 4 }, 2);
    graph_block(f, (uint32_t[]){ 3 }, 1);
    graph_block(f, (uint32_t[]){ 2, 1 }, 2);
    graph_block(f, NULL, 0);
    f->blocks.at[4].cold = 1;
    open_analysis(&x, f);
    jit_block_freq(f, &x.loops, freq);
    cr_expect_eq(freq[0], 1.0f);
    cr_expect_eq(freq[1], 10.0f);
    cr_expect_eq(freq[2], 100.0f);
    cr_expect_eq(freq[3], 100.0f);
    cr_expect_lt(freq[4], 0.01f);
    close_analysis(&x);
}

/* Shapes on which something quadratic or recursive would be noticed at once. */
static void check_large(jit_func *f, uint32_t nloops)
{
    analysis x;
    uint32_t *order = calloc(f->blocks.len, sizeof *order);

    open_analysis(&x, f);
    cr_expect_eq(x.cfg.nrpo, f->blocks.len);
    cr_expect_eq(x.loops.nloops, nloops);
    cr_expect_eq(jit_block_order(f, &x.cfg, &x.loops, order, &x.tmp), f->blocks.len);
    close_analysis(&x);
    free(order);
}

enum { MANY = 300000 };

Test(analysis, very_many_blocks_in_a_row)
{
    jit_func *f = graph_new(MANY);

    for (uint32_t b = 0; b + 1 < MANY; b++)
        graph_block(f, (uint32_t[]){ b + 1 }, 1);
    graph_block(f, NULL, 0);
    check_large(f, 0);
}

Test(analysis, very_many_nested_loops)
{
    jit_func *f = graph_new(MANY);
    uint32_t half = MANY / 2;

    for (uint32_t b = 0; b < half; b++)
        graph_block(f, (uint32_t[]){ b + 1 }, 1);
    for (uint32_t b = half; b + 1 < MANY; b++)
        graph_block(f, (uint32_t[]){ MANY - b, b + 1 }, 2);
    graph_block(f, NULL, 0);
    check_large(f, half - 1); /* headers 2 to half */
}

Test(analysis, very_many_irreducible_entries)
{
    jit_func *f = graph_new(MANY);

    for (uint32_t b = 0; b + 1 < MANY; b++) /* a ladder that may be climbed from any rung */
        graph_block(f, (uint32_t[]){ b + 1, b > 1 ? b - 1 : 1, b + 2 < MANY ? b + 2 : 1 }, 3);
    graph_block(f, NULL, 0);
    analysis x;
    open_analysis(&x, f);
    cr_expect_eq(x.cfg.nrpo, MANY);
    cr_expect_gt(x.loops.nloops, 0);
    close_analysis(&x);
}

Test(analysis, a_function_without_blocks_has_no_order)
{
    analysis x;

    open_analysis(&x, graph_new(0));
    cr_expect_eq(x.cfg.nrpo, 0);
    cr_expect_eq(x.loops.nloops, 0);
    close_analysis(&x);
}
