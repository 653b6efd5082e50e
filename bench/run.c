/* run.c - run time of kernels in CLIF at each level, beside Cranelift and the same kernels in C,
 * which bench/kernels/FILE.c has in its function kernel() of the same signature. */
#define _XOPEN_SOURCE 700
#include "common/kernel.h"
#include "common/util.h"

#include <dlfcn.h>
#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { REPS = 5, ENOUGH_NS = 20000000, LEVELS = 3, COLUMNS = 9 };

static const char *const columns[COLUMNS] = { "O0",   "O1",    "O2", "none+single_pass",
                                              "none",        "speed+single_pass",
                                              "speed",       "gcc -O0", "gcc -O2" };
enum { O0, O1, O2, NONE_SINGLE_PASS, NONE, SPEED_SINGLE_PASS, SPEED, GCC_O0, GCC_O2 };

/* ---- Timing ---- */

static uint64_t time_calls(const kernel *k, jit_entry entry, uint64_t calls, bool *right)
{
    uint64_t start = bench_now(), ns;
    jit_bits results[MAX_VALUES];
    jit_call_result r = { .status = JIT_OK };

    for (uint64_t i = 0; i < calls && r.status == JIT_OK && r.trap == JIT_TRAP_NONE; i++)
        r = jit_invoke(k->engine, entry, k->sig, k->args, results);
    ns = bench_now() - start;
    *right = r.status == JIT_OK && r.trap == JIT_TRAP_NONE && kernel_is_right(k, results);
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
    kernel_code c = kernel_compile(k, level, what);
    double ns = c.entry ? time_entry(k, c.entry, what) : 0;

    kernel_code_free(&c);
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

    if (!kernel_load(&k, e, path))
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
