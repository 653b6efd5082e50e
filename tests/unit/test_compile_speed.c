/* test_compile_speed.c - what makes compiling fast and can be counted: once a context has compiled a
 * function, doing so again asks the host for no memory, at any level. */
#include <criterion/criterion.h>
#include <gantry/jit.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t calls; /* of the host's allocator */

static void *count_alloc(void *user, size_t size)
{
    (void)user;
    calls++;
    return malloc(size);
}

static void count_free(void *user, void *memory, size_t size)
{
    (void)user;
    (void)size;
    calls++;
    free(memory);
}

static const jit_allocator host = { count_alloc, count_free, NULL };

/* A loop around n instructions, some of which divide, load, store and call. */
static char *loop_text(unsigned n)
{
    size_t size = 400 + 200 * (size_t)n;
    char *text = malloc(size);
    int at = snprintf(text, size,
                      "function %%f(i64, i64) -> i64 system_v {\n"
                      "    sig0 = (i64, f64) -> i64 system_v\n"
                      "    fn0 = %%g sig0\n"
                      "block0(v0: i64, v1: i64):\n"
                      "    jump block1(v0)\n"
                      "block1(v2: i64):\n");
    unsigned v = 2;

    for (unsigned k = 0; k < n; k++, v += 4)
        at += snprintf(text + at, size - (size_t)at,
                       "    v%u = load.i64 notrap v1+%u\n"
                       "    v%u = udiv v%u, v%u\n"
                       "    v%u = fcvt_from_sint.f64 v%u\n"
                       "    v%u = call fn0(v%u, v%u)\n"
                       "    store notrap v%u, v1+%u\n",
                       v + 1, 8 * k, v + 2, v + 1, v, v + 3, v + 2, v + 4, v + 2, v + 3, v + 4,
                       8 * k);
    snprintf(text + at, size - (size_t)at,
             "    brif v%u, block1(v%u), block2\n"
             "block2:\n"
             "    return v%u\n"
             "}\n",
             v, v, v);
    return text;
}

static void compile_twice(jit_level level, unsigned n, unsigned checks)
{
    jit_engine_settings es = { .size = sizeof es, .allocator = &host };
    jit_settings s = { .size = sizeof s, .level = level, .checks = checks };
    char *text = loop_text(n);
    jit_engine *e = jit_engine_new(&es);
    jit_ctx *c = jit_ctx_new(e);
    jit_module *m = NULL;
    jit_unit *u = NULL;

    cr_assert_eq(jit_module_read(e, text, strlen(text), &m, NULL, NULL), JIT_OK);
    const jit_func *f = jit_module_function_at(m, 0);
    cr_assert_eq(jit_compile_unit(c, f, &s, &u), JIT_OK, "%s", jit_error_message(c));
    jit_unit_free(u);
    size_t before = calls;
    cr_assert_eq(jit_compile_unit(c, f, &s, &u), JIT_OK, "%s", jit_error_message(c));
    cr_expect_eq(calls, before, "level %d, %u parts: %zu calls of the host's allocator", (int)level, n,
                 calls - before);
    jit_unit_free(u);
    jit_module_free(m);
    jit_ctx_free(c);
    jit_engine_free(e);
    free(text);
}

Test(compile_speed, a_second_compile_asks_the_host_for_no_memory)
{
    static const unsigned sizes[] = { 1, 10, 100, 1000 };

    for (unsigned k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        compile_twice(JIT_O0, sizes[k], 0);
        compile_twice(JIT_O1, sizes[k], 0);
    }
}

Test(compile_speed, nor_does_one_whose_allocation_is_checked)
{
    compile_twice(JIT_O0, 100, JIT_CHECK_REGALLOC);
    compile_twice(JIT_O1, 100, JIT_CHECK_REGALLOC);
}
