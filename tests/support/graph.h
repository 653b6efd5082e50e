/* graph.h - functions made of control flow only, and a small random generator for tests. */
#ifndef TESTS_GRAPH_H
#define TESTS_GRAPH_H

#include "ir/func.h"

static inline uint32_t test_random(uint64_t *state) /* seeds are fixed: tests repeat exactly */
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(hash_mix(*state) >> 16);
}

/* A function of n blocks; begin and end each block in order, with graph_block(). */
jit_func *graph_new(uint32_t nblocks);
/* Fills the next block: a branch to n successors (n is 0: return). */
void graph_block(jit_func *f, const uint32_t *successors, uint32_t n);
/* nblocks with up to 3 successors each, none of which is the entry. */
jit_func *graph_random(uint32_t nblocks, uint64_t *seed);

#endif
