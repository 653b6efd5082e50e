/* run.c - run time of kernels in CLIF at each level, beside Cranelift and the same kernels in C.
 *
 * A file's kernel is its function %bench, else %main, else the first with a run line, called with
 * the arguments of its first run line, whose result it must give. bench/kernels/FILE.c does the
 * same in its function kernel(), which has the same signature. */
#define _XOPEN_SOURCE 700
#include "common/util.h"

#include <dlfcn.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPS = 5, MAX_VALUES = 32, ENOUGH_NS = 20000000, LEVELS = 3, COLUMNS = 9 };

static const char *const columns[COLUMNS] = { "O0",   "O1",    "O2", "none+single_pass",
                                              "none",        "speed+single_pass",
                                              "speed",       "gcc -O0", "gcc -O2" };
enum { O0, O1, O2, NONE_SINGLE_PASS, NONE, SPEED_SINGLE_PASS, SPEED, GCC_O0, GCC_O2 };

typedef struct kernel {
    const char *path;
    jit_engine *engine;
    jit_module *module;
    jit_func *func;
    const jit_signature *sig;
    jit_bits args[MAX_VALUES], results[MAX_VALUES];
} kernel;

/* ---- Finding the kernel of a file ---- */

static void skip_blanks(const char **at, size_t *n, const char *more)
{
    while (*n > 0 && (**at == ' ' || strchr(more, **at))) {
        ++*at;
        --*n;
    }
}

static bool read_value(jit_abi_param p, const char **at, size_t *n, jit_bits *out)
{
    const char *error;

    skip_blanks(at, n, ",[");
    return jit_text_value(JIT_PARAM_TYPE(p), at, n, out->at, &error);
}

/* Reads `run: %name(ARGS) == RESULTS`. */
static bool read_run_line(kernel *k, const char *text)
{
    const char *at = strchr(text, '('), *equals = strstr(text, "==");
    size_t n;

    if (strncmp(text, "run:", 4) != 0 || !at || !equals || k->sig->nparams > MAX_VALUES
        || k->sig->nresults > MAX_VALUES)
        return false;
    at++;
    n = strlen(at);
    for (uint32_t i = 0; i < k->sig->nparams; i++)
        if (!read_value(k->sig->params[i], &at, &n, &k->args[i]))
            return false;
    at = equals + 2;
    n = strlen(at);
    for (uint32_t i = 0; i < k->sig->nresults; i++)
        if (!read_value(k->sig->results[i], &at, &n, &k->results[i]))
            return false;
    return true;
}

static unsigned rank(const jit_func *f)
{
    const char *name = jit_func_name(f);

    return strcmp(name, "%bench") == 0 ? 0 : strcmp(name, "%main") == 0 ? 1 : 2;
}

static bool is_run_line(jit_directive d)
{
    return d.kind == JIT_DIR_COMMENT && d.function != UINT32_MAX && strncmp(d.text, "run:", 4) == 0;
}

/* False, with a message, when the file has no kernel. */
static bool load(kernel *k, jit_engine *e, const char *path)
{
    size_t size;
    char *text = bench_read(path, &size);
    const char *line = NULL;
    jit_status status;

    memset(k, 0, sizeof *k);
    k->path = path;
    k->engine = e;
    status = jit_module_read(e, text, size, &k->module, NULL, NULL);
    free(text);
    for (size_t i = 0; status == JIT_OK && i < jit_module_directive_count(k->module); i++) {
        jit_directive d = jit_module_directive(k->module, i);

        if (is_run_line(d)) {
            jit_func *f = jit_module_function_at(k->module, d.function);

            if (!k->func || rank(f) < rank(k->func)) {
                k->func = f;
                line = d.text;
            }
        }
    }
    if (k->func) {
        k->sig = jit_func_signature(k->func);
        if (read_run_line(k, line))
            return true;
    }
    fprintf(stderr, "%s: %s\n", path,
            status == JIT_OK ? "no run line to time" : jit_status_name(status));
    jit_module_free(k->module);
    return false;
}

/* ---- Timing ---- */

static bool is_right(const kernel *k, const jit_bits *results)
{
    for (uint32_t i = 0; i < k->sig->nresults; i++) {
        unsigned n = jit_type_bytes(JIT_PARAM_TYPE(k->sig->results[i]));

        if (memcmp(results[i].at, k->results[i].at, n) != 0)
            return false;
    }
    return true;
}

static uint64_t time_calls(const kernel *k, jit_entry entry, uint64_t calls, bool *right)
{
    uint64_t start = bench_now(), ns;
    jit_bits results[MAX_VALUES];
    jit_call_result r = { .status = JIT_OK };

    for (uint64_t i = 0; i < calls && r.status == JIT_OK && r.trap == JIT_TRAP_NONE; i++)
        r = jit_invoke(k->engine, entry, k->sig, k->args, results);
    ns = bench_now() - start;
    *right = r.status == JIT_OK && r.trap == JIT_TRAP_NONE && is_right(k, results);
    return ns;
}

/* ns a call; 0, with a message, when the result is wrong. */
static double time_entry(const kernel *k, jit_entry entry, const char *what)
{
    uint64_t at[REPS], calls = 1;
    bool right;

    while (time_calls(k, entry, calls, &right) < ENOUGH_NS && right && calls < 1u << 30)
        calls *= 2;
    for (unsigned r = 0; r < REPS && right; r++)
        at[r] = time_calls(k, entry, calls, &right);
    if (right)
        return (double)bench_median(at, REPS) / (double)calls;
    fprintf(stderr, "%s: %s: wrong result\n", k->path, what);
    return 0;
}

static double time_level(const kernel *k, jit_level level, const char *what)
{
    size_t n = jit_module_function_count(k->module), at = 0;
    jit_settings s = { .size = sizeof s, .level = level };
    jit_ctx *ctx = jit_ctx_new(k->engine);
    jit_unit **units = bench_alloc(n * sizeof *units);
    jit_code **codes = bench_alloc(n * sizeof *codes);
    jit_status status = jit_publish_data(k->engine, ctx, k->module);
    double ns = 0;

    for (size_t i = 0; status == JIT_OK && i < n; i++) {
        const jit_func *f = jit_module_function_at(k->module, i);

        at = f == k->func ? i : at;
        status = jit_compile_unit(ctx, f, &s, &units[i]);
    }
    if (status == JIT_OK)
        status = jit_publish(k->engine, ctx, units, n, codes);
    if (status == JIT_OK)
        ns = time_entry(k, jit_code_entry(codes[at]), what);
    else
        fprintf(stderr, "%s: %s: %s\n", k->path, what, jit_error_message(ctx));
    for (size_t i = 0; i < n; i++) {
        jit_code_free(codes[i]);
        jit_unit_free(units[i]);
    }
    free(units);
    free(codes);
    jit_ctx_free(ctx);
    return ns;
}

/* The kernel in C: bench/kernels/FILE.c, compiled to kernels/FILE-O0.so beside this program. */
static double time_c(const kernel *k, const char *level, const char *what)
{
    const char *slash = strrchr(k->path, '/'), *base = slash ? slash + 1 : k->path;
    const char *dot = strchr(base, '.');
    char name[256], *path;
    void *library, *symbol;
    jit_entry entry;
    double ns = 0;

    snprintf(name, sizeof name, "kernels/%.*s-%s.so", (int)(dot ? dot - base : (long)strlen(base)),
             base, level);
    path = bench_sibling(name);
    library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    symbol = library ? dlsym(library, "kernel") : NULL;
    if (symbol) {
        memcpy(&entry, &symbol, sizeof entry);
        ns = time_entry(k, entry, what);
    }
    if (library)
        dlclose(library);
    free(path);
    return ns;
}

static void time_peer(const kernel *k, double ns[COLUMNS])
{
    char *peer = bench_clpeer(), *command, *text;
    size_t size;

    if (!peer)
        return;
    command = bench_quote(bench_quote(bench_quote(NULL, peer), "run"), "--tsv");
    command = bench_quote(command, k->path);
    text = bench_output(command, &size);
    for (char *line = text; line && *line; line = strchr(line, '\n') + 1) {
        char *setting = strchr(line, '\t'), *value = setting ? strchr(setting + 1, '\t') : NULL;

        for (unsigned c = NONE_SINGLE_PASS; value && c <= SPEED; c++)
            if (strlen(columns[c]) == (size_t)(value - setting - 1)
                && strncmp(columns[c], setting + 1, strlen(columns[c])) == 0)
                ns[c] = strtod(value + 1, NULL);
        if (!strchr(line, '\n'))
            break;
    }
    free(text);
    free(command);
    free(peer);
}

/* ---- The table ---- */

/* Geometric mean and worst of the ratios of two columns. */
typedef struct ratio {
    unsigned over, under;
    double log_sum, worst;
    unsigned n;
} ratio;

static void ratio_add(ratio *r, const double ns[COLUMNS])
{
    double q;

    if (!(ns[r->over] > 0) || !(ns[r->under] > 0))
        return;
    q = ns[r->over] / ns[r->under];
    r->log_sum += log(q);
    r->worst = q > r->worst ? q : r->worst;
    r->n++;
}

static void measure(jit_engine *e, const char *path, ratio *ratios, size_t nratios)
{
    const char *slash = strrchr(path, '/');
    double ns[COLUMNS] = { 0 }, unit;
    kernel k;

    if (!load(&k, e, path))
        return;
    ns[O0] = time_level(&k, JIT_O0, columns[O0]);
    ns[O1] = time_level(&k, JIT_O1, columns[O1]);
    ns[O2] = time_level(&k, JIT_O2, columns[O2]);
    time_peer(&k, ns);
    ns[GCC_O0] = time_c(&k, "O0", columns[GCC_O0]);
    ns[GCC_O2] = time_c(&k, "O2", columns[GCC_O2]);
    jit_module_free(k.module);
    unit = ns[GCC_O2] > 0 ? ns[GCC_O2] : ns[NONE] > 0 ? ns[NONE] : ns[O1];
    printf("%-24s%14.1f", slash ? slash + 1 : path, unit);
    for (unsigned c = 0; c < COLUMNS; c++)
        if (ns[c] > 0 && unit > 0)
            printf("%19.2f", ns[c] / unit);
        else
            printf("%19s", "-");
    printf("\n");
    fflush(stdout);
    for (size_t r = 0; r < nratios; r++)
        ratio_add(&ratios[r], ns);
}

int main(int argc, char **argv)
{
    ratio ratios[] = { { .over = O0, .under = NONE_SINGLE_PASS },
                       { .over = O1, .under = NONE },
                       { .over = O1, .under = SPEED },
                       { .over = O2, .under = SPEED },
                       { .over = O2, .under = O1 },
                       { .over = O0, .under = GCC_O0 },
                       { .over = O1, .under = GCC_O2 },
                       { .over = O2, .under = GCC_O2 } };
    size_t nratios = sizeof ratios / sizeof *ratios;
    jit_engine *e = jit_engine_new(NULL);
    glob_t found = { 0 };

    if (!e)
        bench_die("no engine");
    bench_set_program(argv[0]);
    if (argc < 2) {
        char *pattern = bench_project_file("examples/clif/*.clif");

        glob(pattern, 0, NULL, &found);
        free(pattern);
    }
    printf("multiples of gcc -O2 (of Cranelift's `none` where there is no kernel in C)\n%-24s%14s",
           "file", "1.00 is ns");
    for (unsigned c = 0; c < COLUMNS; c++)
        printf("%19s", columns[c]);
    printf("\n");
    for (int k = 1; k < argc; k++)
        measure(e, argv[k], ratios, nratios);
    for (size_t k = 0; k < found.gl_pathc; k++)
        measure(e, found.gl_pathv[k], ratios, nratios);
    globfree(&found);
    for (size_t r = 0; r < nratios; r++)
        if (ratios[r].n)
            printf("%s / %s: geometric mean %.2f, worst %.2f, of %u\n", columns[ratios[r].over],
                   columns[ratios[r].under], exp(ratios[r].log_sum / ratios[r].n), ratios[r].worst,
                   ratios[r].n);
    jit_engine_free(e);
    return 0;
}
