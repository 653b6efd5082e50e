/* test_ra_alloc.c - both allocators on random functions, and what linear scan should make of
 * some. */
#include "tests/support/ra_gen.h"

#include <criterion/criterion.h>
#include <stdio.h>

typedef struct { uint64_t seed; arena tmp; bool linear; const char *error; } job;

static void run(void *arg)
{
    job *j = arg;
    ra_func *f = ra_generate(j->seed, &j->tmp);
    uint32_t where = 0;

    ra_forget(f);
    if (j->linear)
        jit_ra_linear(f, &j->tmp);
    else
        ra_run_fast(f, &j->tmp);
    j->error = jit_ra_check(f, &j->tmp);
    if (!j->error && !ra_simulate(f, j->seed, 200, &where, &j->tmp))
        j->error = "execution differs";
}

static void expect_right(bool linear)
{
    fail_ctx fail = { 0 };
    job j = { .linear = linear };

    jit_arena_init(&j.tmp, &jit_libc_allocator, &fail);
    for (j.seed = 1; j.seed <= 1500; j.seed++) {
        jit_arena_reset(&j.tmp);
        cr_assert_eq(jit_guard(&fail, run, &j), JIT_OK, "seed %llu: %s", (unsigned long long)j.seed,
                     fail.message);
        cr_assert(!j.error, "seed %llu: %s", (unsigned long long)j.seed, j.error);
    }
    jit_arena_free(&j.tmp);
}

Test(ra_alloc, the_fast_allocator_is_right_on_random_functions)
{
    expect_right(false);
}

Test(ra_alloc, linear_scan_is_right_on_random_functions)
{
    expect_right(true);
}

Test(ra_alloc, the_same_function_gets_the_same_result)
{
    fail_ctx fail = { 0 };
    arena tmp[2];
    ra_func *f[2];

    for (int k = 0; k < 2; k++) {
        jit_arena_init(&tmp[k], &jit_libc_allocator, &fail);
        f[k] = ra_generate(77, &tmp[k]);
        jit_ra_linear(f[k], &tmp[k]);
    }
    cr_assert_eq(f[0]->moves.len, f[1]->moves.len);
    for (uint32_t k = 0; k < f[0]->nops; k++)
        cr_assert_eq(f[0]->ops[k].loc, f[1]->ops[k].loc);
    jit_arena_free(&tmp[0]);
    jit_arena_free(&tmp[1]);
}

/* ---- a chain of blocks: each makes a value, which the next one reads, and reads the first one
 * ---- */

typedef struct { arena tmp; fail_ctx fail; uint32_t blocks, polls, patience; } chain_job;

static void count_polls(void *user)
{
    chain_job *j = user;

    if (j->polls++ == j->patience)
        jit_fail(&j->fail, JIT_ERR_CANCELLED, "no patience");
}

static ra_operand chain_operand(uint32_t vreg, unsigned kind)
{
    ra_operand op = { .vreg = vreg, .kind = kind & 7u, .constraint = RA_REG, .width = 8,
                      .nonzero = 8, .loc = LOC_NONE };
    return op;
}

static void allocate_chain(void *arg)
{
    chain_job *j = arg;
    arena *tmp = &j->tmp;
    uint32_t n = j->blocks;
    ra_env env = { .allocatable = 7, .scratch = RA_INT(3),
                   .order = { { 0, 1, 2, 0xff }, { 0xff } } };
    ra_block *blocks = ARENA_ARRAY(tmp, ra_block, n);
    uint32_t *lists = ARENA_ARRAY(tmp, uint32_t, n);
    ra_func f = { .env = &env, .insts = ARENA_ARRAY(tmp, ra_inst, 2 * (size_t)n), .ninsts = 2 * n,
                  .ops = ARENA_ARRAY(tmp, ra_operand, 3 * (size_t)n), .blocks = blocks,
                  .nblocks = n, .lists = lists, .vregs = ARENA_ARRAY(tmp, ra_vreg, n), .nvregs = n,
                  .poll = count_polls, .poll_user = j };

    for (uint32_t b = 0; b < n; b++) {
        ra_block bl = { .first = 2 * b, .end = 2 * b + 2, .succs = b + 1 < n ? b + 1 : b,
                        .nsuccs = b + 1 < n, .preds = b > 0 ? b - 1 : 0, .npreds = b > 0,
                        .freq = 1 };
        ra_vreg v = { RC_INT, 8, VREG_GLOBAL, 0xff };
        blocks[b] = bl;
        lists[b] = b;
        f.vregs[b] = v;
        f.insts[2 * b].ops = f.nops;
        f.ops[f.nops++] = chain_operand(b, RA_DEF);
        if (b > 0) {
            f.ops[f.nops++] = chain_operand(b - 1, RA_USE);
            f.ops[f.nops++] = chain_operand(0, RA_USE);
        }
        f.insts[2 * b].nops = (uint8_t)(f.nops - f.insts[2 * b].ops);
        f.insts[2 * b + 1].ops = f.nops;
        f.insts[2 * b + 1].flags = RA_TERM;
    }
    jit_ra_linear(&f, tmp);
    cr_assert_null(jit_ra_check(&f, tmp));
}

static jit_status run_chain(uint32_t blocks, uint32_t patience, uint32_t *polls)
{
    chain_job j = { .blocks = blocks, .patience = patience };
    jit_status s;

    jit_arena_init(&j.tmp, &jit_libc_allocator, &j.fail);
    s = jit_guard(&j.fail, allocate_chain, &j);
    jit_arena_free(&j.tmp);
    *polls = j.polls;
    return s;
}

Test(ra_alloc, linear_scan_asks_the_host_after_a_bounded_amount_of_work)
{
    uint32_t polls, more;

    cr_assert_eq(run_chain(64, UINT32_MAX, &polls), JIT_OK);
    cr_assert_eq(polls, 0);
    cr_assert_eq(run_chain(1 << 16, UINT32_MAX, &polls), JIT_OK);
    cr_assert_geq(polls, 8);
    cr_assert_eq(run_chain(1 << 18, UINT32_MAX, &more), JIT_OK);
    cr_assert_geq(more, 3 * polls);
    cr_assert_leq(more, 5 * polls);
}

Test(ra_alloc, the_host_may_stop_linear_scan_each_time_it_is_asked)
{
    uint32_t all, polls;

    cr_assert_eq(run_chain(1 << 16, UINT32_MAX, &all), JIT_OK);
    for (uint32_t k = 0; k < all; k++) {
        cr_assert_eq(run_chain(1 << 16, k, &polls), JIT_ERR_CANCELLED);
        cr_assert_eq(polls, k + 1);
    }
}
