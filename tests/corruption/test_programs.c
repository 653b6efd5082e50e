/* test_programs.c - the program that corrupted another port's heap, then every example:
 * compiled, run and freed at each level, with every allocation counted, and with the n-th one
 * refused for each n. */
#include "tests/support/fault_alloc.h"
#include "tests/support/jit_kit.h"

#include <signal.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

static const jit_level levels[] = { JIT_O0, JIT_O1, JIT_O2 };

/* ---- The first program ---- */

Test(programs, compile_and_execute_return_constant_i32)
{
    jit_engine *engine = jit_engine_new(NULL);
    jit_ctx *ctx = jit_ctx_new(engine);
    jit_func *f = jit_func_new(engine, "constant", JIT_SIG(JIT_I32));
    jit_builder *b = jit_build(f);
    jit_code *code;

    jit_return(b, jit_iconst(b, JIT_I32, 42));
    jit_build_end(b);
    cr_assert_eq(jit_compile_function(ctx, f, &code), JIT_OK, "%s", jit_error_message(ctx));
    int32_t (*constant)(void) = (int32_t (*)(void))jit_code_entry(code);
    cr_expect_eq(constant(), 42);
    void *later[64]; /* where the heap was found to be broken */
    for (size_t k = 0; k < 64; k++)
        cr_assert_not_null(later[k] = malloc(8u << (k % 12)));
    for (size_t k = 0; k < 64; k++)
        free(later[k]);
    jit_code_free(code);
    jit_func_free(f);
    jit_ctx_free(ctx);
    jit_engine_free(engine);
}

/* ---- Every example ---- */

static const char *file, *text;
static size_t size;
static jit_level level;
static bool calls; /* pipeline() runs what it made */

/* What main() returns by the interpreter. */
static void interpret(const jit_module *m, jit_engine *e, jit_bits *results)
{
    jit_interp *in = jit_interp_new(e, m);
    jit_run run = jit_interp_run(in, jit_module_find(m, "main"), NULL, results, 0);

    cr_assert_eq(run.outcome, JIT_RETURNED, "%s: %s", file, run.message ? run.message : "");
    jit_interp_free(in);
}

/* Reads, verifies, compiles, publishes, runs and frees; results of main(). */
static jit_status pipeline(jit_engine *e, jit_ctx *c, jit_bits *results)
{
    jit_settings s = { .size = sizeof s, .level = level, .checks = JIT_CHECK_ALL,
                       .keep_asm = true };
    jit_module *m = NULL;
    jit_code *codes[64];
    jit_status status = jit_module_read(e, text, size, &m, NULL, NULL);
    size_t n = m ? jit_module_function_count(m) : 0;

    for (size_t k = 0; k < n && status == JIT_OK; k++)
        status = jit_func_verify(jit_module_function_at(m, k), NULL, NULL);
    if (status == JIT_OK) {
        status = kit_publish(e, c, m, &s, codes);
        if (status == JIT_OK) {
            for (size_t k = 0; calls && k < n && status == JIT_OK; k++) {
                const jit_func *f = jit_module_function_at(m, k);
                if (strcmp(jit_func_name(f), "%main") != 0)
                    continue;
                jit_call_result r = jit_invoke(e, jit_code_entry(codes[k]), jit_func_signature(f),
                                               NULL, results);
                status = r.status;
                cr_assert_eq(r.trap, JIT_TRAP_NONE);
            }
            kit_free(codes, n);
        }
    }
    jit_module_free(m);
    return status;
}

static void take(const char *path, const char *t, size_t n)
{
    file = path;
    text = t;
    size = n;
}

static void run_example(const char *path, const char *t, size_t n)
{
    jit_bits want[4] = { { { 0 } } }, got[4] = { { { 0 } } };
    fault_alloc host;

    take(path, t, n);
    calls = true;
    fault_alloc_init(&host, 0);
    jit_engine *e = kit_engine(&host.host, 1 << 20, JIT_MEMORY_DEFAULT);
    jit_ctx *c = jit_ctx_new(e);
    jit_module *m = kit_read(e, t);
    interpret(m, e, want);
    jit_module_free(m);
    for (unsigned k = 0; k < 2; k++) {
        level = levels[k];
        memset(got, 0, sizeof got);
        cr_assert_eq(pipeline(e, c, got), JIT_OK, "%s: %s", path, jit_error_message(c));
        cr_expect_arr_eq(got, want, sizeof got, "%s at O%u", path, k);
    }
    jit_engine_stats stats;
    jit_engine_get_stats(e, &stats);
    cr_expect_eq(stats.codes, 0);
    jit_ctx_free(c);
    jit_engine_free(e);
    cr_expect_eq(host.live, 0, "%s", path);
    cr_expect_not(host.wrong_size);
}

Test(programs, every_example_is_compiled_run_and_freed)
{
    cr_assert_geq(kit_examples(run_example), 12);
}

/* ---- No memory, at every point ---- */

/* Refuses request n of the whole; true while that request is ever made. The same engine and context
 * must do the work when there is memory again. */
static bool refuse(size_t n, bool all_after)
{
    jit_bits first[4] = { { { 0 } } }, again[4] = { { { 0 } } };
    fault_alloc host;

    fault_alloc_init(&host, n);
    host.fail_after = all_after;
    jit_engine *e = kit_engine(&host.host, 1 << 20, JIT_MEMORY_DEFAULT);
    jit_ctx *c = e ? jit_ctx_new(e) : NULL;
    jit_status status = c ? pipeline(e, c, first) : JIT_ERR_NOMEM;
    bool made = host.calls >= n;
    /* A listing that found no memory is left out. */
    cr_assert(status == JIT_ERR_NOMEM || status == JIT_OK, "%s, request %zu: %s, %s", file, n,
              jit_status_name(status), c ? jit_error_message(c) : "");
    host.fail_at = 0;
    if (c) {
        jit_status now = pipeline(e, c, again);
        cr_assert_eq(now, JIT_OK, "%s after request %zu: %s %s", file, n, jit_status_name(now),
                     jit_error_message(c));
        if (status == JIT_OK)
            cr_assert_arr_eq(first, again, sizeof again);
    }
    jit_ctx_free(c);
    jit_engine_free(e);
    cr_assert_eq(host.live, 0, "%s, request %zu: %zu blocks leak", file, n, host.live);
    cr_assert_not(host.wrong_size, "%s, request %zu", file, n);
    return made;
}

static void refuse_all(void)
{
    size_t step = kit_short() ? 17 : 1;

    for (unsigned k = 0; k < 2; k++) {
        level = levels[k];
        for (size_t n = 1; refuse(n, false); n += step)
            ;
        for (size_t n = 1; refuse(n, true); n += 7 * step)
            ;
    }
}

static const char small[] =
    "function %leaf(i64 sext, f64) -> i64, f64 system_v {\n"
    "    ss0 = explicit_slot 24\n"
    "block0(v0: i64, v1: f64):\n"
    "    v2 = stack_addr.i64 ss0\n"
    "    store v0, v2+8\n"
    "    v3 = load.i64 v2+8\n"
    "    v4 = fadd v1, v1\n"
    "    return v3, v4\n"
    "}\n"
    "function %main() -> i64 {\n"
    "    fn0 = %leaf(i64 sext, f64) -> i64, f64 system_v\n"
    "    fn1 = %CeilF64(f64) -> f64\n"
    "block0:\n"
    "    v0 = iconst.i64 20\n"
    "    v1 = f64const 0x1.8p0\n"
    "    jump block1(v0, v1)\n"
    "block1(v2: i64, v3: f64):\n"
    "    v4, v5 = call fn0(v2, v3)\n"
    "    v6 = call fn1(v5)\n"
    "    v7 = iconst.i64 -1\n"
    "    v8 = iadd v4, v7\n"
    "    v11 = fcvt_to_sint_sat.i64 v6\n"
    "    trapz v2, user7\n"
    "    v12 = ireduce.i32 v8\n"
    "    br_table v12, block1(v8, v6), [block2, block1(v8, v6)]\n"
    "block2:\n"
    "    v9 = iadd v8, v11\n"
    "    return v9\n"
    "}\n";

Test(programs, a_refused_request_at_any_point_is_no_harm)
{
    take("small", small, strlen(small));
    calls = true;
    refuse_all();
}

static void refuse_in_example(const char *path, const char *t, size_t n)
{
    static unsigned k;

    if (kit_short() && k++ % 6 != 0)
        return;
    take(path, t, n);
    calls = false;
    refuse_all();
}

Test(programs, a_refused_request_in_any_example_is_no_harm)
{
    cr_assert_geq(kit_examples(refuse_in_example), 12);
}
