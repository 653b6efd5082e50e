/* compile.c - what compiling real CLIF costs, level by level, beside Cranelift in the same run:
 * for the host, then for the other machine. */
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
    "  --host          for the host only\n"
    "  --loop N        compiles all N times and measures nothing: for a profiler\n";

enum { MAX_LEVELS = 4 };

typedef struct options {
    bool tsv, cranelift, host_only;
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
        else if (strcmp(argv[k], "--host") == 0)
            o.host_only = true;
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

/* What one machine comes to. */
typedef struct machine {
    corpus c;
    figures f[MAX_LEVELS + PEER_SETTINGS];
    size_t n;
} machine;

static void measure(machine *m, jit_arch arch, const options *o)
{
    figures peer[PEER_SETTINGS];
    size_t npeer = 0;

    m->n = 0;
    corpus_load(&m->c, arch, o->files, o->nfiles, o->reps);
    corpus_keep_compilable(&m->c, o->levels, o->nlevels);
    if (o->cranelift && m->c.n > 0) /* first, since it may refuse functions */
        npeer = peer_compile(&m->c, o->reps, 0, NULL, peer);
    for (size_t k = 0; m->c.n > 0 && k < o->nlevels; k++)
        m->f[m->n++] = corpus_measure(&m->c, o->levels[k], o->reps);
    for (size_t k = 0; k < npeer; k++)
        m->f[m->n++] = peer[k];
}

/* One of our levels for the other machine beside the host's, and beside Cranelift's code for it. */
static void print_beside(const machine *host, const machine *other, const char *level,
                         const char *setting)
{
    const figures *here = find(host->f, host->n, level), *there = find(other->f, other->n, level);
    const figures *theirs = find(other->f, other->n, setting);

    if (!here || !there || !(here->ns_per_inst > 0))
        return;
    printf("%s takes %.2f of the host's time (to reach: 1.2)", level,
           there->ns_per_inst / here->ns_per_inst);
    if (theirs && theirs->bytes_per_inst > 0)
        printf(", with %.2f of the code of %s (to reach: 1.0)",
               there->bytes_per_inst / theirs->bytes_per_inst, setting);
    printf("\n");
}

static void print_other(const machine *host, const machine *other)
{
    printf("\nfor %s: %zu functions, %zu instructions\n",
           other->c.arch == JIT_ARCH_AARCH64 ? "aarch64" : "x86_64", other->c.n,
           corpus_insts(&other->c));
    corpus_print_skips(&other->c);
    figures_print(other->f, other->n);
    print_beside(host, other, "O0", "none+single_pass");
    print_beside(host, other, "O1", "none");
    print_beside(host, other, "O2", "speed");
}

static void print_tsv(machine *m, bool other)
{
    bool a64 = m->c.arch == JIT_ARCH_AARCH64;

    for (size_t k = 0; k < m->n; k++) {
        bool ours = strcmp(m->f[k].engine, "gantry") == 0;
        if (other)
            m->f[k].engine = ours ? a64 ? "gantry-aarch64" : "gantry-x86_64"
                                  : a64 ? "cranelift-aarch64" : "cranelift-x86_64";
        figures_tsv(&m->f[k]);
    }
}

static void loop(const options *o)
{
    corpus c;

    corpus_load(&c, JIT_ARCH_HOST, o->files, o->nfiles, 1);
    corpus_keep_compilable(&c, o->levels, o->nlevels);
    for (size_t k = 0; k < o->nlevels; k++)
        corpus_loop(&c, o->levels[k], o->loop);
    corpus_free(&c);
}

int main(int argc, char **argv)
{
    options o = read_options(argc, argv);
    static machine host, other;
    bool good = true;

    bench_set_program(argv[0]);
    if (o.loop) {
        loop(&o);
    } else {
        measure(&host, JIT_ARCH_HOST, &o);
        if (!o.host_only)
            measure(&other,
                    host.c.arch == JIT_ARCH_X86_64 ? JIT_ARCH_AARCH64 : JIT_ARCH_X86_64, &o);
        if (o.tsv)
            print_tsv(&host, false);
        else
            print(&host.c, &o, host.f, host.n);
        if (o.tsv)
            print_tsv(&other, true);
        else if (other.n > 0)
            print_other(&host, &other);
        good = host.n > 0;
        corpus_free(&host.c);
        if (!o.host_only)
            corpus_free(&other.c);
    }
    for (int k = 0; k < DEFAULT_FILES; k++)
        free(default_files[k]);
    return good ? 0 : 1;
}
