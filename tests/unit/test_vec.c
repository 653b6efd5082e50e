#include "support/vec.h"
#include "tests/support/fault_alloc.h"

#include <criterion/criterion.h>
#include <string.h>

static fault_alloc host;
static fail_ctx fc;
static arena a;

static void begin(size_t fail_at)
{
    fault_alloc_init(&host, fail_at);
    jit_arena_init(&a, &host.host, &fc);
}

Test(vec, pushed_elements_stay_in_order_while_it_grows)
{
    VEC(uint32_t) v = { 0 };

    begin(0);
    for (uint32_t k = 0; k < 100000; k++)
        vec_push(&a, &v, k * 3);
    cr_expect_eq(v.len, 100000);
    for (uint32_t k = 0; k < v.len; k++)
        cr_assert_eq(v.at[k], k * 3);
    jit_arena_free(&a);
}

Test(vec, reserving_makes_room_for_all_at_once)
{
    VEC(char) v = { 0 };

    begin(0);
    vec_reserve(&a, &v, 1000);
    cr_expect_geq(v.cap, 1000);
    cr_expect_eq(v.len, 0);
    jit_arena_free(&a);
}

Test(vec, without_memory_it_is_unchanged)
{
    VEC(uint64_t) v = { 0 };

    begin(2);
    vec_push(&a, &v, 5);
    host.fail_after = true;
    cr_expect_not(vec_try_reserve(&a, &v, 1u << 20));
    cr_expect_eq(v.len, 1);
    cr_expect_eq(v.at[0], 5);
    jit_arena_free(&a);
}

Test(vec, more_elements_than_a_length_can_count_are_refused)
{
    VEC(uint8_t) v = { 0 };

    begin(0);
    vec_push(&a, &v, 1);
    cr_expect_not(jit_vec_try_grow(&a, &v, UINT32_MAX, 1));
    cr_expect_not(jit_vec_try_grow(&a, &v, UINT32_MAX - 1, SIZE_MAX / 2));
    cr_expect_eq(v.len, 1);
    jit_arena_free(&a);
}
