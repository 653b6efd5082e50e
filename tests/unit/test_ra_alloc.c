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
