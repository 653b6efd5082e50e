/* ra_gen.h - random input for the register allocators, and a machine that runs what they made. */
#ifndef TESTS_RA_GEN_H
#define TESTS_RA_GEN_H

#include "regalloc/regalloc.h"

typedef struct { uint64_t state; } ra_random;
uint32_t ra_next(ra_random *r);
uint32_t ra_below(ra_random *r, uint32_t n);  /* 0 .. n - 1; n may be 0 */
bool ra_chance(ra_random *r, uint32_t percent);

/* A valid function with no result yet, in tmp. The same seed gives the same function. */
ra_func *ra_generate(uint64_t seed, arena *tmp);

/* Forgets all results, so that another allocator may run. */
void ra_forget(ra_func *f);

/* The fast allocator over all blocks, its moves put together. */
void ra_run_fast(ra_func *f, arena *tmp);

/* Follows a random path for at most `steps` instructions, with concrete values in registers and
 * slots, beside the meaning of the virtual registers. False when a use reads anything else; where
 * is then the instruction. */
bool ra_simulate(const ra_func *f, uint64_t seed, uint32_t steps, uint32_t *where, arena *tmp);

/* Prints the function with what was allocated. */
void ra_print(const ra_func *f);

#endif
