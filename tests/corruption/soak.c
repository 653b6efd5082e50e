/* soak.c - small functions compiled and freed again and again: memory stays as it is, whether codes
 * go in the order they came or in another.
 *
 *   corruption-soak [CYCLES]      200,000 by default; `make soak` asks for ten million. */
#define _GNU_SOURCE
#include "tests/support/fault_alloc.h"
#include "tests/support/graph.h"
#include "tests/support/jit_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ALIVE = 32, SHAPES = 6 };

static const char *const shapes[SHAPES] = {
    "function %constant() -> i32 {\nblock0:\n    v0 = iconst.i32 42\n    return v0\n}\n",
    "function %sum(i32) -> i32 {\nblock0(v0: i32):\n    v1 = iconst.i32 0\n"
    "    jump block1(v0, v1)\n"
    "block1(v2: i32, v3: i32):\n    v4 = iadd v3, v2\n    v5 = iconst.i32 -1\n"
    "    v6 = iadd v2, v5\n"
    "    brif v2, block1(v6, v4), block2\nblock2:\n    return v4\n}\n",
    "function %float(f64, f64) -> f64 {\nblock0(v0: f64, v1: f64):\n    v2 = f64const 0x1.8p3\n"
    "    v3 = fmul v0, v2\n    v4 = fadd v3, v1\n    v5 = sqrt v4\n    return v5\n}\n",
    "function %calls(i64) -> i64 {\n    fn0 = %calls(i64) -> i64\nblock0(v0: i64):\n"
    "    brif v0, block1, block2\nblock1:\n    v1 = iconst.i64 -1\n    v2 = iadd v0, v1\n"
    "    v3 = call fn0(v2)\n    return v3\nblock2:\n    return v0\n}\n",
    "function %slots(i64) -> i64 {\n    ss0 = explicit_slot 64\nblock0(v0: i64):\n"
    "    v1 = stack_addr.i64 ss0\n    store v0, v1+8\n    v2 = load.i32 v1+8\n"
    "    v3 = uextend.i64 v2\n    return v3\n}\n",
    "function %traps(i32, i32) -> i32 {\nblock0(v0: i32, v1: i32):\n    trapz v1, user3\n"
    "    v2 = udiv v0, v1\n    return v2\n}\n",
};

static jit_func *funcs[SHAPES];
static uint64_t seed = 1;

static size_t resident(void)
{
    long pages = 0, all;
    FILE *f = fopen("/proc/self/statm", "r");

    if (!f || fscanf(f, "%ld %ld", &all, &pages) != 2)
        pages = 0;
    if (f)
        fclose(f);
    return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

static bool fail(const char *what, const jit_ctx *c)
{
    printf("soak: %s: %s\n", what, jit_error_message(c));
    return false;
}

/* One function, now and then made anew as text; it takes the place of a random older one. */
static bool cycle(jit_engine *e, jit_ctx *c, jit_code **alive, size_t k)
{
    uint32_t shape = (uint32_t)(k % SHAPES), where = test_random(&seed) % ALIVE;
    jit_func *f = funcs[shape];
    jit_module *m = NULL;

    if (k % 64 == 0) {
        if (!(m = kit_read(e, shapes[shape])))
            return fail("cannot read", c);
        f = jit_module_function_at(m, 0);
    }
    if (k % 1024 == 0)
        kit_level(c, k / 1024 % 2 ? JIT_O1 : JIT_O0);
    jit_code_free(alive[where]);
    alive[where] = NULL;
    if (jit_compile_function(c, f, &alive[where]) != JIT_OK)
        return fail("cannot compile", c);
    if (shape == 0 && kit_call_i32(alive[where]) != 42)
        return fail("wrong result", c);
    jit_module_free(m);
    return true;
}

static bool soak(size_t cycles)
{
    fault_alloc host;
    jit_code *alive[ALIVE] = { NULL };
    jit_engine_stats before = { 0 }, after;
    size_t resident_before = 0, calls_before = 0;
    bool ok = true;

    fault_alloc_init(&host, 0);
    jit_engine *e = kit_engine(&host.host, 1 << 20, JIT_MEMORY_DEFAULT);
    jit_ctx *c = jit_ctx_new(e);
    jit_module *m[SHAPES];
    for (unsigned k = 0; k < SHAPES; k++) {
        m[k] = kit_read(e, shapes[k]);
        funcs[k] = jit_module_function_at(m[k], 0);
    }
    for (size_t k = 0; k < cycles && ok; k++) {
        if (k == 8192 || k == cycles / 2) { /* warm */
            jit_engine_get_stats(e, &before);
            resident_before = resident();
            calls_before = host.live;
        }
        ok = cycle(e, c, alive, k);
    }
    jit_engine_get_stats(e, &after);
    if (ok && after.host_bytes > before.host_bytes)
        ok = fail("bytes of the host grow", c);
    if (ok && host.live > calls_before)
        ok = fail("blocks of the host grow", c);
    if (ok && after.code_committed > before.code_committed + 8192)
        ok = fail("code memory grows", c);
    size_t now = resident();
    if (ok && !kit_short() && now > resident_before + (1 << 20)) /* sanitizers keep what is freed */
        ok = fail("the process grows", c);
    printf("%zu cycles: %zu bytes of the host, %zu of code, resident %zu, before %zu\n", cycles,
           after.host_bytes, after.code_used, now, resident_before);
    kit_free(alive, ALIVE);
    for (unsigned k = 0; k < SHAPES; k++)
        jit_module_free(m[k]);
    jit_ctx_free(c);
    jit_engine_free(e);
    if (ok && (host.live || host.wrong_size)) {
        printf("soak: %zu blocks leak\n", host.live);
        ok = false;
    }
    return ok;
}

int main(int argc, char **argv)
{
    size_t cycles = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    bool ok = soak(kit_short() && argc <= 1 ? cycles / 10 : cycles);

    printf("%d passed, %d failed, 0 skipped\n", ok, !ok);
    return !ok;
}
