/* count.c - instructions that kernels in CLIF execute on AArch64 at each level, beside
 * Cranelift's: both counted by the emulator of the command. */
#define _DEFAULT_SOURCE
#include "common/kernel.h"
#include "common/util.h"
#include "tools/gantry/emulate.h"

#include <glob.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LEVELS = 3, COLUMNS = 7, IMAGE = 1 << 20 };

static const char *const columns[COLUMNS] = { "O0",   "O1",   "O2", "none+single_pass",
                                              "none", "speed+single_pass", "speed" };
enum { O0, O1, O2, NONE_SINGLE_PASS, NONE, SPEED_SINGLE_PASS, SPEED };
static const jit_level levels[LEVELS] = { JIT_O0, JIT_O1, JIT_O2 };

/* Instructions of a call; 0, with a message, when it goes wrong. */
static double count(const kernel *k, emulator *m, jit_entry entry, const char *what)
{
    jit_bits results[MAX_VALUES];
    outcome out;

    memset(results, 0, sizeof results);
    out = tool_emulator_call(m, entry, k->sig, k->args, results);
    if (out.kind == OUT_RETURNED && kernel_is_right(k, results))
        return (double)tool_emulator_steps(m);
    fprintf(stderr, "%s: %s: %s\n", k->path, what, out.message[0] ? out.message : "wrong result");
    return 0;
}

static double count_level(const kernel *k, emulator *m, unsigned column)
{
    kernel_code c = kernel_compile(k, levels[column], columns[column]);
    double n = c.entry ? count(k, m, c.entry, columns[column]) : 0;

    kernel_code_free(&c);
    tool_emulator_forget(m);
    return n;
}

/* Cranelift's code, linked for where it will stand; `at` is so large that all examples fit. */
static bool load_image(const kernel *k, uint8_t *at, const char *setting, size_t *entry)
{
    char *peer = bench_clpeer(), *command, *text, *end = NULL, base[32];
    size_t size = 0, bytes = 0;
    bool good = false;

    if (!peer)
        return false;
    snprintf(base, sizeof base, "%llu", (unsigned long long)(uintptr_t)at);
    command = bench_quote(bench_quote(bench_quote(NULL, peer), "image"), "--settings");
    command = bench_quote(bench_quote(bench_quote(command, setting), "--base"), base);
    command = bench_quote(command, k->path);
    text = bench_output(command, &size);
    if (text && (end = memchr(text, '\n', size)) != NULL
        && sscanf(text, "%zu %zu", entry, &bytes) == 2 && bytes <= IMAGE
        && bytes == size - (size_t)(end + 1 - text)) {
        memcpy(at, end + 1, bytes);
        good = true;
    }
    free(text);
    free(command);
    free(peer);
    return good;
}

static double count_peer(const kernel *k, emulator *m, unsigned column)
{
    uint8_t *at = mmap(NULL, IMAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t offset;
    jit_entry entry;
    double n = 0;

    if (at == MAP_FAILED || !load_image(k, at, columns[column], &offset)
        || !tool_emulator_share_code(m, at, IMAGE))
        return 0; /* the emulator's, until it goes */
    uint8_t *start = at + offset;
    memcpy(&entry, &start, sizeof entry);
    n = count(k, m, entry, columns[column]);
    return n;
}

/* Geometric mean and worst of the ratios of two columns. */
typedef struct ratio {
    unsigned over, under;
    double log_sum, worst;
    unsigned n;
} ratio;

static void ratio_add(ratio *r, const double n[COLUMNS])
{
    if (!(n[r->over] > 0) || !(n[r->under] > 0))
        return;
    double q = n[r->over] / n[r->under];
    r->log_sum += log(q);
    r->worst = q > r->worst ? q : r->worst;
    r->n++;
}

static void measure(const char *path, ratio *ratios, size_t nratios)
{
    jit_engine_settings s = { .size = sizeof s, .arch = JIT_ARCH_AARCH64 };
    jit_engine *e = jit_engine_new(&s);
    const char *slash = strrchr(path, '/');
    double n[COLUMNS] = { 0 }, unit;
    char why[128] = "no engine";
    emulator *m = e ? tool_emulator_new(e, why, sizeof why) : NULL;
    kernel k;

    if (!m)
        bench_die("%s", why);
    if (kernel_load(&k, e, path)) {
        for (unsigned c = 0; c < COLUMNS; c++)
            n[c] = c < LEVELS ? count_level(&k, m, c) : count_peer(&k, m, c);
        jit_module_free(k.module);
        unit = n[SPEED] > 0 ? n[SPEED] : n[O1];
        printf("%-24s%14.0f", slash ? slash + 1 : path, unit);
        for (unsigned c = 0; c < COLUMNS; c++)
            if (n[c] > 0 && unit > 0)
                printf("%19.2f", n[c] / unit);
            else
                printf("%19s", "-");
        printf("\n");
        fflush(stdout);
        for (size_t r = 0; r < nratios; r++)
            ratio_add(&ratios[r], n);
    }
    tool_emulator_free(m);
    jit_engine_free(e);
}

int main(int argc, char **argv)
{
    ratio ratios[] = { { .over = O0, .under = NONE_SINGLE_PASS },
                       { .over = O1, .under = NONE },
                       { .over = O1, .under = SPEED },
                       { .over = O2, .under = SPEED } };
    size_t nratios = sizeof ratios / sizeof *ratios;
    glob_t found = { 0 };

    bench_set_program(argv[0]);
    if (!tool_emulates(JIT_ARCH_AARCH64)) {
        printf("this build has no emulator, so nothing is counted\n");
        return 0;
    }
    if (argc < 2) {
        char *pattern = bench_project_file("examples/clif/*.clif");

        glob(pattern, 0, NULL, &found);
        free(pattern);
    }
    printf("instructions executed on aarch64, in multiples of Cranelift's `speed`\n%-24s%14s",
           "file", "1.00 is");
    for (unsigned c = 0; c < COLUMNS; c++)
        printf("%19s", columns[c]);
    printf("\n");
    for (int k = 1; k < argc; k++)
        measure(argv[k], ratios, nratios);
    for (size_t k = 0; k < found.gl_pathc; k++)
        measure(found.gl_pathv[k], ratios, nratios);
    globfree(&found);
    for (size_t r = 0; r < nratios; r++)
        if (ratios[r].n)
            printf("%s / %s: geometric mean %.2f, worst %.2f, of %u\n", columns[ratios[r].over],
                   columns[ratios[r].under], exp(ratios[r].log_sum / ratios[r].n), ratios[r].worst,
                   ratios[r].n);
    return 0;
}
