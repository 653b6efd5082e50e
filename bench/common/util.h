/* util.h - what every benchmark needs: a clock, medians, files, other programs, a counting heap. */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <gantry/jit.h>
#include <stdio.h>

uint64_t bench_now(void); /* ns, from a steady clock */

/* Sorts and returns the middle one; 0 for none. */
uint64_t bench_median(uint64_t *at, size_t n);

/* A file's text, terminated, to be freed; *.xz goes through `xz -dc`. Ends the program with a
 * message when that fails. */
char *bench_read(const char *path, size_t *size);
/* All that a shell command prints, likewise; NULL when it fails. */
char *bench_output(const char *command, size_t *size);
/* Appends `word` to a shell command in quotes, and a blank. The result is to be freed. */
char *bench_quote(char *command, const char *word);

/* A file of the project: below $BENCH_ROOT, or from where we are. To be freed. */
char *bench_project_file(const char *path);

/* Paths of programs: one that stands beside this one (gen), and clpeer: $CLPEER, or where
 * `make bench` builds it. NULL when there is no such file. To be freed. */
void bench_set_program(const char *argv0);
char *bench_sibling(const char *name);
char *bench_clpeer(void);

/* A new file to be written, whose name is to be removed and freed. Never NULL. */
FILE *bench_temporary(char **name);

void *bench_alloc(size_t n); /* zeroed; ends the program when there is no memory */
_Noreturn void bench_die(const char *format, ...) JIT_PRINTF(1, 2);

/* The host's allocator for engines under test. Counts in one thread only. */
typedef struct heap_count {
    size_t live, peak, calls; /* bytes, bytes, calls of alloc */
} heap_count;
extern heap_count bench_heap;
extern const jit_allocator bench_allocator;

#endif
