/* test_interp.c - the interpreter: what runs, what traps, and that each broken promise is found. */
#include "gantry/jit_interp.h"
#include "gantry/jit_text.h"
#include "ir/func.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

/* One module and its interpreter. */
typedef struct session {
    jit_module *m;
    jit_interp *in;
    jit_bits results[8];
} session;

static void print_fault(void *user, const jit_diagnostic *d)
{
    (void)user;
    fprintf(stderr, "line %u: %s\n", d->line, d->text);
}

static session open_text(const char *text)
{
    session s;

    memset(&s, 0, sizeof s);
    cr_assert_eq(jit_module_read(NULL, text, strlen(text), &s.m, print_fault, NULL), JIT_OK);
    s.in = jit_interp_new(NULL, s.m);
    cr_assert_not_null(s.in);
    return s;
}

static void close_session(session *s)
{
    jit_interp_free(s->in);
    jit_module_free(s->m);
}

/* Runs %name with integer arguments. */
static jit_run run3(session *s, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t values[3] = { a, b, c };
    jit_bits args[3];

    memset(args, 0, sizeof args);
    for (int k = 0; k < 3; k++)
        memcpy(args[k].at, &values[k], 8);
    memset(s->results, 0, sizeof s->results);
    return jit_interp_run(s->in, jit_module_find(s->m, name), args, s->results, 1000000);
}

static uint64_t result(const session *s, int k)
{
    uint64_t x;
    memcpy(&x, s->results[k].at, 8);
    return x;
}

static uint64_t address_of(const void *p) { return (uint64_t)(uintptr_t)p; }

/* Expects that %name(a, b) returns x first. */
static void returns(session *s, const char *name, uint64_t a, uint64_t b, uint64_t x)
{
    jit_run r = run3(s, name, a, b, 0);
    cr_expect(r.outcome == JIT_RETURNED, "%s: outcome %d, trap %u, %s", name, r.outcome, r.trap,
              r.message ? r.message : "");
    cr_expect(result(s, 0) == x, "%s: got %llx", name, (unsigned long long)result(s, 0));
}

static void traps(session *s, const char *name, uint64_t a, uint64_t b, unsigned trap)
{
    jit_run r = run3(s, name, a, b, 0);
    cr_expect(r.outcome == JIT_TRAPPED && r.trap == trap, "%s: outcome %d, trap %u, %s", name,
              r.outcome, r.trap, r.message ? r.message : "");
}

static void breaks(session *s, const char *name, uint64_t a, uint64_t b, const char *message)
{
    jit_run r = run3(s, name, a, b, 0);
    cr_expect(r.outcome == JIT_BREACH && strstr(r.message, message), "%s: outcome %d, %s", name,
              r.outcome, r.message ? r.message : "");
}

static void refuses(session *s, const char *name, jit_status status, const char *message)
{
    jit_run r = run3(s, name, 0, 0, 0);
    cr_expect(r.outcome == JIT_REFUSED && r.status == status && strstr(r.message, message),
              "%s: outcome %d, status %d, %s", name, r.outcome, r.status,
              r.message ? r.message : "");
}

/* ---- Control flow ---- */

Test(interp, block_arguments_are_copied_at_once)
{
    session s = open_text(
        "function %fib(i64) -> i64 {\n"
        "block0(v0: i64):\n"
        "    v1 = iconst.i64 0\n"
        "    v2 = iconst.i64 1\n"
        "    jump block1(v0, v1, v2)\n"
        "block1(v3: i64, v4: i64, v5: i64):\n"
        "    v6 = iadd v4, v5\n"
        "    v7 = isub v3, v2\n"
        "    brif v7, block1(v7, v5, v6), block2\n"
        "block2:\n"
        "    return v5\n"
        "}\n"
        "function %swap(i64, i64) -> i64, i64 {\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = iconst.i8 0\n"
        "    jump block1(v0, v1, v2)\n"
        "block1(v3: i64, v4: i64, v5: i8):\n"
        "    v6 = iconst.i8 1\n"
        "    brif v5, block2, block1(v4, v3, v6)\n"
        "block2:\n"
        "    return v3, v4\n"
        "}\n");

    returns(&s, "fib", 10, 0, 55);
    returns(&s, "swap", 3, 4, 4);
    cr_expect_eq(result(&s, 1), 3);
    close_session(&s);
}

Test(interp, br_table_is_unsigned_and_has_a_default)
{
    session s = open_text(
        "function %pick(i32) -> i32 {\n"
        "block0(v0: i32):\n"
        "    v1 = iconst.i32 10\n"
        "    v2 = iconst.i32 20\n"
        "    v3 = iconst.i32 30\n"
        "    br_table v0, block1(v1), [block1(v2), block1(v3)]\n"
        "block1(v4: i32):\n"
        "    return v4\n"
        "}\n");

    returns(&s, "pick", 0, 0, 20);
    returns(&s, "pick", 1, 0, 30);
    returns(&s, "pick", 2, 0, 10);
    returns(&s, "pick", 0xffffffff, 0, 10);
    returns(&s, "pick", 0xabcdef0000000001, 0, 30); /* garbage above the width */
    close_session(&s);
}

Test(interp, aliases_mean_what_they_stand_for)
{
    session s = open_text(
        "function %f(i64) -> i64 {\n"
        "block0(v0: i64):\n"
        "    v5 -> v0\n"
        "    v6 -> v5\n"
        "    v1 = iadd v6, v5\n"
        "    return v1\n"
        "}\n");

    returns(&s, "f", 21, 0, 42);
    close_session(&s);
}

Test(interp, traps_report_code_and_place)
{
    session s = open_text(
        "function %div(i32, i32) -> i32 {\n"
        "block0(v0: i32, v1: i32):\n"
        "    v2 = iadd v0, v1\n"
        "    v3 = sdiv v0, v1\n"
        "    return v3\n"
        "}\n"
        "function %check(i64) -> i64 {\n"
        "block0(v0: i64):\n"
        "    trapz v0, user7\n"
        "    trap user250\n"
        "}\n");

    returns(&s, "div", 0xfffffff9, 2, 0xfffffffd);
    traps(&s, "div", 1, 0, JIT_TRAP_INT_DIVZ);
    jit_run r = run3(&s, "div", 0x80000000, 0xffffffff, 0);
    cr_expect(r.outcome == JIT_TRAPPED && r.trap == JIT_TRAP_INT_OVF);
    cr_expect(r.func == jit_module_find(s.m, "div") && r.inst == 1);
    traps(&s, "check", 0, 0, 7);
    traps(&s, "check", 1, 0, 250);
    close_session(&s);
}

Test(interp, fuel_counts_instructions)
{
    session s = open_text(
        "function %forever() {\n"
        "block0:\n"
        "    jump block1\n"
        "block1:\n"
        "    jump block1\n"
        "}\n"
        "function %three() -> i8 {\n"
        "block0:\n"
        "    v0 = iconst.i8 1\n"
        "    v1 = ineg v0\n"
        "    return v1\n"
        "}\n");
    jit_bits out;

    jit_run r = jit_interp_run(s.in, jit_module_find(s.m, "forever"), NULL, NULL, 1000);
    cr_expect_eq(r.outcome, JIT_OUT_OF_FUEL);
    cr_expect_eq(jit_interp_steps(s.in), 1000);
    r = jit_interp_run(s.in, jit_module_find(s.m, "three"), NULL, &out, 2);
    cr_expect_eq(r.outcome, JIT_OUT_OF_FUEL);
    r = jit_interp_run(s.in, jit_module_find(s.m, "three"), NULL, &out, 3);
    cr_expect(r.outcome == JIT_RETURNED && out.at[0] == 0xff && out.at[1] == 0);
    r = jit_interp_run(s.in, jit_module_find(s.m, "three"), NULL, &out, 0);
    cr_expect_eq(r.outcome, JIT_RETURNED);
    close_session(&s);
}

/* ---- Memory ---- */

static const char memory_text[] =
    "function %get(i64) -> i32 {\n"
    "block0(v0: i64):\n"
    "    v1 = load.i32 v0+4\n"
    "    return v1\n"
    "}\n"
    "function %get_user(i64) -> i32 {\n"
    "block0(v0: i64):\n"
    "    v1 = load.i32 user9 v0\n"
    "    return v1\n"
    "}\n"
    "function %get_notrap(i64) -> i32 {\n"
    "block0(v0: i64):\n"
    "    v1 = load.i32 notrap v0\n"
    "    return v1\n"
    "}\n"
    "function %get_aligned(i64) -> i32 {\n"
    "block0(v0: i64):\n"
    "    v1 = load.i32 aligned v0\n"
    "    return v1\n"
    "}\n"
    "function %get_big(i64) -> i32 {\n"
    "block0(v0: i64):\n"
    "    v1 = load.i32 big v0\n"
    "    return v1\n"
    "}\n"
    "function %get_narrow(i64) -> i32, i64, i32 {\n"
    "block0(v0: i64):\n"
    "    v1 = uload8.i32 v0\n"
    "    v2 = sload16.i64 v0\n"
    "    v3 = sload8.i32 v0+1\n"
    "    return v1, v2, v3\n"
    "}\n"
    "function %put(i64, i32) {\n"
    "block0(v0: i64, v1: i32):\n"
    "    store v1, v0\n"
    "    return\n"
    "}\n"
    "function %put_notrap(i64, i32) {\n"
    "block0(v0: i64, v1: i32):\n"
    "    store notrap v1, v0\n"
    "    return\n"
    "}\n"
    "function %put_narrow(i64, i64) {\n"
    "block0(v0: i64, v1: i64):\n"
    "    istore8 v1, v0\n"
    "    istore16 big v1, v0+1\n"
    "    return\n"
    "}\n";

Test(interp, loads_and_stores_touch_known_memory_only)
{
    session s = open_text(memory_text);
    static uint8_t bytes[16] = { 0x80, 0xff, 2, 3, 4, 5, 6, 7, 8 };
    static const uint32_t fixed = 77;
    uint64_t p = address_of(bytes);

    cr_assert_eq(jit_interp_memory(s.in, bytes, 12, true), JIT_OK);
    cr_assert_eq(jit_interp_memory(s.in, (void *)(uintptr_t)&fixed, 4, false), JIT_OK);
    returns(&s, "get", p, 0, 0x07060504);
    returns(&s, "get", p + 4, 0, 8);
    traps(&s, "get", p + 5, 0, JIT_TRAP_HEAP_OOB); /* crosses the end */
    traps(&s, "get", p - 5, 0, JIT_TRAP_HEAP_OOB);
    traps(&s, "get", 0, 0, JIT_TRAP_HEAP_OOB);
    traps(&s, "get", UINT64_MAX - 3, 0, JIT_TRAP_HEAP_OOB);
    traps(&s, "get_user", p + 12, 0, 9);
    breaks(&s, "get_notrap", p + 12, 0, "nothing is there");
    returns(&s, "get_notrap", p + 8, 0, 8);
    returns(&s, "get_big", p, 0, 0x80ff0203);
    returns(&s, "get_narrow", p, 0, 0x80);
    cr_expect(result(&s, 1) == 0xffffffffffffff80 && result(&s, 2) == 0xffffffff);

    returns(&s, "get_notrap", address_of(&fixed), 0, 77);
    traps(&s, "put", address_of(&fixed), 1, JIT_TRAP_HEAP_OOB);
    breaks(&s, "put_notrap", address_of(&fixed), 1, "only be read");
    returns(&s, "put", p, 0xa1b2c3d4, 0);
    cr_expect(bytes[0] == 0xd4 && bytes[3] == 0xa1 && bytes[4] == 4);
    returns(&s, "put_narrow", p, 0x112233, 0);
    cr_expect(bytes[0] == 0x33 && bytes[1] == 0x22 && bytes[2] == 0x33 && bytes[3] == 0xa1);
    close_session(&s);
}

Test(interp, aligned_is_a_promise)
{
    session s = open_text(memory_text);
    static _Alignas(16) uint8_t bytes[16];

    cr_assert_eq(jit_interp_memory(s.in, bytes, sizeof bytes, true), JIT_OK);
    returns(&s, "get_aligned", address_of(bytes) + 4, 0, 0);
    breaks(&s, "get_aligned", address_of(bytes) + 6, 0, "aligned access");
    close_session(&s);
}

Test(interp, ranges_must_not_overlap_but_may_change)
{
    session s = open_text(memory_text);
    static uint8_t bytes[64];

    cr_expect_eq(jit_interp_memory(s.in, bytes + 16, 16, true), JIT_OK);
    cr_expect_eq(jit_interp_memory(s.in, bytes + 24, 16, true), JIT_ERR_ARG);
    cr_expect_eq(jit_interp_memory(s.in, bytes, 64, true), JIT_ERR_ARG);
    cr_expect_eq(jit_interp_memory(s.in, bytes, 16, true), JIT_OK);
    cr_expect_eq(jit_interp_memory(s.in, bytes + 32, 16, true), JIT_OK);
    cr_expect_eq(jit_interp_memory(s.in, bytes + 16, 16, false), JIT_OK);
    cr_expect_eq(jit_interp_memory(s.in, NULL, 16, false), JIT_ERR_ARG);
    traps(&s, "put", address_of(bytes) + 16, 1, JIT_TRAP_HEAP_OOB);
    returns(&s, "put", address_of(bytes) + 12, 1, 0);
    returns(&s, "put", address_of(bytes) + 32, 1, 0);
    close_session(&s);
}

Test(interp, slots_know_which_bytes_were_written)
{
    session s = open_text(
        "function %good(i32) -> i32 {\n"
        "    ss0 = explicit_slot 8\n"
        "block0(v0: i32):\n"
        "    v1 = stack_addr.i64 ss0\n"
        "    store v0, v1+4\n"
        "    v2 = load.i32 v1+4\n"
        "    return v2\n"
        "}\n"
        "function %unwritten(i32) -> i32 {\n"
        "    ss0 = explicit_slot 8\n"
        "block0(v0: i32):\n"
        "    v1 = stack_addr.i64 ss0\n"
        "    store v0, v1+4\n"
        "    v2 = load.i32 v1+1\n"
        "    return v2\n"
        "}\n"
        "function %beside(i32) -> i32 {\n"
        "    ss0 = explicit_slot 8\n"
        "    ss1 = explicit_slot 8\n"
        "block0(v0: i32):\n"
        "    v1 = stack_addr.i64 ss0\n"
        "    store v0, v1+8\n"
        "    return v0\n"
        "}\n"
        "function %address() -> i64 {\n"
        "    ss0 = explicit_slot 8\n"
        "block0:\n"
        "    v0 = stack_addr.i64 ss0\n"
        "    store v0, v0\n"
        "    return v0\n"
        "}\n"
        "function %dangling() -> i64 {\n"
        "    fn0 = %address() -> i64\n"
        "block0:\n"
        "    v0 = call fn0()\n"
        "    v1 = load.i64 v0\n"
        "    return v1\n"
        "}\n"
        "function %again(i64) -> i64 {\n"
        "    fn0 = %good(i32) -> i32\n"
        "    fn1 = %unwritten(i32) -> i32\n"
        "block0(v0: i64):\n"
        "    v1 = iconst.i32 5\n"
        "    v2 = call fn0(v1)\n"
        "    v3 = call fn1(v1)\n"
        "    return v0\n"
        "}\n"
        "function %above() -> i64 {\n"
        "block0:\n"
        "    v0 = get_frame_pointer.i64\n"
        "    v1 = load.i64 v0+8\n"
        "    v2 = get_return_address.i64\n"
        "    v3 = bxor v1, v2\n"
        "    return v3\n"
        "}\n"
        "function %smash() -> i64 {\n"
        "block0:\n"
        "    v0 = get_frame_pointer.i64\n"
        "    store v0, v0+8\n"
        "    return v0\n"
        "}\n");

    returns(&s, "good", 5, 0, 5);
    breaks(&s, "unwritten", 5, 0, "never written");
    breaks(&s, "beside", 5, 0, "belongs to no slot");
    breaks(&s, "dangling", 0, 0, "outside of all live slots");
    breaks(&s, "again", 0, 0, "never written"); /* a new call's slot is fresh */
    returns(&s, "above", 0, 0, 0);
    breaks(&s, "smash", 0, 0, "return address");
    close_session(&s);
}

Test(interp, readonly_memory_must_not_change_during_a_call)
{
    session s = open_text(
        "function %read_write(i64) -> i32 {\n"
        "block0(v0: i64):\n"
        "    v1 = load.i32 readonly v0\n"
        "    store v1, v0+3\n"
        "    return v1\n"
        "}\n"
        "function %write_read(i64, i32) -> i32 {\n"
        "block0(v0: i64, v1: i32):\n"
        "    store v1, v0\n"
        "    v2 = load.i32 readonly v0\n"
        "    return v2\n"
        "}\n"
        "function %beside(i64, i32) -> i32 {\n"
        "block0(v0: i64, v1: i32):\n"
        "    v2 = load.i32 readonly v0\n"
        "    store v1, v0+4\n"
        "    v3 = load.i32 readonly v0\n"
        "    return v3\n"
        "}\n"
        "function %put(i64, i32) {\n"
        "block0(v0: i64, v1: i32):\n"
        "    store v1, v0\n"
        "    return\n"
        "}\n"
        "function %get(i64) -> i32 {\n"
        "block0(v0: i64):\n"
        "    v1 = load.i32 readonly v0\n"
        "    return v1\n"
        "}\n"
        "function %by_callee(i64, i32) -> i32 {\n"
        "    fn0 = %put(i64, i32)\n"
        "block0(v0: i64, v1: i32):\n"
        "    v2 = load.i32 readonly v0\n"
        "    call fn0(v0, v1)\n"
        "    return v2\n"
        "}\n"
        "function %before_and_after(i64, i32) -> i32 {\n"
        "    fn0 = %get(i64) -> i32\n"
        "block0(v0: i64, v1: i32):\n"
        "    store v1, v0\n"
        "    v2 = call fn0(v0)\n"
        "    v3 = iconst.i32 9\n"
        "    store v3, v0\n"
        "    return v2\n"
        "}\n"
        "function %store_says_so(i64, i32) -> i32 {\n"
        "block0(v0: i64, v1: i32):\n"
        "    store readonly v1, v0\n"
        "    return v1\n"
        "}\n");
    static uint8_t bytes[16];
    uint64_t p = address_of(bytes);

    cr_assert_eq(jit_interp_memory(s.in, bytes, sizeof bytes, true), JIT_OK);
    breaks(&s, "read_write", p, 0, "loaded as readonly");
    breaks(&s, "write_read", p, 7, "written during this call");
    returns(&s, "beside", p, 7, 7); /* as write_read left it */
    breaks(&s, "by_callee", p, 7, "loaded as readonly");
    returns(&s, "before_and_after", p, 7, 7);
    returns(&s, "get", p, 0, 9);
    if (run3(&s, "store_says_so", p, 1, 0).outcome != JIT_REFUSED) /* or the verifier says it */
        breaks(&s, "store_says_so", p, 1, "says readonly");
    close_session(&s);
}

Test(interp, regions_must_not_share_written_bytes)
{
    session s = open_text(
        "function %disjoint(i64, i32) -> i32 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64, v1: i32):\n"
        "    store region0 v1, v0\n"
        "    store region1 v1, v0+4\n"
        "    v2 = load.i32 region0 v0\n"
        "    v3 = load.i32 v0+4\n"
        "    v4 = iadd v2, v3\n"
        "    return v4\n"
        "}\n"
        "function %both_read(i64) -> i32 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64):\n"
        "    v1 = load.i32 region0 v0\n"
        "    v2 = load.i32 region1 v0\n"
        "    v3 = iadd v1, v2\n"
        "    return v3\n"
        "}\n"
        "function %write_read(i64, i32) -> i32 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64, v1: i32):\n"
        "    store region0 v1, v0\n"
        "    v2 = load.i32 region1 v0+3\n"
        "    return v2\n"
        "}\n"
        "function %read_write(i64, i32) -> i32 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64, v1: i32):\n"
        "    v2 = load.i32 region0 v0\n"
        "    store region1 v1, v0+3\n"
        "    return v2\n"
        "}\n"
        "function %both_then_write(i64, i32) -> i32 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64, v1: i32):\n"
        "    v2 = load.i32 region0 v0\n"
        "    v3 = load.i32 region1 v0\n"
        "    store region0 v1, v0\n"
        "    return v2\n"
        "}\n"
        "function %write_a(i64) {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64):\n"
        "    store region0 v0, v0\n"
        "    return\n"
        "}\n"
        "function %per_call(i64) -> i64 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "    fn0 = %write_a(i64)\n"
        "block0(v0: i64):\n"
        "    v1 = load.i64 region1 v0\n"
        "    call fn0(v0)\n"
        "    call fn0(v0)\n"
        "    v2 = load.i64 region1 v0\n"
        "    return v0\n"
        "}\n");
    static uint8_t bytes[16];
    uint64_t p = address_of(bytes);

    cr_assert_eq(jit_interp_memory(s.in, bytes, sizeof bytes, true), JIT_OK);
    returns(&s, "disjoint", p, 7, 14);
    returns(&s, "both_read", p, 0, 14);
    breaks(&s, "write_read", p, 7, "is read through another");
    breaks(&s, "read_write", p, 7, "is written through another");
    breaks(&s, "both_then_write", p, 7, "is written through another");
    returns(&s, "per_call", p, 0, p); /* regions are a matter of one function */
    close_session(&s);
}

Test(interp, watching_many_bytes_grows_its_tables)
{
    session s = open_text(
        "function %sweep(i64, i64) -> i64 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = load.i64 readonly region1 v0\n"
        "    v3 = iconst.i64 8\n"
        "    v4 = iadd v0, v3\n"
        "    jump block1(v4)\n"
        "block1(v5: i64):\n"
        "    store region0 v5, v5\n"
        "    v6 = iadd v5, v3\n"
        "    v7 = icmp ult v6, v1\n"
        "    brif v7, block1(v6), block2\n"
        "block2:\n"
        "    v8 = load.i64 readonly region1 v0+8\n"
        "    return v8\n"
        "}\n");
    static uint64_t words[8192];

    cr_assert_eq(jit_interp_memory(s.in, words, sizeof words, true), JIT_OK);
    breaks(&s, "sweep", address_of(words), address_of(words + 8192), "is read through another");
    cr_expect_eq(words[8191], address_of(&words[8191]));
    close_session(&s);
}

/* ---- Calls ---- */

Test(interp, functions_call_one_another)
{
    session s = open_text(
        "function %fact(i64) -> i64 {\n"
        "    fn0 = %fact(i64) -> i64\n"
        "block0(v0: i64):\n"
        "    brif v0, block1, block2\n"
        "block1:\n"
        "    v1 = iconst.i64 -1\n"
        "    v2 = iadd v0, v1\n"
        "    v3 = call fn0(v2)\n"
        "    v4 = imul v3, v0\n"
        "    return v4\n"
        "block2:\n"
        "    v5 = iconst.i64 1\n"
        "    return v5\n"
        "}\n"
        "function %divmod(i64, i64) -> i64, i64 {\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = udiv v0, v1\n"
        "    v3 = urem v0, v1\n"
        "    return v2, v3\n"
        "}\n"
        "function %join(i64, i64) -> i64 {\n"
        "    sig0 = (i64, i64) -> i64, i64\n"
        "    fn0 = %divmod(i64, i64) -> i64, i64\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = func_addr.i64 fn0\n"
        "    v3, v4 = call_indirect sig0, v2(v0, v1)\n"
        "    v5, v6 = call fn0(v3, v4)\n"
        "    v7 = iadd v5, v6\n"
        "    return v7\n"
        "}\n"
        "function %deep(i64) -> i64 {\n"
        "    fn0 = %deep(i64) -> i64\n"
        "block0(v0: i64):\n"
        "    v1 = call fn0(v0)\n"
        "    return v1\n"
        "}\n");

    returns(&s, "fact", 10, 0, 3628800);
    returns(&s, "join", 47, 5, 5); /* 9, 2 and then 4, 1 */
    traps(&s, "join", 47, 0, JIT_TRAP_INT_DIVZ);
    traps(&s, "deep", 0, 0, JIT_TRAP_STK_OVF);
    returns(&s, "fact", 5, 0, 120);
    close_session(&s);
}

Test(interp, tail_calls_need_no_stack)
{
    session s = open_text(
        "function %count(i64, i64) -> i64 tail {\n"
        "    fn0 = %count(i64, i64) -> i64 tail\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = iconst.i64 1\n"
        "    brif v0, block1, block2\n"
        "block1:\n"
        "    v3 = isub v0, v2\n"
        "    v4 = iadd v1, v2\n"
        "    return_call fn0(v3, v4)\n"
        "block2:\n"
        "    return v1\n"
        "}\n"
        "function %by_address(i64, i64) -> i64 tail {\n"
        "    sig0 = (i64, i64) -> i64 tail\n"
        "    fn0 = %count(i64, i64) -> i64 tail\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = func_addr.i64 fn0\n"
        "    return_call_indirect sig0, v2(v0, v1)\n"
        "}\n"
        "function %start(i64, i64) -> i64 {\n"
        "    fn0 = %by_address(i64, i64) -> i64 tail\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = call fn0(v0, v1)\n"
        "    v3 = iadd v2, v1\n"
        "    return v3\n"
        "}\n");

    returns(&s, "start", 150000, 7, 150014);
    returns(&s, "count", 3, 4, 7);
    close_session(&s);
}

Test(interp, call_signatures_are_promises)
{
    session s = open_text(
        "function %callee(i32) -> i32 {\n"
        "block0(v0: i32):\n"
        "    return v0\n"
        "}\n"
        "function %direct() -> i64 {\n"
        "    fn0 = %callee(i64) -> i64\n"
        "block0:\n"
        "    v0 = iconst.i64 1\n"
        "    v1 = call fn0(v0)\n"
        "    return v1\n"
        "}\n"
        "function %indirect() -> i32 {\n"
        "    sig0 = (i32, i32) -> i32\n"
        "    fn0 = %callee(i32) -> i32\n"
        "block0:\n"
        "    v0 = func_addr.i64 fn0\n"
        "    v1 = iconst.i32 1\n"
        "    v2 = call_indirect sig0, v0(v1, v1)\n"
        "    return v2\n"
        "}\n"
        "function %extension() -> i32 {\n"
        "    fn0 = %callee(i32 uext) -> i32\n"
        "block0:\n"
        "    v0 = iconst.i32 1\n"
        "    v1 = call fn0(v0)\n"
        "    return v1\n"
        "}\n"
        "function %convention() -> i32 {\n"
        "    fn0 = %callee(i32) -> i32 tail\n"
        "block0:\n"
        "    v0 = iconst.i32 1\n"
        "    v1 = call fn0(v0)\n"
        "    return v1\n"
        "}\n"
        "function %nowhere(i64) -> i32 {\n"
        "    sig0 = () -> i32\n"
        "block0(v0: i64):\n"
        "    v1 = call_indirect sig0, v0()\n"
        "    return v1\n"
        "}\n"
        "function %unknown() {\n"
        "    fn0 = %missing()\n"
        "block0:\n"
        "    call fn0()\n"
        "    return\n"
        "}\n");

    breaks(&s, "direct", 0, 0, "another signature");
    breaks(&s, "indirect", 0, 0, "another signature");
    breaks(&s, "extension", 0, 0, "another signature");
    breaks(&s, "convention", 0, 0, "another signature");
    breaks(&s, "nowhere", 4096, 0, "no function");
    breaks(&s, "nowhere", 0, 0, "no function");
    refuses(&s, "unknown", JIT_ERR_LINK, "%missing");
    close_session(&s);
}

static jit_outcome add_or_trap(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    uint64_t a, b;

    ++*(int *)user;
    memcpy(&a, args[0].at, 8);
    memcpy(&b, args[1].at, 8);
    if (a == 0) {
        *trap = 33;
        return JIT_TRAPPED;
    }
    a += b;
    memset(results[0].at, 0xee, 16); /* the interpreter cuts what the type does not hold */
    memcpy(results[0].at, &a, 4);
    return b == 99 ? JIT_REFUSED : JIT_RETURNED;
}

static jit_outcome fill(void *user, const jit_bits *args, jit_bits *results, unsigned *trap)
{
    uint64_t a;

    (void)user, (void)results, (void)trap;
    memcpy(&a, args[0].at, 8);
    memset((void *)(uintptr_t)a, 0x11, 8);
    return JIT_RETURNED;
}

Test(interp, host_functions_are_called_by_name_and_address)
{
    session s = open_text(
        "function %f(i64, i64) -> i64 {\n"
        "    sig0 = (i64, i64) -> i32\n"
        "    fn0 = %host(i64, i64) -> i32\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = call fn0(v0, v1)\n"
        "    v3 = func_addr.i64 fn0\n"
        "    v4 = call_indirect sig0, v3(v0, v1)\n"
        "    v5 = iadd v2, v4\n"
        "    v6 = uextend.i64 v5\n"
        "    return v6\n"
        "}\n"
        "function %buffer() -> i64 {\n"
        "    ss0 = explicit_slot 8\n"
        "    fn0 = u1:7(i64)\n"
        "block0:\n"
        "    v0 = stack_addr.i64 ss0\n"
        "    call fn0(v0)\n"
        "    v1 = load.i64 v0\n"
        "    return v1\n"
        "}\n");
    int calls = 0;

    refuses(&s, "f", JIT_ERR_LINK, "%host");
    cr_assert_eq(jit_interp_define(s.in, "host", add_or_trap, &calls), JIT_OK);
    cr_assert_eq(jit_interp_define(s.in, "u1:7", fill, NULL), JIT_OK);
    cr_expect_eq(jit_interp_define(s.in, "no name", fill, NULL), JIT_ERR_ARG);
    returns(&s, "f", 20, 1, 42);
    cr_expect_eq(calls, 2);
    traps(&s, "f", 0, 1, 33);
    jit_run r = run3(&s, "f", 1, 99, 0);
    cr_expect(r.outcome == JIT_REFUSED && strstr(r.message, "%host"));
    returns(&s, "buffer", 0, 0, 0x1111111111111111); /* what the host wrote is written */
    close_session(&s);
}

Test(interp, libcalls_work_on_checked_memory)
{
    session s = open_text(
        "function %copy(i64, i64) -> i64 {\n"
        "    ss0 = explicit_slot 16\n"
        "    ss1 = explicit_slot 16\n"
        "    fn0 = %Memcpy(i64, i64, i64) -> i64\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = stack_addr.i64 ss0\n"
        "    v3 = stack_addr.i64 ss1\n"
        "    store v0, v2\n"
        "    v4 = iconst.i64 16\n"
        "    v5 = call fn0(v3, v2, v4)\n"
        "    v6 = iadd v5, v1\n"
        "    v7 = load.i64 v6\n"
        "    return v7\n"
        "}\n"
        "function %out(i64, i64) {\n"
        "    fn0 = %Memset(i64, i32, i64)\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = iconst.i32 0x3ff\n"
        "    call fn0(v0, v2, v1)\n"
        "    return\n"
        "}\n"
        "function %compare(i64, i64) -> i32 {\n"
        "    fn0 = %Memcmp(i64, i64, i64) -> i32\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = iconst.i64 2\n"
        "    v3 = call fn0(v0, v1, v2)\n"
        "    return v3\n"
        "}\n"
        "function %fma(f64, f64, f64) -> f64 {\n"
        "    fn0 = %FmaF64(f64, f64, f64) -> f64\n"
        "block0(v0: f64, v1: f64, v2: f64):\n"
        "    v3 = call fn0(v0, v1, v2)\n"
        "    return v3\n"
        "}\n"
        "function %wrong(f32) -> f32 {\n"
        "    fn0 = %CeilF64(f32) -> f32\n"
        "block0(v0: f32):\n"
        "    v1 = call fn0(v0)\n"
        "    return v1\n"
        "}\n");
    static uint8_t bytes[8] = { 1, 2, 1, 3 };
    uint64_t p = address_of(bytes), one = 0x3ff0000000000000u;

    cr_assert_eq(jit_interp_memory(s.in, bytes, sizeof bytes, true), JIT_OK);
    returns(&s, "copy", 77, 0, 77);
    breaks(&s, "copy", 77, 8, "never written"); /* copied, and still unwritten */
    returns(&s, "compare", p, p + 2, 0xffffffff);
    returns(&s, "compare", p + 2, p, 1);
    returns(&s, "compare", p, p, 0);
    returns(&s, "out", p + 4, 4, 0);
    cr_expect(bytes[3] == 3 && bytes[4] == 0xff && bytes[7] == 0xff);
    breaks(&s, "out", p + 4, 5, "libcall");
    returns(&s, "out", 0, 0, 0);
    cr_expect(run3(&s, "fma", one, one, one).outcome == JIT_RETURNED
              && result(&s, 0) == 0x4000000000000000u);
    breaks(&s, "wrong", 0, 0, "another signature");
    close_session(&s);
}

Test(interp, symbols_name_data_of_the_module)
{
    session s = open_text(
        "function %next() -> i64 {\n"
        "    gv0 = symbol colocated %counter+8\n"
        "block0:\n"
        "    v0 = symbol_value.i64 gv0\n"
        "    v1 = load.i64 v0\n"
        "    v2 = iconst.i64 1\n"
        "    v3 = iadd v1, v2\n"
        "    store v3, v0\n"
        "    return v1\n"
        "}\n"
        "function %fixed() -> i64 {\n"
        "    gv0 = symbol %table\n"
        "block0:\n"
        "    v0 = symbol_value.i64 gv0\n"
        "    v1 = load.i64 v0\n"
        "    store v1, v0\n"
        "    return v1\n"
        "}\n"
        "function %unknown() -> i64 {\n"
        "    gv0 = symbol %nothing\n"
        "block0:\n"
        "    v0 = symbol_value.i64 gv0\n"
        "    return v0\n"
        "}\n");
    uint64_t start[2] = { 0, 41 };

    cr_assert_eq(jit_module_data(s.m, "counter", start, 16, 8, true, JIT_LOCAL), JIT_OK);
    cr_assert_eq(jit_module_data(s.m, "table", start, 16, 4096, false, JIT_LOCAL), JIT_OK);
    returns(&s, "next", 0, 0, 41);
    returns(&s, "next", 0, 0, 42);
    traps(&s, "fixed", 0, 0, JIT_TRAP_HEAP_OOB);
    refuses(&s, "unknown", JIT_ERR_LINK, "%nothing");
    close_session(&s);
}

Test(interp, the_stack_limit_is_found_through_global_values)
{
    session s = open_text(
        "function %f(i64 vmctx) -> i64 {\n"
        "    gv0 = vmctx\n"
        "    gv1 = load.i64 notrap aligned gv0\n"
        "    gv2 = load.i64 notrap aligned gv1+8\n"
        "    stack_limit = gv2\n"
        "block0(v0: i64):\n"
        "    v1 = get_stack_pointer.i64\n"
        "    return v1\n"
        "}\n");
    static uint64_t limits[2], context[1];

    cr_assert_eq(jit_interp_memory(s.in, limits, sizeof limits, true), JIT_OK);
    cr_assert_eq(jit_interp_memory(s.in, context, sizeof context, true), JIT_OK);
    context[0] = address_of(limits);
    jit_run r = run3(&s, "f", address_of(context), 0, 0);
    cr_expect_eq(r.outcome, JIT_RETURNED);
    limits[1] = result(&s, 0);
    returns(&s, "f", address_of(context), 0, limits[1]);
    limits[1]++;
    traps(&s, "f", address_of(context), 0, JIT_TRAP_STK_OVF);
    limits[1] = UINT64_MAX;
    traps(&s, "f", address_of(context), 0, JIT_TRAP_STK_OVF);
    close_session(&s);
}

Test(interp, a_frame_too_large_overflows_the_stack)
{
    session s = open_text(
        "function %f() -> i8 {\n"
        "    ss0 = explicit_slot 2000000000\n"
        "    ss1 = explicit_slot 2000000000\n"
        "block0:\n"
        "    v0 = iconst.i8 1\n"
        "    return v0\n"
        "}\n");

    traps(&s, "f", 0, 0, JIT_TRAP_STK_OVF);
    close_session(&s);
}

/* ---- Floats, wide values, refusals ---- */

Test(interp, canonical_nans_come_from_arithmetic_only)
{
    session s = open_text(
        "function %add(f32) -> f32 {\n"
        "block0(v0: f32):\n"
        "    v1 = fadd v0, v0\n"
        "    return v1\n"
        "}\n"
        "function %neg(f32) -> f32 {\n"
        "block0(v0: f32):\n"
        "    v1 = fneg v0\n"
        "    return v1\n"
        "}\n");

    returns(&s, "add", 0xff800001, 0, 0xffc00001);
    jit_interp_nan_canonical(s.in, true);
    returns(&s, "add", 0xff800001, 0, 0x7fc00000);
    returns(&s, "add", 0x3f800000, 0, 0x40000000);
    returns(&s, "neg", 0xff800001, 0, 0x7f800001);
    close_session(&s);
}

Test(interp, wide_values_are_carried_and_their_arithmetic_is_refused)
{
    session s = open_text(
        "function %carry(i64, i64) -> i64, i64 {\n"
        "    ss0 = explicit_slot 16, align = 16\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = iconcat v0, v1\n"
        "    v3 = stack_addr.i64 ss0\n"
        "    store aligned v2, v3\n"
        "    v4 = load.i128 big v3\n"
        "    v5 = bnot v4\n"
        "    brif v4, block1(v5), block1(v4)\n"
        "block1(v6: i128):\n"
        "    v7, v8 = isplit v6\n"
        "    return v7, v8\n"
        "}\n"
        "function %sum(i64) -> i64 {\n"
        "block0(v0: i64):\n"
        "    v1 = uextend.i128 v0\n"
        "    v2 = imul v1, v1\n"
        "    v3 = ireduce.i64 v2\n"
        "    return v3\n"
        "}\n");

    returns(&s, "carry", 0x0102030405060708, 0, UINT64_MAX);
    cr_expect_eq(result(&s, 1), ~(uint64_t)0x0807060504030201);
    refuses(&s, "sum", JIT_ERR_UNSUPPORTED, "imul");
    close_session(&s);
}

Test(interp, unsound_functions_are_refused)
{
    session s = open_text(
        "function %f(i64) -> i64 {\n"
        "block0(v0: i64):\n"
        "    brif v0, block1, block2\n"
        "block1:\n"
        "    v1 = iconst.i64 1\n"
        "    jump block2\n"
        "block2:\n"
        "    return v1\n"
        "}\n");

    refuses(&s, "f", JIT_ERR_VERIFY, "%f");
    close_session(&s);
}

/* ---- No memory ---- */

typedef struct failing { int left, live; } failing;

static void *failing_alloc(void *user, size_t size)
{
    failing *f = user;
    if (f->left-- <= 0)
        return NULL;
    f->live++;
    return jit_libc_allocator.alloc(jit_libc_allocator.user, size);
}

static void failing_free(void *user, void *p, size_t size)
{
    ((failing *)user)->live--;
    jit_libc_allocator.free(jit_libc_allocator.user, p, size);
}

Test(interp, any_allocation_may_fail)
{
    session s = open_text(
        "function %f(i64, i64) -> i64 {\n"
        "    region0 = 1 \"a\"\n"
        "    region1 = 2 \"b\"\n"
        "    gv0 = symbol %data\n"
        "    fn0 = %host(i64)\n"
        "    fn1 = %g(i64) -> i64\n"
        "block0(v0: i64, v1: i64):\n"
        "    v2 = symbol_value.i64 gv0\n"
        "    v3 = load.i64 readonly region0 v2\n"
        "    call fn0(v2)\n"
        "    v4 = call fn1(v3)\n"
        "    return v4\n"
        "}\n"
        "function %g(i64) -> i64 {\n"
        "block0(v0: i64):\n"
        "    return v0\n"
        "}\n");
    uint64_t word = 5;
    bool done = false;

    cr_assert_eq(jit_module_data(s.m, "data", &word, 8, 8, true, JIT_LOCAL), JIT_OK);
    const jit_allocator *usual = s.m->host;
    for (int n = 0; !done; n++) {
        failing f = { n, 0 };
        jit_allocator a = { failing_alloc, failing_free, &f };
        jit_bits args[2], out;
        memset(args, 0, sizeof args);
        s.m->host = &a;
        jit_interp *in = jit_interp_new(NULL, s.m);
        if (in && jit_interp_define(in, "host", fill, NULL) == JIT_OK) {
            jit_run r = jit_interp_run(in, jit_module_find(s.m, "f"), args, &out, 0);
            done = r.outcome == JIT_RETURNED;
            cr_assert(done || (r.outcome == JIT_REFUSED && r.status == JIT_ERR_NOMEM),
                      "%d: %d %s", n, r.outcome, r.message ? r.message : "");
        }
        jit_interp_free(in);
        cr_assert_eq(f.live, 0);
        cr_assert_lt(n, 1000);
    }
    s.m->host = usual;
    close_session(&s);
}
