/* corpus.h - the functions of CLIF files, and what it costs Gantry to compile them. */
#ifndef BENCH_CORPUS_H
#define BENCH_CORPUS_H

#include "common/figures.h"
#include <gantry/jit.h>

typedef struct subject {
    jit_func *func;
    uint32_t file; /* index of corpus.paths */
    uint32_t line; /* of its `function`, its identity for clpeer */
    size_t insts;
} subject;

typedef struct skip { /* functions left out for one reason */
    char *reason;
    size_t count;
} skip;

typedef struct corpus {
    jit_engine *engine;
    jit_arch arch;
    char **paths;
    jit_module **modules;
    size_t nfiles, bytes;
    subject *at;
    size_t n;
    skip *skips;
    size_t nskips;
    double read_ns, verify_ns; /* per instruction, of the median reading */
} corpus;

/* Reads and verifies all files, to be compiled for a machine (the host with all it has, others
 * without any extension); ends the program when one cannot be read at all. */
void corpus_load(corpus *c, jit_arch arch, char **paths, size_t n, unsigned reps);
void corpus_free(corpus *c);
size_t corpus_insts(const corpus *c);

/* Takes out what does not compile at each of the n levels, with the reason. */
void corpus_keep_compilable(corpus *c, const jit_level *levels, size_t n);
void corpus_skip(corpus *c, size_t k, const char *reason); /* takes out subject k */
void corpus_sort_out(corpus *c);                           /* after all corpus_skip() */
void corpus_print_skips(const corpus *c);

/* Time, heap, code and shape of compiling all of c at a level. */
figures corpus_measure(const corpus *c, jit_level level, unsigned reps);
/* Compiles all of c n times, for a profiler. */
void corpus_loop(const corpus *c, jit_level level, unsigned n);
/* Share of each stage in percent, then the time of publishing in ns an instruction. */
void corpus_print_stages(const corpus *c, jit_level level);
void corpus_print_publish(const corpus *c, jit_level level);
/* How many functions called the host's allocator when they were compiled for the second time. */
size_t corpus_second_allocations(const corpus *c, jit_level level);

#endif
