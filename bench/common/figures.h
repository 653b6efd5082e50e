/* figures.h - what is measured of one engine at one setting, and how it is printed. */
#ifndef BENCH_FIGURES_H
#define BENCH_FIGURES_H

#include <stddef.h>
#include <stdint.h>

enum { CLASSES = 6 }; /* of functions by their IR instructions: 10, 30, 100, 300, 1000, more */
extern const char *const class_names[CLASSES];
unsigned class_of(size_t insts);

typedef struct shape { /* of emitted instructions; counted in the bytes by `clpeer shares` */
    uint64_t insts, frame, moves, inner_insts, inner_loads;
} shape;

typedef struct figures {
    const char *engine;            /* "gantry" or "cranelift" */
    char setting[32];              /* "O0", "none+single_pass", ... */
    size_t functions, insts;       /* compiled; IR instructions as parsed */
    double ns_per_inst;            /* all functions' medians together */
    double bytes_per_inst;
    size_t peak;                   /* bytes of heap above the IR itself */
    size_t allocations;            /* in one pass with a warm context */
    shape shape;                   /* insts 0: unknown */
    size_t class_count[CLASSES];
    double class_ns[CLASSES];      /* mean of the functions' medians */
} figures;

/* One line of --tsv. */
void figures_tsv(const figures *f);
/* A table with a line for each of n figures, then one of times by size class. */
void figures_print(const figures *f, size_t n);

#endif
