#include "support/bitset.h"
#include "support/map.h"
#include "support/strbuf.h"
#include "tests/support/fault_alloc.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static fault_alloc host;
static fail_ctx fc;
static arena a;

static void begin(size_t fail_at)
{
    fault_alloc_init(&host, fail_at);
    jit_arena_init(&a, &host.host, &fc);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return hash_mix(*state);
}

Test(bitset, adding_says_whether_the_element_is_new)
{
    begin(0);
    bitset s = bitset_new(&a, 200);
    cr_expect(bitset_add(&s, 64));
    cr_expect_not(bitset_add(&s, 64));
    cr_expect(bitset_has(&s, 64));
    cr_expect_not(bitset_has(&s, 63));
    bitset_remove(&s, 64);
    cr_expect_not(bitset_has(&s, 64));
    jit_arena_free(&a);
}

Test(bitset, next_walks_over_all_elements_in_order)
{
    static const uint32_t elements[] = { 0, 1, 63, 64, 127, 128, 190, 199 };
    uint32_t at = 0, k = 0;

    begin(0);
    bitset s = bitset_new(&a, 200);
    for (unsigned i = 0; i < 8; i++)
        bitset_add(&s, elements[i]);
    for (at = jit_bitset_next(&s, 0); at != UINT32_MAX; at = jit_bitset_next(&s, at + 1))
        cr_assert_eq(at, elements[k++]);
    cr_expect_eq(k, 8);
    cr_expect_eq(jit_bitset_next(&s, 100000), UINT32_MAX);
    jit_bitset_clear(&s);
    cr_expect_eq(jit_bitset_next(&s, 0), UINT32_MAX);
    jit_arena_free(&a);
}

Test(bitset, a_union_says_whether_it_grew)
{
    begin(0);
    bitset x = bitset_new(&a, 100), y = bitset_new(&a, 100);
    bitset_add(&x, 3);
    bitset_add(&y, 3);
    cr_expect_not(jit_bitset_union(&x, &y));
    bitset_add(&y, 99);
    cr_expect(jit_bitset_union(&x, &y));
    cr_expect(bitset_has(&x, 99));
    jit_arena_free(&a);
}

Test(map, what_was_put_is_found_and_nothing_else)
{
    map m = { 0 };
    uint64_t seed = 1;

    begin(0);
    cr_expect_eq(jit_map_get(&m, 5), 0);
    for (uint32_t k = 1; k <= 20000; k++)
        jit_map_put(&a, &m, next_random(&seed), k);
    cr_expect_eq(m.len, 20000);
    seed = 1;
    for (uint32_t k = 1; k <= 20000; k++)
        cr_assert_eq(jit_map_get(&m, next_random(&seed)), k);
    for (uint32_t k = 1; k <= 20000; k++)
        cr_assert_eq(jit_map_get(&m, next_random(&seed)), 0);
    jit_arena_free(&a);
}

Test(map, a_second_put_replaces_the_value)
{
    map m = { 0 };

    begin(0);
    jit_map_put(&a, &m, 0, 1);
    jit_map_put(&a, &m, 0, 2);
    cr_expect_eq(jit_map_get(&m, 0), 2);
    cr_expect_eq(m.len, 1);
    jit_arena_free(&a);
}

Test(map, without_memory_it_is_unchanged)
{
    map m = { 0 };
    uint32_t k = 1;

    begin(6);
    host.fail_after = true;
    while (jit_map_try_put(&a, &m, k, k))
        k++;
    for (uint32_t i = 1; i < k; i++)
        cr_assert_eq(jit_map_get(&m, i), i);
    cr_expect_eq(jit_map_get(&m, k), 0);
    jit_arena_free(&a);
}

Test(map, hashes_tell_strings_of_zeros_apart)
{
    static const char zeros[32];

    for (size_t i = 0; i < 32; i++)
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(jit_hash_bytes(zeros, i), jit_hash_bytes(zeros, k));
}

Test(strbuf, printing_appends_whatever_its_length)
{
    strbuf s;
    char longer[1000];

    begin(0);
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = 0;
    jit_strbuf_init(&s, &host.host);
    jit_strbuf_puts(&s, "a");
    jit_strbuf_printf(&s, "%d-%s", 42, longer);
    jit_strbuf_putc(&s, '!');
    cr_expect_eq(s.len, 1 + 3 + 999 + 1);
    cr_expect_eq(strncmp(s.at, "a42-xxx", 7), 0);
    cr_expect_eq(s.at[s.len - 1], '!');
    cr_expect_eq(s.at[s.len], 0);
    jit_strbuf_free(&s);
    cr_expect_eq(host.live, 0);
}

Test(strbuf, what_was_printed_last_can_come_first)
{
    strbuf s;

    begin(0);
    jit_strbuf_init(&s, &host.host);
    jit_strbuf_rotate(&s, 0);
    jit_strbuf_puts(&s, "body, head");
    jit_strbuf_rotate(&s, 6);
    cr_expect_str_eq(s.at, "headbody, ");
    jit_strbuf_rotate(&s, 0);
    jit_strbuf_rotate(&s, s.len);
    jit_strbuf_rotate(&s, s.len + 1);
    cr_expect_str_eq(s.at, "headbody, ");
    jit_strbuf_free(&s);
}

Test(strbuf, numbers_print_as_printf_does)
{
    static const uint64_t numbers[] = { 0, 9, 10, 99, 12345678901234567890u, UINT64_MAX,
                                        (uint64_t)INT64_MIN };
    strbuf s;
    char text[32];

    begin(0);
    for (unsigned k = 0; k < 7; k++) {
        jit_strbuf_init(&s, &host.host);
        jit_strbuf_u64(&s, numbers[k]);
        snprintf(text, sizeof text, "%" PRIu64, numbers[k]);
        cr_expect_str_eq(s.at, text);
        jit_strbuf_free(&s);
        jit_strbuf_i64(&s, (int64_t)numbers[k]);
        snprintf(text, sizeof text, "%" PRId64, (int64_t)numbers[k]);
        cr_expect_str_eq(s.at, text);
        jit_strbuf_free(&s);
    }
}

Test(strbuf, after_a_failure_the_rest_is_dropped_and_what_was_there_stays)
{
    strbuf s;

    begin(2);
    host.fail_after = true;
    jit_strbuf_init(&s, &host.host);
    jit_strbuf_puts(&s, "kept");
    for (int k = 0; k < 1000; k++)
        jit_strbuf_printf(&s, " %d", k);
    cr_expect(s.failed);
    cr_expect_eq(strncmp(s.at, "kept 0 1", 8), 0);
    cr_expect_eq(strlen(s.at), s.len);
    jit_strbuf_free(&s);
    cr_expect_eq(host.live, 0);
}
