/* test_machbuf.c - every promise of machbuf.h, held against made-up fixups of small reach. */
#include "machinst/machbuf.h"
#include "tests/support/fault_alloc.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* ---- A machine of our own ----
 * NEAR reaches -64 to 60 bytes and may be extended by a hop of
 * kind FAR; LONG is x86's rel32 and may be shortened: a jump is E9 and four bytes, or EB and
 * one. */
enum { LONG, NEAR, FAR, TABLE };

static void patch(uint8_t *field, int64_t distance)
{
    for (unsigned k = 0; k < 4; k++)
        field[k] = (uint8_t)((uint64_t)distance >> 8 * k);
}

static void hop(uint8_t *at, uint8_t *kind)
{
    memset(at, 0xff, 4);
    *kind = FAR;
}

static void skip(uint8_t *at, uint32_t distance)
{
    at[0] = 0x5c;
    at[1] = (uint8_t)distance;
    at[2] = (uint8_t)(distance >> 8);
    at[3] = (uint8_t)(distance >> 16);
}

static const fixup_kind kinds[] = {
    [LONG] = { "long", 4, INT32_MIN + 64, INT32_MAX, -4, 0xff, patch, 0, NULL },
    [NEAR] = { "near", 4, -64, 60, 0, 0xff, patch, 4, hop },
    [FAR] = { "far", 4, -4000, 4000, 0, 0xff, patch, 0, NULL },
    [TABLE] = { "table", 4, INT32_MIN, INT32_MAX, 0, 0xff, patch, 0, NULL },
};

static void shorten(const uint8_t *long_form, uint8_t *short_form)
{
    (void)long_form;
    short_form[0] = 0xeb;
}

static const shrink_form shrinks[] = { { 5, 2, 1, -128, 127, shorten } };

static fault_alloc host;
static fail_ctx fc;
static arena mem, out;
static mbuf b;
static mcode code;

static void begin_with(uint32_t front, uint32_t limit)
{
    fault_alloc_init(&host, 0);
    memset(&fc, 0, sizeof fc);
    jit_arena_init(&mem, &host.host, &fc);
    jit_arena_init(&out, &host.host, &fc);
    jit_mbuf_init(&b, &mem, kinds, shrinks, front, limit);
}

static void begin(void)
{
    begin_with(0, 0);
}

static void end(void)
{
    jit_arena_free(&mem);
    jit_arena_free(&out);
    cr_expect_eq(host.live, 0);
}

static jit_status guarded(void (*body)(void *))
{
    return jit_guard(&fc, body, NULL);
}

static void do_finish(void *arg)
{
    (void)arg;
    jit_mbuf_finish(&b, &out, &code);
}

static void finish(void)
{
    cr_assert(jit_mbuf_is_valid(&b));
    cr_assert_eq(guarded(do_finish), JIT_OK, "%s", fc.message);
}

static void put(uint32_t n, uint8_t byte)
{
    while (n > 0) {
        uint32_t now = n < 100 ? n : 100;
        mcursor c = jit_mbuf_open(&b, now);
        for (uint32_t k = 0; k < now; k++)
            mput1(&c, byte);
        mcursor_close(&c);
        n -= now;
    }
}

static void jump(mlabel to)
{
    mcursor c = jit_mbuf_open(&b, 5);

    mput1(&c, 0xe9);
    jit_mbuf_fixup(&b, mcursor_offset(&c), to, LONG, 1, 0);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
}

static void refer(mlabel to, uint8_t kind, int32_t addend)
{
    mcursor c = jit_mbuf_open(&b, 4);

    jit_mbuf_fixup(&b, mcursor_offset(&c), to, kind, 0, addend);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
}

static mlabel here(void)
{
    mlabel l = jit_mbuf_label(&b);
    jit_mbuf_bind(&b, l);
    return l;
}

static int32_t word(uint32_t at)
{
    int32_t x;
    memcpy(&x, code.bytes + at, 4);
    return x;
}

/* ---- Reservations ----
 * */

Test(machbuf, bytes_come_out_as_they_went_in)
{
    begin();
    mcursor c = jit_mbuf_open(&b, 20);
    mput1(&c, 0xab);
    mput_le(&c, 0x1122334455667788, 8);
    mput_le(&c, 0xffee, 1);
    cr_expect_eq(mcursor_offset(&c), 10);
    mcursor_close(&c);
    finish();
    static const uint8_t want[] = { 0xab, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0xee };
    cr_assert_eq(code.size, 10);
    cr_expect_eq(code.code_size, 10);
    cr_expect_arr_eq(code.bytes, want, 10);
    end();
}

static void overrun_one(void *arg)
{
    (void)arg;
    mcursor c = jit_mbuf_open(&b, 3);
    for (unsigned k = 0; k < 4; k++)
        mput1(&c, 1);
}

static void overrun_many(void *arg)
{
    (void)arg;
    mcursor c = jit_mbuf_open(&b, 7);
    mput_le(&c, 0, 8);
}

static void overrun_none_reserved(void *arg)
{
    (void)arg;
    mcursor c = jit_mbuf_open(&b, 0);
    mput1(&c, 0);
}

Test(machbuf, a_put_beyond_its_reservation_fails_and_names_the_place)
{
    static void (*const bodies[])(void *) = { overrun_one, overrun_many, overrun_none_reserved };

    for (unsigned k = 0; k < 3; k++) {
        begin();
        put(77, 0x90);
        cr_expect_eq(guarded(bodies[k]), JIT_ERR_INTERNAL);
        cr_expect_str_eq(fc.message,
                         "code buffer: an instruction at offset 77 exceeds its reservation");
        end();
    }
}

static void short_field(void *arg)
{
    mlabel l = jit_mbuf_label(&b);
    mcursor c = jit_mbuf_open(&b, 5);

    mput1(&c, 0xe9);
    jit_mbuf_fixup(&b, mcursor_offset(&c), l, LONG, 1, 0);
    mput_le(&c, 0, 3); /* one byte short */
    mcursor_close(&c);
    if (arg)
        put(100, 0x90); /* which would be patched */
    jit_mbuf_bind(&b, l);
    jit_mbuf_finish(&b, &out, &code);
}

Test(machbuf, a_put_one_byte_short_is_found_and_named)
{
    begin();
    put(9, 0x90);
    cr_expect_eq(guarded(short_field), JIT_ERR_INTERNAL);
    cr_expect_str_eq(fc.message, "code buffer: an instruction at offset 10 ends within its long");
    end();
}

static void open_twice(void *arg)
{
    (void)arg;
    jit_mbuf_open(&b, 3);
    jit_mbuf_open(&b, 3);
}

Test(machbuf, only_one_cursor_is_open)
{
    begin();
    cr_expect_eq(guarded(open_twice), JIT_ERR_INTERNAL);
    cr_expect_not_null(strstr(fc.message, "opened twice"));
    end();
}

Test(machbuf, it_grows_to_any_size_and_keeps_its_bytes)
{
    begin();
    for (uint32_t k = 0; k < 300000; k++) {
        mcursor c = jit_mbuf_open(&b, 16);
        mput_le(&c, k * 2654435761u, 4);
        mcursor_close(&c);
    }
    finish();
    cr_assert_eq(code.size, 1200000);
    for (uint32_t k = 0; k < 300000; k++)
        cr_assert_eq((uint32_t)word(4 * k), k * 2654435761u);
    end();
}

static void put_5000(void *arg)
{
    (void)arg;
    put(5000, 1);
    jit_mbuf_finish(&b, &out, &code);
}

Test(machbuf, more_bytes_than_the_limit_fail)
{
    static const uint32_t limits[] = { 1, 100, 4096, 4999 };

    for (unsigned k = 0; k < 4; k++) {
        begin_with(0, limits[k]);
        cr_expect_eq(guarded(put_5000), JIT_ERR_LIMIT);
        end();
        begin_with(320, limits[k]);
        cr_expect_eq(guarded(put_5000), JIT_ERR_LIMIT);
        end();
    }
    begin_with(0, 5000);
    cr_expect_eq(guarded(put_5000), JIT_OK);
    end();
}

static void constant_over_limit(void *arg)
{
    static const uint8_t bytes[16] = { 1 };

    (void)arg;
    put(90, 1);
    refer(jit_mbuf_constant(&b, bytes, 16, 16), FAR, 0);
    jit_mbuf_finish(&b, &out, &code);
}

Test(machbuf, constants_count_to_the_limit)
{
    begin_with(0, 111);
    cr_expect_eq(guarded(constant_over_limit), JIT_ERR_LIMIT);
    end();
    begin_with(0, 112);
    cr_expect_eq(guarded(constant_over_limit), JIT_OK);
    end();
}

/* ---- Labels and fixups ----
 * */

Test(machbuf, fixups_lead_forward_and_back_with_their_addend_and_bias)
{
    begin();
    mlabel back = here(), ahead = jit_mbuf_label(&b);
    put(10, 0x90);
    refer(back, TABLE, 3);
    refer(ahead, LONG, 0);
    put(1000, 0x90);
    jit_mbuf_bind(&b, ahead);
    refer(ahead, TABLE, -7);
    finish();
    cr_expect_eq(word(10), -10 + 3);
    cr_expect_eq(word(14), 1004 - 4);
    cr_expect_eq(word(1018), -7);
    cr_expect_eq(code.label_offsets[back.id - 1], 0);
    cr_expect_eq(code.label_offsets[ahead.id - 1], 1018);
    end();
}

static void never_bound(void *arg)
{
    (void)arg;
    refer(jit_mbuf_label(&b), TABLE, 0);
    jit_mbuf_finish(&b, &out, &code);
}

static void bound_twice(void *arg)
{
    (void)arg;
    mlabel l = here();
    put(1, 0);
    jit_mbuf_bind(&b, l);
}

static void no_label(void *arg)
{
    (void)arg;
    mlabel none = { 0 };
    refer(none, TABLE, 0);
}

static void finish_twice(void *arg)
{
    (void)arg;
    jit_mbuf_finish(&b, &out, &code);
    jit_mbuf_finish(&b, &out, &code);
}

static void put_after_finish(void *arg)
{
    (void)arg;
    jit_mbuf_finish(&b, &out, &code);
    put(1, 0);
}

static void finish_while_open(void *arg)
{
    (void)arg;
    jit_mbuf_open(&b, 4);
    jit_mbuf_finish(&b, &out, &code);
}

static void odd_alignment(void *arg)
{
    (void)arg;
    jit_mbuf_constant(&b, "abc", 3, 3);
}

static void no_alignment(void *arg)
{
    (void)arg;
    jit_mbuf_constant(&b, "abc", 3, 0);
}

Test(machbuf, misuse_is_an_internal_error_in_every_build)
{
    static void (*const bodies[])(void *) = { never_bound, bound_twice, no_label, finish_twice,
                                              put_after_finish, finish_while_open, odd_alignment,
                                              no_alignment };

    for (unsigned k = 0; k < sizeof bodies / sizeof *bodies; k++) {
        begin();
        cr_expect_eq(guarded(bodies[k]), JIT_ERR_INTERNAL, "case %u", k);
        cr_expect_neq(fc.message[0], 0);
        end();
    }
}

Test(machbuf, an_unused_label_need_not_be_bound)
{
    begin();
    mlabel l = jit_mbuf_label(&b);
    put(3, 1);
    finish();
    cr_expect_eq(code.label_offsets[l.id - 1], UINT32_MAX);
    end();
}

static void out_of_reach(void *arg)
{
    (void)arg;
    mlabel l = jit_mbuf_label(&b);
    refer(l, FAR, 0);
    put(4000, 0);
    jit_mbuf_bind(&b, l);
    jit_mbuf_finish(&b, &out, &code);
}

Test(machbuf, a_reach_exceeded_is_a_limit)
{
    begin();
    cr_expect_eq(guarded(out_of_reach), JIT_ERR_LIMIT);
    cr_expect_not_null(strstr(fc.message, "far at offset 0"));
    end();
}

/* ---- Shortening ----
 * */

/* Bytes of a jump over n bytes, forward or back. */
static uint32_t jump_size(uint32_t n, bool forward)
{
    begin();
    mlabel l = jit_mbuf_label(&b);
    if (forward) {
        jump(l);
        put(n, 0x90);
        jit_mbuf_bind(&b, l);
    } else {
        jit_mbuf_bind(&b, l);
        put(n, 0x90);
        jump(l);
    }
    finish();
    uint32_t size = code.size - n, at = forward ? 0 : n;
    int32_t distance = forward ? (int32_t)n : -(int32_t)code.size;
    if (size == 2) {
        cr_expect_eq(code.bytes[at], 0xeb);
        cr_expect_eq((int8_t)code.bytes[at + 1], distance);
    } else {
        cr_expect_eq(code.bytes[at], 0xe9);
        cr_expect_eq(word(at + 1), distance);
    }
    end();
    return size;
}

Test(machbuf, branches_are_shortened_at_their_exact_reach)
{
    cr_expect_eq(jump_size(0, true), 2);
    cr_expect_eq(jump_size(127, true), 2);
    cr_expect_eq(jump_size(128, true), 5);
    cr_expect_eq(jump_size(100000, true), 5);
    cr_expect_eq(jump_size(0, false), 2);
    cr_expect_eq(jump_size(126, false), 2);
    cr_expect_eq(jump_size(127, false), 5);
    cr_expect_eq(jump_size(100000, false), 5);
}

Test(machbuf, shortening_one_branch_brings_another_into_reach)
{
    begin();
    mlabel far = jit_mbuf_label(&b), near = jit_mbuf_label(&b);
    jump(far); /* 130 bytes in long form, 127 in short form */
    jump(near);
    put(125, 0x90);
    jit_mbuf_bind(&b, near);
    jit_mbuf_bind(&b, far);
    finish();
    cr_expect_eq(code.size, 2 + 2 + 125);
    cr_expect_eq(code.bytes[1], 127);
    cr_expect_eq(code.bytes[3], 125);
    end();
}

Test(machbuf, a_branch_with_an_addend_is_shortened_by_where_it_really_leads)
{
    begin();
    mlabel l = jit_mbuf_label(&b);
    mcursor c = jit_mbuf_open(&b, 5);
    mput1(&c, 0xe9);
    jit_mbuf_fixup(&b, mcursor_offset(&c), l, LONG, 1, 100);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
    put(50, 0x90);
    jit_mbuf_bind(&b, l);
    put(200, 0x90);
    finish();
    cr_expect_eq(code.size, 255);
    cr_expect_eq(word(1), 150);
    end();
}

Test(machbuf, tables_follow_their_instructions_when_code_shrinks)
{
    begin();
    mlabel l[8];
    for (unsigned k = 0; k < 8; k++) {
        l[k] = here();
        jit_mbuf_srcpos(&b, 100 + k);
        jump(l[0]); /* 2 bytes each in the end */
        jit_mbuf_trap(&b, (uint8_t)(k + 1));
        put(3, 0x90);
        jit_mbuf_reloc(&b, b.len - 2, 7, k, -4);
        jit_mbuf_call(&b, 50 + k);
        jit_mbuf_unwind(&b, UNWIND_DEF_CFA_OFFSET, 0, (int32_t)k);
    }
    finish();
    cr_assert_eq(code.size, 40);
    cr_assert_eq(code.ntraps, 8);
    for (unsigned k = 0; k < 8; k++) {
        cr_expect_eq(code.label_offsets[l[k].id - 1], 5 * k);
        cr_expect_eq(code.srcpos[k].offset, 5 * k);
        cr_expect_eq(code.srcpos[k].pos, 100 + k);
        cr_expect_eq(code.traps[k].offset, 5 * k + 2);
        cr_expect_eq(code.traps[k].code, k + 1);
        cr_expect_eq(code.relocs[k].offset, 5 * k + 3);
        cr_expect_eq(code.relocs[k].symbol, k);
        cr_expect_eq(code.calls[k].offset, 5 * k + 5);
        cr_expect_eq(code.unwind[k].offset, 5 * k + 5);
    }
    end();
}

Test(machbuf, positions_are_noted_where_they_change)
{
    begin();
    jit_mbuf_srcpos(&b, 1);
    jit_mbuf_srcpos(&b, 2); /* nothing lies between: replaces */
    put(4, 0);
    jit_mbuf_srcpos(&b, 2); /* no change */
    put(4, 0);
    jit_mbuf_srcpos(&b, 3);
    put(4, 0);
    finish();
    cr_assert_eq(code.nsrcpos, 2);
    cr_expect_eq(code.srcpos[0].pos, 2);
    cr_expect_eq(code.srcpos[1].offset, 8);
    end();
}

/* ---- Constants ----
 * */

Test(machbuf, equal_constants_are_shared_at_the_larger_alignment)
{
    static const uint8_t one[8] = { 1 }, same[8] = { 1 }, two[8] = { 2 }, wide[16] = { 1 };

    begin();
    mlabel a = jit_mbuf_constant(&b, one, 8, 8), s = jit_mbuf_constant(&b, same, 8, 16);
    mlabel t = jit_mbuf_constant(&b, two, 8, 8), w = jit_mbuf_constant(&b, wide, 16, 32);
    cr_expect_eq(a.id, s.id);
    cr_expect_neq(a.id, t.id);
    cr_expect_neq(a.id, w.id);
    refer(a, TABLE, 0);
    refer(w, TABLE, 4);
    finish();
    cr_expect_eq(code.code_size, 8);
    cr_expect_eq(code.align, 32);
    uint32_t at = code.label_offsets[a.id - 1], wat = code.label_offsets[w.id - 1];
    cr_expect_eq(at % 16, 0);
    cr_expect_eq(wat % 32, 0);
    cr_expect(at >= 8 && wat + 16 <= code.size);
    cr_expect_arr_eq(code.bytes + at, one, 8);
    cr_expect_arr_eq(code.bytes + wat, wide, 16);
    cr_expect_eq(word(0), (int32_t)at);
    cr_expect_eq(word(4), (int32_t)wat + 4 - 4);
    for (uint32_t k = 8; k < at; k++) /* gaps are the same everywhere */
        cr_expect_eq(code.bytes[k], 0);
    end();
}

/* ---- Late prologues ----
 * */

Test(machbuf, a_late_prologue_stands_right_before_the_body)
{
    mbuf p;

    begin_with(64, 0);
    mlabel start = here(), inside;
    put(3, 0xbb);
    jit_mbuf_trap(&b, 9);
    put(5, 0xbb);
    jump(start);
    jit_mbuf_init(&p, &mem, kinds, shrinks, 0, 0);
    mcursor c = jit_mbuf_open(&p, 8);
    inside = jit_mbuf_label(&p);
    jit_mbuf_bind(&p, inside);
    mput_le(&c, 0xaaaaaaaa, 3);
    mcursor_close(&c);
    jit_mbuf_trap(&p, 7);
    c = jit_mbuf_open(&p, 4);
    jit_mbuf_fixup(&p, mcursor_offset(&c), inside, TABLE, 0, 0);
    mput_le(&c, 0, 4);
    mcursor_close(&c);
    jit_mbuf_unwind(&p, UNWIND_DEF_CFA_OFFSET, 0, 16);
    jit_mbuf_front(&b, &p);
    finish();
    cr_assert_eq(code.size, 7 + 8 + 2);
    cr_expect_eq(code.bytes[0], 0xaa);
    cr_expect_eq(word(3), -3);
    cr_expect_eq(code.bytes[7], 0xbb);
    cr_expect_eq(code.label_offsets[start.id - 1], 7);
    cr_assert_eq(code.ntraps, 2);
    cr_expect_eq(code.traps[0].offset, 3);
    cr_expect_eq(code.traps[1].offset, 10);
    cr_assert_eq(code.nunwind, 1);
    cr_expect_eq(code.unwind[0].offset, 7);
    cr_expect_eq((int8_t)code.bytes[16], -10);
    end();
}

Test(machbuf, without_a_prologue_the_room_for_it_vanishes)
{
    begin_with(320, 0);
    jit_mbuf_trap(&b, 1);
    put(5, 0xbb);
    finish();
    cr_expect_eq(code.size, 5);
    cr_expect_eq(code.traps[0].offset, 0);
    end();
}

static void front_of(uint32_t bytes, unsigned times)
{
    mbuf p;

    jit_mbuf_init(&p, &mem, kinds, shrinks, 0, 0);
    mcursor c = jit_mbuf_open(&p, bytes);
    for (uint32_t k = 0; k < bytes; k++)
        mput1(&c, 0xaa);
    mcursor_close(&c);
    while (times-- > 0)
        jit_mbuf_front(&b, &p);
}

static void front_fits(void *arg) { (void)arg; front_of(16, 1); }
static void front_too_long(void *arg) { (void)arg; front_of(17, 1); }
static void front_twice(void *arg) { (void)arg; front_of(8, 2); }

Test(machbuf, a_prologue_fits_its_room_and_comes_once)
{
    begin_with(16, 0);
    cr_expect_eq(guarded(front_fits), JIT_OK);
    end();
    begin_with(16, 0);
    cr_expect_eq(guarded(front_too_long), JIT_ERR_INTERNAL);
    end();
    begin_with(16, 0);
    cr_expect_eq(guarded(front_twice), JIT_ERR_INTERNAL);
    end();
}

/* ---- Islands ----
 * */

static void with_islands(void)
{
    begin();
    b.skip_bytes = 4;
    b.skip = skip;
}

/* Where a chain of hops that starts at the field at offset `at` ends; counts the hops. */
static uint32_t followed(uint32_t at, const uint32_t *hops, uint32_t nhops, uint32_t *count)
{
    uint32_t to = at + (uint32_t)word(at);

    for (uint32_t k = 0; k < nhops; k++)
        if (hops[k] == to) {
            ++*count;
            to += (uint32_t)word(to);
        }
    return to;
}

Test(machbuf, branches_of_small_reach_go_on_by_an_island)
{
    with_islands();
    mlabel l = jit_mbuf_label(&b);
    refer(l, NEAR, 0);
    for (unsigned k = 0; k < 300; k++)
        put(1, 0x90);
    jit_mbuf_bind(&b, l);
    finish();
    uint32_t to = code.label_offsets[l.id - 1], hop_at = (uint32_t)word(0);
    cr_expect_eq(to, 4 + 300 + 8);
    cr_expect_leq(hop_at, 60);
    cr_expect_eq(hop_at + (uint32_t)word(hop_at), to);
    cr_expect_eq(code.bytes[hop_at - 4], 0x5c); /* who comes that way skips it */
    cr_expect_eq(code.bytes[hop_at - 3], 8);
    end();
}

Test(machbuf, no_island_where_the_label_comes_in_time)
{
    with_islands();
    for (unsigned k = 0; k < 100; k++) {
        mlabel l = jit_mbuf_label(&b);
        refer(l, NEAR, 0);
        put(20, 0x90);
        jit_mbuf_bind(&b, l);
    }
    finish();
    cr_expect_eq(code.size, 100 * 24);
    end();
}

Test(machbuf, what_is_bound_too_far_behind_is_reached_by_an_island)
{
    with_islands();
    mlabel l = here();
    put(64, 0x90);
    refer(l, NEAR, 0);
    put(1, 0x90);
    refer(l, NEAR, 0);
    finish();
    cr_expect_eq(word(64), -64);
    uint32_t hop_at = 69 + (uint32_t)word(69);
    cr_expect_eq((int32_t)hop_at + word(hop_at), 0);
    end();
}

Test(machbuf, many_open_branches_all_reach_their_island)
{
    enum { N = 12 };
    mlabel l[N];

    with_islands();
    for (unsigned k = 0; k < N; k++) {
        l[k] = jit_mbuf_label(&b);
        refer(l[k], k & 1 ? NEAR : FAR, 0);
    }
    put(500, 0x90);
    for (unsigned k = 0; k < N; k++) {
        jit_mbuf_bind(&b, l[k]);
        put(3, 0x91);
    }
    finish(); /* fails when a branch does not reach its hop */
    uint32_t hops[N], n = 0, count = 0;
    for (uint32_t at = 0; at < code.size && n < N; at++)
        if (code.bytes[at] == 0x5c)
            for (uint32_t k = 4; k < code.bytes[at + 1] && n < N; k += 4)
                hops[n++] = at + k;
    for (uint32_t k = 0, at = 0; k < N; k++, at += 4) {
        while (code.bytes[at] == 0x5c) /* an island within the row */
            at += code.bytes[at + 1];
        cr_expect_eq(followed(at, hops, n, &count), code.label_offsets[l[k].id - 1], "%u", k);
    }
    cr_expect_eq(count, N / 2);
    end();
}

Test(machbuf, a_trap_noted_before_an_island_stays_with_its_instruction)
{
    with_islands();
    mlabel l = jit_mbuf_label(&b);
    refer(l, NEAR, 0);
    uint32_t at = 0;
    for (unsigned k = 0; k < 100; k++) {
        jit_mbuf_trap(&b, 5);
        mcursor c = jit_mbuf_open(&b, 4);
        mput_le(&c, 0x11223344, 4);
        mcursor_close(&c);
    }
    jit_mbuf_bind(&b, l);
    finish();
    cr_assert_eq(code.ntraps, 100);
    for (unsigned k = 0; k < 100; k++) {
        at = code.traps[k].offset;
        cr_expect_eq(word(at), 0x11223344);
    }
    cr_expect_eq(code.size, 4 + 400 + 8);
    end();
}

/* ---- Memory ----
 * */

static void a_whole_buffer(void *arg)
{
    (void)arg;
    jit_mbuf_init(&b, &mem, kinds, shrinks, 32, 0);
    for (unsigned k = 0; k < 400; k++) {
        mlabel l = jit_mbuf_label(&b);
        jump(l);
        jit_mbuf_trap(&b, 1);
        put(30, 0x90);
        jit_mbuf_reloc(&b, b.len - 4, 0, k, 0);
        jit_mbuf_bind(&b, l);
    }
    jit_mbuf_finish(&b, &out, &code);
}

Test(machbuf, it_needs_no_memory_that_it_does_not_get)
{
    jit_status s = JIT_ERR_NOMEM;

    for (size_t n = 1; s != JIT_OK && n < 5000; n++) {
        fault_alloc_init(&host, n);
        memset(&fc, 0, sizeof fc);
        jit_arena_init(&mem, &host.host, &fc);
        jit_arena_init(&out, &host.host, &fc);
        s = guarded(a_whole_buffer);
        cr_assert(s == JIT_OK || s == JIT_ERR_NOMEM);
        end();
    }
    cr_expect_eq(s, JIT_OK);
}

#if defined(JIT_STRESS) && !defined(ARENA_ASAN)
Test(machbuf, the_first_byte_behind_the_buffer_is_protected, .signal = SIGSEGV)
{
    begin();
    mcursor c = jit_mbuf_open(&b, b.cap - b.len);
    volatile uint8_t *end_of = c.end;
    end_of[-1] = 1;
    end_of[0] = 1;
}

Test(machbuf, the_first_byte_behind_a_grown_buffer_is_protected, .signal = SIGSEGV)
{
    begin();
    put(10000, 1);
    volatile uint8_t *end_of = b.at + b.cap;
    end_of[-1] = 1;
    end_of[0] = 1;
}

Test(machbuf, the_first_byte_behind_an_arenas_chunk_is_protected, .signal = SIGSEGV)
{
    begin();
    arena_raw(&mem, 1);
    volatile char *end_of = mem.end;
    end_of[-1] = 1;
    end_of[0] = 1;
}
#endif
