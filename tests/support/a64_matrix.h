/* a64_matrix.h - every AArch64 row in every shape of its operands, for tests that hold the encoder
 * against other decoders and assemblers. */
#ifndef TEST_A64_MATRIX_H
#define TEST_A64_MATRIX_H

#include "backends/aarch64/a64_emit.h"

typedef struct a64_case {
    unsigned op;
    a64_args args;
    uint32_t word;
    char text[96]; /* as the printer puts it */
} a64_case;

/* Calls visit for each case: each row at each size, each register in each place, all addressing
 * modes, edge immediates; of bit masks and bit-field moves all there are. Returns the number of
 * cases; *failed counts those whose encoding failed. sparse: every 16th only. */
unsigned a64_matrix(bool sparse, void (*visit)(void *user, const a64_case *c), void *user,
                    unsigned *failed);

#endif
