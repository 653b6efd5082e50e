/* test_flush.c - every byte that publishing puts into code memory has been flushed since, where it
 * was written and where it is executed; and cores are synchronized where they may hold old code.
 *
 * Emulators, and machines with one cache for both, run unflushed code rightly, so the calls are
 * watched: the linker puts the functions below in the place of the library's (mk/tests.mk). */
#include "jit/engine.h"
#include "tests/support/jit_kit.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { FLUSHES = 256, SPACE = 256 << 10 };

typedef struct flushed { uint8_t *at, *bytes; size_t size; } flushed;

static bool watching;
static flushed flushes[FLUSHES]; /* bytes: as they were then */
static unsigned nflushes, nsyncs, flushes_at_sync;
static bool addresses_agree;
static jit_engine *engine;
static jit_ctx *ctx;

void __real_jit_os_code_flush(void *exec, void *write, size_t size);
void __real_jit_os_code_sync_cores(void);
void __wrap_jit_os_code_flush(void *exec, void *write, size_t size);
void __wrap_jit_os_code_sync_cores(void);

void __wrap_jit_os_code_flush(void *exec, void *write, size_t size)
{
    __real_jit_os_code_flush(exec, write, size);
    if (!watching)
        return;
    cr_assert_lt(nflushes, FLUSHES);
    const os_code *os = &engine->mem.os;
    if ((uint8_t *)exec - os->exec != (uint8_t *)write - os->write)
        addresses_agree = false;
    flushed *f = &flushes[nflushes++];
    f->at = exec;
    f->size = size;
    f->bytes = malloc(size);
    memcpy(f->bytes, exec, size);
}

void __wrap_jit_os_code_sync_cores(void)
{
    __real_jit_os_code_sync_cores();
    if (!watching) /* other tests have threads */
        return;
    nsyncs++;
    flushes_at_sync = nflushes;
}

static void watch(jit_memory_provider provider)
{
    engine = kit_engine(NULL, SPACE, provider);
    ctx = jit_ctx_new(engine);
    cr_assert_not_null(ctx);
    kit_level(ctx, JIT_O1);
    nflushes = nsyncs = flushes_at_sync = 0;
    addresses_agree = watching = true;
}

static void forget_flushes(void)
{
    while (nflushes > 0)
        free(flushes[--nflushes].bytes);
}

static void end(void)
{
    watching = false;
    forget_flushes();
    jit_ctx_free(ctx);
    jit_engine_free(engine);
}

/* Whether some flush since held this byte as it is now. */
static bool is_flushed(const uint8_t *p)
{
    for (unsigned k = nflushes; k-- > 0;) {
        const flushed *f = &flushes[k];
        if (p >= f->at && p < f->at + f->size)
            return f->bytes[p - f->at] == *p;
    }
    return false;
}

static unsigned unflushed(const uint8_t *p, size_t n)
{
    unsigned count = 0;

    for (size_t k = 0; k < n; k++)
        count += !is_flushed(p + k);
    return count;
}

/* Constants of a pool, calls by name, addresses of functions, a table of jumps, a trap. */
static const char batch[] =
    "function %pool(f64) -> f64 {\nblock0(v0: f64):\n    v1 = f64const 0x1.921fb54442d18p1\n"
    "    v2 = fadd v0, v1\n    return v2\n}\n"
    "function %calls() -> i64 {\n    sig0 = (f64) -> f64\n    fn0 = %pool(f64) -> f64\n"
    "    fn1 = %labs(i64) -> i64\nblock0:\n    v0 = func_addr.i64 fn0\n    v1 = f64const 0.0\n"
    "    v2 = call_indirect sig0, v0(v1)\n    v3 = call fn0(v2)\n    v4 = call fn1(v0)\n"
    "    return v4\n}\n"
    "function %table(i32) -> i32 {\nblock0(v0: i32):\n"
    "    br_table v0, block1, [block2, block3, block2, block3]\n"
    "block1:\n    trap user1\nblock2:\n    return v0\nblock3:\n    v1 = iconst.i32 7\n"
    "    return v1\n}\n";

static size_t publish_batch(jit_code **codes)
{
    jit_module *m = kit_read(engine, batch);

    cr_assert_eq(jit_engine_define(engine, "labs", (void *)(uintptr_t)labs), JIT_OK);
    cr_assert_eq(kit_publish(engine, ctx, m, NULL, codes), JIT_OK);
    jit_module_free(m);
    return 3;
}

static void check_each_code(jit_memory_provider provider)
{
    jit_code *codes[3];

    watch(provider);
    for (unsigned round = 0; round < 3; round++) { /* the later ones over what was there before */
        size_t n = publish_batch(codes);
        for (size_t k = 0; k < n; k++)
            cr_expect_eq(unflushed(codes[k]->entry, codes[k]->size), 0, "code %zu", k);
        kit_free(codes, n);
        forget_flushes();
    }
    cr_expect(addresses_agree);
    end();
}

Test(flush, code_is_flushed_after_it_was_written)
{
    check_each_code(JIT_MEMORY_DUAL);
}

Test(flush, code_is_flushed_after_it_was_written_with_mprotect)
{
    check_each_code(JIT_MEMORY_MPROTECT);
}

/* Thunks and stubs are nobody's code, so all of the memory is looked at. */
Test(flush, whatever_changes_in_code_memory_is_flushed)
{
    static uint8_t before[SPACE];
    static const jit_abi_param f64[] = { JIT_F64 };
    const jit_signature sig = { JIT_CONV_SYSTEM_V, 1, 1, f64, f64 };
    jit_bits arg = kit_bits(0), result;
    jit_code *codes[3];
    unsigned changed = 0, missed = 0;

    watch(JIT_MEMORY_DUAL);
    forget_flushes();
    memcpy(before, engine->mem.os.exec, SPACE);
    size_t n = publish_batch(codes);
    cr_assert_not_null(jit_engine_lookup(engine, "pool")); /* makes a thunk */
    if (jit_engine_runs_here(engine))
        jit_invoke(engine, jit_code_entry(codes[0]), &sig, &arg, &result);
    for (size_t k = 0; k < SPACE; k++)
        if (engine->mem.os.exec[k] != before[k]) {
            changed++;
            missed += !is_flushed(engine->mem.os.exec + k);
        }
    cr_expect_gt(changed, 100);
    cr_expect_eq(missed, 0);
    cr_expect(addresses_agree);
    kit_free(codes, n);
    end();
}

Test(flush, cores_are_synchronized_once_a_batch_where_addresses_come_again)
{
    jit_code *codes[3];

    watch(JIT_MEMORY_MPROTECT); /* what was never executable is in no core */
    kit_free(codes, publish_batch(codes));
    cr_expect_eq(nsyncs, 0);
    kit_free(codes, publish_batch(codes));
    cr_expect_eq(nsyncs, 1);
    cr_expect_eq(flushes_at_sync, nflushes);
    end();
    watch(JIT_MEMORY_DUAL);
    kit_free(codes, publish_batch(codes));
    cr_expect_eq(nsyncs, OS_FETCHES_AHEAD ? 1 : 0);
    nsyncs = 0;
    kit_free(codes, publish_batch(codes));
    cr_expect_eq(nsyncs, 1);
    cr_expect_eq(flushes_at_sync, nflushes);
    end();
}

/* A thunk that is made by itself, where there was code before. */
Test(flush, cores_are_synchronized_for_a_thunk_that_is_made_late)
{
    jit_code *codes[3], *code;

    watch(JIT_MEMORY_DUAL);
    kit_free(codes, publish_batch(codes));
    jit_func *f = kit_constant(engine, "seven", 7);
    cr_assert_eq(jit_compile_function(ctx, f, &code), JIT_OK);
    nsyncs = 0;
    cr_assert_not_null(jit_engine_lookup(engine, "seven"));
    cr_expect_eq(nsyncs, 1);
    cr_expect_eq(flushes_at_sync, nflushes);
    jit_code_free(code);
    jit_func_free(f);
    end();
}

#if defined(__aarch64__)
/* What the compiler's run-time library is asked to flush: by the lines of CTR_EL0, both caches. */
static const char *cleared[2][2];
static unsigned ncleared;
void __real___clear_cache(void *begin, void *stop);
void __wrap___clear_cache(void *begin, void *stop);

void __wrap___clear_cache(void *begin, void *stop)
{
    __real___clear_cache(begin, stop);
    if (watching && ncleared < 2) {
        cleared[ncleared][0] = begin;
        cleared[ncleared++][1] = stop;
    }
}

Test(flush, both_addresses_are_cleaned_and_invalidated)
{
    static char exec[100], write[100];

    watching = true;
    ncleared = 0;
    __real_jit_os_code_flush(exec, write, sizeof exec);
    watching = false;
    cr_assert_eq(ncleared, 2);
    cr_expect(cleared[0][0] == write && cleared[0][1] == write + sizeof write); /* data first */
    cr_expect(cleared[1][0] == exec && cleared[1][1] == exec + sizeof exec);
}
#endif
