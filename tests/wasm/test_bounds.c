/* test_bounds.c - bad and enormous input to the decoder: an error or a module, within a stated
 * amount of memory; never a crash. */
#include "tests/wasm/kit.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CORPUS "tests/corpus/wasm_decode"

/* What the decoder may hold for so many bytes of input. */
static size_t allowed(size_t size)
{
    return 48 * size + (1 << 18);
}

static void expect_within_bounds(const wasm_bytes *b, gw_status status, const char *text)
{
    gw_error e;

    wasm_count_memory(0);
    cr_expect_eq(wasm_decode(b->at, b->n, &e), status, "%s: %s", text, e.text);
    cr_expect_eq(strncmp(e.text, text, strlen(text)), 0, "%s, not %s", e.text, text);
    cr_expect_leq(wasm_counted.peak, allowed(b->n), "%zu bytes for %zu", wasm_counted.peak, b->n);
    cr_expect_eq(wasm_counted.live, 0);
    wasm_count_no_more();
}

static bool is_refusal(gw_status s)
{
    return s == GW_MALFORMED || s == GW_INVALID || s == GW_UNSUPPORTED || s == GW_LIMIT;
}

/* Calls f with each file of the corpus; there are ten at least. */
static void each_module(void (*f)(uint8_t *bytes, size_t n, const char *name))
{
    DIR *folder = opendir(CORPUS);
    struct dirent *entry;
    unsigned count = 0;

    cr_assert(folder, "run this from the root of the source tree");
    while ((entry = readdir(folder)) != NULL) {
        char path[512];
        size_t n;
        uint8_t *bytes;
        if (!strstr(entry->d_name, ".wasm"))
            continue;
        snprintf(path, sizeof path, "%s/%s", CORPUS, entry->d_name);
        bytes = wasm_read_file(path, &n);
        cr_assert(bytes);
        f(bytes, n, entry->d_name);
        free(bytes);
        count++;
    }
    closedir(folder);
    cr_expect_geq(count, 10);
}

/* A prefix may be a module only where a section ends. */
static bool ends_a_section(const uint8_t *bytes, size_t n)
{
    size_t at = 8;

    while (at < n) {
        size_t size = 0;
        unsigned shift = 0;
        at++;
        do
            size |= (size_t)(bytes[at] & 0x7f) << shift, shift += 7;
        while (bytes[at++] >= 0x80);
        at += size;
    }
    return at == n;
}

static void truncate_everywhere(uint8_t *bytes, size_t n, const char *name)
{
    gw_error e;

    for (size_t k = 0; k < n; k++) {
        gw_status s = wasm_decode(bytes, k, &e);
        cr_expect(s == GW_OK ? ends_a_section(bytes, k) : is_refusal(s), "%s cut at %zu: %s", name,
                  k, e.text);
        cr_expect(s == GW_OK || e.offset <= k, "%s cut at %zu: a fault at %zu", name, k, e.offset);
    }
}

Test(wasm_bounds, modules_cut_at_any_byte_are_refused)
{
    each_module(truncate_everywhere);
}

Test(wasm_bounds, any_bit_of_a_module_may_be_wrong)
{
    size_t n;
    uint8_t *bytes = wasm_read_file(CORPUS "/everything.wasm", &n);
    unsigned good = 0;
    gw_error e;

    cr_assert(bytes, "run this from the root of the source tree");
    for (size_t bit = 0; bit < 8 * n; bit++) {
        gw_status s;
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        s = wasm_decode(bytes, n, &e);
        good += s == GW_OK;
        cr_expect(s == GW_OK || is_refusal(s), "bit %zu: %s", bit, e.text);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    cr_expect(good > n / 10 && good < 4 * n, "%u of %zu", good, 8 * n);
    free(bytes);
}

static void fail_each_request(uint8_t *bytes, size_t n, const char *name)
{
    gw_status s = GW_NOMEM;
    gw_module *m;
    gw_error e;

    for (size_t k = 1; s == GW_NOMEM; k++) {
        wasm_count_memory(k);
        s = gw_module_decode(bytes, n, false, &m, &e);
        cr_expect(s == GW_NOMEM ? m == NULL && e.status == s && e.text[0] && k < 200
                                : wasm_counted.requests < k,
                  "%s, request %zu: %s", name, k, e.text);
        gw_module_free(m);
        cr_expect_eq(wasm_counted.live, 0, "%s, request %zu", name, k);
    }
    wasm_count_no_more();
}

Test(wasm_bounds, memory_may_end_at_any_request)
{
    each_module(fail_each_request);
}

/* ---- what is announced ---- */

static void put_huge(wasm_bytes *b, unsigned id, const void *entry, size_t n)
{
    wasm_section(b, id);
    wasm_u32(b, 0xffffffff);
    wasm_put(b, entry, n);
    wasm_close(b);
}

Test(wasm_bounds, four_thousand_million_of_everything_are_not_believed)
{
    static const struct {
        unsigned id;
        uint8_t entry[12];
        size_t n;
    } sections[] = { { 1, { 0x60, 0, 0 }, 3 },       { 2, { 0, 0, 2, 0, 0 }, 5 },
                     { 3, { 0 }, 1 },                { 4, { 0x70, 0, 1 }, 3 },
                     { 5, { 0, 1 }, 2 },             { 6, { 0x7f, 0, 0x41, 0, 0x0b }, 5 },
                     { 7, { 0, 0, 0 }, 3 },          { 9, { 1, 0, 0 }, 3 },
                     { 9, { 1, 0, 1, 0 }, 4 },       { 10, { 2, 0, 0x0b }, 3 },
                     { 11, { 1, 1, 0 }, 3 },         { 0, { 1, 'x' }, 2 } };

    for (size_t k = 0; k < sizeof sections / sizeof sections[0]; k++) {
        wasm_bytes b = wasm_begin();
        put_huge(&b, sections[k].id, sections[k].entry, sections[k].n);
        expect_within_bounds(&b, GW_MALFORMED, "");
        wasm_free(&b);
    }
}

Test(wasm_bounds, memories_and_tables_of_any_size_cost_nothing_yet)
{
    wasm_bytes b = wasm_begin();

    WASM_PUT(&b, 4, 7, 1, 0x70, 0, 0xff, 0xff, 0xff, 0xff, 0x0f); /* 2^32 - 1 elements */
    b.at[9] = 8;
    WASM_PUT(&b, 5, 5, 1, 0, 0x80, 0x80, 4); /* 4 GiB */
    expect_within_bounds(&b, GW_OK, "");
    wasm_free(&b);
}

Test(wasm_bounds, counts_inside_of_entries_are_not_believed_either)
{
    wasm_bytes b = wasm_begin();

    wasm_section(&b, 1); /* parameters */
    WASM_PUT(&b, 1, 0x60, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x7f);
    wasm_close(&b);
    expect_within_bounds(&b, GW_MALFORMED, "unexpected end");
    wasm_free(&b);
    b = wasm_begin();
    wasm_section(&b, 9); /* elements */
    WASM_PUT(&b, 1, 5, 0x70, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xd0, 0x70, 0x0b);
    wasm_close(&b);
    expect_within_bounds(&b, GW_MALFORMED, "unexpected end");
    wasm_free(&b);
    b = wasm_begin();
    wasm_section(&b, 12); /* data segments */
    wasm_u32(&b, 0xffffffff);
    wasm_close(&b);
    expect_within_bounds(&b, GW_MALFORMED, "data count and data section");
    wasm_free(&b);
    b = wasm_begin();
    wasm_begin_function(&b, "\0", 1); /* labels */
    WASM_PUT(&b, 0x41, 0, 0x0e, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0);
    wasm_end_function(&b);
    expect_within_bounds(&b, GW_MALFORMED, "unexpected end");
    wasm_free(&b);
}

Test(wasm_bounds, a_hundred_thousand_locals_are_too_many)
{
    static const struct {
        uint32_t count;
        gw_status status;
    } cases[] = { { 100000, GW_LIMIT }, { 50001, GW_LIMIT }, { 50000, GW_OK } };

    for (size_t k = 0; k < 3; k++) {
        wasm_bytes b = wasm_begin();
        wasm_begin_function(&b, "\1", 1);
        wasm_u32(&b, cases[k].count);
        wasm_byte(&b, 0x7e);
        wasm_end_function(&b);
        expect_within_bounds(&b, cases[k].status, cases[k].status ? "too many locals" : "");
        wasm_free(&b);
    }
}

/* ---- much of one thing ---- */

/* Blocks of a kind in one another, with a branch from the innermost out of the outermost. */
static wasm_bytes nested(unsigned kind, size_t depth, bool valid, size_t ends)
{
    wasm_bytes b = wasm_begin();

    wasm_begin_function(&b, "\0", 1);
    if (!valid)
        wasm_byte(&b, 0x45);
    for (size_t k = 0; k < depth; k++) {
        if (kind == 0x04)
            WASM_PUT(&b, 0x41, 1);
        wasm_byte(&b, kind);
        wasm_byte(&b, 0x40);
    }
    wasm_byte(&b, 0x0c);
    wasm_u32(&b, (uint32_t)depth);
    wasm_repeat(&b, 0x0b, ends);
    wasm_end_function(&b);
    return b;
}

Test(wasm_bounds, blocks_nest_a_hundred_thousand_deep)
{
    static const uint8_t kinds[] = { 0x02, 0x03, 0x04 };
    const size_t depth = 100000;

    for (size_t k = 0; k < 3; k++) {
        wasm_bytes b = nested(kinds[k], depth, true, depth);
        expect_within_bounds(&b, GW_OK, "");
        wasm_free(&b);
        b = nested(kinds[k], depth, false, depth);
        expect_within_bounds(&b, GW_INVALID, "type mismatch");
        wasm_free(&b);
        b = nested(kinds[k], depth, k == 0, depth - 1);
        expect_within_bounds(&b, GW_MALFORMED, "unexpected end");
        wasm_free(&b);
    }
}

Test(wasm_bounds, a_table_of_labels_may_be_as_long_as_its_bytes)
{
    wasm_bytes b = wasm_begin();
    const uint32_t depth = 1000, labels = 300000;

    wasm_begin_function(&b, "\0", 1);
    for (uint32_t k = 0; k < depth; k++)
        WASM_PUT(&b, 0x02, 0x40);
    WASM_PUT(&b, 0x41, 0, 0x0e);
    wasm_u32(&b, labels);
    for (uint32_t k = 0; k <= labels; k++)
        wasm_u32(&b, k % depth);
    wasm_repeat(&b, 0x0b, depth);
    wasm_end_function(&b);
    expect_within_bounds(&b, GW_OK, "");
    wasm_free(&b);
}

/* A type of 1000 results; calls of it fill the stack faster than their bytes. */
static void begin_wide(wasm_bytes *b)
{
    wasm_section(b, 1);
    WASM_PUT(b, 2, 0x60, 0, 0, 0x60, 0);
    wasm_u32(b, 1000);
    wasm_repeat(b, 0x7f, 1000);
    wasm_close(b);
    WASM_PUT(b, 2, 7, 1, 1, 'm', 1, 'f', 0, 1, 3, 2, 1, 0);
    wasm_section(b, 10);
    wasm_byte(b, 1);
    wasm_open(b);
    wasm_byte(b, 0);
}

Test(wasm_bounds, many_results_do_not_fill_memory)
{
    for (unsigned many = 0; many < 2; many++) {
        wasm_bytes b = wasm_begin();
        gw_error e;
        begin_wide(&b);
        for (unsigned k = 0; k < (many ? 100000 : 100); k++)
            WASM_PUT(&b, 0x10, 0);
        wasm_byte(&b, 0);
        wasm_end_function(&b);
        wasm_count_memory(0);
        cr_expect_eq(wasm_decode(b.at, b.n, &e), many ? GW_LIMIT : GW_OK, "%s", e.text);
        cr_expect_leq(wasm_counted.peak, allowed(b.n) + 3 * GW_MAX_OPERANDS);
        wasm_count_no_more();
        wasm_free(&b);
    }
}

static void put_many(unsigned id, uint32_t n, const void *entry, size_t size, gw_status status)
{
    wasm_bytes b = wasm_begin();

    if (id != 1)
        WASM_PUT(&b, 1, 4, 1, 0x60, 0, 0);
    wasm_section(&b, id);
    wasm_u32(&b, n);
    for (uint32_t k = 0; k < n; k++)
        wasm_put(&b, entry, size);
    wasm_close(&b);
    if (id == 3) {
        wasm_section(&b, 10);
        wasm_u32(&b, n);
        for (uint32_t k = 0; k < n; k++)
            WASM_PUT(&b, 2, 0, 0x0b);
        wasm_close(&b);
    }
    expect_within_bounds(&b, status, "");
    wasm_free(&b);
}

Test(wasm_bounds, memory_is_a_small_multiple_of_the_input)
{
    const uint32_t n = 100000;

    put_many(1, n, "\x60\0\0", 3, GW_OK);
    put_many(2, n, "\0\0\0\0", 4, GW_OK);
    put_many(2, n, "\0\0\3\x7f\0", 5, GW_OK);
    put_many(2, n, "\0\0\1\x70\0\0", 6, GW_OK);
    put_many(2, n, "\0\0\2\0\0", 5, GW_INVALID); /* multiple memories */
    put_many(3, n, "\0", 1, GW_OK);
    put_many(4, n, "\x70\0\0", 3, GW_OK);
    put_many(5, n, "\0\0", 2, GW_INVALID);
    put_many(6, n, "\x7f\0\x41\0\x0b", 5, GW_OK);
    put_many(9, n, "\5\x70\0", 3, GW_OK);
    put_many(9, n, "\5\x70\1\xd0\x70\x0b", 6, GW_OK);
    put_many(9, n, "\1\0\0", 3, GW_OK);
    put_many(11, n, "\1\0", 2, GW_OK);
    put_many(0, n, "", 0, GW_MALFORMED);
}

Test(wasm_bounds, export_names_are_compared_without_a_quadratic_walk)
{
    wasm_bytes b = wasm_begin();
    const uint32_t n = 50000;

    WASM_PUT(&b, 5, 3, 1, 0, 1);
    wasm_section(&b, 7);
    wasm_u32(&b, n + 1);
    for (uint32_t k = 0; k <= n; k++) {
        char name[16];
        int length = snprintf(name, sizeof name, "name%u", k % n);
        wasm_u32(&b, (uint32_t)length);
        wasm_put(&b, name, (size_t)length);
        WASM_PUT(&b, 2, 0);
    }
    wasm_close(&b);
    expect_within_bounds(&b, GW_INVALID, "duplicate export name");
    wasm_free(&b);
}

Test(wasm_bounds, a_constant_expression_may_be_long)
{
    wasm_bytes b = wasm_begin();
    const size_t n = 200000;

    wasm_section(&b, 6);
    WASM_PUT(&b, 1, 0x7f, 0);
    for (size_t k = 0; k <= n; k++)
        WASM_PUT(&b, 0x41, 1);
    wasm_repeat(&b, 0x6a, n);
    wasm_byte(&b, 0x0b);
    wasm_close(&b);
    expect_within_bounds(&b, GW_OK, "");
    wasm_free(&b);
}
