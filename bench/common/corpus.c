/* corpus.c - the functions of CLIF files, and what it costs Gantry to compile them. */
#include "common/corpus.h"

#include "common/peer.h"
#include "common/util.h"
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---- */

static void count_reason(corpus *c, const char *reason)
{
    size_t n = strlen(reason) + 1;

    for (size_t k = 0; k < c->nskips; k++)
        if (strcmp(c->skips[k].reason, reason) == 0) {
            c->skips[k].count++;
            return;
        }
    c->skips = realloc(c->skips, (c->nskips + 1) * sizeof *c->skips);
    if (!c->skips)
        bench_die("out of memory");
    c->skips[c->nskips].reason = memcpy(bench_alloc(n), reason, n);
    c->skips[c->nskips++].count = 1;
}

typedef struct reading {
    corpus *c;
    const char *path;
} reading;

static void on_error(void *user, const jit_diagnostic *d)
{
    const reading *r = user;

    fprintf(stderr, "%s:%u: error: %s\n", r->path, (unsigned)d->line, d->text);
    count_reason(r->c, jit_status_name(d->status));
}

/* Reads text `reps` times, keeping the last; the median times go to *read_ns, *verify_ns. */
static jit_module *read_module(corpus *c, const char *path, unsigned reps, uint64_t *read_ns,
                               uint64_t *verify_ns)
{
    reading r = { c, path };
    jit_module *m = NULL;
    uint64_t *reads = bench_alloc(reps * sizeof *reads);
    uint64_t *verifies = bench_alloc(reps * sizeof *verifies);
    size_t size;
    char *text = bench_read(path, &size);

    for (unsigned k = 0; k < reps; k++) {
        uint64_t start = bench_now(), middle;
        jit_diagnostic_fn fn = k + 1 == reps ? on_error : NULL;

        jit_module_free(m);
        jit_module_read(c->engine, text, size, &m, fn, &r);
        middle = bench_now();
        if (!m)
            bench_die("%s: out of memory", path);
        for (size_t i = 0; i < jit_module_function_count(m); i++)
            jit_func_verify(jit_module_function_at(m, i), fn, &r);
        reads[k] = middle - start;
        verifies[k] = bench_now() - middle;
    }
    c->bytes += size;
    *read_ns += bench_median(reads, reps);
    *verify_ns += bench_median(verifies, reps);
    free(reads);
    free(verifies);
    free(text);
    return m;
}

void corpus_load(corpus *c, jit_arch arch, char **paths, size_t n, unsigned reps)
{
    jit_engine_settings settings = { .size = sizeof settings, .arch = arch, .host_features = true,
                                     .allocator = &bench_allocator };
    uint64_t read_ns = 0, verify_ns = 0;
    size_t total = 0, insts = 0;

    memset(c, 0, sizeof *c);
    c->engine = jit_engine_new(&settings);
    if (!c->engine)
        bench_die("no engine");
    c->arch = jit_engine_arch(c->engine);
    c->paths = paths;
    c->nfiles = n;
    c->modules = bench_alloc(n * sizeof *c->modules);
    for (size_t k = 0; k < n; k++) {
        c->modules[k] = read_module(c, paths[k], reps, &read_ns, &verify_ns);
        total += jit_module_function_count(c->modules[k]);
    }
    c->at = bench_alloc(total * sizeof *c->at);
    for (size_t k = 0; k < n; k++)
        for (size_t i = 0; i < jit_module_function_count(c->modules[k]); i++) {
            jit_func *f = jit_module_function_at(c->modules[k], i);
            subject s = { f, (uint32_t)k, jit_func_line(f), jit_func_inst_count(f) };

            insts += s.insts;
            if (jit_func_block_count(f) > 0 && jit_func_verify(f, NULL, NULL) == JIT_OK)
                c->at[c->n++] = s;
        }
    c->read_ns = (double)read_ns / (double)(insts ? insts : 1);
    c->verify_ns = (double)verify_ns / (double)(insts ? insts : 1);
}

void corpus_free(corpus *c)
{
    for (size_t k = 0; k < c->nfiles; k++)
        jit_module_free(c->modules[k]);
    for (size_t k = 0; k < c->nskips; k++)
        free(c->skips[k].reason);
    free(c->modules);
    free(c->at);
    free(c->skips);
    jit_engine_free(c->engine);
}

size_t corpus_insts(const corpus *c)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n; k++)
        n += c->at[k].insts;
    return n;
}

/* ---- Leaving out ---- */

void corpus_skip(corpus *c, size_t k, const char *reason)
{
    count_reason(c, reason);
    c->at[k].func = NULL;
}

void corpus_sort_out(corpus *c)
{
    size_t n = 0;

    for (size_t k = 0; k < c->n; k++)
        if (c->at[k].func)
            c->at[n++] = c->at[k];
    c->n = n;
}

static jit_settings settings_of(jit_level level)
{
    jit_settings s = { .size = sizeof s, .level = level, .no_verify = true };

    return s;
}

/* The part of a message that does not name the function, so that like reasons count together. */
static const char *reason_of(const char *message)
{
    const char *colon = strstr(message, ": ");

    return colon ? colon + 2 : message;
}

void corpus_keep_compilable(corpus *c, const jit_level *levels, size_t n)
{
    jit_ctx *ctx = jit_ctx_new(c->engine);

    for (size_t l = 0; ctx && l < n; l++) {
        jit_settings s = settings_of(levels[l]);

        for (size_t k = 0; k < c->n; k++) {
            jit_unit *unit = NULL;
            jit_status status;

            if (!c->at[k].func)
                continue;
            status = jit_compile_unit(ctx, c->at[k].func, &s, &unit);
            if (status != JIT_OK) {
                char reason[300];

                snprintf(reason, sizeof reason, "%s: %s", jit_status_name(status),
                         reason_of(jit_error_message(ctx)));
                corpus_skip(c, k, reason);
            }
            jit_unit_free(unit);
        }
    }
    jit_ctx_free(ctx);
    corpus_sort_out(c);
}

static int by_count(const void *a, const void *b)
{
    const skip *x = a, *y = b;

    return (x->count < y->count) - (x->count > y->count);
}

void corpus_print_skips(const corpus *c)
{
    size_t total = 0;

    qsort(c->skips, c->nskips, sizeof *c->skips, by_count);
    for (size_t k = 0; k < c->nskips; k++)
        total += c->skips[k].count;
    printf("%zu functions skipped%s\n", total, total ? ":" : "");
    for (size_t k = 0; k < c->nskips; k++)
        printf("%8zu  %s\n", c->skips[k].count, c->skips[k].reason);
}

/* ---- Measuring ---- */

static jit_unit *compile_one(jit_ctx *ctx, const subject *s, const jit_settings *settings)
{
    jit_unit *unit = NULL;

    if (jit_compile_unit(ctx, s->func, settings, &unit) != JIT_OK)
        bench_die("%s: %s", jit_func_name(s->func), jit_error_message(ctx));
    return unit;
}

static jit_ctx *new_ctx(const corpus *c)
{
    jit_ctx *ctx = jit_ctx_new(c->engine);

    if (!ctx)
        bench_die("no context");
    return ctx;
}

/* One pass over all functions; at[k * stride] gets the time of function k. */
static void time_pass(const corpus *c, jit_ctx *ctx, const jit_settings *s, uint64_t *at,
                      size_t stride)
{
    for (size_t k = 0; k < c->n; k++) {
        uint64_t start = bench_now();
        jit_unit *unit = compile_one(ctx, &c->at[k], s);

        at[k * stride] = bench_now() - start;
        jit_unit_free(unit);
    }
}

static void measure_time(const corpus *c, const jit_settings *s, unsigned reps, figures *f)
{
    jit_ctx *ctx = new_ctx(c);
    uint64_t *at = bench_alloc(c->n * reps * sizeof *at);
    double total = 0;

    time_pass(c, ctx, s, at, reps); /* warms up */
    for (unsigned r = 0; r < reps; r++)
        time_pass(c, ctx, s, at + r, reps);
    for (size_t k = 0; k < c->n; k++) {
        unsigned class = class_of(c->at[k].insts);
        double ns = (double)bench_median(at + k * reps, reps);

        f->class_count[class]++;
        f->class_ns[class] += ns;
        total += ns;
    }
    f->ns_per_inst = total / (double)(f->insts ? f->insts : 1);
    for (unsigned class = 0; class < CLASSES; class++)
        if (f->class_count[class])
            f->class_ns[class] /= (double)f->class_count[class];
    free(at);
    jit_ctx_free(ctx);
}

/* A new context, then a second pass over it for the number of allocations. */
static void measure_heap(const corpus *c, const jit_settings *s, figures *f)
{
    size_t before = bench_heap.live;
    jit_ctx *ctx;

    bench_heap.peak = before;
    ctx = new_ctx(c);
    for (size_t k = 0; k < c->n; k++)
        jit_unit_free(compile_one(ctx, &c->at[k], s));
    f->peak = bench_heap.peak - before;
    bench_heap.calls = 0;
    for (size_t k = 0; k < c->n; k++)
        jit_unit_free(compile_one(ctx, &c->at[k], s));
    f->allocations = bench_heap.calls;
    jit_ctx_free(ctx);
}

static void measure_code(const corpus *c, const jit_settings *s, figures *f)
{
    char *path;
    FILE *file = bench_temporary(&path);
    jit_ctx *ctx = new_ctx(c);
    size_t total = 0;

    for (size_t k = 0; k < c->n; k++) {
        jit_unit *unit = compile_one(ctx, &c->at[k], s);
        size_t n;
        const uint8_t *code = jit_unit_bytes(unit, &n);

        total += n;
        peer_put_code(file, code, n);
        jit_unit_free(unit);
    }
    f->bytes_per_inst = (double)total / (double)(f->insts ? f->insts : 1);
    jit_ctx_free(ctx);
    if (fclose(file) == 0 && c->arch == JIT_ARCH_X86_64)
        peer_shape(path, &f->shape);
    remove(path);
    free(path);
}

figures corpus_measure(const corpus *c, jit_level level, unsigned reps)
{
    jit_settings s = settings_of(level);
    figures f = { .engine = "gantry", .functions = c->n, .insts = corpus_insts(c) };

    snprintf(f.setting, sizeof f.setting, "O%d", (int)level - (int)JIT_O0);
    measure_time(c, &s, reps, &f);
    measure_heap(c, &s, &f);
    measure_code(c, &s, &f);
    return f;
}

void corpus_loop(const corpus *c, jit_level level, unsigned n)
{
    jit_settings s = settings_of(level);
    jit_ctx *ctx = new_ctx(c);

    for (unsigned r = 0; r < n; r++)
        for (size_t k = 0; k < c->n; k++)
            jit_unit_free(compile_one(ctx, &c->at[k], &s));
    jit_ctx_free(ctx);
}

void corpus_print_stages(const corpus *c, jit_level level)
{
    static const char *const names[] = { "analyse", "opt", "lower", "regalloc", "emit", "rest" };
    jit_settings s = settings_of(level);
    jit_ctx *ctx = new_ctx(c);
    uint64_t at[6] = { 0 }, total = 0;

    jit_ctx_time_stages(ctx, true);
    for (unsigned pass = 0; pass < 2; pass++) {
        memset(at, 0, sizeof at);
        total = 0;
        for (size_t k = 0; k < c->n; k++) {
            jit_stats t;

            jit_unit_free(compile_one(ctx, &c->at[k], &s));
            jit_ctx_get_stats(ctx, &t);
            at[0] += t.analyse_ns;
            at[1] += t.opt_ns;
            at[2] += t.lower_ns;
            at[3] += t.regalloc_ns;
            at[4] += t.emit_ns;
            total += t.total_ns;
        }
    }
    at[5] = total;
    for (unsigned k = 0; k < 5; k++)
        at[5] -= at[k] < at[5] ? at[k] : at[5];
    printf("O%d by stage:", (int)level - (int)JIT_O0);
    for (unsigned k = 0; k < 6; k++)
        printf("  %s %.1f %%", names[k], total ? 100.0 * (double)at[k] / (double)total : 0.0);
    printf("\n");
    jit_ctx_free(ctx);
}

size_t corpus_second_allocations(const corpus *c, jit_level level)
{
    jit_settings s = settings_of(level);
    jit_ctx *ctx = new_ctx(c);
    size_t n = 0;

    for (size_t k = 0; k < c->n; k++) {
        jit_unit_free(compile_one(ctx, &c->at[k], &s));
        bench_heap.calls = 0;
        jit_unit_free(compile_one(ctx, &c->at[k], &s));
        n += bench_heap.calls != 0;
    }
    jit_ctx_free(ctx);
    return n;
}

/* ---- Publishing ---- */

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void missing(void) {}

/* Gives every name that the units of one file refer to and nobody defines an address. */
static void define_missing(jit_engine *e, jit_unit *const *units, size_t n, const char **names)
{
    qsort(names, n, sizeof *names, by_name);
    for (size_t k = 0; k < n; k++)
        for (size_t r = 0; r < jit_unit_reloc_count(units[k]); r++) {
            const char *name = jit_unit_reloc(units[k], r).name;

            if (name && !bsearch(&name, names, n, sizeof *names, by_name)
                && !jit_engine_lookup(e, name))
                jit_engine_define_function(e, name, missing);
        }
}

/* Publishes the functions of one file at once; returns ns, or 0 with a message on failure. */
static uint64_t publish_file(const corpus *c, jit_ctx *ctx, uint32_t file, const jit_settings *s,
                             size_t *insts)
{
    jit_unit **units = bench_alloc(c->n * sizeof *units);
    jit_code **codes = bench_alloc(c->n * sizeof *codes);
    const char **names = bench_alloc(c->n * sizeof *names);
    uint64_t start, ns;
    size_t n = 0;
    jit_status status;

    for (size_t k = 0; k < c->n; k++)
        if (c->at[k].file == file) {
            names[n] = jit_func_name(c->at[k].func);
            units[n++] = compile_one(ctx, &c->at[k], s);
            *insts += c->at[k].insts;
        }
    define_missing(c->engine, units, n, names);
    start = bench_now();
    status = jit_publish(c->engine, ctx, units, n, codes);
    ns = bench_now() - start;
    if (status != JIT_OK) {
        fprintf(stderr, "%s: publish: %s\n", c->paths[file], jit_error_message(ctx));
        ns = 0;
    }
    for (size_t k = 0; k < n; k++) {
        if (status == JIT_OK)
            jit_code_free(codes[k]);
        jit_unit_free(units[k]);
    }
    free(units);
    free(codes);
    free(names);
    return ns;
}

void corpus_print_publish(const corpus *c, jit_level level)
{
    jit_settings s = settings_of(level);
    jit_ctx *ctx = new_ctx(c);
    uint64_t total = 0;
    size_t insts = 0;

    for (uint32_t file = 0; file < c->nfiles; file++) {
        uint64_t ns = publish_file(c, ctx, file, &s, &insts);

        if (!ns) {
            jit_ctx_free(ctx);
            return;
        }
        total += ns;
    }
    printf("publishing at O%d: %.1f ns an instruction\n", (int)level - (int)JIT_O0,
           (double)total / (double)(insts ? insts : 1));
    jit_ctx_free(ctx);
}
