/* scale.c - how compile time grows with the size of a function, shape by shape (bench/gen.c). */
#include "common/corpus.h"
#include "common/peer.h"
#include "common/util.h"

#include <stdlib.h>
#include <string.h>

static const char usage[] = "usage: scale [--seconds N] [--reps N] [--no-cranelift] [SHAPE...]\n"
                            "  --seconds  for each function that Cranelift compiles (10)\n";

static const char *const shapes[] = { "block", "diamonds", "nested", "loops",
                                      "live",  "table",    "calls" };
static const unsigned sizes[] = { 1000, 4000, 16000, 64000 };
enum {
    SHAPES = sizeof shapes / sizeof *shapes,
    SIZES = sizeof sizes / sizeof *sizes,
    COLUMNS = 4, /* O0, O1, none+single_pass, none */
};
static const double most_growth = 5; /* for four times the size */
static const char *const columns[COLUMNS] = { "O0", "O1", "none+single_pass", "none" };

typedef struct options {
    unsigned seconds, reps;
    bool cranelift;
    char **shapes; /* NULL: all */
    size_t nshapes;
} options;

static options read_options(int argc, char **argv)
{
    options o = { .seconds = 10, .reps = 5, .cranelift = true };
    int k = 1;

    for (; k < argc && argv[k][0] == '-'; k++)
        if (strcmp(argv[k], "--no-cranelift") == 0)
            o.cranelift = false;
        else if (strcmp(argv[k], "--seconds") == 0 && k + 1 < argc)
            o.seconds = (unsigned)strtoul(argv[++k], NULL, 10);
        else if (strcmp(argv[k], "--reps") == 0 && k + 1 < argc)
            o.reps = (unsigned)strtoul(argv[++k], NULL, 10);
        else
            bench_die("%s", usage);
    if (o.reps == 0 || o.reps > 1000 || o.seconds == 0)
        bench_die("%s", usage);
    o.shapes = argv + k;
    o.nshapes = (size_t)(argc - k);
    return o;
}

static bool wanted(const options *o, const char *name)
{
    for (size_t k = 0; k < o->nshapes; k++)
        if (strcmp(o->shapes[k], name) == 0)
            return true;
    return o->nshapes == 0;
}

/* A file with the generated function; its name is to be removed and freed. */
static char *generate(const char *name, unsigned n)
{
    char *gen = bench_sibling("gen"), *command, *text, *path, number[16];
    size_t size;
    FILE *f;

    if (!gen)
        bench_die("no program gen beside this one");
    snprintf(number, sizeof number, "%u", n);
    command = bench_quote(bench_quote(bench_quote(NULL, gen), name), number);
    text = bench_output(command, &size);
    if (!text)
        bench_die("%s failed", command);
    f = bench_temporary(&path);
    fwrite(text, 1, size, f);
    fclose(f);
    free(text);
    free(command);
    free(gen);
    return path;
}

/* Whole ns of compiling one function of this shape and size in each column, 0: none. */
static void measure(const options *o, const char *name, unsigned n, double ns[COLUMNS])
{
    char *path = generate(name, n);
    figures peer[PEER_SETTINGS];
    size_t npeer;
    corpus c;

    for (unsigned k = 0; k < COLUMNS; k++)
        ns[k] = 0;
    for (unsigned k = 0; k < 2; k++) {
        jit_level level = k ? JIT_O1 : JIT_O0;
        figures f;

        corpus_load(&c, JIT_ARCH_HOST, &path, 1, 1);
        corpus_keep_compilable(&c, &level, 1);
        if (c.n > 0) {
            f = corpus_measure(&c, level, o->reps);
            ns[k] = f.ns_per_inst * (double)f.insts;
        } else {
            corpus_print_skips(&c);
        }
        corpus_free(&c);
    }
    corpus_load(&c, JIT_ARCH_HOST, &path, 1, 1);
    npeer = o->cranelift ? peer_compile(&c, 1, o->seconds, "none+single_pass,none", peer) : 0;
    for (size_t k = 0; k < npeer; k++)
        for (unsigned column = 2; column < COLUMNS; column++)
            if (strcmp(peer[k].setting, columns[column]) == 0)
                ns[column] = peer[k].ns_per_inst * (double)peer[k].insts;
    corpus_free(&c);
    remove(path);
    free(path);
}

/* Prints one line; returns how many of Gantry's columns grew too much since the line before. */
static unsigned print_row(const char *name, unsigned n, const double ns[COLUMNS],
                          const double before[COLUMNS])
{
    unsigned faults = 0;

    printf("%-16s%8u", name, n);
    for (unsigned k = 0; k < COLUMNS; k++) {
        double growth = before[k] > 0 ? ns[k] / before[k] : 0;

        if (ns[k] > 0)
            printf("%18.3f", ns[k] / 1e6);
        else
            printf("%18s", "-");
        if (growth > 0)
            printf(" x%4.1f", growth);
        else
            printf("      ");
        faults += k < 2 && growth > most_growth;
    }
    printf("\n");
    fflush(stdout);
    return faults;
}

int main(int argc, char **argv)
{
    options o = read_options(argc, argv);
    unsigned faults = 0;

    bench_set_program(argv[0]);
    printf("ms for one function, and how much more than for a quarter of its size\n");
    printf("%-16s%8s", "shape", "n");
    for (unsigned k = 0; k < COLUMNS; k++)
        printf("%18s      ", columns[k]);
    printf("\n");
    for (unsigned s = 0; s < SHAPES; s++) {
        double before[COLUMNS] = { 0 }, ns[COLUMNS];

        for (unsigned z = 0; z < SIZES && wanted(&o, shapes[s]); z++) {
            measure(&o, shapes[s], sizes[z], ns);
            faults += print_row(shapes[s], sizes[z], ns, before);
            memcpy(before, ns, sizeof before);
        }
    }
    printf("%u of Gantry's steps cost more than %.0f times as much\n", faults, most_growth);
    return faults > 0;
}
