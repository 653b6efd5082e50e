/* test_threads.c - many threads on one engine: the same bytes as from one thread, and code of each
 * thread's own that is published, run and freed while the others do so, too. Runs under TSan. */
#define _DEFAULT_SOURCE
#include <signal.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <gantry/jit.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, MODULES_MAX = 64, ROUNDS = 50 };

/* ---- The same bytes ---- */

static jit_module *modules[MODULES_MAX];
static size_t nmodules;

static jit_module *read_module(jit_engine *e, const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "rb");
    jit_module *m = NULL;

    cr_assert_not_null(file, "%s", path);
    size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    cr_assert_eq(jit_module_read(e, text, n, &m, NULL, NULL), JIT_OK, "%s", path);
    return m;
}

static int is_clif(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');

    return dot && strcmp(dot, ".clif") == 0;
}

static void read_examples(jit_engine *e)
{
    struct dirent **entries;
    int n = scandir("examples/clif", &entries, is_clif, alphasort);

    cr_assert_gt(n, 0, "run me from the root of the project");
    nmodules = 0;
    for (int k = 0; k < n; k++) {
        char path[512];
        snprintf(path, sizeof path, "examples/clif/%s", entries[k]->d_name);
        if (nmodules < MODULES_MAX)
            modules[nmodules++] = read_module(e, path);
        free(entries[k]);
    }
    free(entries);
}

/* FNV-1a over sizes, bytes and relocations. */
static uint64_t add_bytes(uint64_t hash, const void *bytes, size_t n)
{
    for (size_t k = 0; k < n; k++)
        hash = (hash ^ ((const uint8_t *)bytes)[k]) * 0x100000001b3;
    return hash;
}

static uint64_t add_unit(uint64_t hash, const jit_unit *unit)
{
    size_t n;
    const uint8_t *bytes = jit_unit_bytes(unit, &n);

    hash = add_bytes(add_bytes(hash, &n, sizeof n), bytes, n);
    for (size_t k = 0; k < jit_unit_reloc_count(unit); k++) {
        jit_reloc_info r = jit_unit_reloc(unit, k);
        hash = add_bytes(hash, &r.offset, sizeof r.offset);
        hash = add_bytes(hash, &r.addend, sizeof r.addend);
        hash = add_bytes(hash, r.kind, strlen(r.kind));
        hash = add_bytes(hash, r.name, strlen(r.name));
    }
    return hash;
}

typedef struct {
    jit_engine *engine;
    unsigned id;
    uint64_t hash; /* of all code */
    unsigned compiled, failed;
} worker;

static void compile_all(worker *w, jit_level level)
{
    jit_ctx *ctx = jit_ctx_new(w->engine);
    jit_settings settings = { .size = sizeof settings, .level = level };

    for (size_t k = 0; k < nmodules; k++) {
        for (size_t i = 0; i < jit_module_function_count(modules[k]); i++) {
            jit_unit *unit;
            const jit_func *f = jit_module_function_at(modules[k], i);
            if (jit_compile_unit(ctx, f, &settings, &unit) != JIT_OK) {
                w->failed++;
                continue;
            }
            w->hash = add_unit(w->hash, unit);
            w->compiled++;
            jit_unit_free(unit);
        }
    }
    jit_ctx_free(ctx);
}

static void *compile_examples(void *argument)
{
    worker *w = argument;

    w->hash = 0xcbf29ce484222325;
    compile_all(w, JIT_O0);
    compile_all(w, JIT_O1);
    return NULL;
}

static void run_threads(jit_engine *e, worker *workers, void *(*body)(void *))
{
    pthread_t threads[THREADS];

    for (unsigned k = 0; k < THREADS; k++) {
        workers[k] = (worker){ .engine = e, .id = k };
        cr_assert_eq(pthread_create(&threads[k], NULL, body, &workers[k]), 0);
    }
    for (unsigned k = 0; k < THREADS; k++)
        pthread_join(threads[k], NULL);
}

Test(threads_compile, eight_threads_make_of_the_same_functions_what_one_makes)
{
    jit_engine *e = jit_engine_new(NULL);
    worker alone = { .engine = e }, workers[THREADS];

    read_examples(e);
    run_threads(e, workers, compile_examples); /* first, so that they meet functions not verified */
    compile_examples(&alone);
    cr_expect_eq(alone.failed, 0);
    cr_expect_gt(alone.compiled, 0);
    for (unsigned k = 0; k < THREADS; k++) {
        cr_expect_eq(workers[k].compiled, alone.compiled);
        cr_expect_eq(workers[k].hash, alone.hash, "thread %u", k);
    }
    for (size_t k = 0; k < nmodules; k++)
        jit_module_free(modules[k]);
    jit_engine_free(e);
}

/* ---- Code of each thread's own ---- */

static int64_t twice(int64_t x)
{
    return 2 * x;
}

/* int64_t f(int64_t n) { return twice(n) + k; } under a name that no other thread uses */
static jit_func *build(jit_engine *e, unsigned id, int64_t k)
{
    char name[32];
    snprintf(name, sizeof name, "f%u", id);
    jit_func *f = jit_func_new(e, name, JIT_SIG(JIT_I64, JIT_I64));
    jit_sigref sig = jit_sig_declare(f, JIT_SIG(JIT_I64, JIT_I64));
    jit_fnref callee = jit_callee_declare(f, "twice", sig, false);
    jit_builder *b = jit_build(f);
    jit_value n = jit_param(b, 0);
    jit_value doubled = jit_result(b, jit_call(b, callee, 1, &n), 0);

    jit_return(b, jit_iadd(b, doubled, jit_iconst(b, JIT_I64, k)));
    jit_build_end(b);
    return f;
}

static void *publish_and_run(void *argument)
{
    worker *w = argument;
    jit_ctx *ctx = jit_ctx_new(w->engine);

    for (int64_t k = 0; k < ROUNDS; k++) {
        jit_func *f = build(w->engine, w->id, k);
        jit_settings settings = { .size = sizeof settings, .level = k & 1 ? JIT_O1 : JIT_O0 };
        jit_code *code = NULL;

        jit_ctx_configure(ctx, &settings);
        if (jit_compile_function(ctx, f, &code) == JIT_OK) {
            int64_t (*run)(int64_t) = (int64_t (*)(int64_t))jit_code_entry(code);
            for (int64_t n = 0; n < 100; n++)
                w->failed += run(n) != 2 * n + k;
            w->failed += jit_engine_code_at(w->engine, (void *)(uintptr_t)run) != code;
            w->compiled++;
        }
        jit_code_free(code);
        jit_func_free(f);
    }
    jit_ctx_free(ctx);
    return NULL;
}

Test(threads_publish, every_thread_runs_and_frees_code_of_its_own)
{
    jit_engine *e = jit_engine_new(NULL);
    worker workers[THREADS];
    jit_engine_stats stats;

    cr_assert_eq(jit_engine_define_function(e, "twice", JIT_FN(twice)), JIT_OK);
    run_threads(e, workers, publish_and_run);
    for (unsigned k = 0; k < THREADS; k++) {
        cr_expect_eq(workers[k].compiled, ROUNDS);
        cr_expect_eq(workers[k].failed, 0);
    }
    jit_engine_get_stats(e, &stats);
    cr_expect_eq(stats.codes, 0);
    jit_engine_free(e);
}

/* Each thread has an engine, and all share nothing. */
static void *own_engine(void *argument)
{
    worker *w = argument;
    worker mine = *w;

    mine.engine = jit_engine_new(NULL);
    jit_engine_define_function(mine.engine, "twice", JIT_FN(twice));
    publish_and_run(&mine);
    jit_engine_free(mine.engine);
    w->compiled = mine.compiled;
    w->failed = mine.failed;
    return NULL;
}

Test(threads_publish, engines_of_different_threads_do_not_meet)
{
    worker workers[THREADS];

    run_threads(NULL, workers, own_engine);
    for (unsigned k = 0; k < THREADS; k++) {
        cr_expect_eq(workers[k].compiled, ROUNDS);
        cr_expect_eq(workers[k].failed, 0);
    }
}
