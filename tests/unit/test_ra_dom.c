/* test_ra_dom.c - the allocator's dominators, held against the definition on small random graphs
 * (a dominates c if c cannot be reached without a), and their cost on deeply nested loops. */
#include "regalloc/dom.h"
#include "tests/support/ra_gen.h"

#include <criterion/criterion.h>
#include <string.h>

enum { NODES = 14 };

typedef struct {
    arena tmp;
    ra_random random;
    uint32_t n;
    bool edge[NODES][NODES];
    ra_func f;
    ra_block blocks[NODES];
    uint32_t lists[2 * NODES * NODES];
    ra_dom dom;
} job;

static void add_edges(job *j, uint32_t b)
{
    for (uint32_t k = ra_below(&j->random, 4); k > 0; k--)
        j->edge[b][1 + ra_below(&j->random, j->n - 1)] = true;
}

static void run(void *arg)
{
    job *j = arg;
    uint32_t at = 0;

    memset(j->edge, 0, sizeof j->edge);
    memset(j->blocks, 0, sizeof j->blocks);
    j->n = 2 + ra_below(&j->random, NODES - 1);
    for (uint32_t b = 0; b < j->n; b++)
        add_edges(j, b);
    for (uint32_t b = 0; b < j->n; b++) {
        ra_block *bl = &j->blocks[b];
        bl->succs = at;
        for (uint32_t k = 0; k < j->n; k++)
            if (j->edge[b][k])
                j->lists[at++] = k;
        bl->preds = at;
        bl->nsuccs = at - bl->succs;
        for (uint32_t k = 0; k < j->n; k++)
            if (j->edge[k][b])
                j->lists[at++] = k;
        bl->npreds = at - bl->preds;
    }
    j->f.blocks = j->blocks;
    j->f.nblocks = j->n;
    j->f.lists = j->lists;
    j->dom = jit_ra_dominators(&j->f, &j->tmp);
}

/* The blocks that the entry reaches without passing block `without`. */
static uint32_t reached(const job *j, uint32_t without)
{
    uint32_t seen = without == 0 ? 0 : 1, before;

    do {
        before = seen;
        for (uint32_t b = 0; b < j->n; b++)
            for (uint32_t k = 0; k < j->n; k++)
                if ((seen >> b & 1) && j->edge[b][k] && k != without)
                    seen |= (uint32_t)1 << k;
    } while (seen != before);
    return seen;
}

Test(ra_dom, are_what_the_definition_says)
{
    static job j;
    fail_ctx fail = { 0 };

    jit_arena_init(&j.tmp, &jit_libc_allocator, &fail);
    j.random.state = 5;
    for (int round = 0; round < 4000; round++) {
        uint32_t live;
        jit_arena_reset(&j.tmp);
        cr_assert_eq(jit_guard(&fail, run, &j), JIT_OK);
        live = reached(&j, NODES);
        for (uint32_t a = 0; a < j.n; a++) {
            uint32_t past = reached(&j, a);
            cr_assert_eq(j.dom.number[a] != UINT32_MAX, (live >> a & 1) != 0);
            for (uint32_t c = 0; c < j.n; c++)
                if ((live >> a & 1) && (live >> c & 1))
                    cr_assert_eq(dominates(&j.dom, a, c), a == c || !(past >> c & 1),
                                 "round %d, blocks %u and %u", round, a, c);
        }
    }
    jit_arena_free(&j.tmp);
}

enum { LOOPS = 20000, NESTED = 2 * LOOPS + 1 };
static ra_block nested[NESTED];
static uint32_t nested_lists[4 * NESTED];

/* Headers 1 .. LOOPS one in another, then their latches from the inmost on. */
static void run_nested(void *arg)
{
    job *j = arg;
    uint32_t at = 0;

    for (uint32_t b = 0; b < NESTED; b++) {
        ra_block *bl = &nested[b];
        bl->succs = at;
        if (b + 1 < NESTED)
            nested_lists[at++] = b + 1;
        if (b > LOOPS)
            nested_lists[at++] = NESTED - b;
        bl->preds = at;
        bl->nsuccs = at - bl->succs;
        if (b > 0)
            nested_lists[at++] = b - 1;
        if (b > 0 && b <= LOOPS)
            nested_lists[at++] = NESTED - b;
        bl->npreds = at - bl->preds;
    }
    j->f.blocks = nested;
    j->f.nblocks = NESTED;
    j->f.lists = nested_lists;
    j->dom = jit_ra_dominators(&j->f, &j->tmp);
}

Test(ra_dom, of_many_nested_loops_are_a_chain)
{
    static job j;
    fail_ctx fail = { 0 };

    jit_arena_init(&j.tmp, &jit_libc_allocator, &fail);
    cr_assert_eq(jit_guard(&fail, run_nested, &j), JIT_OK);
    for (uint32_t b = 1; b < NESTED; b++)
        cr_assert_eq(j.dom.idom[b], b - 1);
    jit_arena_free(&j.tmp);
}
