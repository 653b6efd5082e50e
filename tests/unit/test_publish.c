/* test_publish.c - names and batches: functions that refer to each other, are replaced, freed,
 * looked up; batches that fail change nothing. */
#define _GNU_SOURCE
#include "jit/engine.h"
#include "tests/support/fault_alloc.h"
#include "tests/support/jit_kit.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static jit_engine *engine;
static jit_ctx *ctx;
static fault_alloc host;

static void begin_with(size_t space, jit_memory_provider provider)
{
    fault_alloc_init(&host, 0);
    engine = kit_engine(&host.host, space, provider);
    ctx = jit_ctx_new(engine);
    cr_assert_not_null(ctx);
    kit_level(ctx, JIT_O1);
}

static void begin(void)
{
    begin_with(1 << 20, JIT_MEMORY_DEFAULT);
}

static void end(void)
{
    cr_expect(jit_code_mem_is_valid(&engine->mem));
    cr_expect_eq(engine->ncodes, 0);
    jit_ctx_free(ctx);
    jit_engine_free(engine);
    cr_expect_eq(host.live, 0);
    cr_expect_not(host.wrong_size);
}

TestSuite(publish, .init = begin, .fini = end);

static jit_code *code_of(const char *text)
{
    jit_code *c = kit_code(engine, ctx, text);
    cr_assert_not_null(c);
    return c;
}

static jit_code *constant(const char *name, int32_t k)
{
    jit_func *f = kit_constant(engine, name, k);
    jit_code *code;

    cr_assert_eq(jit_compile_function(ctx, f, &code), JIT_OK, "%s", jit_error_message(ctx));
    jit_func_free(f);
    return code;
}

static jit_unit *unit_of(const char *text, const char *name)
{
    jit_module *m = kit_read(engine, text);
    jit_unit *u = NULL;

    cr_assert_eq(jit_compile_unit(ctx, jit_module_find(m, name), NULL, &u), JIT_OK);
    jit_module_free(m);
    return u;
}

static const char caller[] = "function %caller() -> i32 {\n    fn0 = %callee() -> i32\nblock0:\n"
                             "    v0 = call fn0()\n    return v0\n}\n";
static const jit_abi_param i32_result[] = { JIT_I32 };
static const jit_signature to_i32 = { JIT_CONV_DEFAULT, 0, 1, NULL, i32_result };

static jit_call_result invoke(const jit_code *c, uint64_t *result)
{
    jit_bits bits = { { 0 } };
    jit_call_result r = jit_invoke(engine, jit_code_entry(c), &to_i32, NULL, &bits);

    *result = kit_word(bits) & UINT32_MAX;
    return r;
}

/* ---- Batches ---- */

static const char even_odd[] =
    "function %even(i32) -> i8 {\n    fn0 = colocated %odd(i32) -> i8\nblock0(v0: i32):\n"
    "    v1 = iconst.i32 -1\n    v2 = iconst.i8 1\n    brif v0, block1, block2\n"
    "block1:\n    v3 = iadd v0, v1\n    v4 = call fn0(v3)\n    return v4\nblock2:\n"
    "    return v2\n}\n"
    "function %odd(i32) -> i8 {\n    fn0 = %even(i32) -> i8\nblock0(v0: i32):\n"
    "    v1 = iconst.i32 -1\n    v2 = iconst.i8 0\n    brif v0, block1, block2\n"
    "block1:\n    v3 = iadd v0, v1\n    v4 = call fn0(v3)\n    return v4\nblock2:\n"
    "    return v2\n}\n";

Test(publish, functions_of_a_batch_refer_to_each_other)
{
    static const jit_abi_param i32[] = { JIT_I32 }, i8[] = { JIT_I8 };
    jit_signature sig = { JIT_CONV_DEFAULT, 1, 1, i32, i8 };
    jit_module *m = kit_read(engine, even_odd);
    jit_code *codes[2];

    cr_assert_eq(kit_publish(engine, ctx, m, NULL, codes), JIT_OK, "%s", jit_error_message(ctx));
    for (uint64_t n = 0; n < 20; n++) {
        jit_bits arg = kit_bits(n), result;
        jit_call_result r = jit_invoke(engine, jit_code_entry(codes[0]), &sig, &arg, &result);
        cr_expect(r.status == JIT_OK && r.trap == 0);
        cr_expect_eq(result.at[0], !(n & 1));
    }
    kit_free(codes, 2);
    jit_module_free(m);
}

Test(publish, an_unknown_name_is_told_and_nothing_changes)
{
    jit_engine_stats before, after;
    jit_unit *units[2] = { unit_of(even_odd, "even"), unit_of(caller, "caller") };
    jit_code *codes[2];

    jit_engine_get_stats(engine, &before);
    cr_expect_eq(jit_publish(engine, ctx, units, 2, codes), JIT_ERR_LINK);
    cr_expect(strstr(jit_error_message(ctx), "unknown name %odd"), "%s", jit_error_message(ctx));
    cr_expect(!codes[0] && !codes[1]);
    jit_engine_get_stats(engine, &after);
    cr_expect_eq(after.codes, before.codes);
    cr_expect_eq(after.code_used, before.code_used);
    cr_expect_null(jit_engine_lookup(engine, "even"));
    cr_expect_null(jit_engine_lookup(engine, "odd"));
    cr_expect_eq(engine->nsymbols, 0);
    jit_unit_free(units[0]);
    jit_unit_free(units[1]);
}

Test(publish, what_is_no_unit_of_this_engine_is_refused)
{
    jit_engine *other = kit_engine(NULL, 1 << 20, JIT_MEMORY_DEFAULT);
    jit_unit *units[2] = { unit_of(even_odd, "even"), NULL };
    jit_code *codes[2] = { (jit_code *)1, (jit_code *)1 };

    cr_expect_eq(jit_publish(engine, ctx, units, 2, codes), JIT_ERR_ARG);
    cr_expect(!codes[0] && !codes[1]);
    cr_expect_eq(jit_publish(other, ctx, units, 1, codes), JIT_ERR_ARG);
    cr_expect_not_null(strstr(jit_error_message(ctx), "unit 0"));
    cr_expect_eq(jit_publish(NULL, ctx, units, 1, codes), JIT_ERR_ARG);
    cr_expect_eq(jit_publish(engine, NULL, NULL, 1, codes), JIT_ERR_ARG);
    cr_expect_eq(jit_publish(engine, NULL, NULL, 0, NULL), JIT_OK);
    jit_unit_free(units[0]);
    jit_unit_free(NULL);
    jit_engine_free(other);
}

Test(publish, no_memory_at_any_point_of_a_batch_changes_nothing)
{
    jit_module *m = kit_read(engine, even_odd);
    jit_unit *units[2] = { unit_of(even_odd, "even"), unit_of(even_odd, "odd") };
    jit_code *codes[2];
    jit_status status = JIT_ERR_NOMEM;
    unsigned refused = 0;

    for (size_t n = 1; status == JIT_ERR_NOMEM; n++) {
        jit_engine_stats before, after;
        jit_engine_get_stats(engine, &before);
        host.calls = 0;
        host.fail_at = n;
        status = jit_publish(engine, ctx, units, 2, codes);
        host.fail_at = 0;
        jit_engine_get_stats(engine, &after);
        if (status == JIT_OK)
            break;
        refused++;
        cr_assert_eq(status, JIT_ERR_NOMEM);
        cr_expect_eq(after.code_used, before.code_used);
        cr_expect_eq(engine->nsymbols, 0);
    }
    (void)refused; /* the pool may have had it all */
    kit_free(codes, 2);
    jit_unit_free(units[0]);
    jit_unit_free(units[1]);
    jit_module_free(m);
}

/* ---- Names ---- */

Test(publish, callers_see_a_replacement_and_trap_when_it_is_freed)
{
    uint64_t x;

    cr_assert_eq(jit_traps_install(), JIT_OK);
    jit_code *one = constant("callee", 1), *c = code_of(caller);
    void *stable = jit_engine_lookup(engine, "callee");
    jit_entry by_name;
    memcpy(&by_name, &stable, sizeof stable);
    invoke(c, &x);
    cr_expect_eq(x, 1);
    jit_code *two = constant("callee", 2);
    invoke(c, &x);
    cr_expect_eq(x, 2);
    cr_expect_eq(kit_call_i32(one), 1);
    cr_expect_eq(((int32_t (*)(void))by_name)(), 2);
    jit_code_free(one); /* no longer answers to the name */
    invoke(c, &x);
    cr_expect_eq(x, 2);
    jit_code_free(two);
    jit_call_result r = invoke(c, &x);
    cr_expect_eq(r.status, JIT_OK);
    cr_expect_eq(r.trap, JIT_TRAP_UNDEFINED);
    cr_expect_eq(jit_engine_lookup(engine, "callee"), stable, "the address changed");
    jit_code *three = constant("callee", 3);
    r = invoke(c, &x);
    cr_expect_eq(r.trap, JIT_TRAP_NONE);
    cr_expect_eq(x, 3);
    cr_expect_eq(jit_engine_lookup(engine, "callee"), stable);
    cr_expect_eq(((int32_t (*)(void))by_name)(), 3);
    jit_code_free(c);
    jit_code_free(three);
    jit_traps_remove();
}

static int32_t far_away(void) { return 77; }
static int32_t other_away(void) { return 78; }

Test(publish, the_host_defines_names_wherever_they_are)
{
    uint64_t x;

    cr_expect_eq(jit_engine_define_function(engine, "callee", JIT_FN(far_away)), JIT_OK);
    cr_expect_eq(jit_engine_lookup(engine, "%callee"), kit_address((jit_entry)far_away));
    jit_code *c = code_of(caller);
    invoke(c, &x);
    cr_expect_eq(x, 77);
    cr_expect_eq(jit_engine_define_function(engine, "callee", JIT_FN(other_away)), JIT_OK);
    invoke(c, &x);
    cr_expect_eq(x, 78);
    jit_code *own = constant("callee", 5);
    invoke(c, &x);
    cr_expect_eq(x, 5);
    jit_code_free(own);
    jit_code_free(c);
    cr_expect_eq(jit_engine_define(engine, "", NULL), JIT_ERR_ARG);
    cr_expect_eq(jit_engine_define(engine, "a b", NULL), JIT_ERR_ARG);
    cr_expect_eq(jit_engine_define(engine, NULL, NULL), JIT_ERR_ARG);
    cr_expect_eq(jit_engine_define(NULL, "x", NULL), JIT_ERR_ARG);
    cr_expect_null(jit_engine_lookup(engine, "nobody"));
    cr_expect_null(jit_engine_lookup(engine, "u0:99999999999"));
    cr_expect_eq(jit_engine_define(engine, "u7:4294967295", &x), JIT_OK);
    cr_expect_eq(jit_engine_lookup(engine, "u7:4294967295"), &x);
}

Test(publish, a_function_far_above_or_below_is_called)
{
#if defined(__x86_64__)
    static const uint8_t ret42[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov eax, 42; ret */
#else
    static const uint32_t ret42[] = { 0x52800540, 0xd65f03c0 }; /* mov w0, #42; ret */
#endif
    void *wishes[] = { (void *)0x10000000, (void *)0x7e0000000000 };

    for (unsigned k = 0; k < 2; k++) {
        uint64_t x;
        uint8_t *p = mmap(wishes[k], 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            continue;
        memcpy(p, ret42, sizeof ret42);
        __builtin___clear_cache((char *)p, (char *)p + sizeof ret42);
        cr_expect_eq(jit_engine_define(engine, "callee", p), JIT_OK);
        jit_code *c = code_of(caller);
        invoke(c, &x);
        cr_expect_eq(x, 42);
        jit_code_free(c);
        munmap(p, 4096);
    }
}

Test(publish, ten_thousand_names_come_and_go)
{
    enum { N = 10000 };
    static jit_code *codes[N];
    char name[32];

    end();
    begin_with((size_t)N << 14, JIT_MEMORY_DEFAULT); /* a page each where pages are turned */
    for (int32_t k = 0; k < N; k++) {
        snprintf(name, sizeof name, k % 3 ? "n%d" : "u1:%d", k);
        codes[k] = constant(name, k);
    }
    cr_expect_eq(engine->nsymbols, N);
    for (int32_t k = 0; k < N; k += 7)
        cr_expect_eq(kit_call_i32(codes[k]), k);
    kit_free(codes, N);
    cr_expect_eq(engine->nsymbols, 0);
}

/* ---- Data ---- */

Test(publish, data_objects_are_known_by_name_and_aligned)
{
    static const char text[] =
        "function %next() -> i32 {\n    gv0 = symbol %counter\nblock0:\n"
        "    v0 = symbol_value.i64 gv0\n"
        "    v1 = load.i32 v0\n    v2 = iconst.i32 1\n    v3 = iadd v1, v2\n    store v3, v0\n"
        "    return v3\n}\n";
    static const int32_t start[2] = { 41, 7 };
    jit_module *m = jit_module_new(engine);

    cr_assert_eq(jit_module_data(m, "counter", start, sizeof start, 8, true, JIT_EXPORT), JIT_OK);
    cr_assert_eq(jit_module_data(m, "big", NULL, 10000, 65536, true, JIT_EXPORT), JIT_OK);
    cr_assert_eq(jit_module_data(m, "none", NULL, 0, 1, true, JIT_EXPORT), JIT_OK);
    cr_assert_eq(jit_publish_data(engine, ctx, m), JIT_OK);
    jit_code *c = code_of(text);
    cr_expect_eq(kit_call_i32(c), 42);
    cr_expect_eq(kit_call_i32(c), 43);
    int32_t *at = jit_engine_lookup(engine, "counter");
    cr_assert_not_null(at);
    cr_expect(at[0] == 43 && at[1] == 7);
    uint8_t *big = jit_engine_lookup(engine, "big");
    cr_expect_eq((uintptr_t)big % 65536, 0);
    cr_expect(big[0] == 0 && big[9999] == 0);
    cr_expect_not_null(jit_engine_lookup(engine, "none"));
    jit_module_free(m);
    cr_expect_eq(kit_call_i32(c), 44);
    jit_code_free(c);
}

/* ---- Space ---- */

static void fill(jit_memory_provider provider)
{
    enum { MOST = 4000 };
    static jit_code *codes[MOST];
    char name[32];
    jit_status status = JIT_OK;
    int32_t n = 0;

    jit_ctx_free(ctx);
    jit_engine_free(engine);
    begin_with(64 << 10, provider);
    for (unsigned round = 0; round < 3; round++) {
        for (n = 0; n < MOST; n++) {
            snprintf(name, sizeof name, "n%d", n);
            jit_func *f = kit_constant(engine, name, n);
            status = jit_compile_function(ctx, f, &codes[n]);
            jit_func_free(f);
            if (status != JIT_OK)
                break;
        }
        cr_expect_eq(status, JIT_ERR_CODE_FULL);
        cr_expect_not_null(strstr(jit_error_message(ctx), name), "%s", jit_error_message(ctx));
        cr_expect_geq(n, 10);
        for (int32_t k = 0; k < n; k += 2) { /* every other one goes, a new one comes */
            jit_code_free(codes[k]);
            codes[k] = constant("other", k + 1);
            cr_expect_eq(kit_call_i32(codes[k]), k + 1);
        }
        for (int32_t k = 1; k < n; k += 2)
            cr_expect_eq(kit_call_i32(codes[k]), k);
        kit_free(codes, (size_t)n);
        cr_expect(jit_code_mem_is_valid(&engine->mem));
    }
}

Test(publish, a_full_code_space_is_told_and_freed_room_used_again)
{
    fill(JIT_MEMORY_DUAL);
}

Test(publish, a_full_code_space_with_mprotect)
{
    fill(JIT_MEMORY_MPROTECT);
}

Test(publish, statistics_count_codes_and_bytes)
{
    jit_engine_stats empty, one, after;

    jit_engine_get_stats(engine, &empty);
    cr_expect_eq(empty.codes, 0);
    cr_expect_eq(empty.code_reserved, 1 << 20);
    jit_code *c = constant("c", 1);
    jit_engine_get_stats(engine, &one);
    cr_expect_eq(one.codes, 1);
    cr_expect_gt(one.code_used, empty.code_used);
    cr_expect_geq(one.code_committed, one.code_used);
    cr_expect_gt(one.host_bytes, 0);
    cr_expect_geq(one.host_peak, one.host_bytes);
    cr_expect_gt(jit_code_size(c), 0);
    jit_code_free(c);
    jit_engine_get_stats(engine, &after);
    cr_expect_eq(after.codes, 0);
    cr_expect_eq(after.code_used, empty.code_used);
}

Test(publish, the_perf_map_names_each_function)
{
    jit_engine_settings s = { .size = sizeof s, .perf_map = true, .code_space = 1 << 20 };
    jit_engine *e = jit_engine_new(&s);
    jit_ctx *c = jit_ctx_new(e);
    jit_func *f = kit_constant(e, "named_in_perf_map", 1);
    jit_code *code;
    char path[64], line[256], want[256];
    bool found = false;

    cr_assert_eq(jit_compile_function(c, f, &code), JIT_OK);
    snprintf(path, sizeof path, "/tmp/perf-%d.map", (int)getpid());
    snprintf(want, sizeof want, "%zx %zx %%named_in_perf_map\n",
             (size_t)(uintptr_t)kit_address(jit_code_entry(code)), jit_code_size(code));
    FILE *lines = fopen(path, "r");
    cr_assert_not_null(lines);
    while (fgets(line, sizeof line, lines))
        found = found || strcmp(line, want) == 0;
    fclose(lines);
    unlink(path);
    cr_expect(found, "no line %s", want);
    jit_code_free(code);
    jit_func_free(f);
    jit_ctx_free(c);
    jit_engine_free(e);
}

/* ---- fork ---- */

Test(publish, a_child_compiles_without_touching_the_parents_code)
{
    jit_code *callee = constant("callee", 1), *c = code_of(caller);
    int status = 0;
    uint64_t x;

    pid_t child = fork();
    if (child == 0) {
        jit_code *mine[50];
        bool ok = true;
        jit_code_free(callee);
        for (int32_t k = 0; k < 50; k++)
            mine[k] = constant("callee", 100 + k);
        invoke(c, &x);
        ok = x == 149;
        kit_free(mine, 50);
        _exit(ok ? 0 : 1);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_expect_eq(status, 0);
    cr_expect_eq(kit_call_i32(callee), 1);
    invoke(c, &x);
    cr_expect_eq(x, 1);
    jit_code *two = constant("two", 2);
    cr_expect_eq(kit_call_i32(two), 2);
    cr_expect_eq(kit_call_i32(callee), 1);
    jit_code_free(two);
    jit_code_free(c);
    jit_code_free(callee);
}

/* ---- Threads ---- */

static _Atomic bool stop;
static jit_func *shared;

/* Publishes, runs and frees its own; looks names and addresses up that others change. */
static void *churn(void *arg)
{
    int id = *(int *)arg;
    jit_ctx *c = jit_ctx_new(engine);
    char name[32];
    intptr_t bad = 0;

    snprintf(name, sizeof name, "t%d", id);
    jit_func *f = kit_constant(engine, name, 1000 + id);
    for (int k = 0; k < (kit_short() ? 40 : 400); k++) {
        jit_code *mine, *same;
        jit_bits bits;
        kit_level(c, k & 1 ? JIT_O1 : JIT_O0);
        bad += jit_compile_function(c, f, &mine) != JIT_OK;
        bad += jit_compile_function(c, shared, &same) != JIT_OK;
        bad += kit_call_i32(mine) != 1000 + id;
        bad += kit_call_i32(same) != 7;
        jit_call_result r = jit_invoke(engine, jit_code_entry(mine), &to_i32, NULL, &bits);
        bad += r.status != JIT_OK || (kit_word(bits) & UINT32_MAX) != (uint64_t)(1000 + id);
        bad += jit_engine_code_at(engine, kit_address(jit_code_entry(mine))) != mine;
        bad += jit_engine_lookup(engine, name) == NULL;
        (void)jit_engine_lookup(engine, "t0");
        jit_code_free(same);
        jit_code_free(mine);
    }
    jit_func_free(f);
    jit_ctx_free(c);
    return (void *)bad;
}

static void *look(void *arg)
{
    uintptr_t found = 0;

    (void)arg;
    while (!atomic_load(&stop))
        for (size_t at = 0; at < engine->mem.os.size; at += 64)
            found += jit_engine_code_at(engine, engine->mem.os.exec + at) != NULL;
    return (void *)found;
}

Test(publish, threads_compile_publish_call_and_free_while_others_look_up)
{
    enum { N = 6 };
    pthread_t threads[N], looker;
    int ids[N];
    void *bad;

    jit_ctx_free(ctx);
    jit_engine_free(engine);
    engine = kit_engine(NULL, 1 << 20, JIT_MEMORY_DEFAULT); /* the counting one is for one thread */
    ctx = jit_ctx_new(engine);
    shared = jit_func_new(engine, "none", JIT_SIG(JIT_I32));
    jit_builder *b = jit_build(shared);
    jit_return(b, jit_iconst(b, JIT_I32, 7));
    jit_build_end(b);
    shared->name.kind = NAME_NONE; /* so that each copy is its own */
    atomic_store(&stop, false);
    cr_assert_eq(pthread_create(&looker, NULL, look, NULL), 0);
    for (int k = 0; k < N; k++) {
        ids[k] = k;
        cr_assert_eq(pthread_create(&threads[k], NULL, churn, &ids[k]), 0);
    }
    for (int k = 0; k < N; k++) {
        pthread_join(threads[k], &bad);
        cr_expect_null(bad);
    }
    atomic_store(&stop, true);
    pthread_join(looker, NULL);
    jit_func_free(shared);
}
