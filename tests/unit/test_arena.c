#include "support/arena.h"
#include "tests/support/fault_alloc.h"

#include <criterion/criterion.h>
#include <string.h>

static fault_alloc host;
static fail_ctx fc;
static arena a;

static void begin(size_t fail_at)
{
    fault_alloc_init(&host, fail_at);
    memset(&fc, 0, sizeof fc);
    jit_arena_init(&a, &host.host, &fc);
}

static void end(void)
{
    jit_arena_free(&a);
    cr_expect_eq(host.live, 0);
    cr_expect_not(host.wrong_size);
}

/* Allocates as a compilation might: many small, some large; writes all of it. */
static void use_memory(void)
{
    for (size_t k = 0; k < 2000; k++) {
        size_t n = k % 100 == 0 ? 50000 + k * 30 : k % 200;
        memset(arena_raw(&a, n), (int)k, n);
    }
}

static void ask_for_all(void *arg)
{
    (void)arg;
    for (;;)
        arena_raw(&a, 1000);
}

static void ask_for_too_many(void *arg)
{
    (void)arg;
    (void)ARENA_ARRAY(&a, uint64_t, SIZE_MAX / 4);
}

static void ask_for_everything(void *arg)
{
    (void)arg;
    arena_raw(&a, SIZE_MAX - 3);
}

Test(arena, memory_is_aligned_to_16_and_does_not_overlap)
{
    unsigned char *p[300];

    begin(0);
    for (unsigned k = 0; k < 300; k++) {
        p[k] = arena_raw(&a, k);
        cr_expect_eq((uintptr_t)p[k] % 16, 0);
        memset(p[k], (int)k & 255, k);
    }
    for (unsigned k = 0; k < 300; k++)
        for (unsigned i = 0; i < k; i++)
            cr_assert_eq(p[k][i], (k & 255));
    end();
}

Test(arena, no_bytes_are_a_valid_pointer)
{
    begin(0);
    cr_expect_eq(host.calls, 0);
    cr_expect_not_null(arena_raw(&a, 0));
    end();
}

Test(arena, arrays_are_zeroed_also_in_memory_used_before)
{
    begin(0);
    use_memory();
    jit_arena_reset(&a);
    for (unsigned k = 1; k < 50; k++) {
        uint32_t *p = ARENA_ARRAY(&a, uint32_t, k * 100);
        for (unsigned i = 0; i < k * 100; i++)
            cr_assert_eq(p[i], 0);
    }
    end();
}

Test(arena, the_same_work_after_a_reset_asks_the_host_for_nothing)
{
    size_t calls, used;

    begin(0);
    use_memory();
    calls = host.calls;
    used = a.used;
    for (int k = 0; k < 3; k++) {
        jit_arena_reset(&a);
        cr_expect_eq(a.used, 0);
        use_memory();
        cr_expect_eq(a.used, used);
    }
    cr_expect_eq(host.calls, calls);
    end();
}

Test(arena, rewinding_forgets_what_came_after_the_mark_and_keeps_what_came_before)
{
    char *kept;
    arena_mark m;
    size_t used, calls;

    begin(0);
    kept = jit_arena_string(&a, "kept", 4);
    m = jit_arena_mark(&a);
    used = a.used;
    use_memory();
    calls = host.calls;
    for (int k = 0; k < 5; k++) {
        jit_arena_rewind(&a, m);
        cr_expect_eq(a.used, used);
        use_memory();
    }
    cr_expect_eq(host.calls, calls);
    cr_expect_str_eq(kept, "kept");
    end();
}

Test(arena, a_mark_of_an_empty_arena_rewinds_to_empty)
{
    arena_mark m;

    begin(0);
    m = jit_arena_mark(&a);
    use_memory();
    jit_arena_rewind(&a, m);
    cr_expect_eq(a.used, 0);
    cr_expect_not_null(arena_raw(&a, 100));
    end();
}

Test(arena, the_limit_holds_to_the_byte)
{
    begin(0);
    a.limit = 10000;
    cr_expect_eq(jit_guard(&fc, ask_for_all, NULL), JIT_ERR_LIMIT);
    cr_expect_leq(a.used, 10000);
    cr_expect_geq(a.used, 10000 - 1024);
    cr_expect_null(arena_try(&a, 1100));
    jit_arena_reset(&a);
    cr_expect_not_null(arena_try(&a, 1000));
    end();
}

Test(arena, an_exhausted_host_is_out_of_memory_and_nothing_leaks)
{
    begin(3);
    host.fail_after = true;
    cr_expect_eq(jit_guard(&fc, ask_for_all, NULL), JIT_ERR_NOMEM);
    cr_expect_null(arena_try(&a, 1 << 20));
    end();
}

Test(arena, sizes_that_overflow_are_out_of_memory)
{
    begin(0);
    cr_expect_eq(jit_guard(&fc, ask_for_too_many, NULL), JIT_ERR_NOMEM);
    cr_expect_eq(jit_guard(&fc, ask_for_everything, NULL), JIT_ERR_NOMEM);
    cr_expect_null(arena_try(&a, SIZE_MAX));
    cr_expect_null(arena_try(&a, SIZE_MAX - 40));
    end();
}

Test(arena, it_may_be_used_again_after_it_was_freed)
{
    begin(0);
    use_memory();
    jit_arena_free(&a);
    cr_expect_eq(host.live, 0);
    use_memory();
    end();
}

Test(arena, memory_that_was_given_back_is_handed_out_again)
{
    begin(0);
    a.recycles = true;
    char *first = arena_raw(&a, 1008), *second = arena_raw(&a, 2000), *kept = arena_raw(&a, 64);
    memset(kept, 1, 64);
    size_t used = a.used;
    jit_arena_recycle(&a, first, 1008);
    jit_arena_recycle(&a, second, 2000); /* may stand right behind it: one hole then */
    cr_expect_lt(a.used, used - 3000);
    while ((size_t)(a.end - a.at) >= 300)
        memset(arena_raw(&a, 256), 2, 256);
    size_t calls = host.calls;
    char *again = arena_raw(&a, 1900);
    memset(again, 3, 1900);
    cr_expect(again == second || again == first);
    cr_expect_eq(host.calls, calls);
    for (unsigned k = 0; k < 64; k++)
        cr_assert_eq(kept[k], 1);
    end();
}

Test(arena, many_pieces_given_back_in_any_order_stay_apart_from_what_is_in_use)
{
    enum { N = 400 };
    static unsigned char *p[N];
    static size_t n[N];
    uint32_t seed = 1;

    begin(0);
    a.recycles = true;
    for (unsigned round = 0; round < 20000; round++) {
        seed = seed * 1103515245u + 12345;
        unsigned k = (seed >> 8) % N;
        for (size_t i = 0; i < n[k]; i++)
            cr_assert_eq(p[k][i], (unsigned char)k);
        jit_arena_recycle(&a, p[k], n[k]);
        n[k] = (seed >> 20) % (k % 8 ? 700 : 6000);
        p[k] = arena_raw(&a, n[k]);
        memset(p[k], (int)k & 255, n[k]);
    }
    cr_expect_lt(a.held, 4 << 20); /* 12 MB and more were asked for */
    end();
}
