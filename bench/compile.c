/* compile.c - what compiling real CLIF costs, level by level, beside Cranelift in the same run. */
#include "common/corpus.h"
#include "common/peer.h"
#include "common/util.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: compile [options] [FILE...]     (default: the files of bench/data)\n"
    "  --tsv           engine, setting, functions, instructions, ns and bytes per instruction,\n"
    "                  peak heap bytes\n"
    "  --levels 0,1    of Gantry\n"
    "  --reps N        passes of which the median counts (5)\n"
    "  --no-cranelift  without the peer\n"
    "  --loop N        compiles all N times and measures nothing: for a profiler\n";

enum { MAX_LEVELS = 4 };

typedef struct options {
    bool tsv, cranelift;
    unsigned reps, loop;
    jit_level levels[MAX_LEVELS];
    size_t nlevels;
    char **files;
    size_t nfiles;
} options;

enum { DEFAULT_FILES = 3 };
static const char *const data[DEFAULT_FILES] = { "bench/data/gemm.clif.xz",
                                                 "bench/data/interp.clif.xz",
                                                 "bench/data/sha.clif.xz" };
static char *default_files[DEFAULT_FILES];

static void read_levels(options *o, const char *text)
{
    o->nlevels = 0;
    for (; *text; text++)
        if (*text >= '0' && *text <= '3' && o->nlevels < MAX_LEVELS)
            o->levels[o->nlevels++] = (jit_level)(JIT_O0 + (*text - '0'));
}

static options read_options(int argc, char **argv)
{
    options o = { .cranelift = true, .reps = 5, .levels = { JIT_O0, JIT_O1 }, .nlevels = 2 };
    int k = 1;

    for (; k < argc && argv[k][0] == '-'; k++)
        if (strcmp(argv[k], "--tsv") == 0)
            o.tsv = true;
        else if (strcmp(argv[k], "--no-cranelift") == 0)
            o.cranelift = false;
        else if (strcmp(argv[k], "--levels") == 0 && k + 1 < argc)
            read_levels(&o, argv[++k]);
        else if (strcmp(argv[k], "--reps") == 0 && k + 1 < argc)
            o.reps = (unsigned)strtoul(argv[++k], NULL, 10);
        else if (strcmp(argv[k], "--loop") == 0 && k + 1 < argc)
            o.loop = (unsigned)strtoul(argv[++k], NULL, 10);
        else
            bench_die("%s", usage);
    if (o.reps == 0 || o.reps > 1000 || o.nlevels == 0)
        bench_die("%s", usage);
    o.files = k < argc ? argv + k : default_files;
    o.nfiles = k < argc ? (size_t)(argc - k) : DEFAULT_FILES;
    for (int i = 0; k == argc && i < DEFAULT_FILES; i++)
        default_files[i] = bench_project_file(data[i]);
    return o;
}

static const figures *find(const figures *f, size_t n, const char *setting)
{
    for (size_t k = 0; k < n; k++)
        if (strcmp(f[k].setting, setting) == 0)
            return &f[k];
    return NULL;
}

/* One of our levels against the setting of Cranelift's that it has to beat by `times`. */
static void print_pair(const figures *f, size_t n, const char *level, const char *setting,
                       double times)
{
    const figures *ours = find(f, n, level), *theirs = find(f, n, setting);

    if (!ours || !theirs || !(ours->ns_per_inst > 0) || !theirs->peak)
        return;
    printf("%s compiles %.1f times as fast as %s (to reach: %.0f), with %.2f of its code and "
           "%.2f of its peak heap (1/3)\n",
           level, theirs->ns_per_inst / ours->ns_per_inst, setting, times,
           ours->bytes_per_inst / theirs->bytes_per_inst,
           (double)ours->peak / (double)theirs->peak);
}

static void print(const corpus *c, const options *o, const figures *f, size_t n)
{
    printf("%zu functions of %zu files, %zu instructions, medians of %u\n", c->n, c->nfiles,
           corpus_insts(c), o->reps);
    corpus_print_skips(c);
    printf("\n");
    figures_print(f, n);
    printf("\n");
    print_pair(f, n, "O0", "none+single_pass", 8);
    print_pair(f, n, "O1", "none", 5);
    printf("apart: reading %.1f ns, verifying %.1f ns an instruction\n", c->read_ns,
           c->verify_ns);
    for (size_t k = 0; k < o->nlevels; k++) {
        corpus_print_stages(c, o->levels[k]);
        corpus_print_publish(c, o->levels[k]);
        printf("functions whose second compile at O%d calls the host's allocator: %zu\n",
               (int)o->levels[k] - (int)JIT_O0, corpus_second_allocations(c, o->levels[k]));
    }
}

int main(int argc, char **argv)
{
    options o = read_options(argc, argv);
    figures f[MAX_LEVELS + PEER_SETTINGS], peer[PEER_SETTINGS];
    corpus c;
    size_t n = 0, npeer = 0;

    bench_set_program(argv[0]);
    corpus_load(&c, o.files, o.nfiles, o.loop ? 1 : o.reps);
    corpus_keep_compilable(&c, o.levels, o.nlevels);
    if (o.loop) {
        for (size_t k = 0; k < o.nlevels; k++)
            corpus_loop(&c, o.levels[k], o.loop);
        corpus_free(&c);
        return 0;
    }
    if (o.cranelift && c.n > 0) /* first, since it may refuse functions */
        npeer = peer_compile(&c, o.reps, 0, NULL, peer);
    for (size_t k = 0; c.n > 0 && k < o.nlevels; k++)
        f[n++] = corpus_measure(&c, o.levels[k], o.reps);
    for (size_t k = 0; k < npeer; k++)
        f[n++] = peer[k];
    if (o.tsv)
        for (size_t k = 0; k < n; k++)
            figures_tsv(&f[k]);
    else
        print(&c, &o, f, n);
    corpus_free(&c);
    for (int k = 0; k < DEFAULT_FILES; k++)
        free(default_files[k]);
    return n > 0 ? 0 : 1;
}
